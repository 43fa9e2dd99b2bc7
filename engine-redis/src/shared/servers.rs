//! Whether the servers are there that packed archived sales are on.
//!
//! Such a sale is not called, so in a cluster nothing else may be asked of its server. Without a cluster the list of
//! all sales is on the only server, and is read all the time.

use std::collections::BTreeSet;

use engine::clock::Millis;
use tokio::task::JoinSet;

use super::node::Node;
use crate::store::Shard;

impl Node {
    /// The servers of a cluster, while any of them may have packed sales.
    pub(super) fn shards_of_packed(&self) -> BTreeSet<Shard> {
        let store = self.store();
        let are_any = store.is_cluster() && self.world.archived_sales() > 0;
        if are_any { store.shards() } else { BTreeSet::new() }
    }

    /// Asks all of them at once. The only server has answered.
    pub(super) async fn look_for_servers(&mut self, at: Millis) {
        let (mut asking, mut are_there) = (JoinSet::new(), true);
        for shard in self.shards_of_packed() {
            if self.breakers.is_open(&shard) {
                are_there = false;
                continue;
            }
            let store = self.store().clone();
            asking.spawn(async move {
                let answer = store.is_as_before(&shard).await;
                (shard, answer)
            });
        }
        for (shard, answer) in asking.join_all().await {
            are_there &= matches!(answer, Ok(true));
            match answer {
                Ok(_) => self.breakers.answered(shard, at),
                Err(error) => self.breakers.failed(shard, &error),
            }
        }
        self.packed.set_servers_there(are_there, &self.world);
        if are_there && self.heard.is_some() {
            self.packed.set_in_touch(self.now);
        }
    }
}
