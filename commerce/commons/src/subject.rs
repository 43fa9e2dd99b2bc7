//! Subjects: whatever somebody likes, is told of, pictures or searches for.

use store::Id;

use crate::{ids::SubjectId, label::Label};

/// One thing of a kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// What kind of thing it is, such as `deal`.
    pub kind: Label,
    /// Which one.
    pub id: SubjectId,
}

impl Subject {
    /// The thing of a kind with an id.
    pub const fn new(kind: Label, id: Id) -> Self {
        Self { kind, id: SubjectId(id) }
    }

    /// What a table kept.
    pub(crate) const fn kept(kind: String, id: SubjectId) -> Self {
        Self { kind: Label::kept(kind), id }
    }
}
