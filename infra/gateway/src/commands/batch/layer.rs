//! Publishes derived columns as a layer of the dataset: columns in the order of its customers, and the row pages made of them.
//!
//! Where the values come from is the caller's affair ([`Values`]): a batch fetches what the functions computed, a table of customers in any
//! order ([`CustomerTable`]) is put into the dataset's order here.
//!
//! Every step may be repeated: the layer is begun under a key that names it, and what has arrived is not sent again.

use std::collections::{BTreeSet, HashMap};

use anyhow::Context as _;
use chudian_dataset::column::ColumnData;
use chudian_dataset::column::builder::ColumnBuilder;
use chudian_dataset::contact::value_without_events;
use chudian_dataset::manifest::{page_count, page_of, segment_count};
use chudian_dataset::page::{PageWriter, join, write_record};
use chudian_dataset::schema::{Column, ColumnName, ID_COLUMN, Kind, Schema};
use chudian_import::target::PAGES_TOGETHER;
use chudian_vocabulary::pseudonym::CustomerPseudonym;
use serde::Deserialize;
use serde_json::json;

use crate::commands::client::{Client, Request};
use crate::language::told;

/// Media types of what is sent.
const JSON: &str = "application/json";
const ARROW_STREAM: &str = "application/vnd.apache.arrow.stream";
const PAGES: &str = "application/octet-stream";
/// The state of a layer that takes no more parts because it is part of the dataset.
const PUBLISHED: &str = "published";
/// The state of a layer that takes parts.
const IMPORTING: &str = "importing";
/// Layers of the same key that are looked for: those before were given up, or later ones stand in their place.
const REPEATS_MAX: u32 = 1_000;

/// What is published.
pub(in crate::commands) struct Layer<'a> {
    /// Names the layer: who begins it again under the same key, over the same snapshot and with the same columns goes on with it.
    pub(in crate::commands) key: &'a str,
    /// The snapshot over which the layer lies.
    pub(in crate::commands) snapshot: &'a str,
    /// Customers.
    pub(in crate::commands) rows: u64,
    /// The columns.
    pub(in crate::commands) columns: &'a [Column],
    /// What made the values, and a note, both for the record.
    pub(in crate::commands) source: (&'a str, &'a str),
}

impl Layer<'_> {
    /// Steps that publishing takes: each segment, and each group of row pages.
    pub(in crate::commands) fn steps(&self) -> usize {
        let groups = page_count(self.rows).div_ceil(PAGES_TOGETHER);
        segment_count(self.rows) + usize::try_from(groups).unwrap_or(usize::MAX)
    }
}

/// Gives the values of a layer.
pub(in crate::commands) trait Values {
    /// The layer's columns in their order, for the customers of a segment in theirs. The same values every time.
    ///
    /// # Errors
    /// When they cannot be had.
    fn of_segment(
        &mut self,
        segment: usize,
        customers: &[CustomerPseudonym],
    ) -> anyhow::Result<Vec<ColumnData>>;
}

/// Values of customers who came in any order, by column.
pub(in crate::commands) struct CustomerTable {
    columns: Vec<Column>,
    /// Parts of the table, each with the layer's columns.
    parts: Vec<Vec<ColumnData>>,
    /// Part and row of each customer.
    places: HashMap<CustomerPseudonym, (u32, u32)>,
    /// Customers of the dataset whom the table told of.
    known: u64,
}

impl CustomerTable {
    /// An empty table of these columns.
    pub(in crate::commands) fn new(columns: Vec<Column>) -> Self {
        Self {
            columns,
            parts: Vec::new(),
            places: HashMap::new(),
            known: 0,
        }
    }

    /// Adds rows: who they are about, and the columns in the table's order. Of a customer who comes twice the later row counts.
    ///
    /// # Errors
    /// When the columns are not those of the table or have another number of rows.
    pub(in crate::commands) fn add(
        &mut self,
        customers: &[CustomerPseudonym],
        columns: Vec<ColumnData>,
    ) -> anyhow::Result<()> {
        let fits = columns.len() == self.columns.len()
            && columns
                .iter()
                .zip(&self.columns)
                .all(|(data, column)| data.is_of(column.kind) && data.rows() == customers.len());
        anyhow::ensure!(fits, "the columns are not those of the layer");
        let part = u32::try_from(self.parts.len())?;
        for (row, customer) in (0_u32..).zip(customers) {
            self.places.insert(*customer, (part, row));
        }
        self.parts.push(columns);
        Ok(())
    }

    /// Customers in the table.
    pub(in crate::commands) fn customers(&self) -> u64 {
        self.places.len() as u64
    }

    /// Customers of the dataset whom the table told of, once all segments were asked for.
    pub(in crate::commands) fn known(&self) -> u64 {
        self.known
    }
}

impl Values for CustomerTable {
    fn of_segment(
        &mut self,
        _segment: usize,
        customers: &[CustomerPseudonym],
    ) -> anyhow::Result<Vec<ColumnData>> {
        let places: Vec<Option<(u32, u32)>> = customers
            .iter()
            .map(|customer| self.places.get(customer).copied())
            .collect();
        self.known += places.iter().flatten().count() as u64;
        let mut columns = Vec::with_capacity(self.columns.len());
        for (index, column) in self.columns.iter().enumerate() {
            // Whom the table does not name had no contact; of anything else nothing is known.
            let absent = value_without_events(column.name.as_str());
            let mut builder = ColumnBuilder::new(column.kind);
            for place in &places {
                match place {
                    None => builder.push(absent.as_ref())?,
                    Some((part, row)) => {
                        let part = self.parts.get(*part as usize);
                        let data = part
                            .and_then(|columns| columns.get(index))
                            .context("a row is missing")?;
                        builder.push(data.value(*row as usize).as_ref())?;
                    }
                }
            }
            columns.push(builder.finish());
        }
        Ok(columns)
    }
}

#[derive(Deserialize)]
struct Upload {
    id: String,
}

#[derive(Deserialize)]
struct Progress {
    state: String,
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

/// Parts that have arrived: column and segment, or no column and the first page of a group.
type Arrived = BTreeSet<(Option<String>, u64)>;

/// Where a customer stands: page, segment, row.
type Place = (u64, usize, usize);

/// Publishes the layer; the dataset version that is then in force. `step` is called after each segment and each group of pages.
pub(in crate::commands) fn publish(
    client: &Client,
    layer: &Layer<'_>,
    values: &mut dyn Values,
    step: impl Fn(),
) -> anyhow::Result<String> {
    for number in 1..=REPEATS_MAX {
        // The first has the plain key, so that a layer under way when this program was replaced is found again.
        let key = match number {
            1 => layer.key.to_owned(),
            _ => format!("{}-{number}", layer.key),
        };
        let (id, state, there) = begun(client, layer, &key)?;
        let path = format!("/dataset/v1/layers/{id}");
        if state == IMPORTING {
            send_parts(client, layer, values, &path, &there, &step)?;
        } else if state != PUBLISHED {
            // It was given up or swept away.
            continue;
        }
        let answer = sent(client, "POST", &format!("{path}/publish"), JSON, &[])?;
        let published: Published = client.read(&answer)?;
        if is_in_force(&published.current_version, &id) {
            return Ok(published.current_version);
        }
        // An earlier run's layer that a later one has replaced is in force no more, and its values are wanted again. One that was sent just
        // now lies over a snapshot that is no longer the current one, or was replaced as it came.
        if state == IMPORTING {
            anyhow::bail!(told!(
                "layer {} was published over {}, but {} came into force meanwhile, without it; run the command again for the snapshot that is in force now",
                "附加列 {} 已发布在 {} 之上，但其间 {} 已生效，其中不含该附加列；请针对当前生效的快照重新运行本命令",
                id,
                layer.snapshot,
                published.current_version,
            ));
        }
    }
    anyhow::bail!("more than {REPEATS_MAX} layers `{}`", layer.key)
}

/// Whether a layer is part of a dataset version.
fn is_in_force(version: &str, layer: &str) -> bool {
    version.split('+').skip(1).any(|part| part == layer)
}

/// Begins the layer, or finds it: its id, its state and what has arrived.
fn begun(
    client: &Client,
    layer: &Layer<'_>,
    key: &str,
) -> anyhow::Result<(String, String, Arrived)> {
    let (format, note) = layer.source;
    let body = json!({
        "columns": layer.columns,
        "source": { "format": format, "note": note },
    })
    .to_string();
    let begin = Request {
        method: "POST",
        path: &format!("/dataset/v1/snapshots/{}/layers", layer.snapshot),
        content_type: JSON,
        idempotency_key: Some(key),
        body: body.as_bytes(),
    };
    let upload: Upload = client.read(&client.send(begin).map_err(|refused| refused.error)?)?;
    let path = format!("/dataset/v1/layers/{}", upload.id);
    let progress: Progress = client.read(&sent(client, "GET", &path, JSON, &[])?)?;
    let there = progress
        .parts
        .into_iter()
        .map(|part| (part.column, part.place))
        .collect();
    Ok((upload.id, progress.state, there))
}

/// Sends what has not arrived.
fn send_parts(
    client: &Client,
    layer: &Layer<'_>,
    values: &mut dyn Values,
    path: &str,
    there: &Arrived,
    step: &impl Fn(),
) -> anyhow::Result<()> {
    let identity = Column::new(ColumnName::new(ID_COLUMN)?, Kind::Identity);
    let pages = page_count(layer.rows);
    let mut places: Vec<Place> = Vec::new();
    let mut segments: Vec<Segment> = Vec::new();
    for segment in 0..segment_count(layer.rows) {
        let ids = fetched(
            client,
            &format!(
                "/dataset/v1/snapshots/{}/segments/{segment}/columns/{ID_COLUMN}",
                layer.snapshot
            ),
        )?;
        let ColumnData::Identities { values: ids } = ColumnData::decode(ids, &identity)? else {
            anyhow::bail!("the column `{ID_COLUMN}` holds no identities");
        };
        let customers: Vec<CustomerPseudonym> = ids
            .as_slice()
            .iter()
            .map(|id| CustomerPseudonym(*id))
            .collect();
        let columns = values.of_segment(segment, &customers)?;
        for (column, data) in layer.columns.iter().zip(&columns) {
            if !there.contains(&(Some(column.name.to_string()), segment as u64)) {
                let place = format!("{path}/segments/{segment}/columns/{}", column.name);
                let bytes = data.encode(&column.name)?;
                sent(client, "PUT", &place, ARROW_STREAM, &bytes)?;
            }
        }
        let rows = customers.iter().enumerate();
        places.extend(rows.map(|(row, id)| (page_of(*id, pages), segment, row)));
        segments.push(Segment { customers, columns });
        step();
    }
    places.sort_unstable();

    let schema = Schema::of_layer(layer.columns.to_vec())?;
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
                &format!("{path}/pages/{first}"),
                PAGES,
                &body,
            )?;
        }
        step();
    }
    Ok(())
}

/// A segment of the layer with its customers.
struct Segment {
    customers: Vec<CustomerPseudonym>,
    columns: Vec<ColumnData>,
}

/// The pages of a group, one behind the other.
fn joined(
    pages: std::ops::Range<u64>,
    mut group: &[Place],
    segments: &[Segment],
    schema: &Schema,
) -> anyhow::Result<Vec<u8>> {
    let mut written = Vec::new();
    for page in pages {
        let (own, later) = group.split_at(group.partition_point(|(of, ..)| *of <= page));
        group = later;
        let mut writer = PageWriter::default();
        for (_, segment, row) in own {
            let segment_of = segments.get(*segment).context("a segment is missing")?;
            let id = segment_of.customers.get(*row).context("a row is missing")?;
            let mut record = Vec::new();
            write_record(&mut record, *segment, *row, &segment_of.columns);
            writer.add(*id, record);
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

/// The bytes at a path.
pub(in crate::commands) fn fetched(client: &Client, path: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    client
        .download(path, &mut bytes)
        .map_err(|refused| refused.error)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use chudian_dataset::value::Value;

    use super::*;

    fn column(name: &str, kind: Kind) -> Column {
        Column::new(ColumnName::new(name).unwrap(), kind)
    }

    fn customer(number: u8) -> CustomerPseudonym {
        CustomerPseudonym([number; 16])
    }

    fn data(kind: Kind, values: &[Option<Value>]) -> ColumnData {
        let mut builder = ColumnBuilder::new(kind);
        for value in values {
            builder.push(value.as_ref()).unwrap();
        }
        builder.finish()
    }

    /// Goal: a layer that came too late is not taken for one that is in force.
    #[test]
    fn a_layer_is_in_force_as_a_part_of_the_version() {
        assert!(is_in_force("ds_a+ly_b+ly_c", "ly_c"));
        assert!(!is_in_force("ds_d", "ly_c"));
        assert!(!is_in_force("ds_d+ly_cc", "ly_c"));
    }

    /// Goal: whatever the order of the table, each customer of the dataset gets its own values; the later row counts, who is not named had no
    /// contact, and who is not in the dataset is counted as such.
    #[test]
    fn a_table_is_put_into_the_order_of_the_dataset() {
        let mut table = CustomerTable::new(vec![
            column("contact_count_any_any_ever", Kind::Integer),
            column("marketed_on", Kind::Date),
        ]);
        let count = |counts: &[i64]| {
            let values: Vec<_> = counts.iter().map(|n| Some(Value::Integer(*n))).collect();
            data(Kind::Integer, &values)
        };
        let days = |days: &[Option<i32>]| {
            let values: Vec<_> = days.iter().map(|day| day.map(Value::Date)).collect();
            data(Kind::Date, &values)
        };
        table
            .add(
                &[customer(3), customer(1), customer(9)],
                vec![count(&[3, 1, 9]), days(&[None, Some(100), None])],
            )
            .unwrap();
        table
            .add(&[customer(3)], vec![count(&[33]), days(&[Some(300)])])
            .unwrap();
        let columns = table
            .of_segment(0, &[customer(1), customer(2), customer(3)])
            .unwrap();
        assert_eq!(
            columns,
            [count(&[1, 0, 33]), days(&[Some(100), None, Some(300)])]
        );
        assert_eq!((table.customers(), table.known()), (3, 2));
        assert!(table.add(&[customer(4)], vec![count(&[1])]).is_err());
        assert!(
            table
                .add(&[customer(4)], vec![count(&[1]), count(&[1])])
                .is_err()
        );
    }
}
