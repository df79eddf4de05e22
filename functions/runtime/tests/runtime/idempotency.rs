//! The same request twice happens once, also under races and after a crash.

use chudian_runtime::http::idempotency::{Answer, CLAIM_LIFE_S, Claim, Idempotency, KEPT_S};
use chudian_runtime::parameters;
use chudian_runtime::ports::native::SystemRandom;
use chudian_vocabulary::access::Role;
use http::StatusCode;
use std::sync::Arc;

use crate::world::World;

const NOTE: &str = r#"{"id":"n1","region":"0731","body":"text"}"#;

pub(crate) async fn the_same_request_happens_once(world: World) {
    let key = world.key(Role::Hall, None).await;
    let first = world.post_attempt(key.reveal(), "attempt-1", NOTE).await;
    assert_eq!(
        (
            first.status.as_u16(),
            first.headers["location"].to_str().unwrap()
        ),
        (201, "/notes/n1")
    );
    assert!(!first.headers.contains_key("idempotency-replayed"));
    world.clock.advance_ms(24 * 3600 * 1000);
    let again = world.post_attempt(key.reveal(), "attempt-1", NOTE).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.headers["location"], first.headers["location"]);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(world.notes_stored().await, 1);
}

pub(crate) async fn another_body_is_refused(world: World) {
    let key = world.key(Role::Hall, None).await;
    assert_eq!(
        world
            .post_attempt(key.reveal(), "attempt-1", NOTE)
            .await
            .status,
        201
    );
    let other = world
        .post_attempt(key.reveal(), "attempt-1", &NOTE.replace("n1", "n2"))
        .await;
    assert_eq!(
        (other.status.as_u16(), other.code().as_str()),
        (422, "idempotency-key-reused")
    );
    let bad_key = world
        .post_attempt(key.reveal(), &"k".repeat(129), NOTE)
        .await;
    assert_eq!(
        (bad_key.status.as_u16(), bad_key.code().as_str()),
        (400, "invalid-header")
    );
    assert_eq!(world.notes_stored().await, 1);
}

pub(crate) async fn two_owners_may_use_the_same_key(world: World) {
    for (number, role) in [Role::Hall, Role::Admin].into_iter().enumerate() {
        let key = world.key(role, None).await;
        let note = NOTE.replace("n1", &format!("n{number}"));
        assert_eq!(
            world.post_attempt(key.reveal(), "1", &note).await.status,
            201
        );
    }
    assert_eq!(world.notes_stored().await, 2);
}

/// Goal: of many simultaneous requests one does the work; the others get its answer or are told that it is at work.
pub(crate) async fn a_race_has_one_winner(world: World) {
    let key = world.key(Role::Hall, None).await;
    let world = Arc::new(world);
    let runners: Vec<_> = (0..16)
        .map(|_| {
            let (world, credential) = (world.clone(), key.reveal().to_owned());
            tokio::spawn(async move { world.post_attempt(&credential, "race", NOTE).await })
        })
        .collect();
    let (mut fresh, mut replayed, mut told) = (0, 0, 0);
    for runner in runners {
        let got = runner.await.unwrap();
        match got.status.as_u16() {
            201 if got.headers.contains_key("idempotency-replayed") => replayed += 1,
            201 => fresh += 1,
            409 => {
                assert_eq!(got.code(), "idempotency-in-flight");
                told += 1;
            }
            other => panic!("{other}: {got:?}"),
        }
    }
    assert_eq!((fresh, fresh + replayed + told), (1, 16));
    assert_eq!(world.notes_stored().await, 1);
}

pub(crate) async fn a_failed_attempt_frees_the_key(world: World) {
    let key = world.key(Role::Hall, None).await;
    let failing = r#"{"id":"n1","region":"0731","body":"text","fail":true}"#;
    for _ in 0..2 {
        assert_eq!(
            world
                .post_attempt(key.reveal(), "attempt-1", failing)
                .await
                .code(),
            "customer-invalid"
        );
    }
    assert_eq!(world.notes_stored().await, 0);
    assert_eq!(
        world
            .post_attempt(key.reveal(), "attempt-1", NOTE)
            .await
            .status,
        201
    );
}

/// Goal: a process that dies after its claim keeps the key for a while only, and one that was merely slow cannot act twice.
pub(crate) async fn a_dead_claim_is_taken_over_without_a_second_effect(world: World) {
    let key = world.key(Role::Hall, None).await;
    let idempotency = Idempotency::new(
        world.sql.clone(),
        world.clock.clone(),
        Arc::new(SystemRandom),
    );
    let slow = match idempotency
        .claim(
            attempt("/notes", "attempt-1").await,
            key.id(),
            NOTE.as_bytes(),
        )
        .await
        .unwrap()
    {
        Claim::Granted(ticket) => ticket,
        Claim::Answered(response) => panic!("{response:?}"),
    };
    assert_eq!(
        world
            .post_attempt(key.reveal(), "attempt-1", NOTE)
            .await
            .code(),
        "idempotency-in-flight"
    );
    world.clock.advance_ms(CLAIM_LIFE_S * 1000);
    assert_eq!(
        world
            .post_attempt(key.reveal(), "attempt-1", NOTE)
            .await
            .status,
        201
    );

    let mut transaction = world.sql.begin().await.unwrap();
    let insert = "insert into note (id, region, body) values ('twice', '0731', '')";
    transaction.execute(insert, Vec::new()).await.unwrap();
    let answer = Answer {
        status: StatusCode::CREATED,
        location: None,
        body: "{}".to_owned(),
    };
    let late = slow.finish(transaction, Ok(answer)).await.unwrap_err();
    assert_eq!(late.kind().code, "idempotency-in-flight");
    assert_eq!(world.notes_stored().await, 1);
    // The winner's answer is still there.
    assert_eq!(
        world
            .post_attempt(key.reveal(), "attempt-1", NOTE)
            .await
            .status,
        201
    );
}

pub(crate) async fn old_answers_are_removed(world: World) {
    let key = world.key(Role::Hall, None).await;
    for number in 0..5 {
        let note = NOTE.replace("n1", &format!("n{number}"));
        assert_eq!(
            world
                .post_attempt(key.reveal(), &format!("old-{number}"), &note)
                .await
                .status,
            201
        );
    }
    world.clock.advance_ms((KEPT_S + 1) * 1000);
    assert_eq!(
        world
            .post_attempt(key.reveal(), "new", &NOTE.replace("n1", "n9"))
            .await
            .status,
        201
    );
    let rows: Vec<(String,)> = world
        .sql
        .query(
            "select idempotency_key from idempotency_key where owner = $1",
            parameters![key.id().as_str()],
        )
        .await
        .unwrap();
    assert_eq!(rows, [("new".to_owned(),)]);
}

/// An attempt as the extractor makes it of a request.
async fn attempt(path: &str, key: &str) -> chudian_runtime::http::idempotency::Attempt {
    use axum::extract::FromRequestParts as _;
    let request = http::Request::post(path)
        .header("idempotency-key", key)
        .body(())
        .unwrap();
    let (mut parts, ()) = request.into_parts();
    chudian_runtime::http::idempotency::Attempt::from_request_parts(&mut parts, &())
        .await
        .unwrap()
}
