//! The return of a node that was missing when the others rebuilt the store.
//!
//! Since then units are stranded that it may have sold. It says what it had promised, from its own
//! journal, and what no node can have promised is for sale again. Who does not know all that it had
//! acknowledged, for its disk was lost or it died before it could say so, says nothing: then an operator
//! decides.

use engine::{arbiter::Decided, command::Terms, id::SaleTag, record::Author, sale::Sale};

use super::{node::Node, replica::ReplicaState};

impl Node {
    /// Says of each sale where this node is missed what it had done.
    pub(super) async fn say_returned(&mut self, decided: &mut Decided) {
        for tag in self.missed() {
            let Some(promised) = self.promised(tag).filter(|_| !self.is_away(tag)) else {
                continue;
            };
            let node = &self.options.node;
            let sale = self.world.sale(tag);
            let Some(change) = sale.and_then(|sale| sale.returned(node, promised)) else {
                continue;
            };
            let author = Author { name: format!("node {}", node.as_str()) };
            // What fails is said again in the next turn.
            if let Err(error) =
                self.change(decided, tag, (&author, &change), &Terms::default()).await
            {
                self.note_failure(tag, &error);
            }
        }
    }

    /// The sales in which this node is missed, of those it follows. In the others, what it said once is not
    /// said again of another absence.
    fn missed(&mut self) -> Vec<SaleTag> {
        let (world, node) = (&self.world, &self.options.node);
        let is_missed = |sale: &Sale| sale.members().missed_since(node).is_some();
        let mut missed = Vec::new();
        for (tag, replica) in &mut self.replicas {
            if !world.sale(*tag).is_some_and(is_missed) {
                replica.promised = None;
            } else if replica.state == ReplicaState::Following {
                missed.push(*tag);
            }
        }
        missed
    }

    /// What this node promised and `adopted`, the sale as the others have it, does not know of, with what it
    /// could not say yet of another time. `None` when it is not missed, or does not know.
    pub(super) fn promised_before(&self, tag: SaleTag, adopted: &Sale) -> Option<Vec<u64>> {
        // Another of the same name shares nothing with this one.
        let before = self.world.sale(tag).filter(|before| before.epoch() == adopted.epoch())?;
        let since = adopted.members().missed_since(&self.options.node)?;
        let unsaid = self.replicas.get(&tag).and_then(|replica| replica.promised.as_ref());
        if unsaid.is_none() && !self.world.knows_since_before(tag, since) {
            return None;
        }
        if !before.members().nodes().all(|node| adopted.members().has_known(node)) {
            // It joined in the history that was left behind: no one waits for what it promised.
            return None;
        }
        let mut promised = adopted.promised_only_by(before);
        for (units, more) in promised.iter_mut().zip(unsaid.into_iter().flatten()) {
            *units = units.saturating_add(*more);
        }
        Some(promised)
    }

    /// Units of each offer that this node promised and no other node knows of; `None` when it is not missed,
    /// or does not know.
    fn promised(&self, tag: SaleTag) -> Option<Vec<u64>> {
        let (sale, replica) = (self.world.sale(tag)?, self.replicas.get(&tag)?);
        let epoch = sale.members().missed_since(&self.options.node)?;
        // The others knew all of it, as this node has followed them since without a break.
        let nothing =
            || self.world.knows_since_before(tag, epoch).then(|| vec![0; sale.counts().len()]);
        replica.promised.clone().or_else(nothing)
    }
}
