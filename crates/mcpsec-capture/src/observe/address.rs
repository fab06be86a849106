//! Socket addresses as programs hand them to the kernel, and which of them lie outside this machine and its networks.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Longest socket address the kernel takes (`struct sockaddr_storage`).
pub(super) const MAX_ADDRESS: usize = 128;

/// A decoded socket address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Target {
    /// `AF_UNSPEC`: take the connection away.
    Unspecified,
    /// An address of the internet protocols, IPv4-mapped ones as IPv4.
    Internet(SocketAddr),
    /// A unix socket with a path as it was given.
    UnixPath(Vec<u8>),
    /// A unix socket with an abstract name, without its leading zero.
    UnixAbstract(Vec<u8>),
    /// A unix socket without a name (automatic binding).
    UnixUnnamed,
    /// The kernel itself.
    Netlink,
    /// Another family, by its number.
    Other(u16),
    /// Too short for its family.
    Malformed,
}

/// Decodes an address. `unspecified_is_v4`: datagrams take `AF_UNSPEC` for IPv4.
pub(super) fn decode(raw: &[u8], unspecified_is_v4: bool) -> Target {
    let Some(family) = raw.first_chunk::<2>().map(|bytes| u16::from_ne_bytes(*bytes)) else { return Target::Malformed };
    let port = || raw.get(2..4).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
    let v4 = || {
        let octets: [u8; 4] = raw.get(4..8)?.try_into().ok()?;
        Some(Target::Internet(SocketAddr::new(Ipv4Addr::from(octets).into(), port()?)))
    };
    let v6 = || {
        let octets: [u8; 16] = raw.get(8..24)?.try_into().ok()?;
        Some(Target::Internet(SocketAddr::new(Ipv6Addr::from(octets).to_canonical(), port()?)))
    };
    match i32::from(family) {
        libc::AF_UNSPEC if unspecified_is_v4 => v4().unwrap_or(Target::Malformed),
        libc::AF_UNSPEC => Target::Unspecified,
        libc::AF_INET => v4().unwrap_or(Target::Malformed),
        libc::AF_INET6 => v6().unwrap_or(Target::Malformed),
        libc::AF_NETLINK => Target::Netlink,
        libc::AF_UNIX => match &raw[2..] {
            [] => Target::UnixUnnamed,
            [0, name @ ..] => Target::UnixAbstract(name.to_vec()),
            path => Target::UnixPath(path.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()),
        },
        _ => Target::Other(family),
    }
}

/// The raw form of an address for a socket of this family (`AF_INET` or `AF_INET6`); IPv4 is mapped where needed.
pub(super) fn encode(address: SocketAddr, family: i32) -> Option<Vec<u8>> {
    let mut raw = Vec::with_capacity(28);
    raw.extend(u16::try_from(family).ok()?.to_ne_bytes());
    raw.extend(address.port().to_be_bytes());
    match (address.ip(), family) {
        (IpAddr::V4(ip), libc::AF_INET) => {
            raw.extend(ip.octets());
            raw.extend([0; 8]);
        }
        (ip, libc::AF_INET6) => {
            let ip = match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                IpAddr::V6(ip) => ip,
            };
            // Flow, address, scope.
            raw.extend([0; 4]);
            raw.extend(ip.octets());
            raw.extend([0; 4]);
        }
        _ => return None,
    }
    Some(raw)
}

/// Whether an address is this machine as a program would reach it: loopback, or the unspecified address, which means it.
pub(super) fn is_here(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified()
}

/// Whether an address is one of the public internet: not of this machine, its link, its private networks or a range that is
/// set aside (RFC 6890 and its registries). A name that answers with anything else points back inside (DNS rebinding).
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let set_aside = a == 0                                  // this network
        || (a == 100 && (64..128).contains(&b))             // carrier-grade NAT, RFC 6598
        || (a == 192 && b == 0 && c == 0)                   // protocol assignments
        || (a == 192 && b == 88 && c == 99)                 // 6to4 relays, deprecated
        || (a == 198 && (18..20).contains(&b))              // benchmarks, and our own names
        || a >= 240; // reserved, broadcast
    !(set_aside
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b) {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) carry an IPv4 address, which is where it goes.
        (0x64, 0xff9b) => (c, d, e, f) == (0, 0, 0, 0) && embedded(g, h),
        (0x2002, _) => embedded(b, c),
        // Teredo, ORCHID, benchmarks and the like: 2001::/23.
        (0x2001, ..0x200) => false,
        (0x2001, 0xdb8) => false,
        (0x3fff, ..0x1000) => false,
        // Only 2000::/3 is given out at all.
        _ => a & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_decoded_and_encoded() {
        let v4: SocketAddr = "192.0.2.7:443".parse().unwrap();
        assert_eq!(decode(&encode(v4, libc::AF_INET).unwrap(), false), Target::Internet(v4));
        // A mapped address is the IPv4 address that it reaches.
        assert_eq!(decode(&encode(v4, libc::AF_INET6).unwrap(), false), Target::Internet(v4));
        let v6: SocketAddr = "[2001:db8::1]:80".parse().unwrap();
        assert_eq!(decode(&encode(v6, libc::AF_INET6).unwrap(), false), Target::Internet(v6));
        assert_eq!(encode(v6, libc::AF_INET), None);
        let mut unspecified = encode(v4, libc::AF_INET).unwrap();
        unspecified[..2].copy_from_slice(&0_u16.to_ne_bytes());
        assert_eq!(decode(&unspecified, true), Target::Internet(v4));
        assert_eq!(decode(&unspecified, false), Target::Unspecified);
    }

    #[test]
    fn short_and_odd_addresses_are_told_apart() {
        let inet = u16::try_from(libc::AF_INET).unwrap().to_ne_bytes();
        let unix = u16::try_from(libc::AF_UNIX).unwrap().to_ne_bytes();
        assert_eq!(decode(&[], false), Target::Malformed);
        assert_eq!(decode(&[1], false), Target::Malformed);
        assert_eq!(decode(&[inet[0], inet[1], 0, 80, 1, 2, 3], false), Target::Malformed);
        assert_eq!(decode(&unix, false), Target::UnixUnnamed);
        assert_eq!(decode(&[&unix[..], b"/run/x\0junk"].concat(), false), Target::UnixPath(b"/run/x".to_vec()));
        assert_eq!(decode(&[&unix[..], b"\0name"].concat(), false), Target::UnixAbstract(b"name".to_vec()));
        assert_eq!(decode(&[17, 0, 9], false), Target::Other(17));
    }

    #[test]
    fn inside_addresses_are_not_public() {
        for ip in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "100::1",
            "3fff::1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "198.20.0.1", "2606:4700::1", "64:ff9b::101:101"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }
}
