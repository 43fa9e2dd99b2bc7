//! Answers of one kind by their idempotency keys, the oldest of which are forgotten first.

use crate::{
    clock::Millis,
    keyed::{self, Table},
    limits::{REPLAY_TTL_MS, REPLAYS_FORGOTTEN_AT_ONCE},
    record::ReplayKey,
    segmented::Segmented,
};

/// One answered request.
#[derive(Clone, Debug)]
pub(super) struct Kept<T> {
    pub(super) key: u128,
    pub(super) body: u128,
    pub(super) at: Millis,
    pub(super) told: T,
}

/// Answers of one kind.
#[derive(Clone, Debug)]
pub(super) struct Queue<T> {
    /// In the order they came. One whose key was answered again later stays until its time is over,
    /// but is not found any more.
    kept: Segmented<Kept<T>>,
    /// How many are kept at most.
    kept_max: usize,
    /// Answers forgotten so far, modulo 2³²: the serial number of the first of `kept`.
    gone: u32,
    /// Serial numbers by key, of the last answer of each.
    serials: Table<u32>,
}

impl<T> Queue<T> {
    /// An empty queue that keeps at most so many.
    pub(super) fn new(kept_max: usize) -> Self {
        Self { kept: Segmented::default(), kept_max, gone: 0, serials: Table::default() }
    }

    /// Makes room for so many keys in an empty queue at once.
    pub(super) fn reserve(&mut self, count: usize) {
        self.serials = Table::with_capacity(count);
    }

    /// The last answer to a key, while it is not past its time.
    pub(super) fn find(&self, key: u128, at: Millis) -> Option<&Kept<T>> {
        let is = |serial: &u32| self.of(*serial).key == key;
        let kept = self.of(*self.serials.find(keyed::hash(key), is)?);
        (at.since(kept.at) < REPLAY_TTL_MS).then_some(kept)
    }

    /// Keeps an answer. Forgets a few past their time before, or the oldest one at the bound.
    pub(super) fn keep(&mut self, kept: Kept<T>) {
        for _ in 0..REPLAYS_FORGOTTEN_AT_ONCE {
            let Some(first) = self.kept.front() else { break };
            if kept.at.since(first.at) < REPLAY_TTL_MS && self.kept.len() < self.kept_max {
                break;
            }
            self.forget_first();
        }
        self.push(kept);
    }

    /// Forgets all answers that are past their time at `at`.
    pub(super) fn forget_past(&mut self, at: Millis) {
        while self.kept.front().is_some_and(|first| at.since(first.at) >= REPLAY_TTL_MS) {
            self.forget_first();
        }
    }

    /// Keeps an answer behind the others.
    pub(super) fn push(&mut self, kept: Kept<T>) {
        let hash = keyed::hash(kept.key);
        let serial = self.gone.wrapping_add(u32::try_from(self.kept.len()).expect("a bound"));
        self.kept.push(kept);
        let (all, gone) = (&self.kept, self.gone);
        let key_of = |serial: &u32| all[serial.wrapping_sub(gone) as usize].key;
        let key = key_of(&serial);
        let is = |serial: &u32| key_of(serial) == key;
        let hash_of = |serial: &u32| keyed::hash(key_of(serial));
        *self.serials.find_or_insert(hash, is, || serial, hash_of) = serial;
    }

    /// How many are kept.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// All of them, the oldest first.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Kept<T>> {
        self.kept.iter()
    }

    /// The answer with a serial number.
    fn of(&self, serial: u32) -> &Kept<T> {
        &self.kept[serial.wrapping_sub(self.gone) as usize]
    }

    fn forget_first(&mut self) {
        let serial = self.gone;
        if let Some(first) = self.kept.front() {
            self.serials.remove(keyed::hash(first.key), |other| *other == serial);
            self.kept.drop_front();
            self.gone = self.gone.wrapping_add(1);
        }
    }
}

impl<T> Kept<T> {
    pub(super) fn replay(&self) -> ReplayKey {
        ReplayKey { key: self.key, body: self.body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Millis = Millis(REPLAY_TTL_MS);

    fn kept(key: u128, told: u8, at: u64) -> Kept<u8> {
        Kept { key, body: 0, at: Millis(at), told }
    }

    fn told(queue: &Queue<u8>, key: u128, at: Millis) -> Option<u8> {
        queue.find(key, at).map(|kept| kept.told)
    }

    #[test]
    fn a_key_answered_again_has_its_last_answer_until_that_is_past_its_time() {
        let mut queue = Queue::new(9);
        queue.keep(kept(1, 1, 0));
        queue.keep(kept(2, 2, 5));
        queue.keep(kept(1, 3, 7));
        assert_eq!(told(&queue, 1, Millis(7)), Some(3));
        // The first answer's time is over, and with it goes nothing else.
        queue.keep(kept(4, 4, LATER.0));
        assert_eq!((queue.len(), told(&queue, 1, LATER)), (3, Some(3)));
        assert_eq!(
            (told(&queue, 1, LATER.after(6)), told(&queue, 1, LATER.after(7))),
            (Some(3), None)
        );
    }

    #[test]
    fn at_the_bound_the_oldest_goes_and_past_its_time_one_goes_before() {
        let mut queue = Queue::new(3);
        (0..20_u8).for_each(|key| queue.keep(kept(key.into(), key, key.into())));
        let found: Vec<u8> = (0..20).filter_map(|key| told(&queue, key, Millis(20))).collect();
        assert_eq!(found, [17, 18, 19]);
        let mut queue = Queue::new(99);
        (0..20_u8).for_each(|key| queue.keep(kept(key.into(), key, key.into())));
        for key in 20..23_u8 {
            queue.keep(kept(key.into(), key, LATER.after(9).0));
        }
        // Ten were past their time, and each new answer takes four of those with it.
        assert_eq!(
            queue.iter().map(|kept| kept.told).collect::<Vec<_>>(),
            (10..23).collect::<Vec<_>>()
        );
    }
}
