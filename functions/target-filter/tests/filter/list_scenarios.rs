//! Lists and lookalikes over HTTP: what both databases must show alike.

use std::collections::BTreeSet;
use std::io::Read as _;

use age::x25519::Identity;
use chudian_vocabulary::pseudonym::CustomerPseudonym;
use serde_json::{Value, json};

use crate::customers::{CUSTOMERS, customers};
use crate::world::World;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 3600 * 1000;

fn request() -> Value {
    json!({
        "name": "彩铃推广", "purpose": "推广彩铃业务",
        "selection": {"expression": "arpu >= 20"},
        "channel": {"fixed": "sms-hall"},
        "priority": {"column": {"name": "arpu"}},
        "control": {"permille": 100},
        "batches": {"size": 100},
        "columns": ["brand", "arpu"],
    })
}

async fn freeze(world: &World, request: &Value) -> Value {
    world.send("analyst", "POST", "/lists", request).await.ok()
}

async fn approved(world: &World, request: &Value) -> String {
    let list = freeze(world, request).await;
    let id = list["list_id"].as_str().unwrap().to_owned();
    let reason = json!({"reason": "可以"});
    world
        .send(
            "analyst",
            "POST",
            &format!("/lists/{id}/submission"),
            &reason,
        )
        .await
        .ok();
    world
        .send(
            "approver",
            "POST",
            &format!("/lists/{id}/approval"),
            &reason,
        )
        .await
        .ok();
    id
}

/// Customers of the small dataset with a monthly spend of at least 20 yuan.
fn selected() -> usize {
    customers()
        .iter()
        .filter(|customer| customer.arpu_fen.is_some_and(|fen| fen >= 2_000))
        .count()
}

pub(crate) async fn a_frozen_list_comes_out_the_same(world: World) {
    let list = freeze(&world, &request()).await;
    let account = &list["account"];
    let contacted = account["contacted"].as_u64().unwrap();
    assert_eq!(account["candidates"], selected());
    assert_eq!(
        account["waterfall"],
        json!([{"step": "selected", "customers": selected()}])
    );
    assert_eq!(
        contacted + account["control"].as_u64().unwrap(),
        selected() as u64
    );
    assert_eq!(
        account["batches"].as_array().unwrap().len() as u64,
        contacted.div_ceil(100)
    );
    assert_eq!(
        (&list["state"], &list["as_of"], &list["rule"]),
        (&json!("draft"), &json!("2026-11-22"), &json!("arpu >= 20"))
    );
    assert_eq!(
        list["recipe"]["selection"]["dataset"],
        list["dataset_version"]
    );
    let id = list["list_id"].as_str().unwrap();
    let verified = world
        .send(
            "approver",
            "POST",
            &format!("/lists/{id}/verification"),
            &Value::Null,
        )
        .await
        .ok();
    assert_eq!(
        (&verified["identical"], &verified["hash_again"]),
        (&json!(true), &list["hash"]),
        "{verified}"
    );
    assert!(
        verified["pages_checked"].as_u64().unwrap() >= 5,
        "two regions of two groups and an index"
    );
    // A second list from the same recipe is another list with the same hash; another control salt gives another.
    assert_eq!(freeze(&world, &request()).await["hash"], list["hash"]);
    let mut other = request();
    other["control"]["salt"] = json!("another");
    assert_ne!(freeze(&world, &other).await["hash"], list["hash"]);
    // The proof fails when a stored page is not what was frozen.
    let damaged = freeze(&world, &request()).await;
    let id = damaged["list_id"].as_str().unwrap();
    let change = "update native_key_value set value = $1 where key like $2";
    let values =
        chudian_runtime::parameters![&b"CLM1\0\0\0\0"[..], format!("filter/list/{id}/m0/%")];
    assert_eq!(world.sql.execute(change, values).await.unwrap(), 1);
    assert_eq!(
        world
            .send(
                "approver",
                "POST",
                &format!("/lists/{id}/verification"),
                &Value::Null
            )
            .await
            .code(),
        "internal"
    );
}

pub(crate) async fn what_is_refused_leaves_nothing(world: World) {
    let mut capped = request();
    capped["over_cap"] = json!("refuse");
    capped["caps"] =
        json!([{"channel": "sms-hall", "members_max": 500}, {"region": "zs01", "members_max": 10}]);
    let refused = world.send("analyst", "POST", "/lists", &capped).await;
    assert_eq!(
        (refused.code(), refused.first_error()),
        ("list-over-cap", ("cap-reached", "/caps/1")),
        "{refused:?}"
    );
    capped["over_cap"] = json!("cut");
    capped["caps"] = json!([{"members_max": 0}]);
    assert_eq!(
        world
            .send("analyst", "POST", "/lists", &capped)
            .await
            .code(),
        "list-empty"
    );
    let table = [
        (json!({"name": " "}), "invalid-body", "/name"),
        (json!({"name": "a\u{0}b"}), "invalid-body", "/name"),
        (
            json!({"purpose": "回访 13812345678"}),
            "invalid-body",
            "/purpose",
        ),
        (
            json!({"caps": [{"members_max": 1}, {"members_max": 2}]}),
            "invalid-body",
            "/caps/1",
        ),
        (
            json!({"caps": [{"channel": "sms-hal", "members_max": 1}]}),
            "invalid-body",
            "/caps/0/channel",
        ),
        (
            json!({"caps": [{"members_max": 5}, {"region": "zs99", "members_max": 1}]}),
            "invalid-body",
            "/caps/1/region",
        ),
        (
            json!({"channel": {"column": "arpu"}}),
            "invalid-body",
            "/channel/column",
        ),
        (
            json!({"priority": {"column": {"name": "brand"}}}),
            "invalid-body",
            "/priority/column/name",
        ),
        (json!({"columns": ["id"]}), "invalid-body", "/columns"),
        (
            json!({"columns": ["brand", "brand"]}),
            "invalid-body",
            "/columns/1",
        ),
        (
            json!({"control": {"permille": 1001}}),
            "invalid-body",
            "/control/permille",
        ),
        (
            json!({"selection": {"expression": "arpu >= 20", "class": "service"}}),
            "invalid-body",
            "/control",
        ),
        (
            json!({"priority": {"lookalike": "x"}}),
            "invalid-body",
            "/priority/lookalike",
        ),
        (json!({"life_days": 181}), "invalid-body", "/life_days"),
    ];
    for (change, code, pointer) in table {
        let mut request = request();
        request
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let refused = world.send("analyst", "POST", "/lists", &request).await;
        assert_eq!(
            (refused.code(), refused.first_error().1),
            (code, pointer),
            "{change}: {refused:?}"
        );
    }
    assert_eq!(world.rows("filter_list").await, 0);
    let pages = "select count(*) from native_key_value where key like 'filter/%'";
    assert_eq!(
        world
            .sql
            .query_optional::<(i64,)>(pages, Vec::new())
            .await
            .unwrap(),
        Some((0,))
    );
    // With caps, a service message still reaches everyone.
    let mut service = request();
    service.as_object_mut().unwrap().remove("control");
    service["selection"]["class"] = json!("service");
    service["caps"] = json!([{"members_max": 0}]);
    assert_eq!(
        freeze(&world, &service).await["account"]["contacted"],
        selected()
    );
}

pub(crate) async fn four_eyes_decide(world: World) {
    let list = freeze(&world, &request()).await;
    let id = list["list_id"].as_str().unwrap();
    let reason = json!({"reason": "因为"});
    let act = async |who: &str, what: &str| {
        world
            .send(who, "POST", &format!("/lists/{id}/{what}"), &reason)
            .await
    };
    assert_eq!(act("approver", "approval").await.code(), "list-state");
    assert_eq!(
        act("analyst@zs01", "submission").await.code(),
        "list-unknown"
    );
    act("analyst", "submission").await.ok();
    assert_eq!(act("analyst", "submission").await.code(), "list-state");
    assert_eq!(act("analyst", "approval").await.code(), "role-not-allowed");
    // The approver's own list: the key is made the one that froze it.
    let own = "update filter_list set frozen_by = (select key_id from access_key where role = 'approver' and region is null)";
    world.sql.execute(own, Vec::new()).await.unwrap();
    assert_eq!(act("approver", "approval").await.code(), "list-four-eyes");
    let other = "update filter_list set frozen_by = 'someone'";
    world.sql.execute(other, Vec::new()).await.unwrap();
    let approved = act("approver", "approval").await.ok();
    assert_eq!(approved["state"], "approved");
    assert_eq!(act("approver", "rejection").await.code(), "list-state");
    let actions: Vec<&str> = approved["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["freeze", "submit", "approve"]);
    assert_eq!(approved["events"][2]["reason"], "因为");
    let empty = world
        .send(
            "approver",
            "POST",
            &format!("/lists/{id}/expiry"),
            &json!({"reason": ""}),
        )
        .await;
    assert_eq!(empty.first_error().1, "/reason");
}

/// What a custodian reads out of a file.
fn opened(file: &[u8], identity: &Identity) -> Option<Vec<u8>> {
    let decryptor = age::Decryptor::new(file).ok()?;
    let mut reader = decryptor
        .decrypt(std::iter::once(identity as &dyn age::Identity))
        .ok()?;
    let mut plain = Vec::new();
    reader.read_to_end(&mut plain).ok().map(|_| plain)
}

pub(crate) async fn an_export_opens_for_the_custodian_only(world: World) {
    let list = freeze(&world, &request()).await;
    let draft = list["list_id"].as_str().unwrap();
    let (custodian, stranger) = (Identity::generate(), Identity::generate());
    let form = json!({"receiver": "短信平台", "recipients": [custodian.to_public().to_string()]});
    let early = world
        .send(
            "custodian",
            "POST",
            &format!("/lists/{draft}/exports"),
            &form,
        )
        .await;
    assert_eq!(early.code(), "list-state");
    let id = approved(&world, &request()).await;
    assert_eq!(
        world
            .send("admin", "POST", &format!("/lists/{id}/exports"), &form)
            .await
            .code(),
        "role-not-allowed"
    );
    let wrong = json!({"receiver": "x", "recipients": ["age1wrong"]});
    let refused = world
        .send("custodian", "POST", &format!("/lists/{id}/exports"), &wrong)
        .await;
    assert_eq!(refused.first_error().1, "/recipients/0");
    let first = world
        .send("custodian", "POST", &format!("/lists/{id}/exports"), &form)
        .await
        .ok();
    let mut second = form.clone();
    second["receiver"] = json!("外呼中心");
    second["encoding"] = json!("csv-gb18030");
    second["batch"] = json!(2);
    let second = world
        .send(
            "custodian",
            "POST",
            &format!("/lists/{id}/exports"),
            &second,
        )
        .await
        .ok();

    let fetch = async |export: &Value| {
        let path = export["file"]
            .as_str()
            .unwrap()
            .strip_prefix("/filter/v1")
            .unwrap()
            .to_owned();
        world.fetch("custodian", &path).await
    };
    let file = fetch(&first).await;
    assert!(file.starts_with(b"age-encryption.org/v1\n"));
    assert_eq!(opened(&file, &stranger), None);
    let plain = opened(&file, &custodian).unwrap();
    let text = String::from_utf8(plain).unwrap();
    let mut lines = text
        .strip_prefix('\u{feff}')
        .unwrap()
        .split_terminator("\r\n");
    assert_eq!(
        lines.next(),
        Some("customer_id,batch,channel,region,brand,arpu,reference")
    );
    let lines: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(
        lines.len() as u64,
        list["account"]["contacted"].as_u64().unwrap()
    );
    let everyone = customers();
    for line in &lines {
        let customer = everyone
            .iter()
            .find(|customer| customer.id.to_string() == line[0])
            .unwrap();
        let fen = customer.arpu_fen.unwrap();
        assert_eq!(
            (line[2], line[3], line[4]),
            ("sms-hall", customer.region, customer.brand)
        );
        assert_eq!(line[5], format!("{}.{:02}", fen / 100, fen % 100));
    }
    let batch = opened(&fetch(&second).await, &custodian).unwrap();
    let batch_lines = String::from_utf8(batch).unwrap().lines().count() as u64 - 1;
    assert_eq!(json!(batch_lines), list["account"]["batches"][1]);

    // A file that leaks names its receiver: with the reference, and by the order alone.
    let leaked = |with_reference: bool| {
        let of = |line: &Vec<&str>| {
            if with_reference {
                json!({"customer_id": line[0], "reference": line[6]})
            } else {
                json!({"customer_id": line[0]})
            }
        };
        json!({"lines": lines.iter().map(of).collect::<Vec<_>>()})
    };
    for with_reference in [true, false] {
        let traced = world
            .send(
                "approver",
                "POST",
                &format!("/lists/{id}/traces"),
                &leaked(with_reference),
            )
            .await
            .ok();
        let sources: Vec<&Value> = traced["exports"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|export| export["is_source"] == true)
            .collect();
        assert_eq!(sources.len(), 1, "{traced}");
        assert_eq!(sources[0]["receiver"], "短信平台");
    }
    let looks = world
        .send(
            "approver",
            "GET",
            &format!("/lists/{id}/accesses"),
            &Value::Null,
        )
        .await
        .ok();
    let actions: Vec<&str> = looks["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|look| look["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions.iter().filter(|action| **action == "export").count(),
        2
    );
    assert_eq!(
        actions
            .iter()
            .filter(|action| **action == "download")
            .count(),
        2
    );
    assert_eq!(
        world
            .send("custodian", "GET", &format!("/lists/{id}"), &Value::Null)
            .await
            .ok()["state"],
        "in-use"
    );
    // Nothing that opens a file is stored anywhere.
    let stored = "select count(*) from filter_list_export where recipients like '%SECRET%'";
    assert_eq!(
        world
            .sql
            .query_optional::<(i64,)>(stored, Vec::new())
            .await
            .unwrap(),
        Some((0,))
    );
}

pub(crate) async fn each_customer_is_handed_out_once(world: World) {
    let id = approved(&world, &request()).await;
    let next = format!("/lists/{id}/next");
    assert_eq!(
        world
            .send("analyst", "POST", &next, &json!({}))
            .await
            .code(),
        "role-not-allowed"
    );
    // A channel that the list does not have leads nowhere, and no queue is kept for it.
    for channel in ["pigeon-post", "a\u{0}b"] {
        let form = json!({"channel": channel});
        let got = world.send("hall@zs01", "POST", &next, &form).await;
        assert_eq!(got.code(), "list-exhausted", "{got:?}");
    }
    assert_eq!(world.rows("filter_list_cursor").await, 0);
    // Four agents at once, in one region; the minutes that their keys have to wait are shorter than this lease.
    let agents = (0..4).map(|_| async {
        let mut taken = Vec::new();
        let form = json!({"lease_s": 172_800});
        loop {
            let got = world.send("hall@zs01", "POST", &next, &form).await;
            match got.code() {
                "list-exhausted" => break taken,
                "list-read-limit" => {
                    world.clock.advance_ms(60_001);
                }
                _ => taken.push(got.ok()),
            }
        }
    });
    let taken: Vec<Value> = futures::future::join_all(agents)
        .await
        .into_iter()
        .flatten()
        .collect();
    let ids: BTreeSet<&str> = taken
        .iter()
        .map(|customer| customer["customer_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), taken.len(), "nobody was handed out twice");
    assert!(
        taken
            .iter()
            .all(|customer| customer["region"] == "zs01" && customer["claimed_by_me"] == true)
    );
    let list = world
        .send("analyst", "GET", &format!("/lists/{id}"), &Value::Null)
        .await
        .ok();
    let of_region = list["account"]["by_region"]
        .as_array()
        .unwrap()
        .iter()
        .find(|part| part["name"] == "zs01")
        .unwrap();
    assert_eq!(json!(taken.len()), of_region["contacted"]);
    assert_eq!(list["state"], "in-use");
    assert_eq!(world.rows("filter_list_claim").await as usize, taken.len());
    assert!(world.rows("personal_access").await as usize >= taken.len());

    // By id: one's own region only, and never the control group.
    world.clock.advance_ms(60_001);
    let look = async |who: &str, customer: &str| {
        world
            .send(
                who,
                "GET",
                &format!("/lists/{id}/customers/{customer}"),
                &Value::Null,
            )
            .await
    };
    let known = ids.first().unwrap();
    assert_eq!(
        look("hall@zs01", known).await.ok()["columns"][0]["name"],
        "brand"
    );
    assert_eq!(look("hall@hz01", known).await.code(), "customer-unknown");
    let eligible = customers().into_iter().filter(|customer| {
        customer.region == "zs01" && customer.arpu_fen.is_some_and(|fen| fen >= 2_000)
    });
    let control = eligible
        .map(|customer| customer.id.to_string())
        .find(|customer| !ids.contains(customer.as_str()))
        .unwrap();
    assert_eq!(look("hall@zs01", &control).await.code(), "customer-unknown");
    let stranger = CustomerPseudonym([9; 16]).to_string();
    assert_eq!(
        look("hall@zs01", &stranger).await.code(),
        "customer-unknown"
    );
    let looks = "select count(*) from filter_list_access where customer_id = $1";
    let row: Option<(i64,)> = world
        .sql
        .query_optional(looks, chudian_runtime::parameters![control])
        .await
        .unwrap();
    assert_eq!(row, Some((1,)), "that someone asked is on record");
}

/// Goal: a customer whose agent vanishes goes to another, one who was spoken to does not, and whoever comes too late is told so.
pub(crate) async fn a_claim_is_a_lease(world: World) {
    let id = approved(&world, &request()).await;
    let next = format!("/lists/{id}/next");
    let take = async |who: &str, form: Value| world.send(who, "POST", &next, &form).await;
    let look = async |who: &str, customer: &str| {
        let path = format!("/lists/{id}/customers/{customer}");
        world.send(who, "GET", &path, &Value::Null).await.ok()
    };
    let report = async |who: &str, customer: &str, outcome: &str| {
        let path = format!("/lists/{id}/customers/{customer}/result");
        let form = json!({"outcome": outcome});
        world.send(who, "PUT", &path, &form).await
    };
    let id_of = |customer: &Value| customer["customer_id"].as_str().unwrap().to_owned();
    for lease_s in [0, 59, 172_801] {
        let refused = take("hall@zs01", json!({"lease_s": lease_s})).await;
        assert_eq!(refused.first_error(), ("value-not-allowed", "/lease_s"));
    }

    let vanished = take("hall@zs01", json!({})).await.ok();
    assert_eq!(vanished["claimed_until"], "2026-11-22T04:30:00.000Z");
    let diligent = take("hall@zs01", json!({"lease_s": 3_600})).await.ok();
    let spoken_to = take("hall@zs01", json!({"lease_s": 60})).await.ok();
    let (vanished, diligent, spoken_to) = (id_of(&vanished), id_of(&diligent), id_of(&spoken_to));
    let noted = report("hall@zs01", &spoken_to, "accepted").await.ok();
    assert_eq!(noted["outcome"], "accepted");
    // The lease of the one who is still read begins anew; the others' end, at the millisecond at which they were said to.
    world.clock.advance_ms(20 * 60_000);
    assert_eq!(
        look("hall@zs01", &diligent).await["claimed_until"],
        "2026-11-22T05:20:00.000Z"
    );
    world.clock.advance_ms(10 * 60_000 - 1);
    let fresh = id_of(&take("channel@zs01", json!({})).await.ok());
    assert!(![&vanished, &diligent, &spoken_to].contains(&&fresh));
    world.clock.advance_ms(1);
    assert_eq!(
        take("channel", json!({"region": "hz01"})).await.ok()["region"],
        "hz01"
    );
    let second = take("channel@zs01", json!({})).await.ok();
    assert_eq!(
        id_of(&second),
        vanished,
        "it stands before those never taken"
    );
    assert_eq!(second["claimed_by_me"], true);

    // The first one comes back.
    let seen = look("hall@zs01", &vanished).await;
    assert_eq!(seen["claimed_by_me"], false);
    assert_eq!(
        seen["claimed_until"], second["claimed_until"],
        "it renewed nothing"
    );
    let late = report("hall@zs01", &vanished, "accepted").await;
    assert_eq!(
        (late.code(), late.status.as_u16()),
        ("list-claim-lost", 409)
    );
    assert!(
        late.json["detail"]
            .as_str()
            .unwrap()
            .contains("2026-11-22T04:30:00.000Z"),
        "{late:?}"
    );
    report("channel@zs01", &vanished, "declined").await.ok();
    // Late, but nobody else has the customer: the result counts.
    world.clock.advance_ms(2 * 3_600_000);
    report("hall@zs01", &diligent, "no-answer").await.ok();
    let corrected = report("hall@zs01", &diligent, "interested").await.ok();
    assert_eq!(corrected["outcome"], "interested");
    let seen = look("channel@zs01", &diligent).await;
    assert_eq!(
        (&seen["outcome"], &seen["claimed_until"]),
        (&json!("interested"), &Value::Null)
    );
    // Of those with a result nobody is handed out again, and nobody reports on what was never theirs.
    for customer in [&spoken_to, &diligent] {
        let refused = report("channel@zs01", customer, "declined").await;
        assert_eq!(refused.code(), "customer-unknown");
    }
    assert_eq!(
        report("hall", "nobody", "declined").await.code(),
        "customer-unknown"
    );
    assert_eq!(
        report("hall@zs01", &spoken_to, "so-so").await.code(),
        "invalid-body"
    );
    assert_eq!(
        report("analyst", &spoken_to, "declined").await.code(),
        "role-not-allowed"
    );
    let mut again = Vec::new();
    for _ in 0..20 {
        again.push(id_of(&take("channel@zs01", json!({})).await.ok()));
    }
    assert_eq!(
        again[0], fresh,
        "the one whose lease ended in between comes first"
    );
    for customer in [&vanished, &diligent, &spoken_to] {
        assert!(!again.contains(customer));
    }

    // Many take over at once: each lapsed customer goes to one of them.
    world.clock.advance_ms(3_600_000);
    let takers = (0..8).map(|_| async { id_of(&take("hall@zs01", json!({})).await.ok()) });
    let taken: Vec<String> = futures::future::join_all(takers).await;
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), taken.len());
    assert!(taken.iter().all(|customer| again.contains(customer)));
    // What was claimed before there were leases stays with whoever took it.
    let old = "update filter_list_claim set until_unix_ms = 0, lease_ms = 0, partition_number = null, place = null, \
               done_at_unix_ms = at_unix_ms, outcome = null";
    world.sql.execute(old, Vec::new()).await.unwrap();
    world.clock.advance_ms(3_600_000);
    let after = id_of(&take("hall@zs01", json!({})).await.ok());
    assert!(!again.contains(&after) && after != vanished);
}

pub(crate) async fn a_key_reads_so_many_a_minute(world: World) {
    let id = approved(&world, &request()).await;
    let next = format!("/lists/{id}/next");
    for _ in 0..60 {
        world
            .send("channel", "POST", &next, &json!({"region": "hz01"}))
            .await
            .ok();
    }
    let limited = world.send("channel", "POST", &next, &json!({})).await;
    assert_eq!(
        (limited.code(), limited.status.as_u16()),
        ("list-read-limit", 429)
    );
    world.send("hall", "POST", &next, &json!({})).await.ok();
    world.clock.advance_ms(60_001);
    world
        .send("channel", "POST", &next, &json!({"channel": "sms-hall"}))
        .await
        .ok();
    assert_eq!(
        world
            .send("channel", "POST", &next, &json!({"channel": "wap"}))
            .await
            .code(),
        "list-exhausted"
    );
}

pub(crate) async fn an_expired_list_gives_nothing(world: World) {
    let id = approved(&world, &request()).await;
    let next = format!("/lists/{id}/next");
    let taken = world.send("hall", "POST", &next, &json!({})).await.ok();
    let custodian = Identity::generate();
    let form = json!({"receiver": "x", "recipients": [custodian.to_public().to_string()]});
    let export = world
        .send("custodian", "POST", &format!("/lists/{id}/exports"), &form)
        .await
        .ok();
    world.clock.advance_ms(30 * DAY_MS);
    assert_eq!(
        world.send("hall", "POST", &next, &json!({})).await.code(),
        "list-expired"
    );
    let customer = taken["customer_id"].as_str().unwrap();
    assert_eq!(
        world
            .send(
                "hall",
                "GET",
                &format!("/lists/{id}/customers/{customer}"),
                &Value::Null
            )
            .await
            .code(),
        "list-expired"
    );
    assert_eq!(
        world
            .send("custodian", "POST", &format!("/lists/{id}/exports"), &form)
            .await
            .code(),
        "list-expired"
    );
    let file = export["file"]
        .as_str()
        .unwrap()
        .strip_prefix("/filter/v1")
        .unwrap();
    assert_eq!(
        world
            .send("custodian", "GET", file, &Value::Null)
            .await
            .code(),
        "list-expired"
    );
    assert_eq!(
        world
            .send("analyst", "GET", &format!("/lists/{id}"), &Value::Null)
            .await
            .ok()["state"],
        "expired"
    );
    // Ending it by hand deletes the members; the facts stay.
    world
        .send(
            "analyst",
            "POST",
            &format!("/lists/{id}/expiry"),
            &json!({"reason": "完成"}),
        )
        .await
        .ok();
    let pages = "select count(*) from native_key_value where key like 'filter/%'";
    assert_eq!(
        world
            .sql
            .query_optional::<(i64,)>(pages, Vec::new())
            .await
            .unwrap(),
        Some((0,))
    );
    assert_eq!(world.rows("filter_list").await, 1);
}

pub(crate) async fn prospects_are_found_and_order_a_list(world: World) {
    // Who spends much was marketed long ago, in this dataset; the column of the users' own condition is not looked at.
    let question =
        json!({"purpose": "找潜在客户", "users": {"expression": "arpu >= 80"}, "seed": "s"});
    let found = world
        .send("analyst", "POST", "/lookalikes", &question)
        .await
        .ok();
    assert_eq!(
        found["population"]["users"].as_u64().unwrap()
            + found["population"]["others"].as_u64().unwrap(),
        CUSTOMERS as u64
    );
    let characteristics = found["characteristics"].as_array().unwrap();
    assert!(
        characteristics
            .iter()
            .all(|characteristic| characteristic["column"] != "arpu")
    );
    let first = &characteristics[0];
    assert_eq!(
        (
            &first["is_supported"],
            first["column"].as_str().unwrap().starts_with("marketed")
        ),
        (&json!(true), true),
        "{first}"
    );
    let brand = characteristics
        .iter()
        .find(|characteristic| characteristic["column"] == "brand")
        .unwrap();
    assert_eq!(brand["is_supported"], false, "brands are spread evenly");
    assert!(found["score"]["area_under_curve"].as_f64().unwrap() > 0.5);
    let run = found["run_id"].as_str().unwrap();
    assert_eq!(
        world
            .send(
                "approver",
                "GET",
                &format!("/lookalikes/{run}"),
                &Value::Null
            )
            .await
            .ok(),
        found
    );
    assert_eq!(
        world
            .send(
                "analyst@zs01",
                "GET",
                &format!("/lookalikes/{run}"),
                &Value::Null
            )
            .await
            .code(),
        "lookalike-unknown"
    );
    // Everybody's points, for the batch that makes columns of them: the same whenever they are asked for.
    let points = async |who: &str, run: &str, rest: &str| {
        let path = format!("/lookalikes/{run}/segments/{rest}");
        world.send(who, "GET", &path, &Value::Null).await
    };
    let scored = points("analyst", run, "0/points").await.ok();
    assert_eq!(scored["points"].as_array().unwrap().len(), CUSTOMERS);
    assert_eq!(scored["dataset_version"], found["dataset_version"]);
    // A plus sign in a query is a space.
    let version = found["dataset_version"]
        .as_str()
        .unwrap()
        .replace('+', "%2B");
    let again = points("admin", run, &format!("0/points?dataset={version}")).await;
    assert_eq!(again.ok(), scored);
    let bands = found["score"]["bands"].as_array().unwrap();
    let bounds = |name: &'static str| bands.iter().map(move |band| band[name].as_i64().unwrap());
    let (low, high) = (
        bounds("points_min").min().unwrap(),
        bounds("points_max").max().unwrap(),
    );
    let of_all = scored["points"].as_array().unwrap().iter();
    assert!(of_all.clone().any(|points| points != &scored["points"][0]));
    assert!(
        of_all
            .into_iter()
            .all(|points| (low..=high).contains(&points.as_i64().unwrap()))
    );
    for (who, run, rest, code) in [
        ("analyst@zs01", run, "0/points", "role-not-allowed"),
        ("approver", run, "0/points", "role-not-allowed"),
        ("analyst", "fk_none", "0/points", "lookalike-unknown"),
        ("analyst", run, "1/points", "invalid-path"),
        ("analyst", run, "-1/points", "invalid-path"),
        ("analyst", run, "0/points?dataset=ds_x", "invalid-body"),
    ] {
        assert_eq!(
            points(who, run, rest).await.code(),
            code,
            "{who} {run} {rest}"
        );
    }
    // What is spread evenly gives no score, and so no points.
    let mut nothing = question.clone();
    nothing["columns"] = json!(["brand"]);
    let nothing = world
        .send("analyst", "POST", "/lookalikes", &nothing)
        .await
        .ok();
    let without = points("analyst", nothing["run_id"].as_str().unwrap(), "0/points").await;
    assert_eq!(without.code(), "lookalike-no-score");
    // The rule is a selection like any other.
    let rule = world.selected(&found["rule"]["expression"]).await;
    assert!(rule > 0 && world.selected(&found["rule"]["text"]["zh"]).await == rule);
    // And the points order a list, which then names the run.
    let mut ordered = request();
    ordered["priority"] = json!({"lookalike": run});
    let list = freeze(&world, &ordered).await;
    assert_eq!(list["model_version"], run);
    let id = list["list_id"].as_str().unwrap();
    let verified = world
        .send(
            "analyst",
            "POST",
            &format!("/lists/{id}/verification"),
            &Value::Null,
        )
        .await
        .ok();
    assert_eq!(verified["identical"], true);
    let few = json!({"purpose": "x", "users": {"expression": "arpu >= 155"}});
    assert_eq!(
        world
            .send("analyst", "POST", "/lookalikes", &few)
            .await
            .code(),
        "lookalike-too-few"
    );
}
