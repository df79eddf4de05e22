//! Every limit of the function that is not the dataset's own, with its reason.

/// Largest body of a schema: 512 columns with titles and groups take about half.
pub const SCHEMA_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Row pages of one upload: at sixty columns about five megabytes, and few enough requests for a million customers (62).
pub const PAGES_PER_PART: u64 = 256;

/// Largest upload of row pages: three times what sixty columns take.
pub const PAGES_BYTES_MAX: usize = 16 * 1024 * 1024;

/// After this time an unfinished part with other bytes is taken to be dead; longer than any host lets a request run.
pub const PART_CLAIM_LIFE_S: i64 = 120;

/// Seconds to wait before a part that another request is writing is sent again.
pub const PART_RETRY_AFTER_S: u32 = 2;

/// Imports without any change for so long are given up: longer than a long holiday's weekend.
pub const IMPORT_ABANDONED_AFTER_S: i64 = 7 * 24 * 3600;

/// Snapshots that are kept when the variable says nothing: the present month's and two before it.
pub const SNAPSHOTS_KEPT_DEFAULT: u64 = 3;

/// Most snapshots that may be kept: a year of them by month, and the store has to hold them.
pub const SNAPSHOTS_KEPT_MAX: u64 = 24;

/// Values removed by one sweep: under a second of work of the store.
pub const SWEEP_VALUES_MAX: u64 = 512;

/// Groups smaller than this are suppressed in what leaves the department.
pub const SMALL_GROUP_MAX: u64 = 9;

/// Bins of a histogram when the caller does not say.
pub const BINS_DEFAULT: u32 = 20;

/// Most bins of a histogram: what a chart can show.
pub const BINS_MAX: u32 = 100;

/// Most words that a distribution lists; the rest is counted together.
pub const WORDS_SHOWN_MAX: usize = 100;

/// Distinct words that a distribution counts apart before it says that there are too many: more is not a distribution but a list.
pub const WORDS_COUNTED_MAX: usize = 200_000;

/// Rows of a preview when the caller does not say.
pub const PREVIEW_ROWS_DEFAULT: usize = 10;

/// Most rows of a preview: a look, not an export.
pub const PREVIEW_ROWS_MAX: usize = 50;

/// Most columns of a preview; each is read for a whole segment.
pub const PREVIEW_COLUMNS_MAX: usize = 64;

/// Longest note about an upload's source.
pub const NOTE_CHARACTERS_MAX: usize = 500;

/// Longest name of a format or an encoding.
pub const FORMAT_CHARACTERS_MAX: usize = 40;
