//! `allowed_outbound_hosts`: where a component may connect to.
//!
//! Invariant: nothing is allowed that no entry allows; and an address that is not public needs an entry that names the
//! host, the address or its network, so that a wildcard never opens the inside of the network.

use std::net::IpAddr;
use std::ops::Range;

use crate::address::is_public_address;
use crate::component::Component;
use crate::finding::{Finding, Message, Refusal, message};
use crate::variables::Variables;

/// Domain under which the components of an application reach each other.
const CHAINING_DOMAIN: &str = "spin.internal";

/// The resolved entries of one component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    entries: Vec<Entry>,
}

/// How far a component may go to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// No entry allows it.
    Denied,
    /// Only a wildcard allows it: the resolved address must be public.
    PublicOnly,
    /// An entry names the host itself: any resolved address is meant.
    Named,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// `None` means any.
    scheme: Option<String>,
    host: HostPattern,
    ports: PortPattern,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    Any,
    /// With its leading dot.
    Subdomain(String),
    Itself,
    Exact(String),
    Network(Network),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix_bits: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PortPattern {
    Any,
    /// The end does not belong to it, as in Spin.
    Ports(Range<u32>),
}

impl AllowedHosts {
    /// Fills in the variables of a component's entries and parses them.
    pub fn resolve(component: &Component, variables: &Variables) -> Result<Self, Refusal> {
        let mut entries = Vec::new();
        let mut findings = Vec::new();
        for (index, template) in component.allowed_outbound_hosts.iter().enumerate() {
            match variables
                .expand(template)
                .and_then(|text| Entry::parse(&text))
            {
                Ok(entry) => entries.push(entry),
                Err(message) => findings.push(Finding::at(
                    format!("component.{}.allowed_outbound_hosts[{index}]", component.id),
                    message,
                )),
            }
        }
        if findings.is_empty() {
            Ok(Self { entries })
        } else {
            Err(Refusal::new("spin.toml", findings))
        }
    }

    /// Parses entries that hold no variables.
    pub fn parse<'entry>(entries: impl IntoIterator<Item = &'entry str>) -> Result<Self, Message> {
        Ok(Self {
            entries: entries
                .into_iter()
                .map(Entry::parse)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Whether a connection to this scheme, host and port may be made. `host` is a name or an address (IPv6 with or
    /// without brackets), in any case; without a port the scheme's usual one is meant.
    pub fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        self.permission(scheme, host, port) != Permission::Denied
    }

    /// The widest permission that any entry gives; see [`AllowedHosts::allows`] for the arguments.
    pub fn permission(&self, scheme: &str, host: &str, port: Option<u16>) -> Permission {
        let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
        let host = host.strip_suffix('.').unwrap_or(&host);
        self.entries
            .iter()
            .map(|entry| entry.permission(&scheme, host, port))
            .max()
            .unwrap_or(Permission::Denied)
    }

    /// Whether a request to the application itself (a path without a host) may be made.
    pub fn allows_itself(&self, scheme: &str) -> bool {
        self.entries.iter().any(|entry| {
            entry.allows_scheme(scheme)
                && matches!(entry.host, HostPattern::Any | HostPattern::Itself)
        })
    }

    /// Of the addresses that a host resolved to, those that may be connected to. An address inside a network that an
    /// entry names counts as named, also when it came from a name that only a wildcard allows.
    pub fn retain_reachable(
        &self,
        scheme: &str,
        host: &str,
        port: Option<u16>,
        addresses: &[IpAddr],
    ) -> Vec<IpAddr> {
        let permission = self.permission(scheme, host, port);
        let may_reach = |address: &IpAddr| match permission {
            Permission::Denied => false,
            Permission::Named => true,
            Permission::PublicOnly => {
                is_public_address(*address)
                    || self.permission(scheme, &address.to_string(), port) == Permission::Named
            }
        };
        addresses.iter().copied().filter(may_reach).collect()
    }
}

/// The component that a host such as `tariff-simulation.spin.internal` (a port may follow) names.
pub fn chaining_target(host: &str) -> Option<&str> {
    let host = host.trim();
    let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let (component, domain) = host.split_once('.')?;
    domain
        .eq_ignore_ascii_case(CHAINING_DOMAIN)
        .then_some(component)
}

/// The component that an entry such as `http://tariff-simulation.spin.internal` allows to be called.
pub(crate) fn chaining_target_of_entry(entry: &str) -> Option<&str> {
    let (_, authority) = entry.trim().split_once("://")?;
    chaining_target(authority.trim_end_matches('/'))
}

/// Whether an entry without variables is well formed.
pub(crate) fn check_entry(entry: &str) -> Result<(), Message> {
    Entry::parse(entry).map(drop)
}

impl Entry {
    fn parse(text: &str) -> Result<Self, Message> {
        let entry = text.trim();
        if entry == "insecure:allow-all" {
            return Err(message!(
                "`insecure:allow-all` is not supported; `*://*:*` allows everything",
                "不支持 `insecure:allow-all`；`*://*:*` 表示全部允许"
            ));
        }
        let Some((scheme, authority)) = entry.split_once("://") else {
            return Err(message!(
                "`{entry}` has no scheme: write `scheme://host[:port]`, for example `https://example.com`",
                "`{entry}` 缺少协议：应写成 `协议://主机[:端口]`，例如 `https://example.com`"
            ));
        };
        let (host, port) = split_port(authority);
        let port = port.strip_suffix('/').unwrap_or(port);
        if port.contains('/') {
            return Err(message!(
                "`{entry}` has a path; only scheme, host and port are looked at",
                "`{entry}` 带有路径；此处只看协议、主机和端口"
            ));
        }
        let scheme_name = match scheme {
            "*" => None,
            _ if !scheme.is_empty() && scheme.chars().all(char::is_alphabetic) => {
                Some(scheme.to_ascii_lowercase())
            }
            _ => {
                return Err(message!(
                    "`{entry}`: scheme `{scheme}` may only hold letters, or be `*`",
                    "`{entry}`：协议 `{scheme}` 只能由字母组成，或为 `*`"
                ));
            }
        };
        Ok(Self {
            host: HostPattern::parse(host, entry)?,
            ports: PortPattern::parse(port, scheme, entry)?,
            scheme: scheme_name,
        })
    }

    fn allows_scheme(&self, scheme: &str) -> bool {
        self.scheme.as_deref().is_none_or(|own| own == scheme)
    }

    fn permission(&self, scheme: &str, host: &str, port: Option<u16>) -> Permission {
        if !self.allows_scheme(scheme) || !self.ports.allows(port, scheme) {
            Permission::Denied
        } else {
            self.host.permission(host)
        }
    }
}

impl HostPattern {
    fn parse(host: &str, entry: &str) -> Result<Self, Message> {
        let host = host.trim();
        if let Some(network) = Network::parse(host) {
            return Ok(Self::Network(network));
        }
        let host = host.trim_end_matches('/').to_ascii_lowercase();
        if host.contains('/') {
            return Err(message!(
                "`{entry}` has a path; only scheme, host and port are looked at",
                "`{entry}` 带有路径；此处只看协议、主机和端口"
            ));
        }
        let wildcard_fault = || {
            Err(message!(
                "`{entry}`: `*` may only stand for the whole host or as `*.domain`",
                "`{entry}`：`*` 只能代表整个主机，或写成 `*.域名`"
            ))
        };
        match host.as_str() {
            "" => Err(message!("`{entry}` has no host", "`{entry}` 缺少主机")),
            "*" => Ok(Self::Any),
            "self" | "self.alt" => Ok(Self::Itself),
            _ if host.starts_with('{') => Err(message!(
                "`{entry}`: lists in braces are not supported",
                "`{entry}`：不支持花括号列表"
            )),
            _ => match host.strip_prefix("*.") {
                Some(domain) if domain.contains('*') || domain.is_empty() => wildcard_fault(),
                Some(domain) => Ok(Self::Subdomain(format!(".{domain}"))),
                None if host.contains('*') => wildcard_fault(),
                None => Ok(Self::Exact(without_brackets(&host).to_owned())),
            },
        }
    }

    fn permission(&self, host: &str) -> Permission {
        let host = without_brackets(host);
        let (matches, permission) = match self {
            Self::Any => (true, Permission::PublicOnly),
            Self::Subdomain(suffix) => (host.ends_with(suffix.as_str()), Permission::PublicOnly),
            Self::Itself => (false, Permission::Denied),
            Self::Exact(own) => (own == host, Permission::Named),
            Self::Network(network) => (
                host.parse().is_ok_and(|address| network.contains(address)),
                Permission::Named,
            ),
        };
        if matches {
            permission
        } else {
            Permission::Denied
        }
    }
}

impl Network {
    /// `address/bits`; a bare address is a network of one.
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) if !bits.is_empty() => (address, Some(bits)),
            _ => (text.trim_end_matches('/'), None),
        };
        let address: IpAddr = without_brackets(address).parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match bits {
            None => width,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= width)?,
        };
        Some(Self {
            address,
            prefix_bits,
        })
    }

    fn contains(&self, other: IpAddr) -> bool {
        let (mine, theirs, width) = match (self.address, other) {
            (IpAddr::V4(mine), IpAddr::V4(theirs)) => {
                (u128::from(mine.to_bits()), u128::from(theirs.to_bits()), 32)
            }
            (IpAddr::V6(mine), IpAddr::V6(theirs)) => (mine.to_bits(), theirs.to_bits(), 128),
            _ => return false,
        };
        let shift = width - self.prefix_bits;
        (mine ^ theirs).checked_shr(shift).unwrap_or(0) == 0
    }
}

impl PortPattern {
    fn parse(port: &str, scheme: &str, entry: &str) -> Result<Self, Message> {
        let one = |port: u16| Self::Ports(u32::from(port)..u32::from(port) + 1);
        let fault = || {
            message!(
                "`{entry}`: `{port}` is not a port, a range such as `8000..9000`, or `*`",
                "`{entry}`：`{port}` 不是端口、形如 `8000..9000` 的范围或 `*`"
            )
        };
        match (port, port.split_once("..")) {
            ("", _) => usual_port(scheme).map(one).ok_or_else(|| {
                message!(
                    "`{entry}` needs a port: scheme `{scheme}` has no usual one",
                    "`{entry}` 需要端口：协议 `{scheme}` 没有惯用端口"
                )
            }),
            ("*", _) => Ok(Self::Any),
            (_, Some((start, end))) => {
                let (start, end): (u16, u16) =
                    start.parse().ok().zip(end.parse().ok()).ok_or_else(fault)?;
                Ok(Self::Ports(u32::from(start)..u32::from(end)))
            }
            (_, None) => port.parse().map(one).map_err(|_| fault()),
        }
    }

    fn allows(&self, port: Option<u16>, scheme: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Ports(range) => port
                .or_else(|| usual_port(scheme))
                .is_some_and(|port| range.contains(&u32::from(port))),
        }
    }
}

/// Splits off the port; colons inside brackets belong to an IPv6 address.
fn split_port(authority: &str) -> (&str, &str) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    }
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

fn usual_port(scheme: &str) -> Option<u16> {
    match scheme {
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}
