//! Networks in canonical form: an IPv4 network written as an IPv6-mapped one matches IPv4 peers.
//!
//! A dual-stack listener sees an IPv4 peer as `::ffff:192.0.2.1`, a plain one as `192.0.2.1`. Both
//! sides of a comparison are therefore made canonical here, once.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// Bits of an IPv6-mapped address before the IPv4 address begins.
const MAPPED_BITS: u8 = 96;

/// A network of addresses, never an IPv6-mapped one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// The same network with IPv4 addresses written as such.
    fn canonical(network: IpNet) -> Self {
        let mapped = match network {
            IpNet::V6(v6) if v6.prefix_len() >= MAPPED_BITS => v6
                .addr()
                .to_ipv4_mapped()
                .and_then(|v4| Ipv4Net::new(v4, v6.prefix_len() - MAPPED_BITS).ok()),
            IpNet::V4(_) | IpNet::V6(_) => None,
        };
        Self(mapped.map_or(network, IpNet::V4))
    }
}

impl FromStr for Network {
    type Err = ipnet::AddrParseError;

    /// Reads `10.0.0.0/8`, `::1` and their like.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let network = text.parse::<IpNet>();
        let network = network.or_else(|error| {
            text.parse::<IpAddr>().map(IpNet::from).map_err(|_not_an_address| error)
        });
        network.map(Self::canonical)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether any of `networks` has `address`.
pub fn any_contains(networks: &[Network], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.0.contains(&address))
}

/// What stands for one caller or its neighbourhood: the first bits of an address, and how many.
///
/// A household has one IPv4 address, and in IPv6 a whole `/64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    length: u8,
    bits: u128,
}

impl Prefix {
    /// The `/32` or `/64` of an address: one caller.
    pub fn narrow(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self { length: 32, bits: u128::from(v4.to_bits()) },
            IpAddr::V6(v6) => Self { length: 64, bits: v6.to_bits() >> 64 },
        }
    }

    /// The `/24` or `/48` of an address: its neighbourhood.
    pub fn wide(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self { length: 24, bits: u128::from(v4.to_bits() >> 8) },
            IpAddr::V6(v6) => Self { length: 48, bits: v6.to_bits() >> 80 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_network_matches_the_ipv4_peers_it_names() {
        for (written, shown) in [
            ("::ffff:127.0.0.1", "127.0.0.1/32"),
            ("::ffff:127.0.0.0/104", "127.0.0.0/8"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("2001:db8::/32", "2001:db8::/32"),
        ] {
            let network: Network = written.parse().unwrap();
            assert_eq!(network.to_string(), shown, "{written}");
        }
        let networks = ["::ffff:127.0.0.0/104".parse().unwrap()];
        for inside in ["127.9.9.9", "::ffff:127.9.9.9"] {
            assert!(any_contains(&networks, inside.parse().unwrap()), "{inside}");
        }
        for outside in ["128.0.0.1", "::1", "::ffff:128.0.0.1"] {
            assert!(!any_contains(&networks, outside.parse().unwrap()), "{outside}");
        }
        assert!("::ffff:127.0.0.0/129".parse::<Network>().is_err());
    }
}
