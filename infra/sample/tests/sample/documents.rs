//! The sample's documents against the tariff simulation's validator.

use std::collections::BTreeSet;

use chudian_sample::{Settings, catalogue_json};
use chudian_tariff_simulation::wire;
use serde_json::Value;

use crate::market::Market;

/// Goal: the catalogue is accepted without an error and without a warning.
#[test]
fn the_catalogue_is_accepted_without_a_word() {
    let parsed = wire::parse_catalogue(&catalogue_json().unwrap());
    let parsed = parsed.unwrap_or_else(|errors| {
        panic!(
            "{}",
            errors
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        )
    });
    assert_eq!(
        parsed
            .warnings
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        [""; 0]
    );
}

/// Goal: the price lists have the breadth that was promised.
#[test]
fn the_catalogue_is_broad() {
    let catalogue: Value = serde_json::from_slice(&catalogue_json().unwrap()).unwrap();
    let plans = catalogue["plans"].as_array().unwrap();
    let add_ons = catalogue["add_ons"].as_array().unwrap();
    assert_eq!(
        (plans.len(), add_ons.len()),
        (72, 22),
        "readme.md states these numbers"
    );
    let text = catalogue.to_string();
    for feature in [
        "\"rollover\"",
        "\"phases\"",
        "\"minimum\"",
        "\"maximum\"",
        "\"discounts\"",
        "\"contract\"",
        "\"early_exit_percent_of_fees\"",
        "\"gifts\"",
        "\"shared_in_family\"",
        "\"family\"",
        "\"volume\"",
        "\"block\"",
        "\"convert\"",
        "\"points\"",
        "\"factor\"",
        "\"stop\"",
        "\"every\"",
        "\"taxes\"",
        "\"one_off_fees\"",
        "\"not_in_contract\"",
        "\"until\"",
        "\"requires\"",
        "\"excludes\"",
        "\"quantity_max\"",
        "\"up_to\"",
    ] {
        assert!(text.contains(feature), "{feature} occurs nowhere");
    }
    for plan in plans {
        let kinds: BTreeSet<&str> = plan["rates"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rate| rate["covers"][0]["kind"].as_str().unwrap())
            .collect();
        assert_eq!(
            kinds,
            BTreeSet::from(["voice", "data", "sms", "mms", "wlan"]),
            "{}",
            plan["id"]
        );
    }
}

/// Goal: every customer's document is accepted, and nothing in it forces the engine to estimate.
#[test]
fn every_customer_is_accepted() {
    let market = Market::new();
    let settings = Settings {
        seed: 11,
        customers: 2000,
        ..Settings::default()
    };
    for customer in settings.customers() {
        let line = serde_json::to_value(&customer).unwrap();
        let usage = market
            .usage(&line)
            .unwrap_or_else(|errors| panic!("{}: {}", customer.customer_id, errors[0]));
        assert_eq!(usage.months.len(), 6);
        assert!(
            usage.customer.plan.is_some(),
            "{} has a plan that the catalogue does not know",
            customer.customer_id
        );
        let metered = market.catalogue.meter(&usage).unwrap();
        for month in metered.users.iter().flat_map(|user| &user.months) {
            assert!(
                !month.estimated.contains(&true),
                "{}: an estimate",
                customer.customer_id
            );
        }
    }
}
