//! Pages of a list: walked to the end, nothing is lost and nothing comes twice, whatever the page size.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use chudian_e2e::{
    Caller, Host,
    ground::{REGION, new_catalogue, store_customer, unique},
    harness::Case,
};
use serde_json::{Value, json};

/// More pages than any walk here has: a cursor that leads in a circle is found.
const PAGES_MAX: usize = 200;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("paging::catalogues", "versions, newest first", catalogues),
        Case::new(
            "paging::catalogues_while_growing",
            "versions that come while the list is walked move nothing",
            catalogues_while_growing,
        ),
        Case::new("paging::plans", "the plans on sale", plans),
        Case::new(
            "paging::offers",
            "a customer's offers, oldest first",
            offers,
        ),
    ]
}

/// Walks a list and returns its items.
fn walk(
    caller: &Caller,
    path: &str,
    limit: usize,
    mut between: impl FnMut() -> Result<()>,
) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let sign = if path.contains('?') { '&' } else { '?' };
        let at = cursor
            .as_ref()
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        let page = caller
            .get(&format!("{path}{sign}limit={limit}{at}"))?
            .expect_status(200)?;
        let new = page["items"]
            .as_array()
            .with_context(|| format!("no items: {page}"))?;
        ensure!(
            new.len() <= limit,
            "{} items on a page of {limit}",
            new.len()
        );
        items.extend(new.iter().cloned());
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return Ok(items);
        }
        between()?;
    }
    anyhow::bail!("the list has no end")
}

/// Walks it with several page sizes; each walk must give the same items, none twice. Returns them.
fn walk_all_ways(caller: &Caller, path: &str, id: &str) -> Result<Vec<String>> {
    let mut walks = Vec::new();
    for limit in [100, 7, 2, 1] {
        let ids: Vec<String> = walk(caller, path, limit, || Ok(()))?
            .iter()
            .map(|item| {
                item[id]
                    .as_str()
                    .map(str::to_owned)
                    .with_context(|| format!("no {id} in {item}"))
            })
            .collect::<Result<_>>()?;
        let distinct: BTreeSet<&String> = ids.iter().collect();
        ensure!(
            distinct.len() == ids.len(),
            "something comes twice in pages of {limit}: {ids:?}"
        );
        walks.push(ids);
    }
    ensure!(
        walks.iter().all(|walk| *walk == walks[0]),
        "the walks differ: {walks:?}"
    );
    Ok(walks.swap_remove(0))
}

fn import(host: &Host) -> Result<String> {
    let answer = host
        .with("analyst")?
        .post("/tariff/v1/catalogues", &new_catalogue()?)?
        .expect_status(201)?;
    Ok(answer["version"].as_str().context("no version")?.to_owned())
}

fn catalogues(host: &Host) -> Result<()> {
    let mut made: Vec<String> = (0..9).map(|_| import(host)).collect::<Result<_>>()?;
    let listed = walk_all_ways(&host.with("analyst")?, "/tariff/v1/catalogues", "version")?;
    made.reverse();
    let found: Vec<String> = listed
        .into_iter()
        .filter(|version| made.contains(version))
        .collect();
    ensure!(
        found == made,
        "newest first: wanted {made:?}, found {found:?}"
    );
    Ok(())
}

fn catalogues_while_growing(host: &Host) -> Result<()> {
    let made: Vec<String> = (0..6).map(|_| import(host)).collect::<Result<_>>()?;
    let walked = walk(&host.with("analyst")?, "/tariff/v1/catalogues", 2, || {
        import(host).map(drop)
    });
    // New versions come first, so a walk that goes by place would see old ones twice; it would also never end.
    let versions: Vec<String> = walked?
        .iter()
        .filter_map(|item| item["version"].as_str().map(str::to_owned))
        .collect();
    for version in &made {
        ensure!(
            versions.iter().filter(|seen| *seen == version).count() == 1,
            "{version} is not there exactly once: {versions:?}"
        );
    }
    Ok(())
}

fn plans(host: &Host) -> Result<()> {
    host.ground()?;
    let ids = walk_all_ways(&host.with("hall")?, "/tariff/v1/plans", "plan_id")?;
    ensure!(
        ids.len() == 8,
        "eight plans of the catalogue are on sale: {ids:?}"
    );
    Ok(())
}

fn offers(host: &Host) -> Result<()> {
    host.ground()?;
    let channel = host.with("channel")?;
    let id = store_customer(&channel, REGION)?;
    for _ in 0..5 {
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", &unique("offer")),
        ];
        let body = json!({ "customer_id": id, "limit": 1, "channel": "web-hall" }).to_string();
        let made = channel.send("POST", "/tariff/v1/offers", &headers, body.as_bytes())?;
        ensure!(
            matches!(made.status, 200 | 201),
            "{} {}",
            made.status,
            made.text()
        );
    }
    let offers = walk_all_ways(
        &channel,
        &format!("/tariff/v1/offers?customer_id={id}"),
        "offer_id",
    )?;
    ensure!(!offers.is_empty(), "no offers");
    Ok(())
}
