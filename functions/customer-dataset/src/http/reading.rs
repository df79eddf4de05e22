//! Columns read: whole segments for batches, distributions, previews.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use axum::response::{IntoResponse as _, Response};
use chudian_dataset::bitmap::Bitmap;
use chudian_dataset::column::ColumnData;
use chudian_dataset::schema::Purpose;
use chudian_runtime::dataset::SnapshotReader;
use chudian_runtime::http::auth::{Caller, CallerKind};
use chudian_runtime::http::edge::RequestId;
use chudian_runtime::http::query::{PathOf, QueryOf};
use chudian_runtime::problem::Problem;
use chudian_vocabulary::access::Role;
use chudian_vocabulary::{CustomerId, Name};
use http::{HeaderValue, header};

use super::parts::{ARROW_STREAM, segment_in_path};
use super::problems::{column_unknown, invalid_query, no_distribution};
use super::snapshots::open;
use super::{App, whole_province};
use crate::limits::{
    BINS_DEFAULT, BINS_MAX, PREVIEW_COLUMNS_MAX, PREVIEW_ROWS_DEFAULT, PREVIEW_ROWS_MAX,
};
use crate::service::distribution::{Counter, statistics_within, suppressed};
use crate::service::preview::masked;
use crate::wire::{Distribution, DistributionQuery, Preview, PreviewQuery, SmallGroups};

/// Who is meant when many customers are read at once, for the record of personal access.
pub(super) fn everybody_of(reader: &SnapshotReader, segment: usize) -> Result<CustomerId, Problem> {
    CustomerId::new(format!("all:{}:s{segment}", reader.version().snapshot()))
        .map_err(|error| Problem::internal(error.to_string()))
}

/// The rows of a segment that exist for the caller; `None` when all do.
async fn rows_seen(
    reader: &SnapshotReader,
    segment: usize,
    caller: &Caller,
) -> Result<Option<Bitmap>, Problem> {
    let Some(region) = &caller.region else {
        return Ok(None);
    };
    let Some(column) = reader.with_purpose(Purpose::Region) else {
        return Ok(Some(Bitmap::zeros(reader.segment_rows(segment))));
    };
    let data = reader.column(segment, column.name.as_str()).await?;
    let ColumnData::Words {
        codes,
        words,
        validity,
    } = data.as_ref()
    else {
        return Err(Problem::internal("the region is no column of words"));
    };
    let own = words.iter().position(|word| word == region.as_str());
    let mut rows: Bitmap = (0..data.rows())
        .map(|row| own.is_some() && codes.get(row) == own)
        .collect();
    if let Some(validity) = validity {
        rows.and_with(validity);
    }
    Ok(Some(rows))
}

/// A column of a segment as it is stored
///
/// For batches that compute derived columns. The access is recorded.
#[utoipa::path(
    get, path = "/snapshots/{id}/segments/{segment}/columns/{name}", tag = "snapshots", operation_id = "get_column",
    params(
        ("id" = String, Path, description = "Snapshot, or `current`"),
        ("segment" = u64, Path, description = "Number of the segment, from 0"),
        ("name" = String, Path, description = "Column"),
    ),
    responses((status = 200, description = "An Arrow IPC stream", body = Vec<u8>, content_type = "application/vnd.apache.arrow.stream"))
)]
pub(super) async fn column(
    Shared(app): Shared<App>,
    caller: Caller,
    request_id: RequestId,
    PathOf((id, segment, name)): PathOf<(String, String, String)>,
) -> Result<Response, Problem> {
    whole_province(&caller)?;
    let (reader, _) = open(&app, &id).await?;
    let segment = segment_in_path(&segment, reader.rows())?;
    let bytes = reader.encoded_column(segment, &name).await?;
    app.personal_access
        .record(
            &caller,
            &everybody_of(&reader, segment)?,
            "read-column",
            &request_id,
        )
        .await?;
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static(ARROW_STREAM))];
    Ok((content_type, bytes).into_response())
}

/// How the values of a column are spread
#[utoipa::path(
    get, path = "/snapshots/{id}/columns/{name}/distribution", tag = "snapshots", operation_id = "get_distribution",
    params(
        ("id" = String, Path, description = "Snapshot, or `current`"),
        ("name" = String, Path, description = "Column"),
        DistributionQuery,
    ),
    responses((status = 200, description = "Most frequent words, or a histogram", body = Distribution))
)]
pub(super) async fn distribution(
    Shared(app): Shared<App>,
    caller: Caller,
    PathOf((id, name)): PathOf<(String, String)>,
    QueryOf(query): QueryOf<DistributionQuery>,
) -> Result<Json<Distribution>, Problem> {
    let bins = query.bins.unwrap_or(BINS_DEFAULT);
    if !(1..=BINS_MAX).contains(&bins) {
        let detail = Name::new(
            format!("应为 1 到 {BINS_MAX}。"),
            format!("Must be 1 to {BINS_MAX}."),
        );
        return Err(invalid_query("bins", detail));
    }
    let (reader, _) = open(&app, &id).await?;
    let column = reader
        .describe(&name)
        .ok_or_else(|| column_unknown(&name))?;
    let facts = reader.facts(&name).ok_or_else(|| column_unknown(&name))?;
    // Refuses the identity before anything is read.
    let whole = Counter::new(column.kind, &facts.total, bins).map_err(no_distribution)?;
    let segments = segments_seen(&reader, &name, &caller).await?;
    let mut counter = if caller.region.is_none() {
        whole
    } else {
        let own = segments
            .iter()
            .filter_map(|(column, rows)| rows.as_ref().map(|rows| (column.as_ref(), rows)));
        Counter::new(column.kind, &statistics_within(own), bins).map_err(no_distribution)?
    };
    for (column, rows) in &segments {
        counter
            .add(column, rows.as_ref())
            .map_err(no_distribution)?;
    }
    let outside = matches!(caller.kind, CallerKind::Key(Role::Approver));
    let groups = counter.groups();
    let rows: u64 = groups.iter().map(|group| group.count).sum();
    let (groups, left_out) = if outside || query.small_groups == Some(SmallGroups::Suppress) {
        suppressed(groups)
    } else {
        (groups, 0)
    };
    Ok(Json(Distribution {
        version: reader.version().to_string(),
        column: name,
        rows: (left_out == 0).then_some(rows),
        groups,
        suppressed: left_out,
    }))
}

/// Every segment of a column, with the rows that exist for the caller.
async fn segments_seen(
    reader: &SnapshotReader,
    name: &str,
    caller: &Caller,
) -> Result<Vec<(Arc<ColumnData>, Option<Bitmap>)>, Problem> {
    let mut segments = Vec::with_capacity(reader.segment_count());
    for segment in 0..reader.segment_count() {
        segments.push((
            reader.column(segment, name).await?,
            rows_seen(reader, segment, caller).await?,
        ));
    }
    Ok(segments)
}

/// A look at a few rows
///
/// Ids are shortened and telephone numbers masked. The access is recorded.
#[utoipa::path(
    get, path = "/snapshots/{id}/preview", tag = "snapshots", operation_id = "preview",
    params(("id" = String, Path, description = "Snapshot, or `current`"), PreviewQuery),
    responses((status = 200, description = "Rows, masked", body = Preview))
)]
pub(super) async fn preview(
    Shared(app): Shared<App>,
    caller: Caller,
    request_id: RequestId,
    PathOf(id): PathOf<String>,
    QueryOf(query): QueryOf<PreviewQuery>,
) -> Result<Json<Preview>, Problem> {
    let limit = query.limit.unwrap_or(PREVIEW_ROWS_DEFAULT);
    if !(1..=PREVIEW_ROWS_MAX).contains(&limit) {
        let detail = Name::new(
            format!("应为 1 到 {PREVIEW_ROWS_MAX}。"),
            format!("Must be 1 to {PREVIEW_ROWS_MAX}."),
        );
        return Err(invalid_query("limit", detail));
    }
    let (reader, _) = open(&app, &id).await?;
    let segment = query.segment.unwrap_or(0);
    if reader.segment_rows(segment) == 0 {
        return Err(invalid_query(
            "segment",
            Name::new("没有这个分段。", "There is no such segment."),
        ));
    }
    let columns = preview_columns(&reader, query.columns.as_deref())?;
    let seen = rows_seen(&reader, segment, &caller).await?;
    let rows: Vec<usize> = match &seen {
        Some(seen) => seen.iter().take(limit).collect(),
        None => (0..reader.segment_rows(segment)).take(limit).collect(),
    };
    let mut shown = vec![Vec::with_capacity(columns.len()); rows.len()];
    for name in &columns {
        let data = reader.column(segment, name).await?;
        for (values, row) in shown.iter_mut().zip(&rows) {
            values.push(masked(data.value(*row).as_ref()));
        }
    }
    app.personal_access
        .record(
            &caller,
            &everybody_of(&reader, segment)?,
            "preview",
            &request_id,
        )
        .await?;
    Ok(Json(Preview {
        version: reader.version().to_string(),
        columns,
        rows: shown,
    }))
}

fn preview_columns(reader: &SnapshotReader, asked: Option<&str>) -> Result<Vec<String>, Problem> {
    let Some(asked) = asked else {
        return Ok(reader
            .columns()
            .take(PREVIEW_COLUMNS_MAX)
            .map(|column| column.name.to_string())
            .collect());
    };
    let names: Vec<String> = asked
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    if names.len() > PREVIEW_COLUMNS_MAX {
        let detail = Name::new(
            format!("最多 {PREVIEW_COLUMNS_MAX} 列。"),
            format!("At most {PREVIEW_COLUMNS_MAX} columns."),
        );
        return Err(invalid_query("columns", detail));
    }
    match names.iter().find(|name| reader.describe(name).is_none()) {
        Some(unknown) => Err(column_unknown(unknown)),
        None => Ok(names),
    }
}
