//! Slots: hours of the platform's day that a deal has for itself.
//!
//! Owns who has which hours, and that no hour has more deals than the platform allows: one, unless it is
//! set otherwise. Refuses what is sold in them. Always true: of many who book the same hours, as many get
//! them as there is room, on both databases; a range is booked as a whole or not at all; hours that have
//! begun are not freed.

mod model;
mod query;
mod rows;

use identity::business::Approved;
use store::{Failure, Tx, refused, sea_orm::DbErr};

pub use self::{
    model::{BookRefusal, Hours, HoursRefusal, Policy, Slot},
    query::{day, find_many, list, of_deal},
};
use crate::{
    ids::{DealId, SlotId},
    limits::SLOT_AHEAD_MAX,
    rental,
};

/// Books hours for a deal, with an invoice of their rent.
///
/// # Errors
///
/// As [`BookRefusal`] says.
pub async fn book(
    tx: &Tx,
    policy: &Policy,
    approved: &Approved,
    deal: DealId,
    hours: Hours,
) -> Result<Slot, Failure<BookRefusal>> {
    let now = tx.now();
    if hours.starts_at() < now {
        return refused(BookRefusal::Past);
    }
    if hours.starts_at().since(now) > SLOT_AHEAD_MAX {
        return refused(BookRefusal::TooFarAhead);
    }
    if rows::of_deal(tx, deal).await?.is_some() {
        return refused(BookRefusal::HasSlot);
    }
    let taken = rows::lock_hours(tx, hours).await?;
    if taken.into_iter().any(|taken| taken >= policy.capacity.into()) {
        return refused(BookRefusal::Taken);
    }
    rows::add_to_hours(tx, hours, 1).await?;
    let slot = Slot {
        id: SlotId::new(now),
        business: approved.business().id,
        deal,
        hours,
        booked_at: now,
        freed_at: None,
    };
    rows::insert(tx, &slot).await?;
    rental::issue(tx, &policy.plan, slot.id, slot.business, hours.count()).await?;
    Ok(slot)
}

/// Frees the hours of a deal that is not to open, and says whether they were: hours that have begun are
/// not, and those freed before stay so.
pub async fn free(tx: &Tx, deal: DealId) -> Result<bool, DbErr> {
    let Some(slot) = rows::lock_of(tx, deal).await? else { return Ok(false) };
    if slot.freed_at.is_some() || slot.hours.starts_at() <= tx.now() {
        return Ok(false);
    }
    rows::lock_hours(tx, slot.hours).await?;
    rows::add_to_hours(tx, slot.hours, -1).await?;
    rows::set_freed(tx, slot.id).await?;
    rental::take_back(tx, slot.id).await?;
    Ok(true)
}
