//! What is read of orders.

use std::{collections::BTreeMap, ops::Range};

use base::{
    cursor::{Cursor, Page, Wanted},
    moment::Moment,
};
use identity::ids::AccountId;
use store::{
    sea_orm::{
        ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
        QueryOrder as _, QuerySelect as _, Select,
    },
    sum_i64,
};

use super::{
    model::{Order, Purchase, Total},
    number,
    rows::{COLUMN, Column, Entity, with_lines},
    state::OrderState,
};
use crate::ids::{DealId, OrderId};

/// An order of an account; one of somebody else is none.
pub async fn find(
    on: &impl ConnectionTrait,
    account: AccountId,
    order: OrderId,
) -> Result<Option<Order>, DbErr> {
    one(on, Entity::find_by_id(order).filter(COLUMN.account.eq(account))).await
}

/// An order of any account: for sellers and operators.
pub async fn find_any(on: &impl ConnectionTrait, order: OrderId) -> Result<Option<Order>, DbErr> {
    one(on, Entity::find_by_id(order)).await
}

/// The order that people call by this number, however it is typed: for operators.
pub async fn by_number(on: &impl ConnectionTrait, typed: &str) -> Result<Option<Order>, DbErr> {
    let Some(number) = number::typed(typed) else { return Ok(None) };
    one(on, Entity::find().filter(COLUMN.number.eq(number))).await
}

/// The order of a hold.
pub async fn of_purchase(
    on: &impl ConnectionTrait,
    purchase: &Purchase,
) -> Result<Option<Order>, DbErr> {
    one(on, of(purchase)).await
}

/// Which order is of a hold.
pub(crate) async fn id_of(
    on: &impl ConnectionTrait,
    purchase: &Purchase,
) -> Result<Option<OrderId>, DbErr> {
    of(purchase).select_only().column(Column::Id).into_tuple().one(on).await
}

fn of(purchase: &Purchase) -> Select<Entity> {
    Entity::find()
        .filter(COLUMN.sale.eq(purchase.sale.as_str()))
        .filter(COLUMN.purchase.eq(purchase.purchase.as_str()))
}

/// The orders of an account, the newest first, whatever became of them.
pub async fn of_account(
    on: &impl ConnectionTrait,
    account: AccountId,
    wanted: Wanted,
) -> Result<Page<Order>, DbErr> {
    page(on, Entity::find().filter(COLUMN.account.eq(account)), wanted).await
}

/// The orders of a deal in some states, the newest first; in all of them if none is named.
pub async fn of_deal(
    on: &impl ConnectionTrait,
    deal: DealId,
    states: &[OrderState],
    wanted: Wanted,
) -> Result<Page<Order>, DbErr> {
    let mut those = Entity::find().filter(COLUMN.deal.eq(deal));
    if !states.is_empty() {
        those = those.filter(Column::State.is_in(states.iter().copied()));
    }
    page(on, those, wanted).await
}

/// What the orders of a deal come to that were placed within a time, its end excluded, by state.
pub async fn totals(
    on: &impl ConnectionTrait,
    deal: DealId,
    within: Range<Moment>,
) -> Result<Vec<Total>, DbErr> {
    let sums = Entity::find()
        .select_only()
        .column(Column::State)
        .column_as(Column::Id.count(), "orders")
        .column_as(sum_i64(Column::Units), "units")
        .column_as(sum_i64(Column::Total), "minor")
        .filter(COLUMN.deal.eq(deal))
        .filter(Column::PlacedAt.gte(within.start.0))
        .filter(Column::PlacedAt.lt(within.end.0))
        .group_by(Column::State)
        .order_by_asc(Column::State);
    let rows = sums.into_tuple::<(OrderState, i64, i64, i64)>().all(on).await?;
    let total = |(state, orders, units, minor)| Total { state, orders, units, minor };
    Ok(rows.into_iter().map(total).collect())
}

/// What all orders of some deals come to, by deal and state: one statement, however many they are.
pub async fn totals_of(
    on: &impl ConnectionTrait,
    deals: &[DealId],
) -> Result<BTreeMap<DealId, Vec<Total>>, DbErr> {
    let sums = Entity::find()
        .select_only()
        .column(Column::Deal)
        .column(Column::State)
        .column_as(Column::Id.count(), "orders")
        .column_as(sum_i64(Column::Units), "units")
        .column_as(sum_i64(Column::Total), "minor")
        .filter(Column::Deal.is_in(deals.iter().copied()))
        .group_by(Column::Deal)
        .group_by(Column::State)
        .order_by_asc(Column::Deal)
        .order_by_asc(Column::State);
    let rows = sums.into_tuple::<(DealId, OrderState, i64, i64, i64)>().all(on).await?;
    let mut all: BTreeMap<DealId, Vec<Total>> = BTreeMap::new();
    for (deal, state, orders, units, minor) in rows {
        all.entry(deal).or_default().push(Total { state, orders, units, minor });
    }
    Ok(all)
}

/// How orders stand, as their rows say.
pub(crate) async fn states(
    on: &impl ConnectionTrait,
    orders: &[OrderId],
) -> Result<Vec<(OrderId, OrderState)>, DbErr> {
    let those = Entity::find()
        .select_only()
        .columns([Column::Id, Column::State])
        .filter(Column::Id.is_in(orders.iter().copied()));
    those.into_tuple().all(on).await
}

async fn one(on: &impl ConnectionTrait, those: Select<Entity>) -> Result<Option<Order>, DbErr> {
    let rows = those.one(on).await?.into_iter().collect();
    Ok(with_lines(on, rows).await?.pop())
}

async fn page(
    on: &impl ConnectionTrait,
    those: Select<Entity>,
    wanted: Wanted,
) -> Result<Page<Order>, DbErr> {
    let mut those = those.cursor_by((Column::PlacedAt, Column::Id));
    those.desc();
    if let Some(after) = wanted.after() {
        those.after((after.by, after.id.to_string()));
    }
    let orders = with_lines(on, those.first(wanted.rows()).all(on).await?).await?;
    let place = |order: &Order| Cursor { by: order.placed_at.0, id: order.id.0 };
    Ok(Page::of(orders, wanted, place))
}
