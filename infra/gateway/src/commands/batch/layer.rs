//! Publishes the derived columns of a batch as a layer of the dataset: columns as they are, and the row pages made of them.
//!
//! Every step may be repeated: the layer is begun under a key of its batch, and what has arrived is not sent again.

use std::collections::BTreeSet;

use anyhow::Context as _;
use chudian_dataset::column::ColumnData;
use chudian_dataset::manifest::{page_count, page_of};
use chudian_dataset::page::{PageWriter, join, write_record};
use chudian_dataset::schema::{Column, ColumnName, ID_COLUMN, Kind, Schema};
use chudian_import::target::PAGES_TOGETHER;
use chudian_vocabulary::pseudonym::CustomerPseudonym;
use serde::Deserialize;
use serde_json::json;

use crate::commands::client::{Client, Request};

/// Media types of what is sent.
const JSON: &str = "application/json";
const ARROW_STREAM: &str = "application/vnd.apache.arrow.stream";
const PAGES: &str = "application/octet-stream";

/// What is published.
pub(super) struct Derived<'a> {
    /// The batch.
    pub(super) batch: &'a str,
    /// The snapshot over which the layer lies.
    pub(super) snapshot: &'a str,
    /// Customers.
    pub(super) rows: u64,
    /// Segments.
    pub(super) segments: usize,
    /// The columns.
    pub(super) columns: &'a [Column],
}

#[derive(Deserialize)]
struct Upload {
    id: String,
}

#[derive(Deserialize)]
struct Progress {
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    column: Option<String>,
    place: u64,
}

#[derive(Deserialize)]
struct Published {
    current_version: String,
}

/// Where a customer stands: page, segment, row.
type Place = (u64, usize, usize);

/// Publishes the batch; the dataset version that is then in force. `step` is called after each segment and each group of pages.
pub(super) fn publish(
    client: &Client,
    derived: &Derived<'_>,
    step: impl Fn(),
) -> anyhow::Result<String> {
    let body = json!({
        "columns": derived.columns,
        "source": { "format": "tariff-simulation", "note": derived.batch },
    })
    .to_string();
    let begin = Request {
        method: "POST",
        path: &format!("/dataset/v1/snapshots/{}/layers", derived.snapshot),
        content_type: JSON,
        idempotency_key: Some(derived.batch),
        body: body.as_bytes(),
    };
    let layer: Upload = client.read(&client.send(begin).map_err(|refused| refused.error)?)?;
    let layer = format!("/dataset/v1/layers/{}", layer.id);
    let arrived: Progress = client.read(&sent(client, "GET", &layer, JSON, &[])?)?;
    let there: BTreeSet<(Option<String>, u64)> = arrived
        .parts
        .into_iter()
        .map(|part| (part.column, part.place))
        .collect();

    let identity = Column::new(ColumnName::new(ID_COLUMN)?, Kind::Identity);
    let mut places: Vec<Place> = Vec::new();
    let mut segments: Vec<(ColumnData, Vec<ColumnData>)> = Vec::with_capacity(derived.segments);
    let pages = page_count(derived.rows);
    for segment in 0..derived.segments {
        let mut columns = Vec::with_capacity(derived.columns.len());
        for column in derived.columns {
            let of_column = format!("segments/{segment}/columns/{}", column.name);
            let bytes = fetched(
                client,
                &format!("/tariff/v1/batches/{}/{of_column}", derived.batch),
            )?;
            if !there.contains(&(Some(column.name.to_string()), segment as u64)) {
                sent(
                    client,
                    "PUT",
                    &format!("{layer}/{of_column}"),
                    ARROW_STREAM,
                    &bytes,
                )?;
            }
            columns.push(ColumnData::decode(bytes, column)?);
        }
        let ids = fetched(
            client,
            &format!(
                "/dataset/v1/snapshots/{}/segments/{segment}/columns/{ID_COLUMN}",
                derived.snapshot
            ),
        )?;
        let ids = ColumnData::decode(ids, &identity)?;
        if let ColumnData::Identities { values } = &ids {
            let rows = values.as_slice().iter().enumerate();
            places.extend(
                rows.map(|(row, id)| (page_of(CustomerPseudonym(*id), pages), segment, row)),
            );
        }
        segments.push((ids, columns));
        step();
    }
    places.sort_unstable();

    let schema = Schema::of_layer(derived.columns.to_vec())?;
    let mut rest = places.as_slice();
    for first in (0..pages).step_by(usize::try_from(PAGES_TOGETHER)?) {
        let until = pages.min(first + PAGES_TOGETHER);
        let (group, later) = rest.split_at(rest.partition_point(|(page, ..)| *page < until));
        rest = later;
        if !there.contains(&(None, first)) {
            let body = joined(first..until, group, &segments, &schema)?;
            sent(
                client,
                "PUT",
                &format!("{layer}/pages/{first}"),
                PAGES,
                &body,
            )?;
        }
        step();
    }
    let published: Published = client.read(&sent(
        client,
        "POST",
        &format!("{layer}/publish"),
        JSON,
        &[],
    )?)?;
    Ok(published.current_version)
}

/// The pages of a group, one behind the other.
fn joined(
    pages: std::ops::Range<u64>,
    mut group: &[Place],
    segments: &[(ColumnData, Vec<ColumnData>)],
    schema: &Schema,
) -> anyhow::Result<Vec<u8>> {
    let mut written = Vec::new();
    for page in pages {
        let (own, later) = group.split_at(group.partition_point(|(of, ..)| *of <= page));
        group = later;
        let mut writer = PageWriter::default();
        for (_, segment, row) in own {
            let (ids, columns) = segments.get(*segment).context("a segment is missing")?;
            let ColumnData::Identities { values } = ids else {
                anyhow::bail!("the column `{ID_COLUMN}` holds no identities");
            };
            let id = values.as_slice().get(*row).context("a row is missing")?;
            let mut record = Vec::new();
            write_record(&mut record, *segment, *row, columns);
            writer.add(CustomerPseudonym(*id), record);
        }
        written.push(writer.finish(schema)?);
    }
    Ok(join(written.iter().map(Vec::as_slice)))
}

fn sent(
    client: &Client,
    method: &str,
    path: &str,
    content_type: &str,
    body: &[u8],
) -> anyhow::Result<crate::commands::client::Answer> {
    let request = Request {
        method,
        path,
        content_type,
        idempotency_key: None,
        body,
    };
    client.send(request).map_err(|refused| refused.error)
}

fn fetched(client: &Client, path: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    client
        .download(path, &mut bytes)
        .map_err(|refused| refused.error)?;
    Ok(bytes)
}
