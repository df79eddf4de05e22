//! Derived columns over a published snapshot.

use serde_json::{Value, json};

use crate::table::{Customers, customer};
use crate::world::World;

/// Goal: a layer's columns stand beside the snapshot's in description, look-up and columns; its version names it.
pub(crate) async fn a_layer_adds_columns_to_the_version(world: World) {
    let customers = Customers::new(1, 300, 0);
    let snapshot = world.import(&customers).await;
    let saving = customers.layer("saving", |row| (row % 4 != 0).then_some(row as i64 * 10));
    let (layer, version) = world.add_layer(&snapshot, &saving).await;
    assert_eq!(version, format!("{snapshot}+{layer}"));
    assert_eq!(world.current().await, Some(version.clone()));
    for row in [0, 1, 257, 299] {
        let shown = world
            .get("hall", &format!("/customers/{}", customer(1, row)))
            .await
            .ok();
        let expected = if row % 4 == 0 {
            Value::Null
        } else {
            json!(row * 10)
        };
        assert_eq!(
            (&shown["values"]["saving"], shown["version"].as_str()),
            (&expected, Some(version.as_str()))
        );
        assert_eq!(
            shown["values"]["joined_on"].as_str().map(str::len),
            Some(10)
        );
    }
    let described = world.get("approver", "/snapshots/current").await.ok();
    let last = described["columns"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (last["name"].as_str(), last["statistics"]["nulls"].as_u64()),
        (Some("saving"), Some(75))
    );
    let column = world
        .get("admin", "/snapshots/current/segments/0/columns/saving")
        .await;
    assert_eq!(column.bytes, saving.derived.columns(0).remove(0).1);
    // A later snapshot has no layer; activating the earlier one brings its layer back.
    let next = world.import(&Customers::new(1, 300, 1)).await;
    assert_eq!(world.current().await, Some(next));
    world
        .post(&format!("/snapshots/{snapshot}/activate"), &Value::Null)
        .await
        .ok();
    assert_eq!(world.current().await, Some(version));
}

/// Goal: the result of a batch that is run again takes the place of the first, and what is fully replaced leaves the version.
pub(crate) async fn a_later_layer_replaces_an_earlier_one(world: World) {
    let customers = Customers::new(1, 100, 0);
    let snapshot = world.import(&customers).await;
    let (first, _) = world
        .add_layer(&snapshot, &customers.layer("saving", |_| Some(1)))
        .await;
    let (other, version) = world
        .add_layer(&snapshot, &customers.layer("points", |_| Some(2)))
        .await;
    assert_eq!(version, format!("{snapshot}+{first}+{other}"));
    let (again, version) = world
        .add_layer(&snapshot, &customers.layer("saving", |_| Some(3)))
        .await;
    assert_eq!(version, format!("{snapshot}+{other}+{again}"));
    let shown = world
        .get("channel", &format!("/customers/{}", customer(1, 50)))
        .await
        .ok();
    assert_eq!(
        (
            shown["values"]["saving"].as_i64(),
            shown["values"]["points"].as_i64()
        ),
        (Some(3), Some(2))
    );
}

/// Goal: an instance that believes an earlier version for a moment tells of a layer that another one published as it is, or whoever publishes
/// again would take it for replaced.
pub(crate) async fn a_layer_that_another_instance_published_is_in_force(mut world: World) {
    let customers = Customers::new(1, 100, 0);
    let snapshot = world.import(&customers).await;
    world.get("analyst", "/snapshots/current").await.ok();
    let believes = world.router.clone();
    world.restart();
    let (layer, version) = world
        .add_layer(&snapshot, &customers.layer("saving", |_| Some(1)))
        .await;
    world.router = believes;
    let again = world
        .post(&format!("/layers/{layer}/publish"), &Value::Null)
        .await
        .ok();
    assert_eq!(again["current_version"], version.as_str());
}

/// Goal: a layer with other customers, hidden names or an unpublished base does not come into force.
pub(crate) async fn a_layer_must_fit_its_snapshot(world: World) {
    let customers = Customers::new(1, 100, 0);
    let snapshot = world.import(&customers).await;
    let begin = |name: &str| json!({"columns": [{"name": name, "title": {"zh": "列", "en": "column"}, "kind": "money"}]});
    let path = format!("/snapshots/{snapshot}/layers");
    let hiding = world.post(&path, &begin("arpu")).await;
    assert_eq!(
        (hiding.code(), hiding.json["errors"][0]["pointer"].as_str()),
        ("dataset-schema-invalid", Some("/columns/0/name"))
    );
    let with_identity = json!({"columns": [{"name": "id", "title": {"zh": "列", "en": "column"}, "kind": "identity"}]});
    assert_eq!(
        world.post(&path, &with_identity).await.code(),
        "dataset-schema-invalid"
    );
    let unpublished = world.begin(&customers).await;
    assert_eq!(
        world
            .post(&format!("/snapshots/{unpublished}/layers"), &begin("b"))
            .await
            .code(),
        "dataset-state"
    );
    // Other people's pages under the right column.
    let strangers = Customers::new(2, 100, 0).layer("saving", |_| Some(1));
    let own = customers.layer("saving", |_| Some(1));
    let id = world.post(&path, &begin("saving")).await.ok()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world
        .send_parts(&format!("/layers/{id}"), &own.derived, &strangers.pages)
        .await
        .unwrap();
    let refused = world
        .post(&format!("/layers/{id}/publish"), &Value::Null)
        .await;
    assert_eq!(
        (
            refused.code(),
            refused.json["errors"][0]["pointer"].as_str()
        ),
        ("dataset-incomplete", Some("/pages"))
    );
    assert_eq!(world.current().await, Some(snapshot));
}
