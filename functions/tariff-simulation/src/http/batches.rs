//! Batches over the customer dataset (TS-7): a client drives the function part by part.
//!
//! What a batch prices is fixed when it begins: dataset version, catalogue version, day, rules, mapping. A part is so many rows of one
//! segment; computing it again gives the same bytes, so that a client may be killed at any moment and go on. The derived columns of a
//! segment are read whole once its parts are done; to be part of the dataset they are sent to a layer of `customer-dataset`, which
//! checks and publishes them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chudian_dataset::SEGMENT_ROWS;
use chudian_dataset::column::ColumnData;
use chudian_dataset::column::builder::ColumnBuilder;
use chudian_dataset::schema::Column;
use chudian_dataset::version::DatasetVersion;
use chudian_runtime::dataset::SnapshotReader;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::edge::RequestId;
use chudian_runtime::http::idempotency::{Answer, Attempt, Claim};
use chudian_runtime::http::query::PathOf;
use chudian_runtime::problem::{FieldError, Problem, catalogue};
use chudian_vocabulary::pseudonym::base32;
use chudian_vocabulary::{CustomerId, Date, Name};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::{field_error, invalid_field, invalid_path};
use super::{App, rfc3339};
use crate::batch::{
    Binding, DERIVED_COLUMNS, MappingJson, SegmentColumns, Terms, derive, derived_columns,
};
use crate::compile::CompiledCatalogue;
use crate::service::rule::ranking_json;
use crate::store::{BatchPart, BatchRow, DEFAULT_REGION, part_key};
use crate::wire;
use crate::wire::catalogue::RankingJson;

/// Largest body here: a mapping with a line for each kind and category.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// Rows of a part: less than a second of pricing with the sample's plans, far below any deadline of a request, and few enough requests.
const PART_ROWS: usize = 8_192;

/// Rows of a part with the search for add-ons, which takes some milliseconds a customer.
const PART_ROWS_WITH_ADD_ONS: usize = 512;

/// Parts that one request removes.
const PARTS_REMOVED_MAX: usize = 64;

/// Media type of an Arrow IPC stream, as IANA lists it.
const ARROW_STREAM: &str = "application/vnd.apache.arrow.stream";

/// Random bytes of a batch's id.
const BATCH_RANDOM_BYTES: usize = 16;

/// A new batch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBatch {
    /// Which columns of the dataset are what.
    mapping: MappingJson,
    /// Dataset version; absent: the one in force.
    #[serde(default)]
    dataset_version: Option<String>,
    /// Catalogue version; absent: the one in force on `as_of`.
    #[serde(default)]
    catalogue_version: Option<String>,
    /// Day on which plans must be on sale, `YYYY-MM-DD`; absent: today.
    #[serde(default)]
    #[schema(format = "date")]
    as_of: Option<String>,
    /// Whether the best set of add-ons is searched for each plan, as for a single customer: the same answer as `POST /simulations`, for
    /// many times the work. Absent: plans without add-ons.
    #[serde(default)]
    with_add_ons: bool,
}

/// What a batch prices, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    mapping: MappingJson,
    as_of: Date,
    with_add_ons: bool,
    /// Rule by region; the one without region holds for all others.
    rules: Vec<(Option<String>, RankingJson)>,
}

/// A batch.
#[derive(Serialize, ToSchema)]
pub(super) struct Batch {
    /// Its id.
    id: String,
    /// The dataset version that it reads.
    dataset_version: String,
    /// The snapshot of that version.
    snapshot: String,
    /// The catalogue version by which it prices.
    catalogue_version: String,
    /// Day on which plans must be on sale.
    #[schema(format = "date")]
    as_of: String,
    /// Whether add-ons are searched for.
    with_add_ons: bool,
    /// Customers.
    rows: u64,
    /// Segments.
    segments: usize,
    /// Rows of a part; the last part of a segment has the rest.
    rows_per_part: usize,
    /// The derived columns, as a layer declares them.
    columns: Vec<Column>,
    /// When it began, RFC 3339.
    created_at: String,
    /// Id of the key that began it.
    created_by: String,
}

/// A batch and what is done of it.
#[derive(Serialize, ToSchema)]
pub(super) struct BatchProgress {
    /// The batch.
    #[serde(flatten)]
    batch: Batch,
    /// Parts that are done.
    parts: Vec<PartDone>,
}

/// A part that is done.
#[derive(Serialize, ToSchema)]
pub(super) struct PartDone {
    /// Segment.
    segment: i64,
    /// First row of the segment.
    first_row: i64,
    /// Rows.
    rows: i64,
    /// Months of plans that were priced.
    plan_months: i64,
    /// Customers that could not be priced: a plan or word that the catalogue does not know, or a figure out of bounds.
    skipped: i64,
}

impl From<BatchPart> for PartDone {
    fn from(part: BatchPart) -> Self {
        Self {
            segment: part.segment,
            first_row: part.first_row,
            rows: part.rows,
            plan_months: part.plan_months,
            skipped: part.skipped,
        }
    }
}

/// One step of removal.
#[derive(Serialize, ToSchema)]
pub(super) struct BatchRemoval {
    /// Parts that were removed now.
    parts_removed: usize,
    /// Whether there may be more: ask again.
    more: bool,
}

/// Begin a batch over the customer dataset
#[utoipa::path(
    post, path = "/batches", tag = "batch", operation_id = "begin_batch",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names this attempt")),
    request_body = NewBatch,
    responses((status = 201, description = "Begun; compute its parts", body = Batch))
)]
pub(super) async fn begin(
    State(app): State<App>,
    caller: Caller,
    attempt: Attempt,
    JsonBody { value: new, bytes }: JsonBody<NewBatch, BODY_BYTES_MAX>,
) -> Result<Response, Problem> {
    whole_province(&caller)?;
    let ticket = match app
        .idempotency
        .claim(attempt, &caller.key_id, &bytes)
        .await?
    {
        Claim::Answered(response) => return Ok(response),
        Claim::Granted(ticket) => ticket,
    };
    let batch = match app.defined(&caller, new).await {
        Ok(batch) => batch,
        Err(problem) => return Err(ticket.abandon(problem).await),
    };
    let mut transaction = match app.store.sql().begin().await {
        Ok(transaction) => transaction,
        Err(error) => return Err(ticket.abandon(error.into()).await),
    };
    let outcome = match app.store.add_batch(&mut transaction, &batch).await {
        Ok(()) => begun(&batch),
        Err(error) => Err(error.into()),
    };
    ticket.finish(transaction, outcome).await
}

fn begun(batch: &BatchRow) -> Result<Answer, Problem> {
    let body = serde_json::to_string(&shown(batch)?)
        .map_err(|error| Problem::internal(error.to_string()))?;
    Ok(Answer {
        status: StatusCode::CREATED,
        location: Some(format!(
            "{}/batches/{}",
            super::ABOUT.base_path,
            batch.batch_id
        )),
        body,
    })
}

/// A batch and what is done of it
#[utoipa::path(
    get, path = "/batches/{id}", tag = "batch", operation_id = "get_batch",
    params(("id" = String, Path, description = "Batch")),
    responses((status = 200, description = "The batch and its parts", body = BatchProgress))
)]
pub(super) async fn progress(
    State(app): State<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<Json<BatchProgress>, Problem> {
    let batch = app.batch(&caller, &id).await?;
    let parts = app.store.batch_parts(&batch.batch_id).await?;
    Ok(Json(BatchProgress {
        batch: shown(&batch)?,
        parts: parts.into_iter().map(PartDone::from).collect(),
    }))
}

/// Compute one part of a batch
///
/// Reads the usage of the rows from the dataset, prices every plan for them, and keeps the derived columns. A part that is done is
/// not computed again. The access is recorded.
#[utoipa::path(
    put, path = "/batches/{id}/segments/{segment}/rows/{first}", tag = "batch", operation_id = "compute_batch_part",
    params(
        ("id" = String, Path, description = "Batch"),
        ("segment" = u64, Path, description = "Number of the segment, from 0"),
        ("first" = u64, Path, description = "First row of the part in the segment, a multiple of `rows_per_part`"),
    ),
    responses((status = 200, description = "Done, now or before", body = PartDone))
)]
pub(super) async fn compute(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
    PathOf((id, segment, first)): PathOf<(String, String, String)>,
) -> Result<Json<PartDone>, Problem> {
    let batch = app.batch(&caller, &id).await?;
    let definition = definition(&batch)?;
    let version = version(&batch)?;
    let reader = app.snapshots.open(&version).await?;
    let segment = number_in_path(&segment)?;
    let first_row = number_in_path(&first)?;
    let segment_rows = reader.segment_rows(segment);
    let part_rows = part_rows(definition.with_add_ons);
    if first_row >= segment_rows || !first_row.is_multiple_of(part_rows) {
        return Err(no_such_part(part_rows));
    }
    let rows = first_row..segment_rows.min(first_row + part_rows);
    let known = app.store.batch_parts(&batch.batch_id).await?;
    let is_known =
        |part: &&BatchPart| (part.segment, part.first_row) == (signed(segment), signed(first_row));
    if let Some(part) = known.iter().find(is_known) {
        return Ok(Json(PartDone::from(*part)));
    }
    let everybody = CustomerId::new(format!("all:{}:s{segment}", version.snapshot()))
        .map_err(|error| Problem::internal(error.to_string()))?;
    app.personal_access
        .record(&caller, &everybody, "tariff-batch", &request_id)
        .await?;
    let compiled = app.compiled_catalogue(&batch.catalogue_version).await?;
    let binding = bound(&definition.mapping, &compiled, &reader)?;
    let mut columns: SegmentColumns = Vec::new();
    for name in binding.columns() {
        columns.push(reader.column(segment, name).await?);
    }
    let terms = definition.terms()?;
    let unusable = |error: &dyn std::fmt::Display| Problem::internal(error.to_string());
    let derived = derive(&compiled, &binding, &terms, &columns, rows.clone())
        .map_err(|error| unusable(&error))?;
    for (column, data) in derived_columns()
        .map_err(|error| unusable(&error))?
        .iter()
        .zip(&derived.columns)
    {
        let key = part_key(
            &batch.batch_id,
            signed(segment),
            signed(first_row),
            column.name.as_str(),
        );
        let bytes = data
            .encode(&column.name)
            .map_err(|error| unusable(&error))?;
        app.key_value.set(&key, &bytes).await?;
    }
    let part = BatchPart {
        segment: signed(segment),
        first_row: signed(first_row),
        rows: signed(rows.len()),
        plan_months: i64::try_from(derived.plan_months).unwrap_or(i64::MAX),
        skipped: i64::try_from(derived.skipped).unwrap_or(i64::MAX),
    };
    app.store.add_batch_part(&batch.batch_id, part).await?;
    Ok(Json(PartDone::from(part)))
}

/// A derived column of a segment
///
/// Joined from its parts, all of which have to be done.
#[utoipa::path(
    get, path = "/batches/{id}/segments/{segment}/columns/{name}", tag = "batch", operation_id = "get_batch_column",
    params(
        ("id" = String, Path, description = "Batch"),
        ("segment" = u64, Path, description = "Number of the segment, from 0"),
        ("name" = String, Path, description = "One of the batch's columns"),
    ),
    responses((status = 200, description = "An Arrow IPC stream", body = Vec<u8>, content_type = "application/vnd.apache.arrow.stream"))
)]
pub(super) async fn column(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
    PathOf((id, segment, name)): PathOf<(String, String, String)>,
) -> Result<Response, Problem> {
    let batch = app.batch(&caller, &id).await?;
    let version = version(&batch)?;
    let segment = number_in_path(&segment)?;
    let rows = chudian_dataset::manifest::segment_rows(unsigned(batch.rows), segment);
    let columns = derived_columns().map_err(|error| Problem::internal(error.to_string()))?;
    let Some(column) = columns.iter().find(|column| column.name.as_str() == name) else {
        return Err(Problem::new(
            catalogue::COLUMN_UNKNOWN,
            Name::new(
                format!("批次的列是：{}。", DERIVED_COLUMNS.join("、")),
                format!("The columns of a batch are {}.", DERIVED_COLUMNS.join(", ")),
            ),
        ));
    };
    if rows == 0 {
        return Err(no_such_part(part_rows(definition(&batch)?.with_add_ons)));
    }
    let everybody = CustomerId::new(format!("all:{}:s{segment}", version.snapshot()))
        .map_err(|error| Problem::internal(error.to_string()))?;
    app.personal_access
        .record(&caller, &everybody, "read-column", &request_id)
        .await?;
    let bytes = app.joined(&batch, segment, rows, column).await?;
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static(ARROW_STREAM))];
    Ok((content_type, bytes).into_response())
}

/// Remove a batch
///
/// Its parts first, some with each request, then the batch itself. What was published from it stays.
#[utoipa::path(
    delete, path = "/batches/{id}", tag = "batch", operation_id = "remove_batch",
    params(("id" = String, Path, description = "Batch")),
    responses((status = 200, description = "What was removed", body = BatchRemoval))
)]
pub(super) async fn remove(
    State(app): State<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<Json<BatchRemoval>, Problem> {
    let batch = app.batch(&caller, &id).await?;
    let parts = app.store.batch_parts(&batch.batch_id).await?;
    let mut parts_removed = 0;
    for part in parts.iter().take(PARTS_REMOVED_MAX) {
        for name in DERIVED_COLUMNS {
            let key = part_key(&batch.batch_id, part.segment, part.first_row, name);
            app.key_value.delete(&key).await?;
        }
        app.store.remove_batch_part(&batch.batch_id, *part).await?;
        parts_removed += 1;
    }
    let more = parts_removed < parts.len() || !app.store.remove_batch(&batch.batch_id).await?;
    Ok(Json(BatchRemoval {
        parts_removed,
        more,
    }))
}

impl App {
    /// A batch that this caller may see.
    async fn batch(&self, caller: &Caller, id: &str) -> Result<BatchRow, Problem> {
        whole_province(caller)?;
        self.store.batch(id).await?.ok_or_else(|| {
            let detail = Name::new("没有这个批次。", "There is no such batch.");
            Problem::new(catalogue::NOT_FOUND, detail)
        })
    }

    /// Checks a new batch and fixes what it prices.
    async fn defined(&self, caller: &Caller, new: NewBatch) -> Result<BatchRow, Problem> {
        let as_of = match &new.as_of {
            None => self.today()?,
            Some(text) => Date::parse(text).map_err(|_| {
                let detail = Name::new("日期应为 YYYY-MM-DD。", "A date has the form YYYY-MM-DD.");
                invalid_field("/as_of", detail)
            })?,
        };
        let (catalogue_version, compiled) = self
            .catalogue_for(new.catalogue_version.as_deref(), as_of)
            .await?;
        let reader = match &new.dataset_version {
            None => self.snapshots.open_current().await?,
            Some(text) => {
                let version: DatasetVersion = text.parse().map_err(|_| {
                    let detail = Name::new(
                        "数据集版本是快照标识，或其后加图层标识。",
                        "A dataset version is a snapshot, or a snapshot with layers.",
                    );
                    invalid_field("/dataset_version", detail)
                })?;
                self.snapshots.open(&version).await?
            }
        };
        bound(&new.mapping, &compiled, &reader)?;
        let mut rules = vec![(None, ranking_json(&compiled.catalogue.ranking))];
        for (region, document) in self.store.rules().await? {
            let rule: RankingJson = serde_json::from_str(&document).map_err(|error| {
                Problem::internal(format!("a stored rule cannot be read: {error}"))
            })?;
            if region == DEFAULT_REGION {
                rules.retain(|(name, _)| name.is_some());
                rules.push((None, rule));
            } else {
                rules.push((Some(region), rule));
            }
        }
        let definition = Definition {
            mapping: new.mapping,
            as_of,
            with_add_ons: new.with_add_ons,
            rules,
        };
        definition.terms()?;
        let mut random = [0; BATCH_RANDOM_BYTES];
        self.random.fill(&mut random);
        Ok(BatchRow {
            batch_id: format!("tb_{}", base32(&random)),
            dataset_version: reader.version().to_string(),
            catalogue_version,
            rows: i64::try_from(reader.rows()).unwrap_or(i64::MAX),
            definition: serde_json::to_string(&definition)
                .map_err(|error| Problem::internal(error.to_string()))?,
            created_at_unix_ms: self.store.now_unix_ms(),
            created_by: caller.key_id.to_string(),
        })
    }

    /// A derived column of a whole segment.
    async fn joined(
        &self,
        batch: &BatchRow,
        segment: usize,
        rows: usize,
        column: &Column,
    ) -> Result<Vec<u8>, Problem> {
        let unreadable = |error: &dyn std::fmt::Display| Problem::internal(error.to_string());
        let parts = self.store.batch_parts(&batch.batch_id).await?;
        let mut builder = ColumnBuilder::new(column.kind);
        for part in parts.iter().filter(|part| part.segment == signed(segment)) {
            if part.first_row != signed(builder.rows()) {
                return Err(incomplete());
            }
            let key = part_key(
                &batch.batch_id,
                part.segment,
                part.first_row,
                column.name.as_str(),
            );
            let bytes = self.key_value.get(&key).await?.ok_or_else(|| {
                Problem::internal(format!("the value of a batch's part is gone: {key}"))
            })?;
            let data = ColumnData::decode(bytes, column).map_err(|error| unreadable(&error))?;
            for row in 0..data.rows() {
                builder
                    .push(data.value(row).as_ref())
                    .map_err(|error| unreadable(&error))?;
            }
        }
        if builder.rows() != rows {
            return Err(incomplete());
        }
        builder
            .finish()
            .encode(&column.name)
            .map_err(|error| unreadable(&error))
    }
}

impl Definition {
    fn terms(&self) -> Result<Terms, Problem> {
        let rules = self.rules.iter().map(|(region, rule)| {
            let rule = wire::ranking_from(rule)
                .map_err(|_| Problem::internal("a stored rule cannot be used"))?;
            Ok((region.clone(), rule))
        });
        Ok(Terms {
            on: self.as_of,
            rules: rules.collect::<Result<_, Problem>>()?,
            with_add_ons: self.with_add_ons,
        })
    }
}

/// Binds the mapping; its mistakes are told with their places in the body.
fn bound(
    mapping: &MappingJson,
    compiled: &Arc<CompiledCatalogue>,
    reader: &SnapshotReader,
) -> Result<Binding, Problem> {
    Binding::new(mapping, &compiled.catalogue, |name| reader.describe(name)).map_err(|errors| {
        let errors = errors.into_iter().map(|error| {
            let error = field_error(error);
            FieldError {
                pointer: format!("/mapping{}", error.pointer),
                ..error
            }
        });
        Problem::of_kind(catalogue::INVALID_BODY).with_errors(errors)
    })
}

fn definition(batch: &BatchRow) -> Result<Definition, Problem> {
    serde_json::from_str(&batch.definition)
        .map_err(|error| Problem::internal(format!("a stored batch cannot be read: {error}")))
}

fn version(batch: &BatchRow) -> Result<DatasetVersion, Problem> {
    batch
        .dataset_version
        .parse()
        .map_err(|_| Problem::internal("a stored dataset version cannot be read"))
}

fn shown(batch: &BatchRow) -> Result<Batch, Problem> {
    let definition = definition(batch)?;
    let rows = unsigned(batch.rows);
    Ok(Batch {
        id: batch.batch_id.clone(),
        dataset_version: batch.dataset_version.clone(),
        snapshot: version(batch)?.snapshot().to_string(),
        catalogue_version: batch.catalogue_version.clone(),
        as_of: definition.as_of.to_string(),
        with_add_ons: definition.with_add_ons,
        rows,
        segments: chudian_dataset::manifest::segment_count(rows),
        rows_per_part: part_rows(definition.with_add_ons),
        columns: derived_columns().map_err(|error| Problem::internal(error.to_string()))?,
        created_at: rfc3339(batch.created_at_unix_ms)?,
        created_by: batch.created_by.clone(),
    })
}

/// Rows of a part.
const fn part_rows(with_add_ons: bool) -> usize {
    if with_add_ons {
        PART_ROWS_WITH_ADD_ONS
    } else {
        PART_ROWS
    }
}

// Both sizes divide a segment, so that parts never reach over its end.
const _: () = assert!(
    SEGMENT_ROWS.is_multiple_of(PART_ROWS) && SEGMENT_ROWS.is_multiple_of(PART_ROWS_WITH_ADD_ONS)
);

/// A count or place as SQL takes it; the dataset's bounds keep it far below the limit.
fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Refuses a key of one region: a batch concerns the customers of all.
fn whole_province(caller: &Caller) -> Result<(), Problem> {
    if caller.region.is_none() {
        return Ok(());
    }
    let detail = Name::new(
        "批量测算涉及全省客户，需要不限地区的密钥。",
        "A batch concerns the customers of the whole province; it needs a key that is not bound to a region.",
    );
    Err(Problem::new(catalogue::ROLE_NOT_ALLOWED, detail))
}

fn number_in_path(text: &str) -> Result<usize, Problem> {
    let canonical = |number: &usize| number.to_string() == text;
    text.parse().ok().filter(canonical).ok_or_else(|| {
        invalid_path(Name::new(
            "分段和行号是从 0 起的整数。",
            "The number of a segment or a row is a whole number from 0.",
        ))
    })
}

fn no_such_part(part_rows: usize) -> Problem {
    let detail = Name::new(
        format!("没有这个部分：起始行须为 {part_rows} 的倍数，且在分段之内。"),
        format!(
            "There is no such part: it begins at a multiple of {part_rows} rows, inside the segment."
        ),
    );
    Problem::new(catalogue::NOT_FOUND, detail)
}

fn incomplete() -> Problem {
    let detail = Name::new(
        "此分段还有未完成的部分，请先完成。",
        "Some parts of this segment are not done; compute them first.",
    );
    Problem::new(catalogue::BATCH_INCOMPLETE, detail)
}
