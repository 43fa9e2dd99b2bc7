//! Where a double listens, and how it behaves.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use base::moment::Clock;

use crate::{Faults, clock::MovedClock};

/// What all doubles are started with.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The URL that browsers reach it by, if it is not where it listens.
    pub public: Option<String>,
    /// What it takes for the time.
    pub clock: Arc<dyn Clock>,
    /// How it misbehaves.
    pub faults: Faults,
}

impl Setting {
    /// A free port of this machine, the system's time and no faults.
    pub fn local() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            public: None,
            clock: Arc::new(MovedClock::default()),
            faults: Faults::none(),
        }
    }
}
