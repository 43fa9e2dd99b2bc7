//! A payment as it is kept.

use super::state::Payment;
use crate::{
    gateway::{Method, Provider},
    ids::{OrderId, PaymentId},
};

/// A payment with its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its id, which the provider has as the order's.
    pub id: PaymentId,
    /// For which order.
    pub order: OrderId,
    /// Who is to take the money; `None` until the shopper chose.
    pub provider: Option<Provider>,
    /// How the shopper paid, once that is known.
    pub method: Option<Method>,
    /// What its steps come to.
    pub payment: Payment,
}
