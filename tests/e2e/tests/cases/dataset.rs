//! Customer dataset (TF, TS-7, PR): parts arrive in any order, half or twice; what is in force is always a whole snapshot.

use anyhow::{Context, Result, ensure};
use chudian_dataset::column::ColumnData;
use chudian_dataset::column::builder::ColumnBuilder;
use chudian_dataset::manifest::{page_count, page_of};
use chudian_dataset::page::{PageWriter, join, write_record};
use chudian_dataset::schema::{Column, ColumnName, Kind, Purpose, Schema};
use chudian_e2e::{
    Caller, Host,
    caller::expect_problem,
    ground::{OTHER_REGION, REGION},
    harness::Case,
};
use chudian_test_support::{gateway::Gateway, http::Answer};
use chudian_vocabulary::pseudonym::{CustomerPseudonym, PseudonymKey};
use serde_json::{Value, json};

/// The routes of `docs/reference/dataset-api.md`.
const REFERENCE: [(&str, &str); 20] = [
    ("post", "/dataset/v1/imports"),
    ("get", "/dataset/v1/imports/{id}"),
    ("delete", "/dataset/v1/imports/{id}"),
    (
        "put",
        "/dataset/v1/imports/{id}/segments/{segment}/columns/{name}",
    ),
    ("put", "/dataset/v1/imports/{id}/pages/{first}"),
    ("post", "/dataset/v1/imports/{id}/publish"),
    ("get", "/dataset/v1/snapshots"),
    ("get", "/dataset/v1/snapshots/{id}"),
    ("post", "/dataset/v1/snapshots/{id}/activate"),
    ("post", "/dataset/v1/snapshots/{id}/layers"),
    (
        "get",
        "/dataset/v1/snapshots/{id}/columns/{name}/distribution",
    ),
    ("get", "/dataset/v1/snapshots/{id}/preview"),
    (
        "get",
        "/dataset/v1/snapshots/{id}/segments/{segment}/columns/{name}",
    ),
    ("get", "/dataset/v1/layers/{id}"),
    ("delete", "/dataset/v1/layers/{id}"),
    (
        "put",
        "/dataset/v1/layers/{id}/segments/{segment}/columns/{name}",
    ),
    ("put", "/dataset/v1/layers/{id}/pages/{first}"),
    ("post", "/dataset/v1/layers/{id}/publish"),
    ("get", "/dataset/v1/customers/{id}"),
    ("post", "/dataset/v1/sweep"),
];

const ARROW: (&str, &str) = ("content-type", "application/vnd.apache.arrow.stream");
const PAGES: (&str, &str) = ("content-type", "application/octet-stream");

/// Customers of the table: several groups of row pages.
const CUSTOMERS: usize = 20_000;

/// Time within which every instance has learnt what is in force, with room for a busy machine.
const IN_FORCE_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(5);

/// Answers in a row that say the same: more than there are instances to ask.
const ANSWERS_AGREEING: usize = 8;

/// How often the gateway is cut off while an import runs.
const ROUNDS: usize = 10;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "dataset::imported",
            "an import is published whole, each customer is found, and the snapshot before comes back",
            imported,
        ),
        Case::new(
            "dataset::refused",
            "cut, bent, foreign and missing parts are refused and change nothing",
            refused,
        ),
        Case::new(
            "dataset::regions",
            "another region's customer does not exist, and a regional key sees no figure of the province",
            regions,
        ),
        Case::new(
            "dataset::roles",
            "each role may do what its page of the reference says, and nothing else; without a key nobody anything",
            roles,
        ),
        Case::new(
            "dataset::documented",
            "the document names every route of the reference and its problems",
            documented,
        ),
        Case::new(
            "dataset::cut_off",
            "kill -9 in the middle of an import, many times: the old snapshot stays, the import goes on and is whole",
            cut_off,
        ),
    ]
}

/// A table with its parts, ready to be sent.
struct Table {
    schema: Schema,
    parts: Vec<(String, (&'static str, &'static str), Vec<u8>)>,
}

fn customer(number: usize) -> Result<CustomerPseudonym> {
    Ok(PseudonymKey::from([9; 32]).pseudonym_of(&format!("137{number:08}"))?)
}

/// Customers in two regions in turn, with one figure that tells imports apart.
fn table(count: usize, figure: i64) -> Result<Table> {
    let column = |name: &str, kind| ColumnName::new(name).map(|name| Column::new(name, kind));
    let mut region = column("region", Kind::Word)?;
    region.purpose = Some(Purpose::Region);
    let schema = Schema::of_snapshot(vec![
        column("id", Kind::Identity)?,
        region,
        column("figure", Kind::Integer)?,
    ])?;
    let mut builders: Vec<ColumnBuilder> = schema
        .columns()
        .iter()
        .map(|column| ColumnBuilder::new(column.kind))
        .collect();
    let [ids, regions, figures] = builders.as_mut_slice() else {
        anyhow::bail!("three columns")
    };
    for number in 0..count {
        ids.push_identity(customer(number)?)?;
        regions.push_word(if number % 2 == 0 {
            REGION
        } else {
            OTHER_REGION
        })?;
        figures.push_integer(figure + number as i64)?;
    }
    let columns: Vec<ColumnData> = builders.into_iter().map(ColumnBuilder::finish).collect();
    let mut parts = Vec::new();
    for (column, data) in schema.columns().iter().zip(&columns) {
        let place = format!("segments/0/columns/{}", column.name);
        parts.push((place, ARROW, data.encode(&column.name)?));
    }
    let pages = page_count(count as u64);
    let mut writers: Vec<PageWriter> = (0..pages).map(|_| PageWriter::default()).collect();
    for number in 0..count {
        let mut record = Vec::new();
        write_record(&mut record, 0, number, &columns);
        let id = customer(number)?;
        let place = usize::try_from(page_of(id, pages))?;
        writers
            .get_mut(place)
            .context("a page beyond the last")?
            .add(id, record);
    }
    let pages = writers
        .into_iter()
        .map(|writer| writer.finish(&schema))
        .collect::<Result<Vec<_>, _>>()?;
    for (group, pages) in pages.chunks(256).enumerate() {
        let body = join(pages.iter().map(Vec::as_slice));
        parts.push((format!("pages/{}", group * 256), PAGES, body));
    }
    Ok(Table { schema, parts })
}

fn begin(caller: &Caller, table: &Table, rows: usize) -> Result<String> {
    let body =
        json!({"columns": table.schema.columns(), "rows": rows, "source": {"note": "e2e table"}});
    let begun = caller
        .post("/dataset/v1/imports", &body)?
        .expect_status(201)?;
    Ok(begun["id"].as_str().context("no id")?.to_owned())
}

fn send(
    caller: &Caller,
    id: &str,
    part: &(String, (&'static str, &'static str), Vec<u8>),
) -> Result<Answer> {
    let (place, media_type, bytes) = part;
    caller.send(
        "PUT",
        &format!("/dataset/v1/imports/{id}/{place}"),
        &[*media_type],
        bytes,
    )
}

fn publish(caller: &Caller, id: &str) -> Result<Answer> {
    caller.send(
        "POST",
        &format!("/dataset/v1/imports/{id}/publish"),
        &[],
        &[],
    )
}

/// Imports and publishes a table.
fn import(caller: &Caller, table: &Table, rows: usize) -> Result<String> {
    let id = begin(caller, table, rows)?;
    for part in &table.parts {
        send(caller, &id, part)?.expect_status(200)?;
    }
    publish(caller, &id)?.expect_status(200)?;
    Ok(id)
}

fn figure_of(caller: &Caller, number: usize) -> Result<i64> {
    let shown = caller
        .get(&format!("/dataset/v1/customers/{}", customer(number)?))?
        .expect_status(200)?;
    shown["values"]["figure"].as_i64().context("no figure")
}

/// Waits until every look-up sees the snapshot in which customer 5 has this figure: each instance believes for a moment what was
/// current, so several answers in a row must agree.
fn in_force(caller: &Caller, figure: i64) -> Result<()> {
    chudian_e2e::wait_for("the snapshot is in force", IN_FORCE_TIME_MAX, || {
        for _ in 0..ANSWERS_AGREEING {
            if figure_of(caller, 5)? != figure {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
}

fn imported(host: &Host) -> Result<()> {
    let analyst = host.with("analyst")?;
    let hall = host.with("hall")?;
    let first = import(&analyst, &table(CUSTOMERS, 0)?, CUSTOMERS)?;
    for number in (0..CUSTOMERS).step_by(1_733) {
        ensure!(
            figure_of(&hall, number)? == number as i64,
            "customer {number}"
        );
    }
    let second = import(&analyst, &table(CUSTOMERS, 1_000_000)?, CUSTOMERS)?;
    in_force(&hall, 1_000_005)?;
    let described = host
        .with("approver")?
        .get("/dataset/v1/snapshots/current")?
        .expect_status(200)?;
    ensure!(
        described["id"] == second && described["rows"] == CUSTOMERS,
        "{described:.200}"
    );
    let activate = format!("/dataset/v1/snapshots/{first}/activate");
    analyst
        .send("POST", &activate, &[], &[])?
        .expect_status(200)?;
    in_force(&hall, 5)?;
    let counted = analyst
        .get("/dataset/v1/snapshots/current/columns/region/distribution")?
        .expect_status(200)?;
    ensure!(
        counted["groups"][0]["count"] == CUSTOMERS / 2,
        "{counted:.300}"
    );
    let nobody = CustomerPseudonym([0; 16]);
    expect_problem(
        &hall.get(&format!("/dataset/v1/customers/{nobody}"))?,
        404,
        "customer-unknown",
    )?;
    Ok(())
}

fn refused(host: &Host) -> Result<()> {
    let analyst = host.with("analyst")?;
    let table = table(500, 7)?;
    let id = begin(&analyst, &table, 500)?;
    let incomplete = expect_problem(&publish(&analyst, &id)?, 409, "dataset-incomplete")?;
    ensure!(
        incomplete["errors"].as_array().map(Vec::len) == Some(4),
        "{incomplete}"
    );
    for (place, media_type, bytes) in &table.parts {
        let cut = bytes
            .get(..bytes.len() / 2)
            .context("a part without bytes")?;
        let mut bent = bytes.clone();
        if let Some(byte) = bent.get_mut(9) {
            *byte ^= 0xff;
        }
        for bad in [
            &[][..],
            cut,
            bent.as_slice(),
            b"id,region,figure\n1,2,3\n",
            [bytes.as_slice(), bytes.as_slice()].concat().as_slice(),
        ] {
            let part = (place.clone(), *media_type, bad.to_vec());
            expect_problem(&send(&analyst, &id, &part)?, 422, "dataset-part-invalid")
                .with_context(|| format!("{place}, {} bytes", bad.len()))?;
        }
    }
    let (_, media_type, bytes) = table.parts.last().context("no parts")?;
    for (place, status, code) in [
        ("segments/0/columns/nobody", 404, "column-unknown"),
        ("segments/9/columns/figure", 422, "dataset-part-invalid"),
        ("pages/256", 422, "dataset-part-invalid"),
        ("pages/7", 400, "invalid-path"),
    ] {
        let media_type = if place.starts_with("pages") {
            *media_type
        } else {
            ARROW
        };
        let part = (place.to_owned(), media_type, bytes.clone());
        expect_problem(&send(&analyst, &id, &part)?, status, code)
            .with_context(|| place.to_owned())?;
    }
    let huge = ("pages/0".to_owned(), PAGES, vec![0; 16 * 1024 * 1024 + 1]);
    expect_problem(&send(&analyst, &id, &huge)?, 413, "payload-too-large")?;
    let progress = analyst
        .get(&format!("/dataset/v1/imports/{id}"))?
        .expect_status(200)?;
    ensure!(progress["parts"] == json!([]), "{progress}");
    analyst
        .delete(&format!("/dataset/v1/imports/{id}"))?
        .expect_status(204)?;
    expect_problem(&publish(&analyst, &id)?, 409, "dataset-state")?;
    let unknown = format!("/dataset/v1/imports/ds_{}", "a".repeat(26));
    expect_problem(&analyst.get(&unknown)?, 404, "dataset-unknown")?;
    Ok(())
}

fn regions(host: &Host) -> Result<()> {
    import(&host.with("admin")?, &table(300, 0)?, 300)?;
    let path = format!("/dataset/v1/customers/{}", customer(0)?);
    ensure!(
        host.in_region("hall", REGION)?.get(&path)?.status == 200,
        "the own region's customer"
    );
    expect_problem(
        &host.in_region("hall", OTHER_REGION)?.get(&path)?,
        404,
        "customer-unknown",
    )?;
    let own = host.in_region("analyst", REGION)?;
    let described = own
        .get("/dataset/v1/snapshots/current")?
        .expect_status(200)?;
    ensure!(
        described["rows"] == Value::Null && !described.to_string().contains("\"statistics\""),
        "{described:.300}"
    );
    let distribution = "/dataset/v1/snapshots/current/columns/region/distribution";
    let expected = json!([{"kind": "value", "value": REGION, "count": 150}]);
    chudian_e2e::wait_for("the own region is counted", IN_FORCE_TIME_MAX, || {
        let counted = own.get(distribution)?.expect_status(200)?;
        Ok((counted["groups"] == expected).then_some(()))
    })?;
    expect_problem(&own.get("/dataset/v1/snapshots")?, 403, "role-not-allowed")?;
    Ok(())
}

/// Goal: the table of the reference, tried cell by cell. A role that may is answered anything but 401 and 403.
fn roles(host: &Host) -> Result<()> {
    const EVERY: [&str; 6] = [
        "hall",
        "channel",
        "analyst",
        "custodian",
        "approver",
        "admin",
    ];
    let importers: &[&str] = &["analyst", "admin"];
    let readers: &[&str] = &["analyst", "approver", "admin"];
    let nobody = "a".repeat(26);
    for (method, path) in REFERENCE {
        let id = if path.contains("/layers/{id}") {
            format!("ly_{nobody}")
        } else if path.contains("/customers/") {
            nobody.clone()
        } else {
            format!("ds_{nobody}")
        };
        let roles = match path {
            "/dataset/v1/customers/{id}" => &["hall", "channel", "analyst", "admin"][..],
            "/dataset/v1/snapshots"
            | "/dataset/v1/snapshots/{id}"
            | "/dataset/v1/snapshots/{id}/columns/{name}/distribution" => readers,
            _ => importers,
        };
        let filled = path
            .replace("{id}", &id)
            .replace("{segment}", "0")
            .replace("{name}", "figure")
            .replace("{first}", "0");
        let method = method.to_uppercase();
        let answer = host.open().send(&method, &filled, &[], &[])?;
        expect_problem(&answer, 401, "key-missing").with_context(|| format!("{method} {path}"))?;
        for role in EVERY {
            let status = host.with(role)?.send(&method, &filled, &[], &[])?.status;
            ensure!(
                matches!(status, 401 | 403) != roles.contains(&role),
                "{role}: {method} {path} gives {status}"
            );
        }
    }
    Ok(())
}

fn documented(host: &Host) -> Result<()> {
    let document = host
        .open()
        .get("/dataset/v1/openapi.json")?
        .expect_status(200)?;
    for (method, path) in REFERENCE {
        let operation = &document["paths"][path][method];
        ensure!(
            operation["operationId"].is_string(),
            "{method} {path} is not documented"
        );
        ensure!(
            operation["responses"]["default"].is_object(),
            "{method} {path} names no problems"
        );
    }
    let routes: usize = document["paths"]
        .as_object()
        .context("no paths")?
        .values()
        .filter_map(Value::as_object)
        .map(serde_json::Map::len)
        .sum();
    ensure!(
        routes == REFERENCE.len(),
        "{routes} routes are served, {} are in the reference",
        REFERENCE.len()
    );
    Ok(())
}

fn start(
    host: &Host,
    options: &chudian_test_support::gateway::Options,
) -> Result<(Gateway, Caller)> {
    let gateway = Gateway::start(options.clone())?;
    let key = gateway.new_key("admin", None)?;
    let admin = host.caller_of(gateway.base_url()).with_bearer(key);
    Ok((gateway, admin))
}

fn cut_off(host: &Host) -> Result<()> {
    let options = host.aside("dataset-cut")?;
    let (gateway, admin) = start(host, &options)?;
    import(&admin, &table(2_000, 0)?, 2_000)?;
    let next = table(CUSTOMERS, 500)?;
    let id = begin(&admin, &next, CUSTOMERS)?;
    gateway.kill()?;
    for round in 0..ROUNDS {
        let (gateway, admin) = start(host, &options)?;
        ensure!(
            figure_of(&admin, 5)? == 5,
            "round {round}: the old snapshot is in force"
        );
        let known = admin
            .get(&format!("/dataset/v1/imports/{id}"))?
            .expect_status(200)?;
        // One part is in flight when the cut comes.
        let parts = next.parts.clone();
        let sender = admin.clone();
        let import_id = id.clone();
        let sending = std::thread::spawn(move || {
            for part in parts.iter().skip(round % 3) {
                if send(&sender, &import_id, part).is_err() {
                    return;
                }
            }
        });
        let arrived = known["parts"].as_array().map_or(0, Vec::len);
        let target = (arrived + 1).min(next.parts.len());
        let reached =
            chudian_e2e::wait_for("a part arrives", std::time::Duration::from_secs(60), || {
                let known = admin
                    .get(&format!("/dataset/v1/imports/{id}"))?
                    .expect_status(200)?;
                let count = known["parts"].as_array().map_or(0, Vec::len);
                Ok((count >= target || sending.is_finished()).then_some(()))
            });
        gateway.kill()?;
        reached?;
        ensure!(sending.join().is_ok(), "the sender of round {round} failed");
    }
    let (gateway, admin) = start(host, &options)?;
    for part in &next.parts {
        send(&admin, &id, part)?.expect_status(200)?;
    }
    ensure!(figure_of(&admin, 5)? == 5, "nothing is published yet");
    publish(&admin, &id)?.expect_status(200)?;
    for number in (0..CUSTOMERS).step_by(977) {
        ensure!(
            figure_of(&admin, number)? == 500 + number as i64,
            "customer {number}"
        );
    }
    println!("  {ROUNDS} cuts during an import: the old snapshot stayed, the new one is whole");
    gateway.stop()
}
