//! Builds whole documents from the few fields that a case is about.

use chudian_tariff_simulation::bill::{Bill, Choice};
use chudian_tariff_simulation::compile::CompiledCatalogue;
use chudian_tariff_simulation::engine::MonthContext;
use chudian_tariff_simulation::wire;
use chudian_vocabulary::{Date, Month};
use serde_json::{Map, Value, json};

/// A catalogue with the words that cases use, and the given plans and add-ons.
pub(crate) fn catalogue_document(plans: Vec<Value>, add_ons: Vec<Value>) -> Value {
    let word = |id: &str| json!({"id": id, "name": {"zh": id, "en": id}});
    let words = |ids: &[&str]| ids.iter().map(|id| word(id)).collect::<Vec<_>>();
    let mut document = json!({
        "schema": "chudian-catalogue/1",
        "id": "case",
        "name": {"zh": "用例", "en": "Case"},
        "categories": {
            "voice": words(&["local", "long_distance", "roaming", "called"]),
            "data": words(&["domestic", "roaming"]),
            "sms": words(&["domestic"]),
            "mms": words(&["domestic"]),
            "wlan": words(&["public"]),
        },
        "bands": [
            word("standard"),
            {"id": "night", "name": {"zh": "夜间", "en": "Night"}, "times": [{"from": "23:00", "until": "07:00"}]},
        ],
        "calendar": {"holidays": ["2026-01-01"], "extra_workdays": ["2026-01-04"]},
        "plans": plans,
        "add_ons": add_ons,
    });
    fill_names(&mut document);
    document
}

/// Gives every object that has an identifier and needs a name the identifier as its name.
fn fill_names(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let id = fields.get("id").and_then(Value::as_str).map(str::to_owned);
            if let Some(id) = id
                && !fields.contains_key("name")
            {
                fields.insert("name".to_owned(), json!({"zh": id, "en": id}));
            }
            fields.values_mut().for_each(fill_names);
        }
        Value::Array(items) => items.iter_mut().for_each(fill_names),
        _ => {}
    }
}

/// A plan with defaults for what the case leaves out.
pub(crate) fn plan_document(partial: &Value) -> Value {
    let mut plan = Map::new();
    plan.insert("id".to_owned(), "p".into());
    plan.insert("monthly_fee".to_owned(), "0".into());
    plan.extend(partial.as_object().cloned().unwrap_or_default());
    Value::Object(plan)
}

pub(crate) fn compile(document: &Value) -> CompiledCatalogue {
    match wire::parse_catalogue(document.to_string().as_bytes()) {
        Ok(parsed) => parsed.catalogue.compile(),
        Err(errors) => panic!(
            "refused: {}",
            errors
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        ),
    }
}

/// Usage of consecutive months from January 2026.
pub(crate) fn usage_document(months: &[Value], family: &[Value]) -> Value {
    let with_month = |months: &[Value]| -> Vec<Value> {
        months
            .iter()
            .enumerate()
            .map(|(index, month)| {
                let mut month = month.clone();
                month["month"] = format!("2026-{:02}", index + 1).into();
                month
            })
            .collect()
    };
    let family: Vec<Value> = family.iter().enumerate().map(|(index, months)| json!({"id": format!("m{index}"), "months": with_month(months.as_array().unwrap())})).collect();
    json!({"schema": "chudian-usage/1", "customer": {"id": "c"}, "months": with_month(months), "family": family})
}

/// Bills of the first plan of a catalogue. `joined` is the day of joining, if introductory terms count.
pub(crate) fn bills(
    catalogue: &CompiledCatalogue,
    quantities: &[u32],
    usage: &Value,
    joined: Option<&str>,
) -> Vec<Bill> {
    let usage = wire::parse_usage(usage.to_string().as_bytes(), &catalogue.catalogue)
        .unwrap_or_else(|errors| panic!("{errors:?}"));
    let metered = catalogue.meter(&usage).unwrap();
    let joined = joined.map(|text| Date::parse(text).unwrap());
    let months: Vec<(Month, MonthContext)> = usage
        .months
        .iter()
        .map(|month| {
            let tenure = joined.map(|joined| {
                u32::try_from(month.month.ordinal() - joined.month().ordinal()).unwrap()
            });
            let context = MonthContext {
                tenure_months: tenure,
                joined_on_day: joined.map_or(1, Date::day),
                days: month.month.days(),
                charge_one_off: true,
            };
            (month.month, context)
        })
        .collect();
    let carried = catalogue.plans[0].bare.members_max.min(usage.family.len());
    let users = (0..months.len())
        .map(|month| {
            metered.users[..=carried]
                .iter()
                .map(|user| &user.months[month])
                .collect()
        })
        .collect::<Vec<_>>();
    catalogue
        .bills(
            Choice {
                plan: 0,
                quantities,
            },
            &months,
            &users,
        )
        .unwrap()
}

/// The bill's total is the sum of its lines.
pub(crate) fn assert_adds_up(bill: &Bill) {
    let sum: i64 = bill
        .lines
        .iter()
        .filter(|line| line.adds)
        .map(|line| line.amount_fen)
        .sum();
    assert_eq!(sum, bill.total_fen, "{bill:#?}");
}
