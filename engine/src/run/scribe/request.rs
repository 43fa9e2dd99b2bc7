//! What comes to the scribe, and what it comes to.

use crate::{
    command::{Command, Reply},
    commit::Promise,
    purchase_admission::PurchaseAdmission,
    unpacked::Unpacked,
};

/// A command on its way to the scribe.
#[derive(Debug)]
pub struct Request {
    /// What is asked.
    pub command: Command,
    /// What a purchase was let through with.
    pub admission: Option<PurchaseAdmission>,
    /// The archived sale that it concerns, if that was unpacked for the asker.
    pub unpacked: Option<Box<Unpacked>>,
    /// Who waits for the answer.
    pub promise: Promise<Answer>,
}

/// What a request comes to.
pub type Answer = Result<Reply, Busy>;

/// Why a request was not decided; nothing was done, and trying again is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// The ring was full.
    Overloaded,
    /// The disk is full.
    StorageFull,
}
