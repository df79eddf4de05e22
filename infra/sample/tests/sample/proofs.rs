//! Proves the planted answers.

use chudian_sample::{Bound, Customer, Fit, Months, Settings, fits};
use serde_json::Value;

use crate::market::{Market, Offer};

/// Months of usage of every customer.
const MONTHS: i64 = 6;

fn json(customer: &Customer) -> Value {
    serde_json::to_value(customer).unwrap()
}

fn package(fit: &Fit) -> Vec<(String, u64)> {
    fit.add_ons
        .iter()
        .map(|(id, quantity)| ((*id).to_owned(), *quantity))
        .collect()
}

/// Goal: for every fit, the package at its upper bounds is cheaper than any other plan, with its best add-ons, at the lower
/// bounds, by the stated margin. As no plan for people becomes cheaper by more usage, this proves the package best for all
/// usage between the bounds, in whatever city.
#[test]
fn every_fit_is_proved_at_its_bounds() {
    let market = Market::new();
    let mut failures = Vec::new();
    for fit in fits() {
        let low = market
            .usage(&json(&fit.customer_at(Bound::Low, Months::default())))
            .unwrap();
        let high = market
            .usage(&json(&fit.customer_at(Bound::High, Months::default())))
            .unwrap();
        let most = market.total_fen(fit.plan_id, &package(fit), &high);
        let mut others: Vec<Offer> = market
            .offers(&low, true)
            .into_iter()
            .filter(|offer| offer.plan_id != fit.plan_id)
            .collect();
        others.sort_by_key(|offer| offer.total_fen);
        let margin = others[0].total_fen - most;
        if margin < fit.margin_month_fen as i64 * MONTHS {
            failures.push(format!(
                "{}: at most {most}, margin {} a month; {:?}",
                fit.plan_id,
                margin / MONTHS,
                &others[..3]
            ));
        }
        for usage in [low, high] {
            let own = market
                .offers(&usage, true)
                .into_iter()
                .find(|offer| offer.plan_id == fit.plan_id)
                .unwrap();
            if own.add_ons != package(fit) {
                failures.push(format!("{}: best with {:?}", fit.plan_id, own.add_ons));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Goal: the premise of the proofs. More usage of any sort never makes a plan for people cheaper.
#[test]
fn no_plan_for_people_becomes_cheaper_by_more_usage() {
    let market = Market::new();
    let settings = Settings {
        seed: 3,
        customers: 60,
        ..Settings::default()
    };
    for customer in settings.customers() {
        let line = json(&customer);
        let less = market.usage(&line).unwrap();
        let more = market.usage(&increased(line)).unwrap();
        for (before, after) in market
            .offers(&less, true)
            .into_iter()
            .zip(market.offers(&more, true))
        {
            assert_eq!(before.plan_id, after.plan_id);
            let is_for_devices =
                before.plan_id.starts_with("datacard") || before.plan_id.starts_with("iot");
            assert!(
                is_for_devices || after.total_fen >= before.total_fen,
                "{before:?} became {after:?}"
            );
        }
    }
}

/// Twice of everything, which keeps to what started units must obey.
fn increased(mut line: Value) -> Value {
    for month in line["usage"]["months"].as_array_mut().unwrap() {
        for usage in month["lines"].as_array_mut().unwrap() {
            for (_, value) in usage.as_object_mut().unwrap() {
                if let Some(quantity) = value.as_u64() {
                    *value = (quantity * 2).into();
                }
            }
        }
    }
    line
}

/// Goal: what is planted is what pricing finds, for every planted customer of a sample, by at least the stated margin.
#[test]
fn every_planted_customer_is_confirmed() {
    let market = Market::new();
    let settings = Settings {
        seed: 20_261_122,
        customers: 400,
        ..Settings::default()
    };
    let mut seen = std::collections::BTreeSet::new();
    for customer in settings.customers() {
        let Some(fit) = customer.planted else {
            continue;
        };
        seen.insert(fit.plan_id);
        let usage = market.usage(&json(&customer)).unwrap();
        let mut offers = market.offers(&usage, false);
        offers.sort_by_key(|offer| offer.total_fen);
        let id = &customer.customer_id;
        assert_eq!(
            (offers[0].plan_id.as_str(), &offers[0].add_ons),
            (fit.plan_id, &package(fit)),
            "{id}: {:?}",
            &offers[..3]
        );
        let margin = offers[1].total_fen - offers[0].total_fen;
        assert!(
            margin >= fit.margin_month_fen as i64 * MONTHS,
            "{id}: margin {margin}, {:?}",
            &offers[..2]
        );
        let present = market.total_fen(json(&customer)["plan_id"].as_str().unwrap(), &[], &usage);
        assert!(
            present - offers[0].total_fen >= margin,
            "{id}: the present plan is not worse than the second best"
        );
    }
    assert!(seen.len() >= 10, "only {seen:?} were planted");
}
