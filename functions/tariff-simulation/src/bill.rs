//! A bill, line by line, with everything that is needed to prove each amount by hand.
//!
//! Bills are written by a [`Sink`] of the one pricing routine, so a bill's total is the total that was ranked. The bill is the
//! sum of its lines; an included tax is shown and adds nothing.

use chudian_vocabulary::{Month, Name};

use crate::cells::{Kind, Measure};
use crate::compile::{BucketRow, CompiledCatalogue, NONE, Priced, StreamRow, Variant};
use crate::engine::{
    Line, LineKind, MonthContext, MonthTotal, PricedMonth, PricingError, Quantities, RateOutcome,
    Sink, StreamOutcome, TierSink, Workspace, charge, price_month,
};
use crate::metering::MeteredMonth;
use crate::number::Rounding;
use crate::plan::{
    AddOn, Allowance, DiscountValue, FAMILY_LINE, LineGroup, MAXIMUM_LINE, MINIMUM_LINE,
    MONTHLY_FEE_LINE, Plan, Rate,
};

/// A bill of one month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// The month.
    pub month: Month,
    /// Lines, in the order of pricing: fees, usage, caps, discounts, minimum, maximum, tax.
    pub lines: Vec<BillLine>,
    /// Their sum, without included taxes.
    pub total_fen: i64,
    /// Taxes, included or added.
    pub tax_fen: i64,
    /// What was included, and what became of it.
    pub allowances: Vec<AllowanceUse>,
    /// Usage by kind and measure.
    pub usage: Vec<KindUse>,
}

/// A line of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillLine {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Amount; negative for credits.
    pub amount_fen: i64,
    /// Whether it counts in the total; false for included taxes.
    pub adds: bool,
    /// Whether it rests on an estimate, because the usage does not say enough.
    pub estimated: bool,
    /// How the amount came about.
    pub proof: Proof,
}

/// How an amount came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A fee: so many, at so much.
    Fee {
        /// Group.
        group: LineGroup,
        /// How many.
        quantity: i64,
        /// Ordinary fee of one, fen.
        unit_fen: i64,
        /// Months since joining, when introductory terms apply.
        tenure_months: Option<u32>,
    },
    /// Usage.
    Usage(Box<UsageProof>),
    /// What a cap over several lines gives back.
    AmountCap {
        /// The lines before, fen.
        before_fen: i64,
        /// The cap, fen.
        cap_fen: i64,
    },
    /// A discount.
    Discount {
        /// The lines before, fen.
        before_fen: i64,
        /// How much.
        value: DiscountValue,
    },
    /// A minimum or maximum.
    Bound {
        /// What counts, fen.
        counted_fen: i64,
        /// The bound, fen.
        bound_fen: i64,
    },
    /// A tax.
    Tax {
        /// What is taxed, fen.
        base_fen: i64,
        /// Thousandths of a per cent.
        percent_milli: i64,
        /// Whether prices contain it.
        included: bool,
    },
}

/// The way from usage to the amount of a line.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct UsageProof {
    /// What is measured.
    pub measure: Option<Measure>,
    /// Usage after increments.
    pub quantity: i64,
    /// Of it, free because of a quantity cap.
    pub capped_free: i64,
    /// Of it, not served because of a quantity cap.
    pub capped_unserved: i64,
    /// The rest after conversion to whole units.
    pub converted: i64,
    /// Of that, inside allowances.
    pub inside: Vec<InsideUse>,
    /// The rest, which is priced.
    pub charged: i64,
    /// Of the rest, free units.
    pub free_units: i64,
    /// Tiers that were used.
    pub tiers: Vec<TierUse>,
    /// Prices are per so many base units.
    pub per: i64,
    /// Whether tiers begin anew with each event, so that `tiers` cannot be told for the month.
    pub over_event: bool,
    /// Events with a set-up fee.
    pub setups: i64,
    /// Set-up fee, 10⁻⁹ yuan.
    pub setup_price: i64,
    /// Exact amount before the cap: numerator, fen.
    pub exact_numerator: i128,
    /// Exact amount after the cap: numerator, fen.
    pub capped_numerator: i128,
    /// Denominator of both.
    pub denominator: i128,
    /// Units that were not served because an amount was reached.
    pub unserved: i64,
    /// Rounding of the line.
    pub rounding: Option<Rounding>,
}

/// Usage inside an allowance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsideUse {
    /// The allowance, by identifier.
    pub allowance: String,
    /// Age of the rest it came from: 0 for this month's.
    pub carried_months: u16,
    /// Whether a family member used it.
    pub by_family: bool,
    /// Units of usage.
    pub quantity: i64,
}

/// A tier in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierUse {
    /// Position.
    pub index: usize,
    /// Units in it.
    pub quantity: i64,
    /// Blocks that are paid, or the units where prices are in proportion.
    pub blocks: i64,
    /// Price of `per` base units, 10⁻⁹ yuan.
    pub price: i64,
    /// Flat fee, 10⁻⁹ yuan.
    pub flat: i64,
    /// Numerator over the line's denominator.
    pub numerator: i128,
}

/// What became of an allowance in a month, in its own unit; broken units of factors are rounded down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowanceUse {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Unit; nothing for points.
    pub unit: Option<Measure>,
    /// Given this month.
    pub granted: i64,
    /// Carried from earlier months.
    pub carried_in: i64,
    /// Used.
    pub used: i64,
    /// Carried to the next month.
    pub carried_out: i64,
    /// Expired.
    pub expired: i64,
}

/// Usage of a kind in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindUse {
    /// Kind.
    pub kind: Kind,
    /// What is measured.
    pub measure: Measure,
    /// After increments, all of it.
    pub quantity: i64,
    /// Inside allowances.
    pub inside: i64,
    /// Beyond them and priced.
    pub beyond: i64,
    /// Free because of a cap.
    pub capped_free: i64,
    /// Not served.
    pub unserved: i64,
    /// Without a price in this plan.
    pub unpriced: i64,
}

impl KindUse {
    /// Adds another month.
    pub(crate) fn add(&mut self, other: &Self) {
        self.quantity += other.quantity;
        self.inside += other.inside;
        self.beyond += other.beyond;
        self.capped_free += other.capped_free;
        self.unserved += other.unserved;
        self.unpriced += other.unpriced;
    }
}

/// A plan with a choice of add-ons, by slot of the plan.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// The plan.
    pub plan: usize,
    /// Quantity by slot.
    pub quantities: &'a [u32],
}

impl CompiledCatalogue {
    /// Prices consecutive months with their bills; the roll-over state is carried from one to the next.
    ///
    /// `users` holds, for each month, the customer and the family members whom the plan carries.
    ///
    /// # Errors
    /// When an amount is too large.
    pub fn bills(
        &self,
        choice: Choice<'_>,
        months: &[(Month, MonthContext)],
        users: &[Vec<&MeteredMonth>],
    ) -> Result<Vec<Bill>, PricingError> {
        let (Some(plan), Some(compiled)) = (
            self.catalogue.plans.get(choice.plan),
            self.plans.get(choice.plan),
        ) else {
            return Ok(Vec::new());
        };
        let variant = compiled.variant(choice.quantities);
        let mut workspace = Workspace::default();
        workspace.begin(variant);
        let mut bills = Vec::with_capacity(months.len());
        for ((month, context), users) in months.iter().zip(users) {
            let mut writer = Writer::new(variant);
            let priced = PricedMonth {
                quantities: Quantities::held(choice.quantities),
                context: *context,
                users,
            };
            let total = price_month(variant, &priced, &mut workspace, &mut writer)?;
            bills.push(writer.finish(
                &Source {
                    catalogue: self,
                    plan,
                },
                *month,
                *context,
                total,
                &workspace,
            ));
        }
        Ok(bills)
    }
}

/// Gathers what pricing tells.
struct Writer<'v> {
    variant: &'v Variant,
    granted: Vec<i64>,
    /// Proof of each rate.
    rates: Vec<UsageProof>,
    amounts_fen: Vec<i64>,
    estimated: Vec<bool>,
    /// Draws of each rate: pot, by family, units.
    draws: Vec<Vec<(u16, bool, i64)>>,
    /// Taken from each pot, scaled.
    used: Vec<i64>,
    lines: Vec<Line>,
    usage: Vec<KindUse>,
    /// Position in `usage` of each rate's first usage.
    usage_of_rate: Vec<usize>,
}

impl<'v> Writer<'v> {
    fn new(variant: &'v Variant) -> Self {
        let rates = variant.rates.len();
        Self {
            variant,
            granted: Vec::new(),
            rates: vec![UsageProof::default(); rates],
            amounts_fen: vec![0; rates],
            estimated: vec![false; rates],
            draws: vec![Vec::new(); rates],
            used: vec![0; variant.pots],
            lines: Vec::new(),
            usage: Vec::new(),
            usage_of_rate: vec![usize::MAX; rates],
        }
    }

    /// Position in `usage` of a stream's kind and measure.
    fn kind_use(&mut self, stream: &StreamRow) -> usize {
        let (kind, measure) = (stream.kind, stream.profile.measure);
        match self
            .usage
            .iter()
            .position(|known| known.kind == kind && known.measure == measure)
        {
            Some(position) => position,
            None => {
                self.usage.push(KindUse {
                    kind,
                    measure,
                    quantity: 0,
                    inside: 0,
                    beyond: 0,
                    capped_free: 0,
                    unserved: 0,
                    unpriced: 0,
                });
                self.usage.len() - 1
            }
        }
    }

    fn describe_tiers<N: Priced>(&self, rate: usize, units: i64) -> Vec<(usize, i64, i64, i128)> {
        struct Record(Vec<(usize, i64, i64, i128)>);
        impl<N: Into<i128>> TierSink<N> for Record {
            fn tier(&mut self, index: usize, quantity: i64, blocks: i64, amount: N) {
                self.0.push((index, quantity, blocks, amount.into()));
            }
        }
        let (rates, tiers) = N::rows(self.variant);
        let row = &rates[rate];
        let mut record = Record(Vec::new());
        charge(
            row,
            &tiers[row.tiers_from as usize..row.tiers_until as usize],
            units,
            &mut record,
        );
        record.0
    }
}

impl Sink for Writer<'_> {
    const WANTS_ALL_STREAMS: bool = true;

    fn granted(&mut self, pots: &[i64]) {
        self.granted = pots.to_vec();
    }

    fn draw(&mut self, user: usize, stream: &StreamRow, pot: u16, taken: i64, weight: i64) {
        self.used[usize::from(pot)] += taken * weight;
        if let Some(draws) = self.draws.get_mut(usize::from(stream.rate)) {
            match draws
                .iter_mut()
                .find(|(known, by_family, _)| *known == pot && *by_family == (user > 0))
            {
                Some((_, _, units)) => *units += taken,
                None => draws.push((pot, user > 0, taken)),
            }
        }
    }

    fn stream(&mut self, outcome: StreamOutcome<'_>) {
        let is_priced = outcome.stream.rate != NONE;
        let position = self.kind_use(outcome.stream);
        let usage = &mut self.usage[position];
        usage.quantity += outcome.quantity;
        usage.inside += outcome.converted - outcome.beyond;
        usage.capped_free += outcome.capped_free;
        usage.unserved += outcome.unserved;
        if is_priced {
            usage.beyond += outcome.beyond;
        } else {
            usage.unpriced += outcome.beyond;
        }
        let rate = usize::from(outcome.stream.rate);
        if let Some(proof) = self.rates.get_mut(rate) {
            proof.quantity += outcome.quantity;
            proof.capped_free += outcome.capped_free;
            proof.capped_unserved += outcome.unserved;
            proof.converted += outcome.converted;
            self.estimated[rate] |= outcome.estimated;
            self.usage_of_rate[rate] = self.usage_of_rate[rate].min(position);
        }
    }

    fn estimate(&mut self, rate: u16) {
        if let Some(estimated) = self.estimated.get_mut(usize::from(rate)) {
            *estimated = true;
        }
    }

    fn rate(&mut self, outcome: RateOutcome) {
        let proof = &mut self.rates[outcome.rate];
        proof.charged = outcome.charged;
        proof.setups = outcome.setups;
        proof.exact_numerator = outcome.exact;
        proof.capped_numerator = outcome.after_cap;
        proof.unserved = outcome.charged - outcome.served;
        self.amounts_fen[outcome.rate] = outcome.amount_fen;
    }

    fn cut(&mut self, rate: usize, _served: i64, unserved: i64, amount_fen: i64) {
        self.rates[rate].unserved = unserved;
        self.amounts_fen[rate] = amount_fen;
        // Which of several services stops first depends on the hour, which totals do not tell.
        self.estimated[rate] = true;
    }

    fn line(&mut self, line: Line) {
        self.lines.push(line);
    }
}

/// Where names come from.
struct Source<'a> {
    catalogue: &'a CompiledCatalogue,
    plan: &'a Plan,
}

impl<'a> Source<'a> {
    fn add_on(&self, slot: u16) -> Option<&'a AddOn> {
        self.plan
            .add_ons
            .get(usize::from(slot))
            .and_then(|index| self.catalogue.catalogue.add_ons.get(*index))
    }

    fn rate(&self, slot: u16, index: u16) -> Option<&'a Rate> {
        let rates = if slot == NONE {
            &self.plan.rates
        } else {
            &self.add_on(slot)?.rates
        };
        rates.get(usize::from(index))
    }

    fn allowance(&self, bucket: &BucketRow) -> Option<&'a Allowance> {
        let allowances = if bucket.slot == NONE {
            &self.plan.allowances
        } else {
            &self.add_on(bucket.slot)?.allowances
        };
        allowances.get(usize::from(bucket.index))
    }

    fn fee_name(&self, group: LineGroup, id: &str, slot: u16) -> Name {
        match group {
            LineGroup::AddOns => self.add_on(slot).map(|add_on| add_on.name.clone()),
            LineGroup::OneOff => self
                .plan
                .one_off_fees
                .iter()
                .find(|fee| fee.id == id)
                .map(|fee| fee.name.clone()),
            _ if id == FAMILY_LINE => Some(Name::new("家庭成员费", "Family members")),
            _ => None,
        }
        .unwrap_or_else(|| Name::new("月基本费", "Monthly fee"))
    }
}

impl Writer<'_> {
    fn finish(
        mut self,
        source: &Source<'_>,
        month: Month,
        context: MonthContext,
        total: MonthTotal,
        workspace: &Workspace,
    ) -> Bill {
        let mut lines = Vec::new();
        let recorded = std::mem::take(&mut self.lines);
        let unserved: Vec<i64> = self.rates.iter().map(|proof| proof.unserved).collect();
        lines.extend(
            recorded
                .iter()
                .filter_map(|line| self.fee_line(source, context, *line)),
        );
        for rate in 0..self.rates.len() {
            lines.extend(self.rate_line(source, rate));
        }
        lines.extend(
            recorded
                .iter()
                .filter_map(|line| self.step_line(source, *line)),
        );
        // What an amount cap kept from being served was counted as beyond the allowances.
        for (rate, position) in self.usage_of_rate.iter().enumerate() {
            if let Some(usage) = self.usage.get_mut(*position) {
                usage.beyond -= unserved[rate];
                usage.unserved += unserved[rate];
            }
        }
        self.usage.sort_by_key(|usage| (usage.kind, usage.measure));
        Bill {
            month,
            lines,
            total_fen: total.total_fen,
            tax_fen: total.tax_fen,
            allowances: self.allowances(source, workspace),
            usage: self.usage,
        }
    }

    fn fee_line(&self, source: &Source<'_>, context: MonthContext, line: Line) -> Option<BillLine> {
        let LineKind::Fee {
            line: position,
            quantity,
        } = line.kind
        else {
            return None;
        };
        let row = self.variant.lines.get(position)?;
        let is_monthly_fee = row.id == MONTHLY_FEE_LINE;
        (line.amount_fen != 0 || is_monthly_fee).then(|| BillLine {
            id: row.id.clone(),
            name: source.fee_name(row.group, &row.id, row.slot),
            amount_fen: line.amount_fen,
            adds: true,
            estimated: false,
            proof: Proof::Fee {
                group: row.group,
                quantity,
                unit_fen: row.fee_fen,
                tenure_months: context.tenure_months.filter(|_| is_monthly_fee),
            },
        })
    }

    fn rate_line(&mut self, source: &Source<'_>, index: usize) -> Option<BillLine> {
        let facts = self.variant.rates[index];
        let rate = source.rate(facts.slot, facts.index)?;
        let mut proof = std::mem::take(&mut self.rates[index]);
        let amount_fen = self.amounts_fen[index];
        if proof.quantity == 0 && amount_fen == 0 {
            return None;
        }
        proof.measure = Some(rate.measure);
        proof.per = rate.per;
        proof.over_event = rate.over_event;
        proof.setup_price = rate.setup_price;
        proof.denominator = self.variant.wide_rates[index].denominator;
        proof.rounding = Some(facts.rounding);
        if rate.over_event {
            proof.tiers = Vec::new();
        } else {
            let priced = proof.charged - proof.unserved;
            proof.free_units = rate.free_units.min(priced);
            let used = if facts.wide {
                self.describe_tiers::<i128>(index, priced)
            } else {
                self.describe_tiers::<i64>(index, priced)
            };
            proof.tiers = used
                .into_iter()
                .filter_map(|(tier, quantity, blocks, numerator)| {
                    rate.tiers.get(tier).map(|row| TierUse {
                        index: tier,
                        quantity,
                        blocks,
                        price: row.price,
                        flat: row.flat,
                        numerator,
                    })
                })
                .collect();
        }
        let draws = std::mem::take(&mut self.draws[index]);
        proof.inside = draws
            .into_iter()
            .filter_map(|(pot, by_family, quantity)| self.inside(source, pot, by_family, quantity))
            .collect();
        Some(BillLine {
            id: rate.id.clone(),
            name: rate.name.clone(),
            amount_fen,
            adds: true,
            estimated: self.estimated[index],
            proof: Proof::Usage(Box::new(proof)),
        })
    }

    fn inside(
        &self,
        source: &Source<'_>,
        pot: u16,
        by_family: bool,
        quantity: i64,
    ) -> Option<InsideUse> {
        let bucket = self.variant.buckets.iter().find(|bucket| {
            (bucket.first_pot..=bucket.first_pot + bucket.rollover_months).contains(&pot)
        })?;
        // Carried pots stand oldest first.
        let carried_months = if pot == bucket.current_pot {
            0
        } else {
            bucket.rollover_months - (pot - bucket.oldest_pot)
        };
        Some(InsideUse {
            allowance: source.allowance(bucket)?.id.clone(),
            carried_months,
            by_family,
            quantity,
        })
    }

    fn step_line(&self, source: &Source<'_>, line: Line) -> Option<BillLine> {
        let (id, name, proof, adds) = match line.kind {
            LineKind::Fee { .. } => return None,
            LineKind::AmountCap { cap, before_fen } => {
                let cap = source.plan.amount_caps.get(cap)?;
                (
                    cap.id.clone(),
                    cap.name.clone(),
                    Proof::AmountCap {
                        before_fen,
                        cap_fen: cap.amount_fen,
                    },
                    true,
                )
            }
            LineKind::Discount {
                discount,
                before_fen,
            } => {
                let row = self.variant.discounts.get(discount)?;
                let discounts = if row.slot == NONE {
                    &source.plan.discounts
                } else {
                    &source.add_on(row.slot)?.discounts
                };
                let discount = discounts.get(usize::from(row.index))?;
                (
                    discount.id.clone(),
                    discount.name.clone(),
                    Proof::Discount {
                        before_fen,
                        value: discount.value,
                    },
                    true,
                )
            }
            LineKind::Minimum { counted_fen } => {
                let bound_fen = source.plan.minimum.as_ref()?.amount_fen;
                (
                    MINIMUM_LINE.to_owned(),
                    Name::new("保底补足", "Minimum spend"),
                    Proof::Bound {
                        counted_fen,
                        bound_fen,
                    },
                    true,
                )
            }
            LineKind::Maximum { counted_fen } => {
                let bound_fen = source.plan.maximum.as_ref()?.amount_fen;
                (
                    MAXIMUM_LINE.to_owned(),
                    Name::new("封顶减免", "Above the maximum"),
                    Proof::Bound {
                        counted_fen,
                        bound_fen,
                    },
                    true,
                )
            }
            LineKind::Tax { tax, base_fen } => {
                let tax = source.plan.taxes.get(tax)?;
                (
                    tax.id.clone(),
                    tax.name.clone(),
                    Proof::Tax {
                        base_fen,
                        percent_milli: tax.percent_milli,
                        included: tax.included,
                    },
                    !tax.included,
                )
            }
        };
        (line.amount_fen != 0).then_some(BillLine {
            id,
            name,
            amount_fen: line.amount_fen,
            adds,
            estimated: false,
            proof,
        })
    }

    fn allowances(&self, source: &Source<'_>, workspace: &Workspace) -> Vec<AllowanceUse> {
        self.variant
            .buckets
            .iter()
            .filter_map(|bucket| {
                let allowance = source.allowance(bucket)?;
                let pots = usize::from(bucket.first_pot)
                    ..=usize::from(bucket.first_pot + bucket.rollover_months);
                let units = |scaled: i64| scaled / bucket.scale;
                let sum = |pots: &[i64]| pots.iter().sum::<i64>();
                let before = sum(self.granted.get(pots.clone())?);
                let granted = *self.granted.get(usize::from(bucket.current_pot))?;
                // After the month the current pot is empty and the others hold what is carried.
                let carried_out = if bucket.rollover_months == 0 {
                    0
                } else {
                    sum(workspace.pots().get(pots)?)
                };
                let used = self.used_of(bucket);
                (before > 0).then(|| AllowanceUse {
                    id: allowance.id.clone(),
                    name: allowance.name.clone(),
                    unit: allowance.unit,
                    granted: units(granted),
                    carried_in: units(before - granted),
                    used: units(used),
                    carried_out: units(carried_out),
                    expired: units(before - used - carried_out),
                })
            })
            .collect()
    }

    fn used_of(&self, bucket: &BucketRow) -> i64 {
        self.used
            .get(
                usize::from(bucket.first_pot)
                    ..=usize::from(bucket.first_pot + bucket.rollover_months),
            )
            .map_or(0, |used| used.iter().sum())
    }
}
