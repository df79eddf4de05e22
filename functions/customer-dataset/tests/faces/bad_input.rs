//! Bytes that no honest client sends: each is refused with a reason, and nothing of it is stored.

use serde_json::{Value, json};

use crate::table::{Customers, groups};
use crate::world::{ARROW, PAGES, World};

/// Goal: whatever is wrong with a column, the answer says it and the import stays as it was.
pub(crate) async fn broken_columns_are_refused(world: World) {
    let customers = Customers::new(1, 100, 0);
    let id = world.begin(&customers).await;
    let columns = customers.columns(0);
    let bytes_of = |name: &str| {
        columns
            .iter()
            .find(|(column, _)| column == name)
            .unwrap()
            .1
            .clone()
    };
    let path =
        |segment: &str, name: &str| format!("/imports/{id}/segments/{segment}/columns/{name}");
    let good = bytes_of("minutes");
    let short = Customers::new(1, 99, 0).columns(0).remove(2).1;
    let part = "dataset-part-invalid";
    let table: Vec<(String, Vec<u8>, &str)> = vec![
        (path("0", "minutes"), good[..good.len() / 2].to_vec(), part),
        (path("0", "minutes"), Vec::new(), part),
        (path("0", "minutes"), b"id,region\n1,2\n".to_vec(), part),
        (
            path("0", "minutes"),
            [good.clone(), good.clone()].concat(),
            part,
        ),
        (path("0", "minutes"), bytes_of("arpu"), part),
        (path("0", "minutes"), short, part),
        (path("1", "minutes"), good.clone(), part),
        (path("1024", "minutes"), good.clone(), part),
        (path("00", "minutes"), good.clone(), "invalid-path"),
        (path("-1", "minutes"), good.clone(), "invalid-path"),
        (
            path("99999999999999999999", "minutes"),
            good.clone(),
            "invalid-path",
        ),
        (path("0", "nobody"), good.clone(), "column-unknown"),
        (
            format!("/imports/ds_{}/segments/0/columns/minutes", "a".repeat(26)),
            good.clone(),
            "dataset-unknown",
        ),
        (
            "/imports/ds_x/segments/0/columns/minutes".to_owned(),
            good.clone(),
            "invalid-path",
        ),
    ];
    for (path, bytes, code) in table {
        let got = world.put(&path, ARROW, bytes).await;
        assert_eq!(got.code(), code, "{path} {}", got.json);
        assert!(got.json["detail"].as_str().unwrap().len() > 10);
    }
    // The right name in the stream and the wrong kind behind it.
    let words = Customers::new(1, 100, 0);
    let mut retyped = words.schema.columns()[1].clone();
    retyped.name = words.schema.columns()[2].name.clone();
    let bytes = words.data(0, 1).encode(&retyped.name).unwrap();
    assert_eq!(
        world.put(&path("0", "minutes"), ARROW, bytes).await.code(),
        part
    );
    assert_eq!(
        world
            .put(&path("0", "minutes"), "text/csv", good.clone())
            .await
            .code(),
        "unsupported-media-type"
    );
    assert_eq!(
        world.get("analyst", &format!("/imports/{id}")).await.ok()["parts"],
        json!([])
    );
    // Any single bit turned over is refused or is a column of the right length; it never ends the function.
    for bit in (0..good.len() * 8).step_by(97) {
        let mut bent = good.clone();
        bent[bit / 8] ^= 1 << (bit % 8);
        let got = world.put(&path("0", "minutes"), ARROW, bent).await;
        assert!(
            got.status == 200 || got.code() == part,
            "bit {bit}: {}",
            got.json
        );
    }
}

/// Goal: pages that are cut, bent, of other people or in other numbers are refused.
pub(crate) async fn broken_pages_are_refused(world: World) {
    let customers = Customers::new(1, 200, 0);
    let id = world.begin(&customers).await;
    let path = |first: &str| format!("/imports/{id}/pages/{first}");
    let pages = customers.pages();
    let whole = groups(&pages).remove(0).1;
    let mut swapped = pages.clone();
    swapped.swap(0, 1);
    let other_columns = Customers::new(1, 200, 0)
        .with_columns(&["id", "region"])
        .pages();
    let mut bent = whole.clone();
    let middle = bent.len() / 2;
    bent[middle] ^= 4;
    let part = "dataset-part-invalid";
    let table: Vec<(String, Vec<u8>, &str)> = vec![
        (path("0"), whole[..whole.len() - 1].to_vec(), part),
        (path("0"), whole[4..].to_vec(), part),
        (path("0"), bent, part),
        (path("0"), groups(&swapped).remove(0).1, part),
        (path("0"), groups(&other_columns).remove(0).1, part),
        (path("0"), groups(&pages[..3]).remove(0).1, part),
        (path("0"), u32::MAX.to_le_bytes().to_vec(), part),
        (path("0"), Vec::new(), part),
        (path("256"), whole.clone(), part),
        (path("1"), whole.clone(), "invalid-path"),
        (path("0?rows=201"), whole.clone(), "invalid-query"),
        (path("0?row=200"), whole.clone(), "invalid-query"),
    ];
    for (path, bytes, code) in table {
        let got = world.put(&path, PAGES, bytes).await;
        assert_eq!(got.code(), code, "{path} {}", got.json);
    }
    assert_eq!(
        world.get("analyst", &format!("/imports/{id}")).await.ok()["parts"],
        json!([])
    );
    world.put(&path("0?rows=200"), PAGES, whole).await.ok();
    // The number of customers that the first to say it said holds for all.
    let open = world
        .post("/imports", &json!({"columns": customers.schema.columns()}))
        .await
        .ok();
    let path = |rows: &str| format!("/imports/{}/pages/0{rows}", open["id"].as_str().unwrap());
    let whole = groups(&pages).remove(0).1;
    for (rows, code) in [
        ("", "invalid-query"),
        ("?rows=0", "invalid-body"),
        ("?rows=134217729", "invalid-body"),
    ] {
        assert_eq!(
            world.put(&path(rows), PAGES, whole.clone()).await.code(),
            code,
            "{rows}"
        );
    }
    world
        .put(&path("?rows=200"), PAGES, whole.clone())
        .await
        .ok();
    assert_eq!(
        world.put(&path("?rows=199"), PAGES, whole).await.code(),
        "invalid-query"
    );
}

/// Goal: columns that make no schema are refused, each with its place.
pub(crate) async fn broken_schemas_are_refused(world: World) {
    let id = json!({"name": "id", "title": {"zh": "客户", "en": "Customer"}, "kind": "identity"});
    let column = |name: &str, kind: &str| json!({"name": name, "title": {"zh": "列", "en": "column"}, "kind": kind});
    let table = [
        (json!({"columns": []}), "dataset-schema-invalid", "/columns"),
        (
            json!({"columns": [column("a", "flag")]}),
            "dataset-schema-invalid",
            "/columns",
        ),
        (
            json!({"columns": [id, column("a", "flag"), column("a", "word")]}),
            "dataset-schema-invalid",
            "/columns/2",
        ),
        (
            json!({"columns": [id, column("b", "identity")]}),
            "dataset-schema-invalid",
            "/columns/1",
        ),
        (
            json!({"columns": [id, column("A", "flag")]}),
            "invalid-body",
            "/columns/1/name",
        ),
        (
            json!({"columns": [id, column("a", "text")]}),
            "invalid-body",
            "/columns/1/kind",
        ),
        (json!({"columns": [id], "rows": 0}), "invalid-body", "/rows"),
        (
            json!({"columns": [id], "rows": 134_217_729}),
            "invalid-body",
            "/rows",
        ),
        (
            json!({"columns": [id], "extra": 1}),
            "invalid-body",
            "/extra",
        ),
        (
            json!({"columns": [id], "source": {"note": "问 13812345678"}}),
            "invalid-body",
            "/source/note",
        ),
    ];
    for (body, code, pointer) in table {
        let got = world.post("/imports", &body).await;
        assert_eq!(
            (got.code(), got.json["errors"][0]["pointer"].as_str()),
            (code, Some(pointer)),
            "{body} {}",
            got.json
        );
    }
    let many: Vec<Value> = (0..600)
        .map(|number| column(&format!("c{number}"), "flag"))
        .collect();
    let columns = [vec![id], many].concat();
    let got = world.post("/imports", &json!({"columns": columns})).await;
    assert_eq!(got.code(), "dataset-schema-invalid");
}

/// Goal: sizes that no table has are refused before anything is made of them.
pub(crate) async fn absurd_sizes_are_refused(world: World) {
    let customers = Customers::new(1, 10, 0);
    let id = world.begin(&customers).await;
    let column = format!("/imports/{id}/segments/0/columns/minutes");
    assert_eq!(
        world
            .put(&column, ARROW, vec![0; 8 * 1024 * 1024 + 1])
            .await
            .code(),
        "payload-too-large"
    );
    assert_eq!(
        world
            .put(&column, ARROW, vec![0xff; 8 * 1024 * 1024])
            .await
            .code(),
        "dataset-part-invalid"
    );
    let pages = format!("/imports/{id}/pages/0");
    assert_eq!(
        world
            .put(&pages, PAGES, vec![0; 16 * 1024 * 1024 + 1])
            .await
            .code(),
        "payload-too-large"
    );
    let huge = json!({"columns": customers.schema.columns(), "rows": u64::MAX});
    assert_eq!(world.post("/imports", &huge).await.code(), "invalid-body");
    // A message that claims a body of eight exabytes.
    let mut claiming = customers.columns(0).remove(2).1;
    let length = claiming.len();
    for at in 0..length.min(600) {
        claiming[at] ^= 0x7f;
        let code = world
            .put(&column, ARROW, claiming.clone())
            .await
            .code()
            .to_owned();
        assert!(
            ["", "dataset-part-invalid"].contains(&code.as_str()),
            "byte {at}: {code}"
        );
        claiming[at] ^= 0x7f;
    }
}
