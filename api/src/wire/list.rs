//! Lists in pages: the query that asks for one, and the object that answers.
//!
//! Owns what a query may hold. Calls that answer no list take no parameter at all, and what is
//! unknown is refused by name, as it is in a body: a misspelt `limit` must not pass for none.

use std::{collections::BTreeSet, ops::RangeInclusive};

use serde::Serialize;

use web::fields::{BodyError, GIVEN_ONCE, Problems};

/// What a query names.
const WHAT: &str = "parameter";

/// How many items a page may be asked to have.
const LIMITS: RangeInclusive<usize> = 1..=1_000;

/// How many items a page has unless it is asked for.
const LIMIT: usize = 100;

/// Parts of all items of a page together, as the offers of sales: some 300 KB of JSON, written in a
/// few milliseconds.
const PARTS_MAX: usize = 2_048;

/// Bytes of a cursor; ours are shorter.
const CURSOR_BYTES_MAX: usize = 128;

/// Which part of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The most items to answer.
    pub limit: usize,
    /// The `next_cursor` of the page before; none on the first.
    pub cursor: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct List<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// What asks for the page after this one; null on the last.
    pub next_cursor: Option<String>,
}

/// Reads the query of a call that answers a list.
pub fn read_page(query: Option<&str>) -> Result<Page, BodyError> {
    let mut page = Page { limit: LIMIT, cursor: None };
    let mut problems = Problems::default();
    let mut seen = BTreeSet::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match (&*name, value.parse::<usize>()) {
            ("limit", Ok(limit)) if LIMITS.contains(&limit) => page.limit = limit,
            ("limit", _) => {
                let allowed = format!("a whole number from {} to {}", LIMITS.start(), LIMITS.end());
                problems.note("limit", shown(&value), allowed);
            }
            ("cursor", _) if (1..=CURSOR_BYTES_MAX).contains(&value.len()) => {
                page.cursor = Some(value.into_owned());
            }
            ("cursor", _) => bad_cursor(&mut problems, &value),
            _ => problems.note_unknown(shown(&name), WHAT, &shown(&name), &["limit", "cursor"]),
        }
        if !seen.insert(name.to_string()) {
            problems.note_stray(shown(&name), "given twice", GIVEN_ONCE);
        }
    }
    problems.check(page).map_err(BodyError::Invalid)
}

/// Refuses the query of a call that takes no parameter.
pub fn read_no_query(query: &str) -> Result<(), BodyError> {
    let mut problems = Problems::default();
    for (name, _) in form_urlencoded::parse(query.as_bytes()) {
        problems.note_unknown(shown(&name), WHAT, &shown(&name), &[]);
    }
    problems.check(()).map_err(BodyError::Invalid)
}

impl Page {
    /// The page of `all`, which is in the order of its keys. `key` names an item; `read` reads the
    /// cursor back into a key, and an item may have gone since.
    pub fn of<T, K: Ord>(
        &self,
        all: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> K,
        read: impl Fn(&str) -> Option<K>,
        write: impl Fn(&K) -> String,
    ) -> Result<List<T>, BodyError> {
        self.of_heavy(all, key, read, write, |_| 0)
    }

    /// As [`Self::of`], of items that may be long: a page ends before it has more than
    /// `PARTS_MAX` parts, but has one item at least.
    pub fn of_heavy<T, K: Ord>(
        &self,
        all: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> K,
        read: impl Fn(&str) -> Option<K>,
        write: impl Fn(&K) -> String,
        parts: impl Fn(&T) -> usize,
    ) -> Result<List<T>, BodyError> {
        let after = match self.cursor.as_deref().map(|text| read(text).ok_or(text)).transpose() {
            Ok(after) => after,
            Err(text) => {
                let mut problems = Problems::default();
                bad_cursor(&mut problems, text);
                return problems.check(()).map_err(BodyError::Invalid).map(|()| List::empty());
            }
        };
        let is_after = |item: &T| after.as_ref().is_none_or(|after| key(item) > *after);
        let (mut items, mut sum) = (Vec::new(), 0);
        for item in all.into_iter().filter(is_after) {
            sum += parts(&item);
            if items.len() == self.limit || (sum > PARTS_MAX && !items.is_empty()) {
                let next_cursor = items.last().map(|last| write(&key(last)));
                return Ok(List { items, next_cursor });
            }
            items.push(item);
        }
        Ok(List { items, next_cursor: None })
    }
}

impl<T> List<T> {
    const fn empty() -> Self {
        Self { items: Vec::new(), next_cursor: None }
    }

    /// The same page with its items told another way.
    pub fn map<U>(self, told: impl FnMut(T) -> U) -> List<U> {
        let Self { items, next_cursor } = self;
        List { items: items.into_iter().map(told).collect(), next_cursor }
    }
}

fn bad_cursor(problems: &mut Problems, found: &str) {
    problems.note("cursor", shown(found), "the next_cursor of another page of this list");
}

/// The caller's text, short and on one line.
fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_long_items_ends_early_and_loses_none() {
        let all: Vec<usize> = (0..100).collect();
        let long = |item: &usize| if *item == 50 { PARTS_MAX * 2 } else { 64 };
        let (mut seen, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = Page { limit: 1_000, cursor };
            let (read, write) = (|text: &str| text.parse().ok(), ToString::to_string);
            let list = page.of_heavy(all.iter().copied(), |item| *item, read, write, long).unwrap();
            let parts: usize = list.items.iter().map(long).sum();
            assert!(parts <= PARTS_MAX || list.items == [50], "{parts} parts in one page");
            seen.extend(list.items);
            pages += 1;
            cursor = list.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((seen, pages), (all, 5));
    }

    fn numbers(page: &Page) -> Result<List<u32>, BodyError> {
        page.of(1..=5, |item| *item, |text| text.parse().ok(), ToString::to_string)
    }

    #[test]
    fn pages_follow_each_other_and_an_item_that_went_is_no_gap() {
        let page = |query| read_page(Some(query)).unwrap();
        let first = numbers(&page("limit=2")).unwrap();
        assert_eq!((first.items, first.next_cursor.as_deref()), (vec![1, 2], Some("2")));
        let rest = numbers(&page("cursor=2&limit=3")).unwrap();
        assert_eq!((rest.items, rest.next_cursor), (vec![3, 4, 5], None));
        assert_eq!(numbers(&page("cursor=0")).unwrap().items.len(), 5);
        assert!(numbers(&page("cursor=two")).is_err());
        assert_eq!(read_page(None), Ok(Page { limit: LIMIT, cursor: None }));
    }

    #[test]
    fn what_is_unknown_twice_or_out_of_range_is_refused_by_name() {
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=x", "limit"),
            ("cursor=", "cursor"),
            ("page=2", "page"),
            ("limit=1&limit=2", "limit"),
        ] {
            let Err(BodyError::Invalid(problems)) = read_page(Some(query)) else {
                unreachable!("{query} was read")
            };
            assert_eq!(problems[0].field, field, "{query}");
        }
        assert_eq!(read_no_query(""), Ok(()));
        assert!(read_no_query("limit=1").is_err());
    }
}
