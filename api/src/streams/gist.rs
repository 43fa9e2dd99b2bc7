//! What a watcher is told by.

use std::hash::{DefaultHasher, Hasher as _};

use engine::{standing::Standing, view::SaleView};

/// What a place is told by, without what the clock alone changes: a change is worth an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gist {
    pub(super) standing: Standing,
    /// Of the operator's announcement.
    pub(super) message_hash: u64,
}

impl Gist {
    /// Of a place of this sale, with what operators announce there now.
    pub fn of(sale: &SaleView, standing: Standing) -> Self {
        Self { standing, message_hash: hash(&sale.settings().controls.message) }
    }
}

/// Stands for a text in comparisons within this process.
pub(super) fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    hasher.finish()
}
