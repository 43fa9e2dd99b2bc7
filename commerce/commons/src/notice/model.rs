//! What a notice is.

use std::collections::BTreeMap;

use base::{cursor::Cursor, moment::Moment};

use crate::{
    ids::{NoticeId, Person},
    label::Label,
    subject::Subject,
};

/// What stands in the sentences of a notice, by name: a title, an amount, a time.
pub type Values = BTreeMap<String, String>;

/// A notice that is to be.
#[derive(Clone, Debug)]
pub struct New<'a> {
    /// For whom.
    pub person: Person,
    /// What happened, such as `deal.opens`. Its beginning, up to the dot, is the topic that the person
    /// chooses channels for.
    pub kind: Label,
    /// To what.
    pub subject: &'a Subject,
    /// Which of several times, such as `1h`; empty if it happens once.
    pub detail: &'a str,
    /// What stands in its sentences.
    pub values: &'a Values,
    /// After this, it is of no use to send it.
    pub until: Option<Moment>,
}

/// A notice as the inbox has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Notice {
    /// Which.
    pub id: NoticeId,
    /// For whom.
    pub person: Person,
    /// What happened.
    pub kind: Label,
    /// To what.
    pub subject: Subject,
    /// Which of several times.
    pub detail: String,
    /// What stands in its sentences.
    pub values: Values,
    /// After this, it is of no use to send it.
    pub until: Option<Moment>,
    /// When the person read it.
    pub read_at: Option<Moment>,
}

impl Notice {
    /// When it was made.
    pub const fn made_at(&self) -> Moment {
        self.id.0.made_at()
    }

    /// What the person chooses channels for: the beginning of its kind.
    pub fn topic(&self) -> Label {
        self.kind.head()
    }

    /// Whether it is still to be sent: nobody read it, and it is of use.
    pub fn is_to_be_sent(&self, now: Moment) -> bool {
        self.read_at.is_none() && self.until.is_none_or(|until| now < until)
    }

    /// Its place in the inbox.
    pub(super) const fn place(&self) -> Cursor {
        Cursor { by: self.made_at().0, id: self.id.0 }
    }
}

impl std::fmt::Debug for Notice {
    /// What somebody is told may be personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notice")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Where a person is told, beside the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// On their devices.
    pub push: bool,
    /// By mail.
    pub mail: bool,
}

impl Default for Channels {
    /// On the devices that a person registered, and by mail only if they ask for it.
    fn default() -> Self {
        Self { push: true, mail: false }
    }
}
