//! Imports from their beginning to the removal of their values.

use chudian_dataset::value::Value as Cell;
use serde_json::Value;

use crate::table::{Customers, customer, groups};
use crate::world::{ARROW, PAGES, World};

/// Goal: after a publication each customer is read back value by value, from one page.
pub(crate) async fn an_import_is_published_and_every_customer_is_found(world: World) {
    assert_eq!(
        world
            .get("hall", "/customers/aaaaaaaaaaaaaaaaaaaaaaaaaa")
            .await
            .code(),
        "dataset-not-published"
    );
    let customers = Customers::new(1, 700, 0);
    let id = world.import(&customers).await;
    assert_eq!(world.current().await.as_deref(), Some(id.as_str()));
    for (number, row) in customers.rows.iter().enumerate().step_by(13) {
        let shown = world
            .get("hall", &format!("/customers/{}", customer(1, number)))
            .await
            .ok();
        assert_eq!(shown["version"], id.as_str());
        for (column, value) in customers.schema.columns().iter().zip(row).skip(1) {
            let expected = chudian_customer_dataset::wire::value_json(value.as_ref());
            assert_eq!(
                shown["values"][column.name.as_str()],
                expected,
                "{number} {}",
                column.name
            );
        }
        assert!(shown["values"].get("id").is_none());
    }
    assert_eq!(
        world
            .get("hall", &format!("/customers/{}", customer(2, 5)))
            .await
            .code(),
        "customer-unknown"
    );
    // One more customer costs one value: the page.
    world.values.read.lock().unwrap().clear();
    world
        .get("hall", &format!("/customers/{}", customer(1, 3)))
        .await
        .ok();
    assert_eq!(world.values.read.lock().unwrap().len(), 1);
    // What is published is told again, and takes no more parts.
    let again = world
        .post(&format!("/imports/{id}/publish"), &Value::Null)
        .await
        .ok();
    assert_eq!(
        (again["rows"].as_u64(), again["current_version"].as_str()),
        (Some(700), Some(id.as_str()))
    );
    let (name, bytes) = customers.columns(0).remove(2);
    assert_eq!(
        world
            .put(
                &format!("/imports/{id}/segments/0/columns/{name}"),
                ARROW,
                bytes
            )
            .await
            .code(),
        "dataset-state"
    );
    assert_eq!(
        world
            .send_as(
                "analyst",
                "DELETE",
                &format!("/imports/{id}"),
                ARROW,
                &[],
                vec![]
            )
            .await
            .code(),
        "dataset-state"
    );
}

/// Goal: an import that lacks anything is not published, says what it lacks, and leaves the old snapshot in force.
pub(crate) async fn a_half_done_import_leaves_the_old_in_force(world: World) {
    let old = world.import(&Customers::new(1, 300, 0)).await;
    let customers = Customers::new(1, 300, 9);
    let id = world.begin(&customers).await;
    let nothing = world
        .post(&format!("/imports/{id}/publish"), &Value::Null)
        .await;
    assert_eq!(
        (
            nothing.code(),
            nothing.json["errors"].as_array().unwrap().len()
        ),
        ("dataset-incomplete", 9)
    );
    for (name, bytes) in customers.columns(0).into_iter().skip(1) {
        world
            .put(
                &format!("/imports/{id}/segments/0/columns/{name}"),
                ARROW,
                bytes,
            )
            .await
            .ok();
    }
    let without_id = world
        .post(&format!("/imports/{id}/publish"), &Value::Null)
        .await;
    let pointers: Vec<&str> = without_id.json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["/segments/0/columns/id", "/pages/0"]);
    let (name, bytes) = customers.columns(0).remove(0);
    world
        .put(
            &format!("/imports/{id}/segments/0/columns/{name}"),
            ARROW,
            bytes,
        )
        .await
        .ok();
    // Pages of other people do not make it whole.
    for (first, bytes) in groups(&Customers::new(7, 300, 9).pages()) {
        world
            .put(&format!("/imports/{id}/pages/{first}"), PAGES, bytes)
            .await
            .ok();
    }
    let other_people = world
        .post(&format!("/imports/{id}/publish"), &Value::Null)
        .await;
    assert_eq!(
        (
            other_people.code(),
            other_people.json["errors"][0]["pointer"].as_str()
        ),
        ("dataset-incomplete", Some("/pages"))
    );
    assert_eq!(world.current().await.as_deref(), Some(old.as_str()));
    let shown = world
        .get("hall", &format!("/customers/{}", customer(1, 1)))
        .await
        .ok();
    assert_eq!(shown["values"]["minutes"], 1);
    for (first, bytes) in groups(&customers.pages()) {
        world
            .put(&format!("/imports/{id}/pages/{first}"), PAGES, bytes)
            .await
            .ok();
    }
    world
        .post(&format!("/imports/{id}/publish"), &Value::Null)
        .await
        .ok();
    let shown = world
        .get("hall", &format!("/customers/{}", customer(1, 1)))
        .await
        .ok();
    assert_eq!(shown["values"]["minutes"], 10);
    // Back to the snapshot before, and to this one again.
    world
        .post(&format!("/snapshots/{old}/activate"), &Value::Null)
        .await
        .ok();
    let shown = world
        .get("hall", &format!("/customers/{}", customer(1, 1)))
        .await
        .ok();
    assert_eq!(
        (
            shown["version"].as_str(),
            shown["values"]["minutes"].as_i64()
        ),
        (Some(old.as_str()), Some(1))
    );
    let unpublished = world.begin(&customers).await;
    assert_eq!(
        world
            .post(&format!("/snapshots/{unpublished}/activate"), &Value::Null)
            .await
            .code(),
        "dataset-state"
    );
}

/// Goal: wherever the host dies, what was in force stays, and sending the rest in a new process completes the import.
pub(crate) async fn an_import_goes_on_where_it_was_killed(mut world: World) {
    let old = world.import(&Customers::new(1, 150, 0)).await;
    let customers = Customers::new(1, 400, 5);
    let pages = customers.pages();
    let id = world.begin(&customers).await;
    let path = format!("/imports/{id}");
    // Eight columns and a group of seven pages: each attempt comes a little further than the one before.
    let mut attempts = 0;
    loop {
        world.values.die_after(attempts);
        let sent = world.send_parts(&path, &customers, &pages).await;
        world.restart();
        assert_eq!(world.current().await.as_deref(), Some(old.as_str()));
        match sent {
            Ok(()) => break,
            Err(refused) => assert_eq!(refused.code(), "storage-unavailable", "attempt {attempts}"),
        }
        attempts += 1;
    }
    assert_eq!(attempts, 7, "the pages of a group are written together");
    world.values.die_after(0);
    assert_eq!(
        world
            .post(&format!("{path}/publish"), &Value::Null)
            .await
            .code(),
        "storage-unavailable"
    );
    world.values.revive();
    world.restart();
    assert_eq!(world.current().await.as_deref(), Some(old.as_str()));
    world
        .post(&format!("{path}/publish"), &Value::Null)
        .await
        .ok();
    for (number, row) in customers.rows.iter().enumerate().step_by(29) {
        let shown = world
            .get("hall", &format!("/customers/{}", customer(1, number)))
            .await
            .ok();
        let Some(Cell::Integer(arpu)) = row[3] else {
            unreachable!("every customer has an arpu")
        };
        assert_eq!(shown["values"]["arpu"], arpu);
    }
}

/// Goal: two importers at once each get their own snapshot whole; the one published last is in force.
pub(crate) async fn two_imports_at_once_do_not_mix(world: World) {
    let (one, two) = (Customers::new(1, 200, 0), Customers::new(2, 260, 1_000));
    let (one_pages, two_pages) = (one.pages(), two.pages());
    let first = world.begin(&one).await;
    let second = world.begin(&two).await;
    let (first_path, second_path) = (format!("/imports/{first}"), format!("/imports/{second}"));
    let (sent_one, sent_two) = tokio::join!(
        world.send_parts(&first_path, &one, &one_pages),
        world.send_parts(&second_path, &two, &two_pages)
    );
    sent_one.unwrap();
    sent_two.unwrap();
    let (publish_one, publish_two) = (
        format!("{first_path}/publish"),
        format!("{second_path}/publish"),
    );
    let (published_one, published_two) = tokio::join!(
        world.post(&publish_one, &Value::Null),
        world.post(&publish_two, &Value::Null)
    );
    published_one.ok();
    published_two.ok();
    let current = world.current().await.unwrap();
    assert!(current == first || current == second);
    for (id, seed, minutes) in [(&first, 1, 1), (&second, 2, 1_001)] {
        world
            .post(&format!("/snapshots/{id}/activate"), &Value::Null)
            .await
            .ok();
        let shown = world
            .get("hall", &format!("/customers/{}", customer(seed, 1)))
            .await
            .ok();
        assert_eq!(shown["values"]["minutes"], minutes);
        assert_eq!(
            world
                .get("hall", &format!("/customers/{}", customer(3 - seed, 1)))
                .await
                .code(),
            "customer-unknown"
        );
    }
}

/// Goal: only the newest two (as this world is set) are kept, and what is older goes in bounded steps without a trace.
pub(crate) async fn the_last_snapshots_are_kept(world: World) {
    let mut ids = Vec::new();
    for shift in 0..3 {
        ids.push(world.import(&Customers::new(1, 200, shift)).await);
    }
    let [oldest, middle, newest] = [&ids[0], &ids[1], &ids[2]];
    assert_eq!(
        world
            .post(&format!("/snapshots/{oldest}/activate"), &Value::Null)
            .await
            .code(),
        "dataset-state"
    );
    // A request that began before may still write; only after its time the values go.
    assert_eq!(
        world.post("/sweep", &Value::Null).await.ok()["values_removed"],
        0
    );
    world.clock.advance_ms(200_000);
    let swept = world.post("/sweep", &Value::Null).await.ok();
    assert!(swept["values_removed"].as_u64().unwrap() > 0, "{swept}");
    while world.post("/sweep", &Value::Null).await.ok()["more"] == true {}
    assert_eq!(world.keys_of(oldest).await, 0);
    assert_eq!(
        (world.keys_of(middle).await, world.keys_of(newest).await),
        (13, 13)
    );
    assert_eq!(world.current().await.as_ref(), Some(newest));
    let listed = world.get("approver", "/snapshots").await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        world
            .get("analyst", &format!("/snapshots/{oldest}"))
            .await
            .code(),
        "dataset-state"
    );
}

/// Goal: a part that is replaced after the publication looked at it stops the publication; afterwards it is refused.
pub(crate) async fn a_part_that_changes_while_it_is_published_stops_the_publication(world: World) {
    let customers = Customers::new(1, 100, 0);
    let id = world.begin(&customers).await;
    world
        .send_parts(&format!("/imports/{id}"), &customers, &customers.pages())
        .await
        .unwrap();
    let other = Customers::new(1, 100, 50);
    let (name, bytes) = other.columns(0).remove(2);
    let path = format!("/imports/{id}/segments/0/columns/{name}");
    // The other bytes are claimed and their writer dies: the part is not there until its value is.
    world.values.die_after(0);
    assert_eq!(
        world.put(&path, ARROW, bytes.clone()).await.code(),
        "storage-unavailable"
    );
    world.values.revive();
    let refused = world
        .post(&format!("/imports/{id}/publish"), &Value::Null)
        .await;
    assert_eq!(
        (
            refused.code(),
            refused.json["errors"][0]["pointer"].as_str()
        ),
        ("dataset-incomplete", Some("/segments/0/columns/minutes"))
    );
    // A third version waits for the dead writer; the second one may be sent again at once.
    let third = Customers::new(1, 100, 70).columns(0).remove(2).1;
    assert_eq!(
        world.put(&path, ARROW, third.clone()).await.code(),
        "dataset-state"
    );
    world.put(&path, ARROW, bytes).await.ok();
    world.put(&path, ARROW, third).await.ok();
    world
        .post(&format!("/imports/{id}/publish"), &Value::Null)
        .await
        .ok();
    let described = world.get("analyst", "/snapshots/current").await.ok();
    let minutes = described["columns"]
        .as_array()
        .unwrap()
        .iter()
        .find(|column| column["name"] == "minutes")
        .unwrap();
    assert_eq!(minutes["statistics"]["min"], 71);
}

/// Goal: a begin that is sent twice under one key is one import; under the same key another body is refused.
pub(crate) async fn a_repeated_begin_is_one_import(world: World) {
    let body = Customers::new(1, 10, 0).begin().to_string().into_bytes();
    let key = [("idempotency-key", "attempt-1")];
    let send = |body: Vec<u8>| {
        world.send_as(
            "analyst",
            "POST",
            "/imports",
            "application/json",
            &key,
            body,
        )
    };
    let (one, again) = (send(body.clone()).await.ok(), send(body).await.ok());
    assert_eq!(one, again);
    let other = Customers::new(1, 11, 0).begin().to_string().into_bytes();
    assert_eq!(send(other).await.code(), "idempotency-key-reused");
}

/// Goal: what nobody touched for a week is given up by the next import, and its values go.
pub(crate) async fn an_abandoned_import_is_given_up(world: World) {
    let customers = Customers::new(1, 100, 0);
    let abandoned = world.begin(&customers).await;
    world
        .send_parts(
            &format!("/imports/{abandoned}"),
            &customers,
            &customers.pages(),
        )
        .await
        .unwrap();
    world.clock.advance_ms(8 * 24 * 3600 * 1000);
    world.begin(&customers).await;
    assert_eq!(
        world
            .get("analyst", &format!("/imports/{abandoned}"))
            .await
            .ok()["state"],
        "removed"
    );
    assert_eq!(world.keys_of(&abandoned).await, 0);
    let given_up = world.begin(&customers).await;
    let gone = world
        .send_as(
            "analyst",
            "DELETE",
            &format!("/imports/{given_up}"),
            ARROW,
            &[],
            vec![],
        )
        .await;
    assert_eq!(gone.status, 204);
    let again = world
        .send_as(
            "analyst",
            "DELETE",
            &format!("/imports/{given_up}"),
            ARROW,
            &[],
            vec![],
        )
        .await;
    assert_eq!(again.status, 204);
    assert_eq!(
        world
            .post(&format!("/imports/{given_up}/publish"), &Value::Null)
            .await
            .code(),
        "dataset-state"
    );
}
