//! What the function does, on either database.

pub(crate) use crate::fresh_scenarios::*;
pub(crate) use crate::list_scenarios::*;
use serde_json::{Value, json};

use crate::customers::{Customer, TODAY, customers, id_of};
use crate::world::World;

fn counted(test: impl Fn(&Customer) -> bool) -> u64 {
    customers().iter().filter(|customer| test(customer)).count() as u64
}

fn wanted(customer: &Customer) -> bool {
    customer.brand == "mzone" && customer.arpu_fen.is_some_and(|fen| fen >= 8_000)
}

/// The condition of the issue, in every way it can be written.
fn spellings() -> [Value; 6] {
    [
        json!("品牌 = 动感地带 且 月均消费 ≥ 80"),
        json!("brand = M-Zone and arpu >= 80"),
        json!("品牌＝动感地带且月均消费≥８０元"),
        json!("brand in (mzone) and not (arpu < 8000 fen)"),
        json!("`Monthly spend` >= 80.00 yuan && Brand == 'mzone'"),
        json!({"all": [
            {"column": "brand", "op": "=", "value": "M-Zone"},
            {"column": "arpu", "op": ">=", "value": {"number": "80.00", "unit": "元"}}
        ]}),
    ]
}

pub(crate) async fn a_condition_counts_the_same_in_every_form(world: World) {
    let expected = counted(wanted);
    assert!(expected > 10);
    for spelling in spellings() {
        assert_eq!(world.selected(&spelling).await, expected, "{spelling}");
    }
    // What is not known is neither selected nor selected by the opposite.
    let at_least = world.selected(&json!("arpu >= 80")).await;
    let not = world.selected(&json!("not arpu >= 80")).await;
    let unknown = world.selected(&json!("arpu is null")).await;
    assert_eq!(
        (at_least + not + unknown, unknown),
        (400, counted(|customer| customer.arpu_fen.is_none()))
    );
    // A figure of the contact view, in both tongues.
    let complaints = counted(|customer| customer.complaints_90d >= 3);
    for text in [
        "count(any, complaint, 90d) >= 3",
        "接触次数(任意, 投诉, 90天) ≥ 3",
    ] {
        assert_eq!(world.selected(&json!(text)).await, complaints, "{text}");
    }
    let recent = counted(|customer| customer.marketed_on.is_some_and(|day| day >= TODAY - 90));
    for text in [
        "marketed_on >= 90 days ago",
        "最近营销日期 ≥ 90天前",
        "marketed_on >= 2026-08-24",
    ] {
        assert_eq!(world.selected(&json!(text)).await, recent, "{text}");
    }
    let parts = world
        .send(
            "analyst",
            "POST",
            "/count",
            &json!({"selection": {"expression": spellings()[1]}, "each": true}),
        )
        .await
        .ok();
    assert_eq!(
        parts["conditions"][0]["customers"],
        counted(|customer| customer.brand == "mzone")
    );
    assert_eq!(parts["conditions"][0]["condition"]["zh"], "品牌 = 动感地带");
}

fn ring_tone(extra: Value) -> Value {
    let mut selection = json!({
        "expression": "brand is known", "business": "ring_tone", "channels": ["outbound-call"],
        "exclusions": {"set": "default"}, "missing_columns": "report"
    });
    selection
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    selection
}

pub(crate) async fn the_waterfall_adds_up(world: World) {
    let answer = world.count(&ring_tone(json!({"class": "diversion"}))).await;
    let steps = answer["waterfall"].as_array().unwrap();
    let rules: Vec<&str> = steps
        .iter()
        .map(|step| step["rule"].as_str().unwrap())
        .collect();
    assert_eq!(
        rules,
        [
            "already_ordered",
            "tried_not_ordered",
            "marketed",
            "opted_out",
            "high_value"
        ]
    );
    let removed: u64 = steps
        .iter()
        .map(|step| step["removed"].as_u64().unwrap())
        .sum();
    assert_eq!(
        answer["selected"].as_u64().unwrap() - removed,
        answer["remaining"].as_u64().unwrap()
    );
    // Six months before 2026-11-22 is 2026-05-22, three months is 2026-08-22.
    let (six, three) = (TODAY - 184, TODAY - 92);
    let left = counted(|customer| {
        let tried = customer.tried_on.is_some_and(|day| day >= six);
        let marketed = customer.marketed_on.is_some_and(|day| day >= three);
        !customer.has_ring_tone
            && !tried
            && !marketed
            && !customer.opted_out
            && !customer.high_value
    });
    assert_eq!(answer["remaining"], left);
    assert_eq!(answer["exclusion_set"], "default@0");
}

pub(crate) async fn unset_and_zero_are_told_apart(world: World) {
    let with =
        |rules: Value| json!({"expression": "brand is known", "exclusions": {"rules": rules}});
    let unset = world.count(&with(json!({"opted_out": true}))).await;
    assert_eq!(unset["waterfall"].as_array().unwrap().len(), 1);
    let zero = world
        .count(&with(json!({"opted_out": true, "marketed": {"months": 0}})))
        .await;
    assert_eq!(zero["waterfall"][0]["rule"], "marketed");
    let today = counted(|customer| customer.marketed_on.is_some_and(|day| day >= TODAY));
    assert_eq!(
        (zero["waterfall"][0]["removed"].as_u64().unwrap(), today),
        (today, 1)
    );
}

pub(crate) async fn a_service_message_is_touched_by_nothing(world: World) {
    let answer = world.count(&ring_tone(json!({"class": "service"}))).await;
    assert_eq!(
        (
            answer["remaining"].as_u64(),
            answer["waterfall"].as_array().map(Vec::len)
        ),
        (Some(400), Some(0))
    );
}

pub(crate) async fn missing_columns_are_refused_or_reported(world: World) {
    let refused = json!({"selection": ring_tone(json!({"missing_columns": "refuse"}))});
    let got = world.send("analyst", "POST", "/count", &refused).await;
    assert_eq!(
        (got.status.as_u16(), got.code()),
        (409, "exclusion-columns-missing"),
        "{got:?}"
    );
    assert!(
        got.text.contains("bulk_cancelled_ring_tone_on"),
        "{}",
        got.text
    );
    let reported = world.count(&ring_tone(json!({}))).await;
    let missing: Vec<&str> = reported["not_applied"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|rule| rule["reason"] == "column-missing")
        .map(|rule| rule["rule"].as_str().unwrap())
        .collect();
    assert_eq!(
        missing,
        ["bulk_cancelled", "cancelled_by_customer", "complained"]
    );
}

/// Goal: whoever refused is left out by every column that tells of it; a column of refusals that is missing stops the request until somebody
/// names it, and then takes away no other column's refusals.
pub(crate) async fn a_refusal_is_never_dropped_in_silence(world: World) {
    // The dataset knows refusals at large and of outbound calls, none of short messages.
    let by_sms = |extra: Value| {
        let mut selection = ring_tone(json!({"channels": ["sms-hall"]}));
        let fields = selection.as_object_mut().unwrap();
        fields.extend(extra.as_object().unwrap().clone());
        selection
    };
    let refused = async |extra: Value| {
        let body = json!({ "selection": by_sms(extra) });
        let got = world.send("analyst", "POST", "/count", &body).await;
        assert_eq!(
            (got.status.as_u16(), got.code()),
            (409, "exclusion-columns-missing"),
            "{got:?}"
        );
        let errors: Value = serde_json::from_str(&got.text).unwrap();
        let pointers = errors["errors"].as_array().unwrap().iter();
        let pointers = pointers.map(|error| error["pointer"].as_str().unwrap().to_owned());
        pointers.collect::<Vec<_>>()
    };
    assert_eq!(refused(json!({})).await, ["/exclusions/opted_out"]);
    let elsewhere = json!({"accept_missing": ["opted_out", "complained_ring_tone_on"]});
    assert_eq!(refused(elsewhere).await, ["/exclusions/opted_out"]);
    let strict = json!({"missing_columns": "refuse", "accept_missing": ["opted_out_of_sms_hall"]});
    assert_eq!(
        refused(strict).await,
        [
            "/exclusions/bulk_cancelled",
            "/exclusions/cancelled_by_customer",
            "/exclusions/complained"
        ]
    );

    let named = by_sms(json!({"accept_missing": ["opted_out_of_sms_hall"]}));
    let answer = world.count(&named).await;
    let not_whole: Vec<&Value> = answer["not_applied"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|rule| rule["reason"] == "column-missing-in-part")
        .collect();
    assert_eq!(not_whole.len(), 1, "{answer}");
    assert_eq!(not_whole[0]["rule"], "opted_out");
    assert_eq!(not_whole[0]["columns"], json!(["opted_out_of_sms_hall"]));
    let steps = answer["waterfall"].as_array().unwrap();
    let step = steps.iter().find(|step| step["rule"] == "opted_out");
    let step = step.unwrap();
    assert!(step["removed"].as_u64().unwrap() > 0, "{answer}");
    assert!(
        step["condition"]["en"]
            .as_str()
            .unwrap()
            .contains("Opted out")
    );
}

pub(crate) async fn a_key_of_a_region_sees_its_customers_only(world: World) {
    let body = json!({"selection": {"expression": "brand is known or not brand is known"}});
    let all = world.send("analyst", "POST", "/count", &body).await.ok();
    let own = world
        .send("analyst@zs01", "POST", "/count", &body)
        .await
        .ok();
    assert_eq!(
        (all["selected"].as_u64(), all["customers"].as_u64()),
        (Some(400), Some(400))
    );
    assert_eq!(
        (own["selected"].as_u64(), own["customers"].as_u64()),
        (Some(100), Some(100))
    );
    let escape = json!({"selection": {"expression": "region = hz01"}});
    assert_eq!(
        world
            .send("analyst@zs01", "POST", "/count", &escape)
            .await
            .ok()["selected"],
        0
    );
    // Customer 1 lives in hz01.
    let explain =
        json!({"selection": {"expression": "all()"}, "customer_id": id_of(1).to_string()});
    assert_eq!(
        world
            .send("analyst@hz01", "POST", "/explain", &explain)
            .await
            .status,
        200
    );
    let got = world
        .send("analyst@zs01", "POST", "/explain", &explain)
        .await;
    assert_eq!((got.status.as_u16(), got.code()), (404, "customer-unknown"));
    let divided = json!({"selection": {"expression": "all()"}, "columns": ["region"], "leaves_department": false});
    let groups = world
        .send("analyst@zs01", "POST", "/breakdown", &divided)
        .await
        .ok()["groups"]
        .clone();
    assert_eq!(
        groups,
        json!([{"values": ["zs01"], "titles": [{"zh": "zs01", "en": "zs01"}], "customers": 100}])
    );
}

fn group(expression: &str) -> Value {
    json!({"title": {"zh": "分组", "en": "Group"}, "expression": expression})
}

pub(crate) async fn groups_have_versions_and_no_circles(world: World) {
    let put = async |who: &str, name: &str, text: &str| {
        world
            .send(who, "PUT", &format!("/groups/{name}"), &group(text))
            .await
    };
    let first = put("analyst", "young", "年龄段 = 18–23岁").await;
    assert_eq!(
        first.first_error().0,
        "unexpected-character",
        "a dash is no part of a bare word"
    );
    let first = put("analyst", "young", "年龄段 = \"18–23岁\"").await.ok();
    assert_eq!(
        (first["version"].as_u64(), &first["expression"]["value"]),
        (Some(1), &json!("#03"))
    );
    assert_eq!(
        put("analyst", "young", "age_group = #03").await.ok()["version"],
        1,
        "nothing changed"
    );
    put("analyst", "young-mzone", "group(young) and brand = mzone")
        .await
        .ok();
    let before = world.selected(&json!("group(young-mzone)")).await;
    assert_eq!(
        before,
        counted(|customer| customer.age_group == Some("#03") && customer.brand == "mzone")
    );
    // The inner group changes; the outer one keeps the version it was saved with, a reference of one's own takes the newest.
    assert_eq!(
        put("analyst", "young", "age_group is known").await.ok()["version"],
        2
    );
    assert_eq!(world.selected(&json!("group(young-mzone)")).await, before);
    let known = counted(|customer| customer.age_group.is_some());
    assert_eq!(world.selected(&json!("分组(young)")).await, known);
    assert_eq!(
        world
            .selected(&json!({"group": "young", "version": 1}))
            .await,
        counted(|customer| customer.age_group == Some("#03"))
    );
    for text in ["group(young)", "brand = mzone or group(young-mzone)"] {
        let got = put("analyst", "young", text).await;
        assert_eq!(
            (got.code(), got.first_error().0),
            ("expression-invalid", "circular-group"),
            "{text}: {got:?}"
        );
    }
    let got = put("analyst", "other", "not group(nobody-saved-this)").await;
    assert_eq!(got.first_error(), ("unknown-group", "/expression"));
    // Another region's group is unknown, for reading, for use and for change.
    put("analyst@hz01", "hz", "brand = mzone").await.ok();
    for (method, body) in [
        ("GET", Value::Null),
        ("PUT", group("brand = gotone")),
        ("DELETE", Value::Null),
    ] {
        let got = world
            .send("analyst@zs01", method, "/groups/hz", &body)
            .await;
        assert_eq!(
            (got.status.as_u16(), got.code()),
            (404, "group-unknown"),
            "{method}"
        );
    }
    let got = world
        .send(
            "analyst@zs01",
            "POST",
            "/count",
            &json!({"selection": {"expression": "group(hz)"}}),
        )
        .await;
    assert_eq!(got.first_error().0, "unknown-group");
    let names = |page: &Value| {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].clone())
            .collect::<Vec<_>>()
    };
    let page = world
        .send("analyst@zs01", "GET", "/groups?limit=1", &Value::Null)
        .await
        .ok();
    let rest = format!("/groups?cursor={}", page["next_cursor"].as_str().unwrap());
    let rest = world
        .send("analyst@zs01", "GET", &rest, &Value::Null)
        .await
        .ok();
    assert_eq!(
        (names(&page), names(&rest)),
        (vec![json!("young")], vec![json!("young-mzone")])
    );
    assert_eq!(
        world
            .send("analyst", "DELETE", "/groups/young", &Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(
        world
            .send("analyst", "GET", "/groups/young", &Value::Null)
            .await
            .code(),
        "group-unknown"
    );
    assert_eq!(
        world.selected(&json!("group(young-mzone)")).await,
        before,
        "what names a version still has it"
    );
}

pub(crate) async fn exclusion_sets_have_versions(world: World) {
    let get = async |who: &str, path: &str| world.send(who, "GET", path, &Value::Null).await;
    let built_in = get("approver", "/exclusion-sets/default").await.ok();
    assert_eq!(
        (built_in["version"].as_u64(), &built_in["rules"]["marketed"]),
        (Some(0), &json!({"months": 3}))
    );
    assert!(
        built_in["rules"].get("channel_interval_days").is_none(),
        "unset"
    );
    let own = json!({"marketed": {"months": 1}, "channel_interval_days": {"outbound-call": 0}});
    let put = world
        .send("admin", "PUT", "/exclusion-sets/default", &own)
        .await
        .ok();
    assert_eq!((put["version"].as_u64(), &put["rules"]), (Some(1), &own));
    assert_eq!(
        world
            .send("admin", "PUT", "/exclusion-sets/default", &own)
            .await
            .ok()["version"],
        1
    );
    assert_eq!(
        get("analyst", "/exclusion-sets/default?version=0")
            .await
            .ok()["version"],
        0
    );
    let answer = world.count(&ring_tone(json!({}))).await;
    let rules: Vec<&Value> = answer["waterfall"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["rule"])
        .collect();
    assert_eq!(
        (rules, &answer["exclusion_set"]),
        (
            vec![&json!("marketed"), &json!("channel_interval")],
            &json!("default@1")
        )
    );
    // A region neither changes the province's default nor sees another region's set.
    assert_eq!(
        world
            .send("analyst@zs01", "PUT", "/exclusion-sets/default", &own)
            .await
            .code(),
        "exclusion-set-unknown"
    );
    world
        .send(
            "analyst@hz01",
            "PUT",
            "/exclusion-sets/hz",
            &json!({"opted_out": true}),
        )
        .await
        .ok();
    assert_eq!(
        get("analyst@zs01", "/exclusion-sets/hz").await.code(),
        "exclusion-set-unknown"
    );
    let use_it = json!({"selection": {"expression": "all()", "exclusions": {"set": "hz"}}});
    assert_eq!(
        world
            .send("analyst@zs01", "POST", "/count", &use_it)
            .await
            .code(),
        "exclusion-set-unknown"
    );
    let wrong = world
        .send(
            "admin",
            "PUT",
            "/exclusion-sets/x",
            &json!({"marketed": {"months": 1, "ever": true}}),
        )
        .await;
    assert_eq!(
        (wrong.code(), wrong.first_error().1),
        ("exclusion-set-invalid", "/marketed")
    );
}

pub(crate) async fn small_groups_are_hidden(world: World) {
    // Customers 0, 3, 6 … are M-Zone; arpu below 2 yuan are the first five customers.
    let body = |leaves: bool| json!({"selection": {"expression": "arpu < 8"}, "columns": ["品牌"], "leaves_department": leaves});
    let open = world
        .send("analyst", "POST", "/breakdown", &body(false))
        .await
        .ok();
    let total: u64 = open["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["customers"].as_u64().unwrap())
        .sum();
    assert_eq!(
        (open["customers"].as_u64(), open["hidden"].as_u64()),
        (Some(total), Some(0))
    );
    let closed = world
        .send("analyst", "POST", "/breakdown", &body(true))
        .await
        .ok();
    assert!(
        closed["groups"]
            .as_array()
            .unwrap()
            .iter()
            .all(|group| group["customers"].is_null()),
        "{closed}"
    );
    let by_two = json!({"selection": {"expression": "all()"}, "columns": ["brand", "age_group"]});
    let by_two = world
        .send("analyst", "POST", "/breakdown", &by_two)
        .await
        .ok();
    assert_eq!(by_two["groups"].as_array().unwrap().len(), 9);
    assert_eq!(
        by_two["groups"][0]["titles"][0],
        json!({"zh": "神州行", "en": "EasyOwn"})
    );
    let numbers = world
        .send(
            "analyst",
            "POST",
            "/breakdown",
            &json!({"selection": {"expression": "all()"}, "columns": ["arpu"]}),
        )
        .await;
    assert_eq!(numbers.first_error().1, "/columns/0");
}

pub(crate) async fn a_preview_names_nobody(world: World) {
    let body = json!({"selection": {"expression": spellings()[0]}, "columns": ["月均消费", "brand"], "limit": 3});
    let got = world.send("analyst", "POST", "/preview", &body).await;
    let rows = got.json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(
        rows[0]["values"][1],
        json!({"zh": "动感地带", "en": "M-Zone"})
    );
    for customer in customers() {
        assert!(!got.text.contains(&customer.id.to_string()));
    }
    let too_many = json!({"selection": {"expression": "all()"}, "limit": 51});
    assert_eq!(
        world
            .send("analyst", "POST", "/preview", &too_many)
            .await
            .first_error()
            .1,
        "/limit"
    );
}

pub(crate) async fn one_customer_is_explained_and_recorded(world: World) {
    // Customer 210: M-Zone, 84 yuan, holds the ring tone (210 = 7 × 30), marketed 105 days ago.
    let selection = ring_tone(json!({"expression": spellings()[0]}));
    let explain = async |number: usize| {
        let body = json!({"selection": selection, "customer_id": id_of(number).to_string()});
        world.send("analyst", "POST", "/explain", &body).await.ok()
    };
    let before = world.rows("personal_access").await;
    let held = explain(210).await;
    assert_eq!(
        (&held["selected"], &held["included"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(held["summary"]["zh"], "满足条件，但被排除：已订购。");
    assert_eq!(
        held["expression"]["parts"][1]["value"],
        json!({"zh": "月均消费：84.00 元", "en": "`Monthly spend`: 84.00 yuan"})
    );
    assert_eq!(world.rows("personal_access").await, before + 1);
    // Customer 9: M-Zone, but nothing is known of the spending.
    let unknown = explain(9).await;
    assert_eq!(
        (
            &unknown["selected"],
            &unknown["expression"]["parts"][1]["holds"]
        ),
        (&json!(false), &json!("unknown"))
    );
    assert_eq!(
        unknown["summary"]["en"],
        "Out: not met: `Monthly spend` >= 80."
    );
    for number in [210, 9, 201, 202, 399] {
        let included = explain(number).await["included"].as_bool().unwrap();
        let six = TODAY - 184;
        let customer = &customers()[number];
        let out = customer.has_ring_tone
            || customer.tried_on.is_some_and(|day| day >= six)
            || customer.marketed_on.is_some_and(|day| day >= TODAY - 92)
            || customer.opted_out;
        assert_eq!(included, wanted(customer) && !out, "{number}");
    }
}

pub(crate) async fn each_channel_has_its_reach(world: World) {
    let mut selection = ring_tone(
        json!({"exclusions": {"rules": {"channel_interval_days": {"outbound-call": 30}}}}),
    );
    selection["class"] = json!("service");
    let answer = world
        .send(
            "analyst",
            "POST",
            "/reach",
            &json!({"selection": selection}),
        )
        .await
        .ok();
    let calls = &answer["channels"][0];
    let within = counted(|customer| customer.marketed_on.is_some_and(|day| day >= TODAY - 30));
    let allowed = counted(|customer| {
        !customer.opted_out && customer.marketed_on.is_none_or(|day| day < TODAY - 30)
    });
    assert_eq!(
        (calls["within_interval"].as_u64(), calls["allowed"].as_u64()),
        (Some(within), Some(allowed))
    );
    assert_eq!(
        (
            calls["success_permille"].as_u64(),
            calls["expected"].as_u64()
        ),
        (Some(250), Some(allowed / 4))
    );
    let all = world
        .send(
            "analyst",
            "POST",
            "/reach",
            &json!({"selection": {"expression": "all()"}}),
        )
        .await
        .ok();
    let channels = all["channels"].as_array().unwrap();
    assert_eq!(channels.len(), 12);
    let wap = channels
        .iter()
        .find(|channel| channel["channel"] == "wap")
        .unwrap();
    assert!(
        wap.get("within_interval").is_none() && wap.get("expected").is_none(),
        "what is not known is absent: {wap}"
    );
    // Who wants no marketing at all wants none by WAP.
    let out = counted(|customer| customer.opted_out);
    assert_eq!(
        (wap["opted_out"].as_u64(), wap["allowed"].as_u64()),
        (Some(out), Some(400 - out))
    );
}

pub(crate) async fn mistakes_are_told_with_their_place(world: World) {
    let deep = |levels: usize| {
        (0..levels).fold(
            json!({"column": "brand", "op": "is_known"}),
            |inner, _| json!({"not": inner}),
        )
    };
    let many: Vec<Value> = vec![json!({"column": "arpu", "op": ">", "value": 1}); 10_000];
    let table = [
        (
            json!("barnd = mzone"),
            "unknown-column",
            "/selection/expression",
            "brand",
        ),
        (
            json!("品牌 > 80"),
            "no-order",
            "/selection/expression",
            "第 1 个字符",
        ),
        (
            json!("arpu >= 高"),
            "wrong-kind",
            "/selection/expression",
            "第 9 个字符",
        ),
        (
            json!("brand = 80"),
            "wrong-kind",
            "/selection/expression",
            "At character 9",
        ),
        (
            json!("arpu >= 80 GB"),
            "wrong-unit",
            "/selection/expression",
            "yuan",
        ),
        (
            json!("arpu >= 999999999999999999 万元"),
            "number-too-large",
            "/selection/expression",
            "",
        ),
        (
            json!("arpu >= 99999999999999999999"),
            "not-a-number",
            "/selection/expression",
            "第 9 个字符",
        ),
        (
            json!("arpu >= 80 and"),
            "syntax",
            "/selection/expression",
            "At character 15",
        ),
        (
            json!("arpu >= 80 brand = x"),
            "syntax",
            "/selection/expression",
            "brand",
        ),
        (
            json!("brand = \"mzone"),
            "open-quotation",
            "/selection/expression",
            "At character 9",
        ),
        (
            json!("brand = mzone ※"),
            "unexpected-character",
            "/selection/expression",
            "",
        ),
        (json!(""), "syntax", "/selection/expression", ""),
        (
            json!("marketed_on >= 2026-02-30"),
            "not-a-date",
            "/selection/expression",
            "At character 16",
        ),
        (
            json!("marketed_on >= 2026-5-1"),
            "not-a-date",
            "/selection/expression",
            "第 16 个字符",
        ),
        (
            json!("brand = \"a\u{0}b\""),
            "control-character",
            "/selection/expression",
            "At character 9",
        ),
        (
            json!({"column": "brand", "op": "in", "values": ["a", "b\u{0}"]}),
            "control-character",
            "/selection/expression/values/1",
            "",
        ),
        (
            json!({"group": "a\u{0}"}),
            "control-character",
            "/selection/expression/group",
            "",
        ),
        (
            json!("count(web-hall, complaint, 90d) > 1"),
            "contact-column-missing",
            "/selection/expression",
            "contact_count_web_hall_complaint_90d",
        ),
        (
            json!("count(any, complaint, 30d) > 1"),
            "contact-column-missing",
            "/selection/expression",
            "contact_count_any_complaint_90d",
        ),
        (
            json!("id is known"),
            "identity-not-allowed",
            "/selection/expression",
            "",
        ),
        (
            json!("marketed_on >= 99999 days ago"),
            "date-out-of-range",
            "/selection/expression",
            "",
        ),
        (
            json!("has_ring_tone in (yes, no)"),
            "both-flags",
            "/selection/expression",
            "",
        ),
        (
            json!("(".repeat(500)),
            "too-deep",
            "/selection/expression",
            "",
        ),
        (
            json!("not ".repeat(500)),
            "too-deep",
            "/selection/expression",
            "",
        ),
        (
            json!(vec!["arpu > 1"; 10_000].join(" or ")),
            "too-many-terms",
            "/selection/expression",
            "10000",
        ),
        (
            json!({"any": many}),
            "too-many-terms",
            "/selection/expression",
            "10000",
        ),
        (
            deep(12),
            "too-deep",
            "/selection/expression/not/not/not/not/not/not/not/not/not/not/not/not",
            "",
        ),
        (
            json!({"all": [{"column": "brand", "op": "~"}, {"column": "x"}]}),
            "value-not-allowed",
            "/selection/expression/all/0/op",
            "",
        ),
        (
            json!({"column": "arpu", "op": "in", "values": [1, true]}),
            "wrong-kind",
            "/selection/expression/values/1",
            "",
        ),
        (
            json!({"column": "arpu", "op": "=", "value": 1e300}),
            "not-a-number",
            "/selection/expression/value",
            "",
        ),
        (
            json!({"column": "brand", "op": "=", "value": "x", "colour": 1}),
            "unknown-field",
            "/selection/expression/colour",
            "",
        ),
        (
            json!({"contact": {"measure": "count", "channel": "pigeon"}, "op": "is_known"}),
            "value-not-allowed",
            "/selection/expression/contact/channel",
            "",
        ),
        (json!(5), "wrong-type", "/selection/expression", ""),
    ];
    for (expression, code, pointer, told) in table {
        let got = world
            .send(
                "analyst",
                "POST",
                "/count",
                &json!({"selection": {"expression": expression}}),
            )
            .await;
        let shown = expression.to_string();
        let shown = shown.chars().take(80).collect::<String>();
        assert_eq!(got.status, 422, "{shown}: {got:?}");
        assert_eq!(
            (got.code(), got.first_error()),
            ("expression-invalid", (code, pointer)),
            "{shown}: {got:?}"
        );
        let detail = got.json["errors"][0]["detail"].as_str().unwrap();
        // The tests' requests ask for no language and get English; a Chinese text is checked where one is expected by its column alone.
        let expected = told.replace("第 ", "At character ").replace(" 个字符", "");
        assert!(detail.contains(&expected), "{shown}: {detail}");
    }
    let parsed = world
        .send(
            "analyst",
            "POST",
            "/expressions/parse",
            &json!({"expression": "品牌 = 动感地代 且 月均消费 介于 90 至 80"}),
        )
        .await
        .ok();
    let codes: Vec<&Value> = parsed["notices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|notice| &notice["code"])
        .collect();
    assert_eq!(codes, [&json!("unknown-group-code"), &json!("never-true")]);
    assert!(
        parsed["notices"][0]["text"]["zh"]
            .as_str()
            .unwrap()
            .contains("动感地带"),
        "{parsed}"
    );
    let printed = world
        .send(
            "analyst",
            "POST",
            "/expressions/print",
            &json!({"expression": spellings()[5]}),
        )
        .await
        .ok();
    assert_eq!(
        printed["text"],
        json!({"zh": "品牌 = 动感地带 且 月均消费 ≥ 80.00 元", "en": "Brand = M-Zone and `Monthly spend` >= 80.00 元"})
    );
    let schema = world
        .send("analyst", "GET", "/schemas/expression", &Value::Null)
        .await
        .ok();
    assert_eq!(schema["title"], "chudian-expression/1");
}

pub(crate) async fn roles_are_kept_apart(world: World) {
    let body = json!({"selection": {"expression": "all()"}});
    for (who, status) in [
        ("analyst", 200),
        ("approver", 200),
        ("admin", 200),
        ("hall", 403),
        ("channel", 403),
        ("custodian", 403),
    ] {
        assert_eq!(
            world
                .send(who, "POST", "/count", &body)
                .await
                .status
                .as_u16(),
            status,
            "{who}"
        );
    }
    let explain =
        json!({"selection": {"expression": "all()"}, "customer_id": id_of(1).to_string()});
    assert_eq!(
        world
            .send("approver", "POST", "/explain", &explain)
            .await
            .code(),
        "role-not-allowed"
    );
    assert_eq!(
        world
            .send("approver", "PUT", "/groups/x", &group("all()"))
            .await
            .code(),
        "role-not-allowed"
    );
}
