//! What a refund is.

use base::{moment::Moment, money::Money};
use identity::ids::AccountId;

use crate::ids::RefundId;

/// How much somebody wants back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// All that was not given back.
    Rest,
    /// What goods cost: the place of a line in the order, from 0, and how many units.
    Lines(&'a [(u16, u32)]),
    /// An amount.
    Amount(Money),
}

/// What somebody wants.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// How much.
    pub part: Part<'a>,
    /// Why, in words: 1 to 500 characters.
    pub reason: &'a str,
    /// Whether the units are to be sold again once all of the money is back.
    pub restocks: bool,
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Its id, by which the provider knows it too.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// Who wanted it.
    pub wanted_by: AccountId,
    /// Why.
    pub reason: String,
    /// When.
    pub wanted_at: Moment,
    /// Whether it was given.
    pub is_given: bool,
}

store::refusals! {
    /// Why nothing is given back.
    pub RefundRefusal {
        /// There is no such order, or it is somebody else's.
        Unknown = "order_unknown": "there is no such order",
        /// The account does not run the platform.
        NotAnOperator = "not_an_operator": "only operators give back what they did not buy",
        /// The order is not paid, or came to nothing.
        NotPaid = "order_not_paid": "only an order that is paid can be refunded",
        /// The goods are on their way.
        Shipped = "order_shipped": "the goods are on their way: they have to be returned first",
        /// Everything was given back, or is being given back.
        NothingLeft = "nothing_left": "all of the money is given back already",
        /// More than is left, or less than one minor unit; or a part, after a hundred of them.
        Amount = "refund_amount": "the amount is not between one minor unit and what is left",
        /// Goods that the order does not have, or no longer.
        Lines = "refund_lines": "the order has no such goods left",
        /// It has no reason, or a long one.
        Reason = "reason_invalid": "a reason has 1 to 500 characters",
    }
}
