//! Hours, sales and rent on the wire.

use base::{calendar::Day, moment::Moment, money::Money};
use serde::Serialize;
use trade::{
    deal::Deal,
    history::DaySales,
    rental::{Invoice, InvoiceState},
    slot::Slot,
};

use super::time;

/// The hours of a day.
#[derive(Debug, Serialize)]
pub(crate) struct SlotsObject {
    pub(crate) date: String,
    /// Whether each hour, from 0 to 23, is booked out.
    pub(crate) hours: Vec<bool>,
    /// How many more deals each hour can have; those that have begun have none.
    pub(crate) room: Vec<u32>,
    pub(crate) hours_min: u32,
    pub(crate) rent: i64,
    pub(crate) currency: String,
}

/// What a deal has sold on a day, or in all.
#[derive(Debug, Serialize)]
pub(crate) struct SalesObject {
    deal: String,
    title: String,
    opens_at: String,
    day: String,
    #[serde(flatten)]
    sums: SumsObject,
}

/// What sales come to.
#[derive(Debug, Serialize)]
pub(crate) struct SumsObject {
    orders: i64,
    units: i64,
    gross: i64,
    refunded: i64,
    refunded_units: i64,
    net: i64,
    currency: String,
}

/// A page of sales, and what all of the period come to.
#[derive(Debug, Serialize)]
pub(crate) struct SalesList {
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) totals: SumsObject,
    pub(crate) items: Vec<SalesObject>,
    pub(crate) next_cursor: Option<String>,
}

impl SumsObject {
    pub(crate) fn of(sales: &DaySales) -> Self {
        Self {
            orders: sales.orders,
            units: sales.units,
            gross: sales.gross.minor,
            refunded: sales.refunded.minor,
            refunded_units: sales.refunded_units,
            net: sales.net.minor,
            currency: sales.net.currency.code().to_owned(),
        }
    }
}

impl SalesObject {
    pub(crate) fn of(deal: &Deal, sales: &DaySales) -> Self {
        Self {
            deal: deal.id.to_string(),
            title: deal.terms.title.clone(),
            opens_at: time(deal.terms.hours.starts_at()),
            day: sales.day.to_string(),
            sums: SumsObject::of(sales),
        }
    }
}

/// An invoice of hours.
#[derive(Debug, Serialize)]
pub(crate) struct InvoiceObject {
    invoice: String,
    deal: Option<String>,
    opens_at: Option<String>,
    closes_at: Option<String>,
    hours: u32,
    amount: i64,
    currency: String,
    commission_percent: u16,
    state: &'static str,
    issued_at: String,
    settled_at: Option<String>,
}

impl InvoiceObject {
    pub(crate) fn of(invoice: &Invoice, slot: Option<&Slot>) -> Self {
        let Money { minor, currency } = invoice.amount;
        Self {
            invoice: invoice.id.to_string(),
            deal: slot.map(|slot| slot.deal.to_string()),
            opens_at: slot.map(|slot| time(slot.hours.starts_at())),
            closes_at: slot.map(|slot| time(slot.hours.ends_at())),
            hours: invoice.hours,
            amount: minor,
            currency: currency.code().to_owned(),
            commission_percent: invoice.commission.basis_points() / 100,
            state: match invoice.state {
                InvoiceState::Due => "due",
                InvoiceState::Paid => "paid",
                InvoiceState::Void => "void",
                InvoiceState::Credited => "credited",
            },
            issued_at: time(invoice.issued_at),
            settled_at: invoice.settled_at.map(time),
        }
    }
}

/// The first moment of a day, and the first after another.
pub(crate) fn between(
    calendar: &base::calendar::Calendar,
    from: Day,
    to: Day,
) -> std::ops::Range<Moment> {
    calendar.start_of(from)..calendar.start_of(to.plus(1))
}
