//! What the till needs, and what it refuses.

use crate::{gateway::Providers, holds::Keepers};

/// Those who are asked, and where shoppers come back to.
#[derive(Clone, Debug)]
pub struct Till {
    /// Who moves money.
    pub providers: Providers,
    /// Who keeps units.
    pub keepers: Keepers,
    /// The URL under which browsers come back, without a slash at its end: `{returns}/{payment}/return`,
    /// `/cancel` and `/fail`.
    pub returns: String,
}

/// How a shopper came back, by the path.
#[derive(Clone, Copy, Debug)]
pub enum Came<'a> {
    /// From paying, with a query.
    Paid {
        /// What stands after the question mark.
        query: &'a str,
    },
    /// From giving up.
    GaveUp,
    /// From a payment that the provider refused.
    Failed,
}

store::refusals! {
    /// Why no payment began.
    pub BeginRefusal {
        /// The account has no such order.
        Unknown = "order_unknown": "there is no such order",
        /// The order does not wait for a payment.
        NotPending = "order_not_pending": "the order does not wait for a payment",
        /// A payment was begun with another provider.
        Other = "payment_begun": "a payment was begun in another way",
        /// The shop has no contract with the provider.
        NoProvider = "provider_unknown": "this way to pay is not offered",
        /// The provider refused to begin.
        Refused = "provider_refused": "the provider refused to begin the payment",
        /// It is being begun, or the provider does not answer.
        Busy = "payment_busy": "the payment could not be begun yet; try again in a moment",
    }
}

store::refusals! {
    /// Why a return from the provider is not taken.
    pub ReturnRefusal {
        /// There is no such payment.
        Unknown = "payment_unknown": "there is no such payment",
    }
}

store::refusals! {
    /// Why an order was not given up.
    pub CancelRefusal {
        /// The account has no such order.
        Unknown = "order_unknown": "there is no such order",
        /// Its payment was agreed to, or has come to an end.
        NotPending = "order_not_pending": "only an order that waits for its payment can be given up",
    }
}

store::refusals! {
    /// Why a person's word changed nothing.
    pub DeskRefusal {
        /// There is no such payment.
        Unknown = "payment_unknown": "there is no such payment",
        /// Nothing about it is in doubt.
        NoDoubt = "payment_clear": "nothing about the payment is in doubt",
    }
}

store::refusals! {
    /// Why an operator's decision is not taken.
    pub DecideRefusal {
        /// The account does not run the platform.
        NotAnOperator = "not_an_operator": "only operators decide about payments in doubt",
        /// There is no such payment.
        Unknown = "payment_unknown": "there is no such payment",
        /// It is not in a doubt about which this can be decided.
        WrongDoubt = "payment_doubt_wrong": "this cannot be decided about the payment as it stands",
        /// The goods are on their way.
        Shipped = "order_shipped": "the goods are on their way: accept the amount, and refund the order",
        /// It has no reason, or a long one.
        Reason = "reason_invalid": "a reason has 1 to 500 characters",
    }
}
