//! Bad input: each kind gets its own answer, and none leaves a trace that it should not.

use chudian_runtime::ports::sql::Dialect;
use serde_json::{Value, json};

use crate::world::{BATCH, EVENT, World, event, with};

/// Name, headers, body, and the status and code of the answer.
type Bad<'a> = (&'a str, &'a [(&'a str, &'a str)], Vec<u8>, u16, &'a str);

pub(crate) async fn bad_input_gets_its_own_answer(world: World) {
    let good = event("login", "e-1").to_string();
    let many = format!("[{}{{}}]", "{},".repeat(99_999));
    let heavy = format!("[{}{good}]", format!("{good},").repeat(40_000));
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let long = with(event("complaint", "e-2"), "content", "长".repeat(2_001)).to_string();
    let bloated = with(event("complaint", "e-2"), "ours", "x".repeat(70_000)).to_string();
    let gbk = [good.as_bytes(), b"\xd6\xd0\xce\xc4"].concat();
    let table: Vec<Bad<'_>> = vec![
        (
            "no mode",
            &[],
            good.clone().into(),
            415,
            "unsupported-media-type",
        ),
        (
            "plain JSON",
            &[("content-type", "application/json")],
            good.clone().into(),
            415,
            "unsupported-media-type",
        ),
        (
            "another charset",
            &[("content-type", "application/cloudevents+json; charset=GBK")],
            good.clone().into(),
            415,
            "unsupported-media-type",
        ),
        (
            "empty batch body",
            &[("content-type", BATCH)],
            "".into(),
            400,
            "malformed-json",
        ),
        (
            "half a batch",
            &[("content-type", BATCH)],
            format!("[{good}").into(),
            400,
            "malformed-json",
        ),
        (
            "an object as batch",
            &[("content-type", BATCH)],
            good.clone().into(),
            400,
            "malformed-json",
        ),
        (
            "an array as event",
            &[("content-type", EVENT)],
            format!("[{good}]").into(),
            422,
            "event-rejected",
        ),
        (
            "GBK",
            &[("content-type", EVENT)],
            gbk,
            400,
            "malformed-json",
        ),
        (
            "invalid UTF-8",
            &[("content-type", BATCH)],
            vec![b'[', b'"', 0xff, b'"', b']'],
            400,
            "malformed-json",
        ),
        (
            "100,000 events",
            &[("content-type", BATCH)],
            many.into(),
            413,
            "payload-too-large",
        ),
        (
            "more than 4 MiB",
            &[("content-type", BATCH)],
            heavy.into(),
            413,
            "payload-too-large",
        ),
        (
            "a deep batch",
            &[("content-type", BATCH)],
            deep.into(),
            200,
            "",
        ),
        (
            "a long text",
            &[("content-type", EVENT)],
            long.into(),
            422,
            "event-rejected",
        ),
        (
            "a bloated event",
            &[("content-type", EVENT)],
            bloated.into(),
            422,
            "event-rejected",
        ),
        (
            "a zero byte",
            &[("content-type", EVENT)],
            with(event("complaint", "e-2"), "content", "a\0b")
                .to_string()
                .into(),
            422,
            "event-rejected",
        ),
        (
            "a header that is no UTF-8",
            &[("ce-specversion", "1.0"), ("ce-id", "%ff")],
            "{}".into(),
            400,
            "invalid-header",
        ),
        (
            "binary without data",
            &[
                ("ce-specversion", "1.0"),
                ("ce-id", "1"),
                ("ce-source", "/s"),
                ("ce-type", "chudian.feedback.login.v1"),
            ],
            "".into(),
            422,
            "event-rejected",
        ),
        (
            "binary with other data",
            &[
                ("ce-specversion", "1.0"),
                ("ce-id", "1"),
                ("ce-source", "/s"),
                ("ce-type", "chudian.feedback.login.v1"),
                ("content-type", "text/plain"),
            ],
            "hello".into(),
            422,
            "event-rejected",
        ),
    ];
    for (name, headers, body, status, code) in table {
        let got = world
            .send("channel", "POST", "/events", headers, body)
            .await;
        assert_eq!(
            (got.status.as_u16(), got.code()),
            (status, code),
            "{name}: {got:?}"
        );
    }
    let gbk = world
        .send(
            "channel",
            "POST",
            "/events",
            &[("content-type", EVENT)],
            b"{\"\xd6\xd0\"".to_vec(),
        )
        .await;
    assert!(
        gbk.json["detail"].as_str().unwrap().contains("GBK"),
        "{gbk:?}"
    );
    let many = format!("[{}{{}}]", "{},".repeat(2_000));
    let got = world
        .send(
            "channel",
            "POST",
            "/events",
            &[("content-type", BATCH)],
            many,
        )
        .await;
    assert!(
        got.json["detail"].as_str().unwrap().contains("2000 events"),
        "{got:?}"
    );
    assert_eq!(world.count("feedback_event").await, 0);
    let wrong = |change: Value| {
        let mut one = event("order", "e-3");
        for (name, value) in change.as_object().unwrap() {
            one[name] = value.clone();
        }
        one
    };
    let table = [
        (
            json!({"specversion": "0.3"}),
            "spec-version-unsupported",
            "/specversion",
        ),
        (json!({"id": ""}), "attribute-missing", "/id"),
        (json!({"id": "x".repeat(129)}), "attribute-invalid", "/id"),
        (json!({"source": "a\u{0}b"}), "attribute-invalid", "/source"),
        (json!({"source": 7}), "attribute-invalid", "/source"),
        (
            json!({"type": "com.example.thing"}),
            "type-unknown",
            "/type",
        ),
        (
            json!({"type": "chudian.feedback.order.v2"}),
            "type-unknown",
            "/type",
        ),
        (json!({"time": 1_795_320_000}), "time-invalid", "/time"),
        (json!({"data": "text"}), "data-invalid", "/data"),
        (json!({"data": null}), "data-invalid", "/data"),
        (
            json!({"datacontenttype": "application/xml"}),
            "data-invalid",
            "/datacontenttype",
        ),
        (
            json!({"subject": "13812345678"}),
            "looks-like-a-number",
            "/subject",
        ),
        (
            json!({"id": "sms-13812345678-1"}),
            "looks-like-a-number",
            "/id",
        ),
    ];
    for (change, code, pointer) in table {
        let got = world.report("channel", &wrong(change.clone())).await;
        let error = &got.json["errors"][0];
        assert_eq!(
            (&error["code"], &error["pointer"]),
            (&json!(code), &json!(pointer)),
            "{change}"
        );
    }
    let foreign = world.report("channel@hz01", &event("login", "e-4")).await;
    assert_eq!(foreign.json["errors"][0]["code"], "region-not-allowed");
    assert_eq!(world.count("feedback_event").await, 0);
    // Roles: who only looks does not write, and the other way round.
    for (who, status) in [
        ("hall", 200),
        ("channel", 200),
        ("admin", 200),
        ("analyst", 403),
        ("approver", 403),
        ("custodian", 403),
    ] {
        assert_eq!(world.report_all(who, &[]).await.status, status, "{who}");
    }
    assert_eq!(
        world
            .get("custodian", "/customers/c-1/contacts")
            .await
            .status,
        403
    );
    assert_eq!(world.get("hall", "/events/rejected").await.status, 403);
    assert_eq!(world.get("", "/months").await.status, 401);
}

/// Goal: a number that a sender gives in any place, accepted or rejected, stands in no table and in no answer.
pub(crate) async fn no_number_is_stored_anywhere(world: World) {
    let number = "13876543210";
    let grouped = "138-7654-3210";
    let places = [
        "customer_id",
        "campaign",
        "batch",
        "business",
        "staff",
        "content",
        "reason",
        "region",
        "page",
        "ours",
    ];
    let mut batch = Vec::new();
    for (index, place) in places.iter().enumerate() {
        for (form, text) in [
            ("plain", number),
            ("grouped", grouped),
            ("country", "8613876543210"),
        ] {
            let text = if form == "grouped" && *place == "page" {
                // In an address groups of digits are something else.
                number
            } else {
                text
            };
            batch.push(with(
                event("complaint", &format!("{index}-{form}")),
                place,
                text,
            ));
            batch.push(with(
                event("browse", &format!("b-{index}-{form}")),
                place,
                text,
            ));
        }
    }
    let mut in_source = event("login", "e-source");
    in_source["source"] = format!("/sms/{number}").into();
    batch.push(in_source);
    batch.push(event("login", number));
    batch.push(with(event("ivr-key", "keys"), "keys", number));
    let as_number: i64 = number.parse().unwrap();
    batch.push(with(
        event("login", "as a number"),
        "customer_id",
        as_number,
    ));
    batch.push(Value::from(number));
    let got = world.report_all("channel", &batch).await;
    assert_eq!(got.status, 200);
    assert!(
        got.counts().0 > 10 && got.counts().2 > 20,
        "{:?}",
        got.counts()
    );
    let mut told = got.json.to_string();
    let mut seen = world.tables().await.join("\n");
    let kept: Vec<(String,)> = world
        .rows("select document || pointer || coalesce(region, '') || key_id from feedback_rejected")
        .await;
    assert!(kept.len() > 20);
    for (text,) in kept {
        seen.push_str(&text);
    }
    for path in [
        "/events/rejected?limit=200",
        "/customers/c-1/contacts?kind=all&limit=200",
    ] {
        told.push_str(&world.get("admin", path).await.json.to_string());
    }
    for text in [&seen, &told] {
        for form in [number, grouped, "7654321"] {
            assert!(!text.contains(form), "{form}");
        }
    }
    let path = world
        .get("hall", &format!("/customers/{number}/contacts"))
        .await;
    assert_eq!(path.code(), "customer-id-looks-like-a-number");
    assert!(!path.json.to_string().contains(number));
}

/// Goal: a sender that sends nothing right fills nothing: one full batch is enough to bring what is kept back to its bound, whatever stood there.
pub(crate) async fn rejected_events_are_bounded(world: World) {
    let transaction = world.sql.begin().await.unwrap();
    let dialect = transaction.dialect();
    transaction.rollback().await;
    let fill = match dialect {
        Dialect::Sqlite => {
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < 101500) insert into feedback_rejected \
             select 'old-' || i, i, 'k', null, 'not-an-event', '', '{}', 1, 0, null, null, null from n"
        }
        Dialect::Postgres => {
            "insert into feedback_rejected select 'old-' || i, i, 'k', null, 'not-an-event', '', '{}', 1, 0, null, null, null \
             from generate_series(1, 101500) i"
        }
    };
    world.sql.execute(fill, Vec::new()).await.unwrap();
    let nonsense: Vec<Value> = (0..2_000).map(|number| json!({"n": number})).collect();
    let got = world.report_all("channel", &nonsense).await;
    assert_eq!(got.counts(), (0, 0, 2_000));
    assert_eq!(world.count("feedback_rejected").await, 100_000);
    let oldest: Vec<(i64,)> = world
        .rows("select min(received_at_unix_ms) from feedback_rejected")
        .await;
    assert_eq!(oldest, [(3_501,)], "the oldest go first");
}
