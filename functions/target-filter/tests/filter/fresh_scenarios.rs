//! Events that came since the contact columns were made: they leave out at freezing and at contacting, and a list comes out the same without them.

use chudian_runtime::parameters;
use chudian_runtime::ports::Clock as _;
use chudian_runtime::ports::native;
use serde_json::{Value, json};

use crate::customers::{Customer, LAYER_HORIZON_UNIX_MS, customers};
use crate::world::World;

const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// An event for the tables of the feedback function, which the test stands in for.
struct Event<'a> {
    customer: &'a str,
    kind: &'a str,
    channel: &'a str,
    outcome: &'a str,
    business: Option<&'a str>,
    /// How long ago it happened, and how long ago it came.
    days_ago: i64,
    came_ms_ago: i64,
}

fn event<'a>(customer: &'a str, kind: &'a str) -> Event<'a> {
    Event {
        customer,
        kind,
        channel: "sms-hall",
        outcome: "succeeded",
        business: Some("Ring-Tone"),
        days_ago: 0,
        came_ms_ago: 1,
    }
}

async fn with_feedback(world: &World) {
    let migrations = format!(
        "{}/../feedback-ingest/migrations",
        env!("CARGO_MANIFEST_DIR")
    );
    native::apply_migrations(&world.sql, migrations)
        .await
        .unwrap();
}

async fn tell(world: &World, event: Event<'_>) {
    let now_unix_ms = world.clock.now_unix_ms();
    let count = world.rows("feedback_event").await;
    let insert = "insert into feedback_event (recorded_at_unix_ms, identity_high, identity_low, customer_id, at_unix_ms, kind, channel, \
                  outcome, region, business, flags, key_id, details) values ($1, 0, $2, $3, $4, $5, $6, $7, 'zs01', $8, 0, 'k', '{}')";
    let values = parameters![
        now_unix_ms - event.came_ms_ago,
        count,
        event.customer,
        now_unix_ms - event.days_ago * DAY_MS,
        event.kind,
        event.channel,
        event.outcome,
        event.business
    ];
    world.sql.execute(insert, values).await.unwrap();
}

async fn cancel(world: &World, customer: &str, by: &str) {
    let now_unix_ms = world.clock.now_unix_ms();
    let insert = "insert into feedback_order_step (customer_id, order_id, stage, at_unix_ms, identity_high, identity_low, channel, region, \
                  business, cancelled_by) values ($1, 'o-1', $2, $3, 0, 0, 'web-hall', 'zs01', $4, $5)";
    for (stage, business, by) in [
        ("order", Some("ring-tone"), None),
        ("cancellation", None, Some(by)),
    ] {
        let values = parameters![customer, stage, now_unix_ms, business, by];
        world.sql.execute(insert, values).await.unwrap();
    }
    let cancellation = Event {
        business: None,
        ..event(customer, "cancellation")
    };
    tell(world, cancellation).await;
}

/// Customers whom no column leaves out: nobody knows anything of them.
fn quiet() -> Vec<Customer> {
    customers()
        .into_iter()
        .filter(|customer| {
            customer.arpu_fen.is_some()
                && !customer.has_ring_tone
                && customer.tried_on.is_none()
                && customer.marketed_on.is_none()
                && !customer.opted_out
        })
        .collect()
}

fn request() -> Value {
    json!({
        "name": "彩铃推广", "purpose": "推广彩铃业务",
        "selection": {
            "expression": "arpu >= 0", "business": "ring_tone", "channels": ["outbound-call"],
            "exclusions": {"set": "default"}, "missing_columns": "report",
        },
        "channel": {"fixed": "sms-hall"},
    })
}

async fn freeze(world: &World, request: &Value) -> Value {
    world.send("analyst", "POST", "/lists", request).await.ok()
}

async fn verified(world: &World, list: &Value) -> Value {
    let path = format!("/lists/{}/verification", list["list_id"].as_str().unwrap());
    let verified = world
        .send("approver", "POST", &path, &Value::Null)
        .await
        .ok();
    verified["identical"].clone()
}

async fn approved(world: &World, list: &Value) -> String {
    let id = list["list_id"].as_str().unwrap().to_owned();
    let reason = json!({"reason": "可以"});
    for (who, what) in [("analyst", "submission"), ("approver", "approval")] {
        let path = format!("/lists/{id}/{what}");
        world.send(who, "POST", &path, &reason).await.ok();
    }
    id
}

pub(crate) async fn a_message_of_today_counts_today(world: World) {
    let before = freeze(&world, &request()).await;
    assert_eq!(before.get("fresh_events"), None, "nobody keeps events yet");
    with_feedback(&world).await;
    let now = world.clock.now_unix_ms();
    let ids: Vec<String> = quiet()
        .iter()
        .take(12)
        .map(|customer| customer.id.to_string())
        .collect();
    let none = freeze(&world, &request()).await;
    assert_eq!(none["fresh_events"]["left_out"], 0);
    assert_eq!(
        none["hash"], before["hash"],
        "nothing happened, so nothing changed"
    );

    tell(&world, event(&ids[0], "marketing-contact")).await;
    tell(&world, event(&ids[0], "complaint")).await;
    tell(&world, event(&ids[1], "complaint")).await;
    tell(&world, event(&ids[2], "order")).await;
    cancel(&world, &ids[3], "bulk").await;
    cancel(&world, &ids[4], "customer").await;
    let refusal = Event {
        outcome: "opted-out",
        business: None,
        ..event(&ids[5], "consultation")
    };
    tell(&world, refusal).await;
    // These leave nobody out: another business, another outcome, too long ago, known to the layer, another's tool, no pseudonym.
    let others = [
        Event {
            business: Some("plan-88"),
            ..event(&ids[6], "complaint")
        },
        Event {
            outcome: "failed",
            ..event(&ids[7], "order")
        },
        Event {
            days_ago: 120,
            ..event(&ids[8], "marketing-contact")
        },
        Event {
            came_ms_ago: now - LAYER_HORIZON_UNIX_MS + 60_001,
            ..event(&ids[9], "marketing-contact")
        },
        event(&ids[10], "business-query"),
        event("c-1", "marketing-contact"),
    ];
    for other in others {
        tell(&world, other).await;
    }
    // This came just behind the horizon.
    let edge = Event {
        came_ms_ago: now - LAYER_HORIZON_UNIX_MS,
        ..event(&ids[11], "marketing-contact")
    };
    tell(&world, edge).await;

    let list = freeze(&world, &request()).await;
    let steps = |list: &Value| -> Vec<(String, u64)> {
        let steps = list["account"]["waterfall"].as_array().unwrap();
        let of = |step: &Value| {
            (
                step["step"].as_str().unwrap().to_owned(),
                step["customers"].as_u64().unwrap(),
            )
        };
        steps
            .iter()
            .map(of)
            .filter(|(step, _)| step.ends_with("_since_layer"))
            .collect()
    };
    let expected = [
        ("already_ordered_since_layer", 1),
        ("bulk_cancelled_since_layer", 1),
        ("cancelled_by_customer_since_layer", 1),
        // Whoever complained and was approached is counted once, by the first rule.
        ("complained_since_layer", 2),
        ("marketed_since_layer", 1),
        ("opted_out_since_layer", 1),
    ];
    assert_eq!(
        steps(&list),
        expected.map(|(step, customers)| (step.to_owned(), customers))
    );
    assert_eq!(list["fresh_events"]["left_out"], 7);
    assert_eq!(list["fresh_events"]["until"], "2026-11-22T04:00:00.001Z");
    let candidates = |list: &Value| list["account"]["candidates"].as_u64().unwrap();
    assert_eq!(candidates(&list) + 7, candidates(&before));
    assert_eq!(verified(&world, &list).await, true);

    // Months later the events are forgotten and others have come; the list is what it was.
    world
        .sql
        .execute("delete from feedback_event", Vec::new())
        .await
        .unwrap();
    tell(&world, event(&ids[7], "marketing-contact")).await;
    assert_eq!(verified(&world, &list).await, true);
    assert_eq!(verified(&world, &before).await, true);

    // A service message is for everyone whom it concerns.
    let mut service = request();
    service["selection"]["class"] = json!("service");
    let service = freeze(&world, &service).await;
    assert_eq!(service["fresh_events"]["left_out"], 0, "{service}");
}

/// Writes what a customer says of offers into the ledger of the SMS hall, which the test stands in for.
async fn say(world: &World, customer: &str, is_opted_out: bool) {
    let upsert = "insert into sms_consent (customer_id, region, is_opted_out, said_at_unix_ms, inbound_id) values ($1, 'zs01', $2, $3, 'i-1') \
                  on conflict (customer_id) do update set is_opted_out = excluded.is_opted_out";
    let values = parameters![customer, is_opted_out, world.clock.now_unix_ms()];
    world.sql.execute(upsert, values).await.unwrap();
}

/// Goal: a refusal that the ledger has keeps a customer off a list, though no event of it has come and no column tells of it; the list comes
/// out the same when the customer is back; and a refusal after the freezing is obeyed at the contact.
pub(crate) async fn a_refusal_by_message_is_obeyed_without_its_event(world: World) {
    let before = freeze(&world, &request()).await;
    let migrations = format!("{}/../sms-hall/migrations", env!("CARGO_MANIFEST_DIR"));
    native::apply_migrations(&world.sql, migrations)
        .await
        .unwrap();
    let ids: Vec<String> = quiet()
        .iter()
        .take(4)
        .map(|customer| customer.id.to_string())
        .collect();
    say(&world, &ids[0], true).await;
    say(&world, &ids[1], true).await;
    say(&world, &ids[2], false).await;
    // Made to be locked: nothing was said.
    let lock = "insert into sms_consent (customer_id, region, is_opted_out, said_at_unix_ms) values ($1, 'zs01', 0, 0)";
    let values = parameters![ids[3].as_str()];
    world.sql.execute(lock, values).await.unwrap();

    let list = freeze(&world, &request()).await;
    assert_eq!(list["fresh_events"]["left_out"], 2, "{list}");
    let steps = list["account"]["waterfall"].as_array().unwrap();
    let step = steps
        .iter()
        .find(|step| step["step"] == "opted_out_since_layer");
    assert_eq!(step.unwrap()["customers"], 2, "{list}");
    let candidates = |list: &Value| list["account"]["candidates"].as_u64().unwrap();
    assert_eq!(candidates(&list) + 2, candidates(&before));
    // With events beside it, each is counted once.
    with_feedback(&world).await;
    let refusal = Event {
        outcome: "opted-out",
        business: None,
        ..event(&ids[0], "business-handling")
    };
    tell(&world, refusal).await;
    let both = freeze(&world, &request()).await;
    assert_eq!(both["fresh_events"]["left_out"], 2);
    say(&world, &ids[1], false).await;
    assert_eq!(verified(&world, &list).await, true);
    let back = freeze(&world, &request()).await;
    assert_eq!(back["fresh_events"]["left_out"], 1, "who came back is back");
    let mut service = request();
    service["selection"]["class"] = json!("service");
    let service = freeze(&world, &service).await;
    assert_eq!(service["fresh_events"]["left_out"], 0);

    // All but one refuse after the freezing, and long before: when they said it does not matter.
    let mut few = request();
    few["selection"]["expression"] = json!("arpu >= 0 and arpu <= 20");
    few["selection"]
        .as_object_mut()
        .unwrap()
        .remove("exclusions");
    let list = approved(&world, &freeze(&world, &few).await).await;
    let members: Vec<Customer> = customers()
        .into_iter()
        .filter(|customer| {
            customer
                .arpu_fen
                .is_some_and(|fen| (0..=2_000).contains(&fen))
        })
        .collect();
    let (left, others) = members.split_last().unwrap();
    for customer in others {
        say(&world, &customer.id.to_string(), true).await;
    }
    let next = format!("/lists/{list}/next");
    let taken = world.send("channel", "POST", &next, &json!({})).await.ok();
    assert_eq!(taken["customer_id"], left.id.to_string());
    let path = format!("/lists/{list}/customers/{}", others[0].id);
    let seen = world.send("hall", "GET", &path, &Value::Null).await.ok();
    assert_eq!(seen["left_out_by"], "opted_out");
}

/// Goal: whoever takes a refusal back on the same channel, later, is not left out by it; on another channel or before, it stands.
pub(crate) async fn a_refusal_that_was_taken_back_stands_no_more(world: World) {
    with_feedback(&world).await;
    let ids: Vec<String> = quiet()
        .iter()
        .take(4)
        .map(|customer| customer.id.to_string())
        .collect();
    let says = async |customer: &str, outcome, channel, days_ago| {
        let told = Event {
            outcome,
            channel,
            days_ago,
            business: None,
            ..event(customer, "consultation")
        };
        tell(&world, told).await;
    };
    for (customer, channel, days_ago) in [
        (&ids[0], "sms-hall", 1),
        (&ids[1], "outbound-call", 1),
        (&ids[2], "sms-hall", 3),
        (&ids[3], "sms-hall", 2),
    ] {
        says(customer, "opted-out", "sms-hall", 2).await;
        says(customer, "opted-in", channel, days_ago).await;
    }
    let list = freeze(&world, &request()).await;
    assert_eq!(list["fresh_events"]["left_out"], 3, "{list}");
    let path = format!(
        "/lists/{}/customers/{}",
        approved(&world, &list).await,
        ids[0]
    );
    let seen = world.send("hall", "GET", &path, &Value::Null).await.ok();
    assert_eq!(seen.get("left_out_by"), None, "{seen}");
}

pub(crate) async fn who_was_contacted_is_passed_over(world: World) {
    with_feedback(&world).await;
    let quiet = quiet();
    let mut request = request();
    request["selection"]["expression"] = json!("arpu >= 0 and arpu <= 20");
    let id = approved(&world, &freeze(&world, &request).await).await;
    let members: Vec<String> = quiet
        .iter()
        .filter(|customer| customer.arpu_fen.is_some_and(|fen| fen <= 2_000))
        .map(|customer| customer.id.to_string())
        .collect();
    assert!((10..60).contains(&members.len()), "{}", members.len());
    let next = format!("/lists/{id}/next");
    let any = json!({});
    let take = || world.send("channel", "POST", &next, &any);
    let first = take().await.ok()["customer_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(members.contains(&first), "{first}");

    // Of all others only one is left alone since.
    world.clock.advance_ms(1_000);
    let rest: Vec<&String> = members.iter().filter(|member| **member != first).collect();
    let (left, contacted) = rest.split_last().unwrap();
    for (number, customer) in contacted.iter().enumerate() {
        let told = match number % 3 {
            0 => event(customer, "marketing-contact"),
            1 => event(customer, "complaint"),
            _ => Event {
                outcome: "opted-out",
                channel: "outbound-call",
                business: None,
                ..event(customer, "ivr-key")
            },
        };
        tell(&world, told).await;
    }
    let path = format!("/lists/{id}/customers/{}", contacted[0]);
    let seen = world.send("hall", "GET", &path, &Value::Null).await.ok();
    assert_eq!(seen["left_out_by"], "marketed");
    let seen = world
        .send(
            "hall",
            "GET",
            &format!("/lists/{id}/customers/{left}"),
            &Value::Null,
        )
        .await
        .ok();
    assert_eq!(seen.get("left_out_by"), None);
    assert_eq!(take().await.ok()["customer_id"], **left);
    assert_eq!(take().await.code(), "list-exhausted");
    let seen = world.send("hall", "GET", &path, &Value::Null).await.ok();
    assert_eq!(seen["outcome"], "left-out");

    // A list without exclusions still obeys a refusal, and nothing else.
    let mut plain = request.clone();
    plain["selection"]
        .as_object_mut()
        .unwrap()
        .remove("exclusions");
    let id = approved(&world, &freeze(&world, &plain).await).await;
    let refused = &members[0];
    tell(
        &world,
        Event {
            outcome: "opted-out",
            ..event(refused, "marketing-contact")
        },
    )
    .await;
    tell(&world, event(&members[1], "marketing-contact")).await;
    let next = format!("/lists/{id}/next");
    let mut handed_out = Vec::new();
    loop {
        let got = world.send("channel", "POST", &next, &json!({})).await;
        if got.code() == "list-exhausted" {
            break;
        }
        handed_out.push(got.ok()["customer_id"].as_str().unwrap().to_owned());
    }
    assert!(!handed_out.contains(refused));
    assert!(handed_out.contains(&members[1]));
}
