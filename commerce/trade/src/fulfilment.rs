//! Fulfilment: the goods of a paid order on their way, and on their way back.
//!
//! Owns shipments and requests to return goods. Refuses money: the caller that accepts a return also refunds it.
//! Always true: only what is paid and not in doubt is prepared or shipped; a shipment never goes back a step; an order has one open
//! request to return at a time. The caller checks that the order belongs to the seller who ships it.

mod model;
mod query;
mod rows;

use identity::account::Live;
use store::{Failure, Tx, refused, sea_orm::DbErr};

pub(crate) use self::query::are_open;
pub use self::{
    model::{
        Decision, Parcel, ReturnRefusal, ReturnRequest, ReturnState, ShipRefusal, Shipment,
        ShipmentState,
    },
    query::{find_return, of_order, of_orders, open_returns, returns_of, returns_of_all},
};
use crate::{
    ids::{OrderId, ReturnId},
    order,
    payment::{self, Payment},
    words,
};

/// The fact that something was shipped, or arrived.
pub const MOVED: store::fact::Fact = store::fact::Fact("order.moved");

/// Says that the goods are being prepared.
///
/// # Errors
///
/// As [`ShipRefusal`] says.
pub async fn prepare(tx: &Tx, order: OrderId) -> Result<(), Failure<ShipRefusal>> {
    if !lock(tx, order).await?.is_to_be_sent() {
        return refused(ShipRefusal::NotPaid);
    }
    if rows::find(tx, order).await?.is_none() {
        rows::prepare(tx, order).await?;
        tx.tell(MOVED, &order);
    }
    Ok(())
}

/// Says that the goods were handed to a carrier. Saying it again corrects the number.
///
/// # Errors
///
/// As [`ShipRefusal`] says.
pub async fn ship(tx: &Tx, order: OrderId, parcel: &Parcel) -> Result<(), Failure<ShipRefusal>> {
    let payment = lock(tx, order).await?;
    let known = rows::find(tx, order).await?.map(|known| known.state);
    match known {
        Some(ShipmentState::Delivered) => return refused(ShipRefusal::Delivered),
        Some(ShipmentState::Preparing) | None if !payment.is_to_be_sent() => {
            return refused(ShipRefusal::NotPaid);
        }
        // What is on its way is so whatever became of its money.
        Some(ShipmentState::Preparing | ShipmentState::Shipped) => {}
        None => rows::prepare(tx, order).await?,
    }
    rows::ship(tx, order, parcel).await?;
    tx.tell(MOVED, &order);
    Ok(())
}

/// Says that the goods have arrived.
///
/// # Errors
///
/// As [`ShipRefusal`] says.
pub async fn deliver(tx: &Tx, order: OrderId) -> Result<(), Failure<ShipRefusal>> {
    lock(tx, order).await?;
    match rows::find(tx, order).await?.map(|known| known.state) {
        None | Some(ShipmentState::Preparing) => refused(ShipRefusal::NotShipped),
        Some(ShipmentState::Delivered) => Ok(()),
        Some(ShipmentState::Shipped) => {
            rows::deliver(tx, order).await?;
            tx.tell(MOVED, &order);
            Ok(())
        }
    }
}

/// Whether goods of an order were handed to a carrier.
pub async fn has_left(tx: &Tx, order: OrderId) -> Result<bool, DbErr> {
    let known = rows::find(tx, order).await?;
    Ok(known.is_some_and(|known| known.state != ShipmentState::Preparing))
}

/// The buyer wants to send goods back. Asking again gives the same request until it is decided.
///
/// # Errors
///
/// As [`ReturnRefusal`] says.
pub async fn ask_return(
    tx: &Tx,
    live: &Live,
    order: OrderId,
    reason: &str,
) -> Result<ReturnId, Failure<ReturnRefusal>> {
    if order::find(tx, live.id(), order).await?.is_none() || !order::lock(tx, order).await? {
        return refused(ReturnRefusal::Unknown);
    }
    let Some(reason) = words::reason(reason) else { return refused(ReturnRefusal::Reason) };
    let is_paid = order::find_any(tx, order).await?.is_some_and(|order| order.state.is_paid());
    if !is_paid || !has_left(tx, order).await? {
        return refused(ReturnRefusal::NotShipped);
    }
    if let Some(open) = query::open_of(tx, order).await? {
        return Ok(open);
    }
    Ok(rows::insert_return(tx, order, reason).await?)
}

/// Says whether goods are taken back.
///
/// # Errors
///
/// As [`ReturnRefusal`] says.
pub async fn decide_return(
    tx: &Tx,
    id: ReturnId,
    decision: Decision,
) -> Result<(), Failure<ReturnRefusal>> {
    if rows::decide(tx, id, decision.state()).await? {
        return Ok(());
    }
    refused(ReturnRefusal::Unknown)
}

/// Locks an order, and reads its payment.
async fn lock(tx: &Tx, order: OrderId) -> Result<Payment, Failure<ShipRefusal>> {
    match payment::lock_of(tx, order).await? {
        Some(kept) => Ok(kept.payment),
        None => refused(ShipRefusal::Unknown),
    }
}
