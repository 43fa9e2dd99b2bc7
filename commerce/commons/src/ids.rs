//! The ids of this crate's things, and of those above that it refers to.

store::id! {
    /// Who does something, or for whom it is done: the id of an account.
    pub Person
}

store::id! {
    /// Which of the things of a kind.
    pub SubjectId
}

store::id! {
    /// Which like.
    pub LikeId
}
