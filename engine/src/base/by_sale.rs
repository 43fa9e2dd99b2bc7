//! What there is one of for each sale.
//!
//! Owns the way from a sale's tag to it, and ensures that the way is as short among ten thousand sales as
//! with one. A walk goes in the order of the tags, which is the same on every node.

use std::{
    collections::{BTreeSet, HashMap},
    hash::BuildHasherDefault,
    ops::Bound,
};

use crate::{id::SaleTag, keyed::Spread};

/// A map by sale: a look-up is one step, a walk is in the order of the tags. What is in it stays where it is
/// when the map grows.
#[derive(Clone, Debug)]
pub(crate) struct BySale<V> {
    of: HashMap<SaleTag, Box<V>, BuildHasherDefault<Spread>>,
    tags: BTreeSet<SaleTag>,
}

impl<V> Default for BySale<V> {
    fn default() -> Self {
        Self { of: HashMap::default(), tags: BTreeSet::new() }
    }
}

impl<V> BySale<V> {
    pub(crate) fn get(&self, tag: SaleTag) -> Option<&V> {
        self.of.get(&tag).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, tag: SaleTag) -> Option<&mut V> {
        self.of.get_mut(&tag).map(Box::as_mut)
    }

    pub(crate) fn has(&self, tag: SaleTag) -> bool {
        self.of.contains_key(&tag)
    }

    /// Puts a sale's in; answers what was there before.
    pub(crate) fn insert(&mut self, tag: SaleTag, value: V) -> Option<V> {
        self.tags.insert(tag);
        self.of.insert(tag, Box::new(value)).map(|before| *before)
    }

    pub(crate) fn remove(&mut self, tag: SaleTag) -> Option<V> {
        self.tags.remove(&tag);
        self.of.remove(&tag).map(|gone| *gone)
    }

    pub(crate) fn len(&self) -> usize {
        self.tags.len()
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = SaleTag> {
        self.tags.iter().copied()
    }

    /// The tags that come after one; all of them without it.
    pub(crate) fn tags_after(&self, last: Option<SaleTag>) -> impl Iterator<Item = SaleTag> {
        let later = last.map_or(Bound::Unbounded, Bound::Excluded);
        self.tags.range((later, Bound::Unbounded)).copied()
    }

    pub(crate) fn values(&self) -> impl ExactSizeIterator<Item = &V> {
        self.tags.iter().map(|tag| self.of[tag].as_ref())
    }
}

impl<V> FromIterator<(SaleTag, V)> for BySale<V> {
    fn from_iter<I: IntoIterator<Item = (SaleTag, V)>>(all: I) -> Self {
        let mut by_sale = Self::default();
        for (tag, value) in all {
            by_sale.insert(tag, value);
        }
        by_sale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_is_in_the_order_of_the_tags_however_they_came() {
        let tags = [7, u64::MAX, 0, 1 << 63, 3].map(SaleTag);
        let mut map: BySale<u64> = tags.into_iter().map(|tag| (tag, tag.0)).collect();
        assert_eq!(map.insert(SaleTag(3), 4), Some(3), "one for each sale");
        assert_eq!(map.remove(SaleTag(0)), Some(0));
        assert_eq!(map.values().copied().collect::<Vec<_>>(), [4, 7, 1 << 63, u64::MAX]);
        let after = |last| map.tags_after(last).map(|tag| tag.0).collect::<Vec<_>>();
        assert_eq!(after(Some(SaleTag(7))), [1 << 63, u64::MAX]);
        assert_eq!(after(None).len(), map.len());
        assert!(!map.has(SaleTag(0)) && map.get(SaleTag(0)).is_none());
    }
}
