//! Routes lead where stock Spin leads them. The oracle is the very matcher that Spin uses, fed as Spin feeds it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

use std::net::SocketAddr;
use std::path::Path;

use chudian_manifest::{Manifest, Router};
use proptest::prelude::*;

fn manifest(routes: &[&str]) -> Manifest {
    let mut source = "spin_manifest_version = 2\napplication = { name = \"x\" }\n[component.c]\nsource = \"c.wasm\"\n".to_owned();
    for (index, route) in routes.iter().enumerate() {
        source.push_str(&format!(
            "[[trigger.http]]\nid = \"t{index}\"\nroute = \"{route}\"\ncomponent = \"c\"\n"
        ));
    }
    Manifest::parse(&source, Path::new("spin.toml"), Path::new("."))
        .unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// The position of a route, the rest of the path behind it, and the parameters with their names.
type Routed = (usize, String, Vec<(String, String)>);

/// The route that a path takes, and what lies behind it.
fn routed(routes: &[&str], path: &str) -> Option<Routed> {
    let manifest = manifest(routes);
    let (router, _) = Router::build(&manifest.triggers);
    router.route(path).map(|found| {
        let parameters = found
            .parameters()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        (
            found.trigger_index(),
            found.path_info().into_owned(),
            parameters,
        )
    })
}

#[test]
fn the_most_specific_route_wins() {
    // routes, path, index of the route that answers, path info
    let table: &[(&[&str], &str, Option<usize>, &str)] = &[
        (&["/foo", "/foo/bar"], "/foo", Some(0), ""),
        (&["/foo", "/foo/bar"], "/foo/bar", Some(1), ""),
        (&["/foo"], "/foo/", Some(0), ""),
        (&["/foo"], "/food", None, ""),
        (&["/..."], "/", Some(0), "/"),
        (&["/..."], "/a/b", Some(0), "/a/b"),
        (&["/test/..."], "/test", Some(0), ""),
        (&["/test/..."], "/test/", Some(0), "/"),
        (&["/test/..."], "/test/hello", Some(0), "/hello"),
        (&["/test/..."], "/test/hello/", Some(0), "/hello/"),
        (&["/test/..."], "/testing", None, ""),
        (
            &["/one/...", "/one/two/...", "/one/two/three/..."],
            "/one/two/three/four",
            Some(2),
            "/four",
        ),
        (
            &["/one/two/three/...", "/one/two/...", "/one/..."],
            "/one/two/three/four",
            Some(0),
            "/four",
        ),
        (&["/...", "/one"], "/one", Some(1), ""),
        (&["/:any", "/one", "/..."], "/one", Some(1), ""),
        (&["/:any", "/one", "/..."], "/two", Some(0), ""),
        (
            &["/:any", "/one", "/..."],
            "/two/three",
            Some(2),
            "/two/three",
        ),
        (&["/a", "/b", "/a"], "/a", Some(2), ""),
        (&["/"], "/", Some(0), ""),
        (&["/"], "/x", None, ""),
        (&["relative"], "/relative", Some(0), ""),
        (&["/files/:name.json"], "/files/a.json", Some(0), ""),
        (&["/files/:name.json"], "/files/a.txt", None, ""),
    ];
    for (routes, path, expected, path_info) in table {
        let found = routed(routes, path);
        assert_eq!(
            found.as_ref().map(|found| found.0),
            *expected,
            "{routes:?} {path}"
        );
        assert_eq!(
            found.map(|found| found.1).unwrap_or_default(),
            *path_info,
            "{routes:?} {path}"
        );
    }
}

#[test]
fn headers_tell_the_route() {
    let manifest = manifest(&["/shop/:User_Id/..."]);
    let (router, _) = Router::build(&manifest.triggers);
    let client: SocketAddr = "192.0.2.7:4711".parse().unwrap();
    let found = router.route("/shop/42/cart/").unwrap();
    let headers = found.headers("http://localhost:3000", "/shop/42/cart/?a=1", client);
    let shown = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect::<Vec<_>>()
        .join("\n");
    insta::assert_snapshot!(shown, @r#"
    spin-path-info: /cart/
    spin-full-url: http://localhost:3000/shop/42/cart/?a=1
    spin-matched-route: /shop/:User_Id/...
    spin-base-path: /
    spin-raw-component-route: /shop/:User_Id/...
    spin-component-route: /shop/:User_Id
    spin-client-addr: 192.0.2.7:4711
    spin-path-match-user-id: 42
    "#);
}

#[test]
fn routes_that_cannot_be_reached_are_warned_of() {
    let manifest = manifest(&["/a", "/.well-known/spin/mine", "/a"]);
    let (router, warnings) = Router::build(&manifest.triggers);
    assert_eq!(router.routes().len(), 2);
    let shown = warnings
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n");
    insta::assert_snapshot!(shown, @r#"
    trigger.http[1]: route `/.well-known/spin/mine` lies under `/.well-known/spin/`, which the host answers itself: it will never be reached
    trigger.http[2]: route `/a` was given before; this last one is used
    "#);
}

#[test]
fn a_selection_keeps_what_it_names() {
    let source = r#"
        spin_manifest_version = 2
        application = { name = "x" }
        [[trigger.http]]
        route = "/a"
        component = "a"
        [[trigger.http]]
        route = "/b"
        component = "b"
        [[trigger.http]]
        route = "/c"
        component = "c"
        dependencies.middleware = [{ component = "guard" }]
        [component.a]
        source = "a.wasm"
        allowed_outbound_hosts = ["http://b.spin.internal"]
        [component.b]
        source = "b.wasm"
        [component.c]
        source = "c.wasm"
        allowed_outbound_hosts = ["http://*.spin.internal", "https://example.com"]
        [component.guard]
        source = "guard.wasm"
    "#;
    let manifest = Manifest::parse(source, Path::new("spin.toml"), Path::new(".")).unwrap();
    let select =
        |ids: &[&str]| manifest.select(&ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
    assert_eq!(select(&[]).unwrap().triggers.len(), 3);
    assert_eq!(
        select(&["b"])
            .unwrap()
            .components
            .keys()
            .collect::<Vec<_>>(),
        ["b"]
    );
    assert_eq!(select(&["a", "b"]).unwrap().triggers.len(), 2);
    let refusal = |ids: &[&str]| select(ids).unwrap_err().to_string();
    insta::assert_snapshot!([refusal(&["a"]), refusal(&["c"]), refusal(&["guard", "d"])].join("\n"), @r#"
    spin.toml: component.a.allowed_outbound_hosts: `http://b.spin.internal` calls `b`, which is not selected: add it to --component, or put the URL into a variable
    spin.toml: component.c.allowed_outbound_hosts: `http://*.spin.internal` may call any component, which a selection of components does not allow
    spin.toml: component.d: no such component with a trigger; there are: a, b, c
    spin.toml: component.guard: no such component with a trigger; there are: a, b, c
    "#);
}

/// The oracle: routefinder with the routes written, deduplicated and ordered as Spin's router does it.
fn oracle(routes: &[String], path: &str) -> Option<(usize, Option<String>, Vec<String>)> {
    let mut kept: Vec<(String, usize)> = Vec::new();
    for (index, route) in routes.iter().enumerate() {
        match kept.iter_mut().find(|(earlier, _)| earlier == route) {
            Some(earlier) => earlier.1 = index,
            None => kept.push((route.clone(), index)),
        }
    }
    let mut router = routefinder::Router::new();
    for (route, index) in kept {
        let based = route.strip_suffix('/').unwrap_or(&route);
        let spec = based
            .strip_suffix("/...")
            .map_or_else(|| based.to_owned(), |prefix| format!("{prefix}/*"));
        router.add(spec, index).unwrap();
    }
    router.best_match(path).map(|found| {
        let captures = found.captures();
        let parameters = captures.iter().map(|(_, value)| value.to_owned()).collect();
        (*found, captures.wildcard().map(str::to_owned), parameters)
    })
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ab]{1,2}",
        2 => "[ab]\\.[ab]",
        2 => "[ab]".prop_map(|name| format!(":{name}")),
        1 => "[ab]".prop_map(|name| format!(":{name}.{name}")),
        1 => Just("a.".to_owned()),
        1 => Just(".a".to_owned()),
    ]
}

fn route() -> impl Strategy<Value = String> {
    (
        prop::collection::vec(segment(), 0..4),
        prop_oneof![3 => Just(""), 2 => Just("/..."), 1 => Just("/")],
    )
        .prop_map(|(segments, end)| format!("/{}{end}", segments.join("/")))
}

fn path() -> impl Strategy<Value = String> {
    (prop::collection::vec(prop_oneof![5 => "[ab]{1,2}", 2 => "[ab]\\.[ab]{1,2}", 1 => Just(String::new()), 1 => "\\.[ab]"], 0..5), any::<bool>())
        .prop_map(|(segments, slash)| format!("/{}{}", segments.join("/"), if slash { "/" } else { "" }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn routing_agrees_with_spins_matcher(routes in prop::collection::vec(route(), 1..8), path in path()) {
        let written: Vec<&str> = routes.iter().map(String::as_str).collect();
        let found = routed(&written, &path);
        let expected = oracle(&routes, &path);
        prop_assert_eq!(found.as_ref().map(|found| found.0), expected.as_ref().map(|found| found.0));
        if let (Some((_, path_info, parameters)), Some((_, wildcard, captured))) = (found, expected) {
            let trimmed = path_info.trim_start_matches('/').trim_end_matches('/').to_owned();
            prop_assert_eq!(trimmed, wildcard.unwrap_or_default().trim_start_matches('/').to_owned());
            prop_assert_eq!(parameters.into_iter().map(|(_, value)| value).collect::<Vec<_>>(), captured);
        }
    }
}
