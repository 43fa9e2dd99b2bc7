//! What is read of shipments and wishes to return.

use base::cursor::{Cursor, Page, Wanted};
use store::sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::{
    model::{ReturnRequest, ReturnState, Shipment},
    rows::{find, returns},
};
use crate::ids::{OrderId, ReturnId};

/// How far the goods of an order are; nothing before they are being packed.
pub async fn of_order(
    on: &impl ConnectionTrait,
    order: OrderId,
) -> Result<Option<Shipment>, DbErr> {
    find(on, order).await
}

/// The wishes to return something of an order, the newest first. There is one open at a time.
pub async fn returns_of(
    on: &impl ConnectionTrait,
    order: OrderId,
) -> Result<Vec<ReturnRequest>, DbErr> {
    let those = returns::Entity::find()
        .filter(returns::Column::OrderId.eq(order))
        .order_by_desc(returns::Column::AskedAt)
        .order_by_desc(returns::Column::Id);
    Ok(those.all(on).await?.into_iter().map(request).collect())
}

/// The requests that are not decided, the oldest first.
pub async fn open_returns(
    on: &impl ConnectionTrait,
    wanted: Wanted,
) -> Result<Page<ReturnRequest>, DbErr> {
    let those = returns::Entity::find().filter(returns::Column::State.eq(ReturnState::Open));
    let mut those = those.cursor_by((returns::Column::AskedAt, returns::Column::Id));
    if let Some(after) = wanted.after() {
        those.after((after.by, after.id.to_string()));
    }
    let rows = those.first(wanted.rows()).all(on).await?;
    let place = |one: &ReturnRequest| Cursor { by: one.asked_at.0, id: one.id.0 };
    Ok(Page::of(rows.into_iter().map(request).collect(), wanted, place))
}

/// The open wish of an order.
pub(super) async fn open_of(
    on: &impl ConnectionTrait,
    order: OrderId,
) -> Result<Option<ReturnId>, DbErr> {
    let one = returns::Entity::find()
        .select_only()
        .column(returns::Column::Id)
        .filter(returns::Column::OrderId.eq(order))
        .filter(returns::Column::State.eq(ReturnState::Open));
    one.into_tuple().one(on).await
}

fn request(row: returns::Model) -> ReturnRequest {
    ReturnRequest {
        id: row.id,
        order: row.order_id,
        reason: row.reason,
        state: row.state,
        asked_at: row.asked_at.into(),
    }
}
