//! Divides the cells into streams: what has the same rate, the same draws and the same caps is one number per month.

use std::collections::HashMap;

use super::meters::{MeterTable, Profile};
use super::tables::{
    BucketRow, DrawRow, NONE, NONE_WIDE, QuantityCapRow, StreamRow, StreamTable, Variant,
};
use crate::cells::{Cell, CellSet};
use crate::limits::FACTOR_ONE;
use crate::number::{greatest_common_divisor, least_common_multiple};
use crate::plan::{AddOn, Allowance, AtCap, Catalogue, Plan, Rate};

/// A rate with the cells that remain to it.
#[derive(Clone, Debug)]
pub(super) struct EffectiveRate<'a> {
    /// The rate.
    pub(super) rate: &'a Rate,
    /// Slot of its add-on, or [`NONE`].
    pub(super) slot: u16,
    /// Position in its list.
    pub(super) index: usize,
    /// Cells that no add-on's rate took over.
    pub(super) cells: CellSet,
}

/// The plan's rates less what add-ons take over, then the add-ons' own.
pub(super) fn effective_rates<'a>(
    catalogue: &Catalogue,
    plan: &'a Plan,
    add_ons: &[(usize, &'a AddOn)],
) -> Vec<EffectiveRate<'a>> {
    let cells = catalogue.cells.len();
    let mut taken = CellSet::empty(cells);
    for (_, add_on) in add_ons {
        for rate in &add_on.rates {
            taken.extend(&rate.cells);
        }
    }
    let own = plan.rates.iter().enumerate().filter_map(|(index, rate)| {
        let mut left = CellSet::empty(cells);
        rate.cells
            .iter()
            .filter(|cell| !taken.contains(*cell))
            .for_each(|cell| left.insert(cell));
        (!left.is_empty()).then_some(EffectiveRate {
            rate,
            slot: NONE,
            index,
            cells: left,
        })
    });
    let added = add_ons.iter().flat_map(|(slot, add_on)| {
        add_on
            .rates
            .iter()
            .enumerate()
            .map(|(index, rate)| EffectiveRate {
                rate,
                slot: index_of(*slot),
                index,
                cells: rate.cells.clone(),
            })
    });
    own.chain(added).collect()
}

/// An index that fits because the limits on counts are far below 65,535.
pub(super) fn index_of(position: usize) -> u16 {
    u16::try_from(position).unwrap_or(NONE)
}

fn wide_index_of(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(NONE_WIDE)
}

struct Bucket<'a> {
    allowance: &'a Allowance,
    row: BucketRow,
}

/// Adds buckets, caps and streams to the variant.
pub(super) fn compile(
    catalogue: &Catalogue,
    plan: &Plan,
    add_ons: &[(usize, &AddOn)],
    rates: &[EffectiveRate<'_>],
    meters: &mut MeterTable,
    variant: &mut Variant,
) {
    let buckets = buckets(plan, add_ons, variant);
    let cap_cells = quantity_caps(plan, rates, variant);
    let table = StreamBuilder {
        catalogue,
        rates,
        buckets: &buckets,
        cap_cells: &cap_cells,
    };
    variant.own = table.build(false, meters, variant);
    if plan.family.is_some() {
        variant.members = table.build(true, meters, variant);
    }
    variant.buckets = buckets.into_iter().map(|bucket| bucket.row).collect();
    variant.rolls_over = variant
        .buckets
        .iter()
        .any(|bucket| bucket.rollover_months > 0);
}

/// Allowances in the order of drawing, with their pots laid out.
fn buckets<'a>(
    plan: &'a Plan,
    add_ons: &[(usize, &'a AddOn)],
    variant: &mut Variant,
) -> Vec<Bucket<'a>> {
    let own = plan
        .allowances
        .iter()
        .enumerate()
        .map(|(index, allowance)| (allowance, NONE, index));
    let added = add_ons.iter().flat_map(|(slot, add_on)| {
        add_on
            .allowances
            .iter()
            .enumerate()
            .map(|(index, allowance)| (allowance, index_of(*slot), index))
    });
    let mut ordered: Vec<(&Allowance, u16, usize)> = own.chain(added).collect();
    // Slots are below NONE, so that add-ons come before the plan's own allowances of the same priority.
    ordered.sort_by_key(|(allowance, slot, index)| (allowance.priority, *slot, *index));
    ordered
        .into_iter()
        .map(|(allowance, slot, index)| {
            let scale = allowance
                .covers
                .iter()
                .map(|cover| {
                    i128::from(FACTOR_ONE).div_euclid(greatest_common_divisor(
                        i128::from(cover.factor_ten_thousandths),
                        i128::from(FACTOR_ONE),
                    ))
                })
                .fold(1, least_common_multiple);
            // At most FACTOR_ONE, because each term divides it.
            let scale = i64::try_from(scale).unwrap_or(FACTOR_ONE);
            let first_pot = index_of(variant.pots);
            let rollover_months = allowance
                .rollover
                .map_or(0, |rollover| u16::try_from(rollover.months).unwrap_or(0));
            let carried_first = allowance
                .rollover
                .is_none_or(|rollover| rollover.carried_first);
            variant.pots += 1 + usize::from(rollover_months);
            let row = BucketRow {
                grant_scaled: allowance.amount * scale,
                scale,
                current_pot: if carried_first {
                    first_pot + rollover_months
                } else {
                    first_pot
                },
                first_pot,
                rollover_months,
                oldest_pot: if carried_first {
                    first_pot
                } else {
                    first_pot + 1
                },
                carry_max_scaled: allowance
                    .rollover
                    .and_then(|rollover| rollover.amount_max)
                    .map_or(i64::MAX, |amount| amount * scale),
                slot,
                index: index_of(index),
                once: allowance.once,
                first_months: allowance.first_months.unwrap_or(u32::MAX),
                always: slot == NONE
                    && !allowance.once
                    && allowance.first_months.is_none()
                    && !plan.prorate_allowances,
            };
            Bucket { allowance, row }
        })
        .collect()
}

/// Caps of the plan, then of single rates; returns the cells of each.
fn quantity_caps(plan: &Plan, rates: &[EffectiveRate<'_>], variant: &mut Variant) -> Vec<CellSet> {
    let mut cells = Vec::new();
    let mut push = |quantity: i64, then: AtCap, of: &CellSet| {
        variant
            .quantity_caps
            .push(QuantityCapRow { quantity, then });
        cells.push(of.clone());
    };
    for cap in &plan.quantity_caps {
        push(cap.quantity, cap.then, &cap.cells);
    }
    for effective in rates {
        if let Some((quantity, then)) = effective.rate.quantity_cap {
            push(quantity, then, &effective.cells);
        }
    }
    cells
}

/// What makes two cells the same stream.
#[derive(PartialEq, Eq, Hash)]
struct StreamKey {
    rate: u16,
    kind: crate::cells::Kind,
    profile: Profile,
    draws: Vec<(u16, i64)>,
    caps: Vec<u16>,
}

struct StreamBuilder<'a> {
    catalogue: &'a Catalogue,
    rates: &'a [EffectiveRate<'a>],
    buckets: &'a [Bucket<'a>],
    cap_cells: &'a [CellSet],
}

impl StreamBuilder<'_> {
    fn build(
        &self,
        shared_only: bool,
        meters: &mut MeterTable,
        variant: &mut Variant,
    ) -> StreamTable {
        let cell_count = self.catalogue.cells.len();
        let mut order: Vec<(StreamKey, CellSet)> = Vec::new();
        let mut known: HashMap<StreamKey, usize> = HashMap::new();
        for cell in 0..cell_count {
            let key = self.key(cell, shared_only);
            let position = match known.get(&key) {
                Some(position) => *position,
                None => {
                    order.push((self.key(cell, shared_only), CellSet::empty(cell_count)));
                    known.insert(key, order.len() - 1);
                    order.len() - 1
                }
            };
            if let Some((_, cells)) = order.get_mut(position) {
                cells.insert(cell);
            }
        }
        // Cells were visited in ascending order, so a stable sort by rate leaves streams of one rate in the order of their first cells.
        order.sort_by_key(|(key, _)| (!self.is_active(key), key.rate));
        let mut table = StreamTable {
            rows: Vec::new(),
            active: 0,
            meters: Vec::new(),
            by_cell: vec![NONE; cell_count],
        };
        for (key, cells) in order {
            table.active += usize::from(self.is_active(&key));
            for cell in cells.iter() {
                if let Some(stream) = table.by_cell.get_mut(cell) {
                    *stream = index_of(table.rows.len());
                }
            }
            table.meters.push(meters.meter(&cells, key.profile));
            table.rows.push(self.row(&key, &cells, meters, variant));
        }
        table
    }

    fn key(&self, cell: Cell, shared_only: bool) -> StreamKey {
        let kind = self.catalogue.cells.kind_of(cell);
        let rate = self
            .rates
            .iter()
            .position(|effective| effective.cells.contains(cell));
        let profile = match rate.and_then(|index| self.rates.get(index)) {
            Some(effective) => Profile {
                measure: effective.rate.measure,
                increment_first: effective.rate.increment_first,
                increment_next: effective.rate.increment_next,
            },
            None => MeterTable::plain(kind),
        };
        let mut draws = Vec::new();
        for bucket in self
            .buckets
            .iter()
            .filter(|bucket| bucket.allowance.shared_in_family || !shared_only)
        {
            if let Some(cover) = bucket
                .allowance
                .covers
                .iter()
                .find(|cover| cover.cells.contains(cell))
            {
                let weight = cover.factor_ten_thousandths * bucket.row.scale / FACTOR_ONE;
                draws.extend(
                    (0..=bucket.row.rollover_months)
                        .map(|age| (bucket.row.first_pot + age, weight)),
                );
            }
        }
        let caps = (0..self.cap_cells.len())
            .filter(|cap| self.cap_cells[*cap].contains(cell))
            .map(index_of)
            .collect();
        StreamKey {
            rate: rate.map_or(NONE, index_of),
            kind,
            profile,
            draws,
            caps,
        }
    }

    /// Whether the stream can change what something costs.
    fn is_active(&self, key: &StreamKey) -> bool {
        let costs = self
            .rates
            .get(usize::from(key.rate))
            .is_some_and(|effective| {
                let rate = effective.rate;
                rate.setup_price > 0
                    || rate.event_minimum_fen.unwrap_or(0) > 0
                    || rate
                        .tiers
                        .iter()
                        .any(|tier| tier.price > 0 || tier.flat > 0)
            });
        costs || !key.draws.is_empty() || !key.caps.is_empty()
    }

    fn row(
        &self,
        key: &StreamKey,
        cells: &CellSet,
        meters: &mut MeterTable,
        variant: &mut Variant,
    ) -> StreamRow {
        let draws_from = wide_index_of(variant.draws.len());
        variant
            .draws
            .extend(key.draws.iter().map(|(pot, weight)| DrawRow {
                pot: *pot,
                weight: *weight,
            }));
        let caps_from = wide_index_of(variant.cap_refs.len());
        variant.cap_refs.extend(&key.caps);
        let needs_events = self
            .rates
            .get(usize::from(key.rate))
            .is_some_and(|effective| effective.rate.setup_price > 0 || effective.rate.over_event);
        StreamRow {
            count_meter: if needs_events {
                meters.meter(cells, Profile::EVENTS)
            } else {
                NONE_WIDE
            },
            rate: key.rate,
            draws_from,
            draws_until: wide_index_of(variant.draws.len()),
            caps_from,
            caps_until: wide_index_of(variant.cap_refs.len()),
            kind: key.kind,
            profile: key.profile,
        }
    }
}
