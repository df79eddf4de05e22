//! Saved groups: named expressions, version by version.

use chudian_runtime::http::auth::Caller;
use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow, Transaction};
use chudian_vocabulary::{Name, Region};

use super::Store;

/// Columns of [`StoredGroup`], in its order.
const COLUMNS: &str =
    "name, version, region, title_zh, title_en, document, retired, created_at_unix_ms, created_by";

/// One version of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredGroup {
    /// Its name.
    pub name: String,
    /// Its version, from 1.
    pub version: u32,
    /// The region whose keys see it; the whole province's where there is none.
    pub region: Option<String>,
    /// Its title.
    pub title: Name,
    /// The expression, JSON.
    pub document: String,
    /// Whether the name was given up with this version.
    pub is_retired: bool,
    /// When it was made.
    pub created_at_unix_ms: i64,
    /// Id of the key that made it.
    pub created_by: String,
}

impl FromSqlRow for StoredGroup {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            name: row.next_column()?,
            version: version_of(row.next_column()?)?,
            region: row.next_column()?,
            title: Name::new(row.next_column::<String>()?, row.next_column::<String>()?),
            document: row.next_column()?,
            is_retired: row.next_column()?,
            created_at_unix_ms: row.next_column()?,
            created_by: row.next_column()?,
        })
    }
}

/// A stored version number.
pub(super) fn version_of(number: i64) -> Result<u32, SqlError> {
    u32::try_from(number).map_err(|_| SqlError::Shape("a version is out of range".to_owned()))
}

impl StoredGroup {
    /// Whether the group exists for `caller`: a key of a region sees its own groups and the province's.
    #[must_use]
    pub fn is_visible_to(&self, caller: &Caller) -> bool {
        match (&self.region, &caller.region) {
            (None, _) | (_, None) => true,
            (Some(own), Some(callers)) => own == callers.as_str(),
        }
    }

    /// Whether `caller` may change it: a key of a region changes its own groups only.
    #[must_use]
    pub fn is_owned_by(&self, caller: &Caller) -> bool {
        caller
            .region
            .as_ref()
            .is_none_or(|region| self.region.as_deref() == Some(region.as_str()))
    }
}

impl Store {
    /// One version of a group, the latest where none is named. A retired name has no latest version, its earlier ones stay.
    pub async fn group(
        &self,
        name: &str,
        version: Option<u32>,
    ) -> Result<Option<StoredGroup>, SqlError> {
        let found: Option<StoredGroup> = match version {
            Some(version) => {
                let select =
                    format!("select {COLUMNS} from filter_group where name = $1 and version = $2");
                self.sql()
                    .query_optional(&select, parameters![name, i64::from(version)])
                    .await?
            }
            None => {
                let select = format!(
                    "select {COLUMNS} from filter_group where name = $1 order by version desc limit 1"
                );
                self.sql()
                    .query_optional(&select, parameters![name])
                    .await?
            }
        };
        Ok(found.filter(|group| !group.is_retired))
    }

    /// The latest versions, by name, after `after`; retired names are left out.
    pub async fn groups(
        &self,
        region: Option<&Region>,
        after: Option<&str>,
        rows: i64,
    ) -> Result<Vec<StoredGroup>, SqlError> {
        let select = format!(
            "select {COLUMNS} from filter_group g where name > $1 and retired = 0 \
             and version = (select max(version) from filter_group l where l.name = g.name) \
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
    pub async fn put_group(
        &self,
        transaction: &mut Transaction,
        group: &NewGroup<'_>,
        caller: &Caller,
    ) -> Result<Option<u32>, SqlError> {
        let select = format!(
            "select {COLUMNS} from filter_group where name = $1 order by version desc limit 1"
        );
        let latest: Option<StoredGroup> = transaction
            .query_optional(&select, parameters![group.name])
            .await?;
        if latest
            .as_ref()
            .is_some_and(|latest| !latest.is_owned_by(caller))
        {
            return Ok(None);
        }
        // A province's key that changes a region's group leaves it the region's.
        let region = match &latest {
            Some(latest) => latest.region.clone(),
            None => caller
                .region
                .as_ref()
                .map(|region| region.as_str().to_owned()),
        };
        let version = latest.map_or(0, |latest| latest.version).saturating_add(1);
        let insert = "insert into filter_group (name, version, region, title_zh, title_en, document, retired, created_at_unix_ms, created_by) \
                      values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let values = parameters![
            group.name,
            i64::from(version),
            region,
            group.title.zh.as_str(),
            group.title.en.as_str(),
            group.document,
            group.is_retired,
            self.now_unix_ms(),
            caller.key_id.as_str(),
        ];
        transaction.execute(insert, values).await?;
        Ok(Some(version))
    }
}

/// A version that is to be added.
pub struct NewGroup<'g> {
    /// Name of the group.
    pub name: &'g str,
    /// Its title.
    pub title: &'g Name,
    /// The expression, JSON.
    pub document: &'g str,
    /// Whether the name is given up.
    pub is_retired: bool,
}
