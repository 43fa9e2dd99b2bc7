//! The section of what one caller may do.

use web::limiter::LimiterOptions;
use web::networks::Network;

use super::kinds::{Text, Whole};
use super::section::section;

use crate::server::PeerCaps;

section! {
    /// What one caller may do.
    Limits = "limits" {
        /// entries of one address (/32, /64) in the long run; 0: no limit.
        /// Four times as many of a /24 or /48: [limits](#limits-on-one-address)
        entries_per_second: Whole<0, 1_000_000> = Whole::of(200),
        /// entries at once after a pause
        // A carrier's whole town may come from one address.
        entries_burst: Whole<1, 10_000_000> = Whole::of(60_000),
        /// event streams of one ticket; one more ends the oldest.
        /// At one node; with two tabs, a third one and the first take turns
        streams_per_ticket: Whole<1, 64> = Whole::of(2),
        /// open connections of one address, half of them for event streams; 0: no cap.
        /// See [connections](#connections)
        connections_per_peer: Whole<0, 1_000_000> = Whole::of(4_096),
        /// connections that one address may open each second; 0: no limit.
        /// Four seconds' worth at once
        connects_per_second: Whole<0, 1_000_000> = Whole::of(2_000),
        /// addresses or networks that are not limited
        exempt ("[\"192.0.2.0/24\"]"): Vec<Text<Network>> = Vec::new(),
    }
}

impl Limits {
    /// How often one may enter.
    pub fn entries(&self) -> LimiterOptions {
        LimiterOptions {
            entries_per_second: self.entries_per_second.as_u32(),
            entries_burst: self.entries_burst.as_u32(),
            exempt: self.exempt(),
        }
    }

    /// What one peer's connections may be.
    pub fn peers(&self) -> PeerCaps {
        PeerCaps {
            connections_max: self.connections_per_peer.as_usize(),
            connects_per_second: self.connects_per_second.as_u32(),
            exempt: self.exempt(),
        }
    }

    /// Networks that are not limited.
    pub fn exempt(&self) -> Vec<Network> {
        self.exempt.iter().map(|network| network.0).collect()
    }
}
