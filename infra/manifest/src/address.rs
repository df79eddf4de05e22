//! Which IP addresses lie on the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is public: neither loopback, private, link-local, shared, reserved, documentation nor multicast,
/// also when it is an IPv4 address dressed as IPv6 (mapped, compatible, NAT64, 6to4). Source: the IANA special-purpose
/// address registries (RFC 6890 and its updates).
///
/// A component that may call "any host" must not reach the cloud's metadata service or the department's own network by
/// a name that resolves there; so such addresses need an entry that names them (see [`crate::Permission::Named`]).
pub fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let reserved = a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !(reserved
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Only 2000::/3 is given out for the public internet; within it lie Teredo and other protocol use (2001::/23),
    // and documentation (2001:db8::/32, 3fff::/20).
    let global = first & 0xe000 == 0x2000;
    let protocols = first == 0x2001 && second < 0x0200;
    let documentation =
        (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second < 0x1000);
    global && !protocols && !documentation
}

fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from_pair = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        // Mapped and compatible; `::` and `::1` come out as 0.0.0.0 and 0.0.0.1, which are not public either.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] => Some(from_pair(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(from_pair(high, low)),
        [0x2002, high, low, ..] => Some(from_pair(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::is_public_address;

    #[test]
    fn special_addresses_are_not_public() {
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.1.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
        ] {
            assert!(!is_public_address(private.parse().unwrap()), "{private}");
        }
        for public in [
            "1.1.1.1",
            "114.114.114.114",
            "172.32.0.1",
            "100.128.0.1",
            "2400:3200::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(is_public_address(public.parse().unwrap()), "{public}");
        }
    }
}
