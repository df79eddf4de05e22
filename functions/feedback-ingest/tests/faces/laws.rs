//! Laws of ingestion: what the tables hold depends on what happened, not on how often, in what order or in what pieces it was told.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::world::{BATCH, World};

/// Ways of telling that are tried on each database.
const WAYS: usize = 12;

/// What happened: events with different identities, all of which can be accepted.
fn events() -> impl Strategy<Value = Vec<Value>> {
    let kind = prop::sample::select(vec![
        "consultation",
        "login",
        "order",
        "trial",
        "cancellation",
    ]);
    let one = (
        kind,
        0..4_u8,
        0..3_u8,
        0..50_i64,
        prop::option::of(0..100_i64),
    );
    vec(one, 1..60).prop_map(|many| {
        many.into_iter()
            .enumerate()
            .map(|(number, (kind, customer, order, hours, duration_s))| {
                let mut data = json!({
                    "customer_id": format!("c-{customer}"), "channel": "web-hall", "region": "zs01", "outcome": "succeeded",
                    "duration_s": duration_s, "business": "plan-88",
                });
                if matches!(kind, "order" | "trial" | "cancellation") {
                    data["order_id"] = format!("o-{order}").into();
                }
                json!({
                    "specversion": "1.0", "id": format!("e-{number}"), "source": "/laws",
                    "type": format!("chudian.feedback.{kind}.v1"),
                    "time": format!("2026-11-{:02}T{:02}:00:00Z", 18 + hours / 24, hours % 24), "data": data,
                })
            })
            .collect()
    })
}

/// One way of telling: the places of the events as they are sent, some of them several times, and where batches end.
fn telling(count: usize) -> impl Strategy<Value = (Vec<usize>, BTreeSet<usize>)> {
    let again = vec(0..count, 0..count);
    again
        .prop_flat_map(move |again| {
            let all: Vec<usize> = (0..count).chain(again).collect();
            let length = all.len();
            (Just(all).prop_shuffle(), vec(0..length, 0..8))
        })
        .prop_map(|(places, ends)| (places, ends.into_iter().collect()))
}

async fn clear(world: &World) {
    for table in ["identity", "event", "tally", "order_step", "rejected"] {
        let delete = format!("delete from feedback_{table}");
        world.sql.execute(&delete, Vec::new()).await.unwrap();
    }
}

pub(crate) async fn tables_do_not_depend_on_how_events_came(world: World) {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[22; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    for way in 0..WAYS {
        let all = events().new_tree(&mut runner).unwrap().current();
        clear(&world).await;
        assert_eq!(
            world.report_all("channel", &all).await.counts(),
            (all.len() as u64, 0, 0)
        );
        let expected = world.tables().await;
        clear(&world).await;
        let (places, ends) = telling(all.len()).new_tree(&mut runner).unwrap().current();
        let (mut batch, mut accepted, mut duplicates) = (Vec::new(), 0, 0);
        for (sent, place) in places.iter().enumerate() {
            batch.push(all[*place].clone());
            if ends.contains(&sent) || sent + 1 == places.len() {
                let headers = [("content-type", BATCH)];
                let body = Value::from(std::mem::take(&mut batch)).to_string();
                let got = world
                    .send("channel", "POST", "/events", &headers, body)
                    .await;
                accepted += got.counts().0;
                duplicates += got.counts().1;
            }
        }
        assert_eq!(
            (accepted as usize, duplicates as usize),
            (all.len(), places.len() - all.len()),
            "way {way}: {places:?} {ends:?}"
        );
        assert_eq!(
            world.tables().await,
            expected,
            "way {way}: {all:#?} {places:?} {ends:?}"
        );
    }
}
