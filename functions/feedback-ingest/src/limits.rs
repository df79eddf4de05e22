//! Every bound on what is accepted, with its reason.

/// Events of one batch. Four times the batch that senders are advised to use (500); more would make others wait for one commit.
pub const BATCH_EVENTS_MAX: usize = 2_000;

/// Largest body, bytes: a full batch of events with long texts.
pub const BODY_BYTES_MAX: usize = 4 << 20;

/// Largest single event, bytes: the size that CloudEvents asks every intermediary to forward (specification 1.0.2, "Size Limits").
pub const EVENT_BYTES_MAX: usize = 64 << 10;

/// Longest CloudEvents `id`, bytes: a UUID with a long prefix.
pub const EVENT_ID_BYTES_MAX: usize = 128;

/// Longest CloudEvents `source`, bytes: a URI with a path.
pub const EVENT_SOURCE_BYTES_MAX: usize = 256;

/// Longest content of a contact, characters: a clerk's note of a page.
pub const CONTENT_CHARACTERS_MAX: usize = 2_000;

/// Longest reason, characters: one sentence.
pub const REASON_CHARACTERS_MAX: usize = 200;

/// Longest page address, characters.
pub const PAGE_CHARACTERS_MAX: usize = 256;

/// Keys pressed at one point of a voice menu: the longest input there is, an identity number, with room.
pub const KEYS_CHARACTERS_MAX: usize = 32;

/// Longest duration of a contact, seconds: a day.
pub const DURATION_S_MAX: i64 = 86_400;

/// Milliseconds of an hour and of a day.
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How far a sender's clock may be ahead without remark: clocks that are set by a time server differ by less.
pub const CLOCK_AHEAD_UNREMARKED_MS: i64 = 5 * 60_000;

/// How far an event may lie in the future at all. A day covers a clock in the wrong time zone; beyond it the time is wrong in
/// itself and would count on a day that has not come.
pub const CLOCK_AHEAD_MS_MAX: i64 = DAY_MS;

/// An event older than this on arrival is marked late: reports of its day have been read by then.
pub const LATE_AFTER_MS: i64 = DAY_MS;

/// An event older than this on arrival is marked very old: longer than the longest window of a report (a year and a month).
pub const VERY_OLD_AFTER_MS: i64 = 400 * DAY_MS;

/// Events that one commit takes at most; more wait for the next, which follows at once.
pub const COMMIT_EVENTS_MAX: usize = 2_000;

/// Events that may wait for a commit in one instance: a few commits' worth, which a waiting client will still see answered.
pub const QUEUE_EVENTS_MAX: usize = 8_000;

/// Bytes of requests that may wait for a commit in one instance, whatever their number of events.
pub const QUEUE_BYTES_MAX: usize = 16 << 20;

/// Seconds after which a sender may try again when the queue is full: longer than the queue takes to drain.
pub const QUEUE_RETRY_AFTER_S: u32 = 2;

/// Rows of one statement. Few sizes of statement are used, powers of two up to this, so that every database keeps them prepared; 128
/// rows of sixteen values stay far below the 32,766 parameters that SQLite takes.
pub const STATEMENT_ROWS_MAX: usize = 128;

/// How often a commit is tried again when another instance stored one of its events in the same moment.
pub const COMMIT_ATTEMPTS_MAX: usize = 4;

/// Rejected events that are kept: a day of a sender that sends nothing right, at one a second. The oldest go first.
pub const REJECTED_KEPT_MAX: i64 = 100_000;

/// With which letter the id of a rejected event begins that makes its commit look whether too many are kept: one in 32, since counting costs more
/// than it frees. The ids decide, because an instance may live too short to count its commits.
pub const TRIMMING_IDS_BEGIN_WITH: char = 'a';

/// Rejected events removed by one look: twice what a commit can bring, so that the number kept is bounded whoever sends.
pub const REJECTED_TRIMMED_MAX: i64 = 2 * COMMIT_EVENTS_MAX as i64;

/// Bytes kept of a rejected event; a longer one can be repaired but not replayed as it is.
pub const REJECTED_DOCUMENT_BYTES_MAX: usize = 16 << 10;

/// Faults told of one event: an event has fewer fields than this.
pub const FAULTS_MAX: usize = 32;

/// Stripes of the daily sums on PostgreSQL: concurrent instances add to rows of their own and do not wait for each other. A province
/// runs a handful of instances; more stripes would only make more rows.
pub const TALLY_STRIPES: i64 = 8;

/// Months that are kept whatever an administrator asks: the month at hand and the one before, which late events still reach.
pub const MONTHS_KEPT_MIN: i32 = 2;

/// Rows deleted in one transaction when a month is forgotten; others write in between.
pub const FORGOTTEN_ROWS_PER_STEP: i64 = 5_000;

/// Steps of one request that forgets a month: it stays well under the time that a host gives a request.
pub const FORGOTTEN_STEPS_MAX: usize = 20;

/// Customers on a page of contact features. With five hundred columns an answer stays below 2 MB, and a page takes well under a second.
pub const FEATURE_CUSTOMERS_MAX: u32 = 500;

/// Columns of one request for contact features: what a layer of the dataset may have, less some room for others.
pub const FEATURE_COLUMNS_MAX: usize = 480;

/// Combinations of channel, kind and business that are looked at for a layout of columns; a province has some thousand.
pub const FEATURE_OCCURRENCES_MAX: i64 = 50_000;

/// How long a commit may take to show its events after their stamp; a horizon lies so far back.
pub const SETTLING_MS: i64 = 60_000;
