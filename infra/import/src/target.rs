//! Where the parts of a snapshot go. The gateway's command implements it over HTTP; a trial goes nowhere.

use chudian_dataset::schema::{ColumnName, Schema};
use chudian_vocabulary::Language;

/// Pages that travel together; the dataset takes them in groups of so many, counted from page 0.
pub const PAGES_TOGETHER: u64 = 256;

/// What is said of a file when its import begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Columns, the identity first.
    pub schema: Schema,
    /// A note on where the file comes from.
    pub note: String,
    /// Form of the file.
    pub format: &'static str,
    /// Encoding, for delimited files.
    pub encoding: Option<&'static str>,
    /// Sent with the beginning, so that its repetition begins no second import.
    pub idempotency_key: String,
}

/// What has arrived of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// Whether the snapshot is published already.
    pub published: bool,
    /// Columns that are there, by segment and name, with the SHA-256 of each in hexadecimal.
    pub columns: std::collections::BTreeMap<(usize, String), String>,
    /// First pages of the groups that are there, with the SHA-256 of each in hexadecimal.
    pub pages: std::collections::BTreeMap<u64, String>,
}

/// What a snapshot is when it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The dataset version.
    pub version: String,
}

/// Why a target does not take something. `text` is for people and in the language that the target was made for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct TargetError {
    /// What was refused, why, and what to do.
    pub text: String,
    /// Whether the import is unknown there, so that it has to begin anew.
    pub unknown_import: bool,
}

impl TargetError {
    /// The text; it stands in the language of the target.
    #[must_use]
    pub fn text(&self, _language: Language) -> String {
        self.text.clone()
    }
}

/// Takes the parts of a snapshot. Every call may be repeated without harm, and is tried again by the target itself where that helps.
pub trait Target: Sync {
    /// Begins an import and gives its id.
    ///
    /// # Errors
    /// When the target refuses it or cannot be reached.
    fn begin(&self, announcement: &Announcement) -> Result<String, TargetError>;

    /// What has arrived.
    ///
    /// # Errors
    /// As [`Self::begin`].
    fn arrived(&self, import: &str) -> Result<Arrived, TargetError>;

    /// Sends a column of a segment.
    ///
    /// # Errors
    /// As [`Self::begin`].
    fn put_column(
        &self,
        import: &str,
        segment: usize,
        name: &ColumnName,
        body: &[u8],
    ) -> Result<(), TargetError>;

    /// Sends the pages from `first` on, each with its length before it (little-endian, 32 bits), of a snapshot of `rows` customers.
    ///
    /// # Errors
    /// As [`Self::begin`].
    fn put_pages(
        &self,
        import: &str,
        first: u64,
        rows: u64,
        body: &[u8],
    ) -> Result<(), TargetError>;

    /// Puts the snapshot in force.
    ///
    /// # Errors
    /// As [`Self::begin`].
    fn publish(&self, import: &str) -> Result<Published, TargetError>;

    /// Gives an import up.
    ///
    /// # Errors
    /// As [`Self::begin`].
    fn give_up(&self, import: &str) -> Result<(), TargetError>;
}
