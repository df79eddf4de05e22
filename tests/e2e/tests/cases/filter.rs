//! The target filter over HTTP on the sample with its contacts (TF-1 … TF-3): what it answers is counted again here, from the files.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use chudian_e2e::{Host, caller::expect_problem, harness::Case};
use chudian_test_support::http::Answer;
use chudian_vocabulary::pseudonym::PseudonymKey;
use serde_json::{Value, json};

use super::import::{Ground, ground, told};

const ROWS: &str = "4000";

/// The last day of the sample's months: windows of the contact columns end with it, and questions are asked as of it.
const AS_OF: &str = "2026-10-31";
/// Three, six and twelve months before it, by the calendar.
const THREE_MONTHS_BEFORE: &str = "2026-07-31";
const SIX_MONTHS_BEFORE: &str = "2026-04-30";
const A_YEAR_BEFORE: &str = "2025-10-31";

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "filter::counted",
            "conditions on attributes and on the contact view, groups and breakdowns count what the files hold",
            counted,
        ),
        Case::new(
            "filter::excluded",
            "the default exclusions remove, one after the other, whom the contact layer says; unset and 0 differ; a service message is untouched",
            excluded,
        ),
        Case::new(
            "filter::explained",
            "one customer is told why in and why out, a preview names nobody, and each channel has its reach",
            explained,
        ),
        Case::new(
            "filter::layer",
            "a layer of contacts is published once, a corrected one takes its place, and one that hides a column is refused",
            layer,
        ),
    ]
}

type Row = BTreeMap<String, String>;

/// The sample in force, with what its files say.
struct Sample {
    ground: Ground,
    version: Value,
    customers: Vec<Row>,
    contacts: BTreeMap<String, Row>,
    key: PseudonymKey,
}

fn rows(path: &std::path::Path) -> Result<Vec<Row>> {
    let text = std::fs::read_to_string(path)?;
    let mut lines = text.lines();
    let headings: Vec<&str> = lines.next().context("no heading")?.split(',').collect();
    Ok(lines
        .map(|line| {
            let cells = headings.iter().zip(line.split(','));
            cells
                .map(|(heading, cell)| ((*heading).to_owned(), cell.to_owned()))
                .collect()
        })
        .collect())
}

/// Publishes a table of contacts over the snapshot in force.
fn layered(ground: &Ground, table: &std::path::Path) -> Result<Value> {
    let mut command = ground.import(table)?;
    told(&command.arg("--layer").output()?)
}

fn lay(host: &Host, name: &str) -> Result<Sample> {
    let ground = ground(host, name)?;
    let table = ground.table("customers.csv", "5", ROWS, &["--contacts"])?;
    let contacts = table.with_extension("contacts.csv");
    let imported = told(&ground.import(&table)?.output()?)?;
    ground.in_force(&imported)?;
    let layer = layered(&ground, &contacts)?;
    let contacts = rows(&contacts)?;
    ensure!(
        layer["customers_known"] == contacts.len() && layer["customers_unknown"] == 0,
        "{layer}"
    );
    let key = std::fs::read_to_string(ground.gateway.state().join("pseudonym-key"))?;
    Ok(Sample {
        version: layer["version"].clone(),
        customers: rows(&table)?,
        contacts: contacts
            .into_iter()
            .map(|row| (row["number"].clone(), row))
            .collect(),
        key: key.trim().parse()?,
        ground,
    })
}

impl Sample {
    fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.ground.admin.post(&format!("/filter/v1{path}"), body)
    }

    /// A selection of the version, as of the day of the contacts.
    fn selection(&self, expression: &str, more: Value) -> Value {
        let mut selection =
            json!({"expression": expression, "dataset": self.version, "as_of": AS_OF});
        if let (Some(all), Some(more)) = (selection.as_object_mut(), more.as_object()) {
            all.extend(more.clone());
        }
        selection
    }

    fn count(&self, selection: &Value) -> Result<Value> {
        let body = json!({"selection": selection});
        self.post("/count", &body)?.expect_status(200)
    }

    /// Customers of the files for whom it holds.
    fn held(&self, holds: impl Fn(&Customer<'_>) -> bool) -> usize {
        self.all().filter(holds).count()
    }

    fn all(&self) -> impl Iterator<Item = Customer<'_>> {
        self.customers.iter().map(|row| Customer {
            row,
            contacts: self.contacts.get(&row["number"]),
        })
    }

    fn id(&self, customer: &Customer<'_>) -> Result<String> {
        Ok(self.key.pseudonym_of(&customer.row["number"])?.to_string())
    }
}

/// A customer as the files tell them.
struct Customer<'a> {
    row: &'a Row,
    contacts: Option<&'a Row>,
}

impl Customer<'_> {
    fn is(&self, column: &str, value: &str) -> bool {
        self.row[column] == value
    }

    /// Spend in fen.
    fn arpu_fen(&self) -> u64 {
        self.row["arpu"]
            .replace('.', "")
            .parse()
            .unwrap_or_default()
    }

    /// A count of the contact view: nought for whom the log does not name.
    fn times(&self, column: &str) -> u64 {
        self.contacts
            .map_or(0, |row| row[column].parse().unwrap_or_default())
    }

    /// Whether the last such day is not before `day`.
    fn since(&self, column: &str, day: &str) -> bool {
        self.contacts
            .is_some_and(|row| !row[column].is_empty() && row[column].as_str() >= day)
    }

    fn flag(&self, column: &str) -> bool {
        self.contacts.is_some_and(|row| row[column] == "1")
    }
}

fn counted(host: &Host) -> Result<()> {
    let sample = lay(host, "filter")?;
    let complained =
        |customer: &Customer<'_>| customer.times("contact_count_hotline_agent_complaint_ever") >= 1;
    type Holds<'a> = &'a dyn Fn(&Customer<'_>) -> bool;
    let table: [(&str, Holds); 8] = [
        (
            "品牌 = 动感地带 且 月均消费 ≥ 80",
            &|customer| customer.is("brand", "动感地带") && customer.arpu_fen() >= 8_000,
        ),
        ("brand = M-Zone and arpu >= 80", &|customer| {
            customer.is("brand", "动感地带") && customer.arpu_fen() >= 8_000
        }),
        ("count(web-hall, login, 90d) >= 2", &|customer| {
            customer.times("contact_count_web_hall_login_90d") >= 2
        }),
        (
            "接触次数(网上营业厅, 登录, 90天) ≥ 2 且 非 已订彩铃 = 是",
            &|customer| {
                customer.times("contact_count_web_hall_login_90d") >= 2
                    && customer.is("has_ring_tone", "0")
            },
        ),
        // Of whom the log says nothing had no contact, which is known.
        ("count(any, any, ever) = 0", &|customer| {
            customer.times("contact_count_any_any_ever") == 0
        }),
        ("success(client-app, login, 90d) < 3", &|customer| {
            customer.times("contact_success_client_app_login_90d") < 3
        }),
        (
            "last(any, marketing-contact, ever) >= 92 days ago",
            &|customer| {
                customer.since(
                    "contact_last_any_marketing_contact_ever",
                    THREE_MONTHS_BEFORE,
                )
            },
        ),
        (
            "count(hotline-agent, complaint, ever) >= 1 and opted_out = no",
            &|customer| complained(customer) && !customer.flag("opted_out"),
        ),
    ];
    for (expression, holds) in table {
        let answer = sample.count(&sample.selection(expression, json!({})))?;
        let expected = sample.held(holds);
        ensure!(
            answer["selected"] == expected && answer["customers"] == 4_000,
            "{expression}: {expected} in the files, {answer}"
        );
        ensure!(
            expected > 20 && expected < 4_000,
            "{expression} tells nothing: {expected}"
        );
    }
    let all = sample.held(|_| true) - sample.held(complained);
    let not = sample
        .count(&sample.selection("not count(hotline-agent, complaint, ever) >= 1", json!({})))?;
    ensure!(not["selected"] == all, "{not}");

    // A group, and the group in a condition; another's change does not reach it.
    let group = |expression: &str| json!({"title": {"zh": "投诉", "en": "Complained"}, "expression": expression});
    let admin = &sample.ground.admin;
    let put = |expression: &str| admin.put("/filter/v1/groups/e2e-complained", &group(expression));
    let saved = put("count(hotline-agent, complaint, ever) >= 1")?.expect_status(200)?;
    let first = saved["version"].as_u64().context("no version")?;
    let by_group = sample.count(&sample.selection("group(e2e-complained)", json!({})))?;
    ensure!(
        by_group["selected"] == sample.held(complained),
        "{by_group}"
    );
    put("count(hotline-agent, complaint, ever) >= 2")?.expect_status(200)?;
    let pinned = format!("group(e2e-complained, {first}) and arpu >= 50");
    let pinned = sample.count(&sample.selection(&pinned, json!({})))?;
    let expected = sample.held(|customer| complained(customer) && customer.arpu_fen() >= 5_000);
    ensure!(pinned["selected"] == expected, "{expected}, {pinned}");
    let circle = put("group(e2e-complained)")?;
    expect_problem(&circle, 422, "expression-invalid")?;

    // Each condition on its own, and the customers by brand and county.
    let body = json!({"selection": sample.selection("arpu >= 100 and count(any, any, 30d) >= 1", json!({})), "each": true});
    let each = sample.post("/count", &body)?.expect_status(200)?;
    ensure!(
        each["conditions"][0]["customers"] == sample.held(|customer| customer.arpu_fen() >= 10_000),
        "{each}"
    );
    let body = json!({"selection": sample.selection("arpu >= 100", json!({})), "columns": ["brand"], "leaves_department": false});
    let breakdown = sample.post("/breakdown", &body)?.expect_status(200)?;
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    for customer in sample
        .all()
        .filter(|customer| customer.arpu_fen() >= 10_000)
    {
        *expected.entry(customer.row["brand"].as_str()).or_default() += 1;
    }
    let groups = breakdown["groups"].as_array().context("no groups")?;
    let found: BTreeMap<&str, u64> = groups
        .iter()
        .filter_map(|group| {
            Some((
                group["titles"][0]["zh"].as_str()?,
                group["customers"].as_u64()?,
            ))
        })
        .collect();
    ensure!(found == expected, "{expected:?}, {breakdown}");
    sample.ground.gateway.stop()
}

/// The rules of TF-3 in their order, each as the files tell it.
type ExclusionRule<'a> = (&'a str, &'a dyn Fn(&Customer<'_>) -> bool);

fn excluded(host: &Host) -> Result<()> {
    let sample = lay(host, "filter")?;
    let selection = |class: &str, more: Value| {
        let mut all = json!({
            "class": class, "business": "ring_tone", "channels": ["outbound-call"], "exclusions": {"set": "default"},
        });
        if let (Some(all), Some(more)) = (all.as_object_mut(), more.as_object()) {
            all.extend(more.clone());
        }
        sample.selection("arpu >= 20", all)
    };
    let rules: [ExclusionRule; 8] = [
        ("already_ordered", &|customer| {
            customer.is("has_ring_tone", "1")
        }),
        ("tried_not_ordered", &|customer| {
            customer.since("tried_ring_tone_on", SIX_MONTHS_BEFORE)
                && customer.is("has_ring_tone", "0")
        }),
        ("bulk_cancelled", &|customer| {
            customer.since("bulk_cancelled_ring_tone_on", SIX_MONTHS_BEFORE)
        }),
        ("cancelled_by_customer", &|customer| {
            customer.since("cancelled_ring_tone_on", A_YEAR_BEFORE)
        }),
        ("complained", &|customer| {
            customer.since("complained_ring_tone_on", "")
        }),
        ("marketed", &|customer| {
            customer.since("marketed_on", THREE_MONTHS_BEFORE)
        }),
        ("opted_out", &|customer| {
            customer.flag("opted_out") || customer.flag("opted_out_of_outbound_call")
        }),
        ("high_value", &|customer| customer.flag("high_value")),
    ];
    let body = json!({"selection": selection("diversion", json!({})), "each": true});
    let answer = sample.post("/count", &body)?.expect_status(200)?;
    let mut left: Vec<Customer<'_>> = sample
        .all()
        .filter(|customer| customer.arpu_fen() >= 2_000)
        .collect();
    ensure!(answer["selected"] == left.len(), "{answer}");
    let steps = answer["waterfall"].as_array().context("no waterfall")?;
    ensure!(steps.len() == rules.len(), "{steps:?}");
    for ((rule, holds), step) in rules.iter().zip(steps) {
        let before = left.len();
        left.retain(|customer| !holds(customer));
        let removed = before - left.len();
        ensure!(
            step["rule"] == *rule && step["removed"] == removed && step["remaining"] == left.len(),
            "{rule}: {removed} removed, {} left; {step}",
            left.len()
        );
        ensure!(
            removed > 0,
            "{rule} removes nobody: the sample shows nothing of it"
        );
    }
    ensure!(answer["remaining"] == left.len(), "{answer}");

    // To a marketing message the high value is no matter; a service message is touched by nothing; unset is not nought months.
    let marketing = sample.count(&selection("marketing", json!({})))?;
    ensure!(
        marketing["waterfall"].as_array().map(Vec::len) == Some(7)
            && marketing["not_applied"][0]["rule"] == "high_value",
        "{marketing}"
    );
    let service = sample.count(&selection("service", json!({})))?;
    ensure!(service["remaining"] == service["selected"], "{service}");
    let with = |rules: Value| {
        sample.count(&selection(
            "marketing",
            json!({"exclusions": {"rules": rules}}),
        ))
    };
    let unset = with(json!({"opted_out": false}))?;
    let nought = with(json!({"marketed": {"months": 0}}))?;
    let today = sample
        .held(|customer| customer.arpu_fen() >= 2_000 && customer.since("marketed_on", AS_OF));
    ensure!(
        unset["waterfall"] == json!([]) && nought["waterfall"][0]["removed"] == today,
        "{unset}, {nought}"
    );
    // A set of the province's own, with a channel's interval.
    let set = json!({"channel_interval_days": {"outbound-call": 60}, "opted_out": true});
    let admin = &sample.ground.admin;
    let stored = admin.put("/filter/v1/exclusion-sets/e2e-calls", &set)?;
    ensure!(
        (200..300).contains(&stored.status),
        "{} {}",
        stored.status,
        stored.text()
    );
    let by_set = sample.count(&selection(
        "marketing",
        json!({"exclusions": {"set": "e2e-calls"}}),
    ))?;
    // Sixty days before the last of October is the first of September.
    let within = sample.held(|customer| {
        customer.arpu_fen() >= 2_000 && customer.since("marketed_by_outbound_call_on", "2026-09-01")
    });
    ensure!(
        by_set["waterfall"][0]["rule"] == "channel_interval"
            && by_set["waterfall"][0]["removed"] == within,
        "{within}: {by_set}"
    );
    // A business of which the layer has no columns is refused, not silently let through.
    let refused = selection("marketing", json!({"business": "fibre"}));
    let refused = sample.post("/count", &json!({"selection": refused}))?;
    expect_problem(&refused, 409, "exclusion-columns-missing")?;
    sample.ground.gateway.stop()
}

fn explained(host: &Host) -> Result<()> {
    let sample = lay(host, "filter")?;
    let selection = sample.selection(
        "count(web-hall, login, 90d) >= 1",
        json!({"business": "mailbox", "channels": ["sms-hall"], "exclusions": {"set": "default"}}),
    );
    let is_selected =
        |customer: &Customer<'_>| customer.times("contact_count_web_hall_login_90d") >= 1;
    let is_marketed = |customer: &Customer<'_>| customer.since("marketed_on", THREE_MONTHS_BEFORE);
    let is_excluded = |customer: &Customer<'_>| {
        customer.is("has_mailbox", "1")
            || customer.since("tried_mailbox_on", SIX_MONTHS_BEFORE)
            || customer.since("bulk_cancelled_mailbox_on", SIX_MONTHS_BEFORE)
            || customer.since("cancelled_mailbox_on", A_YEAR_BEFORE)
            || customer.since("complained_mailbox_on", "")
            || is_marketed(customer)
            || customer.flag("opted_out")
            || customer.flag("opted_out_of_sms_hall")
    };
    let mut seen = BTreeSet::new();
    for customer in sample.all().step_by(97) {
        let body = json!({"selection": selection, "customer_id": sample.id(&customer)?});
        let answer = sample.post("/explain", &body)?.expect_status(200)?;
        let (selected, excluded) = (is_selected(&customer), is_excluded(&customer));
        ensure!(
            answer["selected"] == selected && answer["included"] == (selected && !excluded),
            "selected {selected}, excluded {excluded}: {answer}"
        );
        let marketed = answer["exclusions"]
            .as_array()
            .context("no exclusions")?
            .iter()
            .find(|exclusion| exclusion["rule"] == "marketed")
            .context("the rule `marketed` is not told")?;
        // Whom the log does not name has no day: the rule does not hold, because it is not known to.
        let expected = match (is_marketed(&customer), customer.contacts) {
            (true, _) => "true",
            (false, Some(row)) if !row["marketed_on"].is_empty() => "false",
            (false, _) => "unknown",
        };
        ensure!(
            marketed["reason"]["holds"] == expected,
            "{expected}: {marketed}"
        );
        ensure!(
            answer["summary"]["zh"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{answer}"
        );
        seen.insert((selected, excluded));
    }
    ensure!(seen.len() == 4, "not every kind was met: {seen:?}");

    let body = json!({"selection": selection, "columns": ["brand", "marketed_on"], "limit": 20});
    let preview = sample.post("/preview", &body)?;
    let shown = preview.expect_status(200)?;
    ensure!(
        shown["rows"].as_array().map(Vec::len) == Some(20),
        "{shown}"
    );
    let text = preview.text();
    for customer in sample.all() {
        ensure!(
            !text.contains(&sample.id(&customer)?) && !text.contains(&customer.row["number"]),
            "a customer is named in a preview"
        );
    }

    let body = json!({"selection": sample.selection("all()", json!({"channels": ["outbound-call", "wap"]}))});
    let reach = sample.post("/reach", &body)?.expect_status(200)?;
    let channel = |code: &str| -> Result<Value> {
        let channels = reach["channels"].as_array().context("no channels")?;
        let found = channels.iter().find(|channel| channel["channel"] == code);
        found
            .cloned()
            .with_context(|| format!("no {code} in {reach}"))
    };
    let out = sample
        .held(|customer| customer.flag("opted_out") || customer.flag("opted_out_of_outbound_call"));
    let calls = channel("outbound-call")?;
    ensure!(
        calls["opted_out"] == out && calls["allowed"] == 4_000 - out,
        "{out}: {calls}"
    );
    // Nobody could refuse WAP alone, so of it only the general refusals are known.
    let wap = channel("wap")?;
    let out = sample.held(|customer| customer.flag("opted_out"));
    ensure!(
        wap.get("expected").is_none() && wap["opted_out"] == out && wap["allowed"] == 4_000 - out,
        "{out}: {wap}"
    );
    sample.ground.gateway.stop()
}

fn layer(host: &Host) -> Result<()> {
    let sample = lay(host, "filter-layer")?;
    let ground = &sample.ground;
    let table = ground.folder.join("customers.contacts.csv");
    // The same again is there already.
    let again = layered(ground, &table)?;
    ensure!(again["version"] == sample.version, "{again}");
    let counted = |version: &Value| -> Result<Value> {
        let body = json!({"selection": {"expression": "opted_out = yes", "dataset": version}});
        Ok(sample.post("/count", &body)?.expect_status(200)?["selected"].clone())
    };
    let before = sample.held(|customer| customer.flag("opted_out"));
    ensure!(counted(&sample.version)? == before);
    // Tomorrow's table: half of the customers, in another order, with a stranger among them; all have opted out.
    let text = std::fs::read_to_string(&table)?;
    let mut lines = text.lines();
    let headings = lines.next().context("no heading")?;
    let place = headings
        .split(',')
        .position(|heading| heading == "opted_out");
    let place = place.context("no column opted_out")?;
    let mut changed: Vec<String> = lines
        .step_by(2)
        .map(|line| {
            let mut cells: Vec<&str> = line.split(',').collect();
            cells[place] = "1";
            cells.join(",")
        })
        .collect();
    let half = changed.len();
    changed.reverse();
    let stranger = changed[0].split_once(',').context("one cell")?.1;
    changed.push(format!("19900000001,{stranger}"));
    std::fs::write(&table, format!("{headings}\n{}\n", changed.join("\n")))?;
    let newer = layered(ground, &table)?;
    ensure!(
        newer["customers_known"] == half && newer["customers_unknown"] == 1,
        "{half}: {newer}"
    );
    let parts = |version: &Value| version.as_str().map_or(0, |text| text.split('+').count());
    ensure!(
        newer["version"] != sample.version && parts(&newer["version"]) == 2,
        "{newer}"
    );
    ensure!(counted(&newer["version"])? == half, "{half} opted out");
    ensure!(
        counted(&sample.version)? == before,
        "the older version changed"
    );
    // The layer before comes back, as a new one.
    std::fs::write(&table, text)?;
    let back = layered(ground, &table)?;
    ensure!(
        back["version"] != newer["version"] && counted(&back["version"])? == before,
        "{back}"
    );

    let hiding = ground.folder.join("hiding.csv");
    std::fs::write(&hiding, "number,brand\n16000000001,x\n")?;
    std::fs::write(
        hiding.with_extension("mapping.toml"),
        "format = \"chudian-mapping/1\"\n[id]\nheading = \"number\"\nform = \"number\"\n[[column]]\nheading = \"brand\"\n\
         name = \"brand\"\nkind = \"word\"\ntitle = { zh = \"品牌\", en = \"Brand\" }\n",
    )?;
    let refused = ground.import(&hiding)?.arg("--layer").output()?;
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        !refused.status.success() && error.contains("brand"),
        "{error}"
    );
    sample.ground.gateway.stop()
}
