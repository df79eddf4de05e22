//! Bills: every line adds up, every plan's bill is the month's total of the simulation, and an old bill can be proved again.

use anyhow::{Context, Result, ensure};
use chudian_e2e::{
    Host,
    ground::{
        REGION, days_from_today, new_catalogue, profile, store_customer, unique, usage, version_of,
    },
    harness::Case,
};
use serde_json::{Value, json};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "bills::add_up",
            "for every returned plan and month the bill's lines add up to the simulation's total",
            add_up,
        ),
        Case::new(
            "bills::by_hand",
            "the lines of one bill are those that were worked out by hand",
            by_hand,
        ),
        Case::new(
            "bills::proved_again",
            "a bill of an older catalogue is the same after a newer one came into force",
            proved_again,
        ),
    ]
}

fn sum_of_lines(bill: &Value) -> Result<i64> {
    let lines = bill["lines"]
        .as_array()
        .with_context(|| format!("no lines in {bill}"))?;
    ensure!(!lines.is_empty(), "a bill without a line");
    lines
        .iter()
        .map(|line| {
            line["amount_fen"]
                .as_i64()
                .with_context(|| format!("no amount in {line}"))
        })
        .sum()
}

fn add_up(host: &Host) -> Result<()> {
    host.ground()?;
    let hall = host.with("hall")?;
    let id = store_customer(&host.with("channel")?, REGION)?;
    let answer = hall
        .post(
            "/tariff/v1/simulations",
            &json!({ "customer_id": id, "limit": 200 }),
        )?
        .expect_status(200)?;
    let rows: Vec<&Value> = answer["ranking"]
        .as_array()
        .into_iter()
        .flatten()
        .chain([&answer["present"]])
        .collect();
    ensure!(rows.len() >= 3, "only {} plans", rows.len());
    for row in rows {
        let add_ons: Vec<Value> = row["add_ons"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|add_on| json!({ "id": add_on["id"], "quantity": add_on["quantity"] }))
            .collect();
        let mut sum_fen = 0;
        for (month, total_fen) in answer["months"]
            .as_array()
            .into_iter()
            .flatten()
            .zip(row["monthly_total_fen"].as_array().into_iter().flatten())
        {
            let request = json!({
                "customer_id": id, "month": month, "plan_id": row["plan_id"], "add_ons": add_ons,
                "catalogue_version": answer["catalogue_version"],
            });
            let bill = hall
                .post("/tariff/v1/bills", &request)?
                .expect_status(200)?;
            let lines_fen = sum_of_lines(&bill)?;
            ensure!(
                bill["total_fen"] == lines_fen,
                "{} in {month}: the lines add up to {lines_fen}, the bill says {}",
                row["plan_id"],
                bill["total_fen"]
            );
            ensure!(
                *total_fen == lines_fen,
                "{} in {month}: the simulation says {total_fen}, the bill {lines_fen}",
                row["plan_id"]
            );
            sum_fen += lines_fen;
        }
        ensure!(
            row["total_fen"] == sum_fen,
            "{}: {sum_fen} over all months, the simulation says {}",
            row["plan_id"],
            row["total_fen"]
        );
    }
    Ok(())
}

fn by_hand(host: &Host) -> Result<()> {
    host.ground()?;
    let request = json!({ "usage": usage()?, "profile": profile(REGION), "month": "2026-05", "plan_id": "e2e-payg", "add_ons": [] });
    let bill = host
        .with("hall")?
        .post("/tariff/v1/bills", &request)?
        .expect_status(200)?;
    ensure!(
        bill["plan_id"] == "e2e-payg" && bill["month"] == "2026-05" && bill["total_fen"] == 6130,
        "{bill}"
    );
    let amount = |id: &str| -> Option<i64> {
        let line = bill["lines"]
            .as_array()?
            .iter()
            .find(|line| line["id"] == id)?;
        line["amount_fen"].as_i64()
    };
    for (id, amount_fen) in [("calls", 3000), ("data", 2930), ("sms", 200)] {
        ensure!(
            amount(id) == Some(amount_fen),
            "{id} is {:?} fen: {bill}",
            amount(id)
        );
    }
    let data = bill["lines"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|line| line["id"] == "data")
        .context("no line")?;
    ensure!(
        data["unrounded"].to_string().contains("29.296875"),
        "what was rounded is not shown exactly: {data}"
    );
    Ok(())
}

fn proved_again(host: &Host) -> Result<()> {
    // An old price list, and a newer one with another fee, which comes into force.
    let (analyst, approver, hall) = (
        host.with("analyst")?,
        host.with("approver")?,
        host.with("hall")?,
    );
    host.ground()?;
    let mut document = new_catalogue()?;
    let old = document.to_string();
    document["plans"][2]["monthly_fee"] = json!("49");
    document["id"] = json!(unique("newer"));
    let new = document.to_string();
    for bytes in [&old, &new] {
        analyst
            .post_bytes("/tariff/v1/catalogues", bytes.as_bytes())?
            .expect_status(201)?;
    }
    let (old, new) = (version_of(old.as_bytes()), version_of(new.as_bytes()));
    let bill = |version: &str| -> Result<Value> {
        let request = json!({ "usage": usage()?, "profile": profile(REGION), "month": "2026-05", "plan_id": "e2e-48", "add_ons": [], "catalogue_version": version });
        hall.post("/tariff/v1/bills", &request)?.expect_status(200)
    };
    let before = bill(&old)?;
    let day = days_from_today(80)?;
    let path = format!("/tariff/v1/activations/{day}");
    let put = approver.put(&path, &json!({ "version": new }))?;
    ensure!(
        (200..300).contains(&put.status),
        "{} {}",
        put.status,
        put.text()
    );
    let after = bill(&old);
    let newer = bill(&new);
    approver.delete(&path)?;
    let (after, newer) = (after?, newer?);
    ensure!(before == after, "the old bill changed:\n{before}\n{after}");
    ensure!(
        before["total_fen"] == 4800 && newer["total_fen"] == 4900,
        "{} and {}",
        before["total_fen"],
        newer["total_fen"]
    );
    ensure!(
        before["proof"]
            .as_str()
            .is_some_and(|proof| proof.len() == 64)
            && before["proof"] != newer["proof"],
        "{} {}",
        before["proof"],
        newer["proof"]
    );
    Ok(())
}
