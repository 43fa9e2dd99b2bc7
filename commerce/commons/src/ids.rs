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

store::id! {
    /// Which notice.
    pub NoticeId
}

store::id! {
    /// Which of a person's devices: the id of the session that is on it, which is no secret, unlike what
    /// the push service knows the device by.
    pub DeviceId
}

store::id! {
    /// Which picture.
    pub MediaId
}

store::id! {
    /// Which entry of the audit.
    pub EntryId
}
