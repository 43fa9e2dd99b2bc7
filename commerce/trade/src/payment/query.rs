//! What is read of payments.

use base::{
    cursor::{Cursor, Page, Wanted},
    id::Id,
    moment::Moment,
};
use store::{
    is_away,
    sea_orm::{
        ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _,
        QueryFilter as _, QueryOrder as _, QuerySelect as _,
        sea_query::{Expr, ExprTrait as _},
    },
    sum_i64,
};

use super::{
    kept::Kept,
    rows::{
        COLUMN, Column, Entity, Model, added_up, doubt_of, read, read_of, step as step_row,
        steps_of,
    },
    state::Doubt,
    step::Step,
};
use crate::{
    gateway::{Method, Provider},
    ids::{OrderId, PaymentId},
};

/// A payment.
pub async fn find(on: &impl ConnectionTrait, payment: PaymentId) -> Result<Option<Kept>, DbErr> {
    match Entity::find_by_id(payment).one(on).await? {
        Some(row) => read(on, row).await.map(Some),
        None => Ok(None),
    }
}

/// The payment of an order.
pub async fn of_order(on: &impl ConnectionTrait, order: OrderId) -> Result<Option<Kept>, DbErr> {
    read_of(on, order).await
}

/// Who took, or is to take, the money of an order, and what came of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// The payment.
    pub payment: PaymentId,
    /// Of which order.
    pub order: OrderId,
    /// Who is to take the money; `None` until the shopper chose.
    pub provider: Option<Provider>,
    /// How the shopper paid, once that is known.
    pub method: Option<Method>,
    /// What was given back, in minor units.
    pub back: i64,
}

/// The payments of some orders, in no order: one query, however many they are.
pub async fn named(on: &impl ConnectionTrait, orders: &[OrderId]) -> Result<Vec<Named>, DbErr> {
    let those = Entity::find().filter(Column::OrderId.is_in(orders.iter().copied()));
    let named = those.all(on).await?.into_iter().map(|row| Named {
        payment: row.id,
        order: row.order_id,
        provider: row.provider,
        method: row.method,
        back: row.back,
    });
    Ok(named.collect())
}

/// What happened to a payment, and when, the first thing first.
pub async fn story(
    on: &impl ConnectionTrait,
    payment: PaymentId,
) -> Result<Vec<(Moment, Step)>, DbErr> {
    steps_of(on, payment).await
}

/// A payment that a person has to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubtful {
    /// Which one.
    pub payment: PaymentId,
    /// For which order.
    pub order: OrderId,
    /// Why.
    pub doubt: Doubt,
    /// Since when.
    pub since: Moment,
}

/// The payments that a person has to look at, the oldest doubt first.
pub async fn desk(on: &impl ConnectionTrait, wanted: Wanted) -> Result<Page<Doubtful>, DbErr> {
    let those = Entity::find().filter(COLUMN.doubt_at.is_not_null());
    let mut those = those.cursor_by((Column::DoubtAt, Column::Id));
    if let Some(after) = wanted.after() {
        those.after((after.by, after.id.to_string()));
    }
    let rows = those.first(wanted.rows()).all(on).await?;
    let doubtful = rows.iter().filter_map(|row| {
        let (doubt, since) = doubt_of(row)?;
        Some(Doubtful { payment: row.id, order: row.order_id, doubt, since })
    });
    let place = |one: &Doubtful| Cursor { by: one.since.0, id: one.payment.0 };
    Ok(Page::of(doubtful.collect(), wanted, place))
}

/// How many payments a person has to look at.
pub async fn doubts(on: &impl ConnectionTrait) -> Result<u64, DbErr> {
    Entity::find().filter(COLUMN.doubt_at.is_not_null()).count(on).await
}

/// Some payments after one, by id, that were opened since a time and whose money is not all back.
pub async fn taken_since(
    on: &impl ConnectionTrait,
    since: Moment,
    after: Option<PaymentId>,
    limit: u64,
) -> Result<Vec<PaymentId>, DbErr> {
    // Ids are in the order of their times.
    let first = after.unwrap_or_else(|| PaymentId(Id::of_parts(since, 0)));
    let those = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.gt(first))
        .filter(Expr::col(Column::Taken).gt(Expr::col(Column::Back)))
        .order_by_asc(Column::Id)
        .limit(limit);
    those.into_tuple().all(on).await
}

/// What all payments of a currency come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums {
    /// Of which currency.
    pub currency: String,
    /// What was taken, in minor units.
    pub taken: i64,
    /// What of it was given back.
    pub back: i64,
}

/// What was given back of the payments of some orders, in minor units.
pub(crate) async fn back_of(on: &impl ConnectionTrait, orders: &[OrderId]) -> Result<i64, DbErr> {
    let sum = Entity::find()
        .select_only()
        .column_as(sum_i64(Column::Back), "back")
        .filter(Column::OrderId.is_in(orders.iter().copied()));
    Ok(sum.into_tuple::<Option<i64>>().one(on).await?.flatten().unwrap_or(0))
}

/// What all payments come to, by currency.
pub async fn sums(on: &impl ConnectionTrait) -> Result<Vec<Sums>, DbErr> {
    let sums = Entity::find()
        .select_only()
        .column(Column::Currency)
        .column_as(sum_i64(Column::Taken), "taken")
        .column_as(sum_i64(Column::Back), "back")
        .group_by(Column::Currency)
        .order_by_asc(Column::Currency);
    let rows = sums.into_tuple::<(String, i64, i64)>().all(on).await?;
    Ok(rows.into_iter().map(|(currency, taken, back)| Sums { currency, taken, back }).collect())
}

/// Which payments a proof reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those that changed since they were last found right.
    Changed,
    /// All.
    All,
}

/// A payment as its row says, and added up again from its steps.
#[derive(Clone, Debug)]
pub(crate) struct Replayed {
    pub(crate) id: PaymentId,
    /// What its row, or one of its steps, cannot be read for.
    pub(crate) read: Result<Kept, String>,
    /// Whether its row says what the steps come to.
    pub(crate) is_told: bool,
}

/// Some payments after one, by id.
pub(crate) async fn replayed(
    on: &impl ConnectionTrait,
    which: Which,
    after: Option<PaymentId>,
    limit: u64,
) -> Result<Vec<Replayed>, DbErr> {
    let mut those = Entity::find().select_only().column(Column::Id);
    if which == Which::Changed {
        those = those.filter(Expr::col(Column::Steps).ne(Expr::col(Column::Proven)));
    }
    if let Some(after) = after {
        those = those.filter(Column::Id.gt(after));
    }
    let those = those.order_by_asc(Column::Id).limit(limit);
    let ids: Vec<PaymentId> = those.into_tuple().all(on).await?;
    match replay(on, &ids).await {
        Ok(all) => Ok(all),
        Err(error) if is_away(&error) => Err(error),
        // One of them may hold what this process does not know.
        Err(_) => {
            let mut all = Vec::with_capacity(ids.len());
            for id in ids {
                all.extend(replayed_one(on, id).await?);
            }
            Ok(all)
        }
    }
}

/// One payment.
pub(crate) async fn replayed_one(
    on: &impl ConnectionTrait,
    id: PaymentId,
) -> Result<Option<Replayed>, DbErr> {
    match replay(on, &[id]).await {
        Ok(mut all) => Ok(all.pop()),
        Err(error) if is_away(&error) => Err(error),
        Err(error) => Ok(Some(Replayed { id, read: Err(error.to_string()), is_told: false })),
    }
}

/// Payments by their ids, in the order of those: two queries, however many they are.
async fn replay(on: &impl ConnectionTrait, ids: &[PaymentId]) -> Result<Vec<Replayed>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let those = || ids.iter().copied();
    let steps = step_row::Entity::find()
        .filter(step_row::Column::Payment.is_in(those()))
        .order_by_asc(step_row::Column::Payment)
        .order_by_asc(step_row::Column::Seq)
        .all(on)
        .await?;
    let rows = Entity::find().filter(Column::Id.is_in(those())).order_by_asc(Column::Id);
    let replayed = |row: Model| {
        let from = steps.partition_point(|step| step.payment < row.id);
        let to = steps.partition_point(|step| step.payment <= row.id);
        let read = added_up(&row, &steps[from..to]);
        let is_told = read.as_ref().is_ok_and(|kept| {
            let (payment, told) = (&kept.payment, (row.taken, row.back, row.steps, row.doubt));
            let steps = i64::from(payment.steps());
            (payment.taken().minor, payment.back().minor, steps, payment.doubt()) == told
        });
        Replayed { id: row.id, read, is_told }
    };
    Ok(rows.all(on).await?.into_iter().map(replayed).collect())
}
