//! What the function does: takes what providers push, answers customers, hands messages over, reports what happened.
//!
//! A callback is acknowledged when what it brought is durable; everything behind that runs after the answer, and may be cut off at any
//! point: what was not done is found again by [`Hall::drain`].

mod addresses;
mod answers;
mod drain;
mod gateways;
mod intake;
mod providers;
mod provincial;
mod rejecting;
mod reports;
mod sender;
mod settings;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use chudian_runtime::http::edge::Log;
use chudian_runtime::ports::sql::SqlError;
use chudian_runtime::ports::{Background, HttpClient, Variables};
use chudian_vocabulary::masking::mask_numbers;
use serde_json::{Map, Value};

use crate::command::Words;
use crate::rules::SendingRules;
use crate::store::Store;
use provincial::Remembered;

pub use addresses::AddressRange;
pub use drain::Drained;
pub use gateways::{Gateway, Gateways, Provider};
pub use intake::{IntakeError, Signature};
pub use sender::NewMarketing;
pub use settings::{Settings, SettingsError, SettingsSource};

/// The function's work. Clones share everything.
#[derive(Clone)]
pub struct Hall {
    inner: Arc<HallInner>,
}

struct HallInner {
    store: Store,
    client: Arc<dyn HttpClient>,
    background: Arc<dyn Background>,
    log: Arc<dyn Log>,
    settings: SettingsSource,
    gateways: Gateways,
    words: Remembered<Words>,
    rules: Remembered<SendingRules>,
    /// Whether this instance is reporting events just now.
    /// How many asked for a report since nobody was at it; 0 when nobody is.
    reports_asked: AtomicUsize,
}

/// Why something could not be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HallError {
    /// The database refused.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The installation is not set up.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A row cannot be read, or sealed: a defect, or another key than that of its writing.
    #[error("stored data cannot be read: {0}")]
    Unreadable(&'static str),
}

impl Hall {
    /// The work over these ports.
    pub fn new(
        store: Store,
        client: Arc<dyn HttpClient>,
        background: Arc<dyn Background>,
        variables: Arc<dyn Variables>,
        log: Arc<dyn Log>,
    ) -> Self {
        Self {
            inner: Arc::new(HallInner {
                gateways: Gateways::new(store.clone()),
                settings: SettingsSource::new(variables),
                store,
                client,
                background,
                log,
                words: Remembered::default(),
                rules: Remembered::default(),
                reports_asked: AtomicUsize::new(0),
            }),
        }
    }

    /// The tables.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The gateways.
    pub fn gateways(&self) -> &Gateways {
        &self.inner.gateways
    }

    /// The installation's settings.
    pub async fn settings(&self) -> Result<Arc<Settings>, SettingsError> {
        self.inner.settings.get().await
    }

    /// Writes a line to the log: what, and words and ids that belong to it.
    async fn note(&self, what: &str, fields: &[(&str, &str)]) {
        let mut line = Map::new();
        line.insert("level".to_owned(), "warn".into());
        line.insert("event".to_owned(), what.into());
        for (name, value) in fields {
            line.insert((*name).to_owned(), mask_numbers(value).into_owned().into());
        }
        self.inner.log.line(&Value::Object(line).to_string()).await;
    }
}
