//! The storefront: today's deals, lists, a deal, and those one has saved.

use axum::http::Method;
use base::{calendar::Day, cursor::Page};
use identity::business::{self, Company};
use pages::shop::{
    DayBar, DealListPage, DealPage, Entry, HomePage, LegalPage, LikesPage, Seller, Showing, to,
};
use store::Reader;
use trade::{
    deal::{self, Category, Deal, DecideRefusal, Search, Sorted, State},
    ids::DealId,
};

use super::{
    around::Around,
    cards::{card, category, moment, pictures},
    forms::{done, page},
};
use crate::{
    answer::Answer,
    api::deals::{liked, of_day, own_business, set_liked, showing},
    authority::{Guest, Shopper},
    input::{Form, Listed, Pairs},
    refusal::Refusal,
    routes::Routes,
    shown::{self, Shown},
    visit::Visit,
};

const ONE: &str = "/shop/deals/{deal}";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, to::HOME, home)
        .page(Method::GET, to::DEALS, list)
        .page(Method::GET, ONE, show)
        .page(Method::POST, "/shop/deals/{deal}/like", like)
        .page(Method::GET, to::LIKES, likes)
        .page(Method::GET, to::TERMS, terms)
        .page(Method::GET, to::PRIVACY, privacy)
}

async fn home(visit: Visit, guest: Guest, _: Pairs) -> Answer {
    let around = Around::of(&visit, guest.session.as_ref()).await?;
    let showing = showing(&visit, guest.session.as_ref())?;
    let on = showing.db.read();
    let today = deal::today(&on, &showing.selling.policy.calendar, showing.now()).await?;
    let top: Vec<DealId> = today.top.iter().map(|deal| deal.id).collect();
    let all = showing.all(&on, today.all).await?;
    let featured = all.iter().filter(|shown| top.contains(&shown.deal.id)).map(card);
    let html = HomePage {
        frame: around.frame(),
        featured: featured.collect(),
        today: all.iter().map(card).collect(),
        week: week(&showing, &on).await?,
    }
    .html();
    Ok(page(html))
}

/// Today and the six days after it, each with how many deals it has.
async fn week(showing: &shown::Showing<'_>, on: &Reader<'_>) -> Result<Vec<DayBar>, Refusal> {
    let (calendar, now) = (&showing.selling.policy.calendar, showing.now());
    let days = deal::week(on, calendar, now).await?;
    let today = calendar.day_of(now);
    let bar = |(deals, ahead): (&Vec<Deal>, u16)| DayBar {
        day: moment(calendar.start_of(today.plus(ahead))),
        deals: u64::try_from(deals.len()).unwrap_or(u64::MAX),
    };
    Ok(days.iter().zip(0..).map(bar).collect())
}

async fn list(visit: Visit, guest: Guest, listed: Listed) -> Answer {
    let around = Around::of(&visit, guest.session.as_ref()).await?;
    let showing = showing(&visit, guest.session.as_ref())?;
    let on = showing.db.read();
    let given = |name| listed.parameter(name).map(str::trim).filter(|text| !text.is_empty());
    // What a list is not narrowed by is left out: a link that somebody mistyped still shows deals.
    let day: Option<Day> = given("day").and_then(|text| text.parse().ok());
    let of = given("category").and_then(Category::parse);
    let with_ended = given("ended") == Some("true");
    let search = Search {
        category: of,
        business: None,
        is_over: (!with_ended).then_some(false),
        sorted: if with_ended { Sorted::Latest } else { Sorted::Soonest },
    };
    let q = given("q").unwrap_or_default();
    let found = if q.is_empty() {
        match day {
            Some(day) => of_day_only(&showing, day, &search).await?,
            None => deal::search(&on, &search, showing.now(), listed.wanted).await?,
        }
    } else {
        deal::by_words(&on, q, &search, showing.now(), listed.wanted).await?
    };
    let next = found.next.map(|next| more(&listed, to::DEALS, &next.encode()));
    let shown = showing.all(&on, found.items).await?;
    let calendar = &showing.selling.policy.calendar;
    let html = DealListPage {
        frame: around.frame(),
        showing: Showing {
            q,
            category: of.map(category),
            day: day.map(|day| moment(calendar.start_of(day))),
            with_ended,
        },
        week: week(&showing, &on).await?,
        deals: shown.iter().map(card).collect(),
        next: next.as_deref(),
    }
    .html();
    Ok(page(html))
}

async fn of_day_only(
    showing: &shown::Showing<'_>,
    day: Day,
    search: &Search,
) -> Result<Page<Deal>, Refusal> {
    let (mut items, now) = (of_day(showing, day).await?, showing.now());
    items.retain(|deal| {
        search.category.is_none_or(|category| deal.terms.category == category)
            && search.is_over.is_none_or(|is_over| deal.is_over(now) == is_over)
    });
    Ok(Page { items, next: None })
}

/// The address of the next page of a list.
pub(super) fn more(listed: &Listed, list: &str, cursor: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in listed.own.iter().filter(|(name, _)| name != "lang") {
        query.append_pair(name, value);
    }
    format!("{list}?{}", query.append_pair("cursor", cursor).finish())
}

async fn show(visit: Visit, guest: Guest, _: Pairs) -> Answer {
    let id: DealId = visit.captured("deal")?;
    let session = guest.session.as_ref();
    let around = Around::of(&visit, session).await?;
    let showing = showing(&visit, session)?;
    let on = showing.db.read();
    let found = deal::find(&on, id).await?.ok_or(DecideRefusal::Unknown)?;
    let is_draft = found.published_at.is_none();
    // A draft is its business's alone.
    if is_draft && own_business(&visit, session).await? != Some(found.business) {
        return Err(DecideRefusal::Unknown.into());
    }
    let company = business::find(&on, found.business).await?.ok_or(DecideRefusal::Unknown)?.company;
    let shown = showing.one(&on, found).await?;
    Ok(page(deal_page(&around, &shown, &company)))
}

fn deal_page(around: &Around, shown: &Shown, company: &Company) -> String {
    let (deal, number) = (&shown.deal, company.number().grouped());
    let status = shown.counts.map(|_| format!("/v1/sales/{}", deal.id));
    let entry = match shown.state {
        State::Open | State::Paused => Entry::Line { minutes: None },
        State::Draft | State::Scheduled | State::SoldOut | State::Ended | State::Cancelled => {
            Entry::Closed
        }
    };
    DealPage {
        frame: around.frame(),
        deal: card(shown),
        description: &deal.terms.description,
        pictures: pictures(shown).skip(1).collect(),
        held: shown.counts.map_or(0, |counts| counts.reserved),
        per_person: deal.terms.per_shopper_max.into(),
        seller: Seller {
            company: company.name(),
            representative: company.representative(),
            business_number: &number,
            email: company.email(),
            phone: company.phone(),
        },
        is_liked: shown.is_liked,
        entry,
        is_preview: deal.published_at.is_none(),
        status: status.as_deref(),
    }
    .html()
}

async fn like(visit: Visit, by: Shopper, form: Form) -> Answer {
    let is_liked = form.get("liked") == "true";
    set_liked(&visit, by.account(), is_liked).await?;
    let id: DealId = visit.captured("deal")?;
    let code = if is_liked { "liked" } else { "unliked" };
    Ok(done(&visit, code, &to::deal(&id.to_string())))
}

async fn likes(visit: Visit, by: Shopper, listed: Listed) -> Answer {
    let around = Around::of(&visit, Some(&by.session)).await?;
    let showing = showing(&visit, Some(&by.session))?;
    let found = liked(&showing, by.account(), &listed).await?;
    let next = found.next.map(|next| more(&listed, to::LIKES, &next.encode()));
    let shown = showing.all(&showing.db.read(), found.items).await?;
    let html = LikesPage {
        frame: around.frame(),
        deals: shown.iter().map(card).collect(),
        next: next.as_deref(),
    }
    .html();
    Ok(page(html))
}

async fn terms(visit: Visit, guest: Guest, _: Pairs) -> Answer {
    let around = Around::of(&visit, guest.session.as_ref()).await?;
    Ok(page(LegalPage { frame: around.frame(), is_privacy: false }.html()))
}

async fn privacy(visit: Visit, guest: Guest, _: Pairs) -> Answer {
    let around = Around::of(&visit, guest.session.as_ref()).await?;
    Ok(page(LegalPage { frame: around.frame(), is_privacy: true }.html()))
}
