//! The contact view.

use serde_json::{Value, json};

use crate::world::{World, event, with};

/// An event at an hour of 2026-11-20 in UTC.
fn at_hour(kind: &str, id: &str, hour: u32) -> Value {
    let mut event = event(kind, id);
    event["time"] = format!("2026-11-20T{hour:02}:00:00Z").into();
    event
}

pub(crate) async fn a_time_line_is_paged_and_filtered(world: World) {
    let kinds = [
        "consultation",
        "complaint",
        "marketing-contact",
        "business-handling",
        "business-query",
        "browse",
        "login",
    ];
    let events: Vec<Value> = (0..35_usize)
        .map(|number| {
            at_hour(
                kinds[number % 7],
                &format!("e-{number}"),
                (number / 2) as u32,
            )
        })
        .collect();
    assert_eq!(
        world.report_all("channel", &events).await.counts(),
        (35, 0, 0)
    );
    world
        .report(
            "channel",
            &with(event("complaint", "another's"), "customer_id", "c-2"),
        )
        .await;
    for limit in [1, 4, 7, 200] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/customers/c-1/contacts?kind=all&limit={limit}{cursor}");
            let page = world.get("hall", &path).await.json;
            seen.extend(page["items"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen.len(), 35, "limit {limit}");
        let times: Vec<&str> = seen
            .iter()
            .map(|item| item["at"].as_str().unwrap())
            .collect();
        assert!(times.is_sorted_by(|one, next| one >= next), "{times:?}");
    }
    let count = |query: &'static str| {
        let world = &world;
        async move {
            let got = world
                .get("hall", &format!("/customers/c-1/contacts?limit=200{query}"))
                .await;
            (
                got.json["items"].as_array().map(Vec::len),
                got.code().to_owned(),
            )
        }
    };
    let table = [
        ("", Some(25), ""),
        ("&kind=complaint", Some(5), ""),
        ("&kind=login,browse", Some(10), ""),
        ("&kind=order", Some(0), ""),
        ("&kind=all&channel=web-hall", Some(0), ""),
        ("&kind=all&channel=outbound-call", Some(35), ""),
        ("&kind=all&from=2026-11-20T10:00:00Z", Some(15), ""),
        (
            "&kind=all&from=2026-11-20T18:00:00%2B08:00&to=2026-11-20T19:00:00%2B08:00",
            Some(2),
            "",
        ),
        ("&kind=gossip", None, "invalid-query"),
        ("&channel=pigeon", None, "invalid-query"),
        ("&from=yesterday", None, "invalid-query"),
        ("&form=2026", None, "invalid-query"),
        ("&cursor=x", None, "invalid-query"),
    ];
    for (query, items, code) in table {
        assert_eq!(count(query).await, (items, code.to_owned()), "{query}");
    }
    let accesses: Vec<(String, i64)> = world
        .rows("select action, count(*) from personal_access where customer_id = 'c-1' group by action")
        .await;
    assert_eq!(accesses.len(), 1);
    assert_eq!(accesses[0].0, "contacts");
}

pub(crate) async fn roles_and_regions_see_what_they_may(world: World) {
    let mut told = with(
        event("complaint", "e-1"),
        "content",
        "网速慢，请回电13812345678",
    );
    told["data"]["staff"] = "s-7".into();
    told["data"]["duration_s"] = 65.into();
    assert_eq!(
        world.report("channel", &told).await.json["results"][0]["flags"],
        json!(["number-masked"])
    );
    let item = |who: &'static str| {
        let world = &world;
        async move { world.get(who, "/customers/c-1/contacts").await.json["items"][0].clone() }
    };
    let whole = json!({
        "at": "2026-11-22T04:00:00.000Z", "recorded_at": "2026-11-22T04:00:00.000Z", "kind": "complaint",
        "channel": "outbound-call", "outcome": "interested", "region": "zs01", "duration_s": 65, "staff": "s-7",
        "content": "网速慢，请回电138****5678", "flags": ["number-masked"],
    });
    for who in ["hall", "admin", "hall@zs01"] {
        assert_eq!(item(who).await, whole, "{who}");
    }
    let mut hidden = whole.clone();
    for name in ["staff", "content"] {
        hidden.as_object_mut().unwrap().remove(name);
    }
    hidden["masked"] = json!(["staff", "content"]);
    for who in ["channel", "analyst", "analyst@zs01"] {
        assert_eq!(item(who).await, hidden, "{who}");
    }
    let before = world.count("personal_access").await;
    for path in ["contacts", "contact-summary", "orders"] {
        for (who, customer) in [("hall@hz01", "c-1"), ("admin@hz01", "c-1"), ("hall", "c-9")] {
            let got = world
                .get(who, &format!("/customers/{customer}/{path}"))
                .await;
            assert_eq!(
                (got.status.as_u16(), got.code()),
                (404, "customer-unknown"),
                "{who} {path}"
            );
        }
    }
    assert_eq!(
        world.count("personal_access").await,
        before,
        "who sees nothing has seen nothing"
    );
    // A customer with contacts and without orders has an empty list, not none.
    assert_eq!(
        world.get("hall@zs01", "/customers/c-1/orders").await.json,
        json!({"items": []})
    );
    // The published view holds neither words nor staff.
    let columns = world
        .sql
        .query::<(String,)>("select content from pub_feedback_event", Vec::new())
        .await;
    assert!(columns.is_err());
}

pub(crate) async fn figures_are_those_of_the_events(world: World) {
    let dated = |id: &str, time: &str, outcome: &str| {
        let mut one = with(event("marketing-contact", id), "outcome", outcome);
        one["time"] = time.into();
        one
    };
    world
        .report_all(
            "channel",
            &[
                dated("1", "2026-11-20T00:00:00Z", "accepted"),
                dated("2", "2026-11-19T00:00:00Z", "no-answer"),
                dated("3", "2026-09-19T00:00:00Z", "declined"),
                dated("4", "2026-03-19T00:00:00Z", "pending"),
                dated("5", "2020-03-19T00:00:00Z", "accepted"),
                with(
                    with(event("business-query", "6"), "channel", "client-app"),
                    "outcome",
                    "succeeded",
                ),
            ],
        )
        .await;
    let got = world
        .get("analyst", "/customers/c-1/contact-summary")
        .await
        .json;
    let windows = |first: i64, second: i64, third: i64, ever: i64| json!({"30d": first, "90d": second, "365d": third, "ever": ever});
    assert_eq!(got["as_of"], "2026-11-22T04:00:00.000Z");
    assert_eq!(got["total"]["count"], windows(3, 4, 5, 6));
    let calls = &got["by_channel"][1];
    assert_eq!(calls["channel"], "outbound-call");
    assert_eq!(calls["count"], windows(2, 3, 4, 5));
    assert_eq!(calls["success_permille"], windows(500, 333, 333, 500));
    assert_eq!(calls["reached_permille"], windows(500, 666, 666, 750));
    assert_eq!(calls["last_at"], "2026-11-20T00:00:00.000Z");
    let app = &got["by_channel_and_kind"][0];
    assert_eq!(
        (&app["channel"], &app["kind"]),
        (&json!("client-app"), &json!("business-query"))
    );
    assert_eq!(got["by_kind"].as_array().unwrap().len(), 2);
}
