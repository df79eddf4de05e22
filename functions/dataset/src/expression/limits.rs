//! Every bound on an expression, with its reason.

/// Terms and group references of one expression, groups opened: the largest selections of the campaigns that we know of have some
/// dozens; each costs a pass over a column.
pub const TERMS_MAX: usize = 500;

/// Levels of one expression, groups not opened. Its JSON form takes two levels of a document for each and at most three for a
/// literal's object, which together stay under what the edge reads (32).
pub const DEPTH_MAX: usize = 12;

/// Levels of an expression whose groups were opened: groups within groups.
pub const DEPTH_OPENED_MAX: usize = 64;

/// Values of one list: the counties of a province, the plans of a catalogue.
pub const LIST_VALUES_MAX: usize = 2_000;

/// Longest word in a literal, bytes: as long as a word of a column may be.
pub const WORD_BYTES_MAX: usize = crate::WORD_BYTES_MAX;

/// Furthest that [`super::ast::Literal::Ago`] reaches back, in days: a hundred years, before any customer joined.
pub const AGO_DAYS_MAX: u32 = 36_525;
