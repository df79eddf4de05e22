//! Which catalogue version is in force from which day on.

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow};
use chudian_vocabulary::Date;
use chudian_vocabulary::access::KeyId;

use super::Store;

/// A version and the first day on which it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// First day.
    pub from: Date,
    /// The version.
    pub version: String,
    /// When this was decided.
    pub set_at_unix_ms: i64,
    /// Id of the key that decided it.
    pub set_by: String,
}

impl FromSqlRow for Activation {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        let from: String = row.next_column()?;
        Ok(Self {
            from: Date::parse(&from)
                .map_err(|error| SqlError::Shape(format!("tariff_activation: {error}")))?,
            version: row.next_column()?,
            set_at_unix_ms: row.next_column()?,
            set_by: row.next_column()?,
        })
    }
}

impl Store {
    /// All activations, by day. There are a few a year, so the list is read whole.
    pub async fn activations(&self) -> Result<Vec<Activation>, SqlError> {
        let select = "select from_date, version, set_at_unix_ms, set_by from tariff_activation order by from_date";
        self.sql().query(select, Vec::new()).await
    }

    /// The version in force on `day`.
    pub async fn version_in_force(&self, day: Date) -> Result<Option<String>, SqlError> {
        // Dates of this form sort as text.
        let select = "select version from tariff_activation where from_date <= $1 order by from_date desc limit 1";
        let row: Option<(String,)> = self
            .sql()
            .query_optional(select, parameters![day.to_string()])
            .await?;
        Ok(row.map(|(version,)| version))
    }

    /// Puts `version` in force from `from` on, in place of what was planned for that day. Returns when that was, unix milliseconds.
    pub async fn activate(&self, from: Date, version: &str, by: &KeyId) -> Result<i64, SqlError> {
        let upsert = "insert into tariff_activation (from_date, version, set_at_unix_ms, set_by) values ($1, $2, $3, $4) \
                      on conflict (from_date) do update set version = excluded.version, \
                      set_at_unix_ms = excluded.set_at_unix_ms, set_by = excluded.set_by";
        let now_unix_ms = self.now_unix_ms();
        self.sql()
            .execute(
                upsert,
                parameters![from.to_string(), version, now_unix_ms, by.as_str()],
            )
            .await?;
        Ok(now_unix_ms)
    }

    /// Removes the activation of that day; `false` when there is none.
    pub async fn deactivate(&self, from: Date) -> Result<bool, SqlError> {
        let delete = "delete from tariff_activation where from_date = $1";
        let removed = self
            .sql()
            .execute(delete, parameters![from.to_string()])
            .await?;
        Ok(removed == 1)
    }
}
