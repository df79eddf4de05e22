//! Catalogues: the same bytes are the same version, what is stored is what was sent, and a date decides which is in force.

use anyhow::{Context, Result, ensure};
use chudian_e2e::{
    Host,
    caller::expect_problem,
    ground::{
        CATALOGUE, Ground, days_from_today, new_catalogue, profile, sha256_of, today, usage,
        version_of,
    },
    harness::Case,
};
use serde_json::{Value, json};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "catalogue::import",
            "new bytes are a new version (201), the same bytes the same one (200)",
            import,
        ),
        Case::new(
            "catalogue::export",
            "the export is byte for byte what was imported",
            export,
        ),
        Case::new(
            "catalogue::facts",
            "facts of a version, and of one that does not exist",
            facts,
        ),
        Case::new(
            "catalogue::validate",
            "validating stores nothing, and finds what importing would find",
            validate,
        ),
        Case::new(
            "catalogue::activation",
            "the date decides: before it the old catalogue holds, from it on the new one",
            activation,
        ),
        Case::new(
            "catalogue::activation_refused",
            "a date that has passed, an unknown version, no date at all",
            activation_refused,
        ),
        Case::new(
            "catalogue::plans",
            "the plans on sale on a day, by brand and region",
            plans,
        ),
    ]
}

fn import(host: &Host) -> Result<()> {
    let analyst = host.with("analyst")?;
    let bytes = new_catalogue()?.to_string();
    let first = analyst
        .post_bytes("/tariff/v1/catalogues", bytes.as_bytes())?
        .expect_status(201)?;
    ensure!(
        first["version"] == version_of(bytes.as_bytes()),
        "the version is {}",
        first["version"]
    );
    ensure!(
        first["sha256"] == sha256_of(bytes.as_bytes()),
        "the hash is {}",
        first["sha256"]
    );
    ensure!(
        first["plan_count"] == 10 && first["add_on_count"] == 1,
        "{first}"
    );
    ensure!(first["warnings"].is_array(), "{first}");
    let again = analyst
        .post_bytes("/tariff/v1/catalogues", bytes.as_bytes())?
        .expect_status(200)?;
    ensure!(again["version"] == first["version"]);
    // One space more is another document, though it says the same.
    let spaced = analyst
        .post_bytes("/tariff/v1/catalogues", format!("{bytes} ").as_bytes())?
        .expect_status(201)?;
    ensure!(
        spaced["version"] != first["version"],
        "other bytes, the same version"
    );
    Ok(())
}

fn export(host: &Host) -> Result<()> {
    let analyst = host.with("analyst")?;
    let version = &host.ground()?.version;
    let answer = analyst.get(&format!("/tariff/v1/catalogues/{version}/export"))?;
    ensure!(
        answer.status == 200 && answer.body == CATALOGUE.as_bytes(),
        "{}: {} bytes",
        answer.status,
        answer.body.len()
    );
    let tag = answer.header("etag").context("no etag")?;
    ensure!(
        tag == format!("\"{}\"", sha256_of(CATALOGUE.as_bytes())),
        "the etag is {tag}"
    );
    let known = analyst.send(
        "GET",
        &format!("/tariff/v1/catalogues/{version}/export"),
        &[("if-none-match", tag)],
        &[],
    )?;
    ensure!(
        known.status == 304 && known.body.is_empty(),
        "known bytes are sent again: {}",
        known.status
    );
    Ok(())
}

fn facts(host: &Host) -> Result<()> {
    let analyst = host.with("analyst")?;
    let version = &host.ground()?.version;
    let facts = analyst
        .get(&format!("/tariff/v1/catalogues/{version}"))?
        .expect_status(200)?;
    ensure!(
        facts["version"] == *version && facts["plan_count"] == 10,
        "{facts}"
    );
    for (unknown, code) in [
        ("0000000000000000", "catalogue-unknown"),
        ("not-a-version", ""),
    ] {
        for path in [
            format!("/tariff/v1/catalogues/{unknown}"),
            format!("/tariff/v1/catalogues/{unknown}/export"),
        ] {
            let answer = analyst.get(&path)?;
            ensure!(
                (400..=404).contains(&answer.status),
                "{path} is {}",
                answer.status
            );
            if !code.is_empty() {
                expect_problem(&answer, 404, code)?;
            }
        }
    }
    Ok(())
}

fn validate(host: &Host) -> Result<()> {
    let analyst = host.with("analyst")?;
    let good = new_catalogue()?.to_string();
    let answer = analyst
        .post_bytes("/tariff/v1/catalogues/validate", good.as_bytes())?
        .expect_status(200)?;
    ensure!(
        answer["valid"] == true && answer["errors"].as_array().is_some_and(Vec::is_empty),
        "{answer}"
    );
    let version = version_of(good.as_bytes());
    expect_problem(
        &analyst.get(&format!("/tariff/v1/catalogues/{version}"))?,
        404,
        "catalogue-unknown",
    )?;

    // Three faults in one document: all of them are reported at once, each at its place.
    let mut bad = new_catalogue()?;
    bad["plans"][0]["rates"][0]["tiers"] =
        json!([{ "price": "0.1" }, { "up_to": 5, "price": "0.2" }]);
    bad["plans"][1]["brand"] = json!("no-such-brand");
    bad["plans"][2]["monthly_fee"] = json!("-1");
    let answer = analyst
        .post("/tariff/v1/catalogues/validate", &bad)?
        .expect_status(200)?;
    ensure!(answer["valid"] == false, "{answer}");
    let pointers: Vec<&str> = answer["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|error| error["pointer"].as_str())
        .collect();
    for place in [
        "/plans/0/rates/0/tiers",
        "/plans/1/brand",
        "/plans/2/monthly_fee",
    ] {
        ensure!(
            pointers.iter().any(|pointer| pointer.starts_with(place)),
            "nothing is said about {place}: {pointers:?}"
        );
    }
    let refused = analyst.post("/tariff/v1/catalogues", &bad)?;
    let refused = expect_problem(&refused, 422, "catalogue-invalid")?;
    ensure!(
        refused["errors"] == answer["errors"],
        "importing finds other errors than validating:\n{}\n{}",
        refused["errors"],
        answer["errors"]
    );
    Ok(())
}

/// The catalogue version that a simulation on that day names.
fn version_in_force(host: &Host, day: &str) -> Result<Value> {
    let request =
        json!({ "usage": usage()?, "profile": profile("zs01"), "as_of": day, "limit": 1 });
    let answer = host
        .with("hall")?
        .post("/tariff/v1/simulations", &request)?
        .expect_status(200)?;
    Ok(answer["catalogue_version"].clone())
}

fn activation(host: &Host) -> Result<()> {
    let Ground { version, .. } = host.ground()?;
    let approver = host.with("approver")?;
    let newer = new_catalogue()?.to_string();
    host.with("analyst")?
        .post_bytes("/tariff/v1/catalogues", newer.as_bytes())?
        .expect_status(201)?;
    let newer = version_of(newer.as_bytes());
    let (from, before) = (days_from_today(40)?, days_from_today(39)?);
    let put = approver.put(
        &format!("/tariff/v1/activations/{from}"),
        &json!({ "version": newer }),
    )?;
    ensure!(
        (200..300).contains(&put.status),
        "{} {}",
        put.status,
        put.text()
    );

    let listed = host.with("hall")?.get("/tariff/v1/activations")?;
    ensure!(
        listed.text().contains(&newer) && listed.text().contains(&from.to_string()),
        "not listed: {}",
        listed.text()
    );
    ensure!(
        version_in_force(host, &before.to_string())? == *version,
        "the new catalogue is in force before its day"
    );
    ensure!(
        version_in_force(host, &from.to_string())? == newer,
        "the new catalogue is not in force on its day"
    );
    ensure!(version_in_force(host, &today()?.to_string())? == *version);

    let removed = approver.delete(&format!("/tariff/v1/activations/{from}"))?;
    ensure!(
        (200..300).contains(&removed.status),
        "{} {}",
        removed.status,
        removed.text()
    );
    ensure!(
        version_in_force(host, &from.to_string())? == *version,
        "it is in force though it was taken back"
    );
    let again = approver.delete(&format!("/tariff/v1/activations/{from}"))?;
    ensure!(
        again.status == 404,
        "what is not there was taken back: {}",
        again.status
    );
    Ok(())
}

fn activation_refused(host: &Host) -> Result<()> {
    let Ground { version, from } = host.ground()?;
    let approver = host.with("approver")?;
    let past = approver.put(
        "/tariff/v1/activations/2020-01-01",
        &json!({ "version": version }),
    )?;
    expect_problem(&past, 422, "activation-in-the-past")?;
    let in_force = approver.delete(&format!("/tariff/v1/activations/{from}"))?;
    ensure!(
        (400..500).contains(&in_force.status),
        "what is in force was taken back: {}",
        in_force.status
    );
    let unknown = approver.put(
        "/tariff/v1/activations/2097-01-01",
        &json!({ "version": "0000000000000000" }),
    )?;
    ensure!((404..=422).contains(&unknown.status), "{}", unknown.status);
    for no_date in ["2097-13-01", "2097-02-30", "tomorrow", "20970101"] {
        let answer = approver.put(
            &format!("/tariff/v1/activations/{no_date}"),
            &json!({ "version": version }),
        )?;
        ensure!(
            (400..500).contains(&answer.status),
            "{no_date} is {}",
            answer.status
        );
    }
    let listed = host.with("approver")?.get("/tariff/v1/activations")?.text();
    ensure!(
        !listed.contains("2097-") && !listed.contains("2020-01-01"),
        "something refused is listed: {listed}"
    );
    Ok(())
}

fn plans(host: &Host) -> Result<()> {
    host.ground()?;
    let hall = host.with("hall")?;
    let ids = |query: &str| -> Result<Vec<String>> {
        let answer = hall
            .get(&format!("/tariff/v1/plans?limit=100{query}"))?
            .expect_status(200)?;
        let items = answer["items"]
            .as_array()
            .with_context(|| format!("no items: {answer}"))?;
        Ok(items
            .iter()
            .filter_map(|plan| {
                plan["id"]
                    .as_str()
                    .or(plan["plan_id"].as_str())
                    .map(str::to_owned)
            })
            .collect())
    };
    let has = |list: &[String], id: &str| list.iter().any(|known| known == id);
    let now = ids("")?;
    ensure!(
        has(&now, "e2e-48") && !has(&now, "e2e-withdrawn") && !has(&now, "e2e-not-yet"),
        "{now:?}"
    );
    let later = ids("&on=2098-01-01")?;
    ensure!(has(&later, "e2e-not-yet"), "{later:?}");
    let gotone = ids("&brand=gotone")?;
    ensure!(
        has(&gotone, "e2e-58") && !has(&gotone, "e2e-48"),
        "{gotone:?}"
    );
    let zhoushan = ids("&region=zs01")?;
    ensure!(
        has(&zhoushan, "e2e-48") && !has(&zhoushan, "e2e-hz-only"),
        "{zhoushan:?}"
    );
    Ok(())
}
