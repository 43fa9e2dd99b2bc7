//! The holds of a sale, by number and by deadline, and what each shopper has of them.
//!
//! Holds that may still matter stay: open ones, and orders, which can be read and refunded for as long
//! as the sale is there. A released or expired hold is forgotten some time after the idempotency keys
//! that name it, or earlier when the book is full. Its number is never given again, and it still
//! counts among the holds its shopper has made.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    clock::Millis,
    codec::{DecodeError, Long, Sink, Source},
    hold::{Hold, HoldState},
    id::{HoldId, ShopperKey},
    keyed::{self, Table},
    limits::{HOLDS_FORGOTTEN_AT_ONCE, HOLDS_MAX, REPLAY_TTL_MS},
    segmented::Segmented,
    stock::Counts,
};

/// The book of holds. Each is shared with the read side and with replies on their way, so that a hold
/// is kept once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holds {
    /// By number, in blocks that grow and shrink apart from each other.
    blocks: Vec<Block>,
    /// How many there are.
    kept: usize,
    /// The last number that was given or skipped.
    last: u64,
    /// Deadlines of those in `Held`.
    deadlines: BTreeSet<(Millis, HoldId)>,
    /// Released and expired ones, with the time they came to be so, in that order.
    ended: Segmented<(Millis, HoldId)>,
    /// Those forgotten at the time of the last batch that forgot any: a reply of it may tell of one.
    /// Follows from the rest, so it has no byte form.
    just_forgotten: (Millis, Vec<Arc<Hold>>),
    /// Everyone who has made a hold.
    shares: Table<Share>,
    /// Holds in `Held` or `Paying`.
    open: usize,
    /// Holds in `Confirmed`.
    orders: usize,
}

/// Numbers of one block.
const BLOCK: u64 = 256;

/// The holds of one block of numbers.
#[derive(Clone, Debug)]
struct Block {
    /// The numbers divided by [`BLOCK`].
    number: u64,
    /// By number, at least one.
    holds: Vec<Arc<Hold>>,
}

/// What one shopper has of a sale.
#[derive(Clone, Debug)]
struct Share {
    shopper: ShopperKey,
    /// Units held, being paid or bought.
    units: u64,
    /// Holds in `Held` or `Paying`.
    open: u32,
    /// Holds made, whatever became of them.
    made: u32,
    /// Those of `made` that were forgotten.
    forgotten: u32,
}

impl Holds {
    /// A hold by its number.
    pub(crate) fn get(&self, id: HoldId) -> Option<&Arc<Hold>> {
        let (block, slot) = self.place(id)?;
        Some(&self.blocks[block].holds[slot])
    }

    /// A hold that is kept, or that was forgotten in the last batch that forgot any.
    pub(crate) fn recall(&self, id: HoldId) -> Option<&Arc<Hold>> {
        self.get(id).or_else(|| self.just_forgotten.1.iter().find(|hold| hold.id == id))
    }

    /// All holds that are kept, by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Hold>> {
        self.blocks.iter().flat_map(|block| &block.holds)
    }

    /// How many are kept.
    pub(crate) fn kept(&self) -> usize {
        self.kept
    }

    /// Released and expired holds that are kept, with the time they came to be so: the next to be
    /// forgotten first.
    pub(crate) fn ended(&self) -> impl ExactSizeIterator<Item = &(Millis, HoldId)> {
        self.ended.iter()
    }

    /// Shoppers some of whose holds were forgotten, and how many.
    pub(crate) fn forgotten(&self) -> Vec<(ShopperKey, u32)> {
        let some = self.shares.iter().filter(|share| share.forgotten > 0);
        let mut all: Vec<_> = some.map(|share| (share.shopper, share.forgotten)).collect();
        // Equal books have one byte form, whatever the order of their tables.
        all.sort_unstable();
        all
    }

    /// Forgets all holds that came to nothing and are past their time at `at`.
    pub(crate) fn forget_past(&mut self, at: Millis) {
        let mut past = Vec::new();
        while let Some((_, id)) =
            self.ended.front().filter(|(ended_at, _)| at.since(*ended_at) >= REPLAY_TTL_MS)
        {
            past.push(*id);
            self.ended.drop_front();
        }
        self.kept -= past.len();
        // By number, as the holds are, so that each is looked at once: there may be millions.
        past.sort_unstable();
        let mut past = past.into_iter().peekable();
        for block in &mut self.blocks {
            block.holds.retain(|hold| past.next_if_eq(&hold.id).is_none());
        }
        self.blocks.retain(|block| !block.holds.is_empty());
    }

    /// Forgets how many holds shoppers made beside those that are kept: no more are made.
    pub(crate) fn forget_who_made_more(&mut self) {
        self.shares = Table::default();
        self.open = 0;
        self.orders = 0;
        self.deadlines = BTreeSet::new();
        self.just_forgotten = (Millis(0), Vec::new());
        for block in 0..self.blocks.len() {
            for slot in 0..self.blocks[block].holds.len() {
                let hold = Arc::clone(&self.blocks[block].holds[slot]);
                self.index(&hold);
            }
        }
    }

    /// The last number that was given or skipped.
    pub(crate) fn last_id(&self) -> HoldId {
        HoldId(self.last)
    }

    /// The number the next hold will have.
    pub(crate) fn next_id(&self) -> HoldId {
        HoldId(self.last + 1)
    }

    /// Whether no more holds can be made: the book is full, and no hold in it can be forgotten at `at`.
    pub(crate) fn is_full(&self, at: Millis) -> bool {
        self.kept >= HOLDS_MAX && self.ended.front().is_none_or(|(ended_at, _)| *ended_at >= at)
    }

    /// Passes so many numbers over: no hold has them.
    pub(crate) fn skip(&mut self, numbers: u64) {
        self.last += numbers;
    }

    /// Units a shopper holds, is paying for or has bought.
    pub(crate) fn taken(&self, shopper: ShopperKey) -> u64 {
        self.share(shopper).map_or(0, |share| share.units)
    }

    /// Holds in `Held` or `Paying`.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// Holds in `Confirmed`: orders that were paid and not refunded.
    pub(crate) fn orders(&self) -> usize {
        self.orders
    }

    /// How many holds of one shopper are in `Held` or `Paying`.
    pub(crate) fn open_of(&self, shopper: ShopperKey) -> u32 {
        self.share(shopper).map_or(0, |share| share.open)
    }

    /// How many holds one shopper has made, whatever became of them.
    pub(crate) fn made_by(&self, shopper: ShopperKey) -> u32 {
        self.share(shopper).map_or(0, |share| share.made)
    }

    /// When the time for paying ends of the hold for which it ends first.
    pub(crate) fn next_due(&self) -> Option<Millis> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Holds whose time for paying is over at `at`, earliest first.
    pub(crate) fn due(&self, at: Millis) -> impl Iterator<Item = HoldId> {
        self.deadlines.range(..=(at, HoldId(u64::MAX))).map(|(_, id)| *id)
    }

    /// Adds the next hold, made at `at`, and forgets a few that ended long before.
    pub(crate) fn add(&mut self, hold: Arc<Hold>, at: Millis) {
        assert_eq!(hold.id, self.next_id(), "hold numbers follow each other");
        assert_eq!(hold.state, HoldState::Held, "a hold begins held");
        self.make_room(at, HOLDS_MAX);
        self.last = hold.id.0;
        self.push(hold);
    }

    /// Moves a hold to another state at `at` and returns it.
    pub(crate) fn set(&mut self, id: HoldId, state: HoldState, at: Millis) -> &Arc<Hold> {
        let (block, slot) = self.place(id).expect("it was made");
        let hold = Arc::make_mut(&mut self.blocks[block].holds[slot]);
        let was = std::mem::replace(&mut hold.state, state);
        let (expires_at, shopper, units) = (hold.expires_at, hold.shopper, hold.units());
        if was == HoldState::Held {
            self.deadlines.remove(&(expires_at, id));
        }
        if is_ended(state) {
            self.ended.push((at, id));
        }
        let closes = is_open(was) && !is_open(state);
        self.open -= usize::from(closes);
        self.orders -= usize::from(was == HoldState::Confirmed);
        self.orders += usize::from(state == HoldState::Confirmed);
        if counts(was) {
            let hash = keyed::hash(shopper.0);
            let mine = |share: &Share| share.shopper == shopper;
            let share = self.shares.find_mut(hash, mine).expect("a hold is in a share");
            share.open -= u32::from(closes);
            if !counts(state) {
                share.units -= units;
            }
        }
        &self.blocks[block].holds[slot]
    }

    /// Forgets ended holds past their time, a few at a time; and one before its time where `kept_max`
    /// are kept. One that ended at `at` itself stays: it is still being told of.
    fn make_room(&mut self, at: Millis, kept_max: usize) {
        for _ in 0..HOLDS_FORGOTTEN_AT_ONCE {
            let Some((ended_at, id)) = self.ended.front().copied() else { return };
            let is_due = at.since(ended_at) >= REPLAY_TTL_MS;
            if !is_due && (self.kept < kept_max || ended_at >= at) {
                return;
            }
            self.ended.drop_front();
            let hold = self.forget(id);
            if self.just_forgotten.0 != at {
                self.just_forgotten = (at, Vec::new());
            }
            self.just_forgotten.1.push(hold);
        }
    }

    fn forget(&mut self, id: HoldId) -> Arc<Hold> {
        let (block, slot) = self.place(id).expect("an ended hold is kept until it is forgotten");
        let hold = self.blocks[block].holds.remove(slot);
        if self.blocks[block].holds.is_empty() {
            self.blocks.remove(block);
        }
        self.kept -= 1;
        let mine = |share: &Share| share.shopper == hold.shopper;
        let share = self.shares.find_mut(keyed::hash(hold.shopper.0), mine);
        share.expect("a hold is in a share").forgotten += 1;
        hold
    }

    /// The block of a hold, and its place in it.
    fn place(&self, id: HoldId) -> Option<(usize, usize)> {
        let number = id.0 / BLOCK;
        let newest = self.blocks.len().checked_sub(1)?;
        let block = if self.blocks[newest].number == number {
            newest
        } else {
            self.blocks.binary_search_by_key(&number, |block| block.number).ok()?
        };
        let holds = &self.blocks[block].holds;
        // There, unless numbers before it were skipped or forgotten.
        let dense = usize::try_from(id.0.checked_sub(holds[0].id.0)?).ok()?;
        if holds.get(dense).is_some_and(|hold| hold.id == id) {
            return Some((block, dense));
        }
        Some((block, holds.binary_search_by_key(&id, |hold| hold.id).ok()?))
    }

    fn share(&self, shopper: ShopperKey) -> Option<&Share> {
        self.shares.find(keyed::hash(shopper.0), |share| share.shopper == shopper)
    }

    /// Puts a hold behind the others.
    fn push(&mut self, hold: Arc<Hold>) {
        self.index(&hold);
        self.kept += 1;
        let number = hold.id.0 / BLOCK;
        match self.blocks.last_mut() {
            Some(block) if block.number == number => block.holds.push(hold),
            _ => self.blocks.push(Block { number, holds: vec![hold] }),
        }
    }

    fn index(&mut self, hold: &Hold) {
        if hold.state == HoldState::Held {
            self.deadlines.insert((hold.expires_at, hold.id));
        }
        self.open += usize::from(is_open(hold.state));
        self.orders += usize::from(hold.state == HoldState::Confirmed);
        let open = u32::from(is_open(hold.state));
        let units = if counts(hold.state) { hold.units() } else { 0 };
        let share = self.share_or_new(hold.shopper);
        share.units += units;
        share.open += open;
        share.made += 1;
    }

    fn share_or_new(&mut self, shopper: ShopperKey) -> &mut Share {
        let (hash, mine) = (keyed::hash(shopper.0), |share: &Share| share.shopper == shopper);
        let new = || Share { shopper, units: 0, open: 0, made: 0, forgotten: 0 };
        self.shares.find_or_insert(hash, mine, new, |share| keyed::hash(share.shopper.0))
    }
}

/// Whether a hold may still become an order.
const fn is_open(state: HoldState) -> bool {
    matches!(state, HoldState::Held | HoldState::Paying)
}

/// Whether a hold came to nothing, so that it can be forgotten some time later.
pub(crate) const fn is_ended(state: HoldState) -> bool {
    matches!(state, HoldState::Released | HoldState::Expired)
}

/// The pile a hold's units lie on while it is in `state`.
pub(super) fn pile(counts: &mut Counts, state: HoldState) -> &mut u64 {
    match state {
        HoldState::Held => &mut counts.held,
        HoldState::Paying => &mut counts.paying,
        HoldState::Confirmed => &mut counts.sold,
        HoldState::Released | HoldState::Expired | HoldState::Refunded => &mut counts.available,
    }
}

/// Whether a hold's units count against the limit per shopper; those of an open one do.
pub(super) const fn counts(state: HoldState) -> bool {
    is_open(state) || matches!(state, HoldState::Confirmed)
}

impl Long for Holds {
    fn write(&self, out: &mut impl Sink) {
        out.put(&self.last);
        out.put(&(self.kept as u64));
        self.iter().for_each(|hold| out.put(hold));
        out.put(&(self.ended.len() as u64));
        for (at, id) in self.ended.iter() {
            out.put(at);
            out.put(id);
        }
        let forgotten = self.forgotten();
        out.put(&(forgotten.len() as u64));
        for (shopper, count) in forgotten {
            out.put(&shopper);
            out.put(&count);
        }
    }

    fn read(input: &mut impl Source) -> Result<Self, DecodeError> {
        let mut holds = Self { last: input.get()?, ..Self::default() };
        let mut before = HoldId(0);
        for _ in 0..input.get_count()? {
            let hold: Arc<Hold> = input.get()?;
            if hold.id <= before || hold.id > holds.last_id() {
                return Err(DecodeError("holds out of their order"));
            }
            before = hold.id;
            holds.push(hold);
        }
        for _ in 0..input.get_count()? {
            let (at, id): (Millis, HoldId) = (input.get()?, input.get()?);
            if !holds.get(id).is_some_and(|hold| is_ended(hold.state)) {
                return Err(DecodeError("an ended hold that is not kept"));
            }
            holds.ended.push((at, id));
        }
        for _ in 0..input.get_count()? {
            let (shopper, count): (ShopperKey, u32) = (input.get()?, input.get()?);
            let share = holds.share_or_new(shopper);
            let made = share.made.checked_add(count).filter(|_| share.forgotten == 0);
            share.made = made.ok_or(DecodeError("forgotten holds of a shopper"))?;
            share.forgotten = count;
        }
        Ok(holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Number;

    fn hold(id: u64) -> Arc<Hold> {
        let (shopper, state, items) = (ShopperKey(1), HoldState::Held, [].into_iter().collect());
        let (created_at, expires_at) = (Millis(1), Millis(2));
        let (id, number) = (HoldId(id), Number(1));
        Arc::new(Hold { id, number, shopper, state, items, created_at, expires_at })
    }

    fn read_back(holds: &Holds) -> Holds {
        let mut bytes = Vec::new();
        holds.write(&mut bytes);
        Holds::read(&mut bytes.as_slice()).unwrap()
    }

    fn ids(holds: &Holds) -> Vec<u64> {
        holds.iter().map(|hold| hold.id.0).collect()
    }

    #[test]
    fn a_hold_is_found_by_its_number_whatever_was_skipped_and_a_skipped_one_is_nobodys() {
        let mut holds = Holds::default();
        for skipped in [0, 7, 300] {
            holds.skip(skipped);
            for _ in 0..3 {
                holds.add(hold(holds.next_id().0), Millis(1));
            }
        }
        holds.skip(5);
        let mut read = read_back(&holds);
        assert_eq!(read.next_id(), HoldId(322));
        let given = [1, 2, 3, 11, 12, 13, 314, 315, 316];
        assert_eq!(ids(&read), given);
        for id in 0..700 {
            let found = read.get(HoldId(id)).map(|hold| hold.id.0);
            assert_eq!(found, given.contains(&id).then_some(id));
        }
        assert_eq!(read.set(HoldId(12), HoldState::Released, Millis(1)).id, HoldId(12));
    }

    /// Holds 1 to 6 of one shopper: 2 is an order, 4 expired first, then 1 and 3 were released.
    fn settled() -> Holds {
        let mut holds = Holds::default();
        (1..=6).for_each(|id| holds.add(hold(id), Millis(1)));
        holds.set(HoldId(2), HoldState::Confirmed, Millis(2));
        holds.set(HoldId(4), HoldState::Expired, Millis(3));
        holds.set(HoldId(1), HoldState::Released, Millis(4));
        holds.set(HoldId(3), HoldState::Released, Millis(4));
        holds
    }

    #[test]
    fn all_that_is_past_its_time_is_forgotten_at_once_in_whatever_order_it_ended() {
        let mut holds = Holds::default();
        (1..=3 * BLOCK).for_each(|id| holds.add(hold(id), Millis(1)));
        // All of the second block, the last first; of the others every third.
        let is_past = |id: u64| id / BLOCK == 1 || id.is_multiple_of(3);
        for id in (1..=3 * BLOCK).rev().filter(|id| is_past(*id)) {
            holds.set(HoldId(id), HoldState::Released, Millis(2));
        }
        holds.set(HoldId(1), HoldState::Expired, Millis(3));
        holds.forget_past(Millis(REPLAY_TTL_MS).after(2));
        let kept: Vec<u64> = (1..=3 * BLOCK).filter(|id| !is_past(*id)).collect();
        assert_eq!((ids(&holds), holds.kept()), (kept.clone(), kept.len()));
        assert_eq!(holds.ended().collect::<Vec<_>>(), [&(Millis(3), HoldId(1))]);
        assert_eq!(ids(&read_back(&holds)), kept);
        assert!(holds.get(HoldId(BLOCK)).is_none() && holds.get(HoldId(1)).is_some());
    }

    #[test]
    fn what_came_to_nothing_is_forgotten_after_its_keys_and_still_counts_as_made() {
        let mut holds = settled();
        let day = Millis(REPLAY_TTL_MS);
        holds.add(hold(7), day.after(2));
        assert_eq!(ids(&holds), [1, 2, 3, 4, 5, 6, 7], "a key of 4 may still be asked");
        holds.add(hold(8), day.after(3));
        assert_eq!(ids(&holds), [1, 2, 3, 5, 6, 7, 8]);
        holds = read_back(&holds);
        holds.add(hold(9), day.after(4));
        assert_eq!(ids(&holds), [2, 5, 6, 7, 8, 9], "orders and open ones stay");
        assert_eq!(holds.made_by(ShopperKey(1)), 9);
        assert_eq!(holds.forgotten(), [(ShopperKey(1), 3)]);
        assert_eq!((holds.get(HoldId(3)), holds.next_id()), (None, HoldId(10)));
        let (mut once, mut again) = (Vec::new(), Vec::new());
        holds.write(&mut once);
        read_back(&holds).write(&mut again);
        assert_eq!(once, again);
    }

    #[test]
    fn a_full_book_forgets_what_ended_first_and_nothing_else() {
        let mut holds = settled();
        holds.make_room(Millis(4), 6);
        assert_eq!(ids(&holds), [1, 2, 3, 5, 6], "4 ended first");
        holds.make_room(Millis(4), 5);
        assert_eq!(ids(&holds), [1, 2, 3, 5, 6], "1 ended just now");
        holds.make_room(Millis(5), 1);
        assert_eq!(ids(&holds), [2, 5, 6], "an order and open holds");
        holds.make_room(Millis(6), 1);
        assert_eq!(ids(&holds), [2, 5, 6]);
    }
}
