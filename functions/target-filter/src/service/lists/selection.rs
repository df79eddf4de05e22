//! Where the customers of a list come from.
//!
//! A list needs to know which rows are selected, not how: the selecting half of the function implements [`Selector`].

use async_trait::async_trait;
use chudian_dataset::bitmap::Bitmap;
use chudian_dataset::version::DatasetVersion;
use chudian_runtime::dataset::SnapshotReader;
use chudian_runtime::problem::Problem;
use chudian_vocabulary::Region;
use serde_json::Value;

use crate::lists::caps::MessageClass;

/// What a list asks for.
#[derive(Clone, Debug)]
pub struct SelectionQuestion<'a> {
    /// The member `selection` of the request, as it was sent.
    pub selection: &'a Value,
    /// The dataset version to read; `None` for the one in force.
    pub dataset: Option<DatasetVersion>,
    /// The moment at which time windows end, seconds since 1970.
    pub as_of_unix_s: i64,
    /// Kind of message: exclusions that are caps do not touch service messages.
    pub class: MessageClass,
    /// Only customers of this region.
    pub region: Option<&'a Region>,
    /// Versions that an earlier freezing used, when a list is made again: the same ones, also when newer ones are in force.
    pub again: Option<&'a Versions>,
}

/// What a selection hung on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Version of the rule.
    pub rule: String,
    /// Version of the exclusion set.
    pub exclusions: String,
    /// Up to where contacts were known.
    pub contact_horizon: Option<String>,
}

/// Who is selected and not excluded.
pub struct Selection {
    /// Reads the dataset version from which the rows come.
    pub reader: SnapshotReader,
    /// The rule in its canonical text.
    pub rule: String,
    /// What the selection hung on.
    pub versions: Versions,
    /// The selected rows of each segment, in order of the segments.
    pub segments: Vec<Bitmap>,
    /// What the rule selected and what each exclusion removed of it, in order: a name and a count.
    pub waterfall: Vec<(String, u64)>,
}

/// Selects customers.
#[async_trait]
pub trait Selector: Send + Sync {
    /// Answers the question, or says with pointers below `/selection` what is wrong with it.
    async fn select(&self, question: &SelectionQuestion<'_>) -> Result<Selection, Problem>;
}
