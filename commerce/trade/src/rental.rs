//! What a business pays for its hours.
//!
//! Owns the invoice of each slot. Refuses how an invoice is paid, which an operator says. Always true: a
//! slot has one invoice; what was paid for hours that were freed before they began is owed back; the
//! platform takes rent alone, and no commission. The books have each change of an invoice.

mod model;
mod query;
mod rows;

use base::{moment::Moment, money::Discount};
use identity::{account::Live, ids::BusinessId};
use store::{Failure, Tx, refused, sea_orm::DbErr};

pub use self::{
    model::{Invoice, InvoiceState, Plan, SettleRefusal},
    query::{due, find, list, of_slot},
};
use crate::{
    ids::{InvoiceId, SlotId},
    ledger::{self, Account, Kind},
};

/// Writes the invoice of a slot that was booked.
pub(crate) async fn issue(
    tx: &Tx,
    plan: &Plan,
    slot: SlotId,
    business: BusinessId,
    hours: u32,
) -> Result<InvoiceId, DbErr> {
    let invoice = Invoice {
        id: InvoiceId::new(tx.now()),
        slot,
        business,
        hours,
        amount: plan.rent(hours),
        commission: Discount::default(),
        state: InvoiceState::Due,
        issued_at: tx.now(),
        settled_at: None,
    };
    rows::insert(tx, &invoice).await?;
    book(tx, Kind::Rental, &invoice, (Account::Rental, Account::Receivable)).await?;
    Ok(invoice.id)
}

/// Takes back the invoice of a slot that was freed before it began.
pub(crate) async fn take_back(tx: &Tx, slot: SlotId) -> Result<(), DbErr> {
    let is_taken_back = rows::settle_of(tx, slot, InvoiceState::Due, InvoiceState::Void).await?
        || rows::settle_of(tx, slot, InvoiceState::Paid, InvoiceState::Credited).await?;
    match of_slot(tx, slot).await? {
        Some(invoice) if is_taken_back => {
            let accounts = (Account::Receivable, Account::Rental);
            book(tx, Kind::RentalBack, &invoice, accounts).await
        }
        Some(_) | None => Ok(()),
    }
}

/// Has the books say what became of an invoice.
async fn book(
    tx: &Tx,
    kind: Kind,
    invoice: &Invoice,
    accounts: (Account, Account),
) -> Result<(), DbErr> {
    let subject = invoice.id.to_string();
    ledger::move_money(tx, kind, &subject, invoice.amount, accounts).await.map(drop)
}

/// Notes that a business has paid an invoice, as an operator says; again is no change.
///
/// # Errors
///
/// As [`SettleRefusal`] says.
pub async fn settle(
    tx: &Tx,
    by: &Live,
    invoice: InvoiceId,
) -> Result<Moment, Failure<SettleRefusal>> {
    if !by.account().is_operator {
        return refused(SettleRefusal::NotAnOperator);
    }
    let Some(known) = rows::lock(tx, invoice).await? else {
        return refused(SettleRefusal::Unknown);
    };
    match (known.state, known.settled_at) {
        (InvoiceState::Paid, Some(at)) => Ok(at),
        (InvoiceState::Due, _) => {
            rows::settle_of(tx, known.slot, InvoiceState::Due, InvoiceState::Paid).await?;
            book(tx, Kind::RentalPaid, &known, (Account::Receivable, Account::Bank)).await?;
            Ok(tx.now())
        }
        _ => refused(SettleRefusal::NotDue),
    }
}
