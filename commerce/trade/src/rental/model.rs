//! What an invoice of hours is.

use base::{
    moment::Moment,
    money::{Currency, Discount, Money},
};
use identity::ids::BusinessId;
use store::sea_orm::{self, DeriveActiveEnum, EnumIter};

use crate::ids::{InvoiceId, SlotId};

/// What hours cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    per_hour: Money,
}

impl Plan {
    /// So much for each hour; `None` for what nobody may pay, or what overflows in a day.
    pub fn per_hour(rent: Money) -> Option<Self> {
        let day = rent.times(u32::from(base::calendar::DAY_HOURS))?;
        Money::payable(rent.minor, rent.currency)?;
        Money::payable(day.minor, rent.currency)?;
        Some(Self { per_hour: rent })
    }

    /// Hours that cost nothing.
    pub const fn free(currency: Currency) -> Self {
        Self { per_hour: Money::zero(currency) }
    }

    /// What an hour costs.
    pub const fn hourly(&self) -> Money {
        self.per_hour
    }

    /// The rent of so many hours, which are a day's at most.
    pub(super) fn rent(&self, hours: u32) -> Money {
        let rent = self.per_hour.times(hours);
        rent.unwrap_or_else(|| unreachable!("a day's rent was checked, and {hours} hours are less"))
    }
}

/// How an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum InvoiceState {
    /// It is to be paid.
    #[sea_orm(string_value = "due")]
    Due,
    /// It was paid.
    #[sea_orm(string_value = "paid")]
    Paid,
    /// The hours were freed before it was paid.
    #[sea_orm(string_value = "void")]
    Void,
    /// The hours were freed after it was paid: it is owed back.
    #[sea_orm(string_value = "credited")]
    Credited,
}

impl InvoiceState {
    /// What programs know it by.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Paid => "paid",
            Self::Void => "void",
            Self::Credited => "credited",
        }
    }
}

/// The invoice of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// Its id.
    pub id: InvoiceId,
    /// For which hours.
    pub slot: SlotId,
    /// Who pays it.
    pub business: BusinessId,
    /// How many hours.
    pub hours: u32,
    /// The rent.
    pub amount: Money,
    /// What the platform takes of each sale beside the rent: nothing.
    pub commission: Discount,
    /// How it stands.
    pub state: InvoiceState,
    /// When it was written.
    pub issued_at: Moment,
    /// When it was paid, voided or credited.
    pub settled_at: Option<Moment>,
}

store::refusals! {
    /// Why an invoice was not noted as paid.
    pub SettleRefusal {
        /// Who says so does not run the platform.
        NotAnOperator = "not_an_operator": "the account does not run the platform",
        /// There is no such invoice.
        Unknown = "invoice_unknown": "there is no such invoice",
        /// Its hours were freed.
        NotDue = "invoice_not_due": "the invoice is not to be paid: its hours were freed",
    }
}
