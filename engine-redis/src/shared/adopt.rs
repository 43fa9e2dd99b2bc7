//! Taking a sale over: one that another node made, or one whose stream no longer has what this node
//! missed.

use engine::{
    arbiter::Decided,
    clock::Millis,
    codec::Binary as _,
    id::{Epoch, SaleTag},
    record::{Record, Stood},
    sale::Sale,
    stream::Point,
    world::begins,
};

use super::{Node, replica::Replica};
use crate::store::{Entry, Facts, Snapshot, StoreError};

/// Bytes of a sale in one record of the journal.
const PART_BYTES: usize = 1024 * 1024;

impl Node {
    /// Follows a sale from where its stream begins, or from the snapshot.
    pub(super) async fn adopt(
        &mut self,
        decided: &mut Decided,
        tag: SaleTag,
    ) -> Result<(), StoreError> {
        match self.store().facts(tag, &Point::START, 256).await {
            Ok(facts) if self.world.sale(tag).is_none() => {
                self.meet(decided, tag, facts.epoch);
                let replica = self.found(facts.epoch, decided.at);
                self.replicas.insert(tag, replica);
                self.follow(decided, tag, facts.entries, &[])
            }
            Ok(facts) => {
                let begun = self.begin_again(decided, tag, &facts);
                begun.inspect_err(|error| self.give_up(tag, error))?;
                self.catch_up(decided, tag).await
            }
            Err(StoreError::Trimmed { .. } | StoreError::Diverged { .. }) => {
                let taken = self.take_snapshot(decided, tag).await;
                taken.inspect_err(|error| self.give_up(tag, error))?;
                // In the same batch, so that no reader is shown the line as it was.
                self.catch_up(decided, tag).await
            }
            Err(error) => Err(error),
        }
    }

    /// Takes over a sale whose stream has another beginning than this node's: it was deleted and made
    /// again meanwhile.
    fn begin_again(
        &mut self,
        decided: &mut Decided,
        tag: SaleTag,
        facts: &Facts,
    ) -> Result<(), StoreError> {
        let first = facts.entries.first();
        let Some((Entry { at, point, .. }, [created @ Record::Created { .. }])) =
            first.map(|entry| (entry, entry.records.as_slice()))
        else {
            return Err(StoreError::Reply("a stream that does not begin with a sale"));
        };
        let is_own = created.sale() == tag;
        let sound = if is_own { begins(created) } else { Err("a creation of another sale") };
        sound.map_err(|what| StoreError::Contradiction(point.seq, what))?;
        let sale = Sale::created(created, *at);
        let mut bytes = Vec::new();
        sale.encode(&mut bytes);
        self.meet(decided, tag, facts.epoch);
        self.journal_whole(decided, tag, &bytes, Stood { at: *at, point: *point });
        let replica = self.found(facts.epoch, decided.at);
        self.replicas.insert(tag, replica);
        Ok(())
    }

    async fn take_snapshot(
        &mut self,
        decided: &mut Decided,
        tag: SaleTag,
    ) -> Result<(), StoreError> {
        let (sale, snapshot) = self.sound_snapshot(tag).await?;
        let promised = self.promised_before(tag, &sale);
        let epoch = self.replicas.get(&tag).map_or(Epoch(0), |replica| replica.epoch);
        self.meet(decided, tag, epoch.max(snapshot.point.epoch));
        let stood = Stood { at: snapshot.at, point: snapshot.point };
        self.journal_whole(decided, tag, &snapshot.bytes, stood);
        let mut replica = self.found(snapshot.point.epoch, decided.at);
        replica.promised = promised;
        self.replicas.insert(tag, replica);
        Ok(())
    }

    /// The snapshot of a sale, if the sale could have come about and is of the stream's history.
    async fn sound_snapshot(&self, tag: SaleTag) -> Result<(Sale, Snapshot), StoreError> {
        let Some(snapshot) = self.store().snapshot(tag).await? else {
            return Err(StoreError::Reply("no snapshot yet of a sale whose stream was trimmed"));
        };
        let point = snapshot.point;
        let sale = Sale::restored(&snapshot.bytes, snapshot.at).map_err(StoreError::BadSnapshot)?;
        if sale.tag() != tag {
            return Err(StoreError::BadSnapshot("it is of another sale"));
        }
        let known = self.store().facts(tag, &point, 1).await;
        // Unless the sale was rebuilt meanwhile, and its snapshots gone.
        if matches!(known, Err(StoreError::Diverged { .. }))
            && self.store().snapshot_point(tag).await? == Some(point)
        {
            return Err(StoreError::BadSnapshot("its point is not in the stream"));
        }
        if snapshot.at > known?.at {
            // The store's clock was set back, and will be there soon.
            return Err(StoreError::Reply("a snapshot of a time that is yet to come"));
        }
        Ok((sale, snapshot))
    }

    /// What the store has of a sale is none that this node could serve, if that is what `error` says.
    fn give_up(&mut self, tag: SaleTag, error: &StoreError) {
        if error.is_contradiction() {
            let replica = self.replicas.entry(tag).or_insert_with(|| Replica::at(Epoch(0)));
            replica.put_out_of_service(error);
        }
    }

    /// A sale that this node has just heard of. A node that starts is not ready before it serves what it
    /// finds; later a new sale is joined so soon that it is no reason to send it nobody.
    fn found(&self, epoch: Epoch, at: Millis) -> Replica {
        let mut replica = Replica::at(epoch);
        replica.joining_since = Some(if self.has_served { at } else { Millis(0) });
        replica
    }

    /// Notes, before the facts, that they are of others.
    fn meet(&mut self, decided: &mut Decided, sale: SaleTag, epoch: Epoch) {
        let record = Record::Met { sale, epoch };
        self.world.apply(&record, decided.at);
        decided.records.push(record);
    }

    fn journal_whole(&mut self, decided: &mut Decided, sale: SaleTag, bytes: &[u8], stood: Stood) {
        let parts = bytes.chunks(PART_BYTES);
        let last = parts.len().saturating_sub(1);
        for (index, part) in parts.enumerate() {
            let (is_first, bytes) = (index == 0, part.to_vec());
            let stood = (index == last).then_some(stood);
            let record = Record::Adopted { sale, is_first, bytes, stood };
            self.world.apply(&record, decided.at);
            decided.records.push(record);
        }
        decided.adopted.insert(sale);
        decided.at = decided.at.max(stood.at);
    }
}
