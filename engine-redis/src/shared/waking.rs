//! Packed archived sales at one node of many.
//!
//! A packed sale has no replica and costs no calls. It gets one when something is asked of it, or when the
//! store says that it moved and has facts that are missing here. What may have been missed is read, a few sales a
//! turn.

use engine::{
    arbiter::Decided,
    clock::Millis,
    command::{Ask, Reply},
    id::SaleTag,
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
        if self.unpacking.remove(&tag) {
            // It was unpacked for what is to be read.
            self.packed.doubt(tag);
        }
    }

    /// The same for what was decided elsewhere; answers whether it is taken out. A large one is unpacked beside the
    /// turns first, and read once more.
    fn wake_beside(&mut self, tag: SaleTag) -> bool {
        if self.world.is_large_packed(tag) {
            self.unpacking.insert(tag);
            return false;
        }
        self.wake(tag);
        true
    }

    /// A large packed sale that is to be unpacked beside the turns.
    pub(super) fn wants_unpacked(&self) -> Option<SaleTag> {
        let is_room_left = !self.world.is_warm_full();
        let mut tags = self.unpacking.iter().copied().filter(|_| is_room_left);
        tags.find(|tag| self.world.is_large_packed(*tag))
    }

    /// Takes a packed sale out for what is asked of it, if that can concern it; otherwise answers.
    pub(super) fn wake_for(&mut self, decided: &mut Decided, tag: SaleTag, asked: &Asked) -> bool {
        let is_step = |ask: &Ask| matches!(ask, Ask::Settle { .. });
        // Notes are of events that wait, and a sale with such events is not packed.
        let concerns = asked.asks.iter().any(|(_, ask)| is_step(ask));
        let is_unpacked = self.world.is_large_packed(tag) && !self.world.is_warm_full();
        let waits = concerns && (self.world.is_packing(tag) || is_unpacked);
        if waits && is_unpacked {
            self.unpacking.insert(tag);
        }
        if concerns && !waits && self.world.thaw(tag, decided.at) {
            self.wake(tag);
            return true;
        }
        for (index, ask) in &asked.asks {
            decided.replies[*index] = if waits {
                Reply::NotYet
            } else if is_step(ask) {
                Reply::Settle(Err(SettleRefusal::Stalled))
            } else {
                no_sale(ask)
            };
        }
        for (index, _) in &asked.notes {
            decided.replies[*index] = Reply::Noted(0);
        }
        false
    }

    /// Reads some of the archived sales of which facts may have been missed.
    pub(super) async fn read_archived(&mut self, decided: &mut Decided) {
        // Those that were taken out for what was missed have to rest first. What is asked needs room too.
        let (is_full, at) = (self.world.is_warm_half_full(), decided.at);
        self.packed.set_full(is_full, at);
        let Self { packed, world, replicas, breakers, store, unpacking, .. } = self;
        unpacking.retain(|tag| world.is_large_packed(*tag));
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
            let is_at_rest = !world.is_packing(tag) && !unpacking.contains(&tag);
            may_stand && !is_away(tag) && is_at_rest && !is_early(tag)
        };
        let (tags, are_left) = packed.next_to_read(|tag| world.is_archived(tag), may_read);
        decided.is_more_due |= are_left;
        for (tag, facts) in self.facts_of(tags).await {
            if self.is_away(tag) {
                continue;
            }
            match facts {
                Ok(facts) if facts.entries.is_empty() => {
                    if facts.lacks_snapshot && !self.lacks_snapshot(tag, decided.at) {
                        continue;
                    }
                    self.has_read_all(tag, decided.at, facts.is_known);
                }
                Ok(facts) => {
                    if !self.wake_beside(tag) {
                        continue;
                    }
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
            let node = self.options.node.clone();
            reading.spawn(async move {
                (tag, store.facts_as(Some(&node), tag, &point, READ_ENTRIES).await)
            });
        }
        reading.join_all().await
    }

    /// The store has no snapshot of an archived sale: one is put, unless somebody is about to. Answers whether the
    /// sale is taken out for that.
    fn lacks_snapshot(&mut self, tag: SaleTag, at: Millis) -> bool {
        if !self.wake_beside(tag) {
            return false;
        }
        if let Some(replica) = self.replicas.get_mut(&tag).filter(|it| it.unsaved.is_settled()) {
            replica.unsaved.doubt_later(at);
        }
        true
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
    fn has_read_all(&mut self, tag: SaleTag, at: Millis, is_known: bool) {
        let is_called = self.world.sale(tag).is_none_or(|sale| self.is_called(sale));
        let mut is_done = true;
        if let Some(replica) = self.replicas.get_mut(&tag) {
            replica.touched = Some(self.now);
            is_done = is_called || !replica.calls.is_lively(at);
            if !is_called {
                replica.calls.called(at);
            }
        } else if is_known {
            self.packed.known.insert(tag);
        } else {
            self.packed.known.remove(&tag);
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
            self.wake_beside(tag);
        } else if *error == StoreError::LibraryMissing {
            // Whatever fails here fails again when the sale is read again.
            drop(self.store().load_library(tag).await);
        }
        self.mend(decided, tag, error).await;
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
