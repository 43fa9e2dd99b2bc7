//! From a batch's facts, durable by now, to what handlers see.

use std::{collections::BTreeSet, sync::Arc};

use super::Scribe;
use crate::{
    arbiter::Decided,
    by_sale::BySale,
    clock::Millis,
    id::SaleTag,
    publisher::Publisher,
    record::Record,
    registry::{Changes, Registry},
    view::SaleView,
};

impl Scribe {
    /// The sales among a batch's facts that get another view, of the sale as the whole batch left it: taken
    /// over from other nodes, archived, or unpacked from the archive.
    pub(super) fn renewed(
        &self,
        records: &[Record],
        adopted: BTreeSet<SaleTag>,
    ) -> BTreeSet<SaleTag> {
        let world = self.arbiter.world();
        let is_unpacked = |record: &Record| {
            let tag = record.sale();
            world.has_warm() && world.is_archived(tag) && !self.publishers.has(tag)
        };
        let is_renewed = |record: &&Record| record.is_archival() || is_unpacked(record);
        let mut renewed = adopted;
        renewed.extend(records.iter().filter(is_renewed).map(Record::sale));
        renewed
    }

    pub(super) fn publish(&mut self, records: &[Record], at: Millis, renewed: &BTreeSet<SaleTag>) {
        let world = self.arbiter.world();
        let (mut sales_changed, mut letters) = (false, Changes::new());
        let (mut decided_at, known_letters) = (at, self.registry.dead_letters());
        for record in records {
            decided_at = record.decided_at().unwrap_or(decided_at);
            let tag = record.sale();
            letters.extend(self.outlet.note(record, world.sale(tag), &known_letters));
            self.figures.touch(tag);
            if let Record::Created { spec, .. } = record {
                sales_changed = true;
                // Gone again when it was deleted within its own batch.
                if let Some(sale) = world.sale(tag) {
                    self.publishers.insert(tag, Publisher::fresh(sale, spec, decided_at));
                }
            } else if record.is_deletion() {
                sales_changed = true;
                self.publishers.remove(tag);
                self.registry.archived().forget(tag);
                self.outlet.forget(tag);
            } else if !renewed.contains(&tag)
                && let Some(publisher) = self.publishers.get_mut(tag)
                && let Some(sale) = world.sale(tag)
            {
                publisher.publish(record, sale, decided_at);
            }
        }
        for sale in renewed.iter().filter_map(|tag| world.sale(*tag)) {
            sales_changed = true;
            if sale.archive().is_none() {
                // Another history of a sale that was archived here has it open.
                self.registry.archived().forget(sale.tag());
            }
            self.publishers.insert(sale.tag(), Publisher::recovered(sale, at));
            if self.arbiter.peers().is_some() {
                self.outlet.start_over(sale.tag());
            }
        }
        for tag in self.figures.publish(&mut self.publishers, world, at) {
            if let Some(publisher) = self.publishers.get(tag) {
                self.idle_sweep.note(tag, publisher.view().line(), at);
            }
        }
        // Before anything is offered again: the pipeline tells a requeued event from a stale offer by
        // this list. With other sales, all of it is made again.
        if sales_changed {
            self.registry.replace_dead_letters(self.outlet.dead_letters(world));
        } else {
            self.registry.change_dead_letters(letters);
        }
        if sales_changed {
            Self::show(&self.registry, &self.publishers);
        }
    }

    /// Takes the units of holds that no permit here was given for. A sale taken over in this batch is
    /// shown as the whole batch left it.
    pub(super) fn take_units(&mut self, decided: &Decided, renewed: &BTreeSet<SaleTag>) {
        for index in &decided.others_holds {
            let Record::Held { sale, items, replay, .. } = &decided.records[*index] else {
                unreachable!("an index of a hold");
            };
            let publisher = self.publishers.get_mut(*sale).filter(|_| !renewed.contains(sale));
            if let Some(publisher) = publisher {
                let items = items.iter().map(|item| (item.offer, item.quantity));
                publisher.take_unpermitted(items, *replay, decided.at);
            }
        }
    }

    /// Shows the views of sales where handlers find them, those of archived ones apart.
    pub(super) fn show(registry: &Registry, publishers: &BySale<Publisher>) {
        let views = || publishers.values().map(Publisher::view);
        let is_live = |view: &&Arc<SaleView>| view.archive().is_none();
        views().filter(|view| !is_live(view)).for_each(|view| registry.archived().set_view(view));
        registry.replace(views().filter(is_live).map(Arc::clone));
    }
}
