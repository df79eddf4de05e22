//! JSON forms of a simulation request and its results. Money is in fen, in fields named `*_fen`.

use std::collections::BTreeMap;

use chudian_vocabulary::{Date, Name};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::catalogue::{KindJson, MeasureJson, RankingJson};
use super::errors::{At, FieldError, Findings};
use super::read::ranking;
use super::usage::UsageJson;
use crate::bill::KindUse;
use crate::cells::{Kind, Measure};
use crate::comparison::{Candidate, PlanResult, Simulation, SimulationRequest};
use crate::compile::CompiledCatalogue;
use crate::limits::{PLANS_MAX, WHAT_IF_PER_MILLE_MAX};
use crate::plan::Catalogue;
use crate::usage::WhatIf;

/// What to simulate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionsJson {
    /// Day on which plans must be on sale, `YYYY-MM-DD`. Default: today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// Candidates; absent: every plan of the catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plans: Option<Vec<String>>,
    /// Usage scaled by kind, per mille: `{"data": 1500}` is half as much data again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = WhatIfJson)]
    pub what_if: BTreeMap<String, u64>,
    /// A ranking rule in place of the province's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranking: Option<RankingJson>,
    /// Leaves add-ons out of the comparison.
    #[serde(default)]
    pub without_add_ons: bool,
}

/// Scale of usage by kind, per mille; 1000 changes nothing.
#[derive(Clone, Debug, Default, ToSchema)]
pub struct WhatIfJson {
    /// Calls.
    pub voice: Option<u64>,
    /// Data.
    pub data: Option<u64>,
    /// Text messages.
    pub sms: Option<u64>,
    /// Multimedia messages.
    pub mms: Option<u64>,
    /// WLAN.
    pub wlan: Option<u64>,
}

/// Checks a request: usage and options, in the words of a catalogue. `today` is used when the request names no day.
///
/// # Errors
/// Every mistake, with its place: usage below `/usage`, options at the top.
pub fn request_from(
    usage: &UsageJson,
    options: &OptionsJson,
    catalogue: &Catalogue,
    today: Date,
) -> Result<SimulationRequest, Vec<FieldError>> {
    let mut findings = Findings::default();
    let root = At::Root;
    let usage =
        super::read::usage::read_usage(usage, &root.field("usage"), catalogue, &mut findings);
    let on = findings
        .date(&root.field("on"), options.on.as_deref())
        .unwrap_or(today);
    let at_plans = root.field("plans");
    let plans = options.plans.as_ref().map(|plans| {
        findings.at_most(&at_plans, plans.len(), PLANS_MAX);
        let mut indices = Vec::new();
        for (index, id) in plans.iter().enumerate() {
            match catalogue.plan_index(id) {
                Some(plan) => indices.push(plan),
                None => findings.error(
                    &at_plans.item(index),
                    "unknown-reference",
                    format!("目录中没有套餐“{id}”"),
                    format!("the catalogue has no plan `{id}`"),
                ),
            }
        }
        indices
    });
    let at_what_if = root.field("what_if");
    let mut what_if = WhatIf::NOTHING;
    for (kind, per_mille) in &options.what_if {
        match Kind::ALL.into_iter().find(|known| known.id() == kind) {
            Some(known) => {
                what_if.per_mille[known.index()] = findings.quantity(
                    &at_what_if.field(kind),
                    *per_mille,
                    0,
                    WHAT_IF_PER_MILLE_MAX,
                )
            }
            None => findings.error(
                &at_what_if.field(kind),
                "unknown-word",
                "只能是 voice、data、sms、mms、wlan 之一",
                "must be one of voice, data, sms, mms, wlan",
            ),
        }
    }
    let ranking = match &options.ranking {
        Some(json) => ranking(json, &root.field("ranking"), &mut findings),
        None => catalogue.ranking.clone(),
    };
    if !findings.errors.is_empty() {
        return Err(findings.errors);
    }
    Ok(SimulationRequest {
        usage,
        on,
        plans,
        ranking,
        what_if,
        with_add_ons: !options.without_add_ons,
        described: usize::MAX,
    })
}

/// A comparison, as a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SimulationJson {
    /// The months, `YYYY-MM`.
    pub months: Vec<String>,
    /// The present plan; absent for a new customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub present: Option<PlanResultJson>,
    /// The recommended plan, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<String>,
    /// Candidates that can be had, best first.
    pub ranking: Vec<CandidateJson>,
    /// How many candidates can be had; a compact answer shows the first ones only.
    pub candidates: usize,
    /// Plans that cannot be had.
    pub ineligible: Vec<IneligibleJson>,
    /// The check on the last month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOutJson>,
}

/// A plan with its add-ons, priced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlanResultJson {
    /// Identifier.
    pub plan: String,
    /// What people call it.
    pub name: Name,
    /// Monthly fee, fen.
    pub monthly_fee_fen: i64,
    /// Add-ons in the choice.
    pub add_ons: Vec<ChosenAddOnJson>,
    /// What the customer (and the family) pays, by month, fen.
    pub months_fen: Vec<i64>,
    /// Of it, what family members outside the plan pay, by month, fen; absent without such members.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outside_months_fen: Vec<i64>,
    /// Sum, fen.
    pub total_fen: i64,
    /// Mean, fen.
    pub mean_fen: i64,
    /// The dearest month, fen.
    pub worst_month_fen: i64,
    /// Usage by kind over all months; left out of compact answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<KindUseJson>,
    /// Whether some line rests on an estimate.
    pub estimated: bool,
}

/// An add-on in a choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChosenAddOnJson {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// How many.
    pub quantity: u32,
}

/// Usage of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct KindUseJson {
    /// Kind.
    pub kind: KindJson,
    /// Unit of the quantities.
    pub measure: MeasureJson,
    /// All of it, after increments.
    pub quantity: i64,
    /// Inside allowances.
    pub inside: i64,
    /// Beyond them and priced.
    pub beyond: i64,
    /// Free because of a cap.
    pub capped_free: i64,
    /// Not served because of a cap.
    pub unserved: i64,
    /// Without a price in this plan.
    pub unpriced: i64,
}

/// A candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CandidateJson {
    /// Its pricing.
    #[serde(flatten)]
    pub result: PlanResultJson,
    /// Whether the province's rule recommends it.
    pub recommended: bool,
    /// Why not.
    pub not_recommended: Vec<ReasonJson>,
    /// Beside the present plan; absent for a new customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saving: Option<SavingJson>,
    /// What switching costs.
    pub switching: SwitchingJson,
    /// Whether the search for add-ons was exhaustive.
    pub search_complete: bool,
}

/// What a plan saves, and what the operator's revenue loses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SavingJson {
    /// By month, fen.
    pub months_fen: Vec<i64>,
    /// Sum, fen.
    pub total_fen: i64,
    /// Mean, fen.
    pub mean_fen: i64,
    /// Months in which the plan is cheaper.
    pub months_won: usize,
    /// Change of the operator's revenue without tax, sum, fen.
    pub revenue_change_total_fen: i64,
    /// Change of the operator's revenue without tax, mean, fen.
    pub revenue_change_mean_fen: i64,
}

/// What switching costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SwitchingJson {
    /// Months that remain of the present contract.
    pub remaining_months: u32,
    /// Fee for leaving early, fen.
    pub early_exit_fen: i64,
    /// Gifts taken back, fen.
    pub claw_back_fen: i64,
    /// Fees for joining, fen.
    pub joining_fen: i64,
    /// All of it, fen.
    pub total_fen: i64,
    /// Months until the saving has paid for it; absent when it never will.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payback_months: Option<i64>,
}

/// A plan that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct IneligibleJson {
    /// Identifier.
    pub plan: String,
    /// What people call it.
    pub name: Name,
    /// Every reason.
    pub reasons: Vec<ReasonJson>,
}

/// A reason, for programs and for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReasonJson {
    /// Code.
    pub code: &'static str,
    /// Text.
    pub text: Name,
}

/// The check on the month that had no part in the choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeldOutJson {
    /// The month held out.
    pub month: String,
    /// What the months before recommend; absent when they recommend to stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// What that saves in the month held out, fen.
    pub saving_fen: i64,
    /// Whether all months together recommend the same plan.
    pub agrees: bool,
}

pub(super) fn kind_json(kind: Kind) -> KindJson {
    match kind {
        Kind::Voice => KindJson::Voice,
        Kind::Data => KindJson::Data,
        Kind::Sms => KindJson::Sms,
        Kind::Mms => KindJson::Mms,
        Kind::Wlan => KindJson::Wlan,
    }
}

pub(super) fn measure_json(measure: Measure) -> MeasureJson {
    match measure {
        Measure::Seconds => MeasureJson::Seconds,
        Measure::Kb => MeasureJson::Kb,
        Measure::Count => MeasureJson::Count,
    }
}

impl From<&KindUse> for KindUseJson {
    fn from(usage: &KindUse) -> Self {
        Self {
            kind: kind_json(usage.kind),
            measure: measure_json(usage.measure),
            quantity: usage.quantity,
            inside: usage.inside,
            beyond: usage.beyond,
            capped_free: usage.capped_free,
            unserved: usage.unserved,
            unpriced: usage.unpriced,
        }
    }
}

/// How much of a simulation is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The first candidates, without usage by kind; plans that cannot be had are counted out.
    Compact {
        /// How many candidates.
        candidates_max: usize,
    },
    /// Everything.
    Full,
}

impl SimulationJson {
    /// Writes a simulation.
    #[must_use]
    pub fn new(catalogue: &CompiledCatalogue, simulation: &Simulation, detail: Detail) -> Self {
        let plan_id = |plan: usize| catalogue.catalogue.plans[plan].id.clone();
        let shown = match detail {
            Detail::Compact { candidates_max } => candidates_max,
            Detail::Full => usize::MAX,
        };
        let is_full = detail == Detail::Full;
        Self {
            months: simulation.months.iter().map(ToString::to_string).collect(),
            present: simulation
                .present
                .as_ref()
                .map(|present| plan_result(catalogue, present, is_full)),
            best: simulation.best().map(|best| plan_id(best.result.plan)),
            ranking: simulation
                .ranking
                .iter()
                .take(shown)
                .map(|candidate| candidate_json(catalogue, candidate, is_full))
                .collect(),
            candidates: simulation.ranking.len(),
            ineligible: simulation
                .ineligible
                .iter()
                .filter(|_| is_full)
                .map(|(plan, reasons)| IneligibleJson {
                    plan: plan_id(*plan),
                    name: catalogue.catalogue.plans[*plan].name.clone(),
                    reasons: reasons
                        .iter()
                        .map(|reason| ReasonJson {
                            code: reason.code(),
                            text: reason.text(),
                        })
                        .collect(),
                })
                .collect(),
            held_out: simulation.held_out.as_ref().map(|held_out| HeldOutJson {
                month: held_out.month.to_string(),
                plan: held_out.chosen.as_ref().map(|(plan, _)| plan_id(*plan)),
                saving_fen: held_out.saving_fen,
                agrees: held_out.agrees,
            }),
        }
    }
}

fn plan_result(
    catalogue: &CompiledCatalogue,
    result: &PlanResult,
    is_full: bool,
) -> PlanResultJson {
    let plan = &catalogue.catalogue.plans[result.plan];
    let outside: Vec<i64> = result
        .months
        .iter()
        .map(|month| month.outside_fen)
        .collect();
    PlanResultJson {
        plan: plan.id.clone(),
        name: plan.name.clone(),
        monthly_fee_fen: plan.monthly_fee_fen,
        add_ons: plan
            .add_ons
            .iter()
            .zip(&result.quantities)
            .filter(|(_, quantity)| **quantity > 0)
            .map(|(add_on, quantity)| {
                let add_on = &catalogue.catalogue.add_ons[*add_on];
                ChosenAddOnJson {
                    id: add_on.id.clone(),
                    name: add_on.name.clone(),
                    quantity: *quantity,
                }
            })
            .collect(),
        months_fen: result
            .months
            .iter()
            .map(crate::comparison::MonthResult::total_fen)
            .collect(),
        outside_months_fen: if outside.iter().all(|fen| *fen == 0) {
            Vec::new()
        } else {
            outside
        },
        total_fen: result.total_fen,
        mean_fen: result.mean_fen,
        worst_month_fen: result.worst_month_fen,
        usage: if is_full {
            result.usage.iter().map(KindUseJson::from).collect()
        } else {
            Vec::new()
        },
        estimated: result.estimated,
    }
}

fn candidate_json(
    catalogue: &CompiledCatalogue,
    candidate: &Candidate,
    is_full: bool,
) -> CandidateJson {
    let switching = &candidate.switching;
    CandidateJson {
        result: plan_result(catalogue, &candidate.result, is_full),
        recommended: candidate.not_recommended.is_empty(),
        not_recommended: candidate
            .not_recommended
            .iter()
            .map(|reason| ReasonJson {
                code: reason.code(),
                text: reason.text(),
            })
            .collect(),
        saving: candidate.saving.as_ref().map(|saving| SavingJson {
            months_fen: saving.months_fen.clone(),
            total_fen: saving.total_fen,
            mean_fen: saving.mean_fen,
            months_won: saving.months_won,
            revenue_change_total_fen: saving.revenue_change_total_fen,
            revenue_change_mean_fen: saving.revenue_change_mean_fen,
        }),
        switching: SwitchingJson {
            remaining_months: switching.remaining_months,
            early_exit_fen: switching.early_exit_fen,
            claw_back_fen: switching.claw_back_fen,
            joining_fen: switching.joining_fen,
            total_fen: switching.total_fen(),
            payback_months: candidate.payback_months,
        },
        search_complete: candidate.search_complete,
    }
}

/// Slots of a plan's add-ons from identifiers, for a bill that names its choice.
///
/// # Errors
/// Every add-on that the plan does not list, or of which more are wanted than can be held.
pub fn quantities_from(
    catalogue: &Catalogue,
    plan: usize,
    wanted: &[super::usage::HeldAddOnJson],
) -> Result<Vec<u32>, Vec<FieldError>> {
    let mut findings = Findings::default();
    let root = At::Root;
    let at = root.field("add_ons");
    let plan = &catalogue.plans[plan];
    let mut quantities = vec![0; plan.add_ons.len()];
    findings.unique(&at, "id", wanted.iter().map(|held| held.id.as_str()));
    for (index, held) in wanted.iter().enumerate() {
        let at = at.item(index);
        let add_on = catalogue.add_on_index(&held.id);
        match plan
            .add_ons
            .iter()
            .position(|listed| Some(*listed) == add_on)
        {
            Some(slot) => {
                let most = u64::from(catalogue.add_ons[plan.add_ons[slot]].quantity_max);
                quantities[slot] =
                    u32::try_from(findings.quantity(&at.field("quantity"), held.quantity, 1, most))
                        .unwrap_or(1);
            }
            None => {
                let id = &held.id;
                findings.error(
                    &at.field("id"),
                    "not-with-plan",
                    format!("该套餐不能叠加“{id}”"),
                    format!("`{id}` cannot be taken with this plan"),
                );
            }
        }
    }
    if findings.errors.is_empty() {
        Ok(quantities)
    } else {
        Err(findings.errors)
    }
}
