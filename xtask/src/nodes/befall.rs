//! What is done to several nodes and their store in the middle of a sale.
//!
//! Owns how each fault is done and undone: when one has been done, every program runs again, and what
//! has been lost is for the nodes to make good.

use std::{io, thread, time::Duration};

use super::{cluster::Cluster, fault::Fault};
use crate::failure::Failure;

/// A killed node stays away so long: the others go on meanwhile.
const NODE_AWAY: Duration = Duration::from_secs(3);
/// A killed store.
const STORE_AWAY: Duration = Duration::from_secs(1);
/// How long a stopped store says nothing, and a node that is cut off hears nothing.
const SILENCE: Duration = Duration::from_secs(5);
/// What a failover loses: writes of so long, before the old primary dies.
const LOST: Duration = Duration::from_millis(500);

/// Does it, and undoes what must be undone.
pub(super) fn befall(fault: Fault, cluster: &mut Cluster) -> Result<(), Failure> {
    let store = |done: io::Result<()>| {
        done.map_err(|source| Failure::NotStarted { call: "redis-server".to_owned(), source })
    };
    match fault {
        Fault::None => Ok(()),
        Fault::KillNode => {
            let last = cluster.nodes.last_mut().ok_or_else(none)?;
            last.kill()?;
            thread::sleep(NODE_AWAY);
            last.start()
        }
        Fault::KillRedis => {
            store(cluster.store.kill())?;
            thread::sleep(STORE_AWAY);
            store(cluster.store.start_again())
        }
        Fault::EmptyRedis => {
            store(cluster.store.kill())?;
            thread::sleep(STORE_AWAY);
            store(cluster.store.start_empty())
        }
        Fault::Flushall => store(cluster.store.flush()),
        Fault::Failover => store(cluster.store.fail_over(LOST)),
        Fault::StopRedis => {
            store(cluster.store.freeze())?;
            thread::sleep(SILENCE);
            store(cluster.store.thaw())
        }
        Fault::Partition => {
            let link = cluster.link.as_ref().ok_or_else(none)?;
            let cut = |done: io::Result<()>| {
                done.map_err(|error| Failure::Nodes { what: format!("the link: {error}") })
            };
            cut(link.cut())?;
            thread::sleep(SILENCE);
            cut(link.mend())
        }
        Fault::Rolling => cluster.nodes.iter_mut().try_for_each(|node| {
            node.stop()?;
            node.start()?;
            node.wait_ready()
        }),
    }
}

fn none() -> Failure {
    Failure::Nodes { what: "there is nothing to do that to".to_owned() }
}
