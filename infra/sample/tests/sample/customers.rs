//! The customers as a whole: that they look like customers.

use std::collections::BTreeMap;

use chudian_sample::Settings;
use serde_json::Value;

use crate::market::Market;

fn lines(settings: Settings) -> Vec<Value> {
    settings
        .customers()
        .map(|customer| serde_json::to_value(customer).unwrap())
        .collect()
}

fn kb(line: &Value) -> u64 {
    let months = line["usage"]["months"].as_array().unwrap();
    months
        .iter()
        .flat_map(|month| month["lines"].as_array().unwrap())
        .filter(|usage| usage["kind"] == "data")
        .map(|usage| usage["kb"].as_u64().unwrap())
        .sum()
}

/// Goal: a customer does not depend on how many others there are.
#[test]
fn customers_are_independent_of_each_other() {
    let few = lines(Settings {
        customers: 50,
        ..Settings::default()
    });
    let many = lines(Settings {
        customers: 500,
        ..Settings::default()
    });
    assert_eq!(few[..], many[..50]);
}

/// Goal: usage is skewed as people's is, months differ, every city and every plan that customers are sold occurs.
#[test]
fn the_distribution_is_plausible() {
    let lines = lines(Settings {
        seed: 5,
        customers: 4000,
        planted_permille: 0,
        ..Settings::default()
    });
    let mut data: Vec<u64> = lines.iter().map(kb).collect();
    data.sort_unstable();
    let (median, mean) = (data[2000], data.iter().sum::<u64>() / 4000);
    assert!(
        mean > median * 13 / 10,
        "mean {mean} is not far above the median {median}"
    );
    assert!(
        data[3960] > median * 6,
        "the top percent uses only {} against {median}",
        data[3960]
    );
    let mut regions: BTreeMap<&str, u32> = BTreeMap::new();
    let mut plans: BTreeMap<&str, u32> = BTreeMap::new();
    let mut families = 0;
    for line in &lines {
        *regions.entry(line["region"].as_str().unwrap()).or_default() += 1;
        *plans.entry(line["plan_id"].as_str().unwrap()).or_default() += 1;
        families += u32::from(line.get("family").is_some());
        let months: Vec<String> = line["usage"]["months"]
            .as_array()
            .unwrap()
            .iter()
            .map(|month| month["lines"].to_string())
            .collect();
        assert!(
            months.windows(2).any(|pair| pair[0] != pair[1]),
            "{}: all months are alike",
            line["customer_id"]
        );
    }
    assert_eq!(regions.len(), 14);
    assert!(
        regions["430100"] > 2 * regions["433100"],
        "the capital is not larger than the smallest city"
    );
    assert!(plans.len() > 55, "only {} plans are held", plans.len());
    assert!((100..800).contains(&families), "{families} families");
}

/// Goal: nothing identifies a person: only the fields that the form has, and pseudonyms that look like no telephone number.
#[test]
fn nobody_can_be_recognised() {
    const FIELDS: [&str; 10] = [
        "customer_id",
        "region",
        "customer_type",
        "plan_id",
        "plan_since",
        "add_ons",
        "contract_since",
        "services",
        "family",
        "usage",
    ];
    for (line, number) in lines(Settings {
        customers: 300,
        ..Settings::default()
    })
    .iter()
    .zip(1..)
    {
        assert_eq!(line["customer_id"], format!("c-{number:06}"));
        for field in line.as_object().unwrap().keys() {
            assert!(FIELDS.contains(&field.as_str()), "{field}");
        }
    }
}

/// Goal: about three quarters are on a plan that is not their best, as the literature has it.
#[test]
fn three_quarters_are_on_a_wrong_plan() {
    let market = Market::new();
    let lines = lines(Settings {
        seed: 9,
        customers: 240,
        ..Settings::default()
    });
    let mut wrong = 0;
    for line in &lines {
        let usage = market.usage(line).unwrap();
        let held: Vec<(String, u64)> = line["add_ons"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|held| {
                (
                    held["id"].as_str().unwrap().to_owned(),
                    held["quantity"].as_u64().unwrap(),
                )
            })
            .collect();
        let present = market.total_fen(line["plan_id"].as_str().unwrap(), &held, &usage);
        let best = market
            .offers(&usage, false)
            .into_iter()
            .map(|offer| offer.total_fen)
            .min()
            .unwrap();
        wrong += u32::from(best < present);
    }
    let permille = wrong * 1000 / 240;
    assert!(
        (680..=820).contains(&permille),
        "{permille} of 1,000 are on a wrong plan"
    );
}
