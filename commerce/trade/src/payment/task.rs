//! The tasks that go on with payments: a kind for each provider.
//!
//! Each kind has drivers of its own, so a provider that does not answer holds up no payment of another. A payment
//! has a task of its provider's kind; one of another kind passes it on.

use base::moment::Moment;
use serde::{Deserialize, Serialize};
use store::{Tx, task::Task};

use super::kept::Kept;
use crate::{gateway::Provider, ids::PaymentId};

/// A payment is to be gone on with.
pub(crate) trait GoOn: Task {
    /// At which provider; `None`: none was chosen, so only the keeper of the units is asked.
    const PROVIDER: Option<Provider>;

    /// Which payment.
    fn payment(&self) -> PaymentId;
}

macro_rules! go_on {
    ($($(#[$doc:meta])* $name:ident = $kind:literal, $provider:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub(crate) struct $name {
            payment: PaymentId,
        }

        impl Task for $name {
            const KIND: &'static str = $kind;

            fn key(&self) -> String {
                self.payment.to_string()
            }
        }

        impl GoOn for $name {
            const PROVIDER: Option<Provider> = $provider;

            fn payment(&self) -> PaymentId {
                self.payment
            }
        }
    )+};
}

go_on! {
    /// One for which no provider was chosen.
    Pay = "trade.pay", None;
    /// One of `KakaoPay`.
    PayAtKakaoPay = "trade.pay_kakaopay", Some(Provider::KakaoPay);
    /// One of the card gateway.
    PayAtCard = "trade.pay_card", Some(Provider::Card);
}

/// Has a payment gone on with at a time.
pub(crate) fn assign(tx: &Tx, kept: &Kept, at: Moment) {
    let payment = kept.id;
    match kept.provider {
        None => tx.assign(&Pay { payment }, at),
        Some(Provider::KakaoPay) => tx.assign(&PayAtKakaoPay { payment }, at),
        Some(Provider::Card) => tx.assign(&PayAtCard { payment }, at),
    }
}
