//! What is done to several nodes and their store in the middle of a sale.
//!
//! Owns the faults and how each is undone: when one has been done, every program runs again, and what
//! has been lost is for the nodes to make good.

use std::{fmt, io, thread, time::Duration};

use clap::ValueEnum;

use super::cluster::Cluster;
use crate::failure::Failure;

/// A killed node stays away so long: the others go on meanwhile.
const NODE_AWAY: Duration = Duration::from_secs(3);
/// A killed store.
const STORE_AWAY: Duration = Duration::from_secs(1);
/// How long a stopped store says nothing, and a node that is cut off hears nothing.
const SILENCE: Duration = Duration::from_secs(5);
/// What a failover loses: writes of so long, before the old primary dies.
const LOST: Duration = Duration::from_millis(500);

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

    /// Does it, and undoes what must be undone.
    pub(super) fn befall(self, cluster: &mut Cluster) -> Result<(), Failure> {
        let store = |done: io::Result<()>| {
            done.map_err(|source| Failure::NotStarted { call: "redis-server".to_owned(), source })
        };
        match self {
            Self::None => Ok(()),
            Self::KillNode => {
                let last = cluster.nodes.last_mut().ok_or_else(none)?;
                last.kill()?;
                thread::sleep(NODE_AWAY);
                last.start()
            }
            Self::KillRedis => {
                store(cluster.store.kill())?;
                thread::sleep(STORE_AWAY);
                store(cluster.store.start_again())
            }
            Self::EmptyRedis => {
                store(cluster.store.kill())?;
                thread::sleep(STORE_AWAY);
                store(cluster.store.start_empty())
            }
            Self::Flushall => store(cluster.store.flush()),
            Self::Failover => store(cluster.store.fail_over(LOST)),
            Self::StopRedis => {
                store(cluster.store.freeze())?;
                thread::sleep(SILENCE);
                store(cluster.store.thaw())
            }
            Self::Partition => {
                let link = cluster.link.as_ref().ok_or_else(none)?;
                let cut = |done: io::Result<()>| {
                    done.map_err(|error| Failure::Nodes { what: format!("the link: {error}") })
                };
                cut(link.cut())?;
                thread::sleep(SILENCE);
                cut(link.mend())
            }
            Self::Rolling => cluster.nodes.iter_mut().try_for_each(|node| {
                node.stop()?;
                node.start()?;
                node.wait_ready()
            }),
        }
    }
}

fn none() -> Failure {
    Failure::Nodes { what: "there is nothing to do that to".to_owned() }
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
