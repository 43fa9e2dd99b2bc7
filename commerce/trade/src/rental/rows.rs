//! The table of invoices.

use base::{
    moment::Moment,
    money::{Discount, Money},
};
use identity::ids::BusinessId;
use store::{
    At, Tx,
    sea_orm::{self, QuerySelect as _, Set, entity::prelude::*},
};

use super::model::{Invoice, InvoiceState};
use crate::{
    ids::{InvoiceId, SlotId},
    kept,
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rental_invoice")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InvoiceId,
    #[sea_orm(unique)]
    pub slot: SlotId,
    pub business: BusinessId,
    pub hours: i64,
    pub amount: i64,
    pub currency: String,
    pub commission: i64,
    pub state: InvoiceState,
    pub issued_at: At,
    pub settled_at: Option<At>,
}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Invoice {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            slot: row.slot,
            business: row.business,
            hours: kept::count(row.hours),
            amount: Money::new(row.amount, kept::currency(&row.currency)),
            commission: kept::discount(row.commission),
            state: row.state,
            issued_at: row.issued_at.into(),
            settled_at: row.settled_at.map(Moment::from),
        }
    }
}

pub(super) async fn insert(tx: &Tx, invoice: &Invoice) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(invoice.id),
        slot: Set(invoice.slot),
        business: Set(invoice.business),
        hours: Set(invoice.hours.into()),
        amount: Set(invoice.amount.minor),
        currency: Set(invoice.amount.currency.code().to_owned()),
        commission: Set(Discount::basis_points(invoice.commission).into()),
        state: Set(invoice.state),
        issued_at: Set(invoice.issued_at.into()),
        settled_at: Set(invoice.settled_at.map(At::from)),
    };
    Entity::insert(row).exec_without_returning(tx).await.map(drop)
}

pub(super) async fn lock(tx: &Tx, invoice: InvoiceId) -> Result<Option<Invoice>, DbErr> {
    let row = Entity::find_by_id(invoice).lock_exclusive().one(tx).await?;
    Ok(row.map(Invoice::from))
}

/// Brings the invoice of a slot from one state to another, and says whether it was in the first.
pub(super) async fn settle_of(
    tx: &Tx,
    slot: SlotId,
    from: InvoiceState,
    to: InvoiceState,
) -> Result<bool, DbErr> {
    let changes = ActiveModel {
        state: Set(to),
        settled_at: Set(Some(tx.now().into())),
        ..Default::default()
    };
    let one = Entity::update_many()
        .set(changes)
        .filter(COLUMN.slot.eq(slot))
        .filter(COLUMN.state.eq(from));
    Ok(one.exec(tx).await?.rows_affected > 0)
}

#[cfg(test)]
store::entity_test!(crate::rental::rows::Entity, &crate::tests::steps());
