//! What both databases must show alike: events in, and what becomes of them.

use serde_json::{Value, json};

use crate::world::{World, event, with};

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 3600 * 1000;

pub(crate) async fn three_modes_carry_one_event(world: World) {
    let one = with(event("complaint", "长 1"), "content", "网速慢");
    assert_eq!(world.report("channel", &one).await.counts(), (1, 0, 0));
    let headers = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "%E9%95%BF%201"),
        ("ce-source", "/test"),
        ("ce-type", "chudian.feedback.complaint.v1"),
        ("ce-time", "2026-11-22T04:00:00Z"),
        (
            "ce-traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
    ];
    let got = world
        .send(
            "channel",
            "POST",
            "/events",
            &headers,
            one["data"].to_string(),
        )
        .await;
    assert_eq!(got.counts(), (0, 1, 0), "{got:?}");
    assert_eq!(got.json["results"][0]["id"], "长 1");
    let got = world.report_all("channel", &[one.clone(), one]).await;
    assert_eq!(got.counts(), (0, 2, 0), "{got:?}");
    assert_eq!(world.count("feedback_event").await, 1);
    let sums: Vec<(i64,)> = world
        .rows("select cast(sum(events) as bigint) from feedback_tally")
        .await;
    assert_eq!(sums, [(1,)]);
    assert_eq!(world.report_all("channel", &[]).await.counts(), (0, 0, 0));
}

pub(crate) async fn one_bad_event_costs_one_event(world: World) {
    let mut events: Vec<Value> = (0..500)
        .map(|number| event("consultation", &format!("e-{number}")))
        .collect();
    events[17]["data"]["outcome"] = "splendid".into();
    events[17]["data"]["duration_s"] = (-1).into();
    let got = world.report_all("hall", &events).await;
    assert_eq!(got.counts(), (499, 0, 1));
    let bad = &got.json["results"][17];
    assert_eq!(bad["status"], "rejected");
    let pointers: Vec<&Value> = bad["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["pointer"])
        .collect();
    assert_eq!(pointers, ["/data/outcome", "/data/duration_s"]);
    assert_eq!(got.json["results"][18]["status"], "accepted");
    assert_eq!(world.count("feedback_event").await, 499);
    // Everything again: nothing changes, and the bad one is kept once.
    assert_eq!(
        world.report_all("hall", &events).await.counts(),
        (0, 499, 1)
    );
    assert_eq!(
        (
            world.count("feedback_event").await,
            world.count("feedback_rejected").await
        ),
        (499, 1)
    );
}

pub(crate) async fn the_same_identity_with_other_content_is_a_conflict(world: World) {
    let first = event("complaint", "e-1");
    let second = with(first.clone(), "outcome", "succeeded");
    // Both in one batch: the first counts.
    let got = world
        .report_all("channel", &[first.clone(), second.clone(), first.clone()])
        .await;
    assert_eq!(got.counts(), (1, 1, 1));
    assert_eq!(
        got.json["results"][1]["errors"][0]["code"],
        "identity-conflict"
    );
    let alone = world.report("channel", &second).await;
    assert_eq!(
        (alone.status.as_u16(), alone.code()),
        (409, "event-conflict")
    );
    // Another source is another event; a member that nobody knows says nothing.
    let mut elsewhere = second.clone();
    elsewhere["source"] = "/elsewhere".into();
    assert_eq!(
        world.report("channel", &elsewhere).await.counts(),
        (1, 0, 0)
    );
    let decorated = with(first, "our_own_field", json!({"x": [1]}));
    assert_eq!(
        world.report("channel", &decorated).await.counts(),
        (0, 1, 0)
    );
    let kept: Vec<(String, String)> = world
        .rows("select reason, document from feedback_rejected")
        .await;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].0, "identity-conflict");
    assert_eq!(serde_json::from_str::<Value>(&kept[0].1).unwrap(), second);
}

pub(crate) async fn late_events_count_on_their_own_day(world: World) {
    let at = |id: &str, time: Value| {
        let mut late = event("login", id);
        late["time"] = time;
        late
    };
    let got = world
        .report_all(
            "channel",
            &[
                at("now", "2026-11-22T11:59:00+08:00".into()),
                at("yesterday", "2026-11-21T11:59:59+08:00".into()),
                at("ten years", "2016-11-22T00:00:00Z".into()),
                at("ahead", "2026-11-23T03:00:00+08:00".into()),
                at("timeless", Value::Null),
                at("too far", "2026-11-24T00:00:00Z".into()),
                at("too old", "1989-11-22T00:00:00Z".into()),
                at("no zone", "2026-11-22T12:00:00".into()),
            ],
        )
        .await;
    let told: Vec<Value> = got.json["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            let flags = result.get("flags").cloned();
            flags.unwrap_or_else(|| result["errors"][0]["code"].clone())
        })
        .collect();
    let expected = json!([
        null,
        ["late"],
        ["late", "very-old"],
        ["clock-ahead"],
        ["without-time"],
        "time-in-the-future",
        "time-out-of-range",
        "time-invalid"
    ]);
    assert_eq!(Value::from(told), expected);
    let days: Vec<(String, String)> = world
        .rows("select day, recorded_day from feedback_tally order by day")
        .await;
    let days: Vec<(&str, &str)> = days
        .iter()
        .map(|(day, recorded)| (day.as_str(), recorded.as_str()))
        .collect();
    let today = "2026-11-22";
    assert_eq!(
        days,
        [
            ("2016-11-22", today),
            ("2026-11-21", today),
            (today, today),
            ("2026-11-23", today)
        ]
    );
    // A timeless event that is sent again later is the same event.
    world.clock.advance_ms(DAY_MS);
    assert_eq!(
        world
            .report("channel", &at("timeless", Value::Null))
            .await
            .counts(),
        (0, 1, 0)
    );
}

pub(crate) async fn every_kind_agrees_with_its_schema(world: World) {
    let types = world.get("", "/schemas").await;
    let types = types.json["items"].as_array().unwrap().clone();
    assert_eq!(types.len(), 12);
    for one in types {
        let event_type = one["type"].as_str().unwrap();
        let kind = event_type.split('.').nth(2).unwrap();
        let path = one["schema"]
            .as_str()
            .unwrap()
            .strip_prefix("/feedback/v1")
            .unwrap();
        let schema = world.get("", path).await.json;
        assert_eq!(schema["title"], event_type);
        let good = event(kind, kind);
        assert_eq!(
            world.report("admin", &good).await.counts(),
            (1, 0, 0),
            "{kind}"
        );
        for field in good["data"].as_object().unwrap().keys() {
            assert!(schema["properties"].get(field).is_some(), "{kind} {field}");
        }
        for field in schema["required"].as_array().unwrap() {
            let field = field.as_str().unwrap();
            let without = with(event(kind, &format!("{kind}-{field}")), field, Value::Null);
            let got = world.report("admin", &without).await;
            let error = &got.json["errors"][0];
            assert_eq!(
                (got.code(), &error["code"], &error["pointer"]),
                (
                    "event-rejected",
                    &json!("missing-field"),
                    &json!(format!("/data/{field}"))
                )
            );
        }
        for (field, property) in schema["properties"].as_object().unwrap() {
            let wrong = if property["type"] == "integer" {
                json!("text")
            } else {
                json!(5)
            };
            let got = world
                .report(
                    "admin",
                    &with(event(kind, &format!("{kind}-w-{field}")), field, wrong),
                )
                .await;
            assert_eq!(
                got.json["errors"][0]["code"], "value-not-allowed",
                "{kind} {field} {got:?}"
            );
        }
    }
    let unknown = world.get("", "/schemas/order.v2.json").await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.code()),
        (404, "not-found")
    );
}

pub(crate) async fn orders_are_one_record_whatever_came_first(world: World) {
    let step = |kind: &str, id: &str, time: &str, channel: &str| {
        let mut step = with(event(kind, id), "channel", channel);
        step["time"] = time.into();
        step
    };
    let trial = with(
        step("trial", "1", "2026-11-01T00:00:00Z", "web-hall"),
        "expires_at",
        "2026-11-10T00:00:00Z",
    );
    let order = with(
        step("order", "2", "2026-11-05T00:00:00Z", "outbound-call"),
        "way",
        "telemarketing",
    );
    let again = step("order", "3", "2026-11-06T00:00:00Z", "sms-hall");
    let failed = with(
        step("order", "4", "2026-11-02T00:00:00Z", "client-app"),
        "outcome",
        "failed",
    );
    let cancellation = with(
        step("cancellation", "5", "2026-11-20T00:00:00Z", "hotline-agent"),
        "cancelled_by",
        "customer",
    );
    // The cancellation first, and the later order before the earlier one.
    for event in [&cancellation, &again, &failed] {
        assert_eq!(world.report("channel", event).await.counts(), (1, 0, 0));
    }
    assert_eq!(
        world.report_all("channel", &[order, trial]).await.counts(),
        (2, 0, 0)
    );
    let got = world.get("hall", "/customers/c-1/orders").await;
    let expected = json!({"items": [{
        "order_id": "o-1", "business": "plan-88", "standing": "cancelled",
        "trial": {"at": "2026-11-01T00:00:00.000Z", "channel": "web-hall", "expires_at": "2026-11-10T00:00:00.000Z"},
        "order": {"at": "2026-11-05T00:00:00.000Z", "channel": "outbound-call", "way": "telemarketing"},
        "cancellation": {"at": "2026-11-20T00:00:00.000Z", "channel": "hotline-agent", "cancelled_by": "customer"},
    }]});
    assert_eq!(got.json, expected);
    let published: Vec<(String, i64, String, String)> = world
        .rows("select order_id, ordered_at_unix_ms, way, cancelled_by from pub_feedback_order")
        .await;
    assert_eq!(published.len(), 1);
    assert_eq!(
        (published[0].2.as_str(), published[0].3.as_str()),
        ("telemarketing", "customer")
    );
    let other = with(
        with(event("trial", "6"), "order_id", "o-2"),
        "expires_at",
        "2026-11-22T05:00:00Z",
    );
    world.report("channel", &other).await;
    let first = world
        .get("hall", "/customers/c-1/orders?limit=1")
        .await
        .json;
    let next = format!(
        "/customers/c-1/orders?limit=1&cursor={}",
        first["next_cursor"].as_str().unwrap()
    );
    let second = world.get("hall", &next).await.json;
    assert_eq!(
        (
            &second["items"][0]["order_id"],
            &second["items"][0]["standing"]
        ),
        (&json!("o-2"), &json!("on-trial"))
    );
    assert_eq!(second.get("next_cursor"), None);
    world.clock.advance_ms(3_600_000);
    let later = world.get("hall", &next).await.json;
    assert_eq!(later["items"][0]["standing"], "expired");
}

pub(crate) async fn a_rejected_event_is_repaired_and_replayed(world: World) {
    let bad = with(event("order", "e-1"), "channel", "carrier-pigeon");
    let got = world.report("channel", &bad).await;
    assert_eq!((got.status.as_u16(), got.code()), (422, "event-rejected"));
    let list = world.get("channel", "/events/rejected").await.json;
    let id = list["items"][0]["rejected_id"].as_str().unwrap().to_owned();
    assert_eq!(list["items"][0]["reason"], "value-not-allowed");
    assert_eq!(list["items"][0]["pointer"], "/data/channel");
    // Another channel, another region: it does not exist.
    for who in ["channel@zs01", "analyst@zs01", "admin@hz01"] {
        let path = format!("/events/rejected/{id}");
        assert_eq!(world.get(who, &path).await.code(), "not-found", "{who}");
        let replay = world
            .send(who, "POST", &format!("{path}/replay"), &[], "")
            .await;
        assert_eq!(replay.code(), "not-found", "{who}");
        assert_eq!(
            world.send(who, "DELETE", &path, &[], "").await.code(),
            "not-found",
            "{who}"
        );
        assert_eq!(
            world.get(who, "/events/rejected").await.json["items"],
            json!([]),
            "{who}"
        );
    }
    let path = format!("/events/rejected/{id}/replay");
    let unrepaired = world.send("analyst", "POST", &path, &[], "").await;
    assert_eq!(
        (unrepaired.code(), world.count("feedback_rejected").await),
        ("event-rejected", 1)
    );
    let repaired = with(bad, "channel", "web-hall").to_string();
    let done = world
        .send("analyst", "POST", &path, &[], repaired.clone())
        .await;
    assert_eq!(done.counts(), (1, 0, 0), "{done:?}");
    let twice = world.send("analyst", "POST", &path, &[], repaired).await;
    assert_eq!(twice.code(), "rejected-event-state");
    let found = world
        .get("channel", &format!("/events/rejected/{id}"))
        .await
        .json;
    assert_eq!(
        (&found["resolution"], &found["replayable"]),
        (&json!("replayed"), &json!(false))
    );
    assert_eq!(
        world.get("channel", "/events/rejected").await.json["items"],
        json!([])
    );
    let all = world
        .get("channel", "/events/rejected?state=all")
        .await
        .json;
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
    assert_eq!(world.count("feedback_event").await, 1);
    // Discarding.
    world
        .report("channel", &with(event("order", "e-2"), "way", "by-horse"))
        .await;
    let id = world.get("channel", "/events/rejected").await.json["items"][0]["rejected_id"].clone();
    let path = format!("/events/rejected/{}", id.as_str().unwrap());
    assert_eq!(
        world.send("channel", "DELETE", &path, &[], "").await.status,
        204
    );
    assert_eq!(
        world.send("channel", "DELETE", &path, &[], "").await.code(),
        "rejected-event-state"
    );
}

pub(crate) async fn events_of_a_type_that_became_known_are_replayed_together(world: World) {
    // What is good now was kept as rejected before, as by an older version that did not know the type.
    let known_now: Vec<Value> = (0..5)
        .map(|number| event("login", &format!("e-{number}")))
        .collect();
    for (number, good) in known_now.iter().enumerate() {
        let mut unknown = good.clone();
        unknown["type"] = "chudian.feedback.telepathy.v1".into();
        assert_eq!(
            world.report("channel", &unknown).await.code(),
            "event-rejected"
        );
        let update = "update feedback_rejected set document = $1, received_at_unix_ms = received_at_unix_ms + $2 \
                      where document = $3";
        let values =
            chudian_runtime::parameters![good.to_string(), number as i64, unknown.to_string()];
        assert_eq!(world.sql.execute(update, values).await, Ok(1));
    }
    world.clock.advance_ms(10);
    world
        .report(
            "channel",
            &with(event("login", "e-9"), "customer_id", "13812345678"),
        )
        .await;
    let headers = [("content-type", "application/json")];
    let replay = |body: Value| {
        world.send(
            "analyst",
            "POST",
            "/events/rejected/replay",
            &headers,
            body.to_string(),
        )
    };
    let first = replay(json!({"reason": "type-unknown", "limit": 2}))
        .await
        .json;
    assert_eq!(
        (&first["replayed"], &first["still_rejected"]),
        (&json!(2), &json!(0))
    );
    let rest = replay(json!({"cursor": first["next_cursor"]})).await.json;
    assert_eq!(
        (
            &rest["replayed"],
            &rest["to_be_repaired"],
            rest.get("next_cursor")
        ),
        (&json!(3), &json!(1), None)
    );
    assert_eq!(world.count("feedback_event").await, 5);
    assert_eq!(
        world.report_all("channel", &known_now).await.counts(),
        (0, 5, 0)
    );
}

pub(crate) async fn a_month_is_forgotten_and_its_events_stay_known(world: World) {
    let events: Vec<Value> = (0..7)
        .map(|number| event("order", &format!("e-{number}")))
        .collect();
    world.report_all("channel", &events).await;
    let forget = |who: &'static str, month: &'static str| {
        let path = format!("/months/{month}");
        let world = &world;
        async move { world.send(who, "DELETE", &path, &[], "").await }
    };
    assert_eq!(forget("admin", "2026-11").await.code(), "month-not-over");
    world.clock.advance_ms(30 * DAY_MS);
    assert_eq!(
        forget("admin", "2026-11").await.code(),
        "month-not-over",
        "the month before"
    );
    world.report("channel", &event("login", "december")).await;
    world.clock.advance_ms(30 * DAY_MS);
    assert_eq!(
        forget("admin@zs01", "2026-11").await.code(),
        "role-not-allowed"
    );
    assert_eq!(
        forget("analyst", "2026-11").await.code(),
        "role-not-allowed"
    );
    assert_eq!(forget("admin", "2026-1").await.code(), "invalid-path");
    let done = forget("admin", "2026-11").await;
    assert_eq!(done.json, json!({"month": "2026-11", "done": true}));
    assert_eq!(world.count("feedback_event").await, 1, "december's");
    let months = world.get("analyst", "/months").await.json;
    assert_eq!(
        (
            &months["items"][0]["month"],
            &months["items"][0]["events"],
            &months["items"][1]["month"]
        ),
        (&json!("2026-11"), &json!(7), &json!("2026-12"))
    );
    assert!(
        months["items"][0]["forgotten_at"].is_string()
            && months["items"][1].get("forgotten_at").is_none()
    );
    // Sent again, they are still known; and the order outlives its events.
    assert_eq!(
        world.report_all("channel", &events).await.counts(),
        (0, 7, 0)
    );
    assert_eq!(
        world.get("hall", "/customers/c-1/orders").await.json["items"][0]["order_id"],
        "o-1"
    );
}

pub(crate) async fn two_instances_count_each_event_once(world: World) {
    let events: Vec<Value> = (0..300)
        .map(|number| {
            with(
                event("business-handling", &format!("e-{number}")),
                "duration_s",
                1,
            )
        })
        .collect();
    let mut backwards = events.clone();
    backwards.reverse();
    let batches = [
        Value::from(events).to_string(),
        Value::from(backwards).to_string(),
    ];
    let instances: Vec<_> = (0..4).map(|_| world.another_instance()).collect();
    let headers = [("content-type", crate::world::BATCH)];
    let sends = instances.iter().enumerate().map(|(number, instance)| {
        world.send_to(
            instance,
            "channel",
            "POST",
            "/events",
            &headers,
            batches[number % 2].clone(),
        )
    });
    let answers = crate::queue::all(sends).await;
    let accepted: u64 = answers.iter().map(|got| got.counts().0).sum();
    let duplicates: u64 = answers.iter().map(|got| got.counts().1).sum();
    assert_eq!(
        (accepted, duplicates),
        (300, 900),
        "{:?}",
        answers[0].status
    );
    assert_eq!(world.count("feedback_event").await, 300);
    let sums: Vec<(i64, i64)> = world
        .rows("select cast(sum(events) as bigint), cast(sum(duration_s) as bigint) from pub_feedback_tally")
        .await;
    assert_eq!(sums, [(300, 300)]);
}

pub(crate) async fn a_full_batch_of_rejected_events_is_kept(world: World) {
    let events: Vec<Value> = (0..2_000)
        .map(|number| with(event("login", &format!("e-{number}")), "channel", "nowhere"))
        .collect();
    let got = world.report_all("channel", &events).await;
    assert_eq!(got.counts(), (0, 0, 2_000));
    assert_eq!(world.count("feedback_rejected").await, 2_000);
    assert_eq!(world.count("feedback_identity").await, 0);
}
