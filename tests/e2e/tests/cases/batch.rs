//! Batches over the dataset from the terminal (TS-7, TF-6): `chudian batch tariff` and `chudian batch lookalike`.

use std::{process::Output, time::Duration};

use anyhow::{Context, Result, ensure};
use chudian_e2e::{Host, ground::today, harness::Case, repository};
use chudian_vocabulary::pseudonym::PseudonymKey;
use serde_json::{Value, json};

use super::import::{Ground, ground, told};

/// Rows of the table whose bills are compared: the add-ons of 72 plans are searched for each.
const COMPARED_ROWS: &str = "400";

/// Every so many rows one is compared with the single question.
const COMPARED_EVERY: usize = 23;

/// Rows of the table that is priced in shares: more than one segment.
const SHARED_ROWS: &str = "132000";

/// How often the batch is killed, and how much later each time.
const KILLS: u32 = 6;
const KILL_STEP: Duration = Duration::from_millis(120);

const MONTHS: [&str; 6] = [
    "2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10",
];

/// Columns of usage, with the line that each becomes in a single question.
const USAGE: [(&str, &str, &str, &str); 6] = [
    ("voice_local_s", "voice", "local", "seconds"),
    ("voice_long_distance_s", "voice", "long_distance", "seconds"),
    ("voice_roaming_s", "voice", "roaming", "seconds"),
    ("voice_called_s", "voice", "called", "seconds"),
    ("data_kb", "data", "domestic", "kb"),
    ("sms", "sms", "domestic", "count"),
];

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "batch::single",
            "the tariff batch gives each customer the best plan of the single question, to the fen, and gives it again when run again",
            single,
        ),
        Case::new(
            "batch::resumed",
            "shares of two machines, one of them killed many times: nothing is priced twice, the last share publishes what one run would",
            resumed,
        ),
        Case::new(
            "batch::lookalike",
            "the score of a lookalike run on CoIL 2000 becomes columns of the dataset, which conditions find more owners by; twice is once",
            lookalike,
        ),
    ]
}

/// Puts the sample's price lists in force.
fn catalogue(ground: &Ground) -> Result<()> {
    let mut load = ground.program(&["sample", "--json", "--customers", "1", "--load"])?;
    load.arg(ground.gateway.base_url());
    load.arg("--out").arg(ground.folder.join("sample"));
    told(&load.output()?).map(drop)
}

fn batch(ground: &Ground, words: &[&str]) -> Result<Output> {
    let mut command = ground.program(&["batch", "tariff", "--json", "--as-of"])?;
    command.arg(today()?.to_string()).args(words);
    command.args(["--to", ground.gateway.base_url()]);
    Ok(command.output()?)
}

/// What the dataset knows of a customer.
fn values(ground: &Ground, id: &str) -> Result<Value> {
    let path = format!("/dataset/v1/customers/{id}");
    Ok(ground.admin.get(&path)?.expect_status(200)?["values"].clone())
}

/// Waits until every instance knows the version.
fn in_force(ground: &Ground, version: &Value) -> Result<()> {
    chudian_e2e::wait_for("the version is in force", Duration::from_secs(5), || {
        for _ in 0..8 {
            let current = ground.admin.get("/dataset/v1/snapshots/current")?;
            if current.expect_status(200)?["version"] != *version {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
}

/// The best plan by the single question, in the columns of the batch.
fn asked(ground: &Ground, values: &Value) -> Result<Value> {
    let months: Vec<Value> = (1..)
        .zip(MONTHS)
        .map(|(number, month)| {
            let lines = USAGE.map(|(column, kind, category, unit)| {
                let quantity = &values[format!("{column}_m{number}")];
                json!({"kind": kind, "category": category, unit: quantity})
            });
            json!({"month": month, "lines": lines})
        })
        .collect();
    let question = json!({
        "usage": {"schema": "chudian-usage/1", "months": months},
        "profile": {
            "plan_id": values["plan_id"], "region": values["region"], "brand": values["brand"],
            "customer_type": values["customer_type"],
        },
        "as_of": today()?.to_string(), "limit": 1,
    });
    let answer = ground.admin.post("/tariff/v1/simulations", &question)?;
    let best = answer.expect_status(200)?["ranking"][0].clone();
    // A plan that saves nothing stands in a ranking, and is not recommended.
    if best["saving"]["total_fen"]
        .as_i64()
        .is_none_or(|fen| fen <= 0)
    {
        return Ok(json!([null, null, null, null]));
    }
    let revenue = best["operator"]["revenue_change_fen"]
        .as_i64()
        .context("no revenue")?;
    let months = MONTHS.len() as i64;
    // The mean of a month, half up, away from zero.
    let mean = (2 * revenue.abs() + months) / (2 * months) * revenue.signum();
    let saving = &best["saving"];
    Ok(json!([
        best["plan_id"],
        saving["mean_fen"],
        saving["months_won"],
        mean
    ]))
}

fn derived(values: &Value) -> Value {
    json!([
        values["tariff_best_plan"],
        values["tariff_saving"],
        values["tariff_months_won"],
        values["tariff_revenue_change"],
    ])
}

fn single(host: &Host) -> Result<()> {
    let ground = ground(host, "batch")?;
    catalogue(&ground)?;
    let table = ground.table("customers.csv", "7", COMPARED_ROWS, &[])?;
    let imported = told(&ground.import(&table)?.output()?)?;
    in_force(&ground, &imported["version"])?;
    let first = told(&batch(&ground, &["--with-add-ons"])?)?;
    ensure!(
        first["customers_priced_now"] == 400
            && first["customers_skipped"] == 0
            && first["parts_missing"] == 0,
        "{first}"
    );
    in_force(&ground, &first["published_version"])?;

    let key = std::fs::read_to_string(ground.gateway.state().join("pseudonym-key"))?;
    let key: PseudonymKey = key.trim().parse()?;
    let text = std::fs::read_to_string(&table)?;
    let numbers = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next());
    let ids = numbers.step_by(COMPARED_EVERY);
    let ids: Vec<String> = ids
        .map(|number| Ok(key.pseudonym_of(number)?.to_string()))
        .collect::<Result<_>>()?;
    let (mut plans, mut none) = (std::collections::BTreeSet::new(), 0);
    let mut answers = Vec::new();
    for id in &ids {
        let values = values(&ground, id)?;
        let expected = asked(&ground, &values)?;
        let found = derived(&values);
        ensure!(
            found == expected,
            "{id}: batch {found}, question {expected}"
        );
        match found[0].as_str() {
            Some(plan) => drop(plans.insert(plan.to_owned())),
            None => none += 1,
        }
        answers.push(found);
    }
    ensure!(
        plans.len() > 3,
        "only {plans:?} are recommended, {none} have nothing"
    );

    // Run again: another layer in place of the first, with the same values.
    let again = told(&batch(&ground, &["--with-add-ons"])?)?;
    in_force(&ground, &again["published_version"])?;
    let layers = |done: &Value| {
        let version = done["published_version"].as_str().unwrap_or_default();
        version.split('+').count()
    };
    ensure!(
        again["published_version"] != first["published_version"] && layers(&again) == 2,
        "{again} after {first}"
    );
    for (id, before) in ids.iter().zip(&answers) {
        let now = derived(&values(&ground, id)?);
        ensure!(now == *before, "{id}: {now}, before {before}");
    }
    let counted = json!({"selection": {
        "expression": "tariff_best_plan is known and tariff_saving > 0 yuan", "dataset": again["published_version"],
    }});
    let counted = ground
        .admin
        .post("/filter/v1/count", &counted)?
        .expect_status(200)?;
    ensure!(
        counted["selected"]
            .as_u64()
            .is_some_and(|count| (100..400).contains(&count)),
        "{counted}"
    );
    ground.gateway.stop()
}

fn resumed(host: &Host) -> Result<()> {
    let ground = ground(host, "batch")?;
    catalogue(&ground)?;
    let table = ground.table("shared.csv", "9", SHARED_ROWS, &[])?;
    let imported = told(&ground.import(&table)?.output()?)?;
    in_force(&ground, &imported["version"])?;
    // One month alone: this case is about parts, not about bills.
    let mapping = ground.folder.join("one-month.json");
    let lines = USAGE.map(|(column, kind, category, unit)| {
        json!({"kind": kind, "category": category, unit: format!("{column}_m6")})
    });
    let profile = json!({"plan": "plan_id", "region": "region", "brand": "brand", "customer_type": "customer_type"});
    let document = json!({"months": ["2026-10"], "usage": lines, "profile": profile});
    std::fs::write(&mapping, document.to_string())?;
    let mapping = mapping.to_string_lossy().into_owned();
    let day = today()?.to_string();
    let words = |share: &str| -> Vec<String> {
        [
            "--mapping",
            &mapping,
            "--partition",
            share,
            "--concurrency",
            "1",
        ]
        .map(str::to_owned)
        .to_vec()
    };
    for round in 1..=KILLS {
        let mut command = ground.program(&["batch", "tariff", "--json", "--as-of", &day])?;
        command
            .args(words("1/2"))
            .args(["--to", ground.gateway.base_url()]);
        let mut running = command.spawn()?;
        // The kill has to come at some moment of the work, and no other event marks it.
        std::thread::sleep(KILL_STEP * round);
        running.kill()?;
        running.wait()?;
    }
    let run = |share: &str| -> Result<Value> {
        let words = words(share);
        told(&batch(
            &ground,
            &words.iter().map(String::as_str).collect::<Vec<_>>(),
        )?)
    };
    let first = run("1/2")?;
    let priced = |done: &Value| done["customers_priced_now"].as_u64().unwrap_or_default();
    ensure!(
        priced(&first) < 131_072,
        "what was priced before the kills was priced again: {first}"
    );
    ensure!(
        first["published_version"].is_null() && first["parts_missing"].as_u64() > Some(0),
        "{first}"
    );
    let idle = run("1/2")?;
    ensure!(
        priced(&idle) == 0 && idle["parts_missing"] == first["parts_missing"],
        "{idle} after {first}"
    );
    let current = ground
        .admin
        .get("/dataset/v1/snapshots/current")?
        .expect_status(200)?;
    ensure!(
        current["version"] == imported["version"],
        "a part was published: {}",
        current["version"]
    );
    let last = run("2/2")?;
    ensure!(
        priced(&last) == 132_000 - 131_072 && last["parts_missing"] == 0,
        "{last}"
    );
    in_force(&ground, &last["published_version"])?;
    let spread = |done: &Value| -> Result<Value> {
        let mut told = Vec::new();
        for column in [
            "tariff_best_plan",
            "tariff_saving",
            "tariff_months_won",
            "tariff_revenue_change",
        ] {
            let path = format!("/dataset/v1/snapshots/current/columns/{column}/distribution");
            let answer = ground.admin.get(&path)?.expect_status(200)?;
            ensure!(
                answer["version"] == done["published_version"],
                "{answer:.200}"
            );
            told.push(answer["groups"].clone());
        }
        Ok(json!(told))
    };
    let of_shares = spread(&last)?;
    // One undisturbed run over everybody.
    let whole = run("1/1")?;
    ensure!(priced(&whole) == 132_000, "{whole}");
    in_force(&ground, &whole["published_version"])?;
    ensure!(
        spread(&whole)? == of_shares,
        "the shares gave other answers than one run"
    );
    println!(
        "  {KILLS} kills: {} customers were left for the last run of the first share",
        priced(&first)
    );
    ground.gateway.stop()
}

fn lookalike(host: &Host) -> Result<()> {
    let ground = ground(host, "batch-lookalike")?;
    // Whose 5,822 rows tell no customers apart: the number of the row does.
    let source = repository()?.join("functions/target-filter/tests/lists/data/coil2000.csv");
    let text = std::fs::read_to_string(&source)?;
    let headings: Vec<&str> = text
        .lines()
        .next()
        .context("no heading")?
        .split(',')
        .collect();
    let mut mapping = "format = \"chudian-mapping/1\"\n[id]\nform = \"row\"\n".to_owned();
    for heading in &headings {
        let kind = if *heading == "caravan" {
            "flag"
        } else {
            "integer"
        };
        mapping.push_str(&format!(
            "[[column]]\nheading = \"{heading}\"\nname = \"{heading}\"\nkind = \"{kind}\"\ntitle = {{ zh = \"{heading}\", en = \"{heading}\" }}\n"
        ));
    }
    let table = ground.folder.join("coil.csv");
    std::fs::copy(&source, &table)?;
    std::fs::write(table.with_extension("mapping.toml"), mapping)?;
    let imported = told(&ground.import(&table)?.output()?)?;
    ensure!(imported["rows_accepted"] == 5_822, "{imported}");
    in_force(&ground, &imported["version"])?;
    let find = |users: &str, columns: &[&str]| {
        let request = json!({
            "purpose": "找潜在客户", "users": {"expression": users, "dataset": imported["version"]}, "columns": columns,
        });
        ground
            .admin
            .post("/filter/v1/lookalikes", &request)?
            .expect_status(201)
    };
    let run = find("caravan = yes", &[])?;
    ensure!(
        run["score"]["area_under_curve"].as_f64() > Some(0.66),
        "{}",
        run["score"]
    );
    let id = run["run_id"].as_str().context("no run")?;
    let publish = |run: &str, name: &str| -> Result<Output> {
        let mut command = ground.program(&["batch", "lookalike", run, "--name", name, "--json"])?;
        Ok(command.args(["--to", ground.gateway.base_url()]).output()?)
    };
    let done = told(&publish(id, "caravan")?)?;
    ensure!(
        done["customers"] == 5_822
            && done["columns"] == json!(["lookalike_caravan", "lookalike_caravan_share"]),
        "{done}"
    );
    in_force(&ground, &done["published_version"])?;
    let again = told(&publish(id, "caravan")?)?;
    ensure!(
        again["published_version"] == done["published_version"],
        "{again} after {done}"
    );

    let count = |expression: &str| -> Result<f64> {
        let body =
            json!({"selection": {"expression": expression, "dataset": done["published_version"]}});
        let answer = ground
            .admin
            .post("/filter/v1/count", &body)?
            .expect_status(200)?;
        answer["selected"]
            .as_f64()
            .with_context(|| format!("{expression}: {answer}"))
    };
    // The points from which a tenth or fewer are left; owners are more frequent among them than among all, by about what the held-out say.
    let bands = run["score"]["bands"].as_array().context("no bands")?;
    let share = count("caravan = yes")? / count("all()")?;
    let mut lift = 0.0;
    for band in bands {
        let points = band["points_min"]
            .as_i64()
            .context("a band without points")?;
        let chosen = count(&format!("lookalike_caravan >= {points}"))?;
        let expected = band["expected_share"]
            .as_f64()
            .context("a band without a share")?;
        // Twelve decimals are what a condition takes; a hair less leaves nobody out.
        let share_min = format!("{:.9}", (expected - 1e-9).max(0.0));
        ensure!(
            count(&format!("lookalike_caravan_share >= {share_min}"))? >= chosen,
            "{band}"
        );
        if (200.0..=1_200.0).contains(&chosen) {
            let owners = count(&format!("lookalike_caravan >= {points} and caravan = yes"))?;
            lift = f64::max(lift, owners / chosen / share);
        }
    }
    ensure!(
        lift > 1.8,
        "owners are only {lift:.2} times as frequent among the best"
    );
    // The life insurances tell nothing of caravans: no score, and nothing is published.
    let nothing = find("caravan = yes", &["pleven"])?;
    ensure!(nothing["score"].is_null(), "{nothing}");
    let refused = publish(nothing["run_id"].as_str().context("no run")?, "nothing")?;
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        !refused.status.success() && error.contains("found no score"),
        "{error}"
    );
    for (run, name, said) in [
        ("fk_none", "caravan", "There is no such lookalike run"),
        (id, "Caravan!", "a business is named by"),
    ] {
        let refused = publish(run, name)?;
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        ensure!(!refused.status.success() && error.contains(said), "{error}");
    }
    println!("  owners are {lift:.2} times as frequent among those with the most points");
    ground.gateway.stop()
}
