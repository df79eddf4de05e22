//! Exclusion sets, version by version.

use chudian_runtime::http::auth::Caller;
use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow, Transaction};
use chudian_vocabulary::Region;

use super::Store;
use super::groups::version_of;

/// Columns of [`StoredSet`], in its order.
const COLUMNS: &str = "name, version, region, document, created_at_unix_ms, created_by";

/// One version of an exclusion set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSet {
    /// Its name.
    pub name: String,
    /// Its version, from 1.
    pub version: u32,
    /// The region whose keys see it; the whole province's where there is none.
    pub region: Option<String>,
    /// The set, JSON.
    pub document: String,
    /// When it was made.
    pub created_at_unix_ms: i64,
    /// Id of the key that made it.
    pub created_by: String,
}

impl FromSqlRow for StoredSet {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            name: row.next_column()?,
            version: version_of(row.next_column()?)?,
            region: row.next_column()?,
            document: row.next_column()?,
            created_at_unix_ms: row.next_column()?,
            created_by: row.next_column()?,
        })
    }
}

impl StoredSet {
    /// Whether the set exists for `caller`: a key of a region sees its own sets and the province's.
    #[must_use]
    pub fn is_visible_to(&self, caller: &Caller) -> bool {
        match (&self.region, &caller.region) {
            (None, _) | (_, None) => true,
            (Some(own), Some(callers)) => own == callers.as_str(),
        }
    }

    /// Whether `caller` may change it: a key of a region changes its own sets only.
    #[must_use]
    pub fn is_owned_by(&self, caller: &Caller) -> bool {
        caller
            .region
            .as_ref()
            .is_none_or(|region| self.region.as_deref() == Some(region.as_str()))
    }
}

impl Store {
    /// One version of a set, the latest where none is named.
    pub async fn exclusion_set(
        &self,
        name: &str,
        version: Option<u32>,
    ) -> Result<Option<StoredSet>, SqlError> {
        match version {
            Some(version) => {
                let select = format!(
                    "select {COLUMNS} from filter_exclusion_set where name = $1 and version = $2"
                );
                self.sql()
                    .query_optional(&select, parameters![name, i64::from(version)])
                    .await
            }
            None => {
                let select = format!(
                    "select {COLUMNS} from filter_exclusion_set where name = $1 order by version desc limit 1"
                );
                self.sql().query_optional(&select, parameters![name]).await
            }
        }
    }

    /// The latest versions, by name, after `after`.
    pub async fn exclusion_sets(
        &self,
        region: Option<&Region>,
        after: Option<&str>,
        rows: i64,
    ) -> Result<Vec<StoredSet>, SqlError> {
        let select = format!(
            "select {COLUMNS} from filter_exclusion_set s where name > $1 \
             and version = (select max(version) from filter_exclusion_set l where l.name = s.name) \
             and ($2 = '' or region is null or region = $3) order by name limit $4"
        );
        let region = region.map_or("", Region::as_str);
        self.sql()
            .query(
                &select,
                parameters![after.unwrap_or_default(), region, region, rows],
            )
            .await
    }

    /// Adds a version; returns its number, or nothing when the name belongs to another region.
    pub async fn put_exclusion_set(
        &self,
        transaction: &mut Transaction,
        name: &str,
        document: &str,
        caller: &Caller,
    ) -> Result<Option<u32>, SqlError> {
        let select = format!(
            "select {COLUMNS} from filter_exclusion_set where name = $1 order by version desc limit 1"
        );
        let latest: Option<StoredSet> = transaction
            .query_optional(&select, parameters![name])
            .await?;
        if latest
            .as_ref()
            .is_some_and(|latest| !latest.is_owned_by(caller))
        {
            return Ok(None);
        }
        let region = match &latest {
            Some(latest) => latest.region.clone(),
            None => caller
                .region
                .as_ref()
                .map(|region| region.as_str().to_owned()),
        };
        let version = latest.map_or(0, |latest| latest.version).saturating_add(1);
        let insert = "insert into filter_exclusion_set (name, version, region, document, created_at_unix_ms, created_by) \
                      values ($1, $2, $3, $4, $5, $6)";
        let values = parameters![
            name,
            i64::from(version),
            region,
            document,
            self.now_unix_ms(),
            caller.key_id.as_str()
        ];
        transaction.execute(insert, values).await?;
        Ok(Some(version))
    }
}
