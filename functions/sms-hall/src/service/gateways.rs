//! Gateways as they are used: read from their rows, opened, remembered for a moment.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use chudian_vocabulary::{Language, UnknownWord};

use super::{AddressRange, HallError, Settings};
use crate::limits::{GATEWAY_CACHE_MS, GATEWAYS_REMEMBERED_MAX};
use crate::store::{GatewayRow, Store};
use crate::wire::gateway::{Secrets, Sender};

/// Who runs a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Alibaba Cloud.
    Aliyun,
    /// Tencent Cloud.
    Tencent,
    /// Anybody, in the plain form.
    Plain,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Self; 3] = [Self::Aliyun, Self::Tencent, Self::Plain];

    /// Its word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Aliyun => "aliyun",
            Self::Tencent => "tencent",
            Self::Plain => "plain",
        }
    }

    /// Where its messages are handed over, when a gateway does not say.
    pub const fn endpoint(self) -> Option<&'static str> {
        match self {
            Self::Aliyun => Some(crate::wire::aliyun::ENDPOINT),
            Self::Tencent => Some(crate::wire::tencent::ENDPOINT),
            Self::Plain => None,
        }
    }
}

impl FromStr for Provider {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.code() == text)
            .ok_or(UnknownWord)
    }
}

/// A gateway.
pub struct Gateway {
    /// Its id.
    pub id: String,
    /// Who runs it.
    pub provider: Provider,
    /// Region of its customers.
    pub region: String,
    /// Language of its replies.
    pub language: Language,
    /// From where it calls.
    pub addresses: Vec<AddressRange>,
    /// Where messages are handed over.
    pub endpoint: String,
    /// The sender.
    pub sender: Sender,
    /// Its secrets.
    pub secrets: Secrets,
}

impl Gateway {
    /// Reads a row.
    pub fn of_row(row: &GatewayRow, settings: &Settings) -> Result<Self, HallError> {
        let unreadable = HallError::Unreadable;
        let secrets = settings
            .seal
            .open(&row.gateway_id, &row.secrets)
            .map_err(|_| unreadable("the secrets of a gateway"))?;
        let addresses: Vec<String> = serde_json::from_str(&row.addresses)
            .map_err(|_| unreadable("the addresses of a gateway"))?;
        Ok(Self {
            id: row.gateway_id.clone(),
            provider: row
                .provider
                .parse()
                .map_err(|_| unreadable("the provider of a gateway"))?,
            region: row.region.clone(),
            language: match row.language.as_str() {
                "en" => Language::English,
                _ => Language::Chinese,
            },
            addresses: addresses
                .iter()
                .map(|text| text.parse())
                .collect::<Result<_, _>>()
                .map_err(|_| unreadable("the addresses of a gateway"))?,
            endpoint: row.endpoint.clone(),
            sender: serde_json::from_str(&row.sender)
                .map_err(|_| unreadable("the sender of a gateway"))?,
            secrets: serde_json::from_str(&secrets)
                .map_err(|_| unreadable("the secrets of a gateway"))?,
        })
    }

    /// Whether the provider calls from there.
    pub fn admits(&self, address: Option<IpAddr>) -> bool {
        address.is_some_and(|address| self.addresses.iter().any(|range| range.contains(address)))
    }
}

/// What is remembered under a path's hash or an id, and since when.
type Remembered = BTreeMap<String, (i64, Option<Arc<Gateway>>)>;

/// Finds gateways.
pub struct Gateways {
    store: Store,
    remembered: Mutex<Remembered>,
}

impl Gateways {
    /// Those of `store`.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            remembered: Mutex::default(),
        }
    }

    /// The gateway of a path.
    pub async fn of_path(
        &self,
        path: &str,
        settings: &Settings,
    ) -> Result<Option<Arc<Gateway>>, HallError> {
        let hash = settings.hash("path", &[path]);
        if let Some(known) = self.known(&hash) {
            return Ok(known);
        }
        let row = self.store.gateway_of_path(&hash).await?;
        self.remember(hash, row, settings)
    }

    /// The gateway of an id.
    pub async fn of_id(
        &self,
        id: &str,
        settings: &Settings,
    ) -> Result<Option<Arc<Gateway>>, HallError> {
        let name = format!("id {id}");
        if let Some(known) = self.known(&name) {
            return Ok(known);
        }
        let row = self.store.gateway(id).await?;
        self.remember(name, row, settings)
    }

    fn known(&self, name: &str) -> Option<Option<Arc<Gateway>>> {
        let now = self.store.now_unix_ms();
        let remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (read_at, gateway) = remembered.get(name)?;
        (0..GATEWAY_CACHE_MS)
            .contains(&(now - read_at))
            .then(|| gateway.clone())
    }

    /// Unknown paths are remembered too, so that trying them costs the database little; when there are too many, all are forgotten.
    fn remember(
        &self,
        name: String,
        row: Option<GatewayRow>,
        settings: &Settings,
    ) -> Result<Option<Arc<Gateway>>, HallError> {
        let gateway = row
            .map(|row| Gateway::of_row(&row, settings).map(Arc::new))
            .transpose()?;
        let mut remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= GATEWAYS_REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(name, (self.store.now_unix_ms(), gateway.clone()));
        Ok(gateway)
    }
}
