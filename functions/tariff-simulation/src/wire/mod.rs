//! The JSON forms of catalogues, usage, requests and results, and the way between them and the domain.
//!
//! The domain modules know nothing of JSON; this module knows nothing of prices. A form is read in two steps: the
//! serde types of this module settle the shape, then the readers in this module settle the meaning and build the
//! domain types. A document of the wrong shape is walked once more against the derived schema (`runtime::problem::shape`), so that
//! its reader learns all mistakes at once, each with its place.

pub mod bill;
pub mod catalogue;
mod errors;
mod read;
pub mod usage;

pub use errors::FieldError;
pub use read::held::quantities_from;

use chudian_runtime::problem::document::{self, JSON_DEPTH_MAX, Unreadable};
use chudian_runtime::problem::shape::Shapes;
use chudian_vocabulary::Name;
use errors::{At, Findings};

use crate::limits::{CATALOGUE_BYTES_MAX, USAGE_BYTES_MAX};
use crate::plan::{Catalogue, RankingRule};
use crate::usage::CustomerUsage;

/// A catalogue that was accepted, with what is doubtful about it.
#[derive(Clone, Debug)]
pub struct ParsedCatalogue {
    /// The catalogue.
    pub catalogue: Catalogue,
    /// Things to look at: usage without a price, parts without effect.
    pub warnings: Vec<FieldError>,
}

/// Reads and checks a catalogue document.
///
/// # Errors
/// Everything that is wrong with it: mistakes of shape if there are any, else mistakes of meaning.
pub fn parse_catalogue(bytes: &[u8]) -> Result<ParsedCatalogue, Vec<FieldError>> {
    catalogue_from(&read_shape(bytes, CATALOGUE_BYTES_MAX)?)
}

/// Checks a catalogue that has the right shape.
///
/// # Errors
/// Every mistake of meaning.
pub fn catalogue_from(json: &catalogue::CatalogueJson) -> Result<ParsedCatalogue, Vec<FieldError>> {
    let mut findings = Findings::default();
    let catalogue = read::read_catalogue(json, &mut findings);
    if findings.errors.is_empty() {
        Ok(ParsedCatalogue {
            catalogue,
            warnings: findings.warnings,
        })
    } else {
        Err(findings.errors)
    }
}

/// Reads and checks a usage document in the words of a catalogue.
///
/// # Errors
/// As [`parse_catalogue`].
pub fn parse_usage(bytes: &[u8], catalogue: &Catalogue) -> Result<CustomerUsage, Vec<FieldError>> {
    usage_from(&read_shape(bytes, USAGE_BYTES_MAX)?, catalogue)
}

/// Checks usage that has the right shape.
///
/// # Errors
/// Every mistake of meaning.
pub fn usage_from(
    json: &usage::UsageJson,
    catalogue: &Catalogue,
) -> Result<CustomerUsage, Vec<FieldError>> {
    let mut findings = Findings::default();
    let usage = read::usage::read_usage(json, &At::Root, catalogue, &mut findings);
    if findings.errors.is_empty() {
        Ok(usage)
    } else {
        Err(findings.errors)
    }
}

/// Reads any document of these forms, or a form that contains them, explaining every mistake of shape.
///
/// # Errors
/// Every mistake of shape, each with its place.
pub fn read_shape<T: serde::de::DeserializeOwned + utoipa::ToSchema>(
    bytes: &[u8],
    bytes_max: usize,
) -> Result<T, Vec<FieldError>> {
    let whole = |code, zh, en| {
        vec![FieldError {
            pointer: String::new(),
            code,
            message: Name::new(zh, en),
        }]
    };
    if bytes.len() > bytes_max {
        return Err(whole(
            "too-large",
            format!("文档超过 {bytes_max} 字节"),
            format!("the document is larger than {bytes_max} bytes"),
        ));
    }
    document::read(bytes).map_err(|unreadable| match unreadable {
        Unreadable::TooDeep => whole(
            "too-deep",
            format!("嵌套超过 {JSON_DEPTH_MAX} 层"),
            format!("nested more than {JSON_DEPTH_MAX} levels deep"),
        ),
        Unreadable::NotJson { line, column, .. } => whole(
            "not-json",
            format!("不是有效的 JSON(第 {line} 行第 {column} 列)"),
            format!("not valid JSON (line {line}, column {column})"),
        ),
        Unreadable::WrongShape(mistakes) => mistakes.into_iter().map(Into::into).collect(),
    })
}

/// Checks a ranking rule that has the right shape.
///
/// # Errors
/// Every mistake of meaning, with pointers into the rule.
pub fn ranking_from(json: &catalogue::RankingJson) -> Result<RankingRule, Vec<FieldError>> {
    let mut findings = Findings::default();
    let rule = read::ranking(json, &At::Root, &mut findings);
    if findings.errors.is_empty() {
        Ok(rule)
    } else {
        Err(findings.errors)
    }
}

/// The JSON Schema of catalogues.
#[must_use]
pub fn catalogue_schema() -> serde_json::Value {
    Shapes::of::<catalogue::CatalogueJson>().document("chudian-catalogue/1")
}

/// The JSON Schema of usage.
#[must_use]
pub fn usage_schema() -> serde_json::Value {
    Shapes::of::<usage::UsageJson>().document("chudian-usage/1")
}
