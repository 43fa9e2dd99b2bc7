//! The operators' pages.

mod applicants;
mod deals;
mod money;
mod orders;
mod tasks;

pub use self::{
    applicants::{ApplicantRow, ApplicantsPage},
    deals::{DealRow, DealsDeskPage},
    money::{Doubt, DoubtKind, DoubtsPage, RefundRow, RefundState, RefundsPage},
    orders::{OrderRow, OrdersDeskPage},
    tasks::{DeadTask, TasksPage},
};
use crate::{format::Phrase, shop::to};

/// A way to narrow a list down.
struct Tab {
    href: String,
    words: Phrase,
    is_shown: bool,
}

/// The tabs of a list at `path`, each with the word of the address' field `state`; the first is shown
/// without one.
fn tabs(path: &str, shown: &str, tabs: &[(&str, Phrase)]) -> Vec<Tab> {
    let first = tabs.first().map_or("", |(word, _)| word);
    let shown = if shown.is_empty() { first } else { shown };
    let tab = |(word, words): &(&str, Phrase)| Tab {
        href: format!("{}/{path}?state={word}", to::DESK),
        words: *words,
        is_shown: *word == shown,
    };
    tabs.iter().map(tab).collect()
}
