//! Packed archived sales at one node of many.
//!
//! A packed sale has no replica and costs no calls. It gets one when something is asked of it, or when the
//! store says that it moved and has facts that are missing here. What may have been missed is read, a few sales a
//! turn. Their names stand on a list of their own.

use std::collections::{BTreeMap, BTreeSet};

use engine::{
    arbiter::Decided,
    clock::Millis,
    command::{Ask, Reply},
    id::{SaleName, SaleTag},
    limits::TICK_MS,
    sale::{Sale, SettleRefusal},
    world::Packed,
};
use tokio::task::JoinSet;

use super::{
    asked::{Asked, no_sale},
    node::Node,
    replica::Replica,
    unsaved::Beginning,
};
use crate::store::{Facts, StoreError};

/// Entries that are read at once of such a sale.
const READ_ENTRIES: u32 = 32;
/// Archived sales that one survey begins to take over.
const TAKEN_OVER_MAX: usize = 64;
/// How often the store is asked how many archived sales are listed.
const COUNT_MS: u64 = 5_000;

impl Node {
    /// Whether an archived sale that stands among the others is to be called as they are: this node serves it, or
    /// somebody has to hand its order events on. Otherwise it is only read.
    pub(super) fn is_called(&self, sale: &Sale) -> bool {
        let is_member = sale.members().has(&self.options.node);
        sale.archive().is_none() || is_member || sale.is_occupied()
    }

    /// Whether a sale is one that is only read.
    pub(super) fn is_only_read(&self, tag: SaleTag) -> bool {
        self.world.sale(tag).is_some_and(|sale| !self.is_called(sale))
    }

    /// Takes an archived sale out of its packing, to be followed like any other.
    pub(super) fn wake(&mut self, tag: SaleTag) {
        let (at, point) = (self.now.at, self.point(tag));
        self.world.unpack(tag, at);
        let Some(sale) = self.world.sale(tag).filter(|_| !self.replicas.contains_key(&tag)) else {
            return;
        };
        let mut replica = Replica::at(point.epoch);
        let is_known = self.packed.known.remove(&tag) && sale.members().has(&self.options.node);
        replica.joining_since = (!is_known).then_some(at);
        replica.unsaved.doubt(point.seq, Beginning::Lost);
        // The others have read it all the time, and not called: they have to hear that it moves.
        replica.roll_called_at = at;
        let before = self.packed.unread.remove(&tag);
        replica.touched = before.unwrap_or(self.packed.in_touch);
        self.replicas.insert(tag, replica);
    }

    /// Takes a packed sale out for what is asked of it, if that can concern it; otherwise answers.
    pub(super) fn wake_for(&mut self, decided: &mut Decided, tag: SaleTag, asked: &Asked) -> bool {
        let is_step = |ask: &Ask| matches!(ask, Ask::Settle { .. });
        let concerns = !asked.notes.is_empty() || asked.asks.iter().any(|(_, ask)| is_step(ask));
        let is_packing = concerns && self.world.is_packing(tag);
        if concerns && !is_packing && self.world.thaw(tag, decided.at) {
            self.wake(tag);
            return true;
        }
        for (index, ask) in &asked.asks {
            decided.replies[*index] = if is_packing {
                Reply::NotYet
            } else if is_step(ask) {
                Reply::Settle(Err(SettleRefusal::Stalled))
            } else {
                no_sale(ask)
            };
        }
        for (index, _) in &asked.notes {
            decided.replies[*index] = if is_packing { Reply::NotYet } else { Reply::Noted(0) };
        }
        false
    }

    /// Reads some of the archived sales of which facts may have been missed.
    pub(super) async fn read_archived(&mut self, decided: &mut Decided) {
        // Those that were taken out for what was missed have to rest first. What is asked needs room too.
        let is_full = self.world.is_warm_half_full();
        let at = decided.at;
        let Self { packed, world, replicas, breakers, store, .. } = self;
        let is_away = |tag: SaleTag| {
            let shard = store.as_ref().map(|store| store.shard(tag)).unwrap_or_default();
            breakers.is_open(&shard)
        };
        let is_early = |tag: SaleTag| {
            let replica = replicas.get(&tag);
            replica.is_some_and(|replica| replica.calls.since(at) < TICK_MS)
        };
        let may_read = |tag: SaleTag| {
            let may_stand = !is_full || replicas.contains_key(&tag);
            may_stand && !is_away(tag) && !world.is_packing(tag) && !is_early(tag)
        };
        let (tags, are_left) = packed.next_to_read(|tag| world.is_archived(tag), may_read);
        decided.is_more_due |= are_left;
        for (tag, facts) in self.facts_of(tags).await {
            if self.is_away(tag) {
                continue;
            }
            match facts {
                Ok(facts) if facts.entries.is_empty() => {
                    if facts.lacks_snapshot {
                        self.lacks_snapshot(tag, decided.at);
                    }
                    self.has_read_all(tag, decided.at);
                }
                Ok(facts) => {
                    self.wake(tag);
                    // Once more, for what follows them.
                    self.packed.doubt(tag);
                    drop(self.follow(decided, tag, facts.entries, &[]));
                }
                Err(error) => {
                    self.not_read(decided, tag, &error).await;
                    if error == StoreError::LibraryMissing {
                        // It is there now, and the others are read once more.
                        return;
                    }
                }
            }
        }
    }

    /// The next facts of some sales, read side by side.
    async fn facts_of(&self, tags: Vec<SaleTag>) -> Vec<(SaleTag, Result<Facts, StoreError>)> {
        let mut reading = JoinSet::new();
        for tag in tags {
            let (store, point) = (self.store().clone(), self.point(tag));
            reading.spawn(async move { (tag, store.facts(tag, &point, READ_ENTRIES).await) });
        }
        reading.join_all().await
    }

    /// The store has no snapshot of an archived sale: one is put, unless somebody is about to.
    fn lacks_snapshot(&mut self, tag: SaleTag, at: Millis) {
        self.wake(tag);
        if let Some(replica) = self.replicas.get_mut(&tag).filter(|it| it.unsaved.is_settled()) {
            replica.unsaved.doubt_later(at);
        }
    }

    /// An archived sale was taken over: what follows its last facts closely, the store does not say.
    pub(super) fn read_for_a_while(&mut self, at: Millis, tag: SaleTag) {
        if !self.is_only_read(tag) {
            return;
        }
        self.world.keep_unpacked(tag, at);
        self.packed.doubt(tag);
        if let Some(replica) = self.replicas.get_mut(&tag) {
            replica.calls.stir(at);
        }
    }

    /// An archived sale has no more facts. For a while the store does not say that more follow the last ones: one
    /// that is not called is read all the time.
    fn has_read_all(&mut self, tag: SaleTag, at: Millis) {
        let is_called = self.world.sale(tag).is_none_or(|sale| self.is_called(sale));
        let mut is_done = true;
        if let Some(replica) = self.replicas.get_mut(&tag) {
            replica.touched = Some(self.now);
            is_done = is_called || !replica.calls.is_lively(at);
            if !is_called {
                replica.calls.called(at);
            }
        }
        if is_done {
            self.packed.unread.remove(&tag);
        }
    }

    /// What it leads to that an archived sale could not be read.
    async fn not_read(&mut self, decided: &mut Decided, tag: SaleTag, error: &StoreError) {
        let is_lost = matches!(
            error,
            StoreError::UnknownSale
                | StoreError::Loading { .. }
                | StoreError::Restarted { .. }
                | StoreError::Diverged { .. }
                | StoreError::Trimmed { .. }
        );
        if is_lost {
            self.wake(tag);
        } else if *error == StoreError::LibraryMissing {
            // Whatever fails here fails again when the sale is read again.
            drop(self.store().load_library(tag).await);
        }
        self.mend(decided, tag, error).await;
    }

    /// Moves the names of archived sales to a list of their own, and finds those on it that others archived.
    pub(super) async fn survey_archived(&mut self, decided: &mut Decided) {
        let own = self.store().shard_of_archived();
        if self.breakers.is_open(&own) {
            return;
        }
        match self.try_survey_archived(decided).await {
            Ok(()) => self.breakers.answered(own, decided.at),
            // The list alone moves to another shard: that hinders no sale of this one.
            Err(StoreError::Elsewhere(_)) => {}
            Err(error) => self.breakers.failed(own, &error),
        }
    }

    async fn try_survey_archived(&mut self, decided: &mut Decided) -> Result<(), StoreError> {
        let moved = self.listed.iter().filter(|(tag, _)| self.world.is_archived(**tag));
        let moved: Vec<SaleName> = moved.map(|(_, name)| name.clone()).collect();
        for name in moved {
            self.store().announce_archived(&name).await?;
        }
        let is_settled = !self.packed.is_list_doubted && self.packed.left == 0;
        if is_settled && decided.at < self.packed.next_count {
            return Ok(());
        }
        self.packed.next_count = decided.at.after(COUNT_MS);
        let count = self.store().count_archived().await?;
        if is_settled && count == self.world.archived_sales() as u64 {
            return Ok(());
        }
        let names = self.store().archived_sales().await?;
        self.packed.is_list_doubted = false;
        let listed: BTreeMap<SaleTag, SaleName> =
            names.into_iter().map(|name| (name.tag(), name)).collect();
        self.list_again(&listed).await?;
        let is_given_up =
            |tag: SaleTag| self.replicas.get(&tag).is_some_and(Replica::is_out_of_service);
        let is_new = |tag: &SaleTag| !self.knows(*tag) && !is_given_up(*tag);
        let new: Vec<SaleTag> = listed.keys().copied().filter(is_new).collect();
        self.packed.left = new.len();
        let may_begin = |tag: &SaleTag| !self.beside.takes(*tag) && !self.is_away(*tag);
        let begun: Vec<SaleTag> = new.into_iter().filter(may_begin).take(TAKEN_OVER_MAX).collect();
        let mut strays = BTreeSet::new();
        for tag in begun {
            match self.adopt(decided, tag).await {
                Ok(()) => {}
                // Who deleted it did not come to take its name off the list, or the store has just lost it.
                Err(StoreError::UnknownSale) => {
                    self.packed.left -= 1;
                    if self.packed.strays.contains(&tag) {
                        // A sale that is made is on the other list. If the store has this one again, the
                        // nodes that know it find that its name is missing, and list it again.
                        self.store().forget_archived(&listed[&tag]).await?;
                    } else {
                        strays.insert(tag);
                    }
                }
                Err(error) => self.note_failure(tag, &error),
            }
        }
        self.packed.strays = strays;
        Ok(())
    }

    /// Puts archived sales on the list that it lacks, unless the store lacks them too: first they are read.
    async fn list_again(&mut self, listed: &BTreeMap<SaleTag, SaleName>) -> Result<(), StoreError> {
        let archived = self.world.archived_tags();
        let missing: BTreeSet<SaleTag> = archived.filter(|tag| !listed.contains_key(tag)).collect();
        for tag in &missing {
            if !self.packed.unlisted.contains(tag) {
                self.packed.doubt(*tag);
            } else if !self.packed.unread.contains_key(tag)
                && self.replicas.get(tag).is_none_or(Replica::is_following)
                && let Some(sale) = self.world.archived_sale(*tag)
            {
                self.store().announce_archived(&sale.spec().name).await?;
            }
        }
        self.packed.unlisted = missing;
        Ok(())
    }

    /// Packs archived sales that nothing concerns any more.
    pub(super) fn freeze(&mut self, at: Millis) -> Vec<Packed> {
        self.keep_unpacked(at);
        let frozen = self.world.freeze(at);
        for packed in &frozen {
            self.let_rest(packed.tag());
        }
        frozen
    }

    /// Gives away a large one, to be packed elsewhere.
    pub(super) fn rest(&mut self, at: Millis) -> Option<Sale> {
        self.keep_unpacked(at);
        let sale = self.world.rest(at)?;
        self.let_rest(sale.tag());
        Some(sale)
    }

    /// What goes on in the stream of an archived sale concerns it too.
    fn keep_unpacked(&mut self, at: Millis) {
        let busy = |tag: SaleTag| {
            let replica = self.replicas.get(&tag).filter(|replica| !replica.may_rest(at))?;
            // One that is only read is read on until nothing follows its last facts.
            let is_read_on = replica.is_following() && replica.calls.is_lively(at);
            Some((tag, is_read_on && self.is_only_read(tag)))
        };
        let busy: Vec<(SaleTag, bool)> = self.world.unpacked_tags().filter_map(busy).collect();
        for (tag, is_read_on) in busy {
            self.world.keep_unpacked(tag, at);
            if is_read_on {
                self.packed.doubt(tag);
            }
        }
    }

    fn let_rest(&mut self, tag: SaleTag) {
        let replica = self.replicas.remove(&tag);
        if replica.as_ref().is_some_and(|replica| replica.joining_since.is_none()) {
            self.packed.known.insert(tag);
        } else {
            self.packed.known.remove(&tag);
        }
        if self.heard.is_none() {
            let touched = replica.and_then(|replica| replica.touched);
            self.packed.unread.insert(tag, touched);
        }
    }
}
