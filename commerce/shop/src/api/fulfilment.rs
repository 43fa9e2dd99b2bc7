//! What a seller does with the orders of their deals.

use axum::http::Method;
use identity::business;
use store::{Failure, Refusing as _, Tx};
use trade::{
    deal,
    fulfilment::{self, Decision, Parcel},
    ids::{DealId, OrderId, ReturnId},
    order::{self, state::OrderState},
    refund,
};

use crate::{
    acting::live,
    answer::{Answer, json},
    authority::Seller,
    input::{Json, Listed},
    refusal::{DoneRefusal, Refusal, done},
    routes::Routes,
    visit::Visit,
    wire::{
        List,
        fulfilment::{ShipRequest, Sold, SoldObject, TakeBackRequest},
    },
};

const ALL: &str = "/v1/me/business/orders";
const ONE: &str = "/v1/me/business/orders/{order}";

/// States of orders that a seller has something to do with. An order that waits for its payment, or came
/// to nothing, is the buyer's alone.
pub(crate) const SOLD: [OrderState; 4] =
    [OrderState::Paid, OrderState::PartRefunded, OrderState::Refunding, OrderState::Refunded];

/// What a buyer reads whose goods were taken back.
const TAKEN_BACK: &str = "the goods were returned";

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .on(Method::GET, ALL, list)
        .on(Method::GET, ONE, show)
        .on(Method::POST, "/v1/me/business/orders/{order}/prepare", prepare)
        .on(Method::POST, "/v1/me/business/orders/{order}/ship", ship)
        .on(Method::POST, "/v1/me/business/orders/{order}/deliver", deliver)
        .on(Method::POST, "/v1/me/business/orders/{order}/returns/{return}/accept", accept)
        .on(Method::POST, "/v1/me/business/orders/{order}/returns/{return}/refuse", refuse)
}

/// The orders of one deal, the newest first.
async fn list(visit: Visit, by: Seller, listed: Listed) -> Answer {
    listed.only(&["deal"])?;
    let asked = listed.parameter("deal").and_then(|id| id.parse().ok());
    let asked: DealId = asked.ok_or_else(|| {
        Refusal::field(
            "deal",
            "deal_missing",
            "어느 딜의 주문인지 deal에 적어 주세요.",
            "the id of one of the business's deals",
        )
    })?;
    let page = sold_of(&visit, &by, asked, listed.wanted).await?;
    Ok(json(&List::of(page, |sold| SoldObject::of(&sold))))
}

/// A page of the orders of a seller's deal, with where their goods are.
pub(crate) async fn sold_of(
    visit: &Visit,
    by: &Seller,
    asked: DealId,
    wanted: base::cursor::Wanted,
) -> Result<base::cursor::Page<Sold>, Refusal> {
    let reader = visit.db()?.read();
    let known = deal::find(&reader, asked).await?;
    let is_theirs = known.is_some_and(|known| known.business == by.business.id);
    if !is_theirs {
        return Err(DoneRefusal::Decide(deal::DecideRefusal::Unknown).into());
    }
    let page = order::of_deal(&reader, asked, &SOLD, wanted).await?;
    let ids: Vec<OrderId> = page.items.iter().map(|order| order.id).collect();
    let mut shipments = fulfilment::of_orders(&reader, &ids).await?;
    let mut returns = fulfilment::returns_of_all(&reader, &ids).await?;
    Ok(page.map(|order| Sold {
        shipment: shipments.remove(&order.id),
        returns: returns.remove(&order.id).unwrap_or_default(),
        order,
    }))
}

async fn show(visit: Visit, by: Seller, (): ()) -> Answer {
    let id: OrderId = visit.captured("order")?;
    Ok(json(&SoldObject::of(&sold(&visit, &by, id).await?)))
}

/// An order of a deal of the seller's.
pub(crate) async fn sold(visit: &Visit, by: &Seller, id: OrderId) -> Result<Sold, Refusal> {
    let reader = visit.db()?.read();
    let found = order::find_any(&reader, id).await?.filter(|order| SOLD.contains(&order.state));
    let order = found.ok_or(DoneRefusal::OrderUnknown)?;
    let known = deal::find(&reader, order.deal).await?;
    if known.is_none_or(|known| known.business != by.business.id) {
        return Err(DoneRefusal::OrderUnknown.into());
    }
    Ok(Sold {
        shipment: fulfilment::of_order(&reader, id).await?,
        returns: fulfilment::returns_of(&reader, id).await?,
        order,
    })
}

async fn prepare(visit: Visit, by: Seller, (): ()) -> Answer {
    let id: OrderId = visit.captured("order")?;
    moved(&visit, &by, id, Move::Prepare).await?;
    Ok(json(&SoldObject::of(&sold(&visit, &by, id).await?)))
}

async fn ship(visit: Visit, by: Seller, input: Json<ShipRequest>) -> Answer {
    let id: OrderId = visit.captured("order")?;
    moved(&visit, &by, id, Move::Ship(input.value.parcel()?)).await?;
    Ok(json(&SoldObject::of(&sold(&visit, &by, id).await?)))
}

async fn deliver(visit: Visit, by: Seller, (): ()) -> Answer {
    let id: OrderId = visit.captured("order")?;
    moved(&visit, &by, id, Move::Deliver).await?;
    Ok(json(&SoldObject::of(&sold(&visit, &by, id).await?)))
}

/// How goods move.
#[derive(Debug)]
pub(crate) enum Move {
    /// They are being packed.
    Prepare,
    /// A carrier has them.
    Ship(Parcel),
    /// They have arrived.
    Deliver,
}

/// Has the goods of an order move a step.
pub(crate) async fn moved(
    visit: &Visit,
    by: &Seller,
    id: OrderId,
    step: Move,
) -> Result<(), Refusal> {
    sold(visit, by, id).await?;
    let written = visit.db()?.write(async |tx| {
        approved(tx, by).await?;
        let moved = match &step {
            Move::Prepare => fulfilment::prepare(tx, id).await,
            Move::Ship(parcel) => fulfilment::ship(tx, id, parcel).await,
            Move::Deliver => fulfilment::deliver(tx, id).await,
        };
        done(moved, DoneRefusal::Ship)
    });
    Ok(written.await?)
}

/// Locks the account, and keeps the business from losing its right to sell meanwhile.
async fn approved(tx: &Tx, by: &Seller) -> Result<(), Failure<Refusal>> {
    let live = live(tx, by.session.account).await?;
    business::approved(tx, &live).await.refusing(Refusal::from).map(drop)
}

async fn accept(visit: Visit, by: Seller, input: Json<TakeBackRequest>) -> Answer {
    let (id, request) = (visit.captured("order")?, visit.captured("return")?);
    decide(&visit, &by, (id, request), Decision::Accept, input.value.restocks).await?;
    Ok(json(&SoldObject::of(&sold(&visit, &by, id).await?)))
}

async fn refuse(visit: Visit, by: Seller, (): ()) -> Answer {
    let (id, request) = (visit.captured("order")?, visit.captured("return")?);
    decide(&visit, &by, (id, request), Decision::Refuse, false).await?;
    Ok(json(&SoldObject::of(&sold(&visit, &by, id).await?)))
}

/// Takes goods back, which are then refunded, or does not.
pub(crate) async fn decide(
    visit: &Visit,
    by: &Seller,
    (id, request): (OrderId, ReturnId),
    decision: Decision,
    restocks: bool,
) -> Result<(), Refusal> {
    let known = sold(visit, by, id).await?;
    if !known.returns.iter().any(|one| one.id == request) {
        return Err(DoneRefusal::Return(fulfilment::ReturnRefusal::Unknown).into());
    }
    let written = visit.db()?.write(async |tx| {
        approved(tx, by).await?;
        decided(tx, by.session.account, request, decision, restocks).await
    });
    Ok(written.await?)
}

/// Decides about goods that somebody wants to send back, for whoever may.
pub(crate) async fn decided(
    tx: &Tx,
    by: identity::ids::AccountId,
    request: ReturnId,
    decision: Decision,
    restocks: bool,
) -> Result<(), Failure<Refusal>> {
    let found = fulfilment::find_return(tx, request).await?;
    let unknown = DoneRefusal::Return(fulfilment::ReturnRefusal::Unknown);
    let found = found.ok_or(Failure::Refused(Refusal::from(unknown)))?;
    if decision == Decision::Accept {
        let wish = refund::Wish { part: refund::Part::Rest, reason: TAKEN_BACK, restocks };
        done(refund::of_return(tx, found.order, by, &wish).await, DoneRefusal::Refund)?;
    }
    done(fulfilment::decide_return(tx, request, decision).await, DoneRefusal::Return)
}
