//! Snapshots that this node puts beside the stream, one at a time and while the turns go on.

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
    unsaved::{Need, Saved},
};
use crate::store::{Store, StoreError};

impl Node {
    /// Puts a sale as this node knows it beside the stream, when that is due.
    pub(super) async fn save(&mut self, tag: SaleTag, at: Millis) {
        self.take_saved(at).await;
        let (store, point) = (self.store().clone(), self.point(tag));
        let (Some(sale), Some(replica)) = (self.world.sale(tag), self.replicas.get_mut(&tag))
        else {
            return;
        };
        if self.saving.is_some() {
            return;
        }
        let epoch = replica.epoch;
        self.saving = match replica.unsaved.need(at) {
            Need::Nothing => None,
            Need::Look => Some(tokio::spawn(async move {
                (tag, epoch, Saved::Looked(store.snapshot_head(tag).await))
            })),
            Need::Put => {
                // The call that found it due brought no fact, perhaps, and the next fact may be of an earlier
                // time: another node's, whose clock is behind.
                let (sale, at) = (sale.clone(), replica.last_fact_at().unwrap_or(at));
                let bytes_before = replica.unsaved.bytes_before();
                replica.unsaved.begin();
                Some(tokio::spawn(async move {
                    (
                        tag,
                        epoch,
                        Saved::Put(put(store, sale, bytes_before, (epoch, point, at)).await),
                    )
                }))
            }
        };
    }

    /// Takes up what came of the last one.
    async fn take_saved(&mut self, at: Millis) {
        let Some(saving) = self.saving.take_if(|saving| saving.is_finished()) else { return };
        let Ok((tag, epoch, saved)) = saving.await else { return };
        let seq = self.point(tag).seq;
        let Some(replica) = self.replicas.get_mut(&tag) else { return };
        match saved {
            // Found before the sale was rebuilt: that says nothing of what there is now.
            Saved::Looked(Ok(_)) if replica.epoch != epoch => {}
            Saved::Looked(Ok(None)) => replica.unsaved.found_none(),
            Saved::Looked(Ok(Some(head))) => {
                replica.unsaved.found(seq.saturating_sub(head.point.seq), head.bytes_max);
            }
            Saved::Looked(Err(_)) => replica.unsaved.not_found(at),
            Saved::Put(Ok(bytes)) => replica.unsaved.saved(bytes),
            Saved::Put(Err(_)) => replica.unsaved.failed(at),
        }
    }
}

/// Writes a sale's byte form, which of a large one takes long, on a thread of its own, and puts it.
async fn put(
    store: Store,
    sale: Sale,
    bytes_before: usize,
    (epoch, point, at): (Epoch, Point, Millis),
) -> Result<u64, StoreError> {
    let tag = sale.tag();
    let written = spawn_blocking(move || {
        let mut bytes = Vec::with_capacity(bytes_before);
        sale.encode(&mut bytes);
        bytes
    });
    let bytes = written.await.map_err(|_| StoreError::Reply("nothing in time"))?;
    store.put_snapshot(tag, epoch, &point, at, &bytes).await?;
    Ok(bytes.len() as u64)
}
