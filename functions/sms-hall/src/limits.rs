//! Every limit of the function, with its reason.

/// Largest callback body: providers push at most some hundred items of a few hundred bytes.
pub const CALLBACK_BYTES_MAX: usize = 512 * 1024;

/// Items of one callback: Aliyun pushes up to 100 receipts at a time, others fewer.
pub const CALLBACK_ITEMS_MAX: usize = 500;

/// Bytes kept of a callback that was not taken, or of an item of one: an item has a few hundred.
pub const REJECTED_DOCUMENT_BYTES_MAX: usize = 4 * 1024;

/// Rejected callbacks that are kept: what somebody would ever look through. The oldest go first.
pub const REJECTED_KEPT_MAX: i64 = 10_000;

/// With which letter the id of a rejected callback begins that makes its writer look whether too many are kept: one in 32.
pub const TRIMMING_IDS_BEGIN_WITH: char = 'a';

/// Rejected callbacks removed by one look: more than can come between two looks, four full callbacks.
pub const REJECTED_TRIMMED_MAX: i64 = 2_000;

/// Largest body of the other routes.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Longest text of a message that is sent: the providers' limit of a long message, signature included, in characters.
pub const TEXT_CHARACTERS_MAX: usize = 500;

/// Characters of an inbound message that are kept, as proof of what the customer wrote; a command has a handful.
pub const INBOUND_CHARACTERS_KEPT_MAX: usize = 200;

/// Longest id that a provider gives, in bytes: theirs have up to 64 characters.
pub const PROVIDER_ID_BYTES_MAX: usize = 128;

/// Words of one command.
pub const WORDS_MAX: usize = 32;

/// Characters of a word: somebody has to type it.
pub const WORD_CHARACTERS_MAX: usize = 16;

/// Offers in a reply: more do not fit a message.
pub const OFFERS_MAX: u32 = 3;

/// Highest number that a customer can answer with.
pub const OFFER_NUMBER_MAX: u32 = 99;

/// How long an offer can be accepted, milliseconds: a week, then its figures are of another month.
pub const OFFER_LIFE_MS: i64 = 7 * 24 * 3_600_000;

/// How often a customer who writes what nobody understands is told how to, milliseconds.
pub const HELP_PAUSE_MS: i64 = 3_600_000;

/// How long a reply to a customer is worth sending, milliseconds.
pub const REPLY_LIFE_MS: i64 = 6 * 3_600_000;

/// How long a marketing message waits for its hour, unless it says otherwise, milliseconds.
pub const MARKETING_LIFE_MS: i64 = 72 * 3_600_000;

/// Latest end of a marketing message, milliseconds from its coming: what is later is another campaign.
pub const MARKETING_LIFE_MS_MAX: i64 = 30 * 24 * 3_600_000;

/// Attempts at handing a message over, all refused before anything was done.
pub const ATTEMPTS_MAX: u32 = 6;

/// Time for a provider's answer, milliseconds. Beyond it nobody knows; well under the time that a host gives work after an answer.
pub const PROVIDER_TIME_MS_MAX: u32 = 15_000;

/// Bytes of a provider's answer.
pub const PROVIDER_ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Time for another function's answer, milliseconds.
pub const FUNCTION_TIME_MS_MAX: u32 = 10_000;

/// Bytes of another function's answer: three offers with their months take some ten kilobytes.
pub const FUNCTION_ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// How long whoever took a message may work on it, milliseconds: both times above, twice over. Afterwards it counts as dead.
pub const LEASE_MS: i64 = 60_000;

/// Messages that one call of the drain takes: it ends within a request's time even when each takes a second.
pub const RUN_MESSAGES_MAX: i64 = 50;

/// Messages that a drain sends side by side.
pub const RUN_PARALLEL_MAX: usize = 8;

/// How far the time of a signed request may lie from ours, seconds (Standard Webhooks).
pub const SIGNATURE_TOLERANCE_S: i64 = 300;

/// Signatures of one request that are looked at: one for each secret in rotation, with room.
pub const SIGNATURES_MAX: usize = 8;

/// Address ranges of a gateway: providers publish some dozens.
pub const ADDRESSES_MAX: usize = 64;

/// How long what the database said of a gateway is believed, milliseconds; also how long a change takes to be felt.
pub const GATEWAY_CACHE_MS: i64 = 3_000;

/// How long the words of commands are believed, milliseconds; also how long a change takes to be felt by other instances.
pub const COMMANDS_CACHE_MS: i64 = 3_000;

/// Gateways remembered in one instance: a province has a handful.
pub const GATEWAYS_REMEMBERED_MAX: usize = 64;

/// Failed tries of a report to the contact log before it waits longer, and the longest wait, milliseconds.
pub const EVENT_PAUSE_MS: i64 = 30_000;

/// Reports that one round sends.
pub const EVENTS_PER_ROUND_MAX: i64 = 100;

/// How long a drain begins new work, milliseconds: with a provider's whole time behind it, it still ends within a request's time.
pub const RUN_TIME_MS: i64 = 8_000;

/// How often an answer is planned anew when something changed while it was planned.
pub const ANSWER_TRIES_MAX: u32 = 3;

/// Months that are kept whatever an administrator asks: the month at hand and the one before. Providers repeat a push for minutes, a signature is good
/// for minutes and a message waits for 30 days at most, so nothing of an older month can come again or is needed still.
pub const MONTHS_KEPT_MIN: i32 = 2;

/// Months of a list: ten years.
pub const MONTHS_LISTED_MAX: usize = 120;

/// Rows deleted in one transaction when a month is forgotten; others write in between.
pub const FORGOTTEN_ROWS_PER_STEP: i64 = 2_000;

/// Steps of one request that forgets a month: it stays well under the time that a host gives a request.
pub const FORGOTTEN_STEPS_MAX: usize = 30;

/// Replies that a customer gets in a day unless the province says otherwise: nobody asks more often, and two programs that answer each other do.
pub const REPLIES_PER_DAY_DEFAULT: u32 = 20;

/// Marketing messages that a customer gets in a day unless the province says otherwise, over all campaigns.
pub const MARKETING_PER_DAY_DEFAULT: u32 = 3;

/// Highest of both limits that can be set.
pub const MESSAGES_PER_DAY_MAX: u32 = 1_000;

/// Single days with hours of their own: a year and a day.
pub const RULE_DAYS_MAX: usize = 366;

/// How long the sending rules are believed, milliseconds; also how long a change takes to be felt by other instances.
pub const RULES_CACHE_MS: i64 = 3_000;

/// How often what came of an attempt is written when the database is busy; each try waits for it as long as the host lets it.
pub const END_TRIES_MAX: u32 = 3;
