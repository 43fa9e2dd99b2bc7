//! What a like is.

use base::{cursor::Cursor, moment::Moment};

use crate::{
    ids::{LikeId, Person},
    subject::Subject,
};

/// A person likes a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liked {
    /// Which like.
    pub id: LikeId,
    /// Who.
    pub person: Person,
    /// What.
    pub subject: Subject,
}

impl Liked {
    /// Since when.
    pub const fn since(&self) -> Moment {
        self.id.0.made_at()
    }

    /// Its place in a list.
    pub(super) const fn place(&self) -> Cursor {
        Cursor { by: self.since().0, id: self.id.0 }
    }
}

store::refusals! {
    /// Why a person does not like a subject.
    pub LikeRefusal {
        /// The person likes as much as anybody may.
        TooMany = "too_many_likes": "the person likes as many things as anybody may",
    }
}
