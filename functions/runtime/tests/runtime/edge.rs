//! What a client sees when something is wrong.

use axum::body::Body;
use chudian_vocabulary::access::Role;
use http::Method;

use crate::world::{World, request};

pub(crate) async fn every_error_is_a_problem(world: World) {
    let key = world.key(Role::Admin, None).await;
    let key = key.reveal();
    assert_eq!(world.get("/nowhere", key).await.code(), "no-route");
    let wrong_method = world
        .send(
            request(Method::DELETE, "/notes", key)
                .body(Body::empty())
                .unwrap(),
        )
        .await;
    assert_eq!(wrong_method.code(), "method-not-allowed");
    assert_eq!(wrong_method.headers["allow"], "POST");
    let misspelt = world.get("/count?limits=3", key).await;
    assert_eq!(
        (misspelt.status.as_u16(), misspelt.code().as_str()),
        (400, "invalid-query")
    );
    assert_eq!(misspelt.json()["errors"][0]["pointer"], "/limits");
    assert_eq!(
        world.get("/count?limit=-3", key).await.json()["errors"][0]["pointer"],
        "/limit"
    );
    assert_eq!(
        world.get("/count?limit=1&limit=2", key).await.code(),
        "invalid-query"
    );
    assert_eq!(world.get("/notes/%FF", key).await.status, 400);

    let chinese = request(Method::GET, "/nowhere", key).header("accept-language", "zh-CN");
    let chinese = world.send(chinese.body(Body::empty()).unwrap()).await;
    assert_eq!(chinese.json()["title"], "没有这个地址");
    assert_eq!(chinese.headers["content-language"], "zh");

    let good = world.get("/count?limit=5", key).await;
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("vary", "accept-language"),
    ] {
        assert_eq!(good.headers[name], value, "{name}");
        assert_eq!(misspelt.headers[name], value, "{name}");
    }
    assert!(
        good.headers["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("frame-ancestors 'none'")
    );
}

pub(crate) async fn request_ids_are_taken_or_made(world: World) {
    let with_id = |id: &str| {
        request(Method::GET, "/nowhere", "")
            .header("x-request-id", id)
            .body(Body::empty())
    };
    for good in ["abcd-1234_XYZ", "12345678", &"x".repeat(64)] {
        let got = world.send(with_id(good).unwrap()).await;
        assert_eq!(
            (
                got.headers["x-request-id"].to_str().unwrap(),
                got.code().as_str()
            ),
            (good, "no-route")
        );
    }
    let mut made = Vec::new();
    for bad in [
        "short",
        "has space in it",
        "new\tline1234",
        &"x".repeat(65),
        "<script>alert</script>",
    ] {
        let got = world.send(with_id(bad).unwrap()).await;
        assert_eq!(got.code(), "no-route");
        made.push(got.headers["x-request-id"].to_str().unwrap().to_owned());
    }
    assert!(made.iter().all(|id| id.len() == 32));
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 5);
}

pub(crate) async fn bad_bodies_are_refused_with_their_field(world: World) {
    let key = world.key(Role::Admin, None).await;
    let key = key.reveal();
    let long = format!(r#"{{"id":"a","region":"r","body":"{}"}}"#, "x".repeat(1024));
    let deep = "[".repeat(1000);
    let table: [(&str, u16, &str, Option<&str>); 8] = [
        ("", 400, "malformed-json", None),
        (r#"{"id":"a""#, 400, "malformed-json", None),
        (&deep, 400, "malformed-json", None),
        (&long, 413, "payload-too-large", None),
        (
            r#"{"id":"a","region":"r"}"#,
            422,
            "invalid-body",
            Some("/body"),
        ),
        (
            r#"{"id":5,"region":"r","body":""}"#,
            422,
            "invalid-body",
            Some("/id"),
        ),
        (
            r#"{"id":"a","region":"r","body":"","colour":1}"#,
            422,
            "invalid-body",
            Some("/colour"),
        ),
        (
            r#"{"id":"a","region":"r","body":"","fail":"yes"}"#,
            422,
            "invalid-body",
            Some("/fail"),
        ),
    ];
    for (json, status, code, pointer) in table {
        let got = world.post("/notes", key, json).await;
        assert_eq!(
            (got.status.as_u16(), got.code().as_str()),
            (status, code),
            "{json:.60}"
        );
        assert_eq!(
            got.json()["errors"][0]["pointer"].as_str(),
            pointer,
            "{json:.60}"
        );
    }
    // A body that lies about its size, in both directions.
    let endless = Body::from("x".repeat(10_000));
    let unannounced = request(Method::POST, "/notes", key)
        .header("content-type", "application/json")
        .body(endless);
    assert_eq!(
        world.send(unannounced.unwrap()).await.code(),
        "payload-too-large"
    );
    let boastful = request(Method::POST, "/notes", key)
        .header("content-type", "application/json")
        .header("content-length", "50000000")
        .body(Body::empty());
    assert_eq!(
        world.send(boastful.unwrap()).await.code(),
        "payload-too-large"
    );
    let other_type = request(Method::POST, "/notes", key)
        .header("content-type", "text/plain")
        .body(Body::from("{}"));
    assert_eq!(
        world.send(other_type.unwrap()).await.code(),
        "unsupported-media-type"
    );
    assert_eq!(world.notes_stored().await, 0);
}

/// Goal: a defect of ours is found in the log by the request id, and the client learns nothing of the inside.
pub(crate) async fn inner_causes_go_to_the_log_only(world: World) {
    let key = world.key(Role::Admin, None).await;
    let got = world.get("/broken/13812345678", key.reveal()).await;
    assert_eq!(
        (got.status.as_u16(), got.code().as_str()),
        (500, "internal")
    );
    assert!(!got.text.contains("nowhere") && !got.text.contains("nonsense"));
    let log = world.log.text();
    assert!(
        log.contains(got.headers["x-request-id"].to_str().unwrap()) && log.contains("nowhere"),
        "{log}"
    );
    assert!(
        log.contains("/broken/{id}") && !log.contains("13812345678"),
        "{log}"
    );
}

pub(crate) async fn the_openapi_document_states_the_guards(world: World) {
    let got = world.get("/openapi.json", "").await;
    assert_eq!(got.status, 200);
    let json = got.json();
    assert_eq!(json["openapi"], "3.1.0");
    let page = &json["paths"]["/page/{id}"]["get"];
    assert_eq!(
        page["security"],
        serde_json::json!([{"key": []}, {"page_token": []}])
    );
    assert!(
        page["description"]
            .as_str()
            .unwrap()
            .ends_with("Roles: hall, or a page token.")
    );
    let note = &json["paths"]["/notes"]["post"];
    assert_eq!(note["security"], serde_json::json!([{"key": []}]));
    assert_eq!(
        note["responses"]["default"]["$ref"],
        "#/components/responses/Problem"
    );
    assert_eq!(
        json["components"]["securitySchemes"]["key"]["scheme"],
        "bearer"
    );
    assert!(
        json["components"]["schemas"]["Problem"].is_object()
            && json["components"]["schemas"]["NewNote"].is_object()
    );
}
