//! Ranking rules (TS-4): each region its own, `default` where there is none.

use anyhow::{Result, ensure};
use chudian_e2e::{
    Host,
    ground::{BEST_PLAN, OTHER_REGION, REGION, profile, usage},
    harness::Case,
};
use serde_json::{Value, json};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "rules::per_region",
            "a region's rule ranks that region's customers and no others",
            per_region,
        ),
        Case::new(
            "rules::default",
            "a region without a rule of its own has the default one",
            default_rule,
        ),
        Case::new(
            "rules::in_the_request",
            "a request may override parts of the rule, for itself only",
            in_the_request,
        ),
    ]
}

fn ranked(host: &Host, region: &str, rule: Value) -> Result<Vec<String>> {
    let request =
        json!({ "usage": usage()?, "profile": profile(region), "limit": 200, "rule": rule });
    let answer = host
        .with("hall")?
        .post("/tariff/v1/simulations", &request)?
        .expect_status(200)?;
    let rows = answer["ranking"].as_array().cloned().unwrap_or_default();
    Ok(rows
        .iter()
        .filter_map(|row| row["plan_id"].as_str().map(str::to_owned))
        .collect())
}

fn has_best(plans: &[String]) -> bool {
    plans.iter().any(|plan| plan == BEST_PLAN)
}

/// A rule that nothing meets: nobody saves a thousand yuan a month here.
fn strict() -> Value {
    json!({ "saving_min": "1000" })
}

fn per_region(host: &Host) -> Result<()> {
    host.ground()?;
    let analyst = host.with("analyst")?;
    let path = format!("/tariff/v1/rules/{OTHER_REGION}");
    let before = analyst.get(&path)?.expect_status(200)?;
    let put = analyst.put(&path, &strict())?;
    let outcome = (|| {
        ensure!(
            (200..300).contains(&put.status),
            "{} {}",
            put.status,
            put.text()
        );
        ensure!(
            !has_best(&ranked(host, OTHER_REGION, Value::Null)?),
            "the region's rule is not used"
        );
        ensure!(
            has_best(&ranked(host, REGION, Value::Null)?),
            "another region's rule is used"
        );
        ensure!(
            analyst.get(&path)?.text().contains("1000"),
            "the rule is not shown"
        );
        Ok(())
    })();
    // Whatever was found: other cases stand on the rule as it was.
    let rule = before.get("rule").unwrap_or(&before);
    let back = analyst.put(&path, rule)?;
    outcome?;
    ensure!(
        (200..300).contains(&back.status),
        "what was shown cannot be stored again: {} {}",
        back.status,
        back.text()
    );
    ensure!(
        has_best(&ranked(host, OTHER_REGION, Value::Null)?),
        "the rule that was put back is not used"
    );
    Ok(())
}

fn default_rule(host: &Host) -> Result<()> {
    host.ground()?;
    let analyst = host.with("analyst")?;
    let default = analyst
        .get("/tariff/v1/rules/default")?
        .expect_status(200)?;
    let of_nobody = analyst
        .get("/tariff/v1/rules/e2e-no-such-region")?
        .expect_status(200)?;
    let rule = |answer: &Value| answer.get("rule").unwrap_or(answer).clone();
    ensure!(
        rule(&default) == rule(&of_nobody),
        "{default} and {of_nobody}"
    );
    Ok(())
}

fn in_the_request(host: &Host) -> Result<()> {
    host.ground()?;
    ensure!(has_best(&ranked(host, REGION, Value::Null)?));
    ensure!(
        !has_best(&ranked(host, REGION, strict())?),
        "the request's rule is not used"
    );
    ensure!(
        has_best(&ranked(host, REGION, Value::Null)?),
        "the request's rule outlived it"
    );
    Ok(())
}
