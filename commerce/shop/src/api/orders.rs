//! Orders: placing them, paying them, giving them up, having money back.

use axum::http::{Method, StatusCode};
use identity::{address::Postal, ids::AccountId};
use store::{Failure, Refusing as _};
use trade::{
    door::Shown,
    fulfilment,
    ids::OrderId,
    order::{self, Bought, Order},
    payment,
    refund::{self, Part, RefundRefusal, Wish},
    till,
};
use web::respond::{self, Cache};

use crate::{
    acting::live,
    answer::{Answer, json},
    authority::Shopper,
    buying::{self, Again},
    input::{Json, Listed},
    once,
    refusal::Refusal,
    routes::Routes,
    visit::Visit,
    wire::{
        List,
        order::{
            Belonging, OrderDetail, OrderObject, OrderRequest, PaymentObject, PaymentRequest,
            Place, RefundObject, RefundRequest, ReturnObject, ReturnWish, Source, amount_of,
        },
    },
};

const ALL: &str = "/v1/orders";
const REFUNDS: &str = "/v1/orders/{order}/refunds";
const RETURNS: &str = "/v1/orders/{order}/returns";

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .on(Method::GET, ALL, list)
        .on(Method::POST, ALL, place)
        .on(Method::GET, "/v1/orders/{order}", show)
        .on(Method::POST, "/v1/orders/{order}/payments", begin)
        .on(Method::POST, "/v1/orders/{order}/cancel", cancel)
        .on(Method::GET, REFUNDS, refunds)
        .on(Method::POST, REFUNDS, want_back)
        .on(Method::GET, RETURNS, returns)
        .on(Method::POST, RETURNS, send_back)
}

async fn list(visit: Visit, by: Shopper, asked: Listed) -> Answer {
    asked.only(&[])?;
    let reader = visit.db()?.read();
    let page = order::of_account(&reader, by.account(), asked.wanted).await?;
    let ids: Vec<OrderId> = page.items.iter().map(|order| order.id).collect();
    let paid = payment::named(&reader, &ids).await?;
    let paid = |order: &Order| paid.iter().find(|paid| paid.order == order.id);
    Ok(json(&List::of(page, |order| OrderObject::of(&order, paid(&order)))))
}

async fn place(visit: Visit, by: Shopper, input: Json<OrderRequest>) -> Answer {
    if let Some(known) = once::known(&visit, &by.account(), ALL, &input).await? {
        return Ok(known);
    }
    let request = &input.value;
    let deal = buying::deal(&visit, &request.deal).await?;
    let postal = postal(&visit, by.account(), &request.address).await?;
    let (bought, again) = held(&visit, by.account(), &deal, &request.of).await?;
    once::write(&visit, &by.account(), ALL, &input, async |tx| {
        let id = buying::place(tx, &deal, &bought, &postal, again).await?;
        let made = order::find(tx, by.account(), id).await?;
        let made = made.ok_or(Failure::Refused(Refusal::Internal))?;
        Ok(once::made(format!("{ALL}/{id}"), &OrderObject::of(&made, None)))
    })
    .await
}

/// Where the goods go, by its id or as it was typed.
async fn postal(visit: &Visit, by: AccountId, place: &Place) -> Result<Postal, Refusal> {
    match place {
        Place::Known(id) => buying::postal(visit, by, id).await,
        Place::Typed(typed) => typed.postal(),
    }
}

/// The units that are ordered.
async fn held(
    visit: &Visit,
    by: AccountId,
    deal: &trade::deal::Deal,
    of: &Source,
) -> Result<(Bought, Again), Refusal> {
    match of {
        Source::Pass { pass, quantity } => {
            let shown = Shown { pass, quantity: *quantity };
            Ok((buying::by_pass(visit, by, deal, &shown).await?, Again::Refused))
        }
        Source::Purchase(purchase) => {
            Ok((buying::in_room(visit, by, deal, purchase).await?, Again::SameOrder))
        }
    }
}

async fn show(visit: Visit, by: Shopper, (): ()) -> Answer {
    let order = buying::own(&visit, by.account()).await?;
    Ok(json(&detail(&visit, &order).await?))
}

/// An order with everything that belongs to it.
async fn detail(visit: &Visit, order: &Order) -> Result<OrderDetail, Refusal> {
    let reader = visit.db()?.read();
    let kept = payment::of_order(&reader, order.id).await?.ok_or(Refusal::Internal)?;
    let shipment = fulfilment::of_order(&reader, order.id).await?;
    let refunds = refund::of_order(&reader, order.id).await?;
    let returns = fulfilment::returns_of(&reader, order.id).await?;
    let with = Belonging {
        payment: &kept,
        shipment: shipment.as_ref(),
        refunds: &refunds,
        returns: &returns,
    };
    Ok(OrderDetail::of(order, &with))
}

async fn begin(visit: Visit, by: Shopper, input: Json<PaymentRequest>) -> Answer {
    let order = buying::own(&visit, by.account()).await?;
    let (db, till) = (visit.db()?, &visit.shop().selling()?.till);
    let page = till::begin(db, till, by.account(), order.id, input.value.gateway).await?;
    let kept = payment::of_order(&db.read(), order.id).await?.ok_or(Refusal::Internal)?;
    Ok(respond::json(StatusCode::CREATED, Cache::NoStore, &PaymentObject::of(&kept, &page)))
}

async fn cancel(visit: Visit, by: Shopper, (): ()) -> Answer {
    let id = order_id(&visit)?;
    let given_up = visit.db()?.write(async |tx| {
        let live = live(tx, by.account()).await?;
        till::cancel(tx, &live, id).await.refusing(Refusal::from)
    });
    given_up.await?;
    let order = buying::own(&visit, by.account()).await?;
    Ok(json(&detail(&visit, &order).await?))
}

async fn refunds(visit: Visit, by: Shopper, (): ()) -> Answer {
    let order = buying::own(&visit, by.account()).await?;
    let all = refund::of_order(&visit.db()?.read(), order.id).await?;
    Ok(json(&List::whole(all.iter().map(RefundObject::of).collect())))
}

async fn want_back(visit: Visit, by: Shopper, input: Json<RefundRequest>) -> Answer {
    let order = buying::own(&visit, by.account()).await?;
    let RefundRequest { amount, lines, reason } = &input.value;
    let lines = positions(&order, lines)?;
    let part = match (amount, lines.as_slice()) {
        (Some(minor), _) => Part::Amount(amount_of(&order, *minor)),
        (None, []) => Part::Rest,
        (None, lines) => Part::Lines(lines),
    };
    let wish = Wish { part, reason, restocks: true };
    once::write(&visit, &by.account(), REFUNDS, &input, async |tx| {
        let live = live(tx, by.account()).await?;
        let id = refund::by_owner(tx, &live, order.id, &wish).await.refusing(Refusal::from)?;
        let all = refund::of_order(tx, order.id).await?;
        let made = all.iter().find(|refund| refund.id == id);
        let made = made.ok_or(Failure::Refused(Refusal::Internal))?;
        Ok(once::made(format!("{ALL}/{}/refunds", order.id), &RefundObject::of(made)))
    })
    .await
}

/// The places in an order of goods that are named by their kind.
fn positions(order: &Order, lines: &[(String, u32)]) -> Result<Vec<(u16, u32)>, Refusal> {
    let place = |(sku, quantity): &(String, u32)| {
        let at = order.lines.iter().position(|line| line.sku == *sku);
        let at = at.and_then(|at| u16::try_from(at).ok()).ok_or(RefundRefusal::Lines)?;
        Ok((at, *quantity))
    };
    lines.iter().map(place).collect()
}

async fn returns(visit: Visit, by: Shopper, (): ()) -> Answer {
    let order = buying::own(&visit, by.account()).await?;
    let all = fulfilment::returns_of(&visit.db()?.read(), order.id).await?;
    Ok(json(&List::whole(all.iter().map(ReturnObject::of).collect())))
}

async fn send_back(visit: Visit, by: Shopper, input: Json<ReturnWish>) -> Answer {
    let order = buying::own(&visit, by.account()).await?;
    once::write(&visit, &by.account(), RETURNS, &input, async |tx| {
        let live = live(tx, by.account()).await?;
        let reason = &input.value.reason;
        let asked = fulfilment::ask_return(tx, &live, order.id, reason).await;
        let id = asked.refusing(Refusal::from)?;
        let all = fulfilment::returns_of(tx, order.id).await?;
        let made = all.iter().find(|request| request.id == id);
        let made = made.ok_or(Failure::Refused(Refusal::Internal))?;
        Ok(once::made(format!("{ALL}/{}/returns", order.id), &ReturnObject::of(made)))
    })
    .await
}

fn order_id(visit: &Visit) -> Result<OrderId, Refusal> {
    visit.captured("order").map_err(|_| Refusal::OrderUnknown)
}
