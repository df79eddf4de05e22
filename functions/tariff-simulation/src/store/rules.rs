//! The rule by which a region ranks plans (TS-4).

use std::sync::Arc;

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::SqlError;
use chudian_vocabulary::Region;
use chudian_vocabulary::access::KeyId;

use super::{Believed, RULES_REMEMBERED_MAX, Store};

/// The region whose rule serves where none is set.
pub const DEFAULT_REGION: &str = "default";

impl Store {
    /// The rule set for exactly this region, JSON.
    pub async fn rule_of(&self, region: &Region) -> Result<Option<Arc<str>>, SqlError> {
        let now_ms = self.now_unix_ms();
        let believed = self.remembered().rules.get(region.as_str()).and_then(|believed| believed.fresh_at(now_ms));
        if let Some(rule) = believed {
            return Ok(rule);
        }
        let select = "select document from tariff_rule where region = $1";
        let row: Option<(String,)> = self.sql().query_optional(select, parameters![region.as_str()]).await?;
        let rule: Option<Arc<str>> = row.map(|(document,)| document.into());
        let mut remembered = self.remembered();
        if remembered.rules.len() >= RULES_REMEMBERED_MAX {
            remembered.rules.clear();
        }
        remembered.rules.insert(region.as_str().to_owned(), Believed { value: rule.clone(), read_at_ms: now_ms });
        Ok(rule)
    }

    /// Sets the rule of a region.
    pub async fn set_rule(&self, region: &Region, document: &str, by: &KeyId) -> Result<(), SqlError> {
        let upsert = "insert into tariff_rule (region, document, set_at_unix_ms, set_by) values ($1, $2, $3, $4) \
                      on conflict (region) do update set document = excluded.document, \
                      set_at_unix_ms = excluded.set_at_unix_ms, set_by = excluded.set_by";
        let values = parameters![region.as_str(), document, self.now_unix_ms(), by.as_str()];
        self.sql().execute(upsert, values).await?;
        self.remembered().rules.remove(region.as_str());
        Ok(())
    }
}
