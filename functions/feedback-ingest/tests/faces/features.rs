//! Contact features against a slow oracle that knows nothing of how they are made: it goes through the events one by one for every column.

use std::collections::BTreeMap;

use chudian_runtime::ports::Clock as _;
use http::StatusCode;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::world::{START_UNIX_MS, World, event, with};

/// Histories that are tried on each database.
const HISTORIES: usize = 10;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Hours by which China is ahead.
const CHINA_HOURS: i64 = 8;

const CHANNELS: [&str; 3] = ["web-hall", "outbound-call", "sms-hall"];
const KINDS: [&str; 6] = [
    "complaint",
    "marketing-contact",
    "login",
    "order",
    "trial",
    "cancellation",
];
const BUSINESSES: [(&str, &str); 3] = [
    ("plan-88", "plan_88"),
    ("Ring.Tone", "ring_tone"),
    ("88-plan", ""),
];

/// An event as the oracle sees it.
#[derive(Clone, Debug)]
struct Told {
    number: usize,
    customer: u8,
    kind: &'static str,
    channel: &'static str,
    outcome: &'static str,
    /// Place in [`BUSINESSES`].
    business: Option<usize>,
    order: u8,
    /// Hours before the start of the test's clock; negative is ahead.
    hours_ago: i64,
    cancelled_by: Option<&'static str>,
    expires_in_hours: Option<i64>,
    /// Whether it came after the horizon.
    is_later: bool,
}

impl Told {
    fn at_unix_ms(&self) -> i64 {
        // No two are at one moment: which of them would count is decided by their hashes.
        START_UNIX_MS - self.hours_ago * HOUR_MS - i64::try_from(self.number).unwrap() * 1_000
    }

    fn json(&self) -> Value {
        let mut event = event(self.kind, &format!("f-{}", self.number));
        let moment = chrono::DateTime::from_timestamp_millis(self.at_unix_ms()).unwrap();
        event["time"] = moment.to_rfc3339().into();
        event["data"]["customer_id"] = format!("c-{}", self.customer).into();
        event["data"]["channel"] = self.channel.into();
        event["data"]["outcome"] = self.outcome.into();
        event["data"]["business"] = self.business.map(|place| BUSINESSES[place].0).into();
        if matches!(self.kind, "order" | "trial" | "cancellation") {
            event["data"]["order_id"] = format!("o-{}", self.order).into();
            event["data"]["cancelled_by"] = self.cancelled_by.into();
            let expires = self.expires_in_hours.map(|hours| {
                let unix_ms = START_UNIX_MS + hours * HOUR_MS;
                chrono::DateTime::from_timestamp_millis(unix_ms)
                    .unwrap()
                    .to_rfc3339()
            });
            event["data"]["expires_at"] = expires.into();
        }
        event
    }
}

fn history() -> impl Strategy<Value = Vec<Told>> {
    let one = (
        (
            0..3_u8,
            prop::sample::select(&KINDS[..]),
            prop::sample::select(&CHANNELS[..]),
        ),
        prop::sample::select(vec![
            "succeeded",
            "failed",
            "opted-out",
            "opted-in",
            "interested",
            "pending",
        ]),
        prop::option::of(0..BUSINESSES.len()),
        0..2_u8,
        // Around the edges of the windows of one and thirty days, and somewhere.
        prop_oneof![-20..40_i64, 700..740_i64, 0..9_000_i64],
        prop::sample::select(vec![None, Some("customer"), Some("operator"), Some("bulk")]),
        prop::option::of(-500..500_i64),
        prop::bool::weighted(0.2),
    );
    vec(one, 1..80).prop_map(|many| {
        many.into_iter()
            .enumerate()
            .map(
                |(
                    number,
                    (
                        (customer, kind, channel),
                        outcome,
                        business,
                        order,
                        hours_ago,
                        by,
                        expires,
                        is_later,
                    ),
                )| {
                    let needs_business = matches!(kind, "order" | "trial");
                    let is_order = matches!(kind, "order" | "trial" | "cancellation");
                    Told {
                        number,
                        customer,
                        kind,
                        channel,
                        // The order's steps are those that succeed, so most of them do.
                        outcome: if is_order && outcome != "failed" {
                            "succeeded"
                        } else {
                            outcome
                        },
                        business: business.or(needs_business.then_some(0)),
                        order,
                        hours_ago,
                        cancelled_by: by.filter(|_| kind == "cancellation"),
                        expires_in_hours: expires.filter(|_| needs_business),
                        // Orders stand as they stand when they are asked for, so theirs all come before.
                        is_later: is_later && !is_order,
                    }
                },
            )
            .collect()
    })
}

/// The day of a moment in China, not after that of the start.
fn day(unix_ms: i64) -> String {
    let day_of = |unix_ms: i64| (unix_ms + CHINA_HOURS * HOUR_MS).div_euclid(DAY_MS);
    let day = day_of(unix_ms).min(day_of(START_UNIX_MS));
    chrono::DateTime::from_timestamp(day * 86_400, 0)
        .unwrap()
        .format("%Y-%m-%d")
        .to_string()
}

fn last(moments: impl Iterator<Item = i64>) -> Value {
    moments
        .max()
        .map_or(Value::Null, |moment| day(moment).into())
}

/// The earliest successful step of each order of a customer.
fn steps<'a>(told: &[&'a Told], kind: &str) -> BTreeMap<u8, &'a Told> {
    let mut steps: BTreeMap<u8, &Told> = BTreeMap::new();
    for one in told
        .iter()
        .filter(|one| one.kind == kind && one.outcome == "succeeded")
    {
        let slot = steps.entry(one.order).or_insert(one);
        if one.at_unix_ms() < slot.at_unix_ms() {
            *slot = one;
        }
    }
    steps
}

/// Every column that the test asks for, with its value for a customer of whom `told` is known.
fn expected(told: &[&Told]) -> Vec<(String, Value)> {
    let mut columns = Vec::new();
    let word = |code: &str| code.replace('-', "_");
    let optional = |all: &[&'static str]| {
        let mut all: Vec<Option<&'static str>> = all.iter().copied().map(Some).collect();
        all.push(None);
        all
    };
    // Noon of the start less so many days back to midnight in China.
    let midnight = START_UNIX_MS - 12 * HOUR_MS;
    for channel in optional(&CHANNELS) {
        for kind in optional(&KINDS) {
            for (window, from) in [
                ("1d", midnight),
                ("30d", midnight - 29 * DAY_MS),
                ("ever", i64::MIN),
            ] {
                let name = |measure: &str| {
                    let (channel, kind) = (
                        channel.map_or("any".to_owned(), word),
                        kind.map_or("any".to_owned(), word),
                    );
                    format!("contact_{measure}_{channel}_{kind}_{window}")
                };
                let within = || {
                    told.iter().filter(move |one| {
                        channel.is_none_or(|channel| one.channel == channel)
                            && kind.is_none_or(|kind| one.kind == kind)
                            && one.at_unix_ms() >= from
                    })
                };
                let good = within()
                    .filter(|one| ["succeeded", "opted-in"].contains(&one.outcome))
                    .count();
                columns.push((name("count"), within().count().into()));
                columns.push((name("success"), good.into()));
                columns.push((name("last"), last(within().map(|one| one.at_unix_ms()))));
            }
        }
    }
    for channel in optional(&CHANNELS) {
        let on = || {
            told.iter()
                .filter(move |one| channel.is_none_or(|channel| one.channel == channel))
        };
        let marketed = on().filter(|one| one.kind == "marketing-contact");
        let name = channel.map_or("marketed_on".to_owned(), |channel| {
            format!("marketed_by_{}_on", word(channel))
        });
        columns.push((name, last(marketed.map(|one| one.at_unix_ms()))));
        let name = channel.map_or("opted_out".to_owned(), |channel| {
            format!("opted_out_of_{}", word(channel))
        });
        // A refusal that the customer took back on the same channel, later, is none.
        let refused = on()
            .filter(|one| one.outcome == "opted-out")
            .any(|refusal| {
                !on().any(|other| {
                    (other.outcome, other.channel) == ("opted-in", refusal.channel)
                        && other.at_unix_ms() > refusal.at_unix_ms()
                })
            });
        columns.push((name, refused.into()));
    }
    let (orders, trials, cancellations) = (
        steps(told, "order"),
        steps(told, "trial"),
        steps(told, "cancellation"),
    );
    for (place, (_, name)) in BUSINESSES
        .iter()
        .enumerate()
        .filter(|(_, (_, name))| !name.is_empty())
    {
        // What an order is for: the first of its steps that says so.
        let is_of = |order: &u8| {
            let found = [&orders, &trials, &cancellations]
                .into_iter()
                .filter_map(|steps| steps.get(order))
                .find_map(|step| step.business);
            found == Some(place)
        };
        let holds = orders
            .iter()
            .filter(|(order, _)| is_of(order))
            .any(|(order, step)| {
                let is_over = step.expires_in_hours.is_some_and(|hours| hours <= 0);
                let is_cancelled = cancellations
                    .get(order)
                    .is_some_and(|step| step.at_unix_ms() <= START_UNIX_MS);
                !is_over && !is_cancelled
            });
        // A cancellation that lies ahead, of an order that nobody reported: it still runs.
        let is_ahead =
            cancellations
                .iter()
                .filter(|(order, _)| is_of(order))
                .any(|(order, step)| {
                    step.at_unix_ms() > START_UNIX_MS
                        && !orders.contains_key(order)
                        && !trials.contains_key(order)
                });
        columns.push((format!("has_{name}"), (holds || is_ahead).into()));
        let tried = trials.iter().filter(|(order, _)| is_of(order));
        columns.push((
            format!("tried_{name}_on"),
            last(tried.map(|(_, step)| step.at_unix_ms())),
        ));
        for (column, by) in [("cancelled", "customer"), ("bulk_cancelled", "bulk")] {
            let of = cancellations.iter().filter(|(order, step)| {
                is_of(order) && step.cancelled_by.unwrap_or("customer") == by
            });
            columns.push((
                format!("{column}_{name}_on"),
                last(of.map(|(_, step)| step.at_unix_ms())),
            ));
        }
        for (column, kind) in [
            ("complained", "complaint"),
            ("marketed", "marketing-contact"),
        ] {
            let of = told
                .iter()
                .filter(|one| one.kind == kind && one.business == Some(place));
            columns.push((
                format!("{column}_{name}_on"),
                last(of.map(|one| one.at_unix_ms())),
            ));
        }
    }
    columns
}

async fn clear(world: &World) {
    for table in [
        "identity",
        "event",
        "tally",
        "order_step",
        "refusal",
        "rejected",
    ] {
        let delete = format!("delete from feedback_{table}");
        world.sql.execute(&delete, Vec::new()).await.unwrap();
    }
}

async fn ask(world: &World, who: &str, form: &Value) -> crate::world::Got {
    let headers = [("content-type", "application/json")];
    world
        .send(who, "POST", "/contact-features", &headers, form.to_string())
        .await
}

/// Goal: every feature of every customer is what going through the events one by one gives, on pages of any size.
pub(crate) async fn features_are_those_of_the_events(world: World) {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[28; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    for number in 0..HISTORIES {
        let history = history().new_tree(&mut runner).unwrap().current();
        clear(&world).await;
        let report = |is_later| {
            let all: Vec<Value> = history
                .iter()
                .filter(|one| one.is_later == is_later)
                .map(Told::json)
                .collect();
            let world = &world;
            async move {
                let expected = all.len() as u64;
                if expected > 0 {
                    let got = world.report_all("channel", &all).await;
                    assert_eq!(got.counts(), (expected, 0, 0), "{:?}", got.json);
                }
            }
        };
        // Both come within the first minute of the test's clock; the horizon lies between them.
        report(false).await;
        let horizon = chrono::DateTime::from_timestamp_millis(world.clock.now_unix_ms() + 1)
            .unwrap()
            .to_rfc3339();
        world.clock.advance_ms(1_000);
        report(true).await;
        let names: Vec<String> = expected(&[]).into_iter().map(|(name, _)| name).collect();
        let mut seen = BTreeMap::new();
        for part in names.chunks(300) {
            let mut after = Value::Null;
            loop {
                let form = json!({"horizon": horizon, "columns": part, "after": after, "limit": 1 + number % 3});
                let got = ask(&world, "analyst", &form).await;
                assert_eq!(got.status, StatusCode::OK, "{:?}", got.json);
                for customer in got.json["customers"].as_array().unwrap() {
                    let id = customer["customer_id"].as_str().unwrap().to_owned();
                    let values = customer["values"].as_array().unwrap();
                    let of: &mut Vec<(String, Value)> = seen.entry(id).or_default();
                    of.extend(part.iter().cloned().zip(values.iter().cloned()));
                }
                after = got.json["next"].clone();
                if after.is_null() {
                    break;
                }
            }
        }
        for customer in 0..3_u8 {
            let known: Vec<&Told> = history
                .iter()
                .filter(|one| one.customer == customer && !one.is_later)
                .collect();
            let is_there = history.iter().any(|one| one.customer == customer);
            let found = seen.remove(&format!("c-{customer}"));
            assert_eq!(
                found.is_some(),
                is_there,
                "history {number}, customer {customer}"
            );
            let Some(found) = found else {
                continue;
            };
            for (one, other) in expected(&known).into_iter().zip(found) {
                assert_eq!(
                    one, other,
                    "history {number}, customer {customer}: {known:#?}"
                );
            }
        }
        assert!(seen.is_empty(), "nobody told of {seen:?}");
    }
}

/// Goal: whoever refused has refused when the month of the event is forgotten too, and may take it back later; twice forgotten changes nothing.
pub(crate) async fn a_refusal_outlives_its_month(world: World) {
    let says = |id: &str, customer: &str, outcome: &str, second: u8| {
        let mut event = event("marketing-contact", id);
        event["time"] = format!("2026-11-22T03:00:{second:02}Z").into();
        with(with(event, "outcome", outcome), "customer_id", customer)
    };
    let events = [
        says("r-1", "c-1", "opted-out", 1),
        says("r-2", "c-2", "opted-out", 1),
        says("r-3", "c-2", "opted-in", 2),
        says("r-4", "c-3", "opted-out", 1),
        says("r-5", "c-4", "interested", 1),
        says("r-6", "c-5", "opted-in", 1),
        says("r-7", "c-5", "opted-out", 2),
    ];
    let got = world.report_all("channel", &events).await;
    assert_eq!(got.counts(), (7, 0, 0));
    world.clock.advance_ms(60 * DAY_MS);
    let now = || chrono::DateTime::from_timestamp_millis(world.clock.now_unix_ms()).unwrap();
    let mut taken_back = says("r-8", "c-3", "opted-in", 1);
    taken_back["time"] = now().to_rfc3339().into();
    let got = world.report_all("channel", &[taken_back]).await;
    assert_eq!(got.counts(), (1, 0, 0));
    world.clock.advance_ms(1_000);
    let refused = async || {
        let columns = ["opted_out_of_outbound_call", "opted_out"];
        let form = json!({"horizon": now().to_rfc3339(), "columns": columns});
        let got = ask(&world, "analyst", &form).await;
        let customers = got.json["customers"].as_array().unwrap().iter();
        let refused = customers.filter(|customer| customer["values"][0] == true);
        let ids: Vec<String> = refused
            .map(|customer| {
                assert_eq!(customer["values"][1], true);
                customer["customer_id"].as_str().unwrap().to_owned()
            })
            .collect();
        ids
    };
    assert_eq!(refused().await, ["c-1", "c-5"]);
    for _ in 0..2 {
        let got = world
            .send("admin", "DELETE", "/months/2026-11", &[], "")
            .await;
        assert_eq!(got.json["done"], true, "{got:?}");
        assert_eq!(world.count("feedback_event").await, 1, "r-8");
        assert_eq!(refused().await, ["c-1", "c-5"]);
    }
}

/// Goal: the layout names what occurred and nothing else, and a request that cannot be right says where.
pub(crate) async fn a_layout_names_what_occurred(world: World) {
    let got = world.get("analyst", "/contact-features").await;
    assert_eq!(got.json["columns"], json!([]));
    let events = [
        with(event("marketing-contact", "l-1"), "business", "plan-88"),
        with(event("complaint", "l-2"), "outcome", "opted-out"),
        with(event("order", "l-3"), "business", "88-plan"),
    ];
    assert_eq!(
        world.report_all("channel", &events).await.counts(),
        (3, 0, 0)
    );
    let got = world.get("admin", "/contact-features").await;
    let names: Vec<&str> = got.json["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["name"].as_str().unwrap())
        .collect();
    for name in [
        "contact_count_any_any_30d",
        "contact_success_outbound_call_any_ever",
        "contact_last_any_complaint_ever",
        "contact_count_outbound_call_marketing_contact_30d",
        "marketed_on",
        "marketed_by_outbound_call_on",
        "opted_out_of_outbound_call",
        "opted_out_of_sms_hall",
        "marketed_plan_88_on",
        "has_plan_88",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    for name in [
        "has_88_plan",
        "contact_count_web_hall_any_30d",
        "contact_count_any_login_30d",
    ] {
        assert!(!names.contains(&name), "{name} is in {names:?}");
    }
    assert_eq!(got.json["businesses_without_columns"], 1);
    assert_eq!(got.json["horizon"], "2026-11-22T03:59:00.000Z");

    let form = |member: &str, value: Value| {
        let mut form = json!({"horizon": "2026-11-22T03:59:00Z", "columns": ["marketed_on"]});
        form[member] = value;
        form
    };
    let windows: Vec<String> = (1..=9)
        .map(|days| format!("contact_count_any_any_{days}d"))
        .collect();
    for (form, pointer) in [
        (form("columns", json!([])), "/columns"),
        (
            form("columns", json!(["marketed_on", "brand"])),
            "/columns/1",
        ),
        (form("columns", json!(windows)), "/columns"),
        (form("horizon", json!("2026-11-22T04:00:01Z")), "/horizon"),
        (form("horizon", json!("today")), "/horizon"),
        (form("limit", json!(501)), "/limit"),
    ] {
        let got = ask(&world, "analyst", &form).await;
        assert_eq!(
            (got.status, got.code()),
            (StatusCode::UNPROCESSABLE_ENTITY, "invalid-body"),
            "{form}"
        );
        assert_eq!(got.json["errors"][0]["pointer"], pointer, "{form}");
    }
    for who in ["hall", "channel", "analyst@zs01"] {
        let got = ask(&world, who, &form("limit", json!(1))).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{who}");
        assert_eq!(
            world.get(who, "/contact-features").await.status,
            StatusCode::FORBIDDEN,
            "{who}"
        );
    }
    let parts = [
        (Value::Null, json!("c")),
        (json!("c"), json!("d")),
        (json!("d"), Value::Null),
    ];
    let mut customers = 0;
    for (from, before) in parts {
        let mut form = form("from", from);
        form["before"] = before;
        form["horizon"] = json!("2026-11-22T04:00:00Z");
        customers += ask(&world, "analyst", &form).await.json["customers"]
            .as_array()
            .unwrap()
            .len();
    }
    assert_eq!(customers, 1);
}
