//! The list of dead letters that handlers read: a new list shares with the last what did not change.
//!
//! While a sink refuses everything, each batch adds letters to a list that may already have tens of
//! thousands, each with a text. So the list is in chunks, and a change copies only those it touches.

use std::{collections::BTreeMap, ops::Index, sync::Arc};

use crate::{
    clock::Millis,
    id::{Epoch, EventId, HoldId, SaleName, SinkName},
};

/// Letters of one chunk at most: of 65,536 letters a change copies one chunk of these and the list of as
/// many chunks.
const CHUNK: usize = 256;

/// An order event that a sink refused for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Whose order.
    pub sale: SaleName,
    /// The event.
    pub event: EventId,
    /// Who refused it.
    pub sink: SinkName,
    /// When it was decided.
    pub at: Millis,
    /// The sale's epoch.
    pub epoch: Epoch,
    /// Which hold.
    pub hold: HoldId,
    /// What the sink said.
    pub why: String,
}

impl DeadLetter {
    fn key(&self) -> (&SaleName, EventId, SinkName) {
        (&self.sale, self.event, self.sink)
    }
}

/// Dead letters by sale, number and sink. A clone costs as much as a list of the chunks.
#[derive(Clone, Debug, Default)]
pub struct DeadLetters {
    /// None of them empty.
    chunks: Vec<Arc<Vec<DeadLetter>>>,
}

/// What became of events, by sale, number and sink: a letter, or nothing where there is no letter any more.
pub(crate) type Changes = BTreeMap<(SaleName, EventId, SinkName), Option<DeadLetter>>;

impl DeadLetters {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// All of them, by sale, number and sink.
    pub fn iter(&self) -> impl Iterator<Item = &DeadLetter> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// Whether an event of a sale is among a sink's.
    pub fn has(&self, sale: &SaleName, event: EventId, sink: SinkName) -> bool {
        let key = (sale, event, sink);
        let behind = self.chunks.partition_point(|chunk| chunk[0].key() <= key);
        let chunk = behind.checked_sub(1).map(|index| &self.chunks[index]);
        chunk.is_some_and(|chunk| chunk.binary_search_by(|letter| letter.key().cmp(&key)).is_ok())
    }

    /// Those of one sale.
    pub(crate) fn of_sale(&self, sale: &SaleName) -> impl Iterator<Item = &DeadLetter> {
        let first = self.chunks.partition_point(|chunk| chunk[0].sale < *sale).saturating_sub(1);
        let letters = self.chunks[first.min(self.chunks.len())..].iter().flat_map(|it| it.iter());
        let from = letters.skip_while(|letter| letter.sale < *sale);
        from.take_while(|letter| letter.sale == *sale)
    }

    /// The list after some changes.
    pub(crate) fn with(&self, changes: Changes) -> Self {
        let mut after = Self { chunks: Vec::with_capacity(self.chunks.len() + 1) };
        let mut changes = changes.into_iter().peekable();
        for (index, chunk) in self.chunks.iter().enumerate() {
            let next = self.chunks.get(index + 1).map(|next| next[0].key());
            let is_own = |key: &(SaleName, EventId, SinkName)| {
                next.is_none_or(|next| (&key.0, key.1, key.2) < next)
            };
            if changes.peek().is_none_or(|(key, _)| !is_own(key)) {
                after.chunks.push(Arc::clone(chunk));
                continue;
            }
            let key = |letter: &DeadLetter| (letter.sale.clone(), letter.event, letter.sink);
            let kept = chunk.iter().map(|letter| (key(letter), Some(letter.clone())));
            let mut letters: Changes = kept.collect();
            while let Some((key, letter)) = changes.next_if(|(key, _)| is_own(key)) {
                letters.insert(key, letter);
            }
            after.add(letters.into_values().flatten());
        }
        after.add(changes.filter_map(|(_, letter)| letter));
        after
    }

    /// Adds letters behind the others, to the last chunk while it has room.
    fn add(&mut self, letters: impl Iterator<Item = DeadLetter>) {
        for letter in letters {
            match self.chunks.last_mut() {
                Some(last) if last.len() < CHUNK => Arc::make_mut(last).push(letter),
                _ => self.chunks.push(Arc::new(vec![letter])),
            }
        }
    }
}

impl Index<usize> for DeadLetters {
    type Output = DeadLetter;

    fn index(&self, index: usize) -> &DeadLetter {
        self.iter().nth(index).expect("a letter of the list")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only() -> SinkName {
        SinkName::parse("webhook").expect("a good name")
    }

    fn letter(sale: &str, event: u64) -> DeadLetter {
        DeadLetter {
            sale: SaleName::parse(sale).expect("a good name"),
            event: EventId(event),
            sink: only(),
            at: Millis(event),
            epoch: Epoch(1),
            hold: HoldId(event),
            why: "no".to_owned(),
        }
    }

    fn set(letters: impl IntoIterator<Item = DeadLetter>) -> Changes {
        let keyed =
            |letter: DeadLetter| ((letter.sale.clone(), letter.event, letter.sink), Some(letter));
        letters.into_iter().map(keyed).collect()
    }

    fn gone(letters: impl IntoIterator<Item = DeadLetter>) -> Changes {
        set(letters).into_keys().map(|key| (key, None)).collect()
    }

    #[test]
    fn the_list_is_in_order_through_every_change() {
        let mut expected: BTreeMap<(String, u64), DeadLetter> = BTreeMap::new();
        let mut list = DeadLetters::default();
        for round in 0..40_u64 {
            let sale = ["a", "b", "c"][usize::try_from(round % 3).expect("few")];
            let of_round = || (0..100).map(move |i| letter(sale, (round * 7919 + i * 31) % 5_003));
            list = list.with(set(of_round()));
            expected.extend(of_round().map(|l| ((l.sale.to_string(), l.event.0), l)));
            let some = || of_round().filter(|letter| letter.event.0 % 3 == round % 3);
            list = list.with(gone(some()));
            some().for_each(|l| drop(expected.remove(&(l.sale.to_string(), l.event.0))));
            assert!(list.iter().eq(expected.values()), "round {round}");
            assert_eq!(list.len(), expected.len());
            assert!(list.chunks.iter().all(|chunk| (1..=CHUNK).contains(&chunk.len())));
        }
        for event in 0..5_003 {
            let known = expected.contains_key(&("b".to_owned(), event));
            assert_eq!(list.has(&letter("b", 0).sale, EventId(event), only()), known);
        }
        for sale in ["0", "a", "b", "bb", "c", "d"].map(|sale| letter(sale, 0).sale) {
            let own = expected.values().filter(|letter| letter.sale == sale);
            assert!(list.of_sale(&sale).eq(own), "{sale}");
        }
        list = list.with(gone(expected.into_values()));
        assert!(list.is_empty());
        assert_eq!(list.of_sale(&letter("b", 0).sale).count(), 0);
    }

    #[test]
    fn one_more_letter_copies_no_more_than_a_chunk() {
        let mut list =
            DeadLetters::default().with(set((1..=10_000).map(|event| letter("b", event))));
        list = list.with(set((1..=10_000).map(|event| letter("d", event))));
        for more in [letter("a", 1), letter("b", 10_001), letter("c", 7), letter("d", 10_001)] {
            let after = list.with(set([more]));
            let is_shared =
                |chunk: &&Arc<Vec<_>>| list.chunks.iter().any(|old| Arc::ptr_eq(old, chunk));
            let copied = after.chunks.iter().filter(|chunk| !is_shared(chunk)).count();
            assert!(copied <= 2, "{copied} chunks of {}", after.chunks.len());
            assert_eq!(after.len(), list.len() + 1);
        }
    }
}
