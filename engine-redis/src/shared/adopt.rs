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
use crate::store::{Entry, Facts, StoreError};

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
                let replica = self.found(facts.epoch, decided.at);
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
        decided.at = decided.at.max(*at);
        let replica = self.found(facts.epoch, decided.at);
        self.replicas.insert(tag, replica);
        Ok(())
    }

    /// What the store has of a sale is none that this node could serve, if that is what `error` says.
    pub(super) fn give_up(&mut self, tag: SaleTag, error: &StoreError) {
        if error.is_contradiction() {
            let replica = self.replicas.entry(tag).or_insert_with(|| Replica::at(Epoch(0)));
            replica.put_out_of_service(error);
        }
    }

    /// A sale that this node has just heard of. A node that starts is not ready before it serves what it
    /// finds; later a new sale is joined so soon that it is no reason to send it nobody.
    pub(super) fn found(&self, epoch: Epoch, at: Millis) -> Replica {
        let mut replica = Replica::at(epoch);
        // Nothing of it was journaled before this turn.
        replica.begin_following(self.turn, Point::START);
        replica.joining_since = Some(if self.has_served { at } else { Millis(0) });
        replica
    }

    /// Notes, before the facts, that they are of others.
    pub(super) fn meet(&mut self, decided: &mut Decided, sale: SaleTag, epoch: Epoch) {
        let record = Record::Met { sale, epoch };
        self.world.apply(&record, decided.at);
        decided.records.push(record);
    }
}
