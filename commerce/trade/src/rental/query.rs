//! What is read of invoices.

use base::cursor::{Cursor, Page, Wanted};
use identity::ids::BusinessId;
use store::{
    sea_orm::{
        ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
        QuerySelect as _,
    },
    sum_i64,
};

use super::{
    model::{Invoice, InvoiceState},
    rows::{COLUMN, Column, Entity},
};
use crate::ids::{InvoiceId, SlotId};

/// An invoice.
pub async fn find(on: &impl ConnectionTrait, invoice: InvoiceId) -> Result<Option<Invoice>, DbErr> {
    Ok(Entity::find_by_id(invoice).one(on).await?.map(Invoice::from))
}

/// The invoice of a slot.
pub async fn of_slot(on: &impl ConnectionTrait, slot: SlotId) -> Result<Option<Invoice>, DbErr> {
    let one = Entity::find().filter(COLUMN.slot.eq(slot)).one(on);
    Ok(one.await?.map(Invoice::from))
}

/// The invoices of a business, the newest first.
pub async fn list(
    on: &impl ConnectionTrait,
    business: BusinessId,
    wanted: Wanted,
) -> Result<Page<Invoice>, DbErr> {
    let those = Entity::find().filter(COLUMN.business.eq(business));
    let mut those = those.cursor_by((Column::IssuedAt, Column::Id));
    those.desc();
    if let Some(after) = wanted.after() {
        those.after((after.by, after.id.to_string()));
    }
    let rows = those.first(wanted.rows()).all(on).await?;
    let all = rows.into_iter().map(Invoice::from).collect();
    let place = |one: &Invoice| Cursor { by: one.issued_at.0, id: one.id.0 };
    Ok(Page::of(all, wanted, place))
}

/// What a business has to pay in all, in minor units.
pub async fn due(on: &impl ConnectionTrait, business: BusinessId) -> Result<i64, DbErr> {
    let sum = Entity::find()
        .select_only()
        .column_as(sum_i64(Column::Amount), "amount")
        .filter(COLUMN.business.eq(business))
        .filter(COLUMN.state.eq(InvoiceState::Due));
    Ok(sum.into_tuple::<Option<i64>>().one(on).await?.flatten().unwrap_or(0))
}
