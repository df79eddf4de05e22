//! What customers and the hall say to each other.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Value, json};

use crate::stand_in::Deed;
use crate::world::{MINUTE_MS, World, customer_of, sms_up, text_of};

const NUMBER: &str = "13812345678";

/// Goal: a message is acknowledged at once, answered once with the figures of the tariff function, through the provider's own API, and
/// its receipt closes it; nothing of the number is left.
pub(crate) async fn the_best_plan_is_answered_with_figures(world: World) {
    world.say(NUMBER, "s-1", "套餐").await;
    let sent = world.provider.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].field("PhoneNumbers"), NUMBER);
    assert_eq!(sent[0].field("SignName"), "触点");
    assert_eq!(
        text_of(&sent[0]),
        "按您近3个月的用量测算：1.畅享58，月费58.00元，平均每月省23.10元；2.畅享88，月费88.00元，平均每月省1.50元。\
         回复序号办理，如“1”；回复TD退订。"
    );
    assert_eq!(sent[0].headers["x-acs-action"], "SendSms");
    assert!(sent[0].headers["authorization"].starts_with(
        "ACS3-HMAC-SHA256 Credential=account,SignedHeaders=content-type;host;x-acs-action;"
    ));
    let asked = &world.provider.asked("/tariff/v1/offers")[0];
    assert_eq!(asked.json()["customer_id"], customer_of(NUMBER).as_str());
    assert_eq!(asked.headers["authorization"], "Bearer chd_the_halls_key");
    assert!(asked.headers["idempotency-key"].starts_with("sms-"));

    let page = world.get("admin", "/messages").await;
    let message = &page.json["items"][0];
    assert_eq!(message["state"], "handed-over", "{message}");
    assert_eq!(message["customer_id"], customer_of(NUMBER).as_str());
    assert_eq!(world.count("sms_number").await, 0);

    // The same push again, as after a lost acknowledgement.
    world.say(NUMBER, "s-1", "套餐").await;
    assert_eq!(world.provider.sent().len(), 1);

    let biz_id = message["provider_message_id"].as_str().unwrap();
    let report = json!([{"phone_number": NUMBER, "send_time": "2026-11-22 12:00:00", "report_time": "2026-11-22 12:00:05",
        "success": true, "err_code": "DELIVERED", "err_msg": "ok", "sms_size": "1", "biz_id": biz_id, "out_id": ""}]);
    for _ in 0..2 {
        let got = world.push("aliyun", "delivery", &report).await;
        assert_eq!(got.json, json!({"code": 0, "msg": "接收成功"}));
        world.settle().await;
    }
    let id = message["message_id"].as_str().unwrap();
    assert_eq!(world.state(id).await.0, "delivered");
    let kinds: Vec<String> = world
        .provider
        .events()
        .iter()
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        kinds,
        [
            "chudian.feedback.business-query.v1",
            "chudian.feedback.delivery-receipt.v1"
        ]
    );
    assert_eq!(world.count("sms_event").await, 0);

    world.provider.answer_offers(201, json!({"items": []}));
    world.say(NUMBER, "s-2", "套餐").await;
    assert!(world.last_text().contains("已是最优"));
    world.provider.answer_offers(
        404,
        json!({"type": "urn:chudian:problem:customer-unknown", "status": 404}),
    );
    world.say(NUMBER, "s-3", "套餐").await;
    assert!(world.last_text().contains("暂无您的用量"));
    world.provider.answer_offers(500, json!({}));
    world.say(NUMBER, "s-4", "套餐").await;
    assert!(world.last_text().contains("系统繁忙"));
}

pub(crate) async fn a_conversation_through_tencent(world: World) {
    let reply = json!({"extend": "01", "mobile": NUMBER, "nationcode": "86", "sign": "触点", "text": "tc", "time": 1_795_319_990});
    for _ in 0..2 {
        let got = world.push("tencent", "inbound", &reply).await;
        assert_eq!(got.json, json!({"result": 0, "errmsg": "OK"}), "{got:?}");
        world.settle().await;
    }
    let sent = world.provider.sent();
    assert_eq!(sent.len(), 1);
    let body = sent[0].json();
    assert_eq!(body["PhoneNumberSet"], json!([format!("+86{NUMBER}")]));
    assert_eq!(body["SmsSdkAppId"], "1400000000");
    assert!(
        body["TemplateParamSet"][0]
            .as_str()
            .unwrap()
            .contains("平均每月省23.10元")
    );
    assert!(
        sent[0].headers["authorization"]
            .contains("TC3-HMAC-SHA256 Credential=account/2026-11-22/sms/tc3_request")
    );
    let message_id = body["SessionContext"].as_str().unwrap();
    let status = json!([{"user_receive_time": "2026-11-22 12:00:01", "nationcode": "86", "mobile": NUMBER, "report_status": "FAIL",
        "errmsg": "BLACK", "description": "x", "sid": format!("serial-{message_id}")}]);
    let got = world.push("tencent", "delivery", &status).await;
    assert_eq!(got.json, json!({"result": 0, "errmsg": "OK"}));
    let state = world.state(message_id).await;
    assert_eq!(
        (state.0.as_str(), state.1.as_str()),
        ("undelivered", "BLACK")
    );
}

pub(crate) async fn a_conversation_in_the_plain_form(world: World) {
    let now = world.clock_s();
    let message = json!({"number": format!("+86 {NUMBER}"), "text": "帮助", "extra": {}});
    let got = world.push_signed("inbound", "msg_1", now, &message).await;
    assert_eq!(got.json, json!({"accepted": true}), "{got:?}");
    world.settle().await;
    let sent = world.provider.sent();
    assert_eq!(sent.len(), 1);
    let body = sent[0].json();
    assert_eq!(body["number"], NUMBER);
    assert!(body["text"].as_str().unwrap().contains("发送“套餐”"));
    // Our own hand-over is signed in the same way.
    let id = sent[0].headers["webhook-id"].as_str();
    let signature = world.secret().sign(id, now, &sent[0].body);
    assert_eq!(sent[0].headers["webhook-signature"], signature);
    assert_eq!(body["message_id"], id);
    let receipt = json!({"number": NUMBER, "message_id": id, "delivered": true});
    let got = world.push_signed("delivery", "msg_2", now, &receipt).await;
    assert_eq!(got.status, StatusCode::OK, "{got:?}");
    assert_eq!(world.state(id).await.0, "delivered");
}

/// Goal: one order, whatever is sent again and in how many messages; its event's id is that of the offer.
pub(crate) async fn an_offer_is_accepted_once(world: World) {
    world.say(NUMBER, "s-1", "1").await;
    assert!(world.last_text().contains("没有序号为1的优惠"));
    world.say(NUMBER, "s-2", "套餐").await;
    world.say(NUMBER, "s-3", "优惠").await;
    assert!(
        world
            .last_text()
            .starts_with("您可办理的优惠：1.畅享58，月费58.00元，平均每月省23.10元；2.畅享88")
    );
    world.say(NUMBER, "s-4", "办理１").await;
    assert!(
        world.last_text().contains("已收到您办理畅享58的申请"),
        "{}",
        world.last_text()
    );
    world.say(NUMBER, "s-4", "办理１").await;
    world.say(NUMBER, "s-5", "1").await;
    assert!(world.last_text().contains("您已申请办理畅享58"));
    world.say(NUMBER, "s-6", "优惠").await;
    assert!(
        !world.last_text().contains("畅享58"),
        "{}",
        world.last_text()
    );
    let orders: Vec<Value> = world
        .provider
        .events()
        .into_iter()
        .filter(|event| event["type"] == "chudian.feedback.order.v1")
        .collect();
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0]["id"], "accept-offer-a");
    assert_eq!(orders[0]["source"], "/chudian/sms-hall");
    assert_eq!(
        orders[0]["data"],
        json!({"customer_id": customer_of(NUMBER), "region": "zs01", "channel": "sms-hall", "business": "plan-58",
            "order_id": "sms-offer-a", "outcome": "accepted", "way": "self-service"})
    );
    // Two at once: one order of the second offer.
    let both = [sms_up(NUMBER, "s-7", "2"), sms_up(NUMBER, "s-8", "办理2")];
    let (one, other) = tokio::join!(
        world.push("aliyun", "inbound", &both[0]),
        world.push("aliyun", "inbound", &both[1])
    );
    assert_eq!((one.status, other.status), (StatusCode::OK, StatusCode::OK));
    world.settle().await;
    let orders = world
        .provider
        .events()
        .into_iter()
        .filter(|event| event["id"] == "accept-offer-b")
        .count();
    assert_eq!(orders, 1);
    world.clock.advance_ms(8 * 24 * 60 * MINUTE_MS);
    world.say(NUMBER, "s-9", "优惠").await;
    assert!(world.last_text().contains("没有可办理的优惠"));
}

/// Goal: a refusal ends what waits, its confirmation is the last message, proof is kept, and the customer can come back.
pub(crate) async fn a_refusal_holds_and_is_proved(world: World) {
    world.provider.then([Deed::Answer(
        400,
        json!({"Code": "Throttling.User", "Message": "x"}),
    )]);
    let waiting = world.market(NUMBER, "新套餐上市").await;
    world.settle().await;
    assert_eq!(world.state(&waiting).await.0, "queued");

    world.say(NUMBER, "s-1", " ｔｄ。").await;
    assert!(world.last_text().contains("您已退订"));
    let sent = world.provider.sent().len();
    assert_eq!(
        world.state(&waiting).await,
        ("cancelled".to_owned(), "opted-out".to_owned())
    );
    let after = world.market(NUMBER, "新套餐上市").await;
    world.settle().await;
    assert_eq!(
        world.state(&after).await,
        ("cancelled".to_owned(), "opted-out".to_owned())
    );
    world.say(NUMBER, "s-2", "退订").await;
    world.say(NUMBER, "s-3", "什么东西").await;
    world.clock.advance_ms(60 * MINUTE_MS);
    world.run().await;
    assert_eq!(
        world.provider.sent().len(),
        sent,
        "the confirmation is the last"
    );
    assert_eq!(world.count("sms_number").await, 0);

    let customer = customer_of(NUMBER);
    let got = world.get("analyst", &format!("/consents/{customer}")).await;
    assert_eq!(got.json["is_opted_out"], true, "{got:?}");
    assert_eq!(got.json["proofs"][0]["words"], " ｔｄ。");
    assert_eq!(got.json["proofs"][0]["said_at"], "2026-11-22T04:00:00.000Z");
    assert_eq!(
        got.json["proofs"][0]["gateway_id"],
        world.gateways["aliyun"]["gateway_id"]
    );
    let published: Vec<(String, i64)> = world
        .rows("select customer_id, is_opted_out from pub_sms_consent")
        .await;
    assert_eq!(published, [(customer.clone(), 1)]);

    // What was written before the refusal and comes after it changes nothing.
    let mut late = sms_up(NUMBER, "s-4", "恢复");
    late[0]["send_time"] = "2026-11-22 11:00:00".into();
    world.push("aliyun", "inbound", &late).await;
    world.settle().await;
    let got = world.get("analyst", &format!("/consents/{customer}")).await;
    assert_eq!(got.json["is_opted_out"], true);

    let mut back = sms_up(NUMBER, "s-5", "恢复");
    back[0]["send_time"] = "2026-11-22 12:30:00".into();
    world.push("aliyun", "inbound", &back).await;
    world.settle().await;
    assert!(world.last_text().contains("您已恢复接收"));
    let got = world.get("hall", &format!("/consents/{customer}")).await;
    assert_eq!(got.json["is_opted_out"], false);
    assert_eq!(got.json["proofs"].as_array().unwrap().len(), 2);
    let again = world.market(NUMBER, "新套餐上市").await;
    world.settle().await;
    assert_eq!(world.state(&again).await.0, "handed-over");
    let outcomes: Vec<Value> = world
        .provider
        .events()
        .iter()
        .map(|event| event["data"]["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["opted-out", "opted-in", "pending"]);
}

pub(crate) async fn marketing_keeps_its_hours(world: World) {
    // 22:00.
    world.clock.advance_ms(10 * 60 * MINUTE_MS);
    let message = world.market(NUMBER, "新套餐上市").await;
    world.settle().await;
    assert_eq!(world.state(&message).await.0, "queued");
    let got = world.get("admin", &format!("/messages/{message}")).await;
    assert_eq!(got.json["next_at"], "2026-11-23T00:00:00.000Z");
    // A customer who asks is answered at night.
    world.say("13900001111", "s-1", "帮助").await;
    assert_eq!(world.provider.sent().len(), 1);
    world.clock.advance_ms(10 * 60 * MINUTE_MS - 1);
    assert_eq!(world.run().await["tried"], 0);
    world.clock.advance_ms(1);
    assert_eq!(world.run().await["tried"], 1);
    assert_eq!(world.run().await["tried"], 0);
    assert_eq!(world.provider.sent().len(), 2);
    assert_eq!(world.last_text(), "新套餐上市");
    let event = world.provider.events().pop().unwrap();
    assert_eq!(event["type"], "chudian.feedback.marketing-contact.v1");
    assert_eq!(event["data"]["campaign"], "spring");
}

pub(crate) async fn help_comes_unasked_once_an_hour(world: World) {
    world.say(NUMBER, "s-1", "你好").await;
    world.say(NUMBER, "s-2", "在吗").await;
    assert_eq!(world.provider.sent().len(), 1);
    world.say("13900001111", "s-3", "你好").await;
    assert_eq!(world.provider.sent().len(), 2, "another customer");
    world.say(NUMBER, "s-4", "帮助").await;
    assert_eq!(world.provider.sent().len(), 3, "asked for");
    world.clock.advance_ms(60 * MINUTE_MS - 1);
    world.say(NUMBER, "s-5", "？？").await;
    assert_eq!(world.provider.sent().len(), 3);
    world.clock.advance_ms(1);
    world.say(NUMBER, "s-6", "？？").await;
    assert_eq!(world.provider.sent().len(), 4);
}

pub(crate) async fn words_are_the_provinces_own(world: World) {
    let built_in = world.get("hall", "/commands").await.json;
    assert_eq!(built_in["is_built_in"], true);
    let mut commands: BTreeMap<String, Vec<String>> =
        serde_json::from_value(built_in["commands"].clone()).unwrap();
    commands.insert(
        "best-plan".to_owned(),
        vec!["查资费".to_owned(), "td".to_owned()],
    );
    let body = json!({ "commands": commands }).to_string();
    let got = world
        .send("admin", "PUT", "/commands", &[], body.clone())
        .await;
    assert_eq!(got.code(), "sms-commands-invalid");
    assert_eq!(got.json["errors"][0]["pointer"], "/commands/best-plan/1");
    commands.insert("best-plan".to_owned(), vec!["查资费".to_owned()]);
    commands.insert("opt-out".to_owned(), vec!["不要".to_owned()]);
    let body = json!({ "commands": commands }).to_string();
    let refused = world
        .send("channel", "PUT", "/commands", &[], body.clone())
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let got = world.send("analyst", "PUT", "/commands", &[], body).await;
    assert_eq!(got.json["is_built_in"], false, "{got:?}");
    world.say(NUMBER, "s-1", "查资费").await;
    assert!(world.last_text().contains("测算"));
    world.say(NUMBER, "s-2", "不要").await;
    assert!(world.last_text().contains("您已退订"));
    world.say("13900001111", "s-3", "R").await;
    assert!(
        world.last_text().contains("您已退订"),
        "the agreed words refuse everywhere"
    );
}

pub(crate) async fn a_marketing_message_is_queued_once(world: World) {
    let body = json!({"gateway_id": world.gateways["aliyun"]["gateway_id"], "number": NUMBER, "text": "新套餐", "campaign": "spring",
        "batch": "b-1", "business": "plan-58"});
    let headers = [("idempotency-key", "k-1")];
    let mut ids = Vec::new();
    for _ in 0..2 {
        let got = world
            .send("channel", "POST", "/messages", &headers, body.to_string())
            .await;
        assert_eq!(got.status, StatusCode::ACCEPTED, "{got:?}");
        ids.push(got.json["message_id"].clone());
        world.settle().await;
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(world.provider.sent().len(), 1);
    let mut other = body.clone();
    other["number"] = "13900001111".into();
    let got = world
        .send("channel", "POST", "/messages", &headers, other.to_string())
        .await;
    assert_eq!(got.code(), "idempotency-key-reused");
    for (field, value, code) in [
        ("number", "10086", "sms-number-invalid"),
        ("text", "", "invalid-body"),
        ("campaign", "a b", "invalid-body"),
        ("expires_at", "2020-01-01T00:00:00Z", "invalid-body"),
        ("expires_at", "tomorrow", "invalid-body"),
        ("gateway_id", "none", "sms-gateway-unknown"),
    ] {
        let mut wrong = body.clone();
        wrong[field] = value.into();
        let got = world
            .send("channel", "POST", "/messages", &[], wrong.to_string())
            .await;
        assert_eq!(got.code(), code, "{field}: {got:?}");
    }
    let long = "长".repeat(501);
    let mut wrong = body;
    wrong["text"] = long.into();
    let got = world
        .send("channel", "POST", "/messages", &[], wrong.to_string())
        .await;
    assert_eq!(got.json["errors"][0]["pointer"], "/text");
}
