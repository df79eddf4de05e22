//! Every limit of an import, in one place, with its reason. Beyond a limit an import ends with an error that names it; it never
//! ends for want of memory.

/// Longest record of a delimited file. Three hundred columns of ordinary cells stay under 10 KB; what is longer is, nearly always, a
/// quotation mark that nobody closed and that swallows the rest of the file.
pub const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of a delimited file that are cut into records at a time: large enough that handing a block over costs nothing beside
/// reading it, small enough that the blocks under way stay around ten megabytes.
pub const BLOCK_BYTES: usize = 2 * 1024 * 1024;

/// Rows of a block, at most; narrow tables would otherwise make blocks of a hundred thousand rows.
pub const BLOCK_ROWS_MAX: usize = 16_384;

/// Blocks that may wait between reading and encoding: enough to hide a stall of either side, and a bound on memory.
pub const BLOCKS_WAITING: usize = 3;

/// Columns of a file: twice what a dataset may have, because files have columns that are dropped.
pub const FILE_COLUMNS_MAX: usize = 1024;

/// Distinct words of one column. A brand has five, plans have hundreds, cells of the network a hundred thousand; more is a name or an
/// identifier, which has no business in the dataset (PR-1).
pub const DISTINCT_WORDS_MAX: usize = 131_072;

/// Bytes of all distinct words of all columns together: an eighth of the memory that an import may take.
pub const DICTIONARY_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Largest figure, either sign, in the unit of the dataset: ten thousand times what the busiest line could use in a year. It leaves
/// room for sums over a hundred million customers in 64 bits.
pub const FIGURE_MAX: i64 = 10_000_000_000_000;

/// Digits of a number in a file: more than [`FIGURE_MAX`] has, with room for decimals, and few enough for exact arithmetic in 128 bits.
pub const DIGITS_MAX: usize = 30;

/// Largest mapping file: [`FILE_COLUMNS_MAX`] columns with group codes stay far below.
pub const MAPPING_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Largest state file; it holds a dozen short texts.
pub const STATE_BYTES_MAX: u64 = 64 * 1024;

/// Characters of a rejected cell that are shown.
pub const SHOWN_CHARACTERS_MAX: usize = 40;

/// Rows kept in the file of rejects. The count goes on beyond it; nobody repairs a hundred thousand rows by hand.
pub const REJECTS_KEPT_MAX: u64 = 100_000;

/// Rows that a draft of a mapping looks at: enough to meet rare values, little enough to answer at once.
pub const SUGGEST_ROWS_MAX: usize = 50_000;

/// Largest part of a workbook when unpacked. A sheet of a million rows and sixty columns has about 3 GB; the reader holds shared
/// texts in memory, which have the smaller limit.
pub const WORKBOOK_PART_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Largest shared texts of a workbook when unpacked: they are held in memory as a whole.
pub const WORKBOOK_TEXTS_BYTES_MAX: u64 = 192 * 1024 * 1024;

/// Parts of a workbook; ordinary ones have a dozen.
pub const WORKBOOK_PARTS_MAX: usize = 4_096;

/// Rows of a Parquet or Arrow batch that are turned to records at a time.
pub const BATCH_ROWS: usize = 8_192;

/// Bytes of row pages that are put together in memory at a time; with the sorted index beside them a quarter of the memory that an
/// import may take.
pub const PAGE_BUCKET_BYTES: u64 = 64 * 1024 * 1024;
