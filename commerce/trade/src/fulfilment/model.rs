//! What a shipment is, and a wish to return.

use base::moment::Moment;
use store::sea_orm::{self, DeriveActiveEnum, EnumIter};

use crate::{
    ids::{OrderId, ReturnId},
    limits::PARCEL_CHARS_MAX,
};

/// How far goods are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum ShipmentState {
    /// They are being packed.
    #[sea_orm(string_value = "preparing")]
    Preparing,
    /// A carrier has them.
    #[sea_orm(string_value = "shipped")]
    Shipped,
    /// The receiver has them.
    #[sea_orm(string_value = "delivered")]
    Delivered,
}

impl ShipmentState {
    /// What programs know it by.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
        }
    }
}

/// What a carrier calls a shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    carrier: String,
    tracking: String,
}

impl Parcel {
    /// A carrier's name of 1 to 40 characters, and a tracking number of as many digits, letters and hyphens.
    pub fn parse(carrier: &str, tracking: &str) -> Option<Self> {
        let (carrier, tracking) = (carrier.trim(), tracking.trim());
        let fits = |text: &str| (1..=PARCEL_CHARS_MAX).contains(&text.chars().count());
        let is_number = tracking.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let is_line = !carrier.chars().any(char::is_control);
        (fits(carrier) && fits(tracking) && is_number && is_line)
            .then(|| Self { carrier: carrier.to_owned(), tracking: tracking.to_owned() })
    }

    pub(super) const fn kept(carrier: String, tracking: String) -> Self {
        Self { carrier, tracking }
    }

    /// The carrier's name.
    pub fn carrier(&self) -> &str {
        &self.carrier
    }

    /// The carrier's number.
    pub fn tracking(&self) -> &str {
        &self.tracking
    }
}

/// Goods on their way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipment {
    /// Of which order.
    pub order: OrderId,
    /// How far they are.
    pub state: ShipmentState,
    /// What the carrier calls them, once it has them.
    pub parcel: Option<Parcel>,
    /// Since when they are being packed.
    pub prepared_at: Moment,
    /// Since when a carrier has them.
    pub shipped_at: Option<Moment>,
    /// Since when the receiver has them.
    pub delivered_at: Option<Moment>,
}

/// What became of a wish to return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum ReturnState {
    /// It is not decided.
    #[sea_orm(string_value = "open")]
    Open,
    /// The goods are taken back.
    #[sea_orm(string_value = "accepted")]
    Accepted,
    /// They are not.
    #[sea_orm(string_value = "refused")]
    Refused,
}

impl ReturnState {
    /// What programs know it by.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }
}

/// What is decided of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The goods are taken back.
    Accept,
    /// They are not.
    Refuse,
}

impl Decision {
    pub(super) const fn state(self) -> ReturnState {
        match self {
            Self::Accept => ReturnState::Accepted,
            Self::Refuse => ReturnState::Refused,
        }
    }
}

/// Goods that somebody wants to send back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnRequest {
    /// Its id.
    pub id: ReturnId,
    /// Of which order.
    pub order: OrderId,
    /// Why, in the buyer's words.
    pub reason: String,
    /// What became of it.
    pub state: ReturnState,
    /// When it was asked.
    pub asked_at: Moment,
}

store::refusals! {
    /// Why nothing is said of a shipment.
    pub ShipRefusal {
        /// There is no such order.
        Unknown = "order_unknown": "there is no such order",
        /// The order is not paid, or its money went back.
        NotPaid = "order_not_paid": "only a paid order is shipped",
        /// No carrier has the goods yet.
        NotShipped = "order_not_shipped": "the goods were not shipped",
        /// The goods have arrived.
        Delivered = "order_delivered": "the goods have arrived",
    }
}

store::refusals! {
    /// Why goods are not returned.
    pub ReturnRefusal {
        /// There is no such order or wish, it is somebody else's, or it was decided.
        Unknown = "return_unknown": "there is no such order, or nothing to decide",
        /// The goods are still here: the order is refunded instead.
        NotShipped = "order_not_shipped": "only goods that were shipped are returned",
        /// It has no reason, or a long one.
        Reason = "reason_invalid": "a reason has 1 to 500 characters",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parcel_has_a_carrier_and_a_number() {
        let parcel = Parcel::parse(" CJ대한통운 ", "6123-4567-8901").unwrap();
        assert_eq!((parcel.carrier(), parcel.tracking()), ("CJ대한통운", "6123-4567-8901"));
        for (carrier, tracking) in [("", "1"), ("CJ", ""), ("CJ", "1 2"), ("C\nJ", "1")] {
            assert_eq!(Parcel::parse(carrier, tracking), None, "{carrier:?} {tracking:?}");
        }
    }
}
