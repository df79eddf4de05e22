//! The way from a selection to the customers of a list: everything that was left open is filled in, and every segment is evaluated.

use chudian_dataset::bitmap::Bitmap;
use chudian_runtime::dataset::SnapshotReader;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::problem::Problem;
use chudian_vocabulary::{Date, Language};
use sha2::{Digest as _, Sha256};

use super::forms::{ExclusionChoice, ExpressionForm, SelectionForm};
use super::prepare::{Filter, Prepared};
use crate::exclusions::{Campaign, ExclusionSet};
use crate::text;
use crate::wire;

/// Hexadecimal characters of a version that is a hash: as many as a catalogue's version has.
const VERSION_CHARACTERS: usize = 16;

/// What the waterfall calls the customers that the expression selects.
const SELECTED: &str = "selected";

/// Version of an exclusion set when there is none.
const NO_EXCLUSIONS: &str = "none";

/// What a selection hung on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Version of the rule: the beginning of the SHA-256 of its JSON form, groups with their versions.
    pub rule: String,
    /// Version of the exclusion set: `name@version`, or a hash when the request has rules of its own.
    pub exclusions: String,
    /// Up to where contacts were known: the layers of contact features that were read. Absent when there is none.
    pub contact_horizon: Option<String>,
}

/// Who is selected and not excluded.
pub struct Selection {
    /// Reads the dataset version from which the rows come.
    pub reader: SnapshotReader,
    /// The form with everything that it left open filled in: asked again, it selects the same customers.
    pub form: SelectionForm,
    /// The rule in its canonical text: English, with the columns' names.
    pub rule: String,
    /// What the campaign is about.
    pub campaign: Campaign,
    /// The exclusions in force.
    pub set: ExclusionSet,
    /// The day of the question.
    pub today: Date,
    /// What the selection hung on.
    pub versions: Versions,
    /// The selected rows of each segment, in order of the segments.
    pub segments: Vec<Bitmap>,
    /// What the rule selected and what each exclusion removed of it, in order.
    pub waterfall: Vec<(String, u64)>,
}

/// Selects the customers of `form`, which stands at `pointer` of the request.
///
/// # Errors
/// As [`Filter::prepare`], and when a column cannot be read.
pub async fn select(
    filter: &Filter,
    form: &SelectionForm,
    caller: &Caller,
    pointer: &str,
) -> Result<Selection, Problem> {
    let prepared = filter.prepare(form, caller, pointer).await?;
    let mut segments = Vec::with_capacity(prepared.reader.segment_count());
    let mut selected = 0_u64;
    let mut removed = vec![0_u64; prepared.exclusions.len()];
    for segment in 0..prepared.reader.segment_count() {
        let rows = prepared.rows(segment, false).await?;
        selected += rows.selected.count() as u64;
        for (sum, count) in removed.iter_mut().zip(&rows.removed) {
            *sum += count;
        }
        segments.push(rows.remaining);
    }
    let removed = prepared.exclusions.iter().zip(removed);
    let removed =
        removed.map(|(exclusion, customers)| (exclusion.rule.word().to_owned(), customers));
    let waterfall = std::iter::once((SELECTED.to_owned(), selected))
        .chain(removed)
        .collect();
    let (form, versions) = fixed(form, &prepared)?;
    Ok(Selection {
        form,
        rule: text::print(&prepared.expression, &[], Language::English),
        campaign: prepared.campaign,
        set: prepared.set,
        today: prepared.today,
        versions,
        segments,
        waterfall,
        reader: prepared.reader,
    })
}

/// The form with everything that it left open filled in, and the versions that hold.
fn fixed(form: &SelectionForm, prepared: &Prepared) -> Result<(SelectionForm, Versions), Problem> {
    let value_of = |json: Result<serde_json::Value, serde_json::Error>| {
        json.map_err(|error| Problem::internal(error.to_string()))
    };
    let expression = value_of(serde_json::to_value(wire::expression::write(
        &prepared.expression,
    )))?;
    let rule = version_of(&expression.to_string());
    let (exclusions, exclusion_version) = match (&form.exclusions, &prepared.exclusion_set) {
        (None, _) => (None, NO_EXCLUSIONS.to_owned()),
        (Some(_), Some(name_and_version)) => {
            let (set, version) = name_and_version
                .split_once('@')
                .unwrap_or((name_and_version, "0"));
            let version = version
                .parse()
                .map_err(|_| Problem::internal("a version of an exclusion set is no number"))?;
            let choice = ExclusionChoice {
                set: Some(set.to_owned()),
                version: Some(version),
                rules: None,
            };
            (Some(choice), name_and_version.clone())
        }
        (Some(choice), None) => {
            let rules = value_of(serde_json::to_value(wire::exclusions::write(&prepared.set)))?;
            (Some(choice.clone()), version_of(&rules.to_string()))
        }
    };
    let versions = Versions {
        rule,
        exclusions: exclusion_version,
        contact_horizon: contact_horizon(&prepared.reader),
    };
    let form = SelectionForm {
        expression: ExpressionForm(expression),
        exclusions,
        as_of: Some(prepared.today.to_string()),
        dataset: Some(prepared.reader.version().to_string()),
        ..form.clone()
    };
    Ok((form, versions))
}

/// Contact features are columns of layers, each computed up to a horizon of its own and never changed: the last layer that has some
/// says up to where contacts were known.
fn contact_horizon(reader: &SnapshotReader) -> Option<String> {
    let has_contacts = |layer: &&chudian_dataset::manifest::LayerManifest| {
        let mut columns = layer.table.schema().columns().iter();
        columns.any(|column| {
            chudian_dataset::contact::ContactTerm::parse_column(column.name.as_str()).is_some()
        })
    };
    reader
        .layers()
        .iter()
        .rev()
        .find(has_contacts)
        .map(|layer| layer.layer.to_string())
}

fn version_of(text: &str) -> String {
    let hash = Sha256::digest(text);
    let hexadecimal: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    hexadecimal.chars().take(VERSION_CHARACTERS).collect()
}
