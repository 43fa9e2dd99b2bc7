//! The waiting room's engine, in this process.

use std::sync::Arc;

use base::{
    moment::Moment,
    money::{Currency, Money},
};
use engine::{
    Engine, Failure,
    hold::{Hold, HoldState, Step},
    id::{Epoch, HoldId, SaleName, ShopperKey},
    sale::{SettleRefusal, Settler},
    shopper::ShopperKeys,
    view::SaleView,
};
use identity::ids::AccountId;
use tokio::task::spawn_blocking;

use super::model::{Holds, HoldsError};
use crate::order::{Bought, InRoom, Item, Keeper, Purchase, state::Units};

/// The engine, and the keys by which it knows accounts.
#[derive(Clone, Debug)]
pub struct Room {
    engine: Engine,
    keys: ShopperKeys,
}

impl Room {
    /// Asks this engine, whose shoppers have these keys.
    pub const fn new(engine: Engine, keys: ShopperKeys) -> Self {
        Self { engine, keys }
    }

    /// The engine.
    pub(crate) const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Who an account is in a sale.
    pub(crate) fn shopper(&self, sale: &SaleName, account: AccountId) -> ShopperKey {
        self.keys.of_account(sale, &account.to_string())
    }

    /// What is held for an account under the name of a purchase, as the room's pages and events have it; nothing
    /// if that is somebody else's, or is not held any more. What is bought has a longer name, which tells it from
    /// the holds of a room that lost its data.
    ///
    /// # Errors
    ///
    /// If the engine does not say.
    pub async fn bought(
        &self,
        account: AccountId,
        purchase: &Purchase,
    ) -> Result<Option<Bought>, HoldsError> {
        let (sale, id) = match self.named(purchase).await {
            Err(HoldsError::Gone) => return Ok(None),
            found => found?,
        };
        let hold = self.hold(&sale, id).await?;
        let hold = hold.filter(|hold| hold.state == HoldState::Held);
        Ok(hold.and_then(|hold| self.of_hold(account, &sale, &hold)))
    }

    /// What a hold of an account is of; nothing of somebody else's.
    pub(crate) fn of_hold(
        &self,
        account: AccountId,
        sale: &SaleView,
        hold: &Hold,
    ) -> Option<Bought> {
        if hold.shopper != self.shopper(sale.name(), account) {
            return None;
        }
        let items = items(sale, hold)?;
        let expires_at = Moment(i64::try_from(hold.expires_at.0).unwrap_or(i64::MAX));
        let purchase = in_full(sale, hold.id);
        Some(Bought { account, keeper: Keeper::Room, purchase, items, expires_at })
    }

    /// A purchase under its full name, by which its order is known: pages and events of the room leave out when
    /// the sale was made.
    pub(crate) async fn in_full(&self, purchase: &Purchase) -> Result<Purchase, HoldsError> {
        let (sale, hold) = self.named(purchase).await?;
        Ok(in_full(&sale, hold))
    }

    /// The sale of a purchase as it is now, and the hold.
    async fn named(&self, purchase: &Purchase) -> Result<(Arc<SaleView>, HoldId), HoldsError> {
        let InRoom { epoch, hold, made_at } = purchase.in_room().ok_or(HoldsError::Gone)?;
        let sale = match self.engine.sale_at_once(&purchase.sale) {
            Some(sale) => Some(sale),
            // An archived sale is unpacked first, which takes a while.
            None if self.engine.is_archived(&purchase.sale) => {
                let (engine, name) = (self.engine.clone(), purchase.sale.clone());
                let unpacked = spawn_blocking(move || engine.sale(&name)).await;
                unpacked.map_err(|error| HoldsError::NotDone(error.to_string()))?
            }
            None => None,
        };
        match sale {
            Some(sale)
                if sale.epoch() == Epoch(epoch)
                    && made_at.is_none_or(|made_at| made_at == sale.created_at().0) =>
            {
                Ok((sale, HoldId(hold)))
            }
            // The sale was made again under its name, perhaps because the room lost its data.
            Some(_) => Err(HoldsError::Gone),
            // It was deleted, and its holds with it.
            None if !self.engine.is_shared() => Err(HoldsError::Gone),
            // A node of many may not know of it yet.
            None => Err(HoldsError::NotDone(format!("no sale is named {:?}", purchase.sale))),
        }
    }

    async fn hold(&self, sale: &SaleView, id: HoldId) -> Result<Option<Arc<Hold>>, HoldsError> {
        let known = sale.hold(id);
        if known.is_some() || !self.engine.is_shared() {
            return Ok(known);
        }
        // Another node may have made it just now.
        let refreshed = self.engine.refresh(sale).await;
        refreshed.map_err(|failure| HoldsError::NotDone(format!("{failure:?}")))?;
        Ok(sale.hold(id))
    }

    async fn step(&self, purchase: &Purchase, step: Step) -> Result<Units, HoldsError> {
        let (sale, hold) = self.named(purchase).await?;
        match self.engine.settle(&sale, hold, step, Settler::Backend, None).await {
            Ok(settled) => Ok(units(settled.hold.state)),
            Err(Failure::Refused(SettleRefusal::WrongState(state))) => Ok(units(state)),
            Err(Failure::Refused(SettleRefusal::NoHold)) => Err(HoldsError::Gone),
            Err(
                failure @ (Failure::Refused(SettleRefusal::OtherBody | SettleRefusal::Stalled)
                | Failure::Busy(_)),
            ) => Err(HoldsError::NotDone(format!("the engine: {failure:?}"))),
            Err(failure @ (Failure::Unavailable | Failure::Stopped)) => {
                Err(HoldsError::Unheard(format!("the engine: {failure:?}")))
            }
        }
    }
}

/// The full name of a hold.
fn in_full(sale: &SaleView, hold: HoldId) -> Purchase {
    let made_at = Some(sale.created_at().0);
    let named = InRoom { epoch: sale.epoch().0, hold: hold.0, made_at };
    Purchase { sale: sale.name().as_str().to_owned(), purchase: named.to_string() }
}

/// What a hold is of, at the prices that the sale had for it.
fn items(sale: &SaleView, hold: &Hold) -> Option<Vec<Item>> {
    let settings = sale.settings();
    let items = hold.items.iter().map(|item| {
        let offer = settings.spec.offers.get(usize::from(item.offer.0))?;
        let currency = Currency::parse(offer.currency.as_str())?;
        let (sku, unit) = (offer.sku.as_str().to_owned(), Money::new(item.price, currency));
        Some(Item { sku, quantity: item.quantity, unit })
    });
    items.collect()
}

const fn units(state: HoldState) -> Units {
    match state {
        HoldState::Held => Units::Held,
        HoldState::Paying => Units::Paying,
        HoldState::Confirmed => Units::Confirmed,
        HoldState::Released | HoldState::Expired => Units::Released,
        HoldState::Refunded => Units::Refunded,
    }
}

impl Holds for Room {
    async fn look(&self, purchase: &Purchase) -> Result<Units, HoldsError> {
        let (sale, id) = self.named(purchase).await?;
        let hold = self.hold(&sale, id).await?;
        hold.map(|hold| units(hold.state)).ok_or(HoldsError::Gone)
    }

    async fn pay(&self, purchase: &Purchase) -> Result<Units, HoldsError> {
        self.step(purchase, Step::Pay).await
    }

    async fn confirm(&self, purchase: &Purchase) -> Result<Units, HoldsError> {
        self.step(purchase, Step::Confirm).await
    }

    async fn release(&self, purchase: &Purchase) -> Result<Units, HoldsError> {
        self.step(purchase, Step::Release).await
    }

    async fn refund(&self, purchase: &Purchase) -> Result<Units, HoldsError> {
        self.step(purchase, Step::Refund).await
    }
}
