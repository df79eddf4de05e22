//! From where a provider may call: ranges of addresses.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// An address or a network, `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    network: IpAddr,
    prefix_bits: u32,
}

/// A text is no such range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address or network such as 203.0.113.0/24")]
pub struct AddressError;

impl FromStr for AddressRange {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let network: IpAddr = address.parse().map_err(|_| AddressError)?;
        let width = width_of(network);
        let prefix_bits = match prefix {
            None => width,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| AddressError)?
            }
            Some(_) => return Err(AddressError),
        };
        // Bits behind the prefix would be a range that its writer did not mean.
        if prefix_bits > width || bits_of(network) != masked(bits_of(network), prefix_bits, width) {
            return Err(AddressError);
        }
        Ok(Self {
            network,
            prefix_bits,
        })
    }
}

impl AddressRange {
    /// Whether the address lies in the range. An IPv4 address in IPv6's clothes is an IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (address, network) = (address.to_canonical(), self.network);
        let width = width_of(network);
        width_of(address) == width
            && masked(bits_of(address), self.prefix_bits, width) == bits_of(network)
    }
}

/// The address in a host's header, with or without a port.
pub(super) fn client_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.parse::<SocketAddr>()
        .map(|address| address.ip())
        .or_else(|_| text.parse())
        .ok()
}

const fn width_of(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

fn masked(bits: u128, prefix_bits: u32, width: u32) -> u128 {
    let behind = width - prefix_bits.min(width);
    // A shift by the whole width is not defined, and leaves nothing.
    bits.checked_shr(behind)
        .and_then(|kept| kept.checked_shl(behind))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_their_addresses() {
        let table = [
            ("203.0.113.0/24", "203.0.113.255", true),
            ("203.0.113.0/24", "203.0.114.0", false),
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.8", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "::1", false),
            ("203.0.113.0/24", "::ffff:203.0.113.9", true),
            ("2001:db8::/32", "2001:db8:1::5", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("::/0", "::1", true),
            ("10.0.0.0/31", "10.0.0.1", true),
            ("10.0.0.0/31", "10.0.0.2", false),
        ];
        for (range, address, expected) in table {
            let range: AddressRange = range.parse().unwrap();
            assert_eq!(
                range.contains(address.parse().unwrap()),
                expected,
                "{address}"
            );
        }
        for other in [
            "",
            "localhost",
            "203.0.113.0/33",
            "203.0.113.1/24",
            "203.0.113.0/",
            "203.0.113.0/+8",
            "1/2/3",
        ] {
            assert_eq!(other.parse::<AddressRange>(), Err(AddressError), "{other}");
        }
    }

    #[test]
    fn a_clients_address_is_read_with_its_port() {
        for (text, address) in [
            ("127.0.0.1:53000", "127.0.0.1"),
            ("[::1]:80", "::1"),
            ("203.0.113.7", "203.0.113.7"),
        ] {
            assert_eq!(
                client_address(text),
                Some(address.parse().unwrap()),
                "{text}"
            );
        }
        assert_eq!(client_address("unix:"), None);
    }
}
