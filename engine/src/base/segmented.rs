//! A long list that grows without a copy of what it holds.
//!
//! A `Vec` of tens of megabytes that doubles copies all of it at once, and the scribe stands still
//! meanwhile. This list has its items in segments of one size: growing it allocates a segment, and
//! nothing moves. Items leave at the front, a segment's memory with its last item.

use std::{
    collections::VecDeque,
    iter,
    ops::{Index, Range},
};

/// Items of a segment. Only the first segment of a list grows like a `Vec`, so that a short list
/// takes little memory: this many items are the most that are ever copied.
pub(crate) const SEGMENT: usize = 4_096;

/// A list in segments.
#[derive(Clone, Debug)]
pub(crate) struct Segmented<T> {
    /// All but the last are full.
    segments: VecDeque<Vec<T>>,
    /// Items at the front of the first segment that have left the list.
    gone: usize,
    /// Items in the list.
    length: usize,
}

impl<T> Default for Segmented<T> {
    fn default() -> Self {
        Self { segments: VecDeque::new(), gone: 0, length: 0 }
    }
}

impl<T> Segmented<T> {
    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The item at a place, counted from the first that is still there.
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        let (segment, within) = self.place(index);
        self.segments.get(segment)?.get(within)
    }

    /// As [`Segmented::get`], to change it.
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let (segment, within) = self.place(index);
        self.segments.get_mut(segment)?.get_mut(within)
    }

    /// The items of a range in their order, as few slices.
    pub(crate) fn slices(&self, range: Range<usize>) -> impl Iterator<Item = &[T]> {
        assert!(range.end <= self.length, "a range of the list");
        let (mut next, end) = (range.start + self.gone, range.end + self.gone);
        iter::from_fn(move || {
            let within = next % SEGMENT;
            let length = (SEGMENT - within).min(end.checked_sub(next)?);
            let slice = &self.segments.get(next / SEGMENT)?[within..within + length];
            next += length;
            (length > 0).then_some(slice)
        })
    }

    /// The first item.
    pub(crate) fn front(&self) -> Option<&T> {
        self.get(0)
    }

    /// Adds an item at the end.
    pub(crate) fn push(&mut self, item: T) {
        self.length += 1;
        match self.segments.back_mut() {
            Some(last) if last.len() < SEGMENT => last.push(item),
            Some(_) => {
                let mut segment = Vec::with_capacity(SEGMENT);
                segment.push(item);
                self.segments.push_back(segment);
            }
            None => self.segments.push_back(vec![item]),
        }
    }

    /// Drops the first item, at the latest when those around it have left too.
    pub(crate) fn drop_front(&mut self) {
        let Some(first) = self.segments.front() else { return };
        self.gone += 1;
        self.length -= 1;
        if self.gone == first.len() {
            self.segments.pop_front();
            self.gone = 0;
        }
    }

    /// All items, the first one first.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        Iter { items: self.segments.iter().flatten().skip(self.gone), left: self.length }
    }

    fn place(&self, index: usize) -> (usize, usize) {
        // Past the end wherever `index` is, and never around it.
        let index = index.saturating_add(self.gone);
        (index / SEGMENT, index % SEGMENT)
    }
}

impl<T> Index<usize> for Segmented<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        self.get(index).expect("an item of the list")
    }
}

impl<T> Extend<T> for Segmented<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

/// Items whose number is known.
struct Iter<I> {
    items: I,
    left: usize,
}

impl<I: Iterator> Iterator for Iter<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.left = self.left.saturating_sub(1);
        self.items.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<I: Iterator> ExactSizeIterator for Iter<I> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(list: &Segmented<usize>) -> Vec<usize> {
        list.iter().copied().collect()
    }

    #[test]
    fn growing_moves_nothing_once_a_segment_is_full() {
        let mut list = Segmented::default();
        let mut places = Vec::new();
        for item in 0..40 * SEGMENT {
            list.push(item);
            if list.len() >= SEGMENT && item % 1_000 == 0 {
                places.push((item, &raw const list[item]));
            }
        }
        assert!(places.len() > 100);
        for (item, place) in places {
            assert_eq!(&raw const list[item], place, "item {item} was copied");
        }
    }

    #[test]
    fn items_leave_at_the_front_and_the_others_keep_their_order() {
        let mut list = Segmented::default();
        assert_eq!((list.front(), list.get(usize::MAX)), (None, None));
        list.drop_front();
        let mut first = 0;
        for last in 0..3 * SEGMENT {
            list.push(last);
            if last % 3 > 0 {
                list.drop_front();
                first += 1;
            }
            assert_eq!((list.front(), list.len()), (Some(&first), last + 1 - first));
        }
        assert_eq!(items(&list), (first..3 * SEGMENT).collect::<Vec<_>>());
        assert!(list.segments.len() <= 2, "segments leave with their items");
        for range in [0..0, 5..5, 0..SEGMENT, 7..list.len(), 4_000..4_090] {
            let parts = list.slices(range.clone()).map(<[_]>::len).collect::<Vec<_>>();
            assert!(parts.len() <= 2 && parts.iter().all(|length| *length > 0), "{parts:?}");
            let slices = list.slices(range.clone()).flatten().copied();
            assert!(slices.eq(range.map(|index| first + index)));
        }
        *list.get_mut(1).expect("there are some left") = 7;
        assert_eq!((list[1], list.get(list.len())), (7, None));
        while list.len() > 0 {
            list.drop_front();
        }
        list.extend([1, 2]);
        assert_eq!(items(&list), [1, 2]);
    }
}
