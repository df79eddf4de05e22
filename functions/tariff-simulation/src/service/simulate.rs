//! From a question for a comparison to its answer.

use std::collections::BTreeMap;

use chudian_runtime::problem::shape::Mistake;
use chudian_vocabulary::{Date, Language, Name};
use sha2::{Digest as _, Sha256};

use super::ServiceError;
use super::answers::{
    BillAnswer, ChosenAddOn, HeldOutAnswer, LeftOutPlan, OperatorAnswer, PresentPlan, PricedPlan,
    RankedPlan, Reason, SavingAnswer, SimulationAnswer, SwitchingAnswer, UsageChange,
};
use super::bills::{self, Choice};
use super::forms::{Described, ProfileForm, UsageForm, relocated, usage_document};
use super::requests::{
    Detail, PLANS_RETURNED_DEFAULT, PLANS_RETURNED_MAX, SimulationForm, WhatIfForm,
};
use super::rule::{overridden, ranking_json, yuan};
use crate::cells::Kind;
use crate::comparison::{
    self, Candidate, MonthResult, PlanResult, Saving, Simulation, SimulationRequest,
};
use crate::compile::CompiledCatalogue;
use crate::plan::{Catalogue, RankingRule};
use crate::ranking::NotRecommended;
use crate::usage::{CustomerUsage, WhatIf};
use crate::wire::catalogue::RankingJson;
use crate::wire::{self, usage::UsageJson};

/// Thousandths of a whole.
const PERMILLE: i128 = 1_000;

/// A catalogue with the name of its version.
#[derive(Clone, Copy)]
pub struct Version<'a> {
    /// First 16 hex characters of its hash.
    pub name: &'a str,
    /// Ready to price.
    pub catalogue: &'a CompiledCatalogue,
}

/// The customer of a question, wherever it was described.
pub struct Subject {
    /// Profile and usage.
    pub document: UsageJson,
    /// Where it was described, for the pointers of errors.
    pub described: Described,
}

impl Subject {
    /// A customer in two parts.
    pub fn new(profile: ProfileForm, usage: UsageForm, described: Described) -> Self {
        Self {
            document: usage_document(profile, usage),
            described,
        }
    }

    /// The region of the customer.
    pub fn region(&self) -> Option<&str> {
        self.document.customer.region.as_deref()
    }

    /// The customer in the words of the catalogue.
    pub(super) fn usage(&self, catalogue: &Catalogue) -> Result<CustomerUsage, ServiceError> {
        let members = self
            .document
            .family
            .iter()
            .filter_map(|member| member.plan.as_deref());
        let plans = self
            .document
            .customer
            .plan
            .as_deref()
            .into_iter()
            .chain(members);
        for plan in plans {
            plan_index(catalogue, plan)?;
        }
        wire::usage_from(&self.document, catalogue)
            .map_err(|errors| ServiceError::Customer(relocated(errors, self.described)))
    }
}

/// Position of a plan in the catalogue.
pub(super) fn plan_index(catalogue: &Catalogue, id: &str) -> Result<usize, ServiceError> {
    catalogue
        .plan_index(id)
        .ok_or_else(|| ServiceError::UnknownPlan(id.to_owned()))
}

/// The scale of a what-if.
pub(super) fn what_if(form: Option<WhatIfForm>) -> Result<WhatIf, ServiceError> {
    form.unwrap_or_default().what_if().map_err(|kind| {
        let most = crate::limits::WHAT_IF_PER_MILLE_MAX;
        let detail = Name::new(
            format!("最多 {most}（千分比）。"),
            format!("At most {most} per mille."),
        );
        ServiceError::member(&format!("/what_if/{}", kind.id()), detail)
    })
}

/// The day that a question is about, when it names one.
pub fn day_asked(form: &SimulationForm) -> Result<Option<Date>, ServiceError> {
    let read = |text: &String| {
        let detail = Name::new("日期应为 YYYY-MM-DD。", "A date has the form YYYY-MM-DD.");
        Date::parse(text).map_err(|_| ServiceError::member("/as_of", detail))
    };
    form.as_of.as_ref().map(read).transpose()
}

/// A question in the words of the domain.
pub struct Question {
    /// What is to be compared.
    pub request: SimulationRequest,
    /// The ranking rule that holds, as the answer shows it.
    pub rule: RankingJson,
}

/// Checks a question and puts it in the words of the domain.
///
/// `on` is the day on which plans must be on sale, `base_rule` the rule that holds unless the question overrides it.
///
/// # Errors
/// Everything that is wrong with the question, or with the customer in the words of this catalogue.
pub fn question(
    catalogue: &Catalogue,
    subject: &Subject,
    form: &SimulationForm,
    on: Date,
    base_rule: Option<RankingJson>,
) -> Result<Question, ServiceError> {
    let described = plans_returned(form)?;
    let what_if = what_if(form.what_if)?;
    let (rule, ranking) = effective_rule(catalogue, base_rule, form)?;
    let candidates = form.candidates.as_ref().map(|ids| {
        ids.iter()
            .map(|id| plan_index(catalogue, id))
            .collect::<Result<Vec<_>, _>>()
    });
    let usage = subject.usage(catalogue)?;
    let request = SimulationRequest {
        usage,
        on,
        plans: candidates.transpose()?,
        ranking,
        what_if,
        with_add_ons: true,
        described,
    };
    Ok(Question { request, rule })
}

/// Answers a question for a comparison; the arguments are those of [`question`], and the reader's language.
///
/// # Errors
/// As [`question`], and when an amount is too large to be priced.
pub fn simulate(
    version: Version<'_>,
    subject: &Subject,
    form: &SimulationForm,
    on: Date,
    base_rule: Option<RankingJson>,
    language: Language,
) -> Result<SimulationAnswer, ServiceError> {
    let Question { request, rule } =
        question(&version.catalogue.catalogue, subject, form, on, base_rule)?;
    let limit = request.described;
    let simulation = comparison::simulate(version.catalogue, &request)?;
    let proof = proof(version.name, subject, form, on, &rule, &simulation);
    let writer = Writer {
        version,
        request: &request,
        simulation: &simulation,
        language,
    };
    let (ranked, refused): (Vec<&Candidate>, Vec<&Candidate>) = simulation
        .ranking
        .iter()
        .partition(|candidate| is_ranked(candidate));
    let mut ranking = Vec::with_capacity(limit.min(ranked.len()));
    for (index, candidate) in ranked.iter().take(limit).enumerate() {
        let bills = match form.detail {
            Detail::Compact => Vec::new(),
            Detail::Full => writer.bills(candidate)?,
        };
        ranking.push(writer.ranked(index + 1, candidate, bills));
    }
    let is_estimated = simulation.present.iter().any(|present| present.estimated)
        || ranked
            .iter()
            .take(limit)
            .any(|candidate| candidate.result.estimated);
    Ok(SimulationAnswer {
        catalogue_version: version.name.to_owned(),
        as_of: on.to_string(),
        months: simulation.months.iter().map(ToString::to_string).collect(),
        estimated: is_estimated,
        present: simulation
            .present
            .as_ref()
            .map(|present| writer.present(present)),
        ranking,
        left_out: writer.left_out(&refused),
        rule,
        proof,
    })
}

fn plans_returned(form: &SimulationForm) -> Result<usize, ServiceError> {
    let Some(limit) = form.limit else {
        return Ok(PLANS_RETURNED_DEFAULT);
    };
    usize::try_from(limit)
        .ok()
        .filter(|limit| (1..=PLANS_RETURNED_MAX).contains(limit))
        .ok_or_else(|| {
            let detail = Name::new(
                format!("应为 1 到 {PLANS_RETURNED_MAX}。"),
                format!("Must be 1 to {PLANS_RETURNED_MAX}."),
            );
            ServiceError::member("/limit", detail)
        })
}

fn effective_rule(
    catalogue: &Catalogue,
    base_rule: Option<RankingJson>,
    form: &SimulationForm,
) -> Result<(RankingJson, RankingRule), ServiceError> {
    let base = base_rule.unwrap_or_else(|| ranking_json(&catalogue.ranking));
    let in_rule = |pointer: String| format!("/rule{pointer}");
    let rule_json = match &form.rule {
        None => base,
        Some(overrides) => overridden(&base, overrides).map_err(|mistakes| {
            let error = |mut mistake: Mistake| {
                mistake.pointer = in_rule(mistake.pointer);
                mistake.into()
            };
            ServiceError::Request(mistakes.into_iter().map(error).collect())
        })?,
    };
    let ranking = wire::ranking_from(&rule_json).map_err(|errors| {
        let error = |error: wire::FieldError| chudian_runtime::problem::FieldError {
            pointer: in_rule(error.pointer),
            code: error.code.to_owned(),
            detail: error.message,
        };
        ServiceError::Request(errors.into_iter().map(error).collect())
    })?;
    Ok((rule_json, ranking))
}

/// Whether a candidate stands in the ranking. One that merely saves nothing does, at the end: the customer asked what it
/// would cost. One that the province's rule or the usage itself forbids does not.
fn is_ranked(candidate: &Candidate) -> bool {
    candidate
        .not_recommended
        .iter()
        .all(|reason| *reason == NotRecommended::NotCheaper)
}

/// SHA-256 over the question and every total, in a canonical form that depends on neither language nor detail.
fn proof(
    version: &str,
    subject: &Subject,
    form: &SimulationForm,
    on: Date,
    rule: &RankingJson,
    simulation: &Simulation,
) -> String {
    let totals = |result: &PlanResult| {
        let months: Vec<i64> = result.months.iter().map(MonthResult::total_fen).collect();
        (result.plan, result.quantities.clone(), months)
    };
    let facts = serde_json::json!({
        "catalogue_version": version,
        "on": on,
        "subject": subject.document,
        "what_if": form.what_if.unwrap_or_default(),
        "rule": rule,
        "candidates": form.candidates,
        "present": simulation.present.as_ref().map(totals),
        "totals": simulation.ranking.iter().map(|candidate| totals(&candidate.result)).collect::<Vec<_>>(),
    });
    hex_sha256(facts.to_string().as_bytes())
}

/// SHA-256 as 64 hex characters.
pub(super) fn hex_sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Writes the parts of an answer.
struct Writer<'a> {
    version: Version<'a>,
    request: &'a SimulationRequest,
    simulation: &'a Simulation,
    language: Language,
}

impl Writer<'_> {
    fn text(&self, name: &Name) -> String {
        name.in_language(self.language).to_owned()
    }

    fn priced(&self, result: &PlanResult) -> PricedPlan {
        let catalogue = &self.version.catalogue.catalogue;
        let plan = &catalogue.plans[result.plan];
        let held = plan
            .add_ons
            .iter()
            .zip(&result.quantities)
            .filter(|(_, quantity)| **quantity > 0);
        let add_on = |(index, quantity): (&usize, &u32)| {
            let add_on = &catalogue.add_ons[*index];
            ChosenAddOn {
                id: add_on.id.clone(),
                quantity: *quantity,
                name: self.text(&add_on.name),
            }
        };
        PricedPlan {
            plan_id: plan.id.clone(),
            name: self.text(&plan.name),
            add_ons: held.map(add_on).collect(),
            monthly_total_fen: result.months.iter().map(MonthResult::total_fen).collect(),
            total_fen: result.total_fen,
        }
    }

    fn present(&self, present: &PlanResult) -> PresentPlan {
        let mut usage_inside_permille = BTreeMap::new();
        for kind in Kind::ALL {
            let (inside, beyond) = inside_and_beyond(present, kind);
            let (inside, all) = (i128::from(inside), i128::from(inside) + i128::from(beyond));
            if all > 0 {
                let share = (inside * PERMILLE).div_euclid(all);
                usage_inside_permille.insert(kind.id(), i64::try_from(share).unwrap_or(i64::MAX));
            }
        }
        PresentPlan {
            priced: self.priced(present),
            usage_inside_permille,
        }
    }

    fn ranked(&self, rank: usize, candidate: &Candidate, bills: Vec<BillAnswer>) -> RankedPlan {
        let saving = candidate.saving.as_ref();
        RankedPlan {
            rank,
            priced: self.priced(&candidate.result),
            saving: saving.map(|saving| SavingAnswer {
                mean_fen: saving.mean_fen,
                worst_month_fen: saving.months_fen.iter().copied().min().unwrap_or(0),
                months_won: saving.months_won,
                total_fen: saving.total_fen,
            }),
            held_out: saving.and_then(|saving| self.held_out(candidate, saving)),
            operator: saving.map(|saving| OperatorAnswer {
                revenue_change_fen: saving.revenue_change_total_fen,
            }),
            usage_change: self
                .simulation
                .present
                .as_ref()
                .map(|present| usage_change(present, &candidate.result)),
            switching: SwitchingAnswer {
                cost_fen: candidate.switching.total_fen(),
                payback_months: candidate.payback_months,
            },
            reasons: self.reasons(candidate),
            bills,
        }
    }

    fn held_out(&self, candidate: &Candidate, saving: &Saving) -> Option<HeldOutAnswer> {
        let held_out = self.simulation.held_out.as_ref()?;
        let chosen = held_out
            .chosen
            .as_ref()
            .is_some_and(|(plan, _)| *plan == candidate.result.plan);
        let saving_fen = if chosen {
            held_out.saving_fen
        } else {
            saving.months_fen.last().copied()?
        };
        Some(HeldOutAnswer {
            month: held_out.month.to_string(),
            chosen_without_it: chosen,
            saving_fen,
        })
    }

    /// What a customer or a clerk should know about the place of a plan.
    fn reasons(&self, candidate: &Candidate) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let mut add = |code: &'static str, text: Name| {
            reasons.push(Reason {
                code,
                text: self.text(&text),
            })
        };
        if let Some(saving) = &candidate.saving {
            let (won, months) = (saving.months_won, saving.months_fen.len());
            if saving.total_fen <= 0 {
                add("not-cheaper", NotRecommended::NotCheaper.text());
            } else if won == months {
                add(
                    "saves-every-month",
                    Name::new("每个月都更便宜", "cheaper in every month"),
                );
            } else {
                let text = Name::new(
                    format!("{months} 个月中有 {won} 个月更便宜"),
                    format!("cheaper in {won} of {months} months"),
                );
                add("saves-in-some-months", text);
            }
        }
        if let Some(present) = &self.simulation.present
            && candidate.result.worst_month_fen < present.worst_month_fen
        {
            let (new, old) = (
                yuan(candidate.result.worst_month_fen),
                yuan(present.worst_month_fen),
            );
            let text = Name::new(
                format!("最贵的月份由 {old} 元降至 {new} 元"),
                format!("the dearest month falls from {old} to {new} yuan"),
            );
            add("dearest-month-falls", text);
        }
        let cost_fen = candidate.switching.total_fen();
        if cost_fen > 0 {
            let cost = yuan(cost_fen);
            let text = Name::new(
                format!("更换套餐需 {cost} 元"),
                format!("switching costs {cost} yuan"),
            );
            add("switching-costs", text);
        }
        if !candidate.search_complete {
            let text = Name::new(
                "叠加包组合过多，未能全部比较",
                "not every combination of add-ons was compared",
            );
            add("add-ons-not-all-compared", text);
        }
        reasons
    }

    fn left_out(&self, refused: &[&Candidate]) -> Vec<LeftOutPlan> {
        let plans = &self.version.catalogue.catalogue.plans;
        let ineligible = self.simulation.ineligible.iter().map(|(plan, reasons)| {
            let reason = |reason: &crate::eligibility::Ineligible| Reason {
                code: reason.code(),
                text: self.text(&reason.text()),
            };
            (*plan, reasons.iter().map(reason).collect::<Vec<_>>())
        });
        let refused = refused.iter().map(|candidate| {
            let reason = |reason: &NotRecommended| Reason {
                code: reason.code(),
                text: self.text(&reason.text()),
            };
            (
                candidate.result.plan,
                candidate.not_recommended.iter().map(reason).collect(),
            )
        });
        let mut left_out: Vec<(usize, Vec<Reason>)> = ineligible.chain(refused).collect();
        left_out.sort_by_key(|(plan, _)| *plan);
        left_out
            .into_iter()
            .map(|(plan, reasons)| LeftOutPlan {
                plan_id: plans[plan].id.clone(),
                name: self.text(&plans[plan].name),
                reasons,
            })
            .collect()
    }

    fn bills(&self, candidate: &Candidate) -> Result<Vec<BillAnswer>, ServiceError> {
        let choice = Choice {
            plan: candidate.result.plan,
            quantities: &candidate.result.quantities,
            counts_introductory: self.request.ranking.count_introductory,
        };
        bills::bills(
            self.version,
            &self.request.usage,
            self.request.what_if,
            choice,
            self.language,
        )
    }
}

/// Usage of a kind inside and beyond allowances, in the kind's ordinary unit.
fn inside_and_beyond(result: &PlanResult, kind: Kind) -> (i64, i64) {
    result
        .usage
        .iter()
        .filter(|usage| usage.kind == kind && usage.measure == kind.measure())
        .fold((0, 0), |(inside, beyond), usage| {
            (inside + usage.inside, beyond + usage.beyond)
        })
}

fn usage_change(present: &PlanResult, candidate: &PlanResult) -> UsageChange {
    let mut change = UsageChange::default();
    for kind in Kind::ALL {
        let ((inside_before, beyond_before), (inside, beyond)) = (
            inside_and_beyond(present, kind),
            inside_and_beyond(candidate, kind),
        );
        if [inside_before, beyond_before, inside, beyond] == [0; 4] {
            continue;
        }
        let unit = format!("{}_{}", kind.id(), kind.measure().id());
        change
            .inside_allowance
            .insert(unit.clone(), inside - inside_before);
        change.beyond_allowance.insert(unit, beyond - beyond_before);
    }
    change
}
