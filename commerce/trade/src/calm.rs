//! Calm stock: goods that are sold without a waiting room.
//!
//! Owns how many there are of each kind, and who holds some. Refuses payments. Always true: of each kind, what is
//! held and what was sold is at most what there is, since every change is one update with that condition; a
//! hold whose time ran out before its payment began is given back.

mod model;
mod query;
mod rows;
mod task;

use std::time::Duration;

use identity::account::Live;
use store::{
    Db, Failure, Tx, refused,
    sea_orm::DbErr,
    task::Lease,
    worker::{Outcome, Terms, Workers},
};

pub use self::{
    model::{HoldRefusal, Move, Stock, Wanted},
    query::{bought, stock, units_of},
    task::Expire,
};
use crate::{
    ids::CalmHoldId,
    intake,
    limits::LINES_MAX,
    order::{Bought, Item, Keeper, Purchase, state::Units},
    payment::Seen,
};

/// Says how much there is of a kind and what it costs; over one that is there, what was held and sold stays.
///
/// # Errors
///
/// If more is held or was sold than there is to be.
pub async fn set_stock(tx: &Tx, stock: &Stock) -> Result<(), Failure<HoldRefusal>> {
    if rows::set_stock(tx, stock).await? { Ok(()) } else { refused(HoldRefusal::SoldOut) }
}

/// Holds units for an account, all of them or none.
///
/// # Errors
///
/// As [`HoldRefusal`] says.
pub async fn hold(
    tx: &Tx,
    live: &Live,
    sale: &str,
    wanted: &[Wanted],
    lasts: Duration,
) -> Result<Bought, Failure<HoldRefusal>> {
    let mut wanted = wanted.to_vec();
    // In the order of their names, in which all writes lock these rows.
    wanted.sort_by(|one, other| one.sku.cmp(&other.sku));
    let is_twice = wanted.windows(2).any(|two| two[0].sku == two[1].sku);
    if wanted.is_empty() || wanted.len() > LINES_MAX || is_twice {
        return refused(HoldRefusal::Wanted);
    }
    let mut items: Vec<Item> = Vec::with_capacity(wanted.len());
    for one in &wanted {
        let Some(unit) = query::price_of(tx, sale, &one.sku).await? else {
            return refused(HoldRefusal::Unknown);
        };
        items.push(Item { sku: one.sku.clone(), quantity: one.quantity, unit });
    }
    for item in &items {
        if item.quantity == 0 || !rows::take(tx, sale, item).await? {
            // The refusal undoes what was taken of the others.
            return refused(HoldRefusal::SoldOut);
        }
    }
    let expires_at = tx.now().after(lasts);
    let id = rows::insert(tx, live.id(), sale, &items, expires_at).await?;
    tx.assign(&Expire { hold: id }, expires_at);
    let purchase = Purchase { sale: sale.to_owned(), purchase: id.to_string() };
    Ok(Bought { account: live.id(), keeper: Keeper::Calm, purchase, items, expires_at })
}

/// Moves a hold on if it can be, and says where it is then; nothing if there is none.
pub(crate) async fn step(tx: &Tx, id: CalmHoldId, step: Move) -> Result<Option<Units>, DbErr> {
    let Some(held) = rows::lock(tx, id).await? else { return Ok(None) };
    let step =
        if held.units == Units::Held && held.expires_at <= tx.now().into() && step == Move::Pay {
            Move::Expire
        } else {
            step
        };
    let units = step.from(held.units);
    if units != held.units {
        rows::set_units(tx, id, units).await?;
        for item in rows::items_of(tx, id).await? {
            rows::shift(tx, &held.sale, &item, held.units, units).await?;
        }
        if step == Move::Expire {
            tell_expired(tx, &held.sale, id).await?;
        }
    }
    Ok(Some(units))
}

async fn tell_expired(tx: &Tx, sale: &str, id: CalmHoldId) -> Result<(), DbErr> {
    let purchase = Purchase { sale: sale.to_owned(), purchase: id.to_string() };
    intake::take(tx, &purchase, 1, Seen::Expired).await.map(drop)
}

/// Adds what gives holds back whose time ran out.
#[must_use]
pub fn on(workers: Workers) -> Workers {
    workers.on(Terms::default(), expire)
}

async fn expire(db: Db, lease: Lease<Expire>) -> Outcome {
    let hold = lease.task.hold;
    Ok(db
        .write(async |tx| {
            step(tx, hold, Move::Expire).await?;
            lease.finish(tx).await
        })
        .await?)
}
