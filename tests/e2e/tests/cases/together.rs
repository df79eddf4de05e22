//! Requests at the same time: their outcome is one that they could have had one after the other.

use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use chudian_e2e::{
    Host,
    ground::{REGION, customer, days_from_today, new_catalogue, unique, version_of},
    harness::Case,
};
use chudian_test_support::http::Answer;
use serde_json::json;

/// Requests at once: more than the machine has cores, fewer than any queue is long.
const AT_ONCE: usize = 8;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "together::imports",
            "the same catalogue imported at once is stored once",
            imports,
        ),
        Case::new(
            "together::customers",
            "one customer stored at once ends as one of those who were sent, whole",
            customers,
        ),
        Case::new(
            "together::activations",
            "two versions put in force from one day at once: one of them is",
            activations,
        ),
        Case::new(
            "together::others_are_served",
            "a long import does not keep others from being served",
            others_are_served,
        ),
    ]
}

/// Does something so many times at once.
fn at_once(what: impl Fn(usize) -> Result<Answer> + Sync) -> Result<Vec<Answer>> {
    thread::scope(|scope| {
        let what = &what;
        let running: Vec<_> = (0..AT_ONCE)
            .map(|number| scope.spawn(move || what(number)))
            .collect();
        running
            .into_iter()
            .map(|one| one.join().map_err(|_| anyhow!("a request panicked"))?)
            .collect()
    })
}

fn imports(host: &Host) -> Result<()> {
    let analyst = host.with("analyst")?;
    let bytes = new_catalogue()?.to_string();
    let answers = at_once(|_| analyst.post_bytes("/tariff/v1/catalogues", bytes.as_bytes()))?;
    let new = answers.iter().filter(|answer| answer.status == 201).count();
    let known = answers.iter().filter(|answer| answer.status == 200).count();
    ensure!(
        new == 1 && known == AT_ONCE - 1,
        "{:?}",
        answers
            .iter()
            .map(|answer| (answer.status, answer.text()))
            .collect::<Vec<_>>()
    );
    analyst
        .get(&format!(
            "/tariff/v1/catalogues/{}",
            version_of(bytes.as_bytes())
        ))?
        .expect_status(200)?;
    Ok(())
}

fn customers(host: &Host) -> Result<()> {
    host.ground()?;
    let channel = host.with("channel")?;
    let path = format!("/tariff/v1/customers/{}", unique("together"));
    // Each sends another volume, the same in every month: a mixture of two would show.
    let volume = |number: usize| 1000 + number as u64;
    let answers = at_once(|number| {
        let mut document = customer(REGION)?;
        for month in document["usage"]["months"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            month["lines"][2]["kb"] = json!(volume(number));
        }
        channel.put(&path, &document)
    })?;
    ensure!(
        answers
            .iter()
            .all(|answer| (200..300).contains(&answer.status)),
        "{:?}",
        answers
            .iter()
            .map(|answer| answer.text())
            .collect::<Vec<_>>()
    );
    let stored = channel.get(&path)?.expect_status(200)?;
    let volumes: Vec<u64> = stored["usage"]["months"]
        .as_array()
        .context("no months")?
        .iter()
        .filter_map(|month| month["lines"][2]["kb"].as_u64())
        .collect();
    ensure!(
        volumes.len() == 6 && volumes.iter().all(|kb| *kb == volumes[0]),
        "a mixture was stored: {volumes:?}"
    );
    ensure!(
        (0..AT_ONCE).any(|number| volume(number) == volumes[0]),
        "{volumes:?}"
    );
    Ok(())
}

fn activations(host: &Host) -> Result<()> {
    host.ground()?;
    let (analyst, approver) = (host.with("analyst")?, host.with("approver")?);
    let mut versions = Vec::new();
    for _ in 0..2 {
        let bytes = new_catalogue()?.to_string();
        analyst
            .post_bytes("/tariff/v1/catalogues", bytes.as_bytes())?
            .expect_status(201)?;
        versions.push(version_of(bytes.as_bytes()));
    }
    let day = days_from_today(120)?.to_string();
    let path = format!("/tariff/v1/activations/{day}");
    let answers =
        at_once(|number| approver.put(&path, &json!({ "version": versions[number % 2] })))?;
    let listed = approver.get("/tariff/v1/activations")?.text();
    approver.delete(&path)?;
    ensure!(
        answers
            .iter()
            .all(|answer| (200..300).contains(&answer.status)),
        "{:?}",
        answers
            .iter()
            .map(|answer| answer.text())
            .collect::<Vec<_>>()
    );
    ensure!(
        listed.matches(&day).count() == 1,
        "{day} is not listed once: {listed}"
    );
    ensure!(
        versions
            .iter()
            .filter(|version| listed.contains(version.as_str()))
            .count()
            == 1,
        "not one of the two: {listed}"
    );
    Ok(())
}

fn others_are_served(host: &Host) -> Result<()> {
    host.ground()?;
    let channel = host.with("channel")?;
    let mut line = customer(REGION)?;
    let text: String = (0..600)
        .map(|_| {
            line["customer_id"] = json!(unique("long-import"));
            format!("{line}\n")
        })
        .collect();
    let headers = [("content-type", "application/x-ndjson")];
    let hall = host.with("hall")?;
    thread::scope(|scope| {
        let import = scope.spawn(|| {
            channel.send(
                "POST",
                "/tariff/v1/customers/import",
                &headers,
                text.as_bytes(),
            )
        });
        let mut served = 0;
        while !import.is_finished() {
            let answer = hall.get("/tariff/v1/activations")?;
            ensure!(
                answer.status == 200,
                "while an import runs: {} {}",
                answer.status,
                answer.text()
            );
            served += 1;
        }
        let answer = import
            .join()
            .map_err(|_| anyhow!("the import panicked"))??
            .expect_status(200)?;
        ensure!(answer["accepted"] == 600, "{answer}");
        ensure!(served > 0, "nothing was served besides the import");
        Ok(())
    })
}
