//! From units to an order: what the calls and the pages share.
//!
//! Units are held outside of any write, since the engine is asked for them. What follows is one write: the
//! account is locked, and the order placed. If that fails, the units stay held for their time, and whoever
//! tries again with the same pass orders them.

use identity::{
    address::{self, AddressRefusal, Postal},
    ids::{AccountId, AddressId},
};
use store::{Failure, Refusing as _, Tx};
use trade::{
    deal::{self, Deal},
    door::{Door, DoorRefusal, Shown},
    ids::{DealId, OrderId},
    order::{self, Bought, Goods, NewOrder, Order},
    till,
};

use crate::{acting::live, refusal::Refusal, visit::Visit};

/// The deal of this id, as everybody sees it.
pub(crate) async fn deal(visit: &Visit, id: &str) -> Result<Deal, Refusal> {
    let id: DealId = id.parse().map_err(|_| Refusal::DealUnknown)?;
    let found = deal::find(&visit.db()?.read(), id).await?;
    found.filter(|deal| deal.published_at.is_some()).ok_or(Refusal::DealUnknown)
}

/// An address of an account, to be copied.
pub(crate) async fn postal(visit: &Visit, by: AccountId, id: &str) -> Result<Postal, Refusal> {
    let id: AddressId = id.parse().map_err(|_| AddressRefusal::Unknown)?;
    let found = address::find(&visit.db()?.read(), by, id).await?;
    Ok(found.ok_or(AddressRefusal::Unknown)?.postal)
}

/// Has units held that a pass admits to.
pub(crate) async fn by_pass(
    visit: &Visit,
    by: AccountId,
    deal: &Deal,
    shown: &Shown<'_>,
) -> Result<Bought, Refusal> {
    deal.window(visit.db()?.now())?;
    if shown.pass.is_empty() {
        return Err(Refusal::PassMissing);
    }
    Ok(door(visit)?.admit(by, deal.id, shown).await?)
}

/// Units that are held in the room already.
pub(crate) async fn in_room(
    visit: &Visit,
    by: AccountId,
    deal: &Deal,
    purchase: &str,
) -> Result<Bought, Refusal> {
    let held = door(visit)?.bought(by, deal.id, purchase).await?;
    held.ok_or(Refusal::Place(order::PlaceRefusal::Unknown))
}

/// The door of the waiting room.
pub(crate) fn door(visit: &Visit) -> Result<&Door, Refusal> {
    Ok(&visit.shop().selling()?.door)
}

/// Whether units that were ordered before can be ordered again, for the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// They were held under their own name, so who asks again asks for the same.
    SameOrder,
    /// A pass is good for one order.
    Refused,
}

/// Places an order for units that are held.
pub(crate) async fn place(
    tx: &Tx,
    deal: &Deal,
    bought: &Bought,
    postal: &Postal,
    again: Again,
) -> Result<OrderId, Failure<Refusal>> {
    let live = live(tx, bought.account()).await?;
    let known = order::of_purchase(tx, bought.purchase()).await?;
    if again == Again::Refused && known.is_some() {
        return Err(Failure::Refused(DoorRefusal::PassUsed.into()));
    }
    let goods: Vec<Goods> = bought
        .items()
        .iter()
        .map(|item| Goods { sku: item.sku.clone(), name: deal.terms.title.clone() })
        .collect();
    let new = NewOrder { bought, goods: &goods, postal };
    till::place(tx, &live, &new).await.refusing(Refusal::from)
}

/// An order of an account.
pub(crate) async fn own(visit: &Visit, by: AccountId) -> Result<Order, Refusal> {
    let id: OrderId = visit.captured("order").map_err(|_| Refusal::OrderUnknown)?;
    let found = order::find(&visit.db()?.read(), by, id).await?;
    found.ok_or(Refusal::OrderUnknown)
}
