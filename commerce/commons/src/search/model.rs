//! What is found, and by what.

use base::moment::Moment;

use crate::{ids::SubjectId, label::Label, subject::Subject};

/// What can be found of a subject.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// The subject.
    pub subject: &'a Subject,
    /// Its title, which counts most.
    pub title: &'a str,
    /// What else is said of it.
    pub text: &'a str,
    /// What lists are narrowed by, such as `category:beauty` or `open`.
    pub tags: &'a [&'a str],
    /// Among those that fit alike, later ones come first.
    pub at: Moment,
    /// When it is over; never if `None`.
    pub over_at: Option<Moment>,
}

/// What is looked for by when it is over.
#[derive(Clone, Copy, Debug)]
pub enum Over {
    /// Only what is over at a time.
    At(Moment),
    /// Only what is not.
    NotAt(Moment),
}

/// What somebody searches for.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Subjects of this kind.
    pub kind: &'a Label,
    /// As it was typed; all of it has to be found, in any order. Empty: everything.
    pub text: &'a str,
    /// Tags that a document has all to have.
    pub tags: &'a [&'a str],
    /// Whether it is over or not; both if `None`.
    pub over: Option<Over>,
}

/// A document that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its subject.
    pub subject: SubjectId,
    /// Its title.
    pub title: String,
    /// Its moment.
    pub at: Moment,
    /// How well it fits, its moment included.
    pub(super) rank: i64,
}
