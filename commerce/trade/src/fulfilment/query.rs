//! What is read of shipments and wishes to return.

use std::collections::BTreeMap;

use base::cursor::{Cursor, Page, Wanted};
use store::sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::{
    model::{ReturnRequest, ReturnState, Shipment, ShipmentState},
    rows::{Column, Entity, find, returns},
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

/// How far the goods of some orders are: one query, however many they are.
pub async fn of_orders(
    on: &impl ConnectionTrait,
    orders: &[OrderId],
) -> Result<BTreeMap<OrderId, Shipment>, DbErr> {
    let those = Entity::find().filter(Column::OrderId.is_in(orders.iter().copied()));
    let all = those.all(on).await?.into_iter().map(Shipment::from);
    Ok(all.map(|shipment| (shipment.order, shipment)).collect())
}

/// The requests to return something of some orders, the newest of each first: one query.
pub async fn returns_of_all(
    on: &impl ConnectionTrait,
    orders: &[OrderId],
) -> Result<BTreeMap<OrderId, Vec<ReturnRequest>>, DbErr> {
    let those = returns::Entity::find()
        .filter(returns::Column::OrderId.is_in(orders.iter().copied()))
        .order_by_desc(returns::Column::AskedAt)
        .order_by_desc(returns::Column::Id);
    let mut all: BTreeMap<OrderId, Vec<ReturnRequest>> = BTreeMap::new();
    for one in those.all(on).await?.into_iter().map(request) {
        all.entry(one.order).or_default().push(one);
    }
    Ok(all)
}

/// A request to return something, whatever became of it.
pub async fn find_return(
    on: &impl ConnectionTrait,
    id: ReturnId,
) -> Result<Option<ReturnRequest>, DbErr> {
    Ok(returns::Entity::find_by_id(id).one(on).await?.map(request))
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

/// Whether goods of one of these orders, which are paid, are still to be sent, or a wish to return some is not
/// decided.
pub(crate) async fn are_open(on: &impl ConnectionTrait, paid: &[OrderId]) -> Result<bool, DbErr> {
    if paid.is_empty() {
        return Ok(false);
    }
    let sent = Entity::find()
        .filter(Column::OrderId.is_in(paid.iter().copied()))
        .filter(Column::State.is_in([ShipmentState::Shipped, ShipmentState::Delivered]));
    if usize::try_from(sent.count(on).await?).unwrap_or(usize::MAX) < paid.len() {
        return Ok(true);
    }
    let wishes = returns::Entity::find()
        .filter(returns::Column::OrderId.is_in(paid.iter().copied()))
        .filter(returns::Column::State.eq(ReturnState::Open));
    Ok(wishes.count(on).await? > 0)
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
