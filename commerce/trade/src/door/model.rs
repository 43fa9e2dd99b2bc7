//! What is shown at the door, and what it refuses.

use std::fmt;

use engine::sale::TicketRef;

/// Who reads passes: whoever has the keys that they are signed with.
pub trait Passes: fmt::Debug + Send + Sync {
    /// The admission that a pass of a sale is.
    ///
    /// # Errors
    ///
    /// As [`PassFault`] says.
    fn read(&self, pass: &str, sale: &str) -> Result<TicketRef, PassFault>;
}

/// Why a text is no pass that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassFault {
    /// It was one, and its time is over.
    Over,
    /// It is none, or one of another sale.
    Invalid,
}

/// What somebody shows who wants to order.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The pass of their admission.
    pub pass: &'a str,
    /// How many units they want.
    pub quantity: u32,
}

impl fmt::Debug for Shown<'_> {
    /// A pass is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").field("quantity", &self.quantity).finish_non_exhaustive()
    }
}

/// Why no units are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoorError {
    /// The engine, or the door, refuses.
    Refused(DoorRefusal),
    /// The engine did not say. Showing the pass again is safe.
    Away,
}

impl From<DoorRefusal> for DoorError {
    fn from(refusal: DoorRefusal) -> Self {
        Self::Refused(refusal)
    }
}

store::refusals! {
    /// Why the door does not open.
    pub DoorRefusal {
        /// The pass is none, of another deal, or of somebody else.
        PassForeign = "pass_foreign": "the pass is not this account's for this deal",
        /// The time of the admission is over.
        PassOver = "pass_over": "the time of the admission is over",
        /// Units were ordered with it.
        PassUsed = "pass_used": "the pass was used for an order",
        /// The deal has not opened.
        NotOpen = "not_open": "the deal has not opened",
        /// The deal is over.
        Ended = "ended": "the deal is over",
        /// Fewer units are left than are wanted.
        SoldOut = "sold_out": "fewer units are left than are wanted",
        /// More than one shopper gets.
        Limit = "limit_exceeded": "the deal sells no more units to one shopper",
        /// The shopper has reserved more often than anybody needs to.
        TooMany = "too_many_purchases": "the shopper has made as many reservations as one may",
    }
}
