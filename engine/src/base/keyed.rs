//! Tables by keys that are keyed hashes, random, or counted up by the engine itself.
//!
//! Owns how such keys are hashed, and ensures that no table takes long to grow. A client cannot choose
//! these keys, so a multiplication spreads them as well as a slow hash would. A table of many small
//! parts grows part by part, in at most a millisecond each. A single table of millions of entries
//! would hold up the scribe for a tenth of a second.

use std::{
    fmt,
    hash::{BuildHasherDefault, Hash, Hasher},
    sync::OnceLock,
};

use dashmap::DashMap;
use hashbrown::HashTable;

/// Parts of a table: at four million entries each holds 32,768, and grows in about a millisecond.
const PARTS: usize = 128;

/// A map that readers share with the scribe. It takes its memory, some 16 KiB of parts, with the first
/// entry: most sales that are there have few of their tables in use.
pub(crate) struct SharedMap<K, V, H = Spread> {
    map: OnceLock<DashMap<K, V, BuildHasherDefault<H>>>,
}

/// A map that readers share with the scribe, by numbers that the engine counts up.
pub(crate) type CountedMap<K, V> = SharedMap<K, V, Counted>;

impl<K: Eq + Hash, V, H: Hasher + Clone + Default> SharedMap<K, V, H> {
    /// An empty map.
    pub(crate) const fn new() -> Self {
        Self { map: OnceLock::new() }
    }

    /// The map to look into; `None` before its first entry.
    pub(crate) fn used(&self) -> Option<&DashMap<K, V, BuildHasherDefault<H>>> {
        self.map.get()
    }

    /// The map to add to.
    pub(crate) fn to_add(&self) -> &DashMap<K, V, BuildHasherDefault<H>> {
        let hasher = BuildHasherDefault::default;
        self.map.get_or_init(|| DashMap::with_hasher_and_shard_amount(hasher(), PARTS))
    }
}

impl<K, V, H> fmt::Debug for SharedMap<K, V, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMap").finish_non_exhaustive()
    }
}

/// Numbers of one block are side by side in one part, so what is written together shares cache lines.
const BLOCK_BITS: u32 = 12;

/// Keeps neighbours together: a block of numbers goes to one part of the map (`DashMap` picks it by
/// bits 50 to 56), where they take places next to each other (by the bits from 0); the next block
/// goes to the next part. Seven bits on top, spread, tell apart what shares a group of places.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted(u64);

impl Hasher for Counted {
    fn write(&mut self, _: &[u8]) {
        unreachable!("a counted number is hashed as one");
    }

    fn write_u64(&mut self, number: u64) {
        const PARTS_BITS: u32 = PARTS.ilog2();
        let within = number & ((1 << BLOCK_BITS) - 1);
        let part = (number >> BLOCK_BITS) % PARTS as u64;
        let lap = number >> (BLOCK_BITS + PARTS_BITS);
        self.0 = (lap << BLOCK_BITS | within) & ((1 << 50) - 1)
            | part << 50
            | spread(number) >> 57 << 57;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Spreads integers over 64 bits. The hash keeps 64 of 128 bits; equality is checked on the full key.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, part: u64) {
        self.0 = spread(self.0 ^ part);
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = hash(key);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The hash of a key.
#[expect(clippy::cast_possible_truncation, reason = "folding 128 bits into 64 is the point")]
pub(crate) fn hash(key: u128) -> u64 {
    spread((key >> 64) as u64 ^ key as u64)
}

/// Mixes every bit into every other: both halves of the product with 2⁶⁴ over the golden ratio.
#[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
fn spread(key: u64) -> u64 {
    let product = u128::from(key) * 0x9E37_79B9_7F4A_7C15;
    (product >> 64) as u64 ^ product as u64
}

/// A table of many parts, by hashes that its owner makes. The parts are made with the first entry.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    parts: Box<[HashTable<T>]>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { parts: Box::default() }
    }
}

impl<T> Table<T> {
    /// A table with room for this many entries.
    pub(crate) fn with_capacity(entries: usize) -> Self {
        if entries == 0 {
            return Self::default();
        }
        // Parts fill unevenly; the few that outgrow this grow once.
        let part = entries.div_ceil(PARTS);
        Self { parts: (0..PARTS).map(|_| HashTable::with_capacity(part)).collect() }
    }

    /// The entry with this hash that matches.
    pub(crate) fn find(&self, hash: u64, is: impl FnMut(&T) -> bool) -> Option<&T> {
        self.parts.get(part(hash))?.find(hash, is)
    }

    /// As [`Table::find`], to change it.
    pub(crate) fn find_mut(&mut self, hash: u64, is: impl FnMut(&T) -> bool) -> Option<&mut T> {
        self.parts.get_mut(part(hash))?.find_mut(hash, is)
    }

    /// Adds an entry that is not there yet.
    pub(crate) fn insert(&mut self, hash: u64, entry: T, hash_of: impl Fn(&T) -> u64) {
        self.part_to_add(hash).insert_unique(hash, entry, hash_of);
    }

    /// The entry with this hash that matches, or else a new one.
    pub(crate) fn find_or_insert(
        &mut self,
        hash: u64,
        is: impl FnMut(&T) -> bool,
        new: impl FnOnce() -> T,
        hash_of: impl Fn(&T) -> u64,
    ) -> &mut T {
        self.part_to_add(hash).entry(hash, is, hash_of).or_insert_with(new).into_mut()
    }

    /// All entries, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.parts.iter().flatten()
    }

    /// Removes an entry, if it is there.
    pub(crate) fn remove(&mut self, hash: u64, is: impl FnMut(&T) -> bool) {
        let found = self.parts.get_mut(part(hash)).map(|part| part.find_entry(hash, is));
        if let Some(Ok(entry)) = found {
            entry.remove();
        }
    }

    fn part_to_add(&mut self, hash: u64) -> &mut HashTable<T> {
        if self.parts.is_empty() {
            self.parts = (0..PARTS).map(|_| HashTable::new()).collect();
        }
        &mut self.parts[part(hash)]
    }
}

/// The part of a hash, from its middle bits: a part's own table uses both ends.
const fn part(hash: u64) -> usize {
    (hash >> 40) as usize % PARTS
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, hash::BuildHasher as _};

    use dashmap::try_result::TryResult;

    use super::*;

    /// `Counted` goes by how `DashMap` picks a part, which no interface promises.
    #[test]
    fn numbers_of_one_block_are_in_one_part_of_the_map_and_the_next_block_in_another() {
        let map: CountedMap<u64, ()> = CountedMap::new();
        let map = map.to_add();
        let block = 1_u64 << BLOCK_BITS;
        for first in [0, block, 5 * block, 200 * block, 1_000 * block] {
            // Holding an entry locks its part.
            let held = map.entry(first);
            let is_locked = |number: &u64| matches!(map.try_get(number), TryResult::Locked);
            assert!((first..first + block).all(|number| is_locked(&number)), "block of {first}");
            let others = (1..PARTS as u64).map(|blocks| first + blocks * block);
            assert_eq!(others.filter(is_locked).count(), 0, "block of {first}");
            drop(held);
        }
    }

    #[test]
    fn counted_numbers_fill_the_parts_evenly_and_their_places_densely() {
        let hasher = BuildHasherDefault::<Counted>::default();
        let mut places: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for number in 1..=1_000_000_u64 {
            let hash = hasher.hash_one(number);
            places.entry(hash >> 50 & 127).or_default().push(hash & ((1 << 50) - 1));
        }
        assert_eq!(places.len(), PARTS);
        for (part, mut places) in places {
            let count = places.len() as u64;
            assert!((4_096..=8_192).contains(&count), "part {part} has {count}");
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len() as u64, count, "no two share a place");
            assert!(places.last().unwrap() < &8_192, "dense");
        }
    }
}
