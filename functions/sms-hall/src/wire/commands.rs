//! The document of commands.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::command::default_words;

/// The words of each command: `best-plan`, `accept-offer`, `offers`, `help`, `opt-out`, `opt-in`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandsDocument {
    /// Words by command. Case, width, marks at the ends and double spaces do not matter.
    pub commands: BTreeMap<String, Vec<String>>,
}

impl Default for CommandsDocument {
    fn default() -> Self {
        let commands = default_words()
            .into_iter()
            .map(|(code, words)| {
                let words = words.iter().map(|word| (*word).to_owned()).collect();
                (code.to_owned(), words)
            })
            .collect();
        Self { commands }
    }
}
