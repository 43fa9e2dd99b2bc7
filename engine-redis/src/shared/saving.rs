//! Snapshots that this node puts beside the stream, while the turns go on.

use engine::{
    clock::Millis,
    codec::Binary as _,
    id::{Epoch, SaleTag},
    sale::Sale,
    stream::Point,
};
use tokio::task::spawn_blocking;

use super::{
    node::Node,
    unsaved::{Need, Save, Saved},
};
use crate::store::{Store, StoreError};

impl Node {
    /// Puts a sale that this node delivers beside the stream as this node knows it, when that is due.
    pub(super) async fn save(&mut self, tag: SaleTag, at: Millis) {
        self.take_saved(at).await;
        self.begin_saving(tag, at, Some(at));
    }

    /// Puts archived sales that may have no snapshot in the store. They rest only then, so every node does it,
    /// whether it delivers or not; the store drops what another has put already.
    pub(super) async fn save_archived(&mut self, at: Millis) {
        self.take_saved(at).await;
        let waits = |tag: &SaleTag| {
            let replica = self.replicas.get(tag);
            replica.is_some_and(|replica| replica.is_following() && !replica.unsaved.is_settled())
        };
        let waiting: Vec<SaleTag> = self.world.unpacked_tags().filter(waits).collect();
        for tag in waiting {
            if !self.is_away(tag) {
                self.begin_saving(tag, at, None);
            }
        }
    }

    /// Begins what is due of a sale's snapshot. `told` is the time of the store, if a call has just brought it.
    fn begin_saving(&mut self, tag: SaleTag, at: Millis, told: Option<Millis>) {
        let (store, point) = (self.store().clone(), self.point(tag));
        let (Some(sale), Some(replica)) = (self.world.sale(tag), self.replicas.get_mut(&tag))
        else {
            return;
        };
        let is_archived = sale.archive().is_some();
        if !self.saving.has_room(tag, is_archived) {
            return;
        }
        let epoch = replica.epoch;
        let outcome = match replica.unsaved.need(at) {
            Need::Nothing => return,
            Need::Look => {
                tokio::spawn(async move { Saved::Looked(store.snapshot_head(tag).await) })
            }
            Need::Put => {
                // The call that found it due brought no fact, perhaps, and the next fact may be of an earlier
                // time: another node's, whose clock is behind.
                let (sale, at) = (sale.clone(), replica.last_fact_at().or(told));
                let bytes_before = replica.unsaved.bytes_before();
                replica.unsaved.begin();
                tokio::spawn(async move {
                    Saved::Put(put(store, sale, bytes_before, (epoch, point, at)).await)
                })
            }
        };
        self.saving.insert(tag, Save { epoch, is_archived, outcome });
    }

    /// Takes up what came of those that are done.
    async fn take_saved(&mut self, at: Millis) {
        for (tag, Save { epoch, outcome, .. }) in self.saving.take_done() {
            let saved = outcome.await;
            let seq = self.point(tag).seq;
            let Some(replica) = self.replicas.get_mut(&tag) else { continue };
            match saved {
                // Found before the sale was rebuilt: that says nothing of what there is now.
                Ok(Saved::Looked(Ok(_))) if replica.epoch != epoch => {}
                Ok(Saved::Looked(Ok(None))) => replica.unsaved.found_none(),
                Ok(Saved::Looked(Ok(Some(head)))) => {
                    replica.unsaved.found(seq.saturating_sub(head.point.seq), head.bytes_max);
                }
                Ok(Saved::Looked(Err(_))) => replica.unsaved.not_found(at),
                Ok(Saved::Put(Ok(bytes))) => replica.unsaved.saved(bytes),
                Ok(Saved::Put(Err(_))) | Err(_) => replica.unsaved.failed(at),
            }
        }
    }
}

/// Writes a sale's byte form, which of a large one takes long, on a thread of its own, and puts it.
async fn put(
    store: Store,
    sale: Sale,
    bytes_before: usize,
    (epoch, point, at): (Epoch, Point, Option<Millis>),
) -> Result<u64, StoreError> {
    let tag = sale.tag();
    let at = match at {
        Some(at) => at,
        None => store.facts(tag, &point, 1).await?.at,
    };
    let written = spawn_blocking(move || {
        let mut bytes = Vec::with_capacity(bytes_before);
        sale.encode(&mut bytes);
        bytes
    });
    let bytes = written.await.map_err(|_| StoreError::Reply("nothing in time"))?;
    store.put_snapshot(tag, epoch, &point, at, &bytes).await?;
    Ok(bytes.len() as u64)
}
