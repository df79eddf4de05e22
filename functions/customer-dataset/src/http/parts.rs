//! Parts of an upload as they arrive: decoded, checked, stored; the same for imports and layers.

use bytes::Bytes;
use chudian_dataset::column::ColumnData;
use chudian_dataset::manifest::{page_count, segment_rows};
use chudian_dataset::page::{self, PageFacts};
use chudian_dataset::statistics::ColumnSummary;
use chudian_dataset::wire::write_summary;
use chudian_dataset::{ROWS_MAX, SEGMENTS_MAX};
use chudian_runtime::http::auth::Caller;
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::Name;
use sha2::{Digest as _, Sha256};

use super::problems::{
    beyond_end, column_refused, column_unknown, in_state, invalid_path, page_refused, part_busy,
    rows_unclear, unknown, unreadable, wrong_count,
};
use super::{App, whole_province};
use crate::limits::PAGES_PER_PART;
use crate::service::assemble::expected_rows;
use crate::store::{Begun, NewPart, State, UploadId, UploadRow};
use crate::wire::{StatisticsShown, StoredPart};

/// Media type of an Arrow IPC stream, as IANA lists it.
pub(super) const ARROW_STREAM: &str = "application/vnd.apache.arrow.stream";

/// Media type of joined row pages.
pub(super) const PAGES: &str = "application/octet-stream";

/// The upload that takes parts.
pub(super) async fn open_upload(
    app: &App,
    caller: &Caller,
    id: UploadId,
) -> Result<UploadRow, Problem> {
    whole_province(caller)?;
    let upload = app.store.upload(id).await?.ok_or_else(unknown)?;
    if upload.state == State::Importing {
        Ok(upload)
    } else {
        Err(in_state(upload.state))
    }
}

/// Takes one column of one segment.
pub(super) async fn take_column(
    app: &App,
    upload: &UploadRow,
    segment: &str,
    name: &str,
    bytes: Bytes,
) -> Result<StoredPart, Problem> {
    let segment = number_in_path(segment)?;
    if segment >= SEGMENTS_MAX as u64 {
        return Err(beyond_end());
    }
    let place = usize::try_from(segment).map_err(|_| beyond_end())?;
    let column = upload
        .schema
        .column(name)
        .ok_or_else(|| column_unknown(name))?;
    let expected = expected_rows(upload.rows, place).ok_or_else(beyond_end)?;
    let sha256 = hexadecimal_sha256(&bytes);
    // The body comes in one piece of its own, so this takes it over and copies nothing.
    let data = ColumnData::decode(Vec::from(bytes.clone()), column)
        .map_err(|error| column_refused(&error))?;
    let rows = data.rows();
    // While nobody has said how many customers there are, any segment may be the last.
    let fits = if upload.rows.is_some() {
        rows == expected
    } else {
        (1..=expected).contains(&rows)
    };
    if !fits {
        return Err(wrong_count("行数", "rows", expected as u64, rows as u64));
    }
    let summary = ColumnSummary::of(&data);
    let places = match &data {
        ColumnData::Identities { values } => page::places_of(values.as_slice(), place),
        _ => 0,
    };
    let summary_text =
        String::from_utf8(write_summary(&summary).map_err(|error| unreadable(&error))?)
            .map_err(|error| Problem::internal(error.to_string()))?;
    let part = NewPart {
        column: Some(column.name.clone()),
        place: segment,
        sha256,
        bytes: bytes.len() as u64,
        rows: rows as u64,
        places,
        summary: Some(summary_text),
    };
    if begin(app, upload.id, &part).await? {
        app.store
            .values()
            .set(&upload.column_key(place, &column.name), &bytes)
            .await?;
        complete(app, upload.id, &part).await?;
    }
    let statistics = StatisticsShown::of(&summary.statistics(), column.kind);
    Ok(StoredPart {
        sha256: part.sha256,
        bytes: part.bytes,
        rows: part.rows,
        statistics: Some(statistics),
    })
}

/// Takes a group of row pages.
pub(super) async fn take_pages(
    app: &App,
    upload: &UploadRow,
    first: &str,
    rows_said: Option<u64>,
    bytes: &[u8],
) -> Result<StoredPart, Problem> {
    let first = number_in_path(first)?;
    if !first.is_multiple_of(PAGES_PER_PART) {
        return Err(invalid_path(
            "第一页的编号必须是 256 的倍数。",
            "The number of the first page is a multiple of 256.",
        ));
    }
    let rows = rows_of_upload(app, upload, rows_said).await?;
    let pages = page_count(rows);
    if first >= pages {
        return Err(beyond_end());
    }
    let expected = PAGES_PER_PART.min(pages - first);
    let parts = page::split(bytes).map_err(|error| page_refused(error, first))?;
    if parts.len() as u64 != expected {
        return Err(wrong_count("页数", "pages", expected, parts.len() as u64));
    }
    let mut facts = PageFacts::default();
    for (number, bytes) in (first..).zip(&parts) {
        let of_page = page::verify(bytes, &upload.schema, number, pages)
            .map_err(|error| page_refused(error, number))?;
        facts.customers += of_page.customers;
        facts.places = facts.places.wrapping_add(of_page.places);
    }
    let part = NewPart {
        column: None,
        place: first,
        sha256: hexadecimal_sha256(bytes),
        bytes: bytes.len() as u64,
        rows: facts.customers,
        places: facts.places,
        summary: None,
    };
    if begin(app, upload.id, &part).await? {
        for (number, bytes) in (first..).zip(&parts) {
            app.store
                .values()
                .set(&upload.page_key(number), bytes)
                .await?;
        }
        complete(app, upload.id, &part).await?;
    }
    Ok(StoredPart {
        sha256: part.sha256,
        bytes: part.bytes,
        rows: part.rows,
        statistics: None,
    })
}

/// The number of customers, which pages cannot do without; noted when this request is the first to say it.
async fn rows_of_upload(app: &App, upload: &UploadRow, said: Option<u64>) -> Result<u64, Problem> {
    match (upload.rows, said) {
        (None, None) => Err(rows_unclear(None)),
        (Some(known), Some(said)) if known != said => Err(rows_unclear(Some(known))),
        (Some(known), _) => Ok(known),
        (None, Some(said)) => {
            check_rows(said)?;
            if app.store.set_rows(upload.id, said).await? {
                Ok(said)
            } else {
                // Another request said another number, or the upload was closed meanwhile.
                let known = app
                    .store
                    .upload(upload.id)
                    .await?
                    .and_then(|upload| upload.rows);
                Err(rows_unclear(Some(known.unwrap_or_default())))
            }
        }
    }
}

/// Refuses a number of customers that no snapshot has.
pub(super) fn check_rows(rows: u64) -> Result<(), Problem> {
    if (1..=ROWS_MAX).contains(&rows) {
        return Ok(());
    }
    let detail = Name::new(
        format!("客户总数应为 1 至 {ROWS_MAX}。"),
        format!("There are 1 to {ROWS_MAX} customers."),
    );
    Err(super::problems::invalid_field("/rows", detail))
}

/// Whether the value of the part is to be written.
async fn begin(app: &App, upload: UploadId, part: &NewPart) -> Result<bool, Problem> {
    match app.store.begin_part(upload, part).await? {
        Begun::Known => Ok(false),
        Begun::Write => Ok(true),
        Begun::Busy => Err(part_busy()),
        Begun::Closed => Err(closed(app, upload).await),
    }
}

async fn complete(app: &App, upload: UploadId, part: &NewPart) -> Result<(), Problem> {
    if app.store.complete_part(upload, part).await? {
        return Ok(());
    }
    match app.store.upload(upload).await?.map(|upload| upload.state) {
        Some(State::Importing) => Err(part_busy()),
        _ => Err(closed(app, upload).await),
    }
}

/// Why an upload takes no parts.
async fn closed(app: &App, upload: UploadId) -> Problem {
    match app.store.upload(upload).await {
        Ok(Some(upload)) => in_state(upload.state),
        Ok(None) => unknown(),
        Err(error) => error.into(),
    }
}

fn number_in_path(text: &str) -> Result<u64, Problem> {
    let canonical = |number: &u64| number.to_string() == text;
    text.parse().ok().filter(canonical).ok_or_else(|| {
        invalid_path(
            "分段和页的编号是从 0 起的整数。",
            "The number of a segment or a page is a whole number from 0.",
        )
    })
}

/// SHA-256 of a body, hexadecimal.
pub(super) fn hexadecimal_sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A segment in the path, of a table of `rows` customers.
pub(super) fn segment_in_path(text: &str, rows: u64) -> Result<usize, Problem> {
    let segment = usize::try_from(number_in_path(text)?).unwrap_or(usize::MAX);
    if segment_rows(rows, segment) > 0 {
        return Ok(segment);
    }
    let detail = Name::new("没有这个分段。", "There is no such segment.");
    Err(Problem::new(catalogue::NOT_FOUND, detail))
}
