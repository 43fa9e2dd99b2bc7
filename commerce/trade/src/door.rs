//! The door: from the waiting room, where somebody was admitted, to units that are held for their order.
//!
//! Owns what a pass is good for here. Has no table: the engine holds the units. Refuses a pass that is not the
//! asking account's. Always true: one admission holds units for one order at a time, however often it is shown
//! and under whatever key; units that were given up, or whose time ran out, leave the admission free again.
//!
//! ```text
//!  account, pass ─▶ the pass is of this deal and this account ─▶ held before? the same units
//!                                                            └─▶ the engine: purchase ─▶ held
//! ```

mod model;

use std::sync::Arc;

use engine::{
    Failure,
    hold::{Hold, HoldState},
    id::OfferIndex,
    record::ReplayKey,
    sale::{Phase, PurchaseRefusal, TicketRef},
    view::SaleView,
};
use identity::ids::AccountId;

pub use self::model::{DoorError, DoorRefusal, PassFault, Passes, Shown};
use crate::{
    holds::{Holds as _, HoldsError, Room},
    ids::DealId,
    order::{Bought, Purchase, state::Units},
};

/// What separates the keys of purchases that are made here from those of others.
const CONTEXT: &str = "rushgate purchase of an order 1";

/// The door of the waiting room in this process.
#[derive(Clone, Debug)]
pub struct Door {
    room: Room,
    passes: Arc<dyn Passes>,
}

impl Door {
    /// A door to this room, whose passes are read so.
    pub const fn new(room: Room, passes: Arc<dyn Passes>) -> Self {
        Self { room, passes }
    }

    /// Has units of a deal held for an account that shows its pass. Showing it again, with the same quantity,
    /// gives the same units for as long as they are held.
    ///
    /// # Errors
    ///
    /// As [`DoorError`] says.
    pub async fn admit(
        &self,
        account: AccountId,
        deal: DealId,
        shown: &Shown<'_>,
    ) -> Result<Bought, DoorError> {
        let Some(sale) = self.room.engine().live_sale(&deal.to_string()) else {
            let is_over = self.room.engine().is_archived(&deal.to_string());
            return Err(if is_over { DoorRefusal::Ended } else { DoorRefusal::NotOpen }.into());
        };
        let Shown { pass, quantity } = *shown;
        if self.room.engine().is_shared() {
            // Another node may have held units for this very pass.
            let heard = self.room.engine().refresh(&sale).await;
            heard.map_err(|_| DoorError::Away)?;
        }
        let place = self.passes.read(pass, sale.name().as_str()).map_err(|fault| match fault {
            PassFault::Over => DoorRefusal::PassOver,
            PassFault::Invalid => DoorRefusal::PassForeign,
        })?;
        if place.shopper != self.room.shopper(sale.name(), account) {
            return Err(DoorRefusal::PassForeign.into());
        }
        let before = of_place(&sale, place);
        let current = before.iter().find(|hold| !is_over(hold.state));
        if let Some(hold) = current {
            return self.known(account, &sale, hold, quantity);
        }
        let attempt = before.iter().map(|hold| hold.id.0).max().unwrap_or(0);
        let replay = replay(&sale, place, attempt, quantity);
        let engine = self.room.engine();
        let held = engine.purchase(&sale, place, vec![(OfferIndex(0), quantity)], replay).await;
        let made = held.map_err(|failure| refused(&failure))?;
        self.known(account, &sale, &made.hold, quantity)
    }

    /// What is held for an account under the name of a purchase, such as one that was made on the room's page;
    /// nothing if that is somebody else's, or is not held any more.
    ///
    /// # Errors
    ///
    /// If the engine does not say.
    pub async fn bought(
        &self,
        account: AccountId,
        deal: DealId,
        purchase: &str,
    ) -> Result<Option<Bought>, HoldsError> {
        self.room.bought(account, &named(deal, purchase)).await
    }

    /// The name under which the order of a purchase of the room is known, whatever became of its units; nothing
    /// if there is no such sale any more.
    ///
    /// # Errors
    ///
    /// If the engine does not say.
    pub async fn in_full(
        &self,
        deal: DealId,
        purchase: &str,
    ) -> Result<Option<Purchase>, HoldsError> {
        match self.room.in_full(&named(deal, purchase)).await {
            Ok(purchase) => Ok(Some(purchase)),
            Err(HoldsError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives up units that are held for an account and of which no order was placed. Says whether they are not
    /// held any more; units of somebody else are none.
    ///
    /// # Errors
    ///
    /// If the engine does not say.
    pub async fn give_up(
        &self,
        account: AccountId,
        deal: DealId,
        purchase: &str,
    ) -> Result<bool, HoldsError> {
        match self.bought(account, deal, purchase).await? {
            None => Ok(false),
            Some(bought) => Ok(self.room.release(bought.purchase()).await? == Units::Released),
        }
    }

    /// Units that an admission has held before, if they can still be ordered.
    fn known(
        &self,
        account: AccountId,
        sale: &SaleView,
        hold: &Hold,
        quantity: u32,
    ) -> Result<Bought, DoorError> {
        let is_same = hold.state == HoldState::Held && hold.units() == u64::from(quantity);
        let bought = self.room.of_hold(account, sale, hold).filter(|_| is_same);
        bought.ok_or_else(|| DoorRefusal::PassUsed.into())
    }
}

fn named(deal: DealId, purchase: &str) -> Purchase {
    Purchase { sale: deal.to_string(), purchase: purchase.to_owned() }
}

/// What was bought from a place, the oldest first.
fn of_place(sale: &SaleView, place: TicketRef) -> Vec<Arc<Hold>> {
    let mut holds = sale.holds_of(place.shopper);
    holds.retain(|hold| hold.number == place.number);
    holds
}

/// Whether units came back that were never sold.
const fn is_over(state: HoldState) -> bool {
    matches!(state, HoldState::Released | HoldState::Expired)
}

/// The key of a purchase: one for each attempt of an admission, so that shoppers who send it twice at once get
/// the same units.
fn replay(sale: &SaleView, place: TicketRef, attempt: u64, quantity: u32) -> ReplayKey {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(sale.name().as_str().as_bytes());
    hasher.update(&place.epoch.0.to_le_bytes());
    hasher.update(&place.number.0.to_le_bytes());
    hasher.update(&attempt.to_le_bytes());
    let mut key = [0; 16];
    key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    ReplayKey { key: u128::from_le_bytes(key), body: u128::from(quantity) }
}

fn refused(failure: &Failure<PurchaseRefusal>) -> DoorError {
    let refusal = match failure {
        Failure::Refused(refusal) => refusal,
        Failure::Busy(_) | Failure::Unavailable | Failure::Stopped => return DoorError::Away,
    };
    DoorError::Refused(match refusal {
        PurchaseRefusal::NoSale | PurchaseRefusal::NotOpen(Phase::Scheduled) => {
            DoorRefusal::NotOpen
        }
        PurchaseRefusal::NotOpen(_) => DoorRefusal::Ended,
        PurchaseRefusal::NoSession => DoorRefusal::PassOver,
        PurchaseRefusal::OtherBody => DoorRefusal::PassUsed,
        PurchaseRefusal::Limit { .. } => DoorRefusal::Limit,
        PurchaseRefusal::TooManyHolds => DoorRefusal::TooMany,
        PurchaseRefusal::SoldOut => DoorRefusal::SoldOut,
        PurchaseRefusal::Stalled | PurchaseRefusal::HoldsFull => return DoorError::Away,
    })
}
