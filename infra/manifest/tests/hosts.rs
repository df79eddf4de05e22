//! Which connections `allowed_outbound_hosts` allows.

use std::net::IpAddr;

use chudian_manifest::{AllowedHosts, Permission, chaining_target};

#[test]
fn entries_allow_what_they_say() {
    // entry, scheme, host, port, permission
    let table = [
        (
            "https://example.com",
            "https",
            "example.com",
            None,
            Permission::Named,
        ),
        (
            "https://example.com",
            "https",
            "EXAMPLE.com.",
            Some(443),
            Permission::Named,
        ),
        (
            "https://example.com",
            "https",
            "example.com",
            Some(8443),
            Permission::Denied,
        ),
        (
            "https://example.com",
            "http",
            "example.com",
            None,
            Permission::Denied,
        ),
        (
            "https://example.com",
            "https",
            "example.com.evil.net",
            None,
            Permission::Denied,
        ),
        (
            "https://example.com/",
            "https",
            "example.com",
            None,
            Permission::Named,
        ),
        (
            "https://*.example.com",
            "https",
            "a.b.example.com",
            None,
            Permission::PublicOnly,
        ),
        (
            "https://*.example.com",
            "https",
            "example.com",
            None,
            Permission::Denied,
        ),
        (
            "https://*.example.com",
            "https",
            "badexample.com",
            None,
            Permission::Denied,
        ),
        (
            "*://*:*",
            "postgres",
            "anything",
            Some(1),
            Permission::PublicOnly,
        ),
        ("http://*", "http", "anything", None, Permission::PublicOnly),
        ("http://*", "http", "anything", Some(81), Permission::Denied),
        (
            "http://x:8000..9000",
            "http",
            "x",
            Some(8000),
            Permission::Named,
        ),
        (
            "http://x:8000..9000",
            "http",
            "x",
            Some(9000),
            Permission::Denied,
        ),
        (
            "*://10.0.0.0/8:*",
            "tcp",
            "10.200.3.4",
            Some(9),
            Permission::Named,
        ),
        (
            "*://10.0.0.0/8:*",
            "tcp",
            "11.0.0.1",
            Some(9),
            Permission::Denied,
        ),
        (
            "*://10.0.0.0/8:*",
            "tcp",
            "name.example",
            Some(9),
            Permission::Denied,
        ),
        (
            "*://0.0.0.0/0:*",
            "tcp",
            "203.0.113.7",
            Some(9),
            Permission::Named,
        ),
        (
            "http://[::1]:80",
            "http",
            "::1",
            Some(80),
            Permission::Named,
        ),
        (
            "http://[::1]:80",
            "http",
            "[::1]",
            Some(80),
            Permission::Named,
        ),
        (
            "*://[fd00::]/8:80",
            "http",
            "fd12::7",
            Some(80),
            Permission::Named,
        ),
        (
            "*://fd00::/8:80",
            "http",
            "[fd12::7]",
            Some(80),
            Permission::Named,
        ),
        ("http://self", "http", "self", None, Permission::Denied),
        (
            "postgres://localhost",
            "postgres",
            "localhost",
            None,
            Permission::Named,
        ),
        (
            "redis://localhost",
            "redis",
            "localhost",
            Some(6379),
            Permission::Named,
        ),
        ("http://{x}", "http", "x", None, Permission::Denied),
    ];
    for (entry, scheme, host, port, expected) in table {
        let found = AllowedHosts::parse([entry]).map_or(Permission::Denied, |hosts| {
            hosts.permission(scheme, host, port)
        });
        assert_eq!(found, expected, "{entry} for {scheme}://{host}:{port:?}");
    }
}

#[test]
fn broken_entries_are_refused() {
    for entry in [
        "",
        "*",
        "example.com",
        "localhost:80",
        "https://",
        "https://x/y",
        "https://x:80/y",
        "https://x:80x",
        "https://a*b",
        "https://*.*.b",
        "ht+tp://x",
        "tcp://x",
        "insecure:allow-all",
        "https://x:1..y",
        "https://x:99999",
        "://x",
        "https://*.",
    ] {
        assert!(AllowedHosts::parse([entry]).is_err(), "{entry}");
    }
}

/// Goal: a wildcard never opens the inside of the network, whatever a name resolves to.
#[test]
fn resolved_addresses_are_looked_at() {
    let addresses: Vec<IpAddr> = [
        "169.254.169.254",
        "10.0.0.5",
        "::ffff:127.0.0.1",
        "93.184.215.14",
    ]
    .map(|text| text.parse().unwrap())
    .into();
    let reachable = |entries: &[&str]| -> Vec<String> {
        let hosts = AllowedHosts::parse(entries.iter().copied()).unwrap();
        hosts
            .retain_reachable("https", "name.example", None, &addresses)
            .iter()
            .map(IpAddr::to_string)
            .collect()
    };
    assert_eq!(reachable(&["https://*"]), ["93.184.215.14"]);
    assert_eq!(reachable(&["https://*.example"]), ["93.184.215.14"]);
    assert_eq!(
        reachable(&["https://*", "https://10.0.0.0/8"]),
        ["10.0.0.5", "93.184.215.14"]
    );
    assert_eq!(reachable(&["https://name.example"]).len(), 4);
    assert!(reachable(&["https://other.example"]).is_empty());
}

#[test]
fn chaining_names_a_component() {
    assert_eq!(
        chaining_target("tariff-simulation.spin.internal"),
        Some("tariff-simulation")
    );
    assert_eq!(chaining_target("a.spin.internal:80"), Some("a"));
    assert_eq!(chaining_target("A.SPIN.INTERNAL"), Some("A"));
    for other in [
        "spin.internal",
        "a.b.spin.internal",
        "a.spin.internal.evil.net",
        "spin.internal.a",
        "",
    ] {
        assert_eq!(chaining_target(other), None, "{other}");
    }
    let hosts = AllowedHosts::parse(["http://self"]).unwrap();
    assert!(hosts.allows_itself("http") && !hosts.allows_itself("https"));
}
