//! Finding orders.

use axum::http::Method;
use pages::shop::{OrderRow, OrdersDeskPage};
use trade::{fulfilment, ids::OrderId};

use super::super::{
    around::Around,
    business::moment,
    forms::page,
    goods::{money, parcel, state_of},
    store::more,
};
use crate::{
    answer::Answer, api::desk::found_orders, authority::Operator, input::Listed, routes::Routes,
    visit::Visit,
};

const LIST: &str = "/shop/desk/orders";

pub(super) fn routes(routes: Routes) -> Routes {
    routes.page(Method::GET, LIST, list)
}

async fn list(visit: Visit, by: Operator, listed: Listed) -> Answer {
    let around = Around::of(&visit, Some(&by.session)).await?;
    let q = listed.parameter("q").unwrap_or_default();
    let found = found_orders(&visit, q, listed.wanted).await?;
    let ids: Vec<OrderId> = found.items.iter().map(|order| order.id).collect();
    let shipments = fulfilment::of_orders(&visit.db()?.read(), &ids).await?;
    let texts = found.items.iter().map(|order| {
        [order.id.to_string(), order.account.to_string(), order.title()]
    });
    let texts: Vec<[String; 3]> = texts.collect();
    let rows = found.items.iter().zip(&texts).map(|(order, [id, account, title])| OrderRow {
        order: id,
        number: &order.number,
        account,
        placed_at: moment(order.placed_at),
        title,
        quantity: order.units().into(),
        total: money(&order.total),
        state: state_of(order.state),
        parcel: parcel(order.state, shipments.get(&order.id)),
    });
    let next = found.next.map(|next| more(&listed, LIST, &next.encode()));
    let html =
        OrdersDeskPage { frame: around.frame(), q, rows: rows.collect(), next: next.as_deref() }
            .html();
    Ok(page(html))
}
