//! The rule by which a region ranks plans (TS-4).

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::SqlError;
use chudian_vocabulary::Region;
use chudian_vocabulary::access::KeyId;

use super::Store;

/// The region whose rule serves where none is set.
pub const DEFAULT_REGION: &str = "default";

impl Store {
    /// The rule for a region: its own, else the default one, else none. JSON.
    pub async fn rule_for(&self, region: Option<&str>) -> Result<Option<String>, SqlError> {
        let select = "select document from tariff_rule where region = $1 or region = $2 \
                      order by case when region = $2 then 1 else 0 end limit 1";
        let region = region.unwrap_or(DEFAULT_REGION);
        let row: Option<(String,)> = self
            .sql()
            .query_optional(select, parameters![region, DEFAULT_REGION])
            .await?;
        Ok(row.map(|(document,)| document))
    }

    /// Sets the rule of a region.
    pub async fn set_rule(
        &self,
        region: &Region,
        document: &str,
        by: &KeyId,
    ) -> Result<(), SqlError> {
        let upsert = "insert into tariff_rule (region, document, set_at_unix_ms, set_by) values ($1, $2, $3, $4) \
                      on conflict (region) do update set document = excluded.document, \
                      set_at_unix_ms = excluded.set_at_unix_ms, set_by = excluded.set_by";
        let values = parameters![region.as_str(), document, self.now_unix_ms(), by.as_str()];
        self.sql().execute(upsert, values).await?;
        Ok(())
    }
}
