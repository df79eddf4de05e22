//! Pages: what is stored reads back, and what is damaged is noticed.

use std::num::NonZeroU64;

use chudian_target_filter::lists::ListId;
use chudian_target_filter::lists::batches::Batching;
use chudian_target_filter::lists::freeze::freeze;
use chudian_target_filter::lists::pages::{
    MemberPage, PageName, Pages, bucket_of, buckets_of, find_in_index, page_names,
};

use crate::support::{candidates, id_of, people, recipe};

/// More than two pages in the largest partition.
const PEOPLE: u64 = 80_000;

#[test]
fn every_member_is_found_where_the_index_says() {
    let everyone = people(PEOPLE);
    let mut recipe = recipe();
    recipe.batching = Batching::OfSize(NonZeroU64::new(7_000).unwrap());
    let list = freeze(&recipe, candidates(&everyone)).unwrap();
    let pages = Pages::new(&list);
    let names = page_names(pages.partitions());
    assert!(
        pages
            .partitions()
            .iter()
            .any(|partition| partition.pages() >= 3)
    );
    assert_eq!(
        pages
            .partitions()
            .iter()
            .map(|partition| partition.members)
            .sum::<u64>(),
        PEOPLE
    );
    let keys: std::collections::BTreeSet<_> = names
        .iter()
        .map(|name| name.key(&ListId::from_random_bytes([1; 16])))
        .collect();
    assert_eq!(keys.len(), names.len());
    let all: std::collections::BTreeMap<PageName, Vec<u8>> = names
        .iter()
        .map(|name| (*name, pages.page(*name).unwrap()))
        .collect();
    let buckets = buckets_of(PEOPLE);
    for (place, member) in list.members.iter().enumerate() {
        let index_page = &all[&PageName::Index {
            bucket: bucket_of(&member.id, buckets),
        }];
        let (partition, index) = find_in_index(index_page, &member.id).unwrap().unwrap();
        let facts = &pages.partitions()[usize::from(partition)];
        assert_eq!(
            (&facts.region, facts.group),
            (&list.regions[usize::from(member.region)], member.group)
        );
        if place % 997 != 0 {
            continue;
        }
        let page = MemberPage::read(
            all[&PageName::Members {
                partition,
                page: index / 8_192,
            }]
                .clone(),
        )
        .unwrap();
        let found = page.member(index as usize % 8_192).unwrap();
        assert_eq!(
            (found.id, found.place as usize, found.batch, found.channel),
            (member.id, place, member.batch, member.channel)
        );
        let person = everyone
            .iter()
            .find(|person| person.id == member.id)
            .unwrap();
        assert_eq!(page.cells(index as usize % 8_192).unwrap(), [person.brand]);
    }
    for stranger in PEOPLE..PEOPLE + 500 {
        let id = id_of(stranger);
        assert_eq!(
            find_in_index(
                &all[&PageName::Index {
                    bucket: bucket_of(&id, buckets)
                }],
                &id
            ),
            Ok(None)
        );
    }
}

/// Goal: no damaged page makes the function fail in another way than by saying so.
#[test]
fn a_damaged_page_is_an_error() {
    let list = freeze(&recipe(), candidates(&people(50))).unwrap();
    let pages = Pages::new(&list);
    for name in page_names(pages.partitions()) {
        let whole = pages.page(name).unwrap();
        for length in 0..whole.len() {
            let cut = whole[..length].to_vec();
            let _ = find_in_index(&cut, &[9; 16]);
            if let Ok(page) = MemberPage::read(cut) {
                for index in 0..=page.len() {
                    let _ = (page.member(index), page.cells(index));
                }
                assert!(
                    (0..page.len()).any(|index| page.cells(index).is_err()),
                    "{name:?} cut at {length}"
                );
            }
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x80;
            let _ = find_in_index(&changed, &[9; 16]);
            if let Ok(page) = MemberPage::read(changed) {
                for index in 0..page.len() {
                    let _ = (page.member(index), page.cells(index));
                }
            }
        }
    }
}
