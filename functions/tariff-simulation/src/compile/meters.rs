//! Meters: the distinct questions that the plans of a catalogue ask of a month of usage.

use std::collections::HashMap;

use crate::cells::{CellSet, DayType, Kind, Measure};
use crate::plan::Catalogue;

/// How the events of a measure are rounded before they are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Profile {
    /// What is measured.
    pub measure: Measure,
    /// First increment.
    pub increment_first: i64,
    /// Further increments.
    pub increment_next: i64,
}

impl Profile {
    /// The number of events.
    pub const EVENTS: Self = Self {
        measure: Measure::Count,
        increment_first: 1,
        increment_next: 1,
    };

    /// Rounds one event; nothing stays nothing.
    #[must_use]
    #[inline]
    pub fn round(self, quantity: i64) -> i64 {
        if quantity <= self.increment_first {
            return if quantity == 0 {
                0
            } else {
                self.increment_first
            };
        }
        let further = quantity - self.increment_first;
        let steps = further / self.increment_next + i64::from(further % self.increment_next > 0);
        self.increment_first + steps * self.increment_next
    }
}

/// A question: so much usage of these cells, rounded so.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Meter {
    /// The usage.
    pub cells: CellSet,
    /// Index of its profile.
    pub profile: usize,
    /// Whether some, but not all, bands of a category count.
    pub depends_on_band: bool,
    /// Whether some, but not all, types of day of a category count.
    pub depends_on_day: bool,
}

/// All meters of a catalogue.
#[derive(Clone, Debug)]
pub struct MeterTable {
    cells: usize,
    bands: usize,
    /// Distinct profiles.
    pub profiles: Vec<Profile>,
    /// Distinct meters: first those of the plans without add-ons.
    pub meters: Vec<Meter>,
    /// How many of them plans without add-ons ask for.
    pub bare: usize,
    /// Meters that count a cell: `by_cell[cell]`.
    pub by_cell: Vec<Vec<u32>>,
    index: HashMap<(CellSet, usize), u32>,
}

impl MeterTable {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        Self {
            cells: catalogue.cells.len(),
            bands: catalogue.cells.bands.len(),
            profiles: Vec::new(),
            meters: Vec::new(),
            bare: 0,
            by_cell: Vec::new(),
            index: HashMap::new(),
        }
    }

    /// The meter for these cells and this profile; made when it is new.
    pub(super) fn meter(&mut self, cells: &CellSet, profile: Profile) -> u32 {
        let profile = match self.profiles.iter().position(|known| *known == profile) {
            Some(index) => index,
            None => {
                self.profiles.push(profile);
                self.profiles.len() - 1
            }
        };
        if let Some(index) = self.index.get(&(cells.clone(), profile)) {
            return *index;
        }
        let index = u32::try_from(self.meters.len()).unwrap_or(super::NONE_WIDE);
        let (depends_on_band, depends_on_day) = self.dependencies(cells);
        self.meters.push(Meter {
            cells: cells.clone(),
            profile,
            depends_on_band,
            depends_on_day,
        });
        self.index.insert((cells.clone(), profile), index);
        index
    }

    /// Whether membership differs between bands, or between types of day, of one category.
    fn dependencies(&self, cells: &CellSet) -> (bool, bool) {
        let days = DayType::ALL.len();
        let mut depends = (false, false);
        for cell in cells.iter() {
            let day = cell % days;
            let band = cell / days % self.bands;
            let first_of_category = cell - band * days - day;
            depends.0 |= (0..self.bands)
                .any(|other| !cells.contains(first_of_category + other * days + day));
            depends.1 |=
                (0..days).any(|other| !cells.contains(first_of_category + band * days + other));
        }
        depends
    }

    /// Builds the way back from cells to meters, after all plans were compiled.
    pub(super) fn finish(&mut self) {
        self.by_cell = vec![Vec::new(); self.cells];
        for (index, meter) in (0_u32..).zip(&self.meters) {
            for cell in meter.cells.iter() {
                if let Some(meters) = self.by_cell.get_mut(cell) {
                    meters.push(index);
                }
            }
        }
        self.index = HashMap::new();
    }

    /// Profile of unpriced usage of a kind.
    pub(super) fn plain(kind: Kind) -> Profile {
        Profile {
            measure: kind.measure(),
            increment_first: 1,
            increment_next: 1,
        }
    }
}
