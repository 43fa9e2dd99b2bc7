//! Snapshots that this node puts beside the stream.

use engine::{clock::Millis, codec::Binary as _, id::SaleTag};

use super::node::Node;

impl Node {
    /// Puts a sale as this node knows it beside the stream, when that is due: while the turns go on, for a
    /// large one takes many calls. One at a time.
    pub(super) async fn save(&mut self, tag: SaleTag, at: Millis) {
        if let Some(saving) = self.saving.take_if(|saving| saving.is_finished())
            && let Ok((sale, false)) = saving.await
            && let Some(replica) = self.replicas.get_mut(&sale)
        {
            replica.unsaved.failed(at);
        }
        let (store, point) = (self.store().clone(), self.point(tag));
        let (Some(sale), Some(replica)) = (self.world.sale(tag), self.replicas.get_mut(&tag))
        else {
            return;
        };
        if self.saving.is_some() || !replica.unsaved.is_due(at) {
            return;
        }
        let mut bytes = Vec::with_capacity(replica.unsaved.bytes_before());
        sale.encode(&mut bytes);
        replica.unsaved.saved(bytes.len());
        let epoch = replica.epoch;
        self.saving = Some(tokio::spawn(async move {
            let put = store.put_snapshot(tag, epoch, &point, at, &bytes).await;
            (tag, put.is_ok())
        }));
    }
}
