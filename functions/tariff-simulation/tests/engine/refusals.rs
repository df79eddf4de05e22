//! What is refused, and where the error points: one broken thing at a time, and several at once.

use chudian_tariff_simulation::wire::{self, FieldError};
use serde_json::{Value, json};

use crate::support::{catalogue_document, compile, plan_document, usage_document};

fn base() -> Value {
    let plan = plan_document(&json!({
        "monthly_fee": "10",
        "allowances": [{"id": "a", "unit": "count", "amount": 10, "covers": [{"kind": "sms"}]}],
        "rates": [{"id": "s", "covers": [{"kind": "sms"}], "tiers": [{"up_to": 10, "price": "0.2"}, {"up_to": 20, "price": "0.1"}, {"price": "0.1"}]}],
        "discounts": [{"id": "off", "percent": "10", "lines": ["usage"]}],
        "add_ons": ["x"],
    }));
    let add_ons = vec![
        json!({"id": "x", "monthly_fee": "5", "allowances": [{"id": "xa", "unit": "count", "amount": 10, "covers": [{"kind": "sms"}]}]}),
        json!({"id": "y", "monthly_fee": "5", "requires": ["x"], "allowances": [{"id": "ya", "unit": "count", "amount": 10, "covers": [{"kind": "sms"}]}]}),
    ];
    catalogue_document(vec![plan], add_ons)
}

fn errors(document: &Value) -> Vec<FieldError> {
    wire::parse_catalogue(document.to_string().as_bytes())
        .err()
        .unwrap_or_default()
}

/// Goal: each mistake is found, at its place, with its code, in both languages.
#[test]
fn every_mistake_points_to_its_field() {
    let cases: Vec<(&str, Value, &str, &str)> = vec![
        (
            "/plans/0/rates/0/tiers/1/up_to",
            json!(10),
            "tiers-not-ascending",
            "/plans/0/rates/0/tiers/1/up_to",
        ),
        (
            "/plans/0/rates/0/tiers/1/up_to",
            json!(5),
            "tiers-not-ascending",
            "/plans/0/rates/0/tiers/1/up_to",
        ),
        (
            "/plans/0/rates/0/tiers/1/up_to",
            Value::Null,
            "open-tier",
            "/plans/0/rates/0/tiers/1/up_to",
        ),
        (
            "/plans/0/rates/0/tiers/2",
            json!({"up_to": 30, "price": "1"}),
            "missing-last-tier",
            "/plans/0/rates/0/tiers/2/up_to",
        ),
        (
            "/plans/0/rates/0/tiers",
            json!([]),
            "empty-list",
            "/plans/0/rates/0/tiers",
        ),
        (
            "/plans/0/rates/0/tiers/0/price",
            json!("-1"),
            "negative",
            "/plans/0/rates/0/tiers/0/price",
        ),
        (
            "/plans/0/rates/0/tiers/0/price",
            json!("1e3"),
            "not-a-decimal",
            "/plans/0/rates/0/tiers/0/price",
        ),
        (
            "/plans/0/rates/0/tiers/0/price",
            json!(0.2),
            "wrong-type",
            "/plans/0/rates/0/tiers/0/price",
        ),
        (
            "/plans/0/rates/0/tiers/0/price",
            json!("0.0000000001"),
            "too-many-decimals",
            "/plans/0/rates/0/tiers/0/price",
        ),
        (
            "/plans/0/monthly_fee",
            json!("10000000"),
            "absurd-amount",
            "/plans/0/monthly_fee",
        ),
        (
            "/plans/0/monthly_fee",
            json!("0.001"),
            "too-many-decimals",
            "/plans/0/monthly_fee",
        ),
        (
            "/plans/0/monthly_fees",
            json!("1"),
            "unknown-field",
            "/plans/0/monthly_fees",
        ),
        (
            "/plans/0/rates/0/covers",
            json!([{"kind": "sms"}, {"kind": "sms"}]),
            "rated-twice",
            "/plans/0/rates/0/covers/1",
        ),
        (
            "/plans/0/rates/0/covers",
            json!([{"kind": "sms", "categories": []}]),
            "empty-list",
            "/plans/0/rates/0/covers/0/categories",
        ),
        (
            "/plans/0/rates/0/covers",
            json!([{"kind": "sms", "categories": ["moon"]}]),
            "unknown-reference",
            "/plans/0/rates/0/covers/0/categories/0",
        ),
        (
            "/plans/0/rates/0/covers",
            json!([{"kind": "fax"}]),
            "unknown-word",
            "/plans/0/rates/0/covers/0/kind",
        ),
        (
            "/plans/0/rates/0/covers",
            json!([{"kind": "sms"}, {"kind": "voice"}]),
            "wrong-unit",
            "/plans/0/rates/0/covers/1/kind",
        ),
        (
            "/plans/0/rates/0/measure",
            json!("kb"),
            "wrong-unit",
            "/plans/0/rates/0/covers/0/kind",
        ),
        (
            "/plans/0/rates/0/increment",
            json!({"first": 60, "next": 0}),
            "too-small",
            "/plans/0/rates/0/increment/next",
        ),
        (
            "/plans/0/rates/0/per",
            json!(0),
            "too-small",
            "/plans/0/rates/0/per",
        ),
        (
            "/plans/0/rates/0/per",
            json!(-5),
            "negative",
            "/plans/0/rates/0/per",
        ),
        (
            "/plans/0/rates/0/cap",
            json!({"then": "free"}),
            "one-of",
            "/plans/0/rates/0/cap",
        ),
        (
            "/plans/0/rates/0/cap",
            json!({"amount": "1", "every": 5, "then": "free"}),
            "contradiction",
            "/plans/0/rates/0/cap/every",
        ),
        (
            "/plans/0/allowances/0/unit",
            json!("kb"),
            "wrong-unit",
            "/plans/0/allowances/0/unit",
        ),
        (
            "/plans/0/allowances/0/covers",
            json!([{"kind": "sms", "factor": "0"}]),
            "zero",
            "/plans/0/allowances/0/covers/0/factor",
        ),
        (
            "/plans/0/discounts/0/lines",
            json!(["off"]),
            "refers-to-itself",
            "/plans/0/discounts/0/lines/0",
        ),
        (
            "/plans/0/discounts/0/lines",
            json!(["nothing"]),
            "unknown-reference",
            "/plans/0/discounts/0/lines/0",
        ),
        (
            "/plans/0/discounts/0/percent",
            json!("101"),
            "absurd-amount",
            "/plans/0/discounts/0/percent",
        ),
        (
            "/plans/0/discounts/0/amount",
            json!("1"),
            "one-of",
            "/plans/0/discounts/0",
        ),
        (
            "/plans/0/taxes",
            json!([{"id": "t", "name": {"zh": "税", "en": "t"}, "percent": "6", "lines": ["all"]}, {"id": "u", "name": {"zh": "税", "en": "u"}, "percent": "6", "lines": ["fees"]}]),
            "taxed-twice",
            "/plans/0/taxes/1/lines",
        ),
        (
            "/plans/0/add_ons",
            json!(["x", "x"]),
            "duplicate",
            "/plans/0/add_ons/1",
        ),
        (
            "/plans/0/add_ons",
            json!(["z"]),
            "unknown-reference",
            "/plans/0/add_ons/0",
        ),
        (
            "/plans/0/add_ons",
            json!(["p"]),
            "refers-to-itself",
            "/plans/0/add_ons/0",
        ),
        (
            "/plans/0/eligible",
            json!({"requires": ["p"]}),
            "refers-to-itself",
            "/plans/0/eligible/requires/0",
        ),
        (
            "/plans/0/sale",
            json!({"from": "2026-02-30"}),
            "bad-date",
            "/plans/0/sale/from",
        ),
        (
            "/plans/0/sale",
            json!({"from": "2026-02-03", "until": "2026-02-01"}),
            "contradiction",
            "/plans/0/sale/until",
        ),
        (
            "/plans/0/name/zh",
            json!(" "),
            "empty-name",
            "/plans/0/name/zh",
        ),
        (
            "/plans/0/name/en",
            json!("x".repeat(81)),
            "name-too-long",
            "/plans/0/name/en",
        ),
        ("/plans/0/id", json!("a b"), "bad-identifier", "/plans/0/id"),
        ("/plans/0/id", json!("x"), "duplicate", "/add_ons/0/id"),
        (
            "/add_ons/0/requires",
            json!(["y"]),
            "circle",
            "/add_ons/0/requires",
        ),
        (
            "/add_ons/0/requires",
            json!(["x"]),
            "refers-to-itself",
            "/add_ons/0/requires/0",
        ),
        (
            "/exclusion_groups",
            json!([{"id": "g", "name": {"zh": "组", "en": "g"}, "members": ["g"]}]),
            "refers-to-itself",
            "/exclusion_groups/0/members/0",
        ),
        (
            "/bands/1/times",
            json!([{"from": "23:00", "until": "07:00"}, {"from": "06:00", "until": "08:00"}]),
            "overlap",
            "/bands/1/times/1",
        ),
        (
            "/bands/1/times",
            json!([{"from": "25:00", "until": "07:00"}]),
            "bad-time",
            "/bands/1/times/0/from",
        ),
        (
            "/switched_off",
            json!(["sms"]),
            "not-optional",
            "/switched_off/0",
        ),
        (
            "/schema",
            json!("chudian-catalogue/2"),
            "wrong-schema",
            "/schema",
        ),
        ("/plans", json!([]), "empty-list", "/plans"),
    ];
    for (place, value, code, pointer) in cases {
        let mut document = base();
        let (parent, field) = place.rsplit_once('/').unwrap();
        let parent = document
            .pointer_mut(parent)
            .unwrap_or_else(|| panic!("{place}"));
        match parent {
            Value::Array(items) => items[field.parse::<usize>().unwrap()] = value.clone(),
            _ => parent[field] = value.clone(),
        }
        let found = errors(&document);
        let error = found
            .iter()
            .find(|error| error.code == code && error.pointer == pointer);
        let error = error.unwrap_or_else(|| {
            panic!("{place} = {value}: wanted {code} at {pointer}, found {found:#?}")
        });
        assert!(!error.message.zh.is_empty() && !error.message.en.is_empty());
    }
    assert_eq!(errors(&base()), []);
}

/// Goal: one pass finds all of them.
#[test]
fn all_mistakes_are_reported_at_once() {
    let mut document = base();
    document["plans"][0]["monthly_fee"] = json!("-1");
    document["plans"][0]["rates"][0]["tiers"][1]["up_to"] = json!(3);
    document["plans"][0]["brand"] = json!("bad brand");
    document["add_ons"][1]["requires"] = json!(["nobody"]);
    let places: Vec<String> = errors(&document)
        .into_iter()
        .map(|error| error.pointer)
        .collect();
    assert_eq!(places.len(), 4, "{places:?}");
    let mut misshapen = base();
    misshapen["plans"][0]["monthly_fee"] = json!(10);
    misshapen["plans"][0]["rates"][0]["tires"] = json!([]);
    misshapen["plans"][0]["rates"][0]
        .as_object_mut()
        .unwrap()
        .remove("id");
    let found = errors(&misshapen);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(
        found
            .iter()
            .any(|error| error.message.en.contains("did you mean `tiers`?")),
        "{found:#?}"
    );
}

/// Goal: documents that are not JSON, too deep, too large or cut off are refused with one clear error.
#[test]
fn hostile_documents_are_refused() {
    let code = |bytes: &[u8]| {
        wire::parse_catalogue(bytes)
            .err()
            .map(|errors| errors.iter().map(|error| error.code).collect::<Vec<_>>())
    };
    assert_eq!(code(b"{\"schema\": "), Some(vec!["not-json"]));
    assert_eq!(code(b""), Some(vec!["not-json"]));
    assert_eq!(code("[".repeat(100_000).as_bytes()), Some(vec!["too-deep"]));
    assert_eq!(code(&vec![b' '; 9 << 20]), Some(vec!["too-large"]));
    let text = base().to_string();
    assert_eq!(
        code(&text.as_bytes()[..text.len() / 2]),
        Some(vec!["not-json"])
    );
    assert_eq!(
        code(
            text.replacen("\"id\":\"case\"", "\"id\":\"case\",\"id\":\"case\"", 1)
                .as_bytes()
        ),
        Some(vec!["duplicate-field"])
    );
}

/// Goal: usage that cannot be is refused at its field.
#[test]
fn bad_usage_points_to_its_field() {
    let catalogue = compile(&base()).catalogue;
    let cases: Vec<(Value, &str, &str)> = vec![
        (
            json!({"kind": "sms", "category": "domestic", "count": -1}),
            "negative",
            "/months/0/lines/0/count",
        ),
        (
            json!({"kind": "sms", "category": "domestic", "count": 99_000_000_000_u64}),
            "absurd-quantity",
            "/months/0/lines/0/count",
        ),
        (
            json!({"kind": "sms", "category": "domestic", "count": 1.5}),
            "not-an-integer",
            "/months/0/lines/0/count",
        ),
        (
            json!({"kind": "sms", "category": "domestic"}),
            "missing-field",
            "/months/0/lines/0/count",
        ),
        (
            json!({"kind": "sms", "category": "domestic", "count": 1, "kb": 3}),
            "wrong-unit",
            "/months/0/lines/0/kb",
        ),
        (
            json!({"kind": "data", "category": "domestic", "seconds": 1, "kb": 3}),
            "wrong-unit",
            "/months/0/lines/0/seconds",
        ),
        (
            json!({"kind": "sms", "category": "moon", "count": 1}),
            "unknown-reference",
            "/months/0/lines/0/category",
        ),
        (
            json!({"kind": "sms", "category": "domestic", "band": "noon", "count": 1}),
            "unknown-reference",
            "/months/0/lines/0/band",
        ),
        (
            json!({"kind": "pigeon", "category": "domestic", "count": 1}),
            "unknown-word",
            "/months/0/lines/0/kind",
        ),
        (
            json!({"kind": "voice", "category": "local", "count": 2, "seconds": 600, "billed_60s_units": 9}),
            "contradiction",
            "/months/0/lines/0/billed_60s_units",
        ),
        (
            json!({"kind": "voice", "category": "local", "count": 2, "seconds": 600, "billed_60s_units": 13}),
            "contradiction",
            "/months/0/lines/0/billed_60s_units",
        ),
    ];
    for (line, code, pointer) in cases {
        let usage = usage_document(&[json!({"lines": [line.clone()]})], &[]);
        let found = wire::parse_usage(usage.to_string().as_bytes(), &catalogue)
            .err()
            .unwrap_or_default();
        assert!(
            found
                .iter()
                .any(|error| error.code == code && error.pointer == pointer),
            "{line}: {found:#?}"
        );
    }
    let mut usage = usage_document(&[json!({}), json!({})], &[]);
    usage["months"][1]["month"] = json!("2026-03");
    usage["customer"]["plan"] = json!("nobody");
    let found = wire::parse_usage(usage.to_string().as_bytes(), &catalogue)
        .err()
        .unwrap_or_default();
    assert_eq!(
        found
            .iter()
            .map(|error| (error.code, error.pointer.as_str()))
            .collect::<Vec<_>>(),
        [
            ("unknown-reference", "/customer/plan"),
            ("months-not-consecutive", "/months/1/month")
        ]
    );
}
