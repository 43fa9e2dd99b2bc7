//! Which deals take place, and deciding about them.

use std::collections::BTreeMap;

use axum::http::Method;
use base::cursor::Page;
use identity::{business, ids::BusinessId};
use pages::shop::{DealRow, DealsDeskPage, PausedBy, to};
use store::{Reader, sea_orm::DbErr};
use trade::{
    deal::{self, Deal, DecideRefusal, Search, Sorted, State},
    ids::DealId,
};

use super::{
    super::{
        around::Around,
        business::moment,
        cards::card,
        forms::{Wrong, done},
        store::more,
    },
    Sent, wrong_of,
};
use crate::{
    answer::Answer,
    api::{
        deals::showing,
        desk::{OfDeal, decide_deal},
    },
    authority::Operator,
    input::{Form, Listed},
    refusal::{DoneRefusal, Refusal},
    routes::Routes,
    shown::Shown,
    visit::Visit,
    wire::desk::deal_reason,
};

pub(super) const LIST: &str = "/shop/desk/deals";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, LIST, list)
        .page(Method::POST, "/shop/desk/deals/{deal}/pause", pause)
        .page(Method::POST, "/shop/desk/deals/{deal}/resume", resume)
        .page(Method::POST, "/shop/desk/deals/{deal}/close", close)
        .page(Method::POST, "/shop/desk/deals/{deal}/cancel", cancel)
}

async fn list(visit: Visit, by: Operator, listed: Listed) -> Answer {
    let (word, is_over, sorted) = match listed.parameter("state") {
        None | Some("running") => ("running", false, Sorted::Soonest),
        Some("ended") => ("ended", true, Sorted::Latest),
        Some(_) => return Err(Refusal::NotFound),
    };
    let db = visit.db()?;
    let search = Search { is_over: Some(is_over), sorted, ..Search::default() };
    let found = deal::search(&db.read(), &search, db.now(), listed.wanted).await?;
    let next = found.next.map(|next| more(&listed, LIST, &next.encode()));
    let found = Page { items: found.items, next: None };
    shown(&visit, &by, (word, next.as_deref()), found.items, None).await
}

/// The deals, and the form among them that was refused.
async fn shown(
    visit: &Visit,
    by: &Operator,
    (word, next): (&str, Option<&str>),
    deals: Vec<Deal>,
    sent: Option<&Sent<'_>>,
) -> Answer {
    let around = Around::of(visit, Some(&by.session)).await?;
    let showing = showing(visit, Some(&by.session))?;
    let on = showing.db.read();
    let companies = companies(&on, &deals).await?;
    let all = showing.all(&on, deals).await?;
    let row = |shown| row(shown, &companies);
    let wrong = wrong_of(sent);
    let html = DealsDeskPage {
        frame: around.frame(),
        showing: word,
        rows: all.iter().map(row).collect(),
        typed: sent.map(Sent::typed),
        refusal: wrong.code,
        next,
    }
    .html();
    Ok(wrong.answer(html))
}

/// What the sellers of some deals are called.
async fn companies(
    on: &Reader<'_>,
    deals: &[Deal],
) -> Result<BTreeMap<BusinessId, String>, DbErr> {
    let all = business::find_many(on, deals.iter().map(|deal| deal.business)).await?;
    Ok(all.into_iter().map(|one| (one.id, one.company.name().to_owned())).collect())
}

fn row<'a>(shown: &'a Shown, companies: &'a BTreeMap<BusinessId, String>) -> DealRow<'a> {
    let counts = shown.counts;
    let paused = shown.deal.paused().map(|paused| {
        let by = match paused.by {
            deal::PausedBy::Owner => PausedBy::Seller,
            deal::PausedBy::Platform => PausedBy::Platform,
            deal::PausedBy::Operator => PausedBy::Operator,
        };
        (by, Some(moment(paused.at)))
    });
    let in_room = (shown.state == State::Paused).then_some((PausedBy::Room, None));
    DealRow {
        card: card(shown),
        company: companies.get(&shown.deal.business).map_or("", String::as_str),
        sold: counts.map_or(0, |counts| counts.sold),
        held: counts.map_or(0, |counts| counts.reserved),
        paused: paused.or(in_room),
        reason: shown.deal.reason.as_deref(),
    }
}

async fn pause(visit: Visit, by: Operator, form: Form) -> Answer {
    decided(&visit, &by, ("pause", &form), Ok(OfDeal::Pause), "deal_paused").await
}

async fn resume(visit: Visit, by: Operator, form: Form) -> Answer {
    decided(&visit, &by, ("resume", &form), Ok(OfDeal::Resume), "deal_resumed").await
}

async fn close(visit: Visit, by: Operator, form: Form) -> Answer {
    let what = deal_reason(form.get("reason")).map(OfDeal::Close);
    decided(&visit, &by, ("close", &form), what, "deal_closed").await
}

async fn cancel(visit: Visit, by: Operator, form: Form) -> Answer {
    let what = deal_reason(form.get("reason")).map(OfDeal::Cancel);
    decided(&visit, &by, ("cancel", &form), what, "deal_cancelled").await
}

async fn decided(
    visit: &Visit,
    by: &Operator,
    (form, typed): (&str, &Form),
    what: Result<OfDeal, Refusal>,
    code: &'static str,
) -> Answer {
    let id: DealId = visit.captured("deal")?;
    let deciding = async { decide_deal(visit, by, id, what?).await };
    let Err(refusal) = deciding.await else { return Ok(done(visit, code, LIST)) };
    let sent = Sent { form, of: id.to_string(), typed, wrong: Wrong::of(refusal)? };
    let db = visit.db()?;
    let found = deal::find(&db.read(), id).await?;
    let found = found.ok_or(DoneRefusal::Decide(DecideRefusal::Unknown))?;
    let word = if found.is_over(db.now()) { "ended" } else { "running" };
    shown(visit, by, (word, None), vec![found], Some(&sent)).await
}
