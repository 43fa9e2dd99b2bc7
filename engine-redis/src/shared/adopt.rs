//! Taking a sale over: one that another node made, or one whose stream no longer has what this node
//! missed.

use engine::{
    arbiter::Decided,
    codec::Binary as _,
    id::{Epoch, SaleTag},
    record::{Record, Stood},
    sale::Sale,
    stream::Point,
    world::begins,
};

use super::{beside::Part, node::Node, replica::Replica};
use crate::store::{Entry, Facts, Snapshot, StoreError};

/// Parts of sales that are being taken over which one turn journals.
const PARTS_MAX: usize = 16;

impl Node {
    /// Follows a sale from where its stream begins, or begins to take it over from the snapshot.
    pub(super) async fn adopt(
        &mut self,
        decided: &mut Decided,
        tag: SaleTag,
    ) -> Result<(), StoreError> {
        match self.store().facts(tag, &Point::START, 256).await {
            Ok(facts) if self.world.sale(tag).is_none() => {
                self.meet(decided, tag, facts.epoch);
                let mut replica = self.found(facts.epoch, decided.at);
                if facts.entries.len() == 1 {
                    // It is new, and begins at its nodes' time, however far the store's clock is from that.
                    replica.calls.miss_leap();
                }
                self.replicas.insert(tag, replica);
                self.follow(decided, tag, facts.entries, &[])
            }
            Ok(facts) => {
                let begun = self.begin_again(decided, tag, &facts);
                begun.inspect_err(|error| self.give_up(tag, error))?;
                self.catch_up(decided, tag).await.map(drop)
            }
            Err(StoreError::Trimmed { .. } | StoreError::Diverged { .. }) => {
                self.begin_fetching(tag);
                Ok(())
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
        let stood = Some(Stood { at: *at, point: *point });
        let record = Record::Adopted { sale: tag, is_first: true, bytes, stood };
        self.world.apply(&record, decided.at);
        decided.records.push(record);
        decided.adopted.insert(tag);
        self.filings.filed(tag);
        decided.at = decided.at.max(*at);
        let replica = self.found(facts.epoch, decided.at);
        self.replicas.insert(tag, replica);
        Ok(())
    }

    /// Begins to take a sale over from its snapshot.
    fn begin_fetching(&mut self, tag: SaleTag) {
        if self.beside.takes(tag) {
            return;
        }
        if let Some(replica) = self.replicas.get_mut(&tag) {
            replica.set_beside("this node takes over what the others have");
        }
        let store = self.store().clone();
        self.beside.fetch(store, tag);
    }

    pub(super) fn fetched(&mut self, tag: SaleTag, (snapshot, sale): (Snapshot, Sale)) {
        if self.replicas.get(&tag).is_some_and(Replica::is_following) {
            // Another of its name, by now.
            return;
        }
        let promised = self.promised_before(tag, &sale);
        self.beside.take_over(tag, snapshot, promised);
    }

    /// Journals the next parts of what was fetched. With its last part a sale is followed from there.
    pub(super) async fn take_over(&mut self, decided: &mut Decided) {
        for _ in 0..PARTS_MAX {
            let Some(part) = self.beside.next_part() else { return };
            let Part { sale: tag, is_first, bytes, stood, is_last, promised } = part;
            if is_first {
                let epoch = self.replicas.get(&tag).map_or(Epoch(0), |replica| replica.epoch);
                self.meet(decided, tag, epoch.max(stood.point.epoch));
            }
            let record =
                Record::Adopted { sale: tag, is_first, bytes, stood: is_last.then_some(stood) };
            self.world.apply(&record, decided.at);
            decided.records.push(record);
            if is_last {
                decided.adopted.insert(tag);
                // Whatever file of it was to be written, it is emptied, or has another history.
                self.filings.filed(tag);
                decided.at = decided.at.max(stood.at);
                let mut replica = self.found(stood.point.epoch, decided.at);
                replica.promised = promised;
                self.replicas.insert(tag, replica);
                // In the same batch, so that no reader is shown the line as it was.
                if let Err(error) = self.catch_up(decided, tag).await {
                    self.gave_up(decided.at, tag, &error);
                }
                self.read_for_a_while(decided.at, tag);
            }
        }
    }
}
