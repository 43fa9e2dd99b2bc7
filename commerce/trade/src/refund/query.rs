//! What is read of refunds.

use base::money::Money;
use store::{
    sea_orm::{
        ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
        QueryOrder as _, QuerySelect as _,
    },
    sum_i64,
};

use super::{
    model::Refund,
    rows::{COLUMN, Column, Entity, line},
};
use crate::{
    ids::{OrderId, RefundId},
    order::Order,
    payment,
};

/// The refunds of an order, in the order in which they were wanted.
pub async fn of_order(on: &impl ConnectionTrait, order: OrderId) -> Result<Vec<Refund>, DbErr> {
    let Some(kept) = payment::of_order(on, order).await? else { return Ok(Vec::new()) };
    let rows = Entity::find()
        .filter(COLUMN.order_id.eq(order))
        .order_by_asc(Column::WantedAt)
        .order_by_asc(Column::Id);
    let currency = kept.payment.due().currency;
    let refunds = rows.all(on).await?.into_iter().map(|row| Refund {
        id: row.id,
        amount: Money::new(row.minor, currency),
        wanted_by: row.wanted_by,
        reason: row.reason,
        wanted_at: row.wanted_at.into(),
        is_given: kept.payment.is_given(row.id),
    });
    Ok(refunds.collect())
}

/// The refund that was wanted last.
pub(super) async fn last_of(
    on: &impl ConnectionTrait,
    order: OrderId,
) -> Result<Option<RefundId>, DbErr> {
    let rows = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(COLUMN.order_id.eq(order))
        .order_by_desc(Column::WantedAt)
        .order_by_desc(Column::Id);
    rows.into_tuple().one(on).await
}

/// How many units of each line of an order are still the buyer's: what a seller sends.
pub async fn units_left(on: &impl ConnectionTrait, order: &Order) -> Result<Vec<u32>, DbErr> {
    let gone = quantities(on, order.id).await?;
    let left = order.lines.iter().zip(0_i64..).map(|(line, position)| {
        let gone = gone.iter().find(|(known, _)| *known == position);
        let gone = gone.and_then(|(_, quantity)| u32::try_from(*quantity).ok()).unwrap_or(0);
        line.quantity.saturating_sub(gone)
    });
    Ok(left.collect())
}

/// How many units of each line went back by refunds that named them.
pub(super) async fn quantities(
    on: &impl ConnectionTrait,
    order: OrderId,
) -> Result<Vec<(i64, i64)>, DbErr> {
    let sums = line::Entity::find()
        .select_only()
        .column(line::Column::Position)
        .column_as(sum_i64(line::Column::Quantity), "quantity")
        .filter(line::Column::OrderId.eq(order))
        .group_by(line::Column::Position);
    sums.into_tuple().all(on).await
}
