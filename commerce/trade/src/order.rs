//! Orders: what somebody bought, and how it stands.
//!
//! Owns the order: who bought what at which price, and where it goes. Refuses money and units, which the
//! payment and the keeper of the stock know. Always true: an order's state is computed from what both say, so it
//! cannot contradict either; the state in the table is a copy, written with the step that changes it. What
//! an order copied when it was placed, such as prices and the address, never changes. An order of somebody else is
//! not found.

mod model;
mod number;
mod query;
mod retention;
mod rows;
pub mod state;

use store::{Tx, sea_orm::DbErr};

pub(crate) use self::{
    model::InRoom,
    query::{id_of, states},
};
use self::{
    model::Placed,
    state::{Ending, OrderState},
};
pub use self::{
    model::{Bought, Goods, Item, Keeper, Line, NewOrder, Order, PlaceRefusal, Purchase, Total},
    query::{by_number, find, find_any, of_account, of_deal, of_purchase, totals, totals_of},
    retention::Retention,
};
use crate::ids::OrderId;

/// The fact that an order's state changed.
pub const CHANGED: store::fact::Fact = store::fact::Fact("order.changed");

/// Writes an order down. Its purchase has no other.
pub(crate) async fn insert(tx: &Tx, new: &NewOrder<'_>, placed: &Placed) -> Result<OrderId, DbErr> {
    rows::insert(tx, new, placed).await
}

/// What an order comes to before it is written down.
pub(crate) fn prepare(new: &NewOrder<'_>) -> Result<Placed, PlaceRefusal> {
    Placed::of(new)
}

/// Locks an order. Everything that changes it or its payment begins with this.
pub(crate) async fn lock(tx: &Tx, order: OrderId) -> Result<bool, DbErr> {
    rows::lock(tx, order).await
}

/// Copies what the payment's steps come to.
pub(crate) async fn set_state(
    tx: &Tx,
    order: OrderId,
    state: OrderState,
    ending: Option<Ending>,
) -> Result<(), DbErr> {
    rows::set_state(tx, order, state, ending).await?;
    tx.tell(CHANGED, &order);
    Ok(())
}
