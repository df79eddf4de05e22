//! Caps: how many customers a campaign may contact by channel and by region.
//!
//! A cap that is not set does not exist; a cap of 0 lets nobody through: the two are different types of thing here, a missing
//! [`CapRule`] and a rule with `members_max` 0. Service messages are another [`crate::exclusions::MessageClass`]; rules never touch them.

use std::collections::BTreeSet;

use super::limits::CAP_RULES_MAX;

/// What to do when a cap is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverCap {
    /// Leave out those who come last in the order, and account for them.
    Cut,
    /// Make no list and say how many are too many.
    Refuse,
}

/// At most so many contacted customers with this channel and this region; `None` stands for all of them together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CapRule {
    /// The channel, or every channel.
    pub channel: Option<String>,
    /// The region, or every region.
    pub region: Option<String>,
    /// Customers that may be contacted; 0 for nobody.
    pub members_max: u64,
}

/// Why a set of rules cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CapError {
    /// More rules than [`CAP_RULES_MAX`].
    #[error("{rules} rules of caps, of which there may be {CAP_RULES_MAX}")]
    TooMany {
        /// How many there are.
        rules: usize,
    },
    /// Two rules for the same channel and region: which one holds would depend on their order.
    #[error("rule {index} is for the same channel and region as one before it")]
    Twice {
        /// Place of the second one, from 0.
        index: usize,
    },
}

/// Rules of which no two are for the same channel and region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapRules(Vec<CapRule>);

impl CapRules {
    /// Checks the rules; their order is kept, since a customer that several rules stop is accounted to the first.
    ///
    /// # Errors
    /// See [`CapError`].
    pub fn new(rules: Vec<CapRule>) -> Result<Self, CapError> {
        if rules.len() > CAP_RULES_MAX {
            return Err(CapError::TooMany { rules: rules.len() });
        }
        let mut seen = BTreeSet::new();
        for (index, rule) in rules.iter().enumerate() {
            if !seen.insert((rule.channel.as_deref(), rule.region.as_deref())) {
                return Err(CapError::Twice { index });
            }
        }
        Ok(Self(rules))
    }

    /// The rules in their order.
    pub fn as_slice(&self) -> &[CapRule] {
        &self.0
    }
}

/// Counts customers against the rules, for one list.
pub struct CapMeter {
    room: Vec<u64>,
    removed: Vec<u64>,
    /// Indices of the rules that hold for a channel and a region, by `channel × regions + region`.
    rules_of: Vec<Vec<u32>>,
    regions: usize,
}

impl CapMeter {
    /// A meter for these channels and regions, to which the numbers of [`CapMeter::admit`] refer.
    pub fn new(rules: &CapRules, channels: &[String], regions: &[String]) -> Self {
        let matches = |wanted: &Option<String>, name: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == name)
        };
        let mut rules_of = Vec::with_capacity(channels.len() * regions.len());
        for channel in channels {
            let of_channel: Vec<(u32, &CapRule)> = (0_u32..)
                .zip(rules.as_slice())
                .filter(|(_, rule)| matches(&rule.channel, channel))
                .collect();
            for region in regions {
                let both = of_channel
                    .iter()
                    .filter(|(_, rule)| matches(&rule.region, region));
                rules_of.push(both.map(|(index, _)| *index).collect());
            }
        }
        Self {
            room: rules
                .as_slice()
                .iter()
                .map(|rule| rule.members_max)
                .collect(),
            removed: vec![0; rules.as_slice().len()],
            rules_of,
            regions: regions.len(),
        }
    }

    /// Whether a customer of this channel and region still has room under every rule. One that is to be contacted (`consumes`)
    /// takes the room; one of the control group only needs that it was there.
    pub fn admit(&mut self, channel: usize, region: usize, consumes: bool) -> bool {
        let place = channel.saturating_mul(self.regions).saturating_add(region);
        let Some(rules) = self.rules_of.get(place) else {
            return true;
        };
        let full = rules
            .iter()
            .find(|rule| self.room.get(**rule as usize) == Some(&0));
        if let Some(full) = full {
            if let Some(removed) = self.removed.get_mut(*full as usize) {
                *removed = removed.saturating_add(1);
            }
            return false;
        }
        if consumes {
            for rule in rules {
                if let Some(room) = self.room.get_mut(*rule as usize) {
                    *room = room.saturating_sub(1);
                }
            }
        }
        true
    }

    /// How many customers each rule removed, in the order of the rules.
    pub fn removed(&self) -> &[u64] {
        &self.removed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(channel: Option<&str>, region: Option<&str>, members_max: u64) -> CapRule {
        CapRule {
            channel: channel.map(str::to_owned),
            region: region.map(str::to_owned),
            members_max,
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Goal: unset and 0 differ, every rule that matches must have room, and the first full one is accounted.
    #[test]
    fn each_rule_holds_for_what_it_names() {
        let rules = CapRules::new(vec![
            rule(Some("sms"), None, 3),
            rule(None, Some("cs"), 2),
            rule(Some("call"), Some("zz"), 0),
        ])
        .unwrap();
        let mut meter = CapMeter::new(&rules, &names(&["call", "sms"]), &names(&["cs", "zz"]));
        // channel, region, admitted
        let table = [
            (1, 0, true),
            (1, 0, true),
            (1, 0, false),
            (0, 0, false),
            (0, 1, false),
            (1, 1, true),
            (1, 1, false),
            (0, 1, false),
        ];
        for (step, (channel, region, admitted)) in table.into_iter().enumerate() {
            assert_eq!(meter.admit(channel, region, true), admitted, "step {step}");
        }
        assert_eq!(meter.removed(), [1, 2, 2]);
        let mut free = CapMeter::new(&CapRules::default(), &names(&["call"]), &names(&["cs"]));
        assert!((0..1000).all(|_| free.admit(0, 0, true)));
    }

    #[test]
    fn control_customers_take_no_room() {
        let rules = CapRules::new(vec![rule(None, None, 1)]).unwrap();
        let mut meter = CapMeter::new(&rules, &names(&["sms"]), &names(&["cs"]));
        assert!(meter.admit(0, 0, false));
        assert!(meter.admit(0, 0, true));
        assert!(!meter.admit(0, 0, false));
        assert_eq!(meter.removed(), [1]);
    }

    #[test]
    fn doubtful_rules_are_refused() {
        let twice = vec![
            rule(Some("sms"), None, 1),
            rule(None, None, 1),
            rule(Some("sms"), None, 2),
        ];
        assert_eq!(CapRules::new(twice), Err(CapError::Twice { index: 2 }));
        let many = (0..=CAP_RULES_MAX)
            .map(|number| rule(None, Some(&number.to_string()), 1))
            .collect();
        assert_eq!(
            CapRules::new(many),
            Err(CapError::TooMany {
                rules: CAP_RULES_MAX + 1
            })
        );
    }
}
