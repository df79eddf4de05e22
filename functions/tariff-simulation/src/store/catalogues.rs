//! Catalogue versions.

use std::sync::{Arc, PoisonError};

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow};
use chudian_vocabulary::Name;
use chudian_vocabulary::access::KeyId;

use super::{COMPILED_VERSIONS_MAX, Store};
use crate::compile::CompiledCatalogue;

/// Columns of [`CatalogueFacts`], in its order.
const FACTS: &str = "sequence, version, sha256, catalogue_id, name_zh, name_en, plan_count, add_on_count, warnings, imported_at_unix_ms, imported_by";

/// What is known of a version without its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueFacts {
    /// Place in the order of import.
    pub sequence: i64,
    /// First 16 hex characters of the hash.
    pub version: String,
    /// SHA-256 of the bytes, 64 hex characters.
    pub sha256: String,
    /// The catalogue's own identifier.
    pub catalogue_id: String,
    /// Its name.
    pub name: Name,
    /// Plans in it.
    pub plan_count: i64,
    /// Add-ons in it.
    pub add_on_count: i64,
    /// Warnings of the validator, JSON.
    pub warnings: String,
    /// When it was imported.
    pub imported_at_unix_ms: i64,
    /// Id of the key that imported it.
    pub imported_by: String,
}

impl FromSqlRow for CatalogueFacts {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            sequence: row.next_column()?,
            version: row.next_column()?,
            sha256: row.next_column()?,
            catalogue_id: row.next_column()?,
            name: Name {
                zh: row.next_column()?,
                en: row.next_column()?,
            },
            plan_count: row.next_column()?,
            add_on_count: row.next_column()?,
            warnings: row.next_column()?,
            imported_at_unix_ms: row.next_column()?,
            imported_by: row.next_column()?,
        })
    }
}

/// A version that is to be stored; its document was validated.
pub struct NewCatalogue<'a> {
    /// First 16 hex characters of the hash.
    pub version: &'a str,
    /// SHA-256 of the document.
    pub sha256: &'a str,
    /// The catalogue's own identifier.
    pub catalogue_id: &'a str,
    /// Its name.
    pub name: &'a Name,
    /// Plans in it.
    pub plan_count: usize,
    /// Add-ons in it.
    pub add_on_count: usize,
    /// Warnings of the validator, JSON.
    pub warnings: &'a str,
    /// Who imports it.
    pub imported_by: &'a KeyId,
    /// The bytes as they were sent.
    pub document: &'a [u8],
}

impl Store {
    /// Adds a version. `false` when it is there already, which is no error: the same bytes are the same version.
    pub async fn add_catalogue(&self, new: &NewCatalogue<'_>) -> Result<bool, SqlError> {
        let insert = "insert into tariff_catalogue (sequence, version, sha256, catalogue_id, name_zh, name_en, plan_count, add_on_count, \
                      warnings, imported_at_unix_ms, imported_by, document) \
                      values ((select coalesce(max(sequence), 0) + 1 from tariff_catalogue), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
                      on conflict (version) do nothing";
        let values = parameters![
            new.version,
            new.sha256,
            new.catalogue_id,
            new.name.zh.as_str(),
            new.name.en.as_str(),
            count(new.plan_count),
            count(new.add_on_count),
            new.warnings,
            self.now_unix_ms(),
            new.imported_by.as_str(),
            new.document,
        ];
        Ok(self.sql().execute(insert, values).await? == 1)
    }

    /// Facts of one version.
    pub async fn catalogue_facts(&self, version: &str) -> Result<Option<CatalogueFacts>, SqlError> {
        let select = format!("select {FACTS} from tariff_catalogue where version = $1");
        self.sql()
            .query_optional(&select, parameters![version])
            .await
    }

    /// Facts of versions, newest first, after the one at this place with this name.
    pub async fn catalogues(
        &self,
        after: Option<&(i64, String)>,
        limit: i64,
    ) -> Result<Vec<CatalogueFacts>, SqlError> {
        let order = "order by sequence desc, version desc limit";
        match after {
            None => {
                let select = format!("select {FACTS} from tariff_catalogue {order} $1");
                self.sql().query(&select, parameters![limit]).await
            }
            Some((sequence, version)) => {
                let select = format!(
                    "select {FACTS} from tariff_catalogue where (sequence, version) < ($1, $2) {order} $3"
                );
                self.sql()
                    .query(&select, parameters![*sequence, version.as_str(), limit])
                    .await
            }
        }
    }

    /// The bytes of a version, with their SHA-256.
    pub async fn catalogue_document(
        &self,
        version: &str,
    ) -> Result<Option<(Vec<u8>, String)>, SqlError> {
        let select = "select document, sha256 from tariff_catalogue where version = $1";
        self.sql()
            .query_optional(select, parameters![version])
            .await
    }

    /// A compiled version that this instance remembers.
    pub fn compiled(&self, version: &str) -> Option<Arc<CompiledCatalogue>> {
        let mut compiled = self
            .inner
            .compiled
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let position = compiled.iter().position(|(known, _)| known == version)?;
        let found = compiled.remove(position);
        let catalogue = Arc::clone(&found.1);
        compiled.push(found);
        Some(catalogue)
    }

    /// Remembers a compiled version, in place of the one that was used longest ago when there are too many.
    pub fn remember_compiled(&self, version: &str, catalogue: Arc<CompiledCatalogue>) {
        let mut compiled = self
            .inner
            .compiled
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        compiled.retain(|(known, _)| known != version);
        if compiled.len() >= COMPILED_VERSIONS_MAX {
            compiled.remove(0);
        }
        compiled.push((version.to_owned(), catalogue));
    }
}

/// A count as SQL takes it; the validator's bounds keep it far below the limit.
fn count(items: usize) -> i64 {
    i64::try_from(items).unwrap_or(i64::MAX)
}
