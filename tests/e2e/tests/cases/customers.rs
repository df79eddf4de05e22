//! Stored customers: what comes back is what was stored; an import takes what is good and says what is not.

use anyhow::{Context, Result, ensure};
use chudian_e2e::{
    Caller, Host,
    caller::expect_problem,
    ground::{REGION, customer, unique},
    harness::Case,
};
use chudian_test_support::http::Answer;
use serde_json::{Value, json};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "customers::stored_and_replaced",
            "a customer is stored, read again, replaced as a whole, and forgotten",
            stored_and_replaced,
        ),
        Case::new(
            "customers::import",
            "good lines are stored, bad ones are named by line with the field at fault",
            import,
        ),
        Case::new(
            "customers::import_of_nothing_good",
            "an import without a good line stores nothing and says why",
            import_of_nothing_good,
        ),
        Case::new(
            "customers::import_line_ends",
            "line ends of any system, blank lines, and a last line without an end",
            import_line_ends,
        ),
    ]
}

fn stored_and_replaced(host: &Host) -> Result<()> {
    host.ground()?;
    let (channel, admin) = (host.with("channel")?, host.with("admin")?);
    let path = format!("/tariff/v1/customers/{}", unique("customer"));
    let mut document = customer(REGION)?;
    let put = channel.put(&path, &document)?;
    ensure!(
        (200..300).contains(&put.status),
        "{} {}",
        put.status,
        put.text()
    );
    let stored = channel.get(&path)?.expect_status(200)?;
    for member in ["region", "plan_id", "customer_type"] {
        ensure!(
            stored[member] == document[member],
            "{member} is {}",
            stored[member]
        );
    }
    ensure!(
        stored["usage"]["months"] == document["usage"]["months"],
        "the usage is {}",
        stored["usage"]
    );

    // A replacement replaces: the months that it does not have are gone.
    document["usage"]["months"]
        .as_array_mut()
        .context("no months")?
        .truncate(1);
    channel.put(&path, &document)?.expect_status(200)?;
    let replaced = channel.get(&path)?.expect_status(200)?;
    ensure!(
        replaced["usage"]["months"] == document["usage"]["months"],
        "the usage is {}",
        replaced["usage"]
    );

    let forgotten = admin.delete(&path)?;
    ensure!(
        (200..300).contains(&forgotten.status),
        "{} {}",
        forgotten.status,
        forgotten.text()
    );
    expect_problem(&channel.get(&path)?, 404, "customer-unknown")?;
    expect_problem(&admin.delete(&path)?, 404, "customer-unknown")?;
    Ok(())
}

fn line(id: &str, change: impl FnOnce(&mut Value)) -> Result<String> {
    let mut line = customer(REGION)?;
    line["customer_id"] = json!(id);
    change(&mut line);
    Ok(line.to_string())
}

fn send(caller: &Caller, text: &str) -> Result<Answer> {
    caller.send(
        "POST",
        "/tariff/v1/customers/import",
        &[("content-type", "application/x-ndjson")],
        text.as_bytes(),
    )
}

fn import(host: &Host) -> Result<()> {
    host.ground()?;
    let channel = host.with("channel")?;
    let ids: Vec<String> = (0..4).map(|_| unique("import")).collect();
    let lines = [
        line(&ids[0], |_| {})?,
        line(&ids[1], |line| {
            line["usage"]["months"][0]["lines"][2]["kb"] = json!(-1)
        })?,
        "{\"customer_id\": ".to_owned(),
        line(&ids[2], |line| line["usage"]["months"] = json!([]))?,
        line("13812345678", |_| {})?,
        line(&ids[3], |_| {})?,
    ];
    let answer = send(&channel, &(lines.join("\n") + "\n"))?.expect_status(200)?;
    ensure!(answer["accepted"] == 2, "{answer}");
    let rejected = answer["rejected"]
        .as_array()
        .context("no list of what was rejected")?;
    let numbers: Vec<Option<u64>> = rejected
        .iter()
        .map(|entry| entry["line"].as_u64())
        .collect();
    ensure!(numbers == [Some(2), Some(3), Some(4), Some(5)], "{answer}");
    ensure!(
        rejected.iter().all(|entry| entry["errors"]
            .as_array()
            .is_some_and(|errors| !errors.is_empty())),
        "{answer}"
    );
    ensure!(
        rejected[0]
            .to_string()
            .contains("/usage/months/0/lines/2/kb"),
        "the field is not named: {}",
        rejected[0]
    );
    ensure!(
        !answer.to_string().contains("13812345678"),
        "the number is repeated: {answer}"
    );
    for (id, status) in [
        (&ids[0], 200),
        (&ids[1], 404),
        (&ids[2], 404),
        (&ids[3], 200),
    ] {
        let stored = channel.get(&format!("/tariff/v1/customers/{id}"))?;
        ensure!(stored.status == status, "{id} is {}", stored.status);
    }
    Ok(())
}

fn import_of_nothing_good(host: &Host) -> Result<()> {
    host.ground()?;
    let channel = host.with("channel")?;
    let answer = send(&channel, "nonsense\n[]\n{}\n")?.expect_status(200)?;
    ensure!(
        answer["accepted"] == 0
            && answer["rejected"]
                .as_array()
                .is_some_and(|rejected| rejected.len() == 3),
        "{answer}"
    );
    let empty = send(&channel, "")?;
    ensure!(
        matches!(empty.status, 200 | 400 | 422),
        "an empty import is {}",
        empty.status
    );
    Ok(())
}

fn import_line_ends(host: &Host) -> Result<()> {
    host.ground()?;
    let channel = host.with("channel")?;
    let (first, second) = (unique("import"), unique("import"));
    let text = format!(
        "{}\r\n\r\n\n{}",
        line(&first, |_| {})?,
        line(&second, |_| {})?
    );
    let answer = send(&channel, &text)?.expect_status(200)?;
    ensure!(
        answer["accepted"] == 2 && answer["rejected"].as_array().is_some_and(Vec::is_empty),
        "{answer}"
    );
    for id in [first, second] {
        channel
            .get(&format!("/tariff/v1/customers/{id}"))?
            .expect_status(200)?;
    }
    Ok(())
}
