//! The installation's variables, read once in an instance's life, and what is derived from them.

use std::sync::{Arc, Mutex, PoisonError};

use chudian_runtime::ports::{VariableError, Variables};
use chudian_vocabulary::access::Pepper;
use chudian_vocabulary::pseudonym::{PseudonymKey, base32};

use crate::seal::Seal;

/// Why there are no settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// `pseudonym_key` is empty or no key.
    #[error("variable `pseudonym_key` is not 64 hexadecimal characters")]
    NoPseudonymKey,
    /// A variable cannot be read.
    #[error(transparent)]
    Variable(#[from] VariableError),
}

/// The settings.
pub struct Settings {
    /// Makes customers' pseudonyms, the same as the import does.
    pub pseudonyms: PseudonymKey,
    /// Seals numbers and secrets.
    pub seal: Seal,
    /// Where `tariff-simulation` is.
    pub tariff_url: String,
    /// Where `feedback-ingest` is.
    pub feedback_url: String,
    /// The key with which both are asked; empty when there is none.
    pub hall_key: String,
    hash: Pepper,
}

impl Settings {
    /// A keyed hash of parts, as 26 characters; `kind` tells uses apart. The parts may hold numbers: without the key they cannot be found
    /// by trying.
    pub fn hash(&self, kind: &str, parts: &[&str]) -> String {
        let mut message = format!("chudian sms-hall {kind} v1").into_bytes();
        for part in parts {
            message.extend((part.len() as u64).to_be_bytes());
            message.extend(part.as_bytes());
        }
        let digest = self.hash.hmac_sha256(&message);
        let mut head = [0; 16];
        head.copy_from_slice(&digest[..16]);
        base32(&head)
    }
}

/// Reads the settings when they are first wanted.
pub struct SettingsSource {
    variables: Arc<dyn Variables>,
    known: Mutex<Option<Arc<Settings>>>,
}

impl SettingsSource {
    /// From these variables.
    pub fn new(variables: Arc<dyn Variables>) -> Self {
        Self {
            variables,
            known: Mutex::new(None),
        }
    }

    /// The settings.
    pub async fn get(&self) -> Result<Arc<Settings>, SettingsError> {
        let known = self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(settings) = known {
            return Ok(settings);
        }
        let key = self.variables.get("pseudonym_key").await?;
        let pseudonyms: PseudonymKey = key
            .trim()
            .parse()
            .map_err(|_| SettingsError::NoPseudonymKey)?;
        let url = |text: String| text.trim().trim_end_matches('/').to_owned();
        let settings = Arc::new(Settings {
            seal: Seal::of(&pseudonyms),
            hash: Pepper::new(&pseudonyms.reveal()),
            pseudonyms,
            tariff_url: url(self.variables.get("sms_tariff_url").await?),
            feedback_url: url(self.variables.get("sms_feedback_url").await?),
            hall_key: self.variables.get("sms_hall_key").await?.trim().to_owned(),
        });
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&settings));
        Ok(settings)
    }
}
