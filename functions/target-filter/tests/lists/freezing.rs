//! Laws of freezing.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use chudian_target_filter::exclusions::MessageClass;
use chudian_target_filter::lists::batches::Batching;
use chudian_target_filter::lists::caps::OverCap;
use chudian_target_filter::lists::freeze::freeze;
use chudian_target_filter::lists::limits::{BATCHES_MAX, CANDIDATES_MAX};
use chudian_target_filter::lists::{Candidates, FreezeError, FrozenList, Group};
use proptest::prelude::*;

use crate::support::{Person, candidates, caps, people, recipe};

fn control_of(list: &FrozenList) -> BTreeSet<[u8; 16]> {
    list.members
        .iter()
        .filter(|member| member.group == Group::Control)
        .map(|member| member.id)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Goal: segments and threads may deliver in any order; the list and its hash stay the same to the byte.
    #[test]
    fn arrival_changes_nothing(mut shuffled in Just(people(600)).prop_shuffle(), sms in 0_u64..200, size in 1_u64..90) {
        let mut recipe = recipe();
        recipe.caps = caps(&[("sms-hall", "*", sms), ("*", "zs01", 70), ("*", "*", 400)]);
        recipe.batching = Batching::OfSize(NonZeroU64::new(size).unwrap());
        let first = freeze(&recipe, candidates(&people(600))).unwrap();
        for _ in 0..2 {
            let again = freeze(&recipe, candidates(&shuffled)).unwrap();
            prop_assert_eq!(&again.hash, &first.hash);
            prop_assert_eq!(&again.account, &first.account);
            let place = |list: &FrozenList| list.members.iter().map(|member| (member.id, member.group, member.batch)).collect::<Vec<_>>();
            prop_assert_eq!(place(&again), place(&first));
            shuffled.reverse();
        }
    }

    /// Goal: everyone is accounted for, no cap is exceeded, and nobody was left out while there was room.
    #[test]
    fn the_account_adds_up(sms in 0_u64..80, zs in 0_u64..80, all in 0_u64..300, permille in 0_u16..400) {
        let everyone = people(500);
        let mut recipe = recipe();
        recipe.control.permille = permille;
        recipe.caps = caps(&[("sms-hall", "*", sms), ("*", "zs01", zs), ("*", "*", all)]);
        let list = match freeze(&recipe, candidates(&everyone)) {
            Ok(list) => list,
            Err(FreezeError::Empty(account)) => {
                prop_assert_eq!(account.contacted, 0);
                prop_assert!(all == 0 || sms == 0);
                return Ok(());
            }
            Err(other) => panic!("{other}"),
        };
        let account = &list.account;
        let removed: u64 = account.removed_by_cap.iter().sum();
        prop_assert_eq!(account.contacted + account.control + removed, account.candidates);
        prop_assert_eq!(account.by_region.iter().map(|row| row.1 + row.2).sum::<u64>(), list.members.len() as u64);
        prop_assert_eq!(account.by_channel.iter().map(|row| row.1).sum::<u64>(), account.contacted);
        prop_assert_eq!(account.batches.iter().sum::<u64>(), account.contacted);
        let contacted = |wanted: &dyn Fn(&Person) -> bool| {
            everyone
                .iter()
                .filter(|person| wanted(person))
                .filter(|person| list.members.iter().any(|member| member.id == person.id && member.group == Group::Contacted))
                .count() as u64
        };
        prop_assert!(contacted(&|person| person.channel == "sms-hall") <= sms);
        prop_assert!(contacted(&|person| person.region == "zs01") <= zs);
        prop_assert!(account.contacted <= all);
        // A cap that removed someone is used up to its last place.
        if account.removed_by_cap[2] > 0 {
            prop_assert_eq!(account.contacted, all);
        }
        if account.removed_by_cap[0] > 0 {
            prop_assert_eq!(contacted(&|person| person.channel == "sms-hall"), sms);
        }
    }
}

#[test]
fn whoever_ranks_higher_is_in() {
    let everyone = people(500);
    let mut recipe = recipe();
    recipe.control.permille = 0;
    recipe.caps = caps(&[("*", "*", 120)]);
    let list = freeze(&recipe, candidates(&everyone)).unwrap();
    let priority = |id| {
        everyone
            .iter()
            .find(|person| person.id == id)
            .unwrap()
            .priority
    };
    let inside: BTreeSet<_> = list.members.iter().map(|member| member.id).collect();
    let lowest_inside = inside.iter().map(|id| priority(*id)).min().unwrap();
    let highest_outside = everyone
        .iter()
        .filter(|person| !inside.contains(&person.id))
        .map(|person| person.priority)
        .max();
    assert!(highest_outside.unwrap() <= lowest_inside);
    let order: Vec<_> = list
        .members
        .iter()
        .map(|member| priority(member.id))
        .collect();
    assert!(order.is_sorted_by(|one, other| one >= other));
}

/// Goal: a customer's group depends on the salt alone: not on the campaign's rule, caps or order.
#[test]
fn the_control_group_persists() {
    let everyone = people(2_000);
    let first = freeze(&recipe(), candidates(&everyone)).unwrap();
    let mut other = recipe();
    (other.rule, other.order_salt) = ("brand = mzone".to_owned(), "another".to_owned());
    let second = freeze(&other, candidates(&everyone[500..])).unwrap();
    assert_ne!(first.hash, second.hash);
    let remaining: BTreeSet<_> = everyone[500..].iter().map(|person| person.id).collect();
    let common: BTreeSet<_> = control_of(&first)
        .intersection(&remaining)
        .copied()
        .collect();
    assert_eq!(common, control_of(&second));
    assert!(control_of(&second).len() > 100);
    other.control.salt = "new salt".to_owned();
    assert_ne!(
        control_of(&freeze(&other, candidates(&everyone[500..])).unwrap()),
        control_of(&second)
    );
}

/// Goal: with caps in force, control and contacted customers are drawn from the same ranks, or the comparison is worthless.
#[test]
fn control_and_contacted_are_comparable_under_caps() {
    let everyone = people(4_000);
    let mut recipe = recipe();
    recipe.caps = caps(&[("*", "*", 1_000)]);
    let list = freeze(&recipe, candidates(&everyone)).unwrap();
    let priority = |id| {
        everyone
            .iter()
            .find(|person| person.id == id)
            .unwrap()
            .priority
    };
    let lowest = |group| {
        list.members
            .iter()
            .filter(|member| member.group == group)
            .map(|member| priority(member.id))
            .min()
            .unwrap()
    };
    assert!((lowest(Group::Control) - lowest(Group::Contacted)).abs() <= 1);
    // A tenth of all that were weighed until the cap was full: 111 of 1,111, within four standard deviations (10).
    assert!(
        (71..=151).contains(&list.account.control),
        "{}",
        list.account.control
    );
}

#[test]
fn unset_and_zero_differ_and_service_messages_pass() {
    let everyone = people(200);
    let mut recipe = recipe();
    recipe.control.permille = 0;
    assert_eq!(
        freeze(&recipe, candidates(&everyone))
            .unwrap()
            .account
            .contacted,
        200
    );
    recipe.caps = caps(&[("*", "*", 0)]);
    let nobody = freeze(&recipe, candidates(&everyone)).unwrap_err();
    assert!(
        matches!(&nobody, FreezeError::Empty(account) if account.removed_by_cap == [200]),
        "{nobody:?}"
    );
    recipe.class = MessageClass::Service;
    let all = freeze(&recipe, candidates(&everyone)).unwrap();
    assert_eq!(
        (all.account.contacted, all.account.removed_by_cap.as_slice()),
        (200, &[0][..])
    );
    recipe.control.permille = 1;
    assert_eq!(
        freeze(&recipe, candidates(&everyone)).unwrap_err(),
        FreezeError::ServiceWithControl
    );
}

#[test]
fn refusals_say_what_is_too_much() {
    let everyone = people(200);
    let mut refusing = recipe();
    refusing.over_cap = OverCap::Refuse;
    refusing.control.permille = 0;
    refusing.caps = caps(&[("sms-hall", "*", 30), ("*", "*", 150)]);
    let refused = freeze(&refusing, candidates(&everyone)).unwrap_err();
    // A hundred have the channel `sms-hall`; the others fit the second cap.
    assert!(
        matches!(&refused, FreezeError::OverCap(account) if account.removed_by_cap == [70, 0]),
        "{refused:?}"
    );
    refusing.caps = caps(&[("sms-hall", "*", 100), ("*", "*", 200)]);
    assert!(freeze(&refusing, candidates(&everyone)).is_ok());

    let mut many = recipe();
    many.batching = Batching::Count(NonZeroU64::new(BATCHES_MAX + 1).unwrap());
    assert!(matches!(
        freeze(&many, candidates(&people(2_000))),
        Err(FreezeError::TooManyBatches(_))
    ));
    let too_many = Candidates::with_capacity(CANDIDATES_MAX + 1).err();
    assert_eq!(
        too_many,
        Some(FreezeError::TooManyCandidates {
            candidates: CANDIDATES_MAX + 1
        })
    );
    assert!(matches!(
        freeze(&recipe(), Candidates::default()),
        Err(FreezeError::Empty(_))
    ));
    many.control.permille = 1_001;
    assert_eq!(
        freeze(&many, candidates(&everyone)).unwrap_err(),
        FreezeError::ControlTooLarge { permille: 1_001 }
    );
}

/// Goal: the hash is the published form's, so that another program can check a list. Changing it needs a new version line.
#[test]
fn the_hash_is_pinned() {
    let mut recipe = recipe();
    recipe.caps = caps(&[("sms-hall", "*", 5)]);
    recipe.batching = Batching::Count(NonZeroU64::new(2).unwrap());
    let list = freeze(&recipe, candidates(&people(40))).unwrap();
    let hash: String = list.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hash,
        "62798817e319de84ae4ba5f306890a6c36e74bf751139a93f36d7b82e0522b51"
    );
}
