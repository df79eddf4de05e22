//! From columns to meters: what the rows of a segment say, as the numbers that plans ask for.
//!
//! Columns are read a block of rows at a time, because a column is one slice of one width: what it is, is decided once a block.
//! Which meters a line of the mapping moves is the same for every customer and found when the batch begins to read.

use std::ops::Range;
use std::sync::Arc;

use chudian_dataset::column::{ColumnData, IntegerSlice, widened};
use chudian_dataset::with_integers;

use super::mapping::{Binding, UsageFieldJson};
use crate::compile::CompiledCatalogue;
use crate::limits::{METER_MAX, USAGE_QUANTITY_MAX};
use crate::metering::{LineMeters, MeteredMonth, line_bound};
use crate::usage::{CustomerUsage, UsageLine};

/// A line of one month of the mapping.
struct MappedLine {
    /// The line, with the figures of the customer that is being metered.
    line: UsageLine,
    /// Its fields, by the place of their column.
    fields: Vec<(usize, UsageFieldJson)>,
    meters: LineMeters,
}

/// Reads the usage columns of one segment.
pub(super) struct Reading<'a> {
    catalogue: &'a CompiledCatalogue,
    binding: &'a Binding,
    columns: &'a [Arc<ColumnData>],
    months: Vec<Vec<MappedLine>>,
    increment_max: i64,
    /// Rows of a block.
    block_rows: usize,
    /// Figures of the block, column by column.
    quantities: Vec<i64>,
    /// Rows of the block with a figure that is missing or out of bounds.
    unusable: Vec<bool>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        catalogue: &'a CompiledCatalogue,
        binding: &'a Binding,
        columns: &'a [Arc<ColumnData>],
        block_rows: usize,
    ) -> Self {
        let months = binding.template.months.iter().enumerate();
        let months = months.map(|(month, usage)| {
            let lines = usage.lines.iter().enumerate();
            lines
                .map(|(number, line)| {
                    let places = binding.places.iter().enumerate();
                    MappedLine {
                        line: line.clone(),
                        fields: places
                            .filter(|(_, place)| (place.month, place.line) == (month, number))
                            .map(|(column, place)| (column, place.field))
                            .collect(),
                        meters: LineMeters::of(catalogue, line),
                    }
                })
                .collect()
        });
        Self {
            catalogue,
            binding,
            columns,
            months: months.collect(),
            increment_max: catalogue.increment_max(),
            block_rows,
            quantities: vec![0; binding.places.len() * block_rows],
            unusable: vec![false; block_rows],
        }
    }

    /// Reads a block: at most as many rows as were announced.
    pub(super) fn read(&mut self, rows: Range<usize>) {
        self.unusable
            .fill(self.columns.len() < self.binding.places.len());
        for (column, quantities) in self
            .columns
            .iter()
            .zip(self.quantities.chunks_exact_mut(self.block_rows))
        {
            match column.as_ref() {
                ColumnData::Integers { values, .. } if rows.end <= values.len() => {
                    copy(values, rows.start, quantities, rows.len());
                }
                _ => {
                    self.unusable.fill(true);
                    return;
                }
            }
            if let Some(validity) = column.validity() {
                for (row, quantity) in rows.clone().zip(&mut *quantities) {
                    if !validity.get(row) {
                        *quantity = 0;
                    }
                }
            }
            for (quantity, unusable) in quantities.iter().zip(&mut self.unusable) {
                *unusable |= !is_possible(*quantity);
            }
        }
    }

    /// Meters what a row of the block uses for plans without add-ons, month by month; nothing when it cannot be priced.
    pub(super) fn meter(&mut self, position: usize, metered: &mut [MeteredMonth]) -> Option<()> {
        if self.unusable.get(position).is_none_or(|unusable| *unusable) {
            return None;
        }
        let meters = self.catalogue.meters.bare;
        for (month, metered) in self.months.iter_mut().zip(metered) {
            metered.meters.resize(meters, 0);
            metered.estimated.clear();
            for meter in &mut metered.meters {
                *meter = 0;
            }
            let mut bound = 0;
            for mapped in month.iter_mut() {
                let mut is_used = false;
                for (column, field) in &mapped.fields {
                    let place = column * self.block_rows + position;
                    let quantity = self.quantities.get(place).copied().unwrap_or(0);
                    is_used |= quantity > 0;
                    set(&mut mapped.line, *field, quantity);
                }
                if is_used {
                    mapped.meters.add(&mapped.line, &mut metered.meters);
                    bound += line_bound(&mapped.line, self.increment_max);
                }
            }
            if bound > METER_MAX {
                // Rare: asked meter by meter, also those of add-ons, as a single comparison asks them.
                let lines: Vec<UsageLine> =
                    month.iter().map(|mapped| mapped.line.clone()).collect();
                self.catalogue.meter_lines(&lines, metered).ok()?;
            }
        }
        Some(())
    }

    /// Writes the figures of a row of the block into a usage with the lines of the mapping.
    pub(super) fn fill(&self, position: usize, usage: &mut CustomerUsage) {
        for (column, place) in self.binding.places.iter().enumerate() {
            let quantity = self.quantities.get(column * self.block_rows + position);
            let month = usage.months.get_mut(place.month);
            let line = month.and_then(|month| month.lines.get_mut(place.line));
            if let (Some(quantity), Some(line)) = (quantity, line) {
                set(line, place.field, *quantity);
            }
        }
    }
}

fn is_possible(quantity: i64) -> bool {
    u64::try_from(quantity).is_ok_and(|quantity| quantity <= USAGE_QUANTITY_MAX)
}

fn set(line: &mut UsageLine, field: UsageFieldJson, quantity: i64) {
    match field {
        UsageFieldJson::Seconds => line.seconds = Some(quantity),
        UsageFieldJson::Kb => line.kb = Some(quantity),
        UsageFieldJson::Count => line.count = Some(quantity),
    }
}

/// Widens so many values from a row on.
fn copy(values: &IntegerSlice, from: usize, quantities: &mut [i64], count: usize) {
    with_integers!(values, |values| {
        let values = values.iter().skip(from).take(count);
        for (quantity, value) in quantities.iter_mut().zip(values) {
            *quantity = widened(*value);
        }
    });
}
