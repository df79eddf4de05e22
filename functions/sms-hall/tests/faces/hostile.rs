//! What should not come, and what must not be seen.

use chudian_runtime::ports::sql::Dialect;
use chudian_sms_hall::webhook::WebhookSecret;
use http::StatusCode;
use serde_json::{Value, json};

use crate::stand_in::Deed;
use crate::world::{MINUTE_MS, PROVIDER_ADDRESS, World, customer_of, sms_up};

const NUMBER: &str = "13812345678";

pub(crate) async fn signatures_are_checked(world: World) {
    let now = world.clock_s();
    let body = json!({"number": NUMBER, "text": "TD"}).to_string();
    let good = world.secret().sign("msg_1", now, body.as_bytes());
    let wrong = WebhookSecret::of_random([1; 32]).sign("msg_1", now, body.as_bytes());
    let old = world.secret().sign("msg_1", now - 301, body.as_bytes());
    let future = world.secret().sign("msg_1", now + 301, body.as_bytes());
    let path = world.path("plain", "inbound");
    let push = async |id: &str, at: i64, signature: &str, body: &str| {
        let at = at.to_string();
        let headers = [
            ("spin-client-addr", PROVIDER_ADDRESS),
            ("webhook-id", id),
            ("webhook-timestamp", at.as_str()),
            ("webhook-signature", signature),
        ];
        world
            .send("", "POST", &path, &headers, body.to_owned())
            .await
    };
    for (id, at, signature) in [
        ("msg_1", now, ""),
        ("msg_1", now, "v1,"),
        ("msg_1", now, "v1, v1,"),
        ("msg_1", now, wrong.as_str()),
        ("msg_1", now - 301, old.as_str()),
        ("msg_1", now + 301, future.as_str()),
        ("msg_2", now, good.as_str()),
        ("msg_1", now + 1, good.as_str()),
        ("", now, good.as_str()),
    ] {
        let got = push(id, at, signature, &body).await;
        assert_eq!(
            (got.status, got.code()),
            (StatusCode::FORBIDDEN, "sms-signature-invalid"),
            "{id} {at} {signature}"
        );
    }
    let other_body = json!({"number": NUMBER, "text": "套餐"}).to_string();
    assert_eq!(
        push("msg_1", now, &good, &other_body).await.code(),
        "sms-signature-invalid"
    );
    assert_eq!(world.count("sms_inbound").await, 0);

    // Right, then replayed word for word, then sent again with a new signature: one message.
    for _ in 0..2 {
        assert_eq!(
            push("msg_1", now, &good, &body).await.status,
            StatusCode::OK
        );
    }
    let again = world.secret().sign("msg_1", now + 60, body.as_bytes());
    assert_eq!(
        push("msg_1", now + 60, &format!("{wrong} {again}"), &body)
            .await
            .status,
        StatusCode::OK
    );
    world.settle().await;
    assert_eq!(world.count("sms_inbound").await, 1);
    assert_eq!(world.provider.sent().len(), 1);
    // The same id with other content, rightly signed.
    let other = world.secret().sign("msg_1", now, other_body.as_bytes());
    let got = push("msg_1", now, &other, &other_body).await;
    assert_eq!(
        (got.status, got.code()),
        (StatusCode::CONFLICT, "sms-message-conflict")
    );
    assert_eq!(world.count("sms_inbound").await, 1);

    // A change of the secret: both are good, then the older one is not.
    let id = world.gateways["plain"]["gateway_id"].as_str().unwrap();
    let change = format!("/gateways/{id}/webhook-secret");
    for (round, expected) in [(1, StatusCode::OK), (2, StatusCode::FORBIDDEN)] {
        let got = world.send("admin", "POST", &change, &[], "").await;
        assert_eq!(got.status, StatusCode::OK, "{got:?}");
        world.clock.advance_ms(4_000);
        let (id, now) = (format!("msg_r{round}"), world.clock_s());
        let signature = world.secret().sign(&id, now, body.as_bytes());
        assert_eq!(push(&id, now, &signature, &body).await.status, expected);
    }
    world.settle().await;
}

/// Goal: a wrong path, another's address and another province's gateway are told in the words of any address that does not exist.
pub(crate) async fn strangers_find_nothing(world: World) {
    let body = sms_up(NUMBER, "s-1", "TD").to_string();
    let right = world.path("aliyun", "inbound");
    let nowhere = world
        .send("", "POST", "/sms/v1/nothing/here", &[], body.clone())
        .await;
    assert_eq!(
        (nowhere.status, nowhere.code()),
        (StatusCode::NOT_FOUND, "no-route")
    );
    let from = [("spin-client-addr", PROVIDER_ADDRESS)];
    let elsewhere = [("spin-client-addr", "198.51.100.7:40000")];
    let odd = [("spin-client-addr", "somebody")];
    let mut changed = right.clone();
    changed.replace_range(20..21, "_");
    for (path, headers) in [
        ("/callbacks/x/inbound", &from[..]),
        ("/callbacks//inbound", &from[..]),
        (changed.as_str(), &from[..]),
        (right.as_str(), &elsewhere[..]),
        (right.as_str(), &odd[..]),
        (right.as_str(), &[][..]),
        ("/callbacks/%00/delivery", &from[..]),
    ] {
        let got = world.send("", "POST", path, headers, body.clone()).await;
        assert_eq!(got.json, nowhere.json, "{path}");
    }
    assert_eq!(world.count("sms_inbound").await, 0);
    // A path that was changed leads nowhere, the new one there.
    let id = world.gateways["aliyun"]["gateway_id"].as_str().unwrap();
    let got = world
        .send("admin", "POST", &format!("/gateways/{id}/path"), &[], "")
        .await;
    let fresh = got.json["inbound_path"].as_str().unwrap().to_owned();
    world.clock.advance_ms(4_000);
    let old = world.send("", "POST", &right, &from, body.clone()).await;
    assert_eq!(old.code(), "no-route");
    let new = world.send("", "POST", &fresh, &from, body.clone()).await;
    assert_eq!(new.status, StatusCode::OK);
    let got = world
        .send("admin", "DELETE", &format!("/gateways/{id}"), &[], "")
        .await;
    assert_eq!(got.status, StatusCode::NO_CONTENT);
    world.clock.advance_ms(4_000);
    let gone = world.send("", "POST", &fresh, &from, body).await;
    assert_eq!(gone.code(), "no-route");
    world.settle().await;
    // The path is in no table.
    let token = fresh.split('/').nth(4).unwrap();
    let hashes: Vec<(String,)> = world.rows("select path_hash from sms_gateway").await;
    assert!(hashes.iter().all(|(hash,)| !hash.contains(token)));
}

pub(crate) async fn bad_input_gets_its_own_answer(world: World) {
    let headers = [("spin-client-addr", PROVIDER_ADDRESS)];
    let path = world.path("aliyun", "inbound");
    let push = async |body: Vec<u8>| world.send("", "POST", &path, &headers, body).await;
    let gbk = [
        &b"[{\"phone_number\":\"13812345678\",\"sequence_id\":\"s\",\"content\":\""[..],
        &[0xcc, 0xd7, 0xb2, 0xcd],
        b"\"}]",
    ]
    .concat();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let many: Vec<Value> = (0..501)
        .map(|number| sms_up(NUMBER, &format!("m-{number}"), "x")[0].clone())
        .collect();
    for (body, code) in [
        (gbk, "malformed-json"),
        (b"\xff\xfe".to_vec(), "malformed-json"),
        (Vec::new(), "malformed-json"),
        (deep.into_bytes(), "malformed-json"),
        (b"{\"a\":".to_vec(), "malformed-json"),
        (b"{}".to_vec(), "invalid-body"),
        (b"[1, 2]".to_vec(), "invalid-body"),
        (b"\"TD\"".to_vec(), "invalid-body"),
        (vec![b' '; 600 * 1024], "payload-too-large"),
        (
            Value::from(many).to_string().into_bytes(),
            "payload-too-large",
        ),
    ] {
        let got = push(body).await;
        assert_eq!(got.code(), code, "{got:?}");
    }
    assert_eq!(world.count("sms_inbound").await, 0);
    assert_eq!(push(b"[]".to_vec()).await.status, StatusCode::OK);

    // One item that cannot be read costs the others nothing; a number that is none is kept, without an answer.
    let mixed = json!([
        {"phone_number": "10086", "content": "TD", "sequence_id": "n-1"},
        {"content": "nobody", "sequence_id": "n-2"},
        {"phone_number": NUMBER, "content": "帮助\u{0}\u{7}", "sequence_id": "n-3"},
        {"phone_number": "+12125550100", "content": "TD", "sequence_id": "n-4"},
    ]);
    assert_eq!(
        push(mixed.to_string().into_bytes()).await.status,
        StatusCode::OK
    );
    world.settle().await;
    let states: Vec<(String,)> = world
        .rows("select state from sms_inbound order by state")
        .await;
    let states: Vec<&str> = states.iter().map(|(state,)| state.as_str()).collect();
    assert_eq!(states, ["done", "rejected", "rejected"]);
    assert_eq!(world.provider.sent().len(), 1);
    let long = sms_up(NUMBER, "n-5", &"退".repeat(50_000));
    assert_eq!(
        push(long.to_string().into_bytes()).await.status,
        StatusCode::OK
    );
    world.settle().await;
    let longest: Vec<(i64,)> = world
        .rows("select cast(max(length(text)) as bigint) from sms_inbound")
        .await;
    assert_eq!(longest, [(200,)]);

    for (change, pointer) in [
        (json!({"provider": "smoke"}), "/provider"),
        (json!({"region": "a b"}), "/region"),
        (json!({"addresses": []}), "/addresses"),
        (
            json!({"addresses": ["0.0.0.0/0", "203.0.113.1/24"]}),
            "/addresses/1",
        ),
        (json!({"endpoint": "ftp://x"}), "/endpoint"),
        (json!({"endpoint": "http://user:secret@x"}), "/endpoint"),
        (json!({"language": "fr"}), "/language"),
        (json!({"name": ""}), "/name"),
        (
            json!({"sender": {"sign_name": "\u{7}"}}),
            "/sender/sign_name",
        ),
        (json!({"surprise": 1}), "/surprise"),
    ] {
        let mut request =
            json!({"name": "x", "provider": "aliyun", "region": "zs01", "addresses": ["::/0"]});
        for (name, value) in change.as_object().unwrap() {
            request[name] = value.clone();
        }
        let got = world
            .send("admin", "POST", "/gateways", &[], request.to_string())
            .await;
        assert_eq!(got.code(), "invalid-body", "{pointer} {got:?}");
        assert_eq!(got.json["errors"][0]["pointer"], pointer);
    }
}

/// Goal: everything that a provider sends in vain stands in the list, once however often it comes, with its reason, without anybody's number, for
/// the keys of its region; and what was taken does not.
pub(crate) async fn what_is_not_taken_is_listed(world: World) {
    let foreign = "+12125550100";
    let mixed = json!([
        {"phone_number": foreign, "content": "TD", "sequence_id": "n-1"},
        {"content": "打138-1234-5678", "sequence_id": "n-2"},
        {"phone_number": NUMBER, "content": "帮助", "sequence_id": "n-3"},
    ]);
    for _ in 0..2 {
        let got = world.push("aliyun", "inbound", &mixed).await;
        assert_eq!(got.status, StatusCode::OK);
    }
    let other = sms_up(NUMBER, "n-3", "套餐");
    assert_eq!(
        world.push("aliyun", "inbound", &other).await.status,
        StatusCode::OK
    );
    let receipt =
        json!([{"phone_number": foreign, "success": true, "biz_id": "b-1", "out_id": ""}]);
    world.push("aliyun", "delivery", &receipt).await;
    let status = json!([{"mobile": NUMBER, "report_status": "PERHAPS", "sid": "s-1"}]);
    let got = world.push("tencent", "delivery", &status).await;
    assert_eq!(got.code(), "invalid-body");
    let headers = [("spin-client-addr", PROVIDER_ADDRESS)];
    let cut = format!("[{{\"phone_number\": \"{foreign}\", \"content\": \"138-1234-5678");
    let path = world.path("aliyun", "inbound");
    let got = world.send("", "POST", &path, &headers, cut).await;
    assert_eq!(got.code(), "malformed-json");
    let many: Vec<Value> = (0..600).map(Value::from).collect();
    let got = world.push("aliyun", "inbound", &many.into()).await;
    assert_eq!(got.code(), "payload-too-large");
    let now = world.clock_s();
    let body = json!({"number": NUMBER, "text": "TD"});
    for (at, signer) in [(now, [1; 32]), (now - 301, [1; 32])] {
        let body = body.to_string();
        let signature = WebhookSecret::of_random(signer).sign("msg_1", at, body.as_bytes());
        let at = at.to_string();
        let headers = [
            headers[0],
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", at.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        let path = world.path("plain", "inbound");
        world.send("", "POST", &path, &headers, body).await;
    }
    // From an address that is not the provider's nothing is kept: it may be anybody.
    world.send("", "POST", &path, &[], "{").await;
    world.settle().await;

    let page = world.get("analyst", "/rejected?limit=200").await.json;
    let items = page["items"].as_array().unwrap();
    let mut reasons: Vec<(&str, &str)> = items
        .iter()
        .map(|item| {
            let text = |name: &str| item[name].as_str().unwrap();
            assert_eq!(text("region"), "zs01");
            (text("callback"), text("reason"))
        })
        .collect();
    reasons.sort_unstable();
    let expected = [
        ("delivery", "item-unreadable"),
        ("delivery", "number-not-mobile"),
        ("inbound", "content-conflict"),
        ("inbound", "item-unreadable"),
        ("inbound", "malformed-json"),
        ("inbound", "number-not-mobile"),
        ("inbound", "signature-stale"),
        ("inbound", "signature-wrong"),
        ("inbound", "too-many-items"),
    ];
    assert_eq!(reasons, expected, "{page}");
    for item in items {
        let document = item["document"].as_str().unwrap();
        for hidden in ["12345678", "1234-5678", "2125550100"] {
            assert!(!document.contains(hidden), "{document}");
        }
        let has_number = !matches!(item["reason"].as_str(), Some("too-many-items"));
        assert_eq!(item["is_masked"], has_number, "{item}");
    }

    // One by one, by reason, and those that nobody has dealt with.
    let mut seen = 0;
    let mut cursor = String::new();
    loop {
        let page = world
            .get("channel", &format!("/rejected?limit=2{cursor}"))
            .await
            .json;
        seen += page["items"].as_array().unwrap().len();
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, expected.len());
    let count = async |who: &str, query: &str| {
        let got = world.get(who, &format!("/rejected{query}")).await;
        got.json["items"].as_array().map(Vec::len)
    };
    assert_eq!(count("admin", "?reason=number-not-mobile").await, Some(2));
    assert_eq!(count("admin@hz01", "").await, Some(0));
    let got = world.get("admin", "/rejected?reason=because").await;
    assert_eq!(got.json["errors"][0]["pointer"], "/reason");
    let got = world.get("admin", "/rejected?state=shut").await;
    assert_eq!(got.json["errors"][0]["pointer"], "/state");
    let id = items[0]["rejected_id"].as_str().unwrap();
    let path = format!("/rejected/{id}");
    for (who, status) in [
        ("hall", StatusCode::FORBIDDEN),
        ("custodian", StatusCode::FORBIDDEN),
        ("admin@hz01", StatusCode::NOT_FOUND),
        ("channel@zs01", StatusCode::NO_CONTENT),
        ("admin", StatusCode::NO_CONTENT),
    ] {
        let got = world.send(who, "DELETE", &path, &[], "").await;
        assert_eq!(got.status, status, "{who}: {got:?}");
    }
    assert_eq!(count("admin", "").await, Some(expected.len() - 1));
    assert_eq!(count("admin", "?state=all").await, Some(expected.len()));
}

/// Goal: somebody who sends nonsense for ever fills nothing.
pub(crate) async fn rejected_callbacks_are_bounded(world: World) {
    let transaction = world.sql.begin().await.unwrap();
    let dialect = transaction.dialect();
    transaction.rollback().await;
    let fill = match dialect {
        Dialect::Sqlite => {
            "with recursive n (i) as (select 0 union all select i + 1 from n where i < 10400) \
             insert into sms_rejected select 'old-' || i, i, 'g', 'zs01', 'inbound', 'item-unreadable', '{}', 1, 0, null, null from n"
        }
        Dialect::Postgres => {
            "insert into sms_rejected select 'old-' || i, i, 'g', 'zs01', 'inbound', 'item-unreadable', '{}', 1, 0, null, null \
             from generate_series(0, 10400) i"
        }
    };
    world.sql.execute(fill, Vec::new()).await.unwrap();
    let nonsense: Vec<Value> = (0..500).map(Value::from).collect();
    world.push("aliyun", "inbound", &nonsense.into()).await;
    assert_eq!(world.count("sms_rejected").await, 10_000);
    let oldest: Vec<(i64,)> = world
        .rows("select min(received_at_unix_ms) from sms_rejected")
        .await;
    assert_eq!(oldest, [(901,)], "the oldest go first");
}

/// Goal: numbers that come in every way are in no answer, no log line, no report and no table, and in the sealed one only while a
/// message waits.
pub(crate) async fn no_number_is_left_anywhere(world: World) {
    let numbers = ["13812345678", "13900002222", "15711113333", "18622224444"];
    world
        .say(numbers[0], "s-1", "我的号码是15711113333，退订")
        .await;
    world.say(numbers[0], "s-0", "或157-1111-3333").await;
    world.say(numbers[0], "s-2", "套餐").await;
    world.say(numbers[0], "s-3", "1").await;
    world.say(numbers[0], "s-4", "TD").await;
    world.provider.then([
        Deed::Answer(
            200,
            json!({"Code": "isv.MOBILE_NUMBER_ILLEGAL 18622224444", "Message": "18622224444"}),
        ),
        Deed::Break,
    ]);
    world.market(numbers[1], "请联系13900002222").await;
    world.settle().await;
    world.market(numbers[1], "再见").await;
    world.settle().await;
    let report = json!([{"phone_number": numbers[0], "success": false, "err_code": "18622224444", "biz_id": "b-1", "out_id": ""}]);
    world.push("aliyun", "delivery", &report).await;
    world
        .send(
            "",
            "POST",
            &world.path("aliyun", "inbound"),
            &[("spin-client-addr", PROVIDER_ADDRESS)],
            "{\"13812345678\": 1}",
        )
        .await;
    world
        .send(
            "channel",
            "POST",
            "/messages",
            &[],
            "{\"number\": 13812345678}",
        )
        .await;
    world.get("admin", "/messages?state=13812345678").await;
    world.get("admin", "/messages").await;
    world
        .get("admin", &format!("/consents/{}", customer_of(numbers[0])))
        .await;
    world.get("admin", "/consents/13812345678").await;
    // One that waits for the morning.
    world.clock.advance_ms(10 * 60 * MINUTE_MS);
    world.market(numbers[1], "早上好13900002222").await;
    world.settle().await;
    assert_eq!(world.count("sms_number").await, 1);

    let mut texts: Vec<(String, String)> = Vec::new();
    for line in world.log.0.lock().unwrap().iter() {
        texts.push(("log".to_owned(), line.clone()));
    }
    for answer in world.answers.lock().unwrap().iter() {
        texts.push(("answer".to_owned(), answer.clone()));
    }
    for path in ["/tariff", "/feedback"] {
        for asked in world.provider.asked(path) {
            let text = format!(
                "{} {:?} {}",
                asked.path,
                asked.headers,
                String::from_utf8_lossy(&asked.body)
            );
            texts.push((path.to_owned(), text));
        }
    }
    texts.extend(world.tables().await);
    assert!(
        texts
            .iter()
            .filter(|(place, _)| place == "sms_message")
            .count()
            >= 5
    );
    for (place, text) in &texts {
        for number in numbers.into_iter().chain(["157-1111-3333"]) {
            assert!(!text.contains(number), "{place}: {text}");
        }
    }
    // What the customers themselves got has them, since it was written so.
    assert!(
        world
            .provider
            .sent()
            .iter()
            .any(|asked| asked.field("PhoneNumbers") == numbers[1])
    );
}

pub(crate) async fn regions_and_roles_see_what_they_may(world: World) {
    let message = world.market(NUMBER, "新套餐").await;
    world.say(NUMBER, "s-1", "TD").await;
    let gateway = world.gateways["aliyun"]["gateway_id"].as_str().unwrap();
    let consent = format!("/consents/{}", customer_of(NUMBER));
    for (who, path, expected) in [
        ("channel@zs01", format!("/messages/{message}"), 200),
        ("channel@hz01", format!("/messages/{message}"), 404),
        ("hall@zs01", consent.clone(), 200),
        ("hall@hz01", consent.clone(), 404),
        ("custodian", consent.clone(), 403),
        ("nobody", consent, 401),
        ("admin@zs01", format!("/gateways/{gateway}"), 200),
        ("admin@hz01", format!("/gateways/{gateway}"), 404),
        ("channel", format!("/gateways/{gateway}"), 403),
        ("hall", "/messages".to_owned(), 403),
        ("analyst", "/messages".to_owned(), 403),
    ] {
        let got = world.get(who, &path).await;
        assert_eq!(got.status.as_u16(), expected, "{who} {path}: {got:?}");
    }
    for (who, count) in [("channel", 2), ("channel@zs01", 2), ("channel@hz01", 0)] {
        let got = world.get(who, "/messages").await;
        assert_eq!(got.json["items"].as_array().unwrap().len(), count, "{who}");
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world
            .get("admin", &format!("/messages?limit=1{cursor}"))
            .await
            .json;
        seen.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 2);
    let got = world.get("admin@hz01", "/gateways").await;
    assert_eq!(got.json["items"], json!([]));
    let body =
        json!({"gateway_id": gateway, "number": NUMBER, "text": "x", "campaign": "c"}).to_string();
    for (who, expected) in [("channel@hz01", 404), ("hall", 403), ("analyst", 403)] {
        let got = world
            .send(who, "POST", "/messages", &[], body.clone())
            .await;
        assert_eq!(got.status.as_u16(), expected, "{who}");
        let run = world.send(who, "POST", "/outbox/run", &[], "").await;
        assert_eq!(
            run.status.as_u16() == 200,
            who.starts_with("channel"),
            "{who}"
        );
    }
    let accesses: Vec<(String, i64)> = world
        .rows("select action, count(*) from personal_access group by action order by action")
        .await;
    let actions: Vec<&str> = accesses.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["queue-sms", "sms-consent", "sms-messages"]);
}
