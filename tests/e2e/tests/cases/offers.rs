//! Offers (TS-8): the best plans as records for a channel to show, with before and after.

use anyhow::{Context, Result, ensure};
use chudian_e2e::{
    Host,
    ground::{BEST_PLAN, OTHER_REGION, PRESENT_PLAN, REGION, store_customer},
    harness::Case,
};
use serde_json::json;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "offers::made_and_listed",
            "an offer names plan, customer, before and after, and its channel finds it",
            made_and_listed,
        ),
        Case::new(
            "offers::regions",
            "a channel of one region sees no offers of another",
            regions,
        ),
    ]
}

fn made_and_listed(host: &Host) -> Result<()> {
    host.ground()?;
    let channel = host.with("channel")?;
    let id = store_customer(&channel, REGION)?;
    let made = channel.post(
        "/tariff/v1/offers",
        &json!({ "customer_id": id, "limit": 1, "channel": "web-hall" }),
    )?;
    ensure!(
        matches!(made.status, 200 | 201),
        "{} {}",
        made.status,
        made.text()
    );
    let text = made.text();
    ensure!(
        text.contains(BEST_PLAN) && text.contains(PRESENT_PLAN),
        "before and after are not named: {text}"
    );
    let list = |query: &str| -> Result<usize> {
        let answer = channel
            .get(&format!("/tariff/v1/offers?limit=100{query}"))?
            .expect_status(200)?;
        let items = answer["items"]
            .as_array()
            .with_context(|| format!("no items: {answer}"))?;
        Ok(items
            .iter()
            .filter(|offer| offer["customer_id"] == id.as_str())
            .count())
    };
    ensure!(
        list(&format!("&customer_id={id}"))? == 1,
        "the offer is not found by its customer"
    );
    ensure!(
        list(&format!("&customer_id={id}&channel=web-hall"))? == 1,
        "the offer is not found by its channel"
    );
    ensure!(
        list(&format!("&customer_id={id}&channel=sms-hall"))? == 0,
        "another channel finds the offer"
    );
    Ok(())
}

fn regions(host: &Host) -> Result<()> {
    host.ground()?;
    let id = store_customer(&host.with("channel")?, REGION)?;
    let made = host.with("channel")?.post(
        "/tariff/v1/offers",
        &json!({ "customer_id": id, "limit": 1, "channel": "web-hall" }),
    )?;
    ensure!(
        matches!(made.status, 200 | 201),
        "{} {}",
        made.status,
        made.text()
    );
    for (region, count) in [(REGION, 1), (OTHER_REGION, 0)] {
        let answer = host
            .in_region("channel", region)?
            .get(&format!("/tariff/v1/offers?limit=100&customer_id={id}"))?;
        let answer = answer.expect_status(200)?;
        ensure!(
            answer["items"].as_array().map(Vec::len) == Some(count),
            "{region}: {answer}"
        );
    }
    Ok(())
}
