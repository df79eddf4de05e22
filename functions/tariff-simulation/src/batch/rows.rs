//! From the columns of a segment to the derived columns of some of its rows.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use chudian_dataset::column::ColumnData;
use chudian_dataset::column::builder::{ColumnBuilder, PushError};
use chudian_dataset::schema::{Column, ColumnName, Kind as ColumnKind, SchemaError, Unit};
use chudian_vocabulary::{Date, Name};

use super::best::{Best, Group, Recommended, Screen, Seat};
use super::mapping::Binding;
use super::reading::Reading;
use crate::cells::Word;
use crate::compile::CompiledCatalogue;
use crate::eligibility::plan_reasons;
use crate::plan::{Catalogue, RankingRule};
use crate::usage::Customer;

/// Names of the derived columns, in their order: best plan, saving, months won, revenue change.
pub const DERIVED_COLUMNS: [&str; 4] = [
    "tariff_best_plan",
    "tariff_saving",
    "tariff_months_won",
    "tariff_revenue_change",
];

/// Customers that are priced together: enough that a plan's tables are worth fetching, few enough that their usage stays in the cache
/// nearest to the core (the sample's plans ask 32 numbers of a month, which are 1.5 KB for six).
const BLOCK_ROWS: usize = 16;

/// The derived columns as a layer declares them. A customer for whom no plan is recommended has no value in any of them.
///
/// # Errors
/// Never, while the names above are column names.
pub fn derived_columns() -> Result<Vec<Column>, SchemaError> {
    let [best_plan, saving, months_won, revenue_change] = DERIVED_COLUMNS;
    let column = |name: &str, kind, unit, zh: &str, en: &str| {
        Ok(Column {
            title: Name::new(zh, en),
            unit,
            source: "tariff-simulation".to_owned(),
            ..Column::new(ColumnName::new(name)?, kind)
        })
    };
    Ok(vec![
        column(
            best_plan,
            ColumnKind::Word,
            Unit::None,
            "最优套餐",
            "Best plan",
        )?,
        column(
            saving,
            ColumnKind::Money,
            Unit::None,
            "换用最优套餐月均可省",
            "Mean monthly saving with the best plan",
        )?,
        column(
            months_won,
            ColumnKind::Integer,
            Unit::Months,
            "最优套餐更便宜的月数",
            "Months in which the best plan is cheaper",
        )?,
        column(
            revenue_change,
            ColumnKind::Money,
            Unit::None,
            "换用最优套餐的月均收入变化",
            "Mean monthly change of revenue with the best plan",
        )?,
    ])
}

/// By what the best plan is chosen.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Day on which plans must be on sale.
    pub on: Date,
    /// Rule of each region; the first that names a region holds, else the one without a name.
    pub rules: Vec<(Option<String>, RankingRule)>,
    /// Whether the best set of add-ons is searched for each plan, as in a single comparison; many times the work.
    pub with_add_ons: bool,
}

impl Terms {
    fn rule_of(&self, region: Option<&str>) -> Option<&RankingRule> {
        let own = self
            .rules
            .iter()
            .find(|(name, _)| name.is_some() && name.as_deref() == region);
        own.or_else(|| self.rules.iter().find(|(name, _)| name.is_none()))
            .map(|(_, rule)| rule)
    }
}

/// Columns of one segment, in the order of [`Binding::columns`].
pub type SegmentColumns = Vec<Arc<ColumnData>>;

/// The derived columns of some rows.
#[derive(Debug)]
pub struct Derived {
    /// In the order of [`DERIVED_COLUMNS`].
    pub columns: Vec<ColumnData>,
    /// Months of plans that were priced.
    pub plan_months: u64,
    /// Customers that could not be priced: a plan or word that the catalogue does not know, or a figure out of bounds.
    pub skipped: u64,
}

/// Derives the columns of `rows` of a segment.
///
/// # Errors
/// When a plan's identifier is too long for a word of the dataset.
pub fn derive(
    catalogue: &CompiledCatalogue,
    binding: &Binding,
    terms: &Terms,
    columns: &SegmentColumns,
    rows: Range<usize>,
) -> Result<Derived, PushError> {
    let mut pricing = Pricing::new(catalogue, binding, terms, columns);
    let kinds = [
        ColumnKind::Word,
        ColumnKind::Money,
        ColumnKind::Integer,
        ColumnKind::Money,
    ];
    let mut derived = kinds.map(ColumnBuilder::new);
    let (mut plan_months, mut skipped) = (0, 0);
    for first in rows.clone().step_by(BLOCK_ROWS) {
        let block = first..rows.end.min(first + BLOCK_ROWS);
        for answer in pricing.block(block) {
            match &answer {
                Some(answer) => plan_months += answer.plan_months,
                None => skipped += 1,
            }
            let recommended = answer.and_then(|answer| answer.recommended);
            push(catalogue, &mut derived, recommended)?;
        }
    }
    Ok(Derived {
        columns: derived.map(ColumnBuilder::finish).into(),
        plan_months,
        skipped,
    })
}

/// Writes a row of the derived columns.
fn push(
    catalogue: &CompiledCatalogue,
    derived: &mut [ColumnBuilder; 4],
    recommended: Option<Recommended>,
) -> Result<(), PushError> {
    let [best_plan, saving, months_won, revenue_change] = derived;
    match recommended.and_then(|recommended| catalogue.catalogue.plans.get(recommended.plan)) {
        Some(plan) => best_plan.push_word(&plan.id)?,
        None => best_plan.push_null()?,
    }
    // A customer without a present plan saves nothing.
    match recommended.and_then(|recommended| recommended.saving) {
        Some(saved) => {
            saving.push_integer(saved.saving_fen)?;
            months_won.push_integer(i64::try_from(saved.months_won).unwrap_or(i64::MAX))?;
            revenue_change.push_integer(saved.revenue_change_fen)
        }
        None => {
            saving.push_null()?;
            months_won.push_null()?;
            revenue_change.push_null()
        }
    }
}

/// A column of words with the meaning of each of its words, looked up once.
struct Words<'a, T> {
    column: Option<&'a ColumnData>,
    /// Meaning by code; nothing for a word that the catalogue does not know.
    meanings: Vec<Option<T>>,
}

/// What a row says.
#[derive(Clone, Copy)]
enum Said<'w, T> {
    /// Nothing.
    Nothing,
    /// Something that the catalogue does not know.
    Unknown,
    /// This; with its code.
    Known(usize, &'w T),
}

impl<'w, T> Said<'w, T> {
    /// The code and the meaning, if any; an unknown word ends the customer.
    fn known(self) -> Option<Option<(usize, &'w T)>> {
        match self {
            Self::Nothing => Some(None),
            Self::Unknown => None,
            Self::Known(code, meaning) => Some(Some((code, meaning))),
        }
    }
}

impl<'a, T> Words<'a, T> {
    fn new(column: Option<&'a ColumnData>, meaning: impl Fn(&str) -> Option<T>) -> Self {
        let meanings = match column {
            Some(ColumnData::Words { words, .. }) => {
                words.iter().map(|word| meaning(word)).collect()
            }
            _ => Vec::new(),
        };
        Self { column, meanings }
    }

    fn said(&self, row: usize) -> Said<'_, T> {
        let Some(column @ ColumnData::Words { codes, .. }) = self.column else {
            return Said::Nothing;
        };
        if !column.is_valid(row) {
            return Said::Nothing;
        }
        let code = codes.get(row).unwrap_or(usize::MAX);
        match self.meanings.get(code) {
            Some(Some(meaning)) => Said::Known(code, meaning),
            _ => Said::Unknown,
        }
    }
}

/// What a group is known by: codes of plan, brand, region and customer type.
type GroupKey = [Option<usize>; 4];

/// Prices the customers of a segment, a block after the other.
struct Pricing<'a> {
    catalogue: &'a CompiledCatalogue,
    binding: &'a Binding,
    terms: &'a Terms,
    reading: Reading<'a>,
    plans: Words<'a, usize>,
    brands: Words<'a, String>,
    regions: Words<'a, String>,
    customer_types: Words<'a, String>,
    groups: Vec<Group<'a>>,
    /// Place in `groups`; nothing where no rule holds.
    places: HashMap<GroupKey, Option<usize>>,
    seats: Vec<Seat>,
    screen: Screen<'a>,
}

impl<'a> Pricing<'a> {
    fn new(
        catalogue: &'a CompiledCatalogue,
        binding: &'a Binding,
        terms: &'a Terms,
        columns: &'a SegmentColumns,
    ) -> Self {
        let (usage, profile) = columns.split_at(binding.places.len().min(columns.len()));
        let mut profile = profile.iter().map(Arc::as_ref);
        let mut take = |name: &Option<String>| name.as_ref().and_then(|_| profile.next());
        let words = &catalogue.catalogue;
        let plan = take(&binding.profile.plan);
        let brand = take(&binding.profile.brand);
        let region = take(&binding.profile.region);
        let customer_type = take(&binding.profile.customer_type);
        let months = binding.template.months.len();
        Self {
            catalogue,
            binding,
            terms,
            reading: Reading::new(catalogue, binding, usage, BLOCK_ROWS),
            plans: Words::new(plan, |word| plan_called(words, word)),
            brands: Words::new(brand, |word| called(&words.brands, word)),
            regions: Words::new(region, |word| called(&words.regions, word)),
            customer_types: Words::new(customer_type, |word| called(&words.customer_types, word)),
            groups: Vec::new(),
            places: HashMap::new(),
            seats: (0..BLOCK_ROWS).map(|_| Seat::new(months)).collect(),
            screen: Screen::new(catalogue, terms.on, terms.with_add_ons),
        }
    }

    /// The answers for the rows of a block; nothing where the customer cannot be priced.
    fn block(&mut self, rows: Range<usize>) -> Vec<Option<Best>> {
        self.reading.read(rows.clone());
        for (position, row) in rows.clone().enumerate() {
            let group = self.group(row);
            if let Some(seat) = self.seats.get_mut(position) {
                let metered = self.reading.meter(position, &mut seat.metered);
                seat.group = group.filter(|_| metered.is_some());
            }
        }
        let seats = self.seats.get_mut(..rows.len()).unwrap_or_default();
        let template = &self.binding.template;
        self.screen
            .best(&self.groups, seats, template, |position, usage| {
                self.reading.fill(position, usage);
            })
    }

    /// The group of a row; nothing when the catalogue does not know one of its words, or no rule holds.
    fn group(&mut self, row: usize) -> Option<usize> {
        let plan = self.plans.said(row).known()?;
        let brand = self.brands.said(row).known()?;
        let region = self.regions.said(row).known()?;
        let customer_type = self.customer_types.said(row).known()?;
        let key = [
            plan.map(|(code, _)| code),
            brand.map(|(code, _)| code),
            region.map(|(code, _)| code),
            customer_type.map(|(code, _)| code),
        ];
        if let Some(place) = self.places.get(&key) {
            return *place;
        }
        let catalogue = &self.catalogue.catalogue;
        let plan = plan.map(|(_, index)| *index);
        let customer = Customer {
            plan,
            brand: match brand {
                Some((_, brand)) => Some(brand.clone()),
                None => plan.and_then(|plan| catalogue.plans.get(plan)?.brand.clone()),
            },
            region: region.map(|(_, region)| region.clone()),
            customer_type: customer_type.map(|(_, word)| word.clone()),
            ..Customer::default()
        };
        let rule = self.terms.rule_of(customer.region.as_deref());
        let place = rule.map(|rule| {
            let eligible = eligible(catalogue, &customer, self.terms.on);
            self.groups.push(Group {
                customer,
                rule,
                eligible_count: eligible.iter().filter(|eligible| **eligible).count(),
                eligible,
            });
            self.groups.len() - 1
        });
        self.places.insert(key, place);
        place
    }
}

/// By plan of the catalogue: whether the customer can have it; not the present one.
fn eligible(catalogue: &Catalogue, customer: &Customer, on: Date) -> Vec<bool> {
    let plans = catalogue.plans.iter().enumerate();
    plans
        .map(|(index, plan)| {
            Some(index) != customer.plan && plan_reasons(catalogue, customer, plan, on).is_empty()
        })
        .collect()
}

fn is_called(name: &Name, word: &str) -> bool {
    name.zh == word || name.en == word
}

/// The plan with this identifier, or else the only one of this name.
fn plan_called(catalogue: &Catalogue, word: &str) -> Option<usize> {
    catalogue.plan_index(word).or_else(|| {
        let mut named = (0..catalogue.plans.len())
            .filter(|index| is_called(&catalogue.plans[*index].name, word));
        named.next().filter(|_| named.next().is_none())
    })
}

/// The identifier of a word of the catalogue that is written as identifier or as name; any word where the catalogue lists none.
fn called(known: &[Word], word: &str) -> Option<String> {
    if known.is_empty() {
        return Some(word.to_owned());
    }
    let found = known
        .iter()
        .find(|entry| entry.id == word)
        .or_else(|| known.iter().find(|entry| is_called(&entry.name, word)));
    found.map(|entry| entry.id.clone())
}
