//! The end of a node: it says that it serves no more.

use std::time::Duration;

use engine::{arbiter::Decided, clock::Millis, id::SaleTag};
use tokio::time::timeout;

use super::{
    node::Node,
    replica::{Replica, ReplicaState},
};
use crate::store::{Batch, Decision, NodeNote, Store, StoreError};

/// How long a node that stops tries to say so.
const PARTING: Duration = Duration::from_secs(2);

impl Node {
    /// Tells the store that this node serves no more, and follows that: whoever starts it again has to
    /// know that others may have served since. A node that cannot say so is parted by the others later.
    pub(super) async fn part(&mut self, decided: &mut Decided) {
        let Some(store) = self.store.clone() else { return };
        let following = |replica: &Replica| replica.state == ReplicaState::Following;
        let sales = self.replicas.iter().filter(|(_, replica)| following(replica));
        let sales: Vec<SaleTag> = sales.map(|(sale, _)| *sale).collect();
        let at = decided.at;
        let parting = async {
            for sale in sales {
                if self.is_away(sale) {
                    continue;
                }
                match self.say_parted(&store, at, sale).await {
                    Err(StoreError::Unavailable(_)) => return,
                    // What does not follow is met again at the next start.
                    Ok(decision) => {
                        drop(self.follow(decided, sale, decision.facts.entries, &[]));
                    }
                    Err(_) => {}
                }
            }
            store.close().await;
        };
        drop(timeout(PARTING, parting).await);
    }

    /// Says that this node does not serve a sale any more.
    pub(super) async fn say_parted(
        &self,
        store: &Store,
        at: Millis,
        sale: SaleTag,
    ) -> Result<Decision, StoreError> {
        let Some(replica) = self.replicas.get(&sale) else { return Err(StoreError::UnknownSale) };
        let (name, after) = (&self.options.node, self.point(sale));
        let notes = [NodeNote::Part { node: name, silent_ms: 0 }];
        let batch = Batch {
            sale,
            epoch: replica.epoch,
            after: &after,
            node: name,
            stalled: true,
            notes: &notes,
            asks: &[],
            journaled: &after,
            // As with every call: a wall clock of the store's that leapt moves no sale by all of that.
            now: Some(replica.calls.now_told(at)),
        };
        store.decide(&batch).await
    }
}
