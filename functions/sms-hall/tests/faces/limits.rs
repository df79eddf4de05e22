//! How many messages one customer gets, when marketing messages go, and how long everything is kept.

use chudian_runtime::ports::sql::Dialect;
use http::StatusCode;
use serde_json::{Value, json};

use crate::stand_in::Deed;
use crate::world::{MINUTE_MS, World, customer_of, sms_up};

const NUMBER: &str = "13812345678";
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

async fn set(world: &World, change: &Value) {
    let mut rules = json!({"hours": {"opens": "08:00", "closes": "21:00"}, "replies_per_day_max": 20, "marketing_per_day_max": 3});
    for (name, value) in change.as_object().unwrap() {
        rules[name] = value.clone();
    }
    let got = world
        .send("analyst", "PUT", "/sending-rules", &[], rules.to_string())
        .await;
    assert_eq!(got.status, StatusCode::OK, "{got:?}");
    assert_eq!(got.json["is_built_in"], false);
    // Other instances feel it then, too.
    world.clock.advance_ms(4_000);
}

async fn states(world: &World, table: &str) -> Vec<(String, i64)> {
    let select = format!("select state, count(*) from {table} group by state order by state");
    world.rows(&select).await
}

fn counted(expected: &[(&str, i64)]) -> Vec<(String, i64)> {
    let owned = |(state, count): &(&str, i64)| ((*state).to_owned(), *count);
    expected.iter().map(owned).collect()
}

/// Goal: whoever writes on and on gets so many replies and no more, costs no comparison beyond, and is still obeyed: orders are taken, a refusal is
/// confirmed once and holds.
pub(crate) async fn a_customer_gets_so_many_replies_a_day(world: World) {
    set(&world, &json!({"replies_per_day_max": 3})).await;
    world.say(NUMBER, "s-1", "套餐").await;
    world.say(NUMBER, "s-2", "帮助").await;
    world.say(NUMBER, "s-3", "优惠").await;
    assert_eq!(world.provider.sent().len(), 3);
    for (sequence, text) in [
        ("s-4", "帮助"),
        ("s-5", "套餐"),
        ("s-6", "什么"),
        ("s-7", "1"),
    ] {
        world.say(NUMBER, sequence, text).await;
    }
    assert_eq!(world.provider.sent().len(), 3);
    assert_eq!(world.provider.asked("/tariff").len(), 1);
    assert_eq!(
        states(&world, "sms_inbound").await,
        counted(&[("done", 3), ("limited", 4)])
    );
    let orders = || {
        let events = world.provider.events().into_iter();
        let orders = events.filter(|event| event["type"] == "chudian.feedback.order.v1");
        orders.count()
    };
    assert_eq!(orders(), 1, "the offer is accepted though nothing says so");
    let noted = world.log.0.lock().unwrap().clone();
    let noted = noted.iter().filter(|line| line.contains("sms-reply-limit"));
    assert_eq!(noted.count(), 4);

    world.say(NUMBER, "s-8", "TD").await;
    assert_eq!(world.provider.sent().len(), 4);
    assert!(world.last_text().contains("您已退订"));
    world.say(NUMBER, "s-9", "恢复").await;
    world.say(NUMBER, "s-10", "TD").await;
    assert_eq!(world.provider.sent().len(), 4, "no second confirmation");
    let consent = format!("/consents/{}", customer_of(NUMBER));
    let consent = world.get("admin", &consent).await.json;
    assert_eq!(consent["is_opted_out"], true);
    assert_eq!(consent["proofs"].as_array().unwrap().len(), 3);

    // Another customer, in many messages at once on two instances.
    let other = world.another_instance();
    let path = world.path("aliyun", "inbound");
    let headers = [("spin-client-addr", crate::world::PROVIDER_ADDRESS)];
    let pushes = (0..12).map(|number| {
        let router = if number % 2 == 0 {
            &world.router
        } else {
            &other
        };
        let body = sms_up("13900001111", &format!("m-{number}"), "帮助").to_string();
        world.send_to(router, "", "POST", &path, &headers, body)
    });
    for got in futures::future::join_all(pushes).await {
        assert_eq!(got.status, StatusCode::OK);
    }
    world.settle().await;
    assert_eq!(world.provider.sent().len(), 4 + 3);

    world.clock.advance_ms(DAY_MS);
    world.say("13900001111", "s-11", "帮助").await;
    assert_eq!(world.provider.sent().len(), 4 + 3 + 1, "the next day");
}

/// Goal: over all campaigns a customer gets so many messages a day, also when two instances send at once; the others wait for the next day, or say
/// why they were not sent.
pub(crate) async fn a_customer_gets_so_many_marketing_messages_a_day(world: World) {
    // What was not taken does not count.
    world.provider.then([Deed::Answer(
        200,
        json!({"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "x"}),
    )]);
    let failed = world.market(NUMBER, "一").await;
    world.settle().await;
    assert_eq!(world.state(&failed).await.0, "failed");
    // 22:00, so that all wait for the same moment.
    world.clock.advance_ms(10 * 60 * MINUTE_MS);
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(world.market(NUMBER, "二").await);
    }
    let another = world.market("13900001111", "二").await;
    let body = json!({"gateway_id": world.gateways["aliyun"]["gateway_id"], "number": NUMBER, "text": "三", "campaign": "summer",
        "expires_at": "2026-11-23T10:00:00Z"});
    let got = world
        .send("channel", "POST", "/messages", &[], body.to_string())
        .await;
    let brief = got.json["message_id"].as_str().unwrap().to_owned();
    world.settle().await;
    world.clock.advance_ms(10 * 60 * MINUTE_MS);
    let other = world.another_instance();
    let run = |router| world.send_to(router, "admin", "POST", "/outbox/run", &[], "");
    let (one, two) = tokio::join!(run(&world.router), run(&other));
    assert_eq!((one.status, two.status), (StatusCode::OK, StatusCode::OK));
    let mut gone = 0;
    for id in ids.iter().chain([&brief]) {
        let got = world.get("admin", &format!("/messages/{id}")).await.json;
        match got["state"].as_str().unwrap() {
            "handed-over" => gone += 1,
            "queued" => assert_eq!(got["next_at"], "2026-11-24T00:00:00.000Z"),
            state => assert_eq!(
                (state, got["code"].as_str(), *id == brief),
                ("cancelled", Some("customer-limit"), true)
            ),
        }
    }
    assert_eq!(gone, 3);
    assert_eq!(world.state(&another).await.0, "handed-over");
    world.clock.advance_ms(DAY_MS);
    world.run().await;
    let mut gone = 0;
    for id in &ids {
        gone += usize::from(world.state(id).await.0 == "handed-over");
    }
    assert!((5..=6).contains(&gone), "{gone}: three more");
}

pub(crate) async fn hours_are_the_provinces_own(world: World) {
    let built_in = world.get("hall", "/sending-rules").await.json;
    assert_eq!(
        built_in,
        json!({"hours": {"opens": "08:00", "closes": "21:00"}, "replies_per_day_max": 20, "marketing_per_day_max": 3, "is_built_in": true})
    );
    let next_at = async |number: &str| {
        let message = world.market(number, "新套餐").await;
        world.settle().await;
        let got = world.get("admin", &format!("/messages/{message}")).await;
        got.json["next_at"].as_str().map(str::to_owned)
    };
    // Today is a holiday, tomorrow begins late.
    let days = json!({"2026-11-22": {"closed": true}, "2026-11-23": {"opens": "10:00", "closes": "12:00"}});
    set(&world, &json!({ "days": days })).await;
    let expected = Some("2026-11-23T02:00:00.000Z".to_owned());
    assert_eq!(next_at("13800000001").await, expected);
    world.say(NUMBER, "s-1", "帮助").await;
    assert_eq!(world.provider.sent().len(), 1, "who asks is answered");
    set(
        &world,
        &json!({"weekdays": {"sunday": {"opens": "00:00", "closes": "24:00"}}}),
    )
    .await;
    assert_eq!(next_at("13800000002").await, None);
    assert_eq!(world.provider.sent().len(), 2);

    let wrong = json!({"hours": {"opens": "21:00", "closes": "08:00"}, "days": {"tomorrow": {"closed": true}}, "replies_per_day_max": 0,
        "marketing_per_day_max": 3})
    .to_string();
    let got = world
        .send("admin", "PUT", "/sending-rules", &[], wrong.clone())
        .await;
    let pointers: Vec<&str> = got.json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(
        pointers,
        ["/hours", "/days/tomorrow", "/replies_per_day_max"]
    );
    let words = world.get("admin", "/commands").await.json;
    let words = json!({"commands": words["commands"]}).to_string();
    for (who, path, body) in [
        ("channel", "/sending-rules", &wrong),
        ("admin@zs01", "/sending-rules", &wrong),
        ("analyst@zs01", "/sending-rules", &wrong),
        ("analyst@zs01", "/commands", &words),
    ] {
        let got = world.send(who, "PUT", path, &[], body.clone()).await;
        assert_eq!(
            (got.status, got.code()),
            (StatusCode::FORBIDDEN, "role-not-allowed"),
            "{who} {path}"
        );
    }
}

/// Goal: a month is forgotten whole, but for what is under way and for what customers said of offers, with its proof.
pub(crate) async fn a_month_is_forgotten(world: World) {
    world.say(NUMBER, "s-1", "套餐").await;
    world.say(NUMBER, "s-2", "什么").await;
    world.say(NUMBER, "s-3", "TD").await;
    world.say("10086", "s-4", "TD").await;
    world.market("13900001111", "新套餐").await;
    let report =
        json!([{"phone_number": "13900001111", "success": true, "biz_id": "b-1", "out_id": ""}]);
    world.push("aliyun", "delivery", &report).await;
    world.settle().await;
    world.provider.then([Deed::Answer(
        400,
        json!({"Code": "Throttling.User", "Message": "x"}),
    )]);
    let waits = world.market("13900002222", "新套餐").await;
    world.settle().await;
    let consent = format!("/consents/{}", customer_of(NUMBER));
    let before = world.get("admin", &consent).await.json;

    let months = world.get("analyst", "/months").await.json;
    assert_eq!(
        months["items"],
        json!([{"month": "2026-11", "inbound": 4, "messages": 5}])
    );
    let forget = async |who: &str, month: &str| {
        world
            .send(who, "DELETE", &format!("/months/{month}"), &[], "")
            .await
    };
    for (who, month, code) in [
        ("admin", "2026-11", "month-not-over"),
        ("admin", "2026-12", "month-not-over"),
        ("admin", "November", "invalid-path"),
        ("analyst", "2026-09", "role-not-allowed"),
        ("admin@zs01", "2026-09", "role-not-allowed"),
    ] {
        assert_eq!(forget(who, month).await.code(), code, "{who} {month}");
    }
    world.clock.advance_ms(31 * DAY_MS);
    assert_eq!(forget("admin", "2026-11").await.code(), "month-not-over");
    // 2027-01: what came in December stays.
    world.clock.advance_ms(15 * DAY_MS);
    let december = sms_up("13900003333", "s-5", "帮助");
    world.clock.advance_ms(-10 * DAY_MS);
    world.push("aliyun", "inbound", &december).await;
    world.settle().await;
    world.clock.advance_ms(10 * DAY_MS);

    let got = forget("admin", "2026-11").await;
    assert_eq!(got.json, json!({"month": "2026-11", "done": true}));
    for (table, rows) in [
        ("sms_inbound", 1),
        ("sms_message", 2),
        ("sms_attempt", 2),
        ("sms_receipt", 0),
        ("sms_rejected", 0),
        ("sms_offer", 0),
        ("sms_help", 0),
        ("sms_consent_proof", 1),
        ("sms_number", 1),
    ] {
        assert_eq!(world.count(table).await, rows, "{table}");
    }
    assert_eq!(world.get("admin", &consent).await.json, before);
    // What was under way is over at the next drain, and goes when the month is forgotten again.
    world.run().await;
    assert_eq!(
        world.state(&waits).await,
        ("cancelled".to_owned(), "expired".to_owned())
    );
    assert_eq!(forget("admin", "2026-11").await.json["done"], true);
    assert_eq!(
        (
            world.count("sms_message").await,
            world.count("sms_number").await
        ),
        (1, 0)
    );
    let months = world.get("analyst", "/months").await.json;
    let items = months["items"].as_array().unwrap();
    assert_eq!(items.len(), 3, "{months}");
    assert_eq!(
        (&items[0]["month"], &items[0]["messages"]),
        (&json!("2026-11"), &json!(0))
    );
    assert!(items[0]["forgotten_at"].is_string(), "{months}");
    assert_eq!(
        items[1],
        json!({"month": "2026-12", "inbound": 1, "messages": 1})
    );
    assert_eq!(
        items[2],
        json!({"month": "2027-01", "inbound": 0, "messages": 0})
    );
}

/// Goal: a month with more than one request can delete is forgotten in several, and each says whether it was the last.
pub(crate) async fn a_large_month_takes_several_requests(world: World) {
    let transaction = world.sql.begin().await.unwrap();
    let dialect = transaction.dialect();
    transaction.rollback().await;
    // 70,000 receipts of 2026-09-14.
    let fill = match dialect {
        Dialect::Sqlite => {
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < 70000) \
             insert into sms_receipt (gateway_id, identity, customer_id, is_delivered, at_unix_ms, received_at_unix_ms) \
             select 'g', 'i-' || i, 'c', 1, 0, 1789400000000 from n"
        }
        Dialect::Postgres => {
            "insert into sms_receipt (gateway_id, identity, customer_id, is_delivered, at_unix_ms, received_at_unix_ms) \
             select 'g', 'i-' || i, 'c', 1, 0, 1789400000000 from generate_series(1, 70000) i"
        }
    };
    world.sql.execute(fill, Vec::new()).await.unwrap();
    let mut done = Vec::new();
    for _ in 0..2 {
        let got = world
            .send("admin", "DELETE", "/months/2026-09", &[], "")
            .await;
        done.push(got.json["done"].clone());
    }
    assert_eq!(done, [json!(false), json!(true)]);
    assert_eq!(world.count("sms_receipt").await, 0);
}
