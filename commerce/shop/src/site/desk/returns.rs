//! Goods that somebody wants to send back, and deciding about them in place of their seller.

use axum::http::Method;
use base::cursor::Wanted;
use pages::shop::{ReturnRow, ReturnsPage};
use trade::{
    fulfilment::{self, Decision, ReturnRequest},
    ids::{OrderId, ReturnId},
    order::{self, Order},
    payment,
};

use super::super::{
    around::Around,
    business::moment,
    forms::{Wrong, done},
    goods::money,
    store::more,
};
use crate::{
    answer::Answer,
    api::desk::take_back,
    authority::Operator,
    input::{Form, Listed},
    refusal::Refusal,
    routes::Routes,
    visit::Visit,
};

const LIST: &str = "/shop/desk/returns";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, LIST, list)
        .page(Method::POST, "/shop/desk/returns/{return}/accept", accept)
        .page(Method::POST, "/shop/desk/returns/{return}/refuse", refuse)
}

/// A request with all that its row needs.
struct Seen {
    request: ReturnRequest,
    order: Order,
    amount: base::money::Money,
    texts: [String; 3],
}

async fn seen(visit: &Visit, all: Vec<ReturnRequest>) -> Result<Vec<Seen>, Refusal> {
    let reader = visit.db()?.read();
    let ids: Vec<OrderId> = all.iter().map(|one| one.order).collect();
    let mut orders = order::find_many(&reader, &ids).await?;
    let mut seen = Vec::with_capacity(all.len());
    for request in all {
        let place = orders.iter().position(|order| order.id == request.order);
        let kept = payment::of_order(&reader, request.order).await?;
        let (Some(place), Some(kept)) = (place, kept) else { continue };
        let order = orders.swap_remove(place);
        let texts = [request.id.to_string(), order.id.to_string(), order.title()];
        seen.push(Seen { amount: kept.payment.refundable(), request, order, texts });
    }
    Ok(seen)
}

async fn list(visit: Visit, by: Operator, listed: Listed) -> Answer {
    shown(&visit, &by, &listed, &Wrong::default()).await
}

async fn shown(visit: &Visit, by: &Operator, listed: &Listed, wrong: &Wrong) -> Answer {
    let around = Around::of(visit, Some(&by.session)).await?;
    let found = fulfilment::open_returns(&visit.db()?.read(), listed.wanted).await?;
    let next = found.next.map(|next| more(listed, LIST, &next.encode()));
    let all = seen(visit, found.items).await?;
    let row = |one| {
        let Seen { request, order, amount, texts: [id, order_id, title] }: &Seen = one;
        ReturnRow {
            request: id,
            order: order_id,
            number: &order.number,
            title,
            amount: money(amount),
            asked_at: moment(request.asked_at),
            reason: &request.reason,
        }
    };
    let html = ReturnsPage {
        frame: around.frame(),
        rows: all.iter().map(row).collect(),
        refusal: wrong.code,
        next: next.as_deref(),
    }
    .html();
    Ok(wrong.answer(html))
}

async fn accept(visit: Visit, by: Operator, form: Form) -> Answer {
    decided(&visit, &by, Decision::Accept, form.has("restocks")).await
}

async fn refuse(visit: Visit, by: Operator, _: Form) -> Answer {
    decided(&visit, &by, Decision::Refuse, false).await
}

async fn decided(visit: &Visit, by: &Operator, decision: Decision, restocks: bool) -> Answer {
    let id: ReturnId = visit.captured("return")?;
    let code = match decision {
        Decision::Accept => "return_accepted",
        Decision::Refuse => "return_refused",
    };
    match take_back(visit, by, id, decision, restocks).await {
        Ok(()) => Ok(done(visit, code, LIST)),
        Err(refusal) => {
            let first = Listed { wanted: Wanted::default(), own: Vec::new() };
            shown(visit, by, &first, &Wrong::of(refusal)?).await
        }
    }
}
