//! What calm stock is.

use base::money::Money;

use crate::order::state::Units;

/// How much there is of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    /// In which sale: the deal's id.
    pub sale: String,
    /// Which kind.
    pub sku: String,
    /// How many there are, those that are held and were sold included.
    pub total: u32,
    /// What one costs.
    pub unit: Money,
}

/// Units that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Of which kind.
    pub sku: String,
    /// How many, at least 1.
    pub quantity: u32,
}

/// A change that a hold can go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// The payment begins.
    Pay,
    /// The units are sold.
    Confirm,
    /// The units go back.
    Release,
    /// The time to pay is over.
    Expire,
    /// Units that were sold go back.
    Refund,
}

impl Move {
    /// Where it leads from a state; to the same where it does not apply.
    pub(super) const fn from(self, units: Units) -> Units {
        match (self, units) {
            (Self::Pay, Units::Held) => Units::Paying,
            (Self::Confirm, Units::Held | Units::Paying) => Units::Confirmed,
            (Self::Release, Units::Held | Units::Paying) | (Self::Expire, Units::Held) => {
                Units::Released
            }
            (Self::Refund, Units::Confirmed) => Units::Refunded,
            (Self::Pay | Self::Confirm | Self::Release | Self::Expire | Self::Refund, units) => {
                units
            }
        }
    }
}

store::refusals! {
    /// Why nothing was held.
    pub HoldRefusal {
        /// There is no such kind.
        Unknown = "goods_unknown": "there are no such goods",
        /// Too few are left.
        SoldOut = "sold_out": "too few units are left",
        /// Nothing is wanted, or too much, or one kind twice.
        Wanted = "wanted_wrong": "1 to 64 kinds of goods can be held, each once",
    }
}
