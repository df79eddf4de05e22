//! Who gets in.

use chudian_runtime::http::auth::{FAILURE_WINDOW_MS, FAILURES_PER_WINDOW_MAX, KEY_CACHE_MS};
use chudian_runtime::ports::Clock as _;
use chudian_vocabulary::access::Role;

use crate::world::{World, new_key};

const NOTE: &str = r#"{"id":"n1","region":"0731","body":"text"}"#;

pub(crate) async fn a_key_opens_what_its_role_may(world: World) {
    let table = [
        (Role::Hall, 201, 200),
        (Role::Channel, 403, 403),
        (Role::Analyst, 403, 200),
        (Role::Custodian, 403, 403),
        (Role::Approver, 403, 403),
        (Role::Admin, 201, 200),
    ];
    for (role, write_status, read_status) in table {
        let key = world.key(role, None).await;
        let note = format!(r#"{{"id":"{role}","region":"0731","body":"text"}}"#);
        let written = world.post("/notes", key.reveal(), &note).await;
        assert_eq!(written.status, write_status, "{role}: {written:?}");
        let read = world.get("/count?limit=7", key.reveal()).await;
        assert_eq!(read.status, read_status, "{role}: {read:?}");
        if read_status == 403 {
            assert_eq!(read.code(), "role-not-allowed");
            assert!(
                read.json()["detail"]
                    .as_str()
                    .unwrap()
                    .contains("hall, analyst, admin")
            );
        }
    }
}

/// Goal: an attacker does not learn whether an id exists, or why a key fails.
pub(crate) async fn every_bad_key_gets_the_same_answer(world: World) {
    let good = world.key(Role::Admin, None).await;
    let expired = world
        .key_until(Role::Admin, None, Some(world.clock.now_unix_s()))
        .await;
    let revoked = world.key(Role::Admin, None).await;
    world.revoke(&revoked).await;
    let other_secret = new_key().reveal()[17..].to_owned();
    let wrong_secret = format!("{}{other_secret}", &good.reveal()[..17]);
    assert_eq!(wrong_secret.len(), good.reveal().len());
    let bad = [
        new_key().reveal().to_owned(),
        wrong_secret,
        expired.reveal().to_owned(),
        revoked.reveal().to_owned(),
        "nonsense".to_owned(),
        format!("{}x", good.reveal()),
    ];
    let mut answers = Vec::new();
    for key in bad {
        let got = world.get("/count", &key).await;
        assert_eq!(
            (got.status.as_u16(), got.code().as_str()),
            (401, "key-invalid"),
            "{key}"
        );
        assert_eq!(got.headers["www-authenticate"], "Bearer");
        answers.push(got.json()["detail"].clone());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert_eq!(world.get("/count", "").await.code(), "key-missing");
    assert_eq!(world.get("/count", good.reveal()).await.status, 200);
}

pub(crate) async fn revocation_is_felt_within_the_cache_time(world: World) {
    let key = world.key(Role::Analyst, None).await;
    assert_eq!(world.get("/count", key.reveal()).await.status, 200);
    world.revoke(&key).await;
    world.clock.advance_ms(KEY_CACHE_MS);
    assert_eq!(world.get("/count", key.reveal()).await.status, 401);

    let expiring = world
        .key_until(Role::Analyst, None, Some(world.clock.now_unix_s() + 1))
        .await;
    assert_eq!(world.get("/count", expiring.reveal()).await.status, 200);
    // Expiry needs no look-up, so it is felt at once.
    world.clock.advance_ms(1000);
    assert_eq!(world.get("/count", expiring.reveal()).await.status, 401);
}

pub(crate) async fn the_bootstrap_key_needs_no_row(world: World) {
    let bootstrap = world.bootstrap.reveal().to_owned();
    assert_eq!(world.post("/notes", &bootstrap, NOTE).await.status, 201);
    let last = bootstrap.chars().last().unwrap();
    let changed = format!(
        "{}{}",
        &bootstrap[..bootstrap.len() - 1],
        if last == 'A' { 'E' } else { 'A' }
    );
    assert_eq!(world.get("/count", &changed).await.code(), "key-invalid");
}

pub(crate) async fn another_region_is_unknown(world: World) {
    let home = world.key(Role::Hall, Some("0731")).await;
    let away = world.key(Role::Hall, Some("0732")).await;
    let province = world.key(Role::Hall, None).await;
    assert_eq!(world.post("/notes", home.reveal(), NOTE).await.status, 201);
    assert_eq!(world.get("/notes/n1", home.reveal()).await.text, "text");
    assert_eq!(world.get("/notes/n1", province.reveal()).await.text, "text");
    let foreign = world.get("/notes/n1", away.reveal()).await;
    let absent = world.get("/notes/n2", away.reveal()).await;
    assert_eq!(
        (foreign.status.as_u16(), foreign.code()),
        (404, absent.code())
    );
    assert_eq!(foreign.json()["detail"], absent.json()["detail"]);
    assert_eq!(
        world.log.text(),
        "",
        "nothing in the log tells that it exists"
    );
}

pub(crate) async fn guessing_is_slowed_but_the_owner_is_not_locked_out(world: World) {
    let key = world.key(Role::Analyst, None).await;
    let guess = format!("{}{}", &key.reveal()[..17], &new_key().reveal()[17..]);
    for attempt in 1..=FAILURES_PER_WINDOW_MAX {
        assert_eq!(
            world.get("/count", &guess).await.status,
            401,
            "attempt {attempt}"
        );
    }
    let slowed = world.get("/count", &guess).await;
    assert_eq!(
        (slowed.status.as_u16(), slowed.code().as_str()),
        (429, "too-many-attempts")
    );
    let wait_s: i64 = slowed.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=FAILURE_WINDOW_MS / 1000).contains(&wait_s));
    assert_eq!(world.get("/count", key.reveal()).await.status, 200);
    world.clock.advance_ms(wait_s * 1000);
    assert_eq!(world.get("/count", &guess).await.status, 401);
}

pub(crate) async fn a_page_token_opens_one_customers_page(world: World) {
    let hall = world.key(Role::Hall, Some("0731")).await;
    let token = world.post("/tokens/c-1", hall.reveal(), "").await.text;
    assert!(token.starts_with("cht_"), "{token}");
    assert_eq!(world.get("/page/c-1", &token).await.text, "page of c-1");
    assert_eq!(
        world.get("/page/c-2", &token).await.code(),
        "customer-unknown"
    );
    assert_eq!(world.get("/count", &token).await.code(), "role-not-allowed");
    // Every single changed character is noticed.
    for index in 4..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(
            world.get("/page/c-1", &changed).await.status,
            401,
            "character {index}"
        );
    }
    for broken in [
        "cht_",
        "cht_.",
        "cht_a.b",
        &token[..token.len() - 2],
        &format!("cht_{}", "A".repeat(5000)),
    ] {
        assert_eq!(
            world.get("/page/c-1", broken).await.code(),
            "token-invalid",
            "{broken}"
        );
    }
    world.revoke(&hall).await;
    world.clock.advance_ms(KEY_CACHE_MS);
    assert_eq!(world.get("/page/c-1", &token).await.code(), "token-invalid");

    let second_hall = world.key(Role::Hall, None).await;
    let token = world
        .post("/tokens/c-1", second_hall.reveal(), "")
        .await
        .text;
    world.clock.advance_ms(900_000);
    assert_eq!(world.get("/page/c-1", &token).await.code(), "token-invalid");
}
