//! The customer dataset of a running system as the target of a table that adds columns to the customers who are there.
//!
//! The import makes segments in the order of the file; they are kept here, and when the whole file was accepted they are put into the dataset's
//! order and published as one layer. The layer is named by a digest of what it holds, so that the same command after an interruption goes on
//! with what was sent.
//!
//! Invariant: nothing is sent before the file was accepted. Memory holds the table's columns, sixteen bytes a customer and a few a value.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use chudian_dataset::column::ColumnData;
use chudian_dataset::schema::{Column, ColumnName, ID_COLUMN, Kind};
use chudian_import::state::hexadecimal;
use chudian_import::target::{Announcement, Arrived, Published, Target, TargetError};
use chudian_vocabulary::pseudonym::CustomerPseudonym;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::remote::PURPOSE;
use crate::commands::batch::layer::{self, CustomerTable, Layer};
use crate::commands::client::{Client, Request};
use crate::language::Language;

/// Where the snapshot in force is described.
const CURRENT: &str = "/dataset/v1/snapshots/current";
/// Characters of the digest that name the layer; an idempotency key has room for more.
const KEY_CHARACTERS: usize = 40;

/// See the module.
pub(super) struct LayerTarget {
    client: Client,
    held: Mutex<Held>,
}

/// What was found and what has come.
#[derive(Default)]
struct Held {
    snapshot: Option<Snapshot>,
    columns: Vec<Column>,
    source: (String, String),
    parts: BTreeMap<(usize, String), Vec<u8>>,
    known: u64,
    unknown: u64,
}

#[derive(Clone, Deserialize)]
struct Snapshot {
    id: String,
    rows: u64,
}

impl LayerTarget {
    /// Reads key and certificates, and checks the address.
    pub(super) fn new(
        url: &str,
        key_file: Option<&Path>,
        ca_file: Option<&Path>,
        language: Language,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::new(url, key_file, ca_file, language, PURPOSE)?,
            held: Mutex::default(),
        })
    }

    /// The address.
    pub(super) fn address(&self) -> &str {
        self.client.address()
    }

    /// Customers of the table who are in the dataset, and those who are not; known when it is published.
    pub(super) fn customers(&self) -> (u64, u64) {
        let held = self.held();
        (held.known, held.unknown)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn prepare(&self, announcement: &Announcement) -> anyhow::Result<String> {
        let request = Request {
            method: "GET",
            path: CURRENT,
            content_type: "",
            idempotency_key: None,
            body: &[],
        };
        let answer = self.client.send(request).map_err(|refused| refused.error)?;
        let snapshot: Snapshot = self.client.read(&answer)?;
        let columns = announcement.schema.columns().iter().skip(1);
        let columns: Vec<Column> = columns.cloned().collect();
        let id = snapshot.id.clone();
        let mut held = self.held();
        held.snapshot = Some(snapshot);
        held.columns = columns;
        held.source = (announcement.format.to_owned(), announcement.note.clone());
        Ok(id)
    }

    fn send(&self) -> anyhow::Result<String> {
        let mut held = self.held();
        let snapshot = held.snapshot.clone().context("the layer was not begun")?;
        let columns = held.columns.clone();
        let mut digest = Sha256::new();
        digest.update(&snapshot.id);
        let mut table = CustomerTable::new(columns.clone());
        let parts = std::mem::take(&mut held.parts);
        let segments: BTreeSet<usize> = parts.keys().map(|(segment, _)| *segment).collect();
        let identity = Column::new(ColumnName::new(ID_COLUMN)?, Kind::Identity);
        for segment in segments {
            let mut decoded = |column: &Column| -> anyhow::Result<ColumnData> {
                let bytes = parts
                    .get(&(segment, column.name.to_string()))
                    .context("a column is missing")?;
                digest.update(column.name.as_str());
                digest.update((bytes.len() as u64).to_le_bytes());
                digest.update(bytes);
                Ok(ColumnData::decode(bytes.clone(), column)?)
            };
            let ColumnData::Identities { values } = decoded(&identity)? else {
                anyhow::bail!("the column `{ID_COLUMN}` holds no identities");
            };
            let customers: Vec<CustomerPseudonym> = values
                .as_slice()
                .iter()
                .map(|id| CustomerPseudonym(*id))
                .collect();
            let data: Vec<ColumnData> = columns.iter().map(decoded).collect::<Result<_, _>>()?;
            table.add(&customers, data)?;
        }
        drop(parts);
        let mut key = hexadecimal(&digest.finalize());
        key.truncate(KEY_CHARACTERS);
        let (format, note) = held.source.clone();
        let layer = Layer {
            key: &key,
            snapshot: &snapshot.id,
            rows: snapshot.rows,
            columns: &columns,
            source: (&format, &note),
        };
        let version = layer::publish(&self.client, &layer, &mut table, || {})?;
        held.known = table.known();
        held.unknown = table.customers() - table.known().min(table.customers());
        Ok(version)
    }
}

fn told(error: anyhow::Error) -> TargetError {
    TargetError {
        text: format!("{error:#}"),
        unknown_import: false,
    }
}

impl Target for LayerTarget {
    fn begin(&self, announcement: &Announcement) -> Result<String, TargetError> {
        self.prepare(announcement).map_err(told)
    }

    /// Nothing has, before the whole file was accepted; what was sent of the layer itself is asked for when it is published.
    fn arrived(&self, _import: &str) -> Result<Arrived, TargetError> {
        Ok(Arrived::default())
    }

    fn put_column(
        &self,
        _import: &str,
        segment: usize,
        name: &ColumnName,
        body: &[u8],
    ) -> Result<(), TargetError> {
        self.held()
            .parts
            .insert((segment, name.to_string()), body.to_vec());
        Ok(())
    }

    /// The file's own pages are of no use: a layer has pages of the dataset's customers.
    fn put_pages(
        &self,
        _import: &str,
        _first: u64,
        _rows: u64,
        _body: &[u8],
    ) -> Result<(), TargetError> {
        Ok(())
    }

    fn publish(&self, _import: &str) -> Result<Published, TargetError> {
        let version = self.send().map_err(told)?;
        Ok(Published { version })
    }

    /// Nothing was begun there.
    fn give_up(&self, _import: &str) -> Result<(), TargetError> {
        Ok(())
    }
}
