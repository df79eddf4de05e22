//! Made-up customers and recipes.

use chudian_target_filter::exclusions::MessageClass;
use chudian_target_filter::lists::batches::Batching;
use chudian_target_filter::lists::caps::{CapRule, CapRules, OverCap};
use chudian_target_filter::lists::keyed::CustomerBytes;
use chudian_target_filter::lists::recipe::{ChannelChoice, Control, Priority, Recipe};
use chudian_target_filter::lists::{Candidate, Candidates};

/// A customer with everything that a freeze looks at.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: CustomerBytes,
    pub(crate) priority: i64,
    pub(crate) region: &'static str,
    pub(crate) channel: &'static str,
    pub(crate) brand: &'static str,
}

/// The id of a number: spread, so that ids are as unordered as pseudonyms.
pub(crate) fn id_of(number: u64) -> CustomerBytes {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ number;
    let mut id = [0; 16];
    id[..8].copy_from_slice(&mixed.to_be_bytes());
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

/// `count` customers, in a fixed order, with priorities that often tie.
pub(crate) fn people(count: u64) -> Vec<Person> {
    (0..count)
        .map(|number| Person {
            id: id_of(number),
            priority: (number.wrapping_mul(2_654_435_761) >> 7) as i64 % 50,
            region: ["zs01", "hz01", "", "cs01"][(number % 4) as usize],
            channel: ["sms-hall", "outbound"][(number / 4 % 2) as usize],
            brand: ["全球通", "动感地带", "神州行"][(number % 3) as usize],
        })
        .collect()
}

/// Hands customers to a freeze in the order of `people`.
pub(crate) fn candidates(people: &[Person]) -> Candidates {
    let mut candidates = Candidates::with_capacity(people.len() as u64).unwrap();
    for person in people {
        let region = candidates.region(person.region).unwrap();
        let channel = candidates.channel(person.channel).unwrap();
        let candidate = Candidate {
            id: person.id,
            priority: person.priority,
            region,
            channel,
        };
        candidates
            .push(candidate, [person.brand].into_iter())
            .unwrap();
    }
    candidates
}

/// A recipe with a control group of a tenth and neither caps nor batches.
pub(crate) fn recipe() -> Recipe {
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
        channel: ChannelChoice::Column("channel".to_owned()),
        priority: Priority::Column {
            name: "score".to_owned(),
            descending: true,
        },
        order_salt: "order".to_owned(),
        caps: CapRules::default(),
        over_cap: OverCap::Cut,
        control: Control {
            salt: "control".to_owned(),
            permille: 100,
        },
        batching: Batching::Whole,
        columns: vec!["brand".to_owned()],
    }
}

/// Rules of caps from `(channel, region, at most)`; "*" stands for all.
pub(crate) fn caps(rules: &[(&str, &str, u64)]) -> CapRules {
    let name = |text: &str| (text != "*").then(|| text.to_owned());
    let rules = rules.iter().map(|(channel, region, members_max)| CapRule {
        channel: name(channel),
        region: name(region),
        members_max: *members_max,
    });
    CapRules::new(rules.collect()).unwrap()
}
