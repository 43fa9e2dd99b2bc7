//! Wire types: what the shop's JSON says, and nothing of it anywhere else.
//!
//! What is read says what is missing or wrong field by field; the rules of the modules below are asked
//! for each. What is written is copied from their types.

pub(crate) mod account;
pub(crate) mod address;
pub(crate) mod business;
pub(crate) mod deal;
pub(crate) mod desk;
pub(crate) mod fulfilment;
pub(crate) mod media;
pub(crate) mod news;
pub(crate) mod order;
pub(crate) mod read;
pub(crate) mod sales;
pub(crate) mod session;

use base::{cursor::Page, moment::Moment};
use serde::Serialize;

/// A time as the wire writes it.
pub(crate) fn time(at: Moment) -> String {
    web::time::format_time(u64::try_from(at.0).unwrap_or_default())
}

/// One page of a list.
#[derive(Debug, Serialize)]
pub(crate) struct List<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A page of other things, written one by one.
    pub(crate) fn of<U>(page: Page<U>, write: impl FnMut(U) -> T) -> Self {
        let next_cursor = page.next.map(base::cursor::Cursor::encode);
        Self { items: page.items.into_iter().map(write).collect(), next_cursor }
    }

    /// A list that has no further page.
    pub(crate) const fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }
}
