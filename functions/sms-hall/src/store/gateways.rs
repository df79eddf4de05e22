//! Gateways, and what a province sets for all of them: the words of commands, the sending rules.

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow};

use super::Store;

/// A gateway as it is stored.
#[derive(Clone)]
pub struct GatewayRow {
    /// Its id.
    pub gateway_id: String,
    /// What people call it.
    pub name: String,
    /// `aliyun`, `tencent` or `plain`.
    pub provider: String,
    /// Region of its customers.
    pub region: String,
    /// Language of its replies, `zh` or `en`.
    pub language: String,
    /// JSON array of address ranges.
    pub addresses: String,
    /// Where messages are handed over.
    pub endpoint: String,
    /// The sender, JSON.
    pub sender: String,
    /// Sealed.
    pub secrets: Vec<u8>,
    /// When it was made.
    pub created_at_unix_ms: i64,
    /// Id of the key that made it.
    pub created_by: String,
    /// When it was last changed.
    pub changed_at_unix_ms: i64,
}

impl FromSqlRow for GatewayRow {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            gateway_id: row.next_column()?,
            name: row.next_column()?,
            provider: row.next_column()?,
            region: row.next_column()?,
            language: row.next_column()?,
            addresses: row.next_column()?,
            endpoint: row.next_column()?,
            sender: row.next_column()?,
            secrets: row.next_column()?,
            created_at_unix_ms: row.next_column()?,
            created_by: row.next_column()?,
            changed_at_unix_ms: row.next_column()?,
        })
    }
}

const COLUMNS: &str = "gateway_id, name, provider, region, language, addresses, endpoint, sender, secrets, created_at_unix_ms, \
                       created_by, changed_at_unix_ms";

/// What a province has set, as it is stored.
#[derive(Clone, Debug)]
pub struct StoredDocument {
    /// The document, JSON.
    pub document: String,
    /// When it was set.
    pub set_at_unix_ms: i64,
    /// Id of the key that set it.
    pub set_by: String,
}

/// The one scope of what is set.
const PROVINCE: &str = "province";

impl Store {
    /// Adds a gateway; `path_hash` is that of its path.
    pub async fn add_gateway(&self, gateway: &GatewayRow, path_hash: &str) -> Result<(), SqlError> {
        let insert = "insert into sms_gateway (gateway_id, name, provider, region, language, addresses, endpoint, sender, secrets, \
                      created_at_unix_ms, created_by, changed_at_unix_ms, path_hash) \
                      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
        let values = parameters![
            gateway.gateway_id.as_str(),
            gateway.name.as_str(),
            gateway.provider.as_str(),
            gateway.region.as_str(),
            gateway.language.as_str(),
            gateway.addresses.as_str(),
            gateway.endpoint.as_str(),
            gateway.sender.as_str(),
            gateway.secrets.as_slice(),
            gateway.created_at_unix_ms,
            gateway.created_by.as_str(),
            gateway.changed_at_unix_ms,
            path_hash
        ];
        self.sql.execute(insert, values).await.map(drop)
    }

    /// Writes a gateway's settings anew; `false` when it is not there any more, or when its secrets are not those that were `read`: someone
    /// else changed them meanwhile. Provider, region and path stay.
    pub async fn set_gateway(&self, gateway: &GatewayRow, read: &[u8]) -> Result<bool, SqlError> {
        let update = "update sms_gateway set name = $1, language = $2, addresses = $3, endpoint = $4, sender = $5, secrets = $6, \
                      changed_at_unix_ms = $7 where gateway_id = $8 and secrets = $9";
        let values = parameters![
            gateway.name.as_str(),
            gateway.language.as_str(),
            gateway.addresses.as_str(),
            gateway.endpoint.as_str(),
            gateway.sender.as_str(),
            gateway.secrets.as_slice(),
            gateway.changed_at_unix_ms,
            gateway.gateway_id.as_str(),
            read
        ];
        Ok(self.sql.execute(update, values).await? == 1)
    }

    /// Gives a gateway another path; whether it was there.
    pub async fn set_gateway_path(
        &self,
        gateway_id: &str,
        path_hash: &str,
    ) -> Result<bool, SqlError> {
        let update =
            "update sms_gateway set path_hash = $1, changed_at_unix_ms = $2 where gateway_id = $3";
        let values = parameters![path_hash, self.now_unix_ms(), gateway_id];
        Ok(self.sql.execute(update, values).await? == 1)
    }

    /// Removes a gateway; whether it was there. What came and went through it stays.
    pub async fn remove_gateway(&self, gateway_id: &str) -> Result<bool, SqlError> {
        let delete = "delete from sms_gateway where gateway_id = $1";
        Ok(self.sql.execute(delete, parameters![gateway_id]).await? == 1)
    }

    /// All gateways, by id.
    pub async fn gateways(&self) -> Result<Vec<GatewayRow>, SqlError> {
        let select = format!("select {COLUMNS} from sms_gateway order by gateway_id");
        self.sql.query(&select, Vec::new()).await
    }

    /// A gateway.
    pub async fn gateway(&self, gateway_id: &str) -> Result<Option<GatewayRow>, SqlError> {
        let select = format!("select {COLUMNS} from sms_gateway where gateway_id = $1");
        self.sql
            .query_optional(&select, parameters![gateway_id])
            .await
    }

    /// The gateway whose path has this hash.
    pub async fn gateway_of_path(&self, path_hash: &str) -> Result<Option<GatewayRow>, SqlError> {
        let select = format!("select {COLUMNS} from sms_gateway where path_hash = $1");
        self.sql
            .query_optional(&select, parameters![path_hash])
            .await
    }

    /// The province's own words, if it has any.
    pub async fn commands(&self) -> Result<Option<StoredDocument>, SqlError> {
        let select = "select document, set_at_unix_ms, set_by from sms_commands where scope = $1";
        self.sql.query_optional(select, parameters![PROVINCE]).await
    }

    /// Sets the province's words.
    pub async fn set_commands(&self, document: &str, set_by: &str) -> Result<(), SqlError> {
        let upsert = "insert into sms_commands (scope, document, set_at_unix_ms, set_by) values ($1, $2, $3, $4) \
                      on conflict (scope) do update set document = excluded.document, \
                      set_at_unix_ms = excluded.set_at_unix_ms, set_by = excluded.set_by";
        let values = parameters![PROVINCE, document, self.now_unix_ms(), set_by];
        self.sql.execute(upsert, values).await.map(drop)
    }

    /// The province's own sending rules, if it has any.
    pub async fn sending_rules(&self) -> Result<Option<StoredDocument>, SqlError> {
        let select =
            "select document, set_at_unix_ms, set_by from sms_sending_rules where scope = $1";
        self.sql.query_optional(select, parameters![PROVINCE]).await
    }

    /// Sets the province's sending rules.
    pub async fn set_sending_rules(&self, document: &str, set_by: &str) -> Result<(), SqlError> {
        let upsert = "insert into sms_sending_rules (scope, document, set_at_unix_ms, set_by) values ($1, $2, $3, $4) \
                      on conflict (scope) do update set document = excluded.document, \
                      set_at_unix_ms = excluded.set_at_unix_ms, set_by = excluded.set_by";
        let values = parameters![PROVINCE, document, self.now_unix_ms(), set_by];
        self.sql.execute(upsert, values).await.map(drop)
    }
}

impl FromSqlRow for StoredDocument {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            document: row.next_column()?,
            set_at_unix_ms: row.next_column()?,
            set_by: row.next_column()?,
        })
    }
}
