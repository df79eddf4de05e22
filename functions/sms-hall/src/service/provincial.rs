//! What a province sets for all its gateways: the words of commands and the sending rules, remembered for a moment.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Hall, HallError};
use crate::command::Words;
use crate::limits::{COMMANDS_CACHE_MS, RULES_CACHE_MS};
use crate::rules::SendingRules;
use crate::wire::commands::CommandsDocument;
use crate::wire::rules::{SendingRulesDocument, read};

/// Something that was read, and when.
pub(super) struct Remembered<T>(Mutex<Option<(i64, Arc<T>)>>);

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Remembered<T> {
    fn of_now(&self, now: i64, life_ms: i64) -> Option<Arc<T>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, value) = known.as_ref()?;
        (0..life_ms)
            .contains(&(now - read_at))
            .then(|| Arc::clone(value))
    }

    fn remember(&self, now: i64, value: T) -> Arc<T> {
        let value = Arc::new(value);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&value)));
        value
    }

    fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Hall {
    /// The words in force, as they were read a moment ago at most.
    pub(super) async fn words(&self) -> Result<Arc<Words>, HallError> {
        let now = self.store().now_unix_ms();
        if let Some(words) = self.inner.words.of_now(now, COMMANDS_CACHE_MS) {
            return Ok(words);
        }
        let words = match self.store().commands().await? {
            None => Words::default(),
            Some(stored) => {
                let unreadable = HallError::Unreadable("the words of commands");
                let document: CommandsDocument =
                    serde_json::from_str(&stored.document).map_err(|_| unreadable.clone())?;
                Words::new(&document.commands).map_err(|_| unreadable)?
            }
        };
        Ok(self.inner.words.remember(now, words))
    }

    /// Sets the words of the province, for this instance at once.
    pub async fn set_words(&self, document: &str, set_by: &str) -> Result<(), HallError> {
        self.store().set_commands(document, set_by).await?;
        self.inner.words.forget();
        Ok(())
    }

    /// The sending rules in force, as they were read a moment ago at most.
    pub(super) async fn rules(&self) -> Result<Arc<SendingRules>, HallError> {
        let now = self.store().now_unix_ms();
        if let Some(rules) = self.inner.rules.of_now(now, RULES_CACHE_MS) {
            return Ok(rules);
        }
        let rules = match self.store().sending_rules().await? {
            None => SendingRules::default(),
            Some(stored) => {
                let unreadable = HallError::Unreadable("the sending rules");
                let document: SendingRulesDocument =
                    serde_json::from_str(&stored.document).map_err(|_| unreadable.clone())?;
                read(&document).map_err(|_| unreadable)?
            }
        };
        Ok(self.inner.rules.remember(now, rules))
    }

    /// Sets the sending rules of the province, for this instance at once.
    pub async fn set_rules(&self, document: &str, set_by: &str) -> Result<(), HallError> {
        self.store().set_sending_rules(document, set_by).await?;
        self.inner.rules.forget();
        Ok(())
    }
}
