//! A seller's own deals: how they stand, and what is decided about them.

use axum::http::Method;
use identity::business::State as BusinessState;
use pages::shop::{OwnDeal, OwnDealsPage, WatchPage, to};
use store::Refusing as _;
use trade::{
    deal::{self, Deal, DecideRefusal, State},
    history::{self, DaySales},
    ids::DealId,
};
use web::respond;

use super::{
    around::Around,
    cards::{card, money},
    forms::{Wrong, done, page, refused},
    store::more,
};
use crate::{
    acting::approved,
    answer::Answer,
    api::{
        deals::showing,
        own_deals::{Decision, decide},
    },
    authority::{Merchant, Seller},
    input::{Form, Listed, Pairs},
    refusal::Refusal,
    routes::Routes,
    shown::Shown,
    visit::Visit,
    wire,
};

/// Where they are.
pub(super) const LIST: &str = "/shop/business/deals";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, LIST, list)
        .page(Method::GET, "/shop/business/deals/{deal}/watch", watch)
        .page(Method::POST, "/shop/business/deals/{deal}/withdraw", withdraw)
        .page(Method::POST, "/shop/business/deals/{deal}/pause", pause)
        .page(Method::POST, "/shop/business/deals/{deal}/resume", resume)
        .page(Method::POST, "/shop/business/deals/{deal}/close", close)
        .page(Method::POST, "/shop/business/deals/{deal}/cancel", cancel)
}

async fn list(visit: Visit, by: Merchant, listed: Listed) -> Answer {
    let around = Around::of(&visit, Some(&by.session)).await?;
    let showing = showing(&visit, Some(&by.session))?;
    let on = showing.db.read();
    let found = deal::of_business(&on, by.business.id, listed.wanted).await?;
    let next = found.next.map(|next| more(&listed, LIST, &next.encode()));
    let calendar = &showing.selling.policy.calendar;
    let sales = history::of_deals(&on, calendar, found.items.clone()).await?;
    let shown = showing.all(&on, found.items).await?;
    let rows: Vec<(&Shown, DaySales)> =
        shown.iter().zip(sales).map(|(shown, (_, sales))| (shown, sales)).collect();
    let deals = rows.iter().map(|(shown, sales)| OwnDeal {
        card: card(shown),
        sold: units(sales),
        revenue: money(sales.net.minor, &shown.deal.terms.price),
        reason: shown.deal.reason.as_deref(),
    });
    let html = OwnDealsPage {
        frame: around.frame(),
        deals: deals.collect(),
        may_sell: by.business.state == BusinessState::Approved,
        next: next.as_deref(),
    }
    .html();
    Ok(page(html))
}

fn units(sales: &DaySales) -> u64 {
    u64::try_from(sales.units).unwrap_or_default()
}

async fn watch(visit: Visit, by: Merchant, _: Pairs) -> Answer {
    watched(&visit, &by, &Wrong::default()).await
}

async fn watched(visit: &Visit, by: &Merchant, wrong: &Wrong) -> Answer {
    let id: DealId = visit.captured("deal")?;
    let around = Around::of(visit, Some(&by.session)).await?;
    let showing = showing(visit, Some(&by.session))?;
    let on = showing.db.read();
    let own = |deal: &Deal| deal.business == by.business.id && deal.published_at.is_some();
    let found = deal::find(&on, id).await?.filter(own).ok_or(DecideRefusal::Unknown)?;
    let calendar = &showing.selling.policy.calendar;
    let sales = history::of_deals(&on, calendar, vec![found.clone()]).await?;
    let net = sales.first().map_or(0, |(_, sales)| sales.net.minor);
    let shown = showing.one(&on, found).await?;
    let counts = shown.counts;
    let watch = WatchPage {
        frame: around.frame(),
        deal: card(&shown),
        sold: counts.map_or(0, |counts| counts.sold),
        held: counts.map_or(0, |counts| counts.reserved),
        revenue: money(net, &shown.deal.terms.price),
        funnel: None,
        sold_by_time: None,
        refusal: wrong.code.or_else(|| wrong.at("reason")),
        is_live: matches!(shown.state, State::Open | State::Paused | State::SoldOut),
    };
    let html = watch.html();
    if watch.refusal.is_some() {
        return Ok(refused(wrong.status, html));
    }
    Ok(respond::refreshed(page(html), watch.refresh_seconds()))
}

/// Takes a deal back before it opens: a draft is deleted, a deal that is to open is called off.
async fn withdraw(visit: Visit, by: Seller, _: Form) -> Answer {
    let id: DealId = visit.captured("deal")?;
    let db = visit.db()?;
    let found = deal::find(&db.read(), id).await?.ok_or(DecideRefusal::Unknown)?;
    if found.published_at.is_none() {
        let deleted = db.write(async |tx| {
            let approved = approved(tx, by.session.account).await?;
            deal::delete(tx, &approved, id).await.refusing(Refusal::from)
        });
        deleted.await?;
    } else {
        decide(&visit, &by, &Decision::Cancel(wire::deal::reason("")?)).await?;
    }
    Ok(done(&visit, "deal_withdrawn", LIST))
}

async fn pause(visit: Visit, by: Seller, _: Form) -> Answer {
    decided(&visit, by, Ok(Decision::Pause), "deal_paused").await
}

async fn resume(visit: Visit, by: Seller, _: Form) -> Answer {
    decided(&visit, by, Ok(Decision::Resume), "deal_resumed").await
}

async fn close(visit: Visit, by: Seller, form: Form) -> Answer {
    let decision = wire::deal::reason(form.get("reason")).map(Decision::Close);
    decided(&visit, by, decision, "deal_closed").await
}

async fn cancel(visit: Visit, by: Seller, form: Form) -> Answer {
    let decision = wire::deal::reason(form.get("reason")).map(Decision::Cancel);
    decided(&visit, by, decision, "deal_cancelled").await
}

async fn decided(
    visit: &Visit,
    by: Seller,
    decision: Result<Decision, Refusal>,
    code: &'static str,
) -> Answer {
    let done_with = async { decide(visit, &by, &decision?).await };
    match done_with.await {
        Ok(_) => {
            let id: DealId = visit.captured("deal")?;
            Ok(done(visit, code, &format!("{}/deals/{id}/watch", to::BUSINESS)))
        }
        Err(refusal) => {
            let wrong = Wrong::of(refusal)?;
            let business = crate::api::own_deals::business_of(visit, &by).await?;
            watched(visit, &Merchant { session: by.session, business }, &wrong).await
        }
    }
}
