//! Limits and choices of a lookalike run, each with its reason.

/// Customers that a run looks at: a byte a column each, so sixty columns take 15 MB; more would not move a share by a thousandth.
pub const SAMPLE_ROWS_MAX: u64 = 240_000;

/// Of the sample, users at most; the rest are others. When there are fewer of one, all of them are taken.
pub const SAMPLE_USERS_MAX: u64 = 80_000;

/// Columns that a run looks at.
pub const COLUMNS_MAX: usize = 200;

/// Users that each part must have: below, a share of a tenth is uncertain by more than half of itself.
pub const USERS_MIN: u64 = 50;

/// Others that each part must have.
pub const OTHERS_MIN: u64 = 50;

/// Of a thousand customers, how many are held out.
pub const HELD_OUT_PERMILLE: u16 = 400;

/// Bins of a column of numbers, without the one for no value.
pub const NUMBER_BINS_MAX: usize = 10;

/// Words of a column that have a bin of their own; the others share one.
pub const WORD_BINS_MAX: usize = 20;

/// Added to every count before a weight of evidence is taken, so that an empty bin has a finite one (Jeffreys' prior).
pub const SMOOTHING: f64 = 0.5;

/// Chance that any one of the columns looked at is called supported although it says nothing (Bonferroni over the columns).
pub const FALSE_SUPPORT_MAX: f64 = 0.01;

/// Characteristics of a score: more make it harder to explain and hardly better.
pub const SCORE_CHARACTERISTICS_MAX: usize = 10;

/// Correlation of the weights of two characteristics above which the second says what the first has said.
pub const SCORE_CORRELATION_MAX: f64 = 0.75;

/// Points of one nat of log odds.
pub const POINTS_PER_NAT: f64 = 100.0;

/// Conditions of a rule: what a person can keep in mind.
pub const RULE_CONDITIONS_MAX: usize = 3;

/// Of a thousand users, how many a rule must cover: a rule for a handful finds no prospects.
pub const RULE_COVERAGE_PERMILLE_MIN: u64 = 100;

/// Standard deviations of the intervals that claims are made from: 95 %.
pub const INTERVAL_Z: f64 = 1.959_963_984_540_054;

/// Bands of the calibration.
pub const BANDS: usize = 10;
