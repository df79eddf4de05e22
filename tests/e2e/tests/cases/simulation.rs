//! Simulations: figures that were worked out by hand, one answer for one question however it is asked, and a reason for
//! every plan that is not in the ranking.

use anyhow::{Context, Result, ensure};
use chudian_e2e::{
    Host,
    ground::{
        BEST_FEN, BEST_PLAN, NOT_FOR_THE_CUSTOMER, PRESENT_FEN, PRESENT_PLAN, REGION, catalogue,
        profile, store_customer, usage,
    },
    harness::Case,
};
use serde_json::{Value, json};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "simulation::by_hand",
            "present plan and best plan cost what the table in `ground.rs` says, to the fen",
            by_hand,
        ),
        Case::new(
            "simulation::add_ons",
            "a plan is compared with its best add-ons",
            add_ons,
        ),
        Case::new(
            "simulation::stored_and_inline",
            "a stored customer and the same facts inline get the same answer",
            stored_and_inline,
        ),
        Case::new(
            "simulation::compact_and_full",
            "full says what compact says, and every line besides",
            compact_and_full,
        ),
        Case::new(
            "simulation::languages",
            "names and reasons are Chinese or English as the reader asks, figures the same",
            languages,
        ),
        Case::new(
            "simulation::what_if",
            "usage scaled by what-if costs what that usage costs, exactly",
            what_if,
        ),
        Case::new(
            "simulation::left_out",
            "every plan of the catalogue is ranked or left out with its reasons",
            left_out,
        ),
        Case::new(
            "simulation::candidates_and_limit",
            "only the candidates are compared, and no more are returned than asked for",
            candidates_and_limit,
        ),
        Case::new(
            "simulation::same_proof",
            "the same question has the same proof; another question another",
            same_proof,
        ),
    ]
}

fn simulate(host: &Host, change: impl FnOnce(&mut Value)) -> Result<Value> {
    host.ground()?;
    let mut request =
        json!({ "usage": usage()?, "profile": profile(REGION), "limit": 200, "detail": "compact" });
    change(&mut request);
    host.with("hall")?
        .post("/tariff/v1/simulations", &request)?
        .expect_status(200)
}

fn row<'a>(answer: &'a Value, plan: &str) -> Result<&'a Value> {
    answer["ranking"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|row| row["plan_id"] == plan)
        .with_context(|| format!("{plan} is not ranked: {answer}"))
}

fn by_hand(host: &Host) -> Result<()> {
    let answer = simulate(host, |_| {})?;
    let sum = |months: [i64; 6]| months.iter().sum::<i64>();
    ensure!(
        answer["estimated"] == false,
        "the usage is exact, yet the answer is called an estimate"
    );
    ensure!(
        answer["months"]
            == json!([
                "2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10"
            ]),
        "{}",
        answer["months"]
    );
    let present = &answer["present"];
    ensure!(
        present["plan_id"] == PRESENT_PLAN && present["monthly_total_fen"] == json!(PRESENT_FEN),
        "{present}"
    );
    ensure!(present["total_fen"] == sum(PRESENT_FEN), "{present}");

    let best = &answer["ranking"][0];
    ensure!(
        best["rank"] == 1 && best["plan_id"] == BEST_PLAN,
        "the first is {best}"
    );
    ensure!(
        best["monthly_total_fen"] == json!(BEST_FEN) && best["total_fen"] == sum(BEST_FEN),
        "{best}"
    );
    // 61.30 against 48.00 in four months; 30.65 against 48.00 in two.
    let saving = &best["saving"];
    ensure!(
        saving["total_fen"] == sum(PRESENT_FEN) - sum(BEST_FEN),
        "{saving}"
    );
    ensure!(
        saving["worst_month_fen"] == 3065 - 4800 && saving["months_won"] == 4,
        "{saving}"
    );
    // 18.50 over six months are 3.08 a month; the third part of a fen is not shown.
    ensure!(saving["mean_fen"] == 308, "{saving}");
    ensure!(
        best["operator"]["revenue_change_fen"] == sum(BEST_FEN) - sum(PRESENT_FEN),
        "{}",
        best["operator"]
    );
    Ok(())
}

fn add_ons(host: &Host) -> Result<()> {
    let answer = simulate(host, |request| request["candidates"] = json!(["e2e-38"]))?;
    let row = row(&answer, "e2e-38")?;
    // Busy: 38 + 10 + 60 min × 0.19 + 20 × 0.10 = 61.40; quiet: 38 + 10 + 10 × 0.10 = 49.00. Without the booster a busy
    // month's 190,400 KB beyond the allowance cost 18.59 instead of 10.
    ensure!(
        row["add_ons"][0]["id"] == "e2e-data-300m" && row["add_ons"][0]["quantity"] == 1,
        "{row}"
    );
    ensure!(
        row["monthly_total_fen"] == json!([6140, 4900, 6140, 6140, 4900, 6140]),
        "{row}"
    );
    Ok(())
}

fn stored_and_inline(host: &Host) -> Result<()> {
    host.ground()?;
    let id = store_customer(&host.with("channel")?, REGION)?;
    let stored = host
        .with("hall")?
        .post(
            "/tariff/v1/simulations",
            &json!({ "customer_id": id, "limit": 200 }),
        )?
        .expect_status(200)?;
    let inline = simulate(host, |_| {})?;
    for member in [
        "catalogue_version",
        "as_of",
        "months",
        "estimated",
        "present",
        "ranking",
        "left_out",
        "rule",
    ] {
        ensure!(
            stored[member] == inline[member],
            "{member} differs:\n{}\n{}",
            stored[member],
            inline[member]
        );
    }
    Ok(())
}

fn compact_and_full(host: &Host) -> Result<()> {
    let compact = simulate(host, |_| {})?;
    let full = simulate(host, |request| request["detail"] = json!("full"))?;
    let rows = |answer: &Value| answer["ranking"].as_array().cloned().unwrap_or_default();
    ensure!(rows(&compact).len() == rows(&full).len() && !rows(&full).is_empty());
    for (small, large) in rows(&compact).iter().zip(rows(&full)) {
        for (member, value) in small.as_object().context("a row is no object")? {
            ensure!(
                large[member] == *value,
                "{member} differs:\n{value}\n{}",
                large[member]
            );
        }
        let bills = large["bills"]
            .as_array()
            .with_context(|| format!("no bills in {large}"))?;
        ensure!(bills.len() == 6, "{} bills for six months", bills.len());
        for (bill, total) in bills
            .iter()
            .zip(small["monthly_total_fen"].as_array().into_iter().flatten())
        {
            let lines = bill["lines"].as_array().context("a bill without lines")?;
            let sum: i64 = lines
                .iter()
                .filter_map(|line| line["amount_fen"].as_i64())
                .sum();
            ensure!(
                !lines.is_empty() && *total == sum && bill["total_fen"] == sum,
                "the lines of {bill} add up to {sum}, not {total}"
            );
        }
        ensure!(small["bills"].is_null(), "compact has bills");
    }
    Ok(())
}

fn languages(host: &Host) -> Result<()> {
    host.ground()?;
    let hall = host.with("hall")?;
    let body = json!({ "usage": usage()?, "profile": profile(REGION), "limit": 200 }).to_string();
    let ask = |language: &str| -> Result<Value> {
        let headers = [
            ("content-type", "application/json"),
            ("accept-language", language),
        ];
        let answer = hall.send("POST", "/tariff/v1/simulations", &headers, body.as_bytes())?;
        ensure!(
            answer
                .header("content-language")
                .is_some_and(|tag| tag.starts_with(&language[..2])),
            "{:?}",
            answer.header("content-language")
        );
        answer.expect_status(200)
    };
    let (chinese, english) = (ask("zh-CN")?, ask("en")?);
    let catalogue = catalogue()?;
    for (answer, language) in [(&chinese, "zh"), (&english, "en")] {
        for row in answer["ranking"]
            .as_array()
            .into_iter()
            .flatten()
            .chain(answer["left_out"].as_array().into_iter().flatten())
        {
            let plan = catalogue["plans"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|plan| plan["id"] == row["plan_id"]);
            let name = plan.map(|plan| &plan["name"][language]);
            ensure!(
                name == Some(&row["name"]),
                "{language}: {} is called {}",
                row["plan_id"],
                row["name"]
            );
            for reason in row["reasons"].as_array().into_iter().flatten() {
                let text = reason["text"].as_str().unwrap_or_default();
                let is_chinese = text.chars().any(|letter| ('一'..='龥').contains(&letter));
                ensure!(
                    !text.is_empty() && is_chinese == (language == "zh"),
                    "{language}: {reason}"
                );
            }
        }
    }
    let figures = |answer: &Value| -> Vec<Value> {
        answer["ranking"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|row| row["monthly_total_fen"].clone())
            .collect()
    };
    ensure!(
        figures(&chinese) == figures(&english) && chinese["proof"] == english["proof"],
        "the figures depend on the language"
    );
    Ok(())
}

fn what_if(host: &Host) -> Result<()> {
    // Messages doubled, data halved: what that costs is asked once as a what-if and once as usage.
    let asked = simulate(host, |request| {
        request["what_if"] = json!({ "sms": 2000, "data": 500 })
    })?;
    let meant = simulate(host, |request| {
        for month in request["usage"]["months"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            for line in month["lines"].as_array_mut().into_iter().flatten() {
                if line["kind"] == "sms" {
                    line["count"] = json!(line["count"].as_u64().unwrap_or_default() * 2);
                }
                if line["kind"] == "data" {
                    line["kb"] = json!(line["kb"].as_u64().unwrap_or_default() / 2);
                }
            }
        }
    })?;
    for member in ["present", "ranking"] {
        ensure!(
            asked[member] == meant[member],
            "{member} differs:\n{}\n{}",
            asked[member],
            meant[member]
        );
    }
    // By hand: 30.00 + 14.65 + 4.00 and 15.00 + 7.32 + 2.00.
    ensure!(
        asked["present"]["monthly_total_fen"] == json!([4865, 2432, 4865, 4865, 2432, 4865]),
        "{}",
        asked["present"]
    );
    let same = simulate(
        host,
        |request| {
            request["what_if"] =
                json!({ "voice": 1000, "data": 1000, "sms": 1000, "mms": 1000, "wlan": 1000 })
        },
    )?;
    ensure!(
        same["ranking"] == simulate(host, |_| {})?["ranking"],
        "scaling by one changes the answer"
    );
    Ok(())
}

fn left_out(host: &Host) -> Result<()> {
    let answer = simulate(host, |_| {})?;
    let ids = |list: &Value| -> Vec<String> {
        list.as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| row["plan_id"].as_str().map(str::to_owned))
            .collect()
    };
    let (ranked, left_out) = (ids(&answer["ranking"]), ids(&answer["left_out"]));
    for plan in catalogue()?["plans"].as_array().into_iter().flatten() {
        let id = plan["id"].as_str().unwrap_or_default();
        let places = ranked
            .iter()
            .chain(&left_out)
            .filter(|known| *known == id)
            .count();
        ensure!(
            places == 1 || (id == PRESENT_PLAN && places == 0),
            "{id} stands in {places} places: {ranked:?} {left_out:?}"
        );
    }
    for id in NOT_FOR_THE_CUSTOMER {
        ensure!(left_out.iter().any(|known| known == id), "{id} is ranked");
    }
    let mut codes = Vec::new();
    for row in answer["left_out"].as_array().into_iter().flatten() {
        let reasons = row["reasons"].as_array().context("no reasons")?;
        ensure!(
            !reasons.is_empty()
                && reasons
                    .iter()
                    .all(|reason| reason["code"].as_str().is_some_and(|code| !code.is_empty())),
            "{row}"
        );
        if NOT_FOR_THE_CUSTOMER.iter().any(|id| row["plan_id"] == *id) {
            codes.push(reasons[0]["code"].clone());
        }
    }
    // Six different causes, except that both sale dates may share one.
    codes.sort_by_key(Value::to_string);
    codes.dedup();
    ensure!(
        codes.len() >= 5,
        "different causes have the same reason: {codes:?}"
    );
    Ok(())
}

fn candidates_and_limit(host: &Host) -> Result<()> {
    let two = simulate(host, |request| {
        request["candidates"] = json!(["e2e-58", "e2e-48"])
    })?;
    let ranked: Vec<&str> = two["ranking"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|row| row["plan_id"].as_str())
        .collect();
    ensure!(
        ranked.iter().all(|id| ["e2e-58", "e2e-48"].contains(id)) && ranked.contains(&"e2e-48"),
        "{ranked:?}"
    );
    let one = simulate(host, |request| request["limit"] = json!(1))?;
    ensure!(
        one["ranking"]
            .as_array()
            .is_some_and(|rows| rows.len() == 1),
        "{}",
        one["ranking"]
    );
    ensure!(
        one["ranking"][0] == simulate(host, |_| {})?["ranking"][0],
        "the first depends on how many are asked for"
    );
    Ok(())
}

fn same_proof(host: &Host) -> Result<()> {
    let first = simulate(host, |_| {})?;
    let again = simulate(host, |_| {})?;
    ensure!(
        first["proof"]
            .as_str()
            .is_some_and(|proof| !proof.is_empty())
            && first["proof"] == again["proof"]
    );
    let other = simulate(host, |request| {
        request["usage"]["months"][0]["lines"][2]["kb"] = json!(600_001)
    })?;
    ensure!(
        first["proof"] != other["proof"],
        "other usage, the same proof"
    );
    Ok(())
}
