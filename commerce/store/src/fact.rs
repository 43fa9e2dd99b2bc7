//! Facts: "something about X changed", told upwards by [`crate::Tx::tell`].
//!
//! Whoever tells a fact does not know who listens. Each listener gets a task with the subject as its
//! key, in the transaction that tells the fact. It reads how things stand when it runs, so two facts
//! about one subject may become one task, and nothing depends on their order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A fact's name, such as `deal.changed`. The crate that tells it has the constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact(pub &'static str);

/// What a listener's task holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The id of what changed.
    pub subject: String,
}

/// Who listens to what: for each fact, the kinds of its listeners' tasks. [`crate::worker::Workers`]
/// makes it from what it can do.
#[derive(Clone, Debug, Default)]
pub struct Listeners(BTreeMap<Fact, Vec<&'static str>>);

impl Listeners {
    /// Adds a listener, whose tasks are of a kind of its own.
    #[must_use]
    pub fn with(mut self, fact: Fact, kind: &'static str) -> Self {
        self.0.entry(fact).or_default().push(kind);
        self
    }

    pub(crate) fn of(&self, fact: Fact) -> &[&'static str] {
        self.0.get(&fact).map_or(&[], Vec::as_slice)
    }
}
