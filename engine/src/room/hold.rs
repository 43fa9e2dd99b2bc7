//! A hold: units reserved for one shopper until paid, released or expired; then an order.
//!
//! ```text
//!             pay            confirm            refund
//!   Held ───────────▶ Paying ───────▶ Confirmed ───────▶ Refunded
//!    │ │                │                 ▲
//!    │ │                └── release ─┐    │
//!    │ └───────── confirm ───────────┼────┘
//!    ├── release ────────────────────┴──▶ Released
//!    └── expire ────────────────────────▶ Expired
//! ```
//!
//! A hold ends exactly once. `Paying` never expires: only the payment provider's answer ends it,
//! which is why a shopper can release a hold but not a payment under way.

use smallvec::SmallVec;

use crate::{
    clock::Millis,
    codec::{binary_enum, binary_struct},
    id::{HoldId, Number, OfferIndex, ShopperKey},
};

/// Units of one offer within a purchase, at the price of the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldItem {
    /// Which offer.
    pub offer: OfferIndex,
    /// How many units.
    pub quantity: u32,
    /// The price of one unit when the hold was made, in minor units.
    pub price: i64,
}

binary_struct!(HoldItem { offer, quantity, price });

/// What a hold reserves. Nearly every purchase is of one offer, and that one needs no allocation.
pub type HoldItems = SmallVec<[HoldItem; 1]>;

/// Units reserved for one shopper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The hold's number in its sale.
    pub id: HoldId,
    /// The admitted place it was made from.
    pub number: Number,
    /// Whose it is.
    pub shopper: ShopperKey,
    /// Where it stands.
    pub state: HoldState,
    /// What it reserves.
    pub items: HoldItems,
    /// When it was made.
    pub created_at: Millis,
    /// When it ends by itself, unless payment has begun.
    pub expires_at: Millis,
}

binary_struct!(Hold { id, number, shopper, state, items, created_at, expires_at });

impl Hold {
    /// What it costs, in minor units of the sale's currency.
    pub fn amount(&self) -> i64 {
        self.items.iter().map(|item| item.price * i64::from(item.quantity)).sum()
    }

    /// Units over all offers.
    pub fn units(&self) -> u64 {
        self.items.iter().map(|item| u64::from(item.quantity)).sum()
    }
}

/// Where a hold stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldState {
    /// Reserved; expires by itself.
    Held,
    /// Payment has begun; only the provider's answer ends it.
    Paying,
    /// Paid: an order.
    Confirmed,
    /// Given up.
    Released,
    /// Not paid in time.
    Expired,
    /// Paid back.
    Refunded,
}

binary_enum!(HoldState {
    0 => Held,
    1 => Paying,
    2 => Confirmed,
    3 => Released,
    4 => Expired,
    5 => Refunded,
});

impl HoldState {
    /// Whether a hold in this state stays in it for good.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Released | Self::Expired | Self::Refunded)
    }

    /// Whether a hold in this state may be found in `later` afterwards.
    pub fn leads_to(self, later: Self) -> bool {
        match self {
            Self::Held => true,
            Self::Paying => !matches!(later, Self::Held | Self::Expired),
            Self::Confirmed => matches!(later, Self::Confirmed | Self::Refunded),
            Self::Released | Self::Expired | Self::Refunded => later == self,
        }
    }
}

/// A change a hold can go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Payment begins.
    Pay,
    /// The provider says paid.
    Confirm,
    /// The units are given up, or the provider says not paid.
    Release,
    /// The time for paying is over.
    Expire,
    /// The money goes back.
    Refund,
}

binary_enum!(Step { 0 => Pay, 1 => Confirm, 2 => Release, 3 => Expire, 4 => Refund });

impl Step {
    /// The state the step leads to.
    pub const fn target(self) -> HoldState {
        match self {
            Self::Pay => HoldState::Paying,
            Self::Confirm => HoldState::Confirmed,
            Self::Release => HoldState::Released,
            Self::Expire => HoldState::Expired,
            Self::Refund => HoldState::Refunded,
        }
    }

    /// Whether the step may be taken from `state`.
    pub const fn applies_to(self, state: HoldState) -> bool {
        match self {
            Self::Pay | Self::Expire => matches!(state, HoldState::Held),
            Self::Confirm | Self::Release => matches!(state, HoldState::Held | HoldState::Paying),
            Self::Refund => matches!(state, HoldState::Confirmed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [HoldState; 6] = [
        HoldState::Held,
        HoldState::Paying,
        HoldState::Confirmed,
        HoldState::Released,
        HoldState::Expired,
        HoldState::Refunded,
    ];

    #[test]
    fn an_ended_hold_never_moves_again() {
        for state in [HoldState::Released, HoldState::Expired, HoldState::Refunded] {
            for step in [Step::Pay, Step::Confirm, Step::Release, Step::Expire, Step::Refund] {
                assert!(!step.applies_to(state), "{step:?} from {state:?}");
            }
        }
    }

    #[test]
    fn a_payment_under_way_never_expires() {
        assert!(!Step::Expire.applies_to(HoldState::Paying));
    }

    #[test]
    fn only_an_order_is_refunded() {
        let from: Vec<_> = STATES.into_iter().filter(|s| Step::Refund.applies_to(*s)).collect();
        assert_eq!(from, [HoldState::Confirmed]);
    }
}
