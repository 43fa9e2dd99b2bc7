//! Lists in pages: how many items at most, and where the next page begins.
//!
//! A cursor is the place of the last item that was given: what the list is sorted by, and the id among
//! equals. It is opaque to clients and holds nothing secret; a forged one shows another place of a list
//! that its reader may see anyway.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::id::{ID_CHARS, Id};

/// How many items a page has unless its reader asks otherwise.
pub const LIMIT_DEFAULT: u16 = 20;
/// How many items a page has at most.
pub const LIMIT_MAX: u16 = 100;

/// A place in a list that is sorted by a number and then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// What the list is sorted by: a time, an amount, a count.
    pub by: i64,
    /// The id of the last item that was given.
    pub id: Id,
}

impl Cursor {
    /// As clients hold it.
    pub fn encode(self) -> String {
        let mut bytes = Vec::with_capacity(8 + ID_CHARS);
        bytes.extend_from_slice(&self.by.to_be_bytes());
        bytes.extend_from_slice(self.id.to_string().as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`Self::encode`] wrote; anything else is `None`.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (by, id) = bytes.split_first_chunk::<8>()?;
        let id = std::str::from_utf8(id).ok()?.parse().ok()?;
        Some(Self { by: i64::from_be_bytes(*by), id })
    }
}

/// What a reader wants of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    limit: u16,
    after: Option<Cursor>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { limit: LIMIT_DEFAULT, after: None }
    }
}

impl Wanted {
    /// So many items at most, from 1 to [`LIMIT_MAX`], after an item; the first page has none.
    pub fn new(limit: u16, after: Option<Cursor>) -> Option<Self> {
        (1..=LIMIT_MAX).contains(&limit).then_some(Self { limit, after })
    }

    /// After which item.
    pub const fn after(self) -> Option<Cursor> {
        self.after
    }

    /// How many rows to read: one more than wanted, which only tells that there is more.
    pub fn rows(self) -> u64 {
        u64::from(self.limit) + 1
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end of the list.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// The page of what was read, which is up to [`Wanted::rows`].
    pub fn of(mut items: Vec<T>, wanted: Wanted, place: impl Fn(&T) -> Cursor) -> Self {
        let limit = usize::from(wanted.limit);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = if has_more { items.last().map(place) } else { None };
        Self { items, next }
    }

    /// The same page of other items.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::Moment;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_is_one() {
        let cursor = Cursor { by: -7, id: Id::of_parts(Moment(1_700_000_000_000), 9) };
        let text = cursor.encode();
        assert_eq!(Cursor::decode(&text), Some(cursor));
        for other in ["", "AAAA", &text[1..], &format!("{text}AA"), "%%%"] {
            assert_eq!(Cursor::decode(other), None, "{other}");
        }
    }

    #[test]
    fn a_page_tells_whether_there_is_more() {
        let place = |&by: &i64| Cursor { by, id: Id::of_parts(Moment(0), 0) };
        let wanted = Wanted::new(2, None).unwrap();
        assert_eq!(wanted.rows(), 3);
        let page = Page::of(vec![1, 2, 3], wanted, place);
        assert_eq!((page.items, page.next.unwrap().by), (vec![1, 2], 2));
        let page = Page::of(vec![1, 2], wanted, place);
        assert_eq!((page.items, page.next), (vec![1, 2], None));
        assert_eq!(
            [0, 1, LIMIT_MAX, LIMIT_MAX + 1].map(|limit| Wanted::new(limit, None).is_some()),
            [false, true, true, false]
        );
    }
}
