//! Whom this machine may talk to: hosts that the operator named, at public addresses unless named for private ones.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::PullError;
use crate::config::PullThrough;

/// A host and the port that is meant where none is written.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Named {
    host: String,
    port: Option<u16>,
}

impl Named {
    /// `HOST` or `HOST:PORT`, also `[::1]:PORT`.
    fn parse(text: &str) -> Option<Self> {
        let url: Url = format!("none://{text}").parse().ok()?;
        let host = Host::parse(url.host_str()?).ok()?;
        Some(Self { host: host.to_string(), port: url.port() })
    }

    fn is(&self, host: &str, port: u16, default: bool) -> bool {
        self.host == host && self.port.map_or(default, |own| own == port)
    }
}

/// The hosts of a configuration.
#[derive(Clone, Debug)]
pub(super) struct Hosts {
    allowed: Vec<Named>,
    private: Vec<Named>,
}

impl Hosts {
    pub(super) fn new(config: &PullThrough) -> Self {
        let upstreams = config.npm.iter().chain(&config.pypi).filter_map(|url| {
            let url = url.expose();
            Some(Named { host: url.host()?.to_string(), port: url.port_or_known_default() })
        });
        let named = |all: &[String]| -> Vec<Named> { all.iter().filter_map(|text| Named::parse(text)).collect() };
        Self { allowed: upstreams.chain(named(&config.hosts)).collect(), private: named(&config.private_hosts) }
    }

    /// Refuses an address before anybody is asked for it.
    pub(super) fn check(&self, url: &Url) -> Result<(), PullError> {
        let refuse = |why| Err(PullError::Address(shown(url), why));
        if !matches!(url.scheme(), "https" | "http") {
            return refuse("it is neither https nor http");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("it has a user or a password");
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return refuse("it has no host");
        };
        let name = host.to_string();
        let default = url.port().is_none();
        if !self.allowed.iter().any(|allowed| allowed.is(&name, port, default)) {
            return refuse("its host is not among those of [pull-through]");
        }
        let private = self.may_be_private(&name);
        if url.scheme() == "http" && !private {
            return refuse("it is not https");
        }
        let address = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
        };
        if address.is_some_and(|address| !private && !is_public(address)) {
            return refuse("it is a private address");
        }
        Ok(())
    }

    /// Whether a host, by name, may have private addresses.
    pub(super) fn may_be_private(&self, host: &str) -> bool {
        self.private.iter().any(|named| named.host == host)
    }
}

/// An address without what may be secret.
pub(super) fn shown(url: &Url) -> String {
    mcpsec_model::url::SafeUrl::from(url.clone()).to_string()
}

/// Whether an address is one of the public internet: not of this machine, its network, a cloud's metadata service, or a tunnel to such.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

/// IANA's registry of special-purpose IPv4 addresses, and multicast.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || a == 10
        || a == 127
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 168)
        || (a == 192 && b == 0 && matches!(c, 0 | 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && matches!(b, 18 | 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113);
    !special
}

/// Global unicast (2000::/3) without what IANA took out of it for other ends, and without addresses that hold an IPv4 address.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Below 2001:200::: protocol assignments, Teredo, benchmarks, ORCHID; 2001:db8:: and 3fff:: are for documentation.
    let special = (a == 0x2001 && (b < 0x0200 || b == 0x0db8)) || (a == 0x3fff && b < 0x1000) || a == 0x2002; // 6to4
    (a & 0xe000) == 0x2000 && !special
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pull::allowing;

    #[test]
    fn private_addresses_are_known_in_every_form() {
        for text in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "3fff::1",
            "100::1",
        ] {
            assert!(!is_public(text.parse().expect(text)), "{text}");
        }
        for text in [
            "1.1.1.1",
            "100.63.0.1",
            "172.32.0.1",
            "192.0.3.1",
            "223.255.255.1",
            "2606:4700::1",
            "2a00::1",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_public(text.parse().expect(text)), "{text}");
        }
    }

    #[test]
    fn only_named_hosts_are_asked() {
        let hosts = Hosts::new(&allowing(
            "https://npm.example.test/",
            &["files.example.test", "alt.example.test:8443", "127.0.0.1", "10.9.8.7:80"],
            &["10.9.8.7"],
        ));
        let why = |text: &str| hosts.check(&text.parse().expect(text)).err().map(|error| error.to_string());
        for good in [
            "https://npm.example.test/x/-/x-1.tgz",
            "https://NPM.example.test:443/x",
            "https://files.example.test/a",
            "https://alt.example.test:8443/a",
            "http://10.9.8.7/a",
        ] {
            assert_eq!(why(good), None, "{good}");
        }
        for (bad, because) in [
            ("https://169.254.169.254/latest/meta-data", "not among those"),
            ("https://other.example.test/", "not among those"),
            ("https://npm.example.test.evil.invalid/", "not among those"),
            ("https://npm.example.test:8443/", "not among those"),
            ("https://files.example.test:22/", "not among those"),
            ("https://alt.example.test/", "not among those"),
            ("https://localhost/", "not among those"),
            ("http://npm.example.test/", "not among those"),
            ("https://[::1]/", "not among those"),
            ("https://127.0.0.1/", "private address"),
            ("https://2130706433/", "private address"),
            ("https://0x7f.1/", "private address"),
            ("http://127.0.0.1/", "not https"),
            ("https://user@npm.example.test/", "a user"),
            ("https://:word@npm.example.test/", "a user"),
            ("https://npm.example.test@evil.invalid/", "a user"),
            ("file:///etc/passwd", "neither https"),
            ("ftp://npm.example.test/", "neither https"),
            ("data:text/plain,x", "neither https"),
        ] {
            let said = why(bad).unwrap_or_else(|| panic!("{bad} is allowed"));
            assert!(said.contains(because), "{bad}: {said}");
            assert!(!said.contains("word@"), "{said}");
        }
    }
}
