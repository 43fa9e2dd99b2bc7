//! The task that goes on with a payment.

use serde::{Deserialize, Serialize};
use store::task::Task;

use crate::ids::PaymentId;

/// A payment is to be gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pay {
    /// Which one.
    pub payment: PaymentId,
}

impl Task for Pay {
    const KIND: &'static str = "trade.pay";

    fn key(&self) -> String {
        self.payment.to_string()
    }
}
