//! What may go wrong at several nodes and their store in the middle of a sale.

use std::{fmt, time::Duration};

use clap::ValueEnum;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    /// Nothing does.
    None,
    /// A node is killed and comes back 3 s later on its data.
    KillNode,
    /// The store is killed and comes back 1 s later on its files.
    KillRedis,
    /// The store is killed and comes back 1 s later with nothing in it.
    EmptyRedis,
    /// Everything in the store is deleted.
    Flushall,
    /// The store's place is taken by a replica that lacks the last half second.
    Failover,
    /// The store stands still for 5 s.
    StopRedis,
    /// One node loses its link to the store for 5 s.
    Partition,
    /// Each node in turn is stopped by SIGTERM and started again.
    Rolling,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

impl Fault {
    /// How far one node may be behind another in a run with it: as long as the fault keeps a node from
    /// presence, the quorum's 10 s, and time to catch up on a busy machine.
    pub(super) fn lag_max(self) -> Duration {
        match self {
            Self::None => Duration::from_secs(5),
            Self::KillNode
            | Self::KillRedis
            | Self::EmptyRedis
            | Self::Flushall
            | Self::Failover
            | Self::StopRedis
            | Self::Partition
            | Self::Rolling => Duration::from_secs(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named_as_they_are_asked_for() {
        let names: Vec<String> = Fault::value_variants().iter().map(Fault::to_string).collect();
        assert_eq!(
            names.join(" "),
            "none kill-node kill-redis empty-redis flushall failover stop-redis partition rolling"
        );
    }
}
