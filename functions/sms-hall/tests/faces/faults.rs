//! What goes wrong between the hall and a provider, and what happens at the same time.

use std::collections::{BTreeMap, BTreeSet};

use chudian_sms_hall::webhook::WebhookSecret;
use http::StatusCode;
use serde_json::{Value, json};

use crate::stand_in::Deed;
use crate::world::{MINUTE_MS, World, sms_up};

const NUMBER: &str = "13812345678";

/// Goal: of every way to fail, what the message becomes, and how often the provider saw it after an hour of drains.
pub(crate) async fn only_certain_failures_are_tried_again(world: World) {
    let refusal = |code: &str| json!({"Code": code, "Message": "x"});
    let table = [
        (
            Deed::Answer(200, refusal("isv.BUSINESS_LIMIT_CONTROL")),
            "handed-over",
            2,
        ),
        (Deed::Answer(400, refusal("Throttling")), "handed-over", 2),
        (
            Deed::Answer(200, refusal("isv.MOBILE_NUMBER_ILLEGAL")),
            "failed",
            1,
        ),
        (Deed::Answer(200, refusal("isp.SYSTEM_ERROR")), "unknown", 1),
        (Deed::Answer(503, json!({})), "unknown", 1),
        (
            Deed::Answer(500, refusal("isv.MOBILE_NUMBER_ILLEGAL")),
            "unknown",
            1,
        ),
        (Deed::Break, "unknown", 1),
        (Deed::Hang, "unknown", 1),
    ];
    for (case, (deed, state, seen)) in table.into_iter().enumerate() {
        let shown = format!("{deed:?}");
        let before = world.provider.sent().len();
        world.provider.then([deed]);
        let number = format!("1380000{case:04}");
        world.say(&number, &format!("s-{case}"), "帮助").await;
        for _ in 0..5 {
            world.clock.advance_ms(10 * MINUTE_MS);
            world.run().await;
        }
        world.provider.release();
        let page = world
            .get(
                "admin",
                &format!(
                    "/messages?customer_id={}",
                    crate::world::customer_of(&number)
                ),
            )
            .await;
        assert_eq!(page.json["items"][0]["state"], state, "{shown}: {page:?}");
        assert_eq!(world.provider.sent().len() - before, seen, "{shown}");
    }
    assert_eq!(world.count("sms_number").await, 0);

    // Nobody listens: nothing was sent, and it is tried again until it is worth nothing.
    let id = world.gateways["aliyun"]["gateway_id"].as_str().unwrap();
    let settings = json!({"name": "x", "addresses": ["203.0.113.0/24"], "endpoint": "http://127.0.0.1:9/send",
        "sender": {"sign_name": "触点", "template": "SMS_1"}});
    let path = format!("/gateways/{id}");
    let got = world
        .send("admin", "PUT", &path, &[], settings.to_string())
        .await;
    assert_eq!(got.status, StatusCode::OK, "{got:?}");
    world.clock.advance_ms(10_000);
    world.say(NUMBER, "s-100", "帮助").await;
    let customer = crate::world::customer_of(NUMBER);
    let list = format!("/messages?customer_id={customer}");
    let message = world.get("admin", &list).await.json["items"][0].clone();
    assert_eq!(
        (&message["state"], &message["code"]),
        (&json!("queued"), &json!("not-connected"))
    );
    for _ in 0..10 {
        world.clock.advance_ms(31 * MINUTE_MS);
        world.run().await;
    }
    let message = world.get("admin", &list).await.json["items"][0].clone();
    assert_eq!(message["state"], "failed");
    assert_eq!(message["attempts"], 6);
    assert_eq!(world.count("sms_number").await, 0);
}

/// Goal: many messages that are due, two instances that drain at the same time: each goes once.
pub(crate) async fn two_runners_send_each_message_once(world: World) {
    // 22:00, so that all wait.
    world.clock.advance_ms(10 * 60 * MINUTE_MS);
    for number in 0..30 {
        world.market(&format!("1380000{number:04}"), "新套餐").await;
    }
    world.settle().await;
    assert_eq!(world.provider.sent().len(), 0);
    world.clock.advance_ms(10 * 60 * MINUTE_MS);
    let other = world.another_instance();
    let run = |router| world.send_to(router, "admin", "POST", "/outbox/run", &[], "");
    for _ in 0..3 {
        let (one, two, three) = tokio::join!(run(&world.router), run(&other), run(&world.router));
        for got in [one, two, three] {
            assert_eq!(got.status, StatusCode::OK, "{got:?}");
        }
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for asked in world.provider.sent() {
        *seen.entry(asked.field("PhoneNumbers")).or_default() += 1;
    }
    assert_eq!(seen.len(), 30);
    assert!(seen.values().all(|count| *count == 1), "{seen:?}");
    let states: Vec<(String, i64)> = world
        .rows("select state, count(*) from sms_message group by state")
        .await;
    assert_eq!(states, [("handed-over".to_owned(), 30)]);
}

/// Goal: whichever comes first wins whole: a message is cancelled and was never handed over, or was handed over once; and after the
/// refusal is acknowledged nothing goes any more.
pub(crate) async fn a_refusal_races_with_a_message(world: World) {
    let other = world.another_instance();
    for round in 0..20 {
        let number = format!("1390000{round:04}");
        let body = json!({"gateway_id": world.gateways["aliyun"]["gateway_id"], "number": number, "text": "新套餐", "campaign": "spring"});
        let refusal = sms_up(&number, &format!("s-{round}"), "TD").to_string();
        let path = world.path("aliyun", "inbound");
        let headers = [("spin-client-addr", crate::world::PROVIDER_ADDRESS)];
        let (queued, refused) = tokio::join!(
            world.send_to(
                &other,
                "channel",
                "POST",
                "/messages",
                &[],
                body.to_string()
            ),
            world.send("", "POST", &path, &headers, refusal),
        );
        assert_eq!(refused.status, StatusCode::OK, "{refused:?}");
        world.settle().await;
        world.run().await;
        let id = queued.json["message_id"].as_str().unwrap();
        let marketing = world
            .provider
            .sent()
            .iter()
            .filter(|asked| {
                asked.field("PhoneNumbers") == number && crate::world::text_of(asked) == "新套餐"
            })
            .count();
        match world.state(id).await {
            (state, code) if state == "cancelled" => {
                assert_eq!((marketing, code.as_str()), (0, "opted-out"));
            }
            (state, _) => assert_eq!((state.as_str(), marketing), ("handed-over", 1)),
        }
        let after = world.market(&number, "新套餐").await;
        world.settle().await;
        assert_eq!(world.state(&after).await.0, "cancelled");
    }
}

/// Goal: the process dies between the attempt and its answer: the message is unknown, is never sent again, and a receipt resolves it.
pub(crate) async fn an_attempt_that_is_cut_off_is_never_repeated(world: World) {
    world.provider.then([Deed::Hang]);
    let got = world
        .push("aliyun", "inbound", &sms_up(NUMBER, "s-1", "帮助"))
        .await;
    assert_eq!(got.status, StatusCode::OK);
    world.provider.until_sent(1).await;
    world.work.kill();
    world.settle().await;
    let message = world.get("admin", "/messages").await.json["items"][0].clone();
    assert_eq!(message["state"], "sending");
    let id = message["message_id"].as_str().unwrap();
    for _ in 0..5 {
        world.run().await;
        world.clock.advance_ms(MINUTE_MS);
    }
    assert_eq!(
        world.state(id).await,
        ("unknown".to_owned(), "attempt-lost".to_owned())
    );
    assert_eq!(world.count("sms_number").await, 0);
    assert_eq!(world.provider.sent().len(), 1);
    let report = json!([{"phone_number": NUMBER, "report_time": "2026-11-22 12:00:05", "success": true, "biz_id": "biz-9", "out_id": id}]);
    world.push("aliyun", "delivery", &report).await;
    assert_eq!(world.state(id).await.0, "delivered");
}

/// Goal: the process dies right after the acknowledgement: the drain answers, once, when the lease is over.
pub(crate) async fn work_that_never_began_is_done_by_the_drain(world: World) {
    world.work.lose(true);
    world
        .push("aliyun", "inbound", &sms_up(NUMBER, "s-1", "套餐"))
        .await;
    assert_eq!(world.run().await["answered"], 0, "its lease runs");
    world.clock.advance_ms(2 * MINUTE_MS);
    let other = world.another_instance();
    let run = |router| world.send_to(router, "admin", "POST", "/outbox/run", &[], "");
    let (one, two) = tokio::join!(run(&world.router), run(&other));
    let answered = one.json["answered"].as_u64().unwrap() + two.json["answered"].as_u64().unwrap();
    assert_eq!(answered, 1);
    assert_eq!(world.provider.sent().len(), 1);
    // One that nobody comes for in time is not answered any more, and its number goes.
    world
        .push("aliyun", "inbound", &sms_up(NUMBER, "s-2", "套餐"))
        .await;
    world.clock.advance_ms(7 * 60 * MINUTE_MS);
    world.run().await;
    world.run().await;
    assert_eq!(world.provider.sent().len(), 1);
    assert_eq!(world.count("sms_number").await, 0);
}

pub(crate) async fn a_push_that_comes_twice_at_once_is_one_message(world: World) {
    let other = world.another_instance();
    let headers = [("spin-client-addr", crate::world::PROVIDER_ADDRESS)];
    let path = world.path("aliyun", "inbound");
    for round in 0..10 {
        let body = sms_up(NUMBER, &format!("s-{round}"), "帮助").to_string();
        let push = |router| world.send_to(router, "", "POST", &path, &headers, body.clone());
        let (one, two) = tokio::join!(push(&world.router), push(&other));
        assert_eq!((one.status, two.status), (StatusCode::OK, StatusCode::OK));
    }
    world.settle().await;
    assert_eq!(world.count("sms_inbound").await, 10);
    assert_eq!(world.provider.sent().len(), 10);
}

pub(crate) async fn a_receipt_can_be_quicker_than_the_answer(world: World) {
    world.provider.then([Deed::Hang]);
    world
        .push(
            "tencent",
            "inbound",
            &json!({"mobile": NUMBER, "nationcode": "86", "text": "帮助", "time": 1_795_319_990}),
        )
        .await;
    world.provider.until_sent(1).await;
    let message = world.provider.sent()[0].json();
    let id = message["SessionContext"].as_str().unwrap().to_owned();
    // The provider's id is not known yet, so the receipt only waits.
    let status = json!([{"mobile": NUMBER, "nationcode": "86", "report_status": "SUCCESS", "sid": format!("serial-{id}")}]);
    world.push("tencent", "delivery", &status).await;
    world.settle().await;
    assert_eq!(world.state(&id).await.0, "unknown", "the answer never came");
    // With the next message the answer comes after its receipt.
    let other = json!([{"mobile": NUMBER, "nationcode": "86", "report_status": "SUCCESS", "sid": "serial-early"}]);
    world.push("tencent", "delivery", &other).await;
    world.provider.then([Deed::Answer(
        200,
        json!({"Response": {"SendStatusSet": [{"SerialNo": "serial-early", "Code": "Ok"}]}}),
    )]);
    world
        .push(
            "tencent",
            "inbound",
            &json!({"mobile": NUMBER, "nationcode": "86", "text": "帮助", "time": 1_795_319_991}),
        )
        .await;
    world.settle().await;
    let states: Vec<(String,)> = world
        .rows("select state from sms_message order by created_at_unix_ms, state")
        .await;
    assert_eq!(states, [("delivered".to_owned(),), ("unknown".to_owned(),)]);
    // The log hears of the receipt though it came before its message was known; nobody knows what the other one was about.
    let receipts: Vec<Value> = world
        .provider
        .events()
        .into_iter()
        .filter(|event| event["type"] == "chudian.feedback.delivery-receipt.v1")
        .collect();
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0]["data"]["outcome"], "delivered");
}

/// Goal: the receipt and the answer that tells the provider's id come in the same moment, on two instances: whichever is written first, the
/// other sees it.
pub(crate) async fn a_receipt_races_with_its_answer(world: World) {
    const ROUNDS: usize = 40;
    let other = world.another_instance();
    let headers = [("spin-client-addr", crate::world::PROVIDER_ADDRESS)];
    let path = world.path("tencent", "delivery");
    for round in 0..ROUNDS {
        let number = format!("1390000{round:04}");
        let message =
            json!({"mobile": number, "nationcode": "86", "text": "帮助", "time": 1_795_319_990});
        let got = world.push("tencent", "inbound", &message).await;
        assert_eq!(got.status, StatusCode::OK);
        world.provider.until_sent(round + 1).await;
        let sent = world.provider.sent()[round].json();
        let serial = format!("serial-{}", sent["SessionContext"].as_str().unwrap());
        let status = json!([{"mobile": number, "nationcode": "86", "report_status": "SUCCESS", "sid": serial}]);
        let got = world
            .send_to(&other, "", "POST", &path, &headers, status.to_string())
            .await;
        assert_eq!(got.status, StatusCode::OK, "{got:?}");
    }
    world.settle().await;
    let states: Vec<(String, i64)> = world
        .rows("select state, count(*) from sms_message group by state")
        .await;
    assert_eq!(states, [("delivered".to_owned(), ROUNDS as i64)]);
    // Two instances may report the same receipt; it has one id, by which the log counts it once.
    let receipts = world.provider.events().into_iter();
    let receipts = receipts.filter(|event| event["type"] == "chudian.feedback.delivery-receipt.v1");
    let ids: BTreeSet<String> = receipts.map(|event| event["id"].to_string()).collect();
    assert_eq!(ids.len(), ROUNDS);
}

/// Goal: two callbacks at once with the same customers in opposite order do not wait for each other crosswise; both are acknowledged.
pub(crate) async fn callbacks_with_the_same_customers_pass_each_other(world: World) {
    let other = world.another_instance();
    let headers = [("spin-client-addr", crate::world::PROVIDER_ADDRESS)];
    let path = world.path("aliyun", "inbound");
    for round in 0..8 {
        let items = |text: &str| -> Vec<Value> {
            let item = |place: usize| {
                let sequence = format!("{text}-{round}-{place}");
                sms_up(&format!("1390000{place:04}"), &sequence, text)[0].clone()
            };
            (0..60).map(item).collect()
        };
        let (refusals, mut returns) = (items("TD"), items("恢复"));
        returns.reverse();
        let push = |router, items: Vec<Value>| {
            let body = Value::from(items).to_string();
            world.send_to(router, "", "POST", &path, &headers, body)
        };
        let (one, two) = tokio::join!(push(&world.router, refusals), push(&other, returns));
        assert_eq!(
            (one.status, two.status),
            (StatusCode::OK, StatusCode::OK),
            "{one:?} {two:?}"
        );
    }
    world.settle().await;
    assert_eq!(world.count("sms_inbound").await, 8 * 120);
}

pub(crate) async fn events_wait_for_the_contact_log(world: World) {
    world.provider.set_log(false);
    world.say(NUMBER, "s-1", "TD").await;
    assert_eq!(world.count("sms_event").await, 1);
    world.provider.set_log(true);
    assert_eq!(world.run().await["reported"], 0, "not before its pause");
    world.clock.advance_ms(MINUTE_MS);
    assert_eq!(world.run().await["reported"], 1);
    assert_eq!(world.count("sms_event").await, 0);
    let ids: Vec<Value> = world
        .provider
        .events()
        .iter()
        .map(|event| event["id"].clone())
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1], "the same event, under the same id");
}

/// Goal: who finds another at reporting may go: that one looks again, so that the event does not wait for the timer.
pub(crate) async fn an_event_that_comes_during_a_report_is_reported_next(world: World) {
    let held = world.provider.hold_log().await;
    world
        .push("aliyun", "inbound", &sms_up(NUMBER, "s-1", "TD"))
        .await;
    while world.provider.asked("/feedback").is_empty() {
        tokio::task::yield_now().await;
    }
    world
        .push("aliyun", "inbound", &sms_up("13912345678", "s-2", "TD"))
        .await;
    while world.work.running() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.count("sms_event").await, 2);
    drop(held);
    world.settle().await;
    assert_eq!(world.count("sms_event").await, 0);
    assert_eq!(world.provider.events().len(), 2);
}

/// Goal: a change of a gateway's name and a new secret at the same moment, on two instances: both hold.
pub(crate) async fn a_new_secret_races_with_a_change(world: World) {
    let other = world.another_instance();
    let id = world.gateways["plain"]["gateway_id"].as_str().unwrap();
    let (path, secrets) = (
        format!("/gateways/{id}"),
        format!("/gateways/{id}/webhook-secret"),
    );
    let inbound = world.path("plain", "inbound");
    for round in 0..12 {
        let settings = json!({"name": format!("网关 {round}"), "addresses": ["203.0.113.0/24"], "endpoint": format!("{}/send", world.provider.url)});
        let (changed, renewed) = tokio::join!(
            world.send("admin", "PUT", &path, &[], settings.to_string()),
            world.send_to(&other, "admin", "POST", &secrets, &[], ""),
        );
        assert_eq!(
            (changed.status, renewed.status),
            (StatusCode::OK, StatusCode::OK)
        );
        let got = world.get("admin", &path).await;
        assert_eq!(got.json["name"], format!("网关 {round}"));
        assert_eq!(got.json["has_credential"], true);
        // Settings of a gateway are remembered for a moment.
        world.clock.advance_ms(4_000);
        let secret = WebhookSecret::parse(renewed.json["webhook_secret"].as_str().unwrap());
        let (message, now) = (format!("m-{round}"), world.clock_s());
        let body = json!({"number": NUMBER, "text": "帮助"}).to_string();
        let signature = secret.unwrap().sign(&message, now, body.as_bytes());
        let now = now.to_string();
        let headers = [
            ("spin-client-addr", crate::world::PROVIDER_ADDRESS),
            ("webhook-id", message.as_str()),
            ("webhook-timestamp", now.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        let got = world.send("", "POST", &inbound, &headers, body).await;
        assert_eq!(got.status, StatusCode::OK, "round {round}: {got:?}");
    }
    world.settle().await;
}
