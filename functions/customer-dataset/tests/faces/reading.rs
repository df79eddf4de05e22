//! Who sees what of a published snapshot.

use serde_json::{Value, json};

use crate::table::{Customers, REGIONS, customer};
use crate::world::World;

/// Goal: each route lets its roles in and no other; a key of one region sees its own customers and nothing of the whole province.
pub(crate) async fn roles_and_regions_hold(world: World) {
    let snapshot = world.import(&Customers::new(1, 120, 0)).await;
    let one = format!("/customers/{}", customer(1, 0));
    let segment = "/snapshots/current/segments/0/columns/minutes";
    let table: [(&str, &[&str]); 7] = [
        (&one, &["hall", "channel", "analyst", "admin"]),
        ("/snapshots", &["analyst", "approver", "admin"]),
        ("/snapshots/current", &["analyst", "approver", "admin"]),
        (
            "/snapshots/current/columns/minutes/distribution",
            &["analyst", "approver", "admin"],
        ),
        ("/snapshots/current/preview", &["analyst", "admin"]),
        (segment, &["analyst", "admin"]),
        (&format!("/imports/{snapshot}"), &["analyst", "admin"]),
    ];
    for (path, roles) in table {
        for role in [
            "hall",
            "channel",
            "analyst",
            "custodian",
            "approver",
            "admin",
        ] {
            let got = world.get(role, path).await;
            let expected = if roles.contains(&role) {
                ""
            } else {
                "role-not-allowed"
            };
            assert_eq!(got.code(), expected, "{role} {path}");
        }
    }
    // The customer 0 is of zs01, 1 of hz01.
    assert_eq!(world.get("hall@zs01", &one).await.status, 200);
    assert_eq!(
        world.get("hall@hz01", &one).await.code(),
        "customer-unknown"
    );
    assert_eq!(
        world
            .get("hall@hz01", &format!("/customers/{}", customer(1, 1)))
            .await
            .status,
        200
    );
    for path in ["/snapshots", segment, &format!("/imports/{snapshot}")] {
        assert_eq!(
            world.get("analyst@zs01", path).await.code(),
            "role-not-allowed",
            "{path}"
        );
    }
    let begin = Customers::new(1, 5, 0).begin().to_string().into_bytes();
    assert_eq!(
        world
            .send_as(
                "admin@zs01",
                "POST",
                "/imports",
                "application/json",
                &[],
                begin
            )
            .await
            .code(),
        "role-not-allowed"
    );
    let described = world.get("analyst@zs01", "/snapshots/current").await.ok();
    assert!(
        described.get("rows").is_none() && described["columns"][2].get("statistics").is_none(),
        "{described}"
    );
    let counted = world
        .get(
            "analyst@zs01",
            "/snapshots/current/columns/region/distribution",
        )
        .await
        .ok();
    assert_eq!(
        counted["groups"],
        json!([{"kind": "value", "value": "zs01", "count": 40}])
    );
    let preview = world
        .get(
            "analyst@hz01",
            "/snapshots/current/preview?columns=region&limit=50",
        )
        .await
        .ok();
    assert_eq!(preview["rows"], json!(vec![["hz01"]; 40]));
    // Without a column of regions a key of one region sees nobody.
    let plain = Customers::new(1, 30, 0).with_columns(&["id", "minutes"]);
    world.import(&plain).await;
    assert_eq!(
        world.get("hall@zs01", &one).await.code(),
        "customer-unknown"
    );
    assert_eq!(
        world
            .get("analyst@zs01", "/snapshots/current/preview")
            .await
            .ok()["rows"],
        json!([])
    );
    assert_eq!(
        world.get("hall", "/customers/13812345678").await.code(),
        "customer-id-looks-like-a-number"
    );
    assert_eq!(
        world.get("hall", "/customers/someone").await.code(),
        "invalid-path"
    );
}

/// Goal: whatever the kind, the groups of a distribution count every row once.
pub(crate) async fn a_distribution_counts_every_row(world: World) {
    let customers = Customers::new(1, 600, 0);
    world.import(&customers).await;
    for column in [
        "region",
        "minutes",
        "arpu",
        "is_4g",
        "joined_on",
        "score",
        "remark",
    ] {
        for bins in [1, 7, 100] {
            let path = format!("/snapshots/current/columns/{column}/distribution?bins={bins}");
            let told = world.get("analyst", &path).await.ok();
            let total: u64 = told["groups"]
                .as_array()
                .unwrap()
                .iter()
                .map(|group| group["count"].as_u64().unwrap())
                .sum();
            assert_eq!(
                (total, told["rows"].as_u64()),
                (600, Some(600)),
                "{column} {bins}"
            );
            let shown_bins = told["groups"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|group| group["kind"] == "bin")
                .count();
            assert!(shown_bins <= bins);
        }
    }
    let regions = world
        .get("analyst", "/snapshots/current/columns/region/distribution")
        .await
        .ok();
    let mut sorted = REGIONS;
    sorted.sort_unstable();
    let expected: Vec<Value> = sorted
        .iter()
        .map(|region| json!({"kind": "value", "value": region, "count": 200}))
        .collect();
    assert_eq!(regions["groups"], json!(expected));
    let flags = world
        .get("analyst", "/snapshots/current/columns/is_4g/distribution")
        .await
        .ok();
    assert_eq!(flags["groups"].as_array().unwrap().len(), 3);
    assert_eq!(
        world
            .get("analyst", "/snapshots/current/columns/id/distribution")
            .await
            .code(),
        "invalid-path"
    );
    assert_eq!(
        world
            .get("analyst", "/snapshots/current/columns/nobody/distribution")
            .await
            .code(),
        "column-unknown"
    );
    for query in ["bins=0", "bins=101", "bin=5", "small_groups=none"] {
        let got = world
            .get(
                "analyst",
                &format!("/snapshots/current/columns/arpu/distribution?{query}"),
            )
            .await;
        assert_eq!(got.code(), "invalid-query", "{query}");
    }
}

/// Goal: a group under ten is not told to whoever stands outside the department, nor can it be computed.
pub(crate) async fn small_groups_stay_hidden(world: World) {
    world.import(&Customers::new(1, 200, 0)).await;
    let path = "/snapshots/current/columns/remark/distribution";
    let inside = world.get("analyst", path).await.ok();
    assert_eq!(
        (
            inside["suppressed"].as_u64(),
            inside["groups"][0]["count"].as_u64()
        ),
        (Some(0), Some(2))
    );
    for (who, path) in [
        ("approver", path.to_owned()),
        ("analyst", format!("{path}?small_groups=suppress")),
        ("approver", format!("{path}?small_groups=show")),
    ] {
        let outside = world.get(who, &path).await.ok();
        // Two customers have a remark; the 198 without would betray them.
        assert_eq!(
            (
                outside["suppressed"].as_u64(),
                outside.get("rows"),
                &outside["groups"]
            ),
            (Some(2), None, &json!([])),
            "{who} {path}"
        );
    }
}

/// Goal: a preview holds no whole id and no telephone number.
pub(crate) async fn a_preview_shows_nobody(world: World) {
    let customers = Customers::new(1, 80, 0);
    world.import(&customers).await;
    let got = world
        .get("analyst", "/snapshots/current/preview?limit=50")
        .await;
    let text = String::from_utf8(got.bytes.clone()).unwrap();
    for number in 0..80 {
        assert!(!text.contains(&customer(1, number).to_string()), "{number}");
    }
    assert!(
        !text.contains("13812345678") && text.contains("138****5678"),
        "{text}"
    );
    let json = got.ok();
    assert_eq!(json["rows"].as_array().unwrap().len(), 50);
    assert_eq!(json["rows"][3][0].as_str().map(str::len), Some(8));
    assert_eq!(
        world
            .get(
                "analyst",
                "/snapshots/current/preview?columns=region,nobody"
            )
            .await
            .code(),
        "column-unknown"
    );
    for query in ["limit=0", "limit=51", "segment=1", "segment=x", "rows=5"] {
        assert_eq!(
            world
                .get("analyst", &format!("/snapshots/current/preview?{query}"))
                .await
                .code(),
            "invalid-query",
            "{query}"
        );
    }
}

/// Goal: who opens a new snapshot learns which columns came, went, or mean something else now.
pub(crate) async fn the_description_tells_what_changed(world: World) {
    world
        .import(&Customers::new(1, 60, 0).with_columns(&["id", "region", "minutes", "score"]))
        .await;
    let first = world.get("analyst", "/snapshots/current").await.ok();
    assert_eq!(first["changes"], json!([]));
    let mut later = Customers::new(1, 60, 0).with_columns(&["id", "region", "minutes", "arpu"]);
    let columns = later.schema.columns().to_vec();
    let mut retyped = columns.clone();
    retyped[2].kind = chudian_dataset::schema::Kind::Money;
    retyped[2].unit = chudian_dataset::schema::Unit::None;
    later.schema = chudian_dataset::schema::Schema::of_snapshot(retyped).unwrap();
    let id = world.import(&later).await;
    let described = world.get("analyst", &format!("/snapshots/{id}")).await.ok();
    let expected = json!([
        {"column": "minutes", "change": "retyped"},
        {"column": "score", "change": "dropped"},
        {"column": "arpu", "change": "added"},
    ]);
    assert_eq!(
        (&described["changes"], described["is_current"].as_bool()),
        (&expected, Some(true))
    );
    assert_eq!(described["source"]["note"], "测试客户表");
    assert_eq!(
        world
            .get("analyst", "/snapshots/current/segments/0/columns/score")
            .await
            .code(),
        "column-unknown"
    );
    assert_eq!(
        world
            .get("analyst", "/snapshots/current/segments/1/columns/arpu")
            .await
            .code(),
        "not-found"
    );
}

/// Goal: every look at a customer's data leaves a record, and a look that finds nobody does not (PR-4).
pub(crate) async fn every_look_is_recorded(world: World) {
    world.import(&Customers::new(1, 60, 0)).await;
    let recorded = async || {
        let select = "select customer_id, action from personal_access order by at_unix_ms, id";
        world
            .sql
            .query::<(String, String)>(select, Vec::new())
            .await
            .unwrap()
    };
    world
        .get("hall", &format!("/customers/{}", customer(2, 1)))
        .await;
    world
        .get("hall@hz01", &format!("/customers/{}", customer(1, 0)))
        .await;
    assert_eq!(recorded().await, vec![]);
    world
        .get("hall", &format!("/customers/{}", customer(1, 0)))
        .await
        .ok();
    assert_eq!(
        recorded().await,
        vec![(customer(1, 0).to_string(), "dataset-read".to_owned())]
    );
    world
        .get("analyst", "/snapshots/current/preview")
        .await
        .ok();
    world
        .get("analyst", "/snapshots/current/segments/0/columns/region")
        .await;
    let actions: Vec<String> = recorded()
        .await
        .into_iter()
        .map(|(_, action)| action)
        .collect();
    assert_eq!(actions.len(), 3);
    assert!(actions.contains(&"preview".to_owned()) && actions.contains(&"read-column".to_owned()));
}

/// Goal: looks that share a commit are each on record before they are answered, also when some of them go away in the middle.
pub(crate) async fn many_looks_at_once_are_each_recorded(world: World) {
    world.import(&Customers::new(1, 60, 0)).await;
    let world = std::sync::Arc::new(world);
    let mut looks = tokio::task::JoinSet::new();
    for number in 0..240 {
        let world = std::sync::Arc::clone(&world);
        looks.spawn(async move {
            let path = format!("/customers/{}", customer(1, number % 60));
            let look = world.get("hall", &path);
            if number % 5 == 0 {
                // Given up at some point of the way, as when a client hangs up.
                tokio::select! {
                    biased;
                    () = tokio::task::yield_now() => 0,
                    got = look => usize::from(got.status == 200),
                }
            } else {
                assert_eq!(look.await.status, 200);
                1
            }
        });
    }
    let answered: usize = looks.join_all().await.into_iter().sum();
    assert!(answered >= 192);
    let select = "select count(*), count(distinct request_id) from personal_access";
    let recorded: Option<(i64, i64)> = world.sql.query_optional(select, Vec::new()).await.unwrap();
    let (records, requests) = recorded.unwrap();
    assert_eq!(records, requests);
    // Whoever was answered is on record; whoever went away may be.
    assert!(
        (answered as i64..=240).contains(&records),
        "{records} of {answered}"
    );
}
