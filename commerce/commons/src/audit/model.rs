//! What an entry is.

use std::collections::BTreeMap;

use base::{cursor::Cursor, moment::Moment};

use crate::{
    ids::{EntryId, Person},
    label::Label,
    subject::Subject,
};

/// More about an action, by name: the state before, an amount, another id, a reason. Nothing personal.
pub type Detail = BTreeMap<String, String>;

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The person; nobody if the shop acts by itself.
    pub person: Option<Person>,
    /// As what, such as `operator`, or `schedule`.
    pub role: Label,
}

/// An entry that is to be.
#[derive(Clone, Debug)]
pub struct New<'a> {
    /// Who did it.
    pub actor: &'a Actor,
    /// What, such as `deal.paused`.
    pub action: Label,
    /// To what.
    pub subject: &'a Subject,
    /// More about it.
    pub detail: &'a Detail,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub id: EntryId,
    /// Who did it.
    pub actor: Actor,
    /// What.
    pub action: Label,
    /// To what.
    pub subject: Subject,
    /// More about it.
    pub detail: Detail,
}

impl Entry {
    /// When it was done.
    pub const fn at(&self) -> Moment {
        self.id.0.made_at()
    }

    /// Its place in a list.
    pub(super) const fn place(&self) -> Cursor {
        Cursor { by: self.at().0, id: self.id.0 }
    }
}
