//! Ranking rules between their JSON form and the domain (TS-4).
//!
//! Which rule holds: the request's own members, over the region's stored rule (or the default one), over the catalogue's.

use chudian_runtime::problem::document::read_value;
use chudian_runtime::problem::shape::Mistake;
use serde_json::{Map, Value};

use crate::plan::{RankingRule, TieBreak};
use crate::wire::catalogue::{RankingJson, TieBreakJson};

/// Fen of a yuan.
const FEN_PER_YUAN: u64 = 100;

/// Decimals of a per cent in thousandths.
const PERCENT_SCALE: i64 = 1_000;

/// The rule that holds when a request overrides members of `base`. The errors point into the override.
pub fn overridden(
    base: &RankingJson,
    overrides: &Map<String, Value>,
) -> Result<RankingJson, Vec<Mistake>> {
    // The override is read by itself first, so that its mistakes are reported where they were written.
    let _: RankingJson = read_value(Value::Object(overrides.clone()))?;
    let mut members = match serde_json::to_value(base) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    members.extend(overrides.clone());
    read_value(Value::Object(members))
}

/// A rule of the domain in its JSON form.
pub fn ranking_json(rule: &RankingRule) -> RankingJson {
    RankingJson {
        saving_min: rule.saving_min_fen.map(yuan),
        saving_percent_min: (rule.saving_percent_min_milli != 0)
            .then(|| percent(rule.saving_percent_min_milli)),
        revenue_change_min: rule.revenue_change_min_fen.map(yuan),
        months_won_min: rule.months_won_min as u64,
        switching_cost_months: rule.switching_cost_months.into(),
        count_introductory: rule.count_introductory,
        tie_breaks: rule.tie_breaks.iter().map(tie_break_json).collect(),
    }
}

fn tie_break_json(tie_break: &TieBreak) -> TieBreakJson {
    match tie_break {
        TieBreak::WorstMonth => TieBreakJson::WorstMonth,
        TieBreak::MonthsWon => TieBreakJson::MonthsWon,
        TieBreak::MonthlyFee => TieBreakJson::MonthlyFee,
        TieBreak::Revenue => TieBreakJson::Revenue,
        TieBreak::FewerAddOns => TieBreakJson::FewerAddOns,
        TieBreak::SwitchingCost => TieBreakJson::SwitchingCost,
    }
}

/// Fen as decimal yuan, always with two decimals.
pub fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let magnitude = fen.unsigned_abs();
    format!(
        "{sign}{}.{:02}",
        magnitude / FEN_PER_YUAN,
        magnitude % FEN_PER_YUAN
    )
}

/// Thousandths of a per cent as decimal per cent.
pub fn percent(milli: i64) -> String {
    let text = format!("{}.{:03}", milli / PERCENT_SCALE, milli % PERCENT_SCALE);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire;

    fn rule(json: Value) -> RankingJson {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn an_override_changes_only_what_it_names() {
        let base = rule(json!({"saving_min": "5", "months_won_min": 3, "tie_breaks": ["revenue"]}));
        let overrides = json!({"months_won_min": 0, "saving_percent_min": "2.5"});
        let effective = overridden(&base, overrides.as_object().unwrap()).unwrap();
        let expected =
            json!({"saving_min": "5", "saving_percent_min": "2.5", "tie_breaks": ["revenue"]});
        assert_eq!(serde_json::to_value(effective).unwrap(), expected);
        let misspelt = json!({"saving_mni": "1"});
        assert_eq!(
            overridden(&base, misspelt.as_object().unwrap()).unwrap_err()[0].pointer,
            "/saving_mni"
        );
    }

    /// Goal: showing a rule and storing what was shown changes nothing.
    #[test]
    fn the_json_form_reads_back() {
        let all = rule(json!({
            "saving_min": "-5.05", "saving_percent_min": "12.5", "revenue_change_min": "-30", "months_won_min": 4,
            "switching_cost_months": 12, "count_introductory": true,
            "tie_breaks": ["worst_month", "months_won", "monthly_fee", "revenue", "fewer_add_ons", "switching_cost"]
        }));
        for json in [all, RankingJson::default()] {
            let domain = wire::ranking_from(&json).unwrap();
            let again = wire::ranking_from(&ranking_json(&domain)).unwrap();
            assert_eq!(format!("{domain:?}"), format!("{again:?}"));
        }
    }
}
