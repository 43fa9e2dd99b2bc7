//! What entries are about.

use store::sea_orm::{self, DeriveActiveEnum, EnumIter};

/// What an entry is about. Its subject is the id of such a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// A payment's money was taken.
    #[sea_orm(string_value = "capture")]
    Capture,
    /// Some of it was given back.
    #[sea_orm(string_value = "give_back")]
    GiveBack,
    /// A provider kept something for its work.
    #[sea_orm(string_value = "fee")]
    Fee,
    /// A business owes for a slot.
    #[sea_orm(string_value = "rental")]
    Rental,
    /// A business has paid for a slot.
    #[sea_orm(string_value = "rental_paid")]
    RentalPaid,
    /// A slot was freed: nothing is owed for it, and what was paid is owed back.
    #[sea_orm(string_value = "rental_back")]
    RentalBack,
}
