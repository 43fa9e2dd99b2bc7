//! An order's state, from its units and its money.
//!
//! ```text
//!   units ＼ money │ none       asked       captured    part back      all back
//!   ───────────────┼───────────────────────────────────────────────────────────
//!   held           │ waiting    paying      confirming  confirming     refunding
//!   paying         │ paying     paying      confirming  confirming     refunding
//!   confirmed      │ doubt      doubt       paid        part refunded  refunding
//!   released       │ cancelled  cancelling  owed        owed           refunded
//!   refunded       │ doubt      doubt       owed        owed           refunded
//! ```

use store::sea_orm::{self, DeriveActiveEnum, EnumIter};

/// What the engine says of an order's units. Units whose time ran out are released too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Units {
    /// Reserved, for a while.
    #[sea_orm(string_value = "held")]
    Held,
    /// Reserved until the payment has come to an end.
    #[sea_orm(string_value = "paying")]
    Paying,
    /// Sold.
    #[sea_orm(string_value = "confirmed")]
    Confirmed,
    /// Back on the shelf, never sold.
    #[sea_orm(string_value = "released")]
    Released,
    /// Sold, and taken back.
    #[sea_orm(string_value = "refunded")]
    Refunded,
}

impl Units {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Held, Self::Paying, Self::Confirmed, Self::Released, Self::Refunded];
}

/// What is known of an order's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Funds {
    /// The provider was not asked to take any, or has said that it took none.
    None,
    /// The provider was asked, and has not said yet.
    Asked,
    /// It was taken.
    Captured,
    /// Some of it was given back.
    PartBack,
    /// All of it was given back.
    AllBack,
}

impl Funds {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::None, Self::Asked, Self::Captured, Self::PartBack, Self::AllBack];
}

/// How an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum OrderState {
    /// It waits to be paid.
    #[sea_orm(string_value = "waiting")]
    Waiting,
    /// A payment is under way.
    #[sea_orm(string_value = "paying")]
    Paying,
    /// The money was taken; the units are being confirmed.
    #[sea_orm(string_value = "confirming")]
    Confirming,
    /// The units are sold and paid.
    #[sea_orm(string_value = "paid")]
    Paid,
    /// The units are sold, and some of the money was given back.
    #[sea_orm(string_value = "part_refunded")]
    PartRefunded,
    /// The money was given back; the units are being taken back.
    #[sea_orm(string_value = "refunding")]
    Refunding,
    /// It came to nothing, and no money was taken.
    #[sea_orm(string_value = "cancelled")]
    Cancelled,
    /// It came to nothing; whether money was taken is not known yet.
    #[sea_orm(string_value = "cancelling")]
    Cancelling,
    /// Money was taken for units that are not there: it has to be given back.
    #[sea_orm(string_value = "owed")]
    Owed,
    /// The money was given back, and the units are back.
    #[sea_orm(string_value = "refunded")]
    Refunded,
    /// The units are sold and no money is known of: a person has to look.
    #[sea_orm(string_value = "doubt")]
    Doubt,
}

impl OrderState {
    /// What programs know it by.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Paying => "paying",
            Self::Confirming => "confirming",
            Self::Paid => "paid",
            Self::PartRefunded => "part_refunded",
            Self::Refunding => "refunding",
            Self::Cancelled => "cancelled",
            Self::Cancelling => "cancelling",
            Self::Owed => "owed",
            Self::Refunded => "refunded",
            Self::Doubt => "doubt",
        }
    }

    /// Whether it is paid for, with or without a part that was given back.
    pub const fn is_paid(self) -> bool {
        matches!(self, Self::Paid | Self::PartRefunded)
    }

    /// Whether something has still to happen to it, the sending of what was paid aside.
    pub const fn is_under_way(self) -> bool {
        match self {
            Self::Waiting
            | Self::Paying
            | Self::Confirming
            | Self::Refunding
            | Self::Cancelling
            | Self::Owed
            | Self::Doubt => true,
            Self::Paid | Self::PartRefunded | Self::Cancelled | Self::Refunded => false,
        }
    }

    /// Whether it waits for its payment, and can still be given up.
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Waiting | Self::Paying)
    }
}

/// Why an order came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Ending {
    /// Its time ran out.
    #[sea_orm(string_value = "expired")]
    Expired,
    /// The shopper gave it up.
    #[sea_orm(string_value = "given_up")]
    GivenUp,
    /// The provider refused the payment.
    #[sea_orm(string_value = "failed")]
    Failed,
}

/// How an order stands.
pub const fn state(units: Units, funds: Funds) -> OrderState {
    match (units, funds) {
        (Units::Held, Funds::None) => OrderState::Waiting,
        (Units::Held, Funds::Asked) | (Units::Paying, Funds::None | Funds::Asked) => {
            OrderState::Paying
        }
        (Units::Held | Units::Paying, Funds::Captured | Funds::PartBack) => OrderState::Confirming,
        (Units::Held | Units::Paying | Units::Confirmed, Funds::AllBack) => OrderState::Refunding,
        (Units::Confirmed, Funds::Captured) => OrderState::Paid,
        (Units::Confirmed, Funds::PartBack) => OrderState::PartRefunded,
        (Units::Confirmed | Units::Refunded, Funds::None | Funds::Asked) => OrderState::Doubt,
        (Units::Released, Funds::None) => OrderState::Cancelled,
        (Units::Released, Funds::Asked) => OrderState::Cancelling,
        (Units::Released | Units::Refunded, Funds::Captured | Funds::PartBack) => OrderState::Owed,
        (Units::Released | Units::Refunded, Funds::AllBack) => OrderState::Refunded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_of_the_table_is_as_it_is_drawn() {
        use OrderState::*;
        let table = [
            [Waiting, Paying, Confirming, Confirming, Refunding],
            [Paying, Paying, Confirming, Confirming, Refunding],
            [Doubt, Doubt, Paid, PartRefunded, Refunding],
            [Cancelled, Cancelling, Owed, Owed, Refunded],
            [Doubt, Doubt, Owed, Owed, Refunded],
        ];
        for (units, row) in Units::ALL.into_iter().zip(table) {
            for (funds, expected) in Funds::ALL.into_iter().zip(row) {
                assert_eq!(state(units, funds), expected, "{units:?}, {funds:?}");
            }
        }
    }
}
