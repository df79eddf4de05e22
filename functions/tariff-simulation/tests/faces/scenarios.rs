//! What both databases must show alike.

pub(crate) use crate::batches::{
    a_batch_gives_the_answers_of_single_questions, a_batch_goes_on_where_it_stopped,
    a_batch_says_what_is_wrong_with_its_mapping,
};
use chudian_runtime::parameters;
use chudian_tariff_simulation::service::typed::LoadedCatalogue;
use serde_json::{Value, json};

pub(crate) use crate::refusals::refusals_speak_the_words_of_the_field;
use crate::world::{CATALOGUE, World, customer, profile, usage};

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 3600 * 1000;

async fn version_used(world: &World, request: Value) -> Value {
    let mut request = request;
    request["usage"] = usage();
    request["profile"] = profile("zs01");
    let got = world
        .send("hall", "POST", "/simulations", &request.to_string())
        .await;
    got.json
        .get("catalogue_version")
        .cloned()
        .unwrap_or(got.json)
}

pub(crate) async fn the_day_decides_which_catalogue_holds(world: World) {
    let before = version_used(&world, json!({})).await;
    assert_eq!(before["type"], "urn:chudian:problem:catalogue-not-in-force");
    let first = world.import(CATALOGUE).await;
    let second = world.import(&format!("{CATALOGUE} ")).await;
    world.activate("2026-11-22", &first).await;
    world.activate("2026-11-25", &second).await;
    assert_eq!(version_used(&world, json!({})).await, json!(first));
    assert_eq!(
        version_used(&world, json!({"as_of": "2026-11-25"})).await,
        json!(second)
    );
    assert_eq!(
        version_used(&world, json!({"catalogue_version": second})).await,
        json!(second)
    );
    // The clock shows noon in China: twelve hours later it is the next day there.
    world.clock.advance_ms(2 * DAY_MS + DAY_MS / 2 - 1);
    assert_eq!(
        version_used(&world, json!({})).await,
        json!(first),
        "the last moment of 24 November"
    );
    world.clock.advance_ms(1);
    assert_eq!(
        version_used(&world, json!({})).await,
        json!(second),
        "midnight in China"
    );
}

pub(crate) async fn what_is_in_force_cannot_be_taken_back(world: World) {
    let version = world.import(CATALOGUE).await;
    world.activate("2026-11-23", &version).await;
    let body = json!({"version": version}).to_string();
    let past = world
        .send("approver", "PUT", "/activations/2026-11-21", &body)
        .await;
    assert_eq!(past.code(), "activation-in-the-past");
    world.clock.advance_ms(DAY_MS);
    let in_force = world
        .send("approver", "DELETE", "/activations/2026-11-23", "")
        .await;
    assert_eq!(
        (in_force.status.as_u16(), in_force.code()),
        (422, "activation-in-the-past")
    );
    world.activate("2026-11-30", &version).await;
    assert_eq!(
        world
            .send("approver", "DELETE", "/activations/2026-11-30", "")
            .await
            .status,
        204
    );
    assert_eq!(
        world
            .send("approver", "DELETE", "/activations/2026-11-30", "")
            .await
            .code(),
        "not-found"
    );
    assert_eq!(world.count("tariff_activation").await, 1);
}

/// Goal: a host that calls the typed face gets what a hall gets over HTTP, to the proof.
pub(crate) async fn both_faces_give_one_answer(world: World) {
    world.with_customer("c-1", "zs01").await;
    let question =
        json!({"usage": usage(), "profile": profile("zs01"), "as_of": "2026-11-22", "limit": 200});
    let http = world
        .send("hall", "POST", "/simulations", &question.to_string())
        .await;
    let loaded = LoadedCatalogue::load(CATALOGUE.as_bytes()).unwrap();
    let typed = loaded.simulate(question.to_string().as_bytes()).unwrap();
    assert_eq!(http.json, serde_json::to_value(&typed).unwrap());

    let question = json!({"usage": usage(), "profile": profile("zs01"), "month": "2026-05", "plan_id": "e2e-48"});
    let http = world
        .send("hall", "POST", "/bills", &question.to_string())
        .await;
    let typed = loaded.explain(question.to_string().as_bytes()).unwrap();
    assert_eq!(http.json, serde_json::to_value(&typed).unwrap());

    // Either face answers in the language that the question names; nothing but texts changes.
    let mut in_chinese = question.clone();
    in_chinese["language"] = json!("zh");
    let http = world
        .send("hall", "POST", "/bills", &in_chinese.to_string())
        .await;
    let typed_zh = loaded.explain(in_chinese.to_string().as_bytes()).unwrap();
    assert_eq!(http.json, serde_json::to_value(&typed_zh).unwrap());
    assert!(!typed_zh.lines[0].description.is_ascii());
    assert_eq!(
        (typed_zh.total_fen, &typed_zh.proof),
        (typed.total_fen, &typed.proof)
    );

    // The totals of the typed face are those of the ranking.
    let document = json!({"schema": "chudian-usage/1", "customer": {"id": "c-1", "plan": "e2e-payg"}, "months": usage()["months"]});
    let packages = [
        ("e2e-payg".to_owned(), Vec::new()),
        ("e2e-48".to_owned(), Vec::new()),
    ];
    let totals = loaded
        .price(document.to_string().as_bytes(), &packages)
        .unwrap();
    assert_eq!(
        totals,
        [vec![6130, 3065, 6130, 6130, 3065, 6130], vec![4800; 6]]
    );
    let all = loaded.price(document.to_string().as_bytes(), &[]).unwrap();
    assert_eq!(all.len(), loaded.plan_ids().len());
    let checksum = |rounds| {
        loaded
            .price_repeatedly(document.to_string().as_bytes(), rounds)
            .unwrap()
    };
    assert_eq!(checksum(3), checksum(3));
    assert_ne!(checksum(2), checksum(3));
}

pub(crate) async fn every_look_at_a_customer_is_recorded(world: World) {
    world.with_customer("c-1", "zs01").await;
    let ask = json!({"customer_id": "c-1"}).to_string();
    assert_eq!(
        world
            .send("hall", "POST", "/simulations", &ask)
            .await
            .status,
        200
    );
    assert_eq!(
        world
            .send("hall@zs01", "GET", "/customers/c-1", "")
            .await
            .status,
        200
    );
    // Who sees nothing is not recorded as having seen something.
    assert_eq!(
        world
            .send("hall@hz01", "GET", "/customers/c-1", "")
            .await
            .code(),
        "customer-unknown"
    );
    assert_eq!(
        world.send("hall", "GET", "/customers/c-2", "").await.code(),
        "customer-unknown"
    );
    let select = "select action, customer_id from personal_access order by action";
    let rows: Vec<(String, String)> = world.sql.query(select, Vec::new()).await.unwrap();
    let expected = [("read", "c-1"), ("simulate", "c-1")]
        .map(|(action, id)| (action.to_owned(), id.to_owned()));
    assert_eq!(rows, expected);
}

pub(crate) async fn forgetting_a_customer_forgets_the_offers(world: World) {
    world.with_customer("c-1", "zs01").await;
    let body = json!({"customer_id": "c-1", "channel": "web-hall"}).to_string();
    let made = world.send("hall", "POST", "/offers", &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(world.count("tariff_offer").await > 0);
    assert_eq!(
        world
            .send("admin@hz01", "DELETE", "/customers/c-1", "")
            .await
            .code(),
        "customer-unknown"
    );
    assert!(world.count("tariff_offer").await > 0);
    assert_eq!(
        world
            .send("admin@zs01", "DELETE", "/customers/c-1", "")
            .await
            .status,
        204
    );
    assert_eq!(
        (
            world.count("tariff_customer").await,
            world.count("tariff_offer").await
        ),
        (0, 0)
    );
}

pub(crate) async fn another_regions_customer_is_untouched(world: World) {
    world.with_customer("c-1", "zs01").await;
    let own = customer("hz01").to_string();
    let taken = world
        .send("channel@hz01", "PUT", "/customers/c-1", &own)
        .await;
    assert_eq!(taken.code(), "customer-unknown");
    let foreign = world
        .send(
            "channel@hz01",
            "PUT",
            "/customers/c-2",
            &customer("zs01").to_string(),
        )
        .await;
    assert_eq!(
        (foreign.code(), &foreign.json["errors"][0]["pointer"]),
        ("customer-invalid", &json!("/region"))
    );
    let select = "select region from tariff_customer where customer_id = $1";
    let row: Option<(String,)> = world
        .sql
        .query_optional(select, parameters!["c-1"])
        .await
        .unwrap();
    assert_eq!(row, Some(("zs01".to_owned(),)));
    assert_eq!(world.count("tariff_customer").await, 1);
}

pub(crate) async fn a_page_token_ends_with_its_time(world: World) {
    world.with_customer("c-1", "zs01").await;
    let body = json!({"customer_id": "c-1", "ttl_s": 60}).to_string();
    let made = world.send("hall@zs01", "POST", "/page-tokens", &body).await;
    assert_eq!(made.json["expires_at"], "2026-11-22T04:01:00.000Z");
    let token = made.json["token"].as_str().unwrap().to_owned();
    let page = world.send(&token, "GET", "/page", "").await;
    assert_eq!(page.json["present_plan"]["plan_id"], "e2e-payg", "{page:?}");
    assert_eq!(page.json["kinds"][0], "voice");
    assert_eq!(page.json["expires_at"], made.json["expires_at"]);
    world.clock.advance_ms(59_999);
    assert_eq!(world.send(&token, "GET", "/page", "").await.status, 200);
    world.clock.advance_ms(1);
    assert_eq!(
        world.send(&token, "GET", "/page", "").await.code(),
        "token-invalid"
    );
    // Nobody makes a token for a customer that does not exist for the maker.
    let foreign = world.send("hall@hz01", "POST", "/page-tokens", &body).await;
    assert_eq!(foreign.code(), "customer-unknown");
}

pub(crate) async fn a_bad_catalogue_leaves_nothing(world: World) {
    let twice = CATALOGUE.replacen("{", "{\"schema\": \"chudian-catalogue/1\",", 1);
    let got = world.send("analyst", "POST", "/catalogues", &twice).await;
    assert_eq!(
        (got.code(), &got.json["errors"][0]["pointer"]),
        ("catalogue-invalid", &json!("/schema"))
    );
    let half = &CATALOGUE[..CATALOGUE.len() / 2];
    assert_eq!(
        world
            .send("analyst", "POST", "/catalogues", half)
            .await
            .code(),
        "malformed-json"
    );
    let deep = "[".repeat(100_000);
    assert_eq!(
        world
            .send("analyst", "POST", "/catalogues", &deep)
            .await
            .code(),
        "malformed-json"
    );
    let large = " ".repeat((8 << 20) + 1);
    assert_eq!(
        world
            .send("analyst", "POST", "/catalogues", &large)
            .await
            .status,
        413
    );
    assert_eq!(world.count("tariff_catalogue").await, 0);
}

/// Goal: an offer holds all that a channel shows (TS-8): the plan, the customer, before and after, in both languages where it has
/// names; and a channel that asks later gets the same.
pub(crate) async fn an_offer_holds_what_a_channel_shows(world: World) {
    world.with_customer("c-1", "zs01").await;
    let body = json!({"customer_id": "c-1", "channel": "web-hall", "limit": 1}).to_string();
    let made = world.send("hall", "POST", "/offers", &body).await;
    let item = &made.json["items"][0];
    let offer = &item["offer"];
    assert_eq!(
        offer["customer"],
        json!({"region": "zs01", "brand": "mzone", "customer_type": "personal", "plan_id": "e2e-payg"})
    );
    assert_eq!(offer["plan"]["plan_id"], item["plan_id"]);
    assert!(offer["plan"]["monthly_fee_fen"].is_i64(), "{offer}");
    assert!(offer["plan"]["name"]["zh"].is_string() && offer["plan"]["name"]["en"].is_string());
    assert_eq!(offer["before"]["plan_id"], "e2e-payg");
    assert_eq!(offer["after"]["plan_id"], item["plan_id"]);
    assert!(offer["after"]["saving"]["total_fen"].as_i64().unwrap() > 0);
    assert_eq!(offer["months"].as_array().unwrap().len(), 6);
    let pulled = world
        .send("channel@zs01", "GET", "/offers?channel=web-hall", "")
        .await;
    assert_eq!(pulled.json["items"], made.json["items"]);
    // Who has no plan yet has nothing before.
    let mut newcomer = customer("zs01");
    newcomer.as_object_mut().unwrap().remove("plan_id");
    let stored = world
        .send("channel", "PUT", "/customers/c-2", &newcomer.to_string())
        .await;
    assert_eq!(stored.status, 200);
    let body = json!({"customer_id": "c-2", "channel": "web-hall", "limit": 1}).to_string();
    let made = world.send("hall", "POST", "/offers", &body).await;
    let offer = &made.json["items"][0]["offer"];
    assert!(
        offer["after"].is_object() && offer.get("before").is_none(),
        "{offer}"
    );
}
