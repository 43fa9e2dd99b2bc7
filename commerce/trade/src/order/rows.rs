//! The tables of orders and their lines.

use std::fmt;

use base::{moment::Moment, money::Money};
use identity::{address::Postal, ids::AccountId};
use store::{
    At, Tx,
    sea_orm::{self, QueryOrder as _, QuerySelect as _, QueryTrait as _, Set, entity::prelude::*},
};

use super::{
    model::{Keeper, Line, NewOrder, Order, Placed, Purchase},
    number,
    state::{Ending, OrderState},
};
use crate::{
    ids::{DealId, OrderId},
    kept,
};

#[sea_orm::model]
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderId,
    #[sea_orm(unique)]
    pub number: String,
    pub account: AccountId,
    pub deal: DealId,
    pub keeper: Keeper,
    pub sale: String,
    pub purchase: String,
    pub currency: String,
    pub total: i64,
    pub units: i64,
    pub receiver: String,
    pub phone: String,
    pub zip: String,
    pub road: String,
    pub detail: String,
    pub state: OrderState,
    pub ending: Option<Ending>,
    pub changed_at: At,
    pub placed_at: At,
    pub pay_by: At,
}

impl ActiveModelBehavior for ActiveModel {}

/// A row has an address in it, and debug output ends up in logs.
macro_rules! shown_by_id {
    ($($row:ident),+) => {$(
        impl fmt::Debug for $row {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($row)).field("id", &self.id).finish_non_exhaustive()
            }
        }
    )+};
}

shown_by_id!(Model, ModelEx);

/// The lines of orders.
pub(super) mod line {
    use store::sea_orm::{self, entity::prelude::*};

    use crate::ids::OrderId;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_line")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: OrderId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub position: i64,
        pub sku: String,
        pub name: String,
        pub quantity: i64,
        pub unit: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// An order as its rows have it.
fn order_of(row: Model, lines: &[line::Model]) -> Order {
    let currency = kept::currency(&row.currency);
    let lines = lines.iter().filter(|line| line.order_id == row.id).map(|line| Line {
        sku: line.sku.clone(),
        name: line.name.clone(),
        quantity: kept::count(line.quantity),
        unit: Money::new(line.unit, currency),
    });
    Order {
        id: row.id,
        number: row.number,
        account: row.account,
        deal: row.deal,
        keeper: row.keeper,
        purchase: Purchase { sale: row.sale, purchase: row.purchase },
        lines: lines.collect(),
        total: Money::new(row.total, currency),
        postal: Postal::kept(row.receiver, row.phone, row.zip, row.road, row.detail),
        state: row.state,
        ending: row.ending,
        placed_at: row.placed_at.into(),
        pay_by: row.pay_by.into(),
    }
}

/// The orders of rows, in their order: one more query, however many they are.
pub(super) async fn with_lines(
    on: &impl ConnectionTrait,
    rows: Vec<Model>,
) -> Result<Vec<Order>, DbErr> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids = rows.iter().map(|row| row.id);
    let lines = line::Entity::find()
        .filter(line::Column::OrderId.is_in(ids))
        .order_by_asc(line::Column::OrderId)
        .order_by_asc(line::Column::Position);
    let lines = lines.all(on).await?;
    Ok(rows.into_iter().map(|row| order_of(row, &lines)).collect())
}

pub(super) async fn insert(tx: &Tx, new: &NewOrder<'_>, placed: &Placed) -> Result<OrderId, DbErr> {
    let id = OrderId::new(tx.now());
    let (bought, postal) = (new.bought, new.postal);
    let row = ActiveModel {
        id: Set(id),
        number: Set(number::new(tx.now())),
        account: Set(bought.account),
        deal: Set(placed.deal),
        keeper: Set(bought.keeper),
        sale: Set(bought.purchase.sale.clone()),
        purchase: Set(bought.purchase.purchase.clone()),
        currency: Set(placed.total.currency.code().to_owned()),
        total: Set(placed.total.minor),
        units: Set(placed.lines.iter().map(|line| i64::from(line.quantity)).sum()),
        receiver: Set(postal.receiver().to_owned()),
        phone: Set(postal.phone().digits().to_owned()),
        zip: Set(postal.zip().to_owned()),
        road: Set(postal.road().to_owned()),
        detail: Set(postal.detail().to_owned()),
        state: Set(OrderState::Waiting),
        ending: Set(None),
        changed_at: Set(tx.now().into()),
        placed_at: Set(tx.now().into()),
        pay_by: Set(bought.expires_at.into()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    let lines = placed.lines.iter().zip(0..).map(|(line, position)| line::ActiveModel {
        order_id: Set(id),
        position: Set(position),
        sku: Set(line.sku.clone()),
        name: Set(line.name.clone()),
        quantity: Set(line.quantity.into()),
        unit: Set(line.unit.minor),
    });
    line::Entity::insert_many(lines).exec_without_returning(tx).await?;
    Ok(id)
}

/// Locks an order, and says whether there is one.
pub(super) async fn lock(tx: &Tx, order: OrderId) -> Result<bool, DbErr> {
    let one = Entity::find_by_id(order).select_only().column(Column::Id).lock_exclusive();
    Ok(one.into_tuple::<OrderId>().one(tx).await?.is_some())
}

pub(super) async fn set_state(
    tx: &Tx,
    order: OrderId,
    state: OrderState,
    ending: Option<Ending>,
) -> Result<(), DbErr> {
    let changed_at = Set(tx.now().into());
    let changes =
        ActiveModel { state: Set(state), ending: Set(ending), changed_at, ..Default::default() };
    let one = Entity::update_many().set(changes).filter(COLUMN.id.eq(order));
    one.exec(tx).await.map(drop)
}

/// Removes who got them, and where, from some orders in such states that have not changed since a time, and says
/// from how many.
pub(super) async fn forget(
    tx: &Tx,
    states: &[OrderState],
    since: Moment,
    limit: u64,
) -> Result<u64, DbErr> {
    let those = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(COLUMN.receiver.ne(""))
        .filter(Column::ChangedAt.lt(since.0))
        .filter(Column::State.is_in(states.iter().copied()))
        .limit(limit);
    let nothing = ActiveModel {
        receiver: Set(String::new()),
        phone: Set(String::new()),
        zip: Set(String::new()),
        road: Set(String::new()),
        detail: Set(String::new()),
        ..Default::default()
    };
    let those = Column::Id.in_subquery(those.into_query());
    Ok(Entity::update_many().set(nothing).filter(those).exec(tx).await?.rows_affected)
}

#[cfg(test)]
store::entity_test!(crate::order::rows::Entity, &crate::tests::steps());

#[cfg(test)]
mod lines {
    store::entity_test!(crate::order::rows::line::Entity, &crate::tests::steps());
}
