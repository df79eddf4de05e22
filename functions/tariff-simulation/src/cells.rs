//! The space of usage: every combination of kind, category, time band and type of day is one *cell*.
//!
//! Plans, allowances and usage all speak in sets of cells, so that "which price applies" is settled once, when a plan is compiled,
//! by set operations, and never while pricing.

use chudian_vocabulary::{Date, Name, Weekday};

/// A kind of usage (TS-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Calls.
    Voice,
    /// Mobile data.
    Data,
    /// Text messages.
    Sms,
    /// Multimedia messages.
    Mms,
    /// Public WLAN.
    Wlan,
}

impl Kind {
    /// All kinds, in the order of cells.
    pub const ALL: [Self; 5] = [Self::Voice, Self::Data, Self::Sms, Self::Mms, Self::Wlan];

    /// Position in [`Kind::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Identifier in documents.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Data => "data",
            Self::Sms => "sms",
            Self::Mms => "mms",
            Self::Wlan => "wlan",
        }
    }

    /// What people call it.
    #[must_use]
    pub fn name(self) -> Name {
        match self {
            Self::Voice => Name::new("语音", "Voice"),
            Self::Data => Name::new("流量", "Data"),
            Self::Sms => Name::new("短信", "SMS"),
            Self::Mms => Name::new("彩信", "MMS"),
            Self::Wlan => Name::new("WLAN", "WLAN"),
        }
    }

    /// What is measured unless a rate says otherwise.
    #[must_use]
    pub const fn measure(self) -> Measure {
        match self {
            Self::Voice | Self::Wlan => Measure::Seconds,
            Self::Data => Measure::Kb,
            Self::Sms | Self::Mms => Measure::Count,
        }
    }

    /// Whether usage of this kind can be measured so.
    #[must_use]
    pub const fn has(self, measure: Measure) -> bool {
        match measure {
            Measure::Count => true,
            Measure::Seconds => matches!(self, Self::Voice | Self::Wlan),
            Measure::Kb => matches!(self, Self::Data | Self::Wlan),
        }
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Duration, seconds.
    Seconds,
    /// Volume, KB of 1,024 bytes.
    Kb,
    /// Calls, sessions, messages.
    Count,
}

impl Measure {
    /// Identifier in documents.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Kb => "kb",
            Self::Count => "count",
        }
    }
}

/// A type of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DayType {
    /// Monday to Friday, and make-up working days.
    Workday,
    /// Saturday and Sunday.
    Weekend,
    /// A public holiday.
    Holiday,
}

impl DayType {
    /// All types, in the order of cells.
    pub const ALL: [Self; 3] = [Self::Workday, Self::Weekend, Self::Holiday];

    /// Position in [`DayType::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// An identifier with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub name: Name,
}

/// Seconds of a day.
pub const DAY_SECONDS: u32 = 86_400;

/// Start of a band on a type of day, seconds from midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BandStart {
    /// Seconds from midnight.
    pub from_seconds: u32,
    /// Index of the band.
    pub band: usize,
}

/// Index of a cell.
pub type Cell = usize;

/// The cells of one catalogue, and the calendar that assigns moments to bands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellSpace {
    /// Categories by kind, in the order of [`Kind::ALL`].
    pub categories: [Vec<Word>; 5],
    /// Time bands; the first one is the default.
    pub bands: Vec<Word>,
    /// The course of each type of day: sorted starts, the first at midnight.
    pub days: [Vec<BandStart>; 3],
    /// Public holidays, sorted.
    pub holidays: Vec<Date>,
    /// Make-up working days, sorted.
    pub extra_workdays: Vec<Date>,
}

impl CellSpace {
    /// Number of cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.categories.iter().map(Vec::len).sum::<usize>() * self.bands.len() * DayType::ALL.len()
    }

    /// Whether there is no cell at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cell of a combination; the indices are those of this space.
    #[must_use]
    pub fn cell(&self, kind: Kind, category: usize, band: usize, day_type: DayType) -> Cell {
        let before: usize = self.categories[..kind.index()].iter().map(Vec::len).sum();
        ((before + category) * self.bands.len() + band) * DayType::ALL.len() + day_type.index()
    }

    /// The kind of a cell.
    #[must_use]
    pub fn kind_of(&self, cell: Cell) -> Kind {
        let mut category = cell / (self.bands.len() * DayType::ALL.len());
        for kind in Kind::ALL {
            let count = self.categories[kind.index()].len();
            if category < count {
                return kind;
            }
            category -= count;
        }
        Kind::Wlan
    }

    /// What people call the category of a cell.
    #[must_use]
    pub fn category_of(&self, cell: Cell) -> Option<&Word> {
        let category = cell / (self.bands.len() * DayType::ALL.len());
        self.categories.iter().flatten().nth(category)
    }

    /// The type of a day: a holiday before a make-up working day before the day of the week.
    #[must_use]
    pub fn day_type(&self, date: Date) -> DayType {
        if self.holidays.binary_search(&date).is_ok() {
            DayType::Holiday
        } else if self.extra_workdays.binary_search(&date).is_ok()
            || !matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
        {
            DayType::Workday
        } else {
            DayType::Weekend
        }
    }
}

/// A set of cells.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct CellSet {
    words: Vec<u64>,
}

impl CellSet {
    /// The empty set over `cells` cells.
    #[must_use]
    pub fn empty(cells: usize) -> Self {
        Self {
            words: vec![0; cells.div_ceil(64)],
        }
    }

    /// Adds a cell of the space for which the set was made.
    pub fn insert(&mut self, cell: Cell) {
        if let Some(word) = self.words.get_mut(cell / 64) {
            *word |= 1 << (cell % 64);
        }
    }

    /// Whether the cell is in the set.
    #[must_use]
    pub fn contains(&self, cell: Cell) -> bool {
        self.words
            .get(cell / 64)
            .is_some_and(|word| word >> (cell % 64) & 1 == 1)
    }

    /// The first cell that both sets have.
    #[must_use]
    pub fn first_common(&self, other: &Self) -> Option<Cell> {
        self.iter().find(|cell| other.contains(*cell))
    }

    /// Adds all cells of `other`.
    pub fn extend(&mut self, other: &Self) {
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
    }

    /// Whether no cell is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The cells in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Cell> + '_ {
        self.words.iter().enumerate().flat_map(|(index, word)| {
            (0..64)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| index * 64 + bit)
        })
    }
}
