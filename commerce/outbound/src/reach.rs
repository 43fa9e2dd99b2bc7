//! Which addresses may be called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses a target may have. A URL that a stranger had a say in must not lead to what only
/// this machine can reach: a cloud's metadata service, a database, the operators' own listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Addresses of the public internet.
    Public,
    /// Any. For servers that the operator named, which may well stand next door.
    Anywhere,
}

impl Reach {
    /// Whether this address may be connected to.
    pub fn allows(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::Anywhere, _) => true,
            (Self::Public, IpAddr::V4(address)) => is_public_v4(address),
            (Self::Public, IpAddr::V6(address)) => is_public_v6(address),
        }
    }
}

/// By the IANA registry of special-purpose addresses.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && b & 0xc0 == 64;
    let is_of_protocols = (a, b, c) == (192, 0, 0);
    let is_old_relay = (a, b, c) == (192, 88, 99);
    let is_benchmark = a == 198 && b & 0xfe == 18;
    let is_reserved = a == 0 || a >= 240;
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || is_shared
        || is_of_protocols
        || is_old_relay
        || is_benchmark
        || is_reserved)
}

/// Global unicast is `2000::/3`. Some of it, and some outside it, stands for an IPv4 address, which
/// decides then.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // Mapped; translated by the well-known prefix (RFC 6052); 6to4 (RFC 3056).
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => v4(high, low),
        [first, second, ..] => {
            // Teredo among them (2001::/23).
            let is_of_protocols = first == 0x2001 && second < 0x200;
            let is_documentation =
                (first == 0x2001 && second == 0xdb8) || (first == 0x3fff && second < 0x1000);
            first & 0xe000 == 0x2000 && !is_of_protocols && !is_documentation
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_this_machine_or_network_can_reach_is_not_public() {
        for address in [
            "127.0.0.1",
            "10.0.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.8",
            "192.0.2.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::1",
        ] {
            let address = address.parse().unwrap();
            assert!(!Reach::Public.allows(address), "{address}");
            assert!(Reach::Anywhere.allows(address), "{address}");
        }
        for address in [
            "1.1.1.1",
            "100.128.0.1",
            "198.20.0.1",
            "::ffff:8.8.8.8",
            "2606:4700::1111",
            "2002:808:808::",
        ] {
            let address = address.parse().unwrap();
            assert!(Reach::Public.allows(address), "{address}");
        }
    }
}
