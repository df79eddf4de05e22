//! `chudian batch`: drives batches over the customer dataset from the terminal.
//!
//! A batch runs in the functions, part by part; this program only asks for the parts, so it may be stopped at any moment and run again.

mod contacts;
pub(super) mod layer;
mod lookalike;
mod tariff;

use clap::{Args, Subcommand};

use crate::language::Language;

/// Compute derived columns for every customer of the dataset / 为数据集中的每位客户计算派生列
#[derive(Debug, Args)]
pub struct Batch {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Contacts(contacts::Contacts),
    Tariff(tariff::Tariff),
    Lookalike(lookalike::Lookalike),
}

impl Batch {
    /// Does it.
    ///
    /// # Errors
    /// When a file or the system is not as it should be; the message says what to do. What was computed stays computed.
    pub fn run(self) -> anyhow::Result<()> {
        match self.verb {
            Verb::Contacts(contacts) => contacts.run(Language::of_terminal()),
            Verb::Tariff(tariff) => tariff.run(Language::of_terminal()),
            Verb::Lookalike(lookalike) => lookalike.run(Language::of_terminal()),
        }
    }
}
