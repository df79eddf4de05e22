//! Limits of lists. Each is a named number with the reason for its size.

/// Customers that a freeze looks at after exclusions. One takes 40 bytes while it is sorted: 160 MB of the 512 that an instance has unless
/// the gateway is told otherwise.
pub const CANDIDATES_MAX: u64 = 4_000_000;

/// Customers of one list. A province's largest campaigns reach about a million; beyond, a list is split by region.
pub const MEMBERS_MAX: u64 = 2_000_000;

/// Bytes of the shown columns of all candidates, held until the pages are written.
pub const CELL_BYTES_MAX: usize = 96 << 20;

/// Columns of the dataset that a list carries for those who contact the customers.
pub const COLUMNS_MAX: usize = 12;

/// Rules of caps: some channels times the counties of a province.
pub const CAP_RULES_MAX: usize = 2_000;

/// Channels of one list; the vocabulary of channels has twelve.
pub const CHANNELS_MAX: usize = 64;

/// Regions of one list: every county of a province, several times over.
pub const REGIONS_MAX: usize = 4_096;

/// Batches of one list: a batch a day for almost three years.
pub const BATCHES_MAX: u64 = 1_000;

/// Members of one stored page: a page of about 350 kB is one quick read, and two million members are some 250 pages.
pub const PAGE_MEMBERS: usize = 8_192;

/// Longest life of a list in days: consent and facts are older than half a year by then.
pub const LIFE_DAYS_MAX: u32 = 180;

/// Life of a list when its maker does not say.
pub const LIFE_DAYS_DEFAULT: u32 = 30;

/// Keys to which one export is encrypted: the custodian, a deputy, a safe.
pub const RECIPIENTS_MAX: usize = 8;

/// Exports of one list: each has its own watermark, and tracing tries them all.
pub const EXPORTS_MAX: usize = 64;

/// Lines of a leaked file that one tracing looks at: enough to be certain by far.
pub const TRACE_LINES_MAX: usize = 20_000;

/// Customers that one key may read from a list in a minute: an agent needs a few minutes for each.
pub const READS_PER_MINUTE_MAX: i64 = 60;

/// Customers that one key may read from a list in a day (24 hours back): a counter system serves many clerks with one key, a copy of
/// the list one by one takes months.
pub const READS_PER_DAY_MAX: i64 = 5_000;

/// Seconds that a customer stays with whoever took them, unless they ask for another time: a call with its notes takes minutes, and someone who
/// went home should not keep a customer for the day.
pub const CLAIM_LEASE_S_DEFAULT: u32 = 30 * 60;

/// Shortest lease that may be asked for: no conversation is shorter.
pub const CLAIM_LEASE_S_MIN: u32 = 60;

/// Longest lease that may be asked for: a customer manager's visit on the next day.
pub const CLAIM_LEASE_S_MAX: u32 = 48 * 3_600;
