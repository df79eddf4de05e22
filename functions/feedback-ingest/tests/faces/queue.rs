//! Group commit: a full queue, requests that go away, and many that share.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use chudian_feedback_ingest::limits::QUEUE_EVENTS_MAX;
use chudian_feedback_ingest::service::{Committer, Origin, Refusal, Submission};
use chudian_feedback_ingest::wire::read_event;
use chudian_runtime::ports::native::WakerSignals;

use crate::world::{START_UNIX_MS, World, event};

/// Runs futures together in this task and collects what they give, in their order.
pub(crate) async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut is_done = true;
        for (future, output) in running.iter_mut().zip(&mut outputs) {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(value) => *output = Some(value),
                    Poll::Pending => is_done = false,
                }
            }
        }
        if is_done {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

fn submission(prefix: &str, events: usize) -> Arc<Submission> {
    let origin = Origin {
        key_id: "key",
        region: None,
        received_unix_ms: START_UNIX_MS,
        keeps_rejected: true,
    };
    let mut submission = Submission::default();
    for number in 0..events {
        let document = event("login", &format!("{prefix}-{number}")).to_string();
        submission.add(read_event(&document), Bytes::from(document.clone()), origin);
    }
    Arc::new(submission)
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

pub(crate) async fn a_full_queue_refuses_and_nothing_else_suffers(world: World) {
    let committer = Committer::new(world.store(), Arc::new(WakerSignals));
    let mut leading = pin!(committer.commit(submission("first", 1)));
    // Enters the queue and waits for the database.
    assert!(poll_once(leading.as_mut()).is_pending());
    let quarter = QUEUE_EVENTS_MAX / 4;
    let mut waiting: Vec<_> = (0..4)
        .map(|number| Box::pin(committer.commit(submission(&format!("w{number}"), quarter - 1))))
        .collect();
    for one in &mut waiting {
        assert!(poll_once(one.as_mut()).is_pending());
    }
    let refused = committer.commit(submission("too many", quarter)).await;
    assert_eq!(refused, Err(Refusal::Full));
    let mut small = pin!(committer.commit(submission("small", 3)));
    assert!(poll_once(small.as_mut()).is_pending(), "three still fit");
    assert_eq!(leading.await.unwrap().len(), 1);
    for verdicts in all(waiting).await {
        assert_eq!(verdicts.unwrap().len(), quarter - 1);
    }
    assert_eq!(small.await.unwrap().len(), 3);
    assert_eq!(
        world.count("feedback_event").await,
        (4 * (quarter - 1) + 4) as i64
    );
    // There is room again.
    assert_eq!(
        committer
            .commit(submission("too many", quarter))
            .await
            .unwrap()
            .len(),
        quarter
    );
}

pub(crate) async fn whoever_leaves_takes_only_its_own_events_along(world: World) {
    let committer = Committer::new(world.store(), Arc::new(WakerSignals));
    for round in 0..20 {
        let mut leading = Box::pin(committer.commit(submission(&format!("l{round}"), 2)));
        let mut leaving = Box::pin(committer.commit(submission(&format!("g{round}"), 2)));
        let staying = committer.commit(submission(&format!("s{round}"), 2));
        let mut staying = pin!(staying);
        assert!(poll_once(leading.as_mut()).is_pending());
        assert!(poll_once(leaving.as_mut()).is_pending());
        assert!(poll_once(staying.as_mut()).is_pending());
        // The one that commits goes away, at another point of its work each round, and so does one that waits.
        for _ in 0..round * 3 {
            tokio::task::yield_now().await;
            if poll_once(leading.as_mut()).is_ready() {
                break;
            }
        }
        drop(leading);
        drop(leaving);
        assert_eq!(staying.await.unwrap().len(), 2, "round {round}");
    }
    let stayed: Vec<(i64,)> = world
        .rows("select count(*) from feedback_event where details like '%\"id\":\"s%'")
        .await;
    assert_eq!(stayed, [(40,)]);
    // What the others sent is stored whole or not at all, and can be sent again.
    for round in 0..20 {
        let again = committer
            .commit(submission(&format!("l{round}"), 2))
            .await
            .unwrap();
        assert_eq!(again[0], again[1], "round {round}");
    }
    let once: Vec<(i64, i64)> = world
        .rows("select count(*), count(distinct details) from feedback_event where details like '%\"id\":\"l%'")
        .await;
    assert_eq!(once, [(40, 40)]);
}

pub(crate) async fn many_requests_share_commits(world: World) {
    let committer = Committer::new(world.store(), Arc::new(WakerSignals));
    let sends = (0..200).map(|number| {
        let committer = committer.clone();
        tokio::spawn(async move { committer.commit(submission(&format!("r{number}"), 1)).await })
    });
    let sends: Vec<_> = sends.collect();
    for send in sends {
        assert_eq!(send.await.unwrap().unwrap().len(), 1);
    }
    assert_eq!(world.count("feedback_event").await, 200);
    let sum: Vec<(i64,)> = world
        .rows("select cast(sum(events) as bigint) from feedback_tally")
        .await;
    assert_eq!(sum, [(200,)]);
}
