//! What a list was made from: everything that is needed to make it again.
//!
//! Invariant: [`Recipe::canonical_bytes`] is a one-to-one image of the recipe. Every text is preceded by its length and every choice by its
//! number, so no two recipes share an image. The format is published with the hash; it is extended by a new version line only.

use sha2::{Digest as _, Sha256};

use super::batches::Batching;
use super::caps::{CapRules, OverCap};
use crate::exclusions::MessageClass;

/// First line of the canonical form.
const VERSION_LINE: &[u8] = b"chudian-list/1\n";

/// Which channel contacts a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelChoice {
    /// The same for all.
    Fixed(String),
    /// As this column of words says; a customer without a word has no channel and is left out, which is accounted.
    Column(String),
}

/// Who comes first when not all can be contacted. Equals are ordered by the keyed hash of [`super::keyed::Purpose::Order`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Priority {
    /// By keyed hash alone: a fair draw that can be repeated.
    Draw,
    /// By a column of numbers, scores or dates. Customers without a value come last.
    Column {
        /// Name of the column.
        name: String,
        /// Whether large values come first.
        descending: bool,
    },
    /// By the points of a lookalike run (TF-6), most first.
    Lookalike {
        /// Id of the run.
        run_id: String,
    },
}

/// The control group: who would be contacted and is not, so that the effect can be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Campaigns with the same salt have the same control customers.
    pub salt: String,
    /// Share in thousandths; 0 for none.
    pub permille: u16,
}

/// Everything from which a list follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The selection rule, in its canonical text.
    pub rule: String,
    /// Version of the rule.
    pub rule_version: String,
    /// Version of the exclusion set.
    pub exclusion_version: String,
    /// Version of the dataset, layers included.
    pub dataset_version: String,
    /// Up to where the contact log was read; `None` when no contacts were available.
    pub contact_horizon: Option<String>,
    /// The day at which time windows end, days since 1970.
    pub as_of_unix_days: i32,
    /// Only customers of this region, for a maker who sees no other.
    pub region_scope: Option<String>,
    /// The column that holds the region; `None` when the dataset has none.
    pub region_column: Option<String>,
    /// Kind of message.
    pub class: MessageClass,
    /// Channel.
    pub channel: ChannelChoice,
    /// Order.
    pub priority: Priority,
    /// Salt of the order of equals.
    pub order_salt: String,
    /// Caps.
    pub caps: CapRules,
    /// What a reached cap means.
    pub over_cap: OverCap,
    /// Control group.
    pub control: Control,
    /// Batches.
    pub batching: Batching,
    /// Columns that the list carries.
    pub columns: Vec<String>,
}

/// Writes the canonical form piece by piece.
#[derive(Default)]
pub struct Canonical(Vec<u8>);

impl Canonical {
    fn text(&mut self, text: &str) -> &mut Self {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    fn choice(&mut self, number: u8) -> &mut Self {
        self.0.push(number);
        self
    }

    fn optional(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            None => self.choice(0),
            Some(text) => self.choice(1).text(text),
        }
    }
}

impl Recipe {
    /// The canonical form.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut out = Canonical(VERSION_LINE.to_vec());
        out.text(&self.rule)
            .text(&self.rule_version)
            .text(&self.exclusion_version)
            .text(&self.dataset_version)
            .optional(self.contact_horizon.as_deref());
        out.0.extend_from_slice(&self.as_of_unix_days.to_be_bytes());
        out.optional(self.region_scope.as_deref())
            .optional(self.region_column.as_deref());
        out.choice(match self.class {
            MessageClass::Marketing => 0,
            MessageClass::Service => 1,
            MessageClass::Diversion => 2,
        });
        match &self.channel {
            ChannelChoice::Fixed(name) => out.choice(0).text(name),
            ChannelChoice::Column(name) => out.choice(1).text(name),
        };
        match &self.priority {
            Priority::Draw => out.choice(0),
            Priority::Column { name, descending } => {
                out.choice(1).text(name).choice(u8::from(*descending))
            }
            Priority::Lookalike { run_id } => out.choice(2).text(run_id),
        };
        out.text(&self.order_salt)
            .number(self.caps.as_slice().len() as u64);
        for rule in self.caps.as_slice() {
            out.optional(rule.channel.as_deref())
                .optional(rule.region.as_deref())
                .number(rule.members_max);
        }
        out.choice(match self.over_cap {
            OverCap::Cut => 0,
            OverCap::Refuse => 1,
        });
        out.text(&self.control.salt)
            .number(self.control.permille.into());
        match self.batching {
            Batching::Whole => out.choice(0),
            Batching::OfSize(size) => out.choice(1).number(size.get()),
            Batching::Count(count) => out.choice(2).number(count.get()),
        };
        out.number(self.columns.len() as u64);
        for column in &self.columns {
            out.text(column);
        }
        out.0
    }

    /// SHA-256 of the canonical form.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.canonical_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::num::NonZeroU64;

    use super::super::caps::CapRule;
    use super::*;

    pub(super) fn plain() -> Recipe {
        Recipe {
            rule: "arpu >= 80".to_owned(),
            rule_version: "1".to_owned(),
            exclusion_version: "1".to_owned(),
            dataset_version: "ds_a".to_owned(),
            contact_horizon: None,
            as_of_unix_days: 20_779,
            region_scope: None,
            region_column: Some("region".to_owned()),
            class: MessageClass::Marketing,
            channel: ChannelChoice::Fixed("sms".to_owned()),
            priority: Priority::Draw,
            order_salt: "s".to_owned(),
            caps: CapRules::default(),
            over_cap: OverCap::Cut,
            control: Control {
                salt: "c".to_owned(),
                permille: 100,
            },
            batching: Batching::Whole,
            columns: Vec::new(),
        }
    }

    /// Goal: every part of the recipe is in its hash, also where two parts could be read as one.
    #[test]
    fn every_part_counts() {
        let changes: [fn(&mut Recipe); 22] = [
            |_| {},
            |recipe| recipe.rule.push('1'),
            |recipe| recipe.rule_version.push('1'),
            |recipe| (recipe.rule, recipe.rule_version) = ("arpu >= 8".to_owned(), "01".to_owned()),
            |recipe| recipe.exclusion_version.push('1'),
            |recipe| recipe.dataset_version.push('1'),
            |recipe| recipe.contact_horizon = Some(String::new()),
            |recipe| recipe.contact_horizon = Some("7".to_owned()),
            |recipe| recipe.as_of_unix_days += 1,
            |recipe| recipe.region_scope = Some("cs".to_owned()),
            |recipe| recipe.region_column = None,
            |recipe| recipe.class = MessageClass::Service,
            |recipe| recipe.channel = ChannelChoice::Column("sms".to_owned()),
            |recipe| {
                recipe.priority = Priority::Column {
                    name: "arpu".to_owned(),
                    descending: true,
                }
            },
            |recipe| {
                recipe.priority = Priority::Column {
                    name: "arpu".to_owned(),
                    descending: false,
                }
            },
            |recipe| recipe.order_salt.push('1'),
            |recipe| {
                recipe.caps = CapRules::new(vec![CapRule {
                    channel: None,
                    region: None,
                    members_max: 0,
                }])
                .unwrap();
            },
            |recipe| recipe.over_cap = OverCap::Refuse,
            |recipe| recipe.control.permille = 0,
            |recipe| recipe.batching = Batching::OfSize(NonZeroU64::MIN),
            |recipe| recipe.batching = Batching::Count(NonZeroU64::MIN),
            |recipe| recipe.columns.push("arpu".to_owned()),
        ];
        let hashes: BTreeSet<_> = changes
            .iter()
            .map(|change| {
                let mut recipe = plain();
                change(&mut recipe);
                recipe.hash()
            })
            .collect();
        assert_eq!(hashes.len(), changes.len());
    }
}
