//! Deals as everybody sees them: lists, one of them, the hours of a day, likes.

use axum::http::Method;
use base::{
    calendar::{Calendar, Day},
    cursor::Page,
    moment::Moment,
};
use commons::{
    ids::{Person, SubjectId},
    like,
};
use identity::{
    business,
    ids::{AccountId, BusinessId},
    session::{Role, Session},
};
use serde::Serialize;
use store::{Failure, Refusing as _, Tx};
use trade::{
    deal::{self, Category, Deal, DecideRefusal, SUBJECT, Search, Sorted},
    ids::DealId,
    slot,
};
use web::respond;

use crate::{
    acting::live,
    answer::{Answer, json},
    authority::{Anyone, Guest, Shopper},
    input::Listed,
    refusal::{Fault, Refusal},
    routes::Routes,
    shown::Showing,
    typed::Faults,
    visit::Visit,
    wire::{List, deal::DealObject, sales::SlotsObject},
};

const ONE: &str = "/v1/deals/{deal}";
const LIKE: &str = "/v1/deals/{deal}/like";

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .on(Method::GET, "/v1/deals", list)
        .on(Method::GET, ONE, show)
        .on(Method::GET, "/v1/slots", slots)
        .on(Method::PUT, LIKE, like)
        .on(Method::DELETE, LIKE, unlike)
        .on(Method::GET, "/v1/me/likes", likes)
}

/// How far ahead a day can be named by its number: 0 is today.
const DAYS_AHEAD: u16 = 6;

/// What a list of deals is asked for.
#[derive(Debug, Default)]
struct Asked {
    /// One day.
    day: Option<Day>,
    /// The seven days from this one.
    week: Option<Day>,
    words: Option<String>,
    search: Search,
}

impl Asked {
    fn read(listed: &Listed, today: Day) -> Result<Self, Refusal> {
        listed.only(&["day", "week", "category", "q", "ended", "seller"])?;
        let given = |name| listed.parameter(name).map(str::trim).filter(|text| !text.is_empty());
        let mut faults = Faults::default();
        let mut asked = Self::default();
        if listed.parameter("day").is_some() {
            asked.day = faults.note(day_of("day", given("day").unwrap_or("today"), today));
        }
        if listed.parameter("week").is_some() {
            asked.week = match given("week").unwrap_or("true") {
                "true" | "1" => Some(today),
                "false" => None,
                text => faults.note(day_of("week", text, today)),
            };
        }
        if let Some(text) = given("category") {
            asked.search.category = faults.note(Category::parse(text).ok_or_else(no_category));
        }
        if let Some(text) = given("ended") {
            asked.search.is_over = faults.note(match text {
                "true" | "1" => Ok(true),
                "false" | "0" => Ok(false),
                _ => Err(not_yes_or_no()),
            });
        }
        if let Some(text) = given("seller") {
            asked.search.business = faults.note(text.parse().map_err(|_| no_seller()));
        }
        asked.words = given("q").map(str::to_owned);
        let several = [asked.day.is_some(), asked.week.is_some(), asked.words.is_some()];
        if several.into_iter().filter(|given| *given).count() > 1 {
            faults.note::<()>(Err(one_of_them()));
        }
        // What is over is read backwards.
        asked.search.sorted = match asked.search.is_over {
            Some(false) => Sorted::Soonest,
            Some(true) | None => Sorted::Latest,
        };
        if faults.are_none() { Ok(asked) } else { Err(faults.refusal()) }
    }

    fn keeps(&self, deal: &Deal, now: Moment) -> bool {
        let Search { category, business, is_over, .. } = self.search;
        category.is_none_or(|category| deal.terms.category == category)
            && business.is_none_or(|business| deal.business == business)
            && is_over.is_none_or(|is_over| deal.is_over(now) == is_over)
    }
}

/// A day by its name, its number from today on, or `today`.
fn day_of(field: &str, text: &str, today: Day) -> Result<Day, Fault> {
    let ahead = || text.parse().ok().filter(|days| (0..=DAYS_AHEAD).contains(days));
    match text {
        "today" => Ok(today),
        _ => text.parse().ok().or_else(|| ahead().map(|days| today.plus(days))).ok_or_else(|| {
            Fault::new(
                field,
                "day_invalid",
                "날짜를 2026-12-01처럼 적어 주세요.",
                "a day such as 2026-12-01, today, or 0 to 6 days from today",
            )
        }),
    }
}

fn no_category() -> Fault {
    Fault::new(
        "category",
        "category_invalid",
        "그런 분류가 없습니다.",
        "allowed are fashion, beauty, food, appliance, sports, living, pet and travel",
    )
}

fn not_yes_or_no() -> Fault {
    Fault::new("ended", "ended_invalid", "true나 false여야 합니다.", "allowed are true and false")
}

fn no_seller() -> Fault {
    Fault::new("seller", "seller_invalid", "그런 판매자가 없습니다.", "the id of a seller")
}

fn one_of_them() -> Fault {
    Fault::new(
        "q",
        "list_ambiguous",
        "day, week, q 가운데 하나만 쓸 수 있습니다.",
        "allowed is one of day, week and q",
    )
}

/// The days of a week, each with its deals.
#[derive(Debug, Serialize)]
struct Week {
    days: Vec<String>,
    items: Vec<Vec<DealObject>>,
    next_cursor: Option<String>,
}

async fn list(visit: Visit, guest: Guest, listed: Listed) -> Answer {
    let showing = showing(&visit, guest.session.as_ref())?;
    let calendar = &showing.selling.policy.calendar;
    let now = showing.now();
    let asked = Asked::read(&listed, calendar.day_of(now))?;
    let on = showing.db.read();
    if let Some(day) = asked.week {
        return week(&showing, &asked, day).await;
    }
    let page = if let Some(day) = asked.day {
        let mut items = of_day(&showing, day).await?;
        items.retain(|deal| asked.keeps(deal, now));
        Page { items, next: None }
    } else if let Some(words) = &asked.words {
        deal::by_words(&on, words, &asked.search, now, listed.wanted).await?
    } else {
        deal::search(&on, &asked.search, now, listed.wanted).await?
    };
    let items = showing.all(&on, page.items).await?;
    Ok(json(&List::of(Page { items, next: page.next }, |shown| DealObject::of(&shown))))
}

/// What is sold on a day, the first to open first.
pub(crate) async fn of_day(showing: &Showing<'_>, day: Day) -> Result<Vec<Deal>, Refusal> {
    let calendar = &showing.selling.policy.calendar;
    Ok(deal::today(&showing.db.read(), calendar, calendar.start_of(day)).await?.all)
}

async fn week(showing: &Showing<'_>, asked: &Asked, first: Day) -> Answer {
    let (calendar, now) = (&showing.selling.policy.calendar, showing.now());
    let on = showing.db.read();
    let mut days = deal::week(&on, calendar, calendar.start_of(first)).await?;
    for day in &mut days {
        day.retain(|deal| asked.keeps(deal, now));
    }
    let counts: Vec<usize> = days.iter().map(Vec::len).collect();
    let mut shown = showing.all(&on, days.into_iter().flatten().collect()).await?.into_iter();
    let items = counts.iter().map(|count| {
        let day = shown.by_ref().take(*count);
        day.map(|shown| DealObject::of(&shown)).collect()
    });
    let week = Week {
        items: items.collect(),
        days: (0..=DAYS_AHEAD).map(|days| first.plus(days).to_string()).collect(),
        next_cursor: None,
    };
    Ok(json(&week))
}

async fn show(visit: Visit, guest: Guest, (): ()) -> Answer {
    let id: DealId = visit.captured("deal")?;
    let showing = showing(&visit, guest.session.as_ref())?;
    let on = showing.db.read();
    let own = own_business(&visit, guest.session.as_ref()).await?;
    let found = deal::find(&on, id).await?.ok_or(DecideRefusal::Unknown)?;
    let is_own = own == Some(found.business);
    // A draft is its business's alone.
    if found.published_at.is_none() && !is_own {
        return Err(DecideRefusal::Unknown.into());
    }
    let company = business::find(&on, found.business).await?.ok_or(DecideRefusal::Unknown)?.company;
    let shown = showing.one(&on, found).await?;
    let object = if is_own { DealObject::own(&shown) } else { DealObject::of(&shown) };
    Ok(json(&object.with_company(&company)))
}

/// The business as which somebody is signed in.
pub(crate) async fn own_business(
    visit: &Visit,
    session: Option<&Session>,
) -> Result<Option<BusinessId>, Refusal> {
    let Some(session) = session.filter(|session| session.role == Role::Business) else {
        return Ok(None);
    };
    let found = business::of_account(&visit.db()?.read(), session.account).await?;
    Ok(found.map(|business| business.id))
}

/// What deals are shown with to whoever asks.
pub(crate) fn showing<'v>(
    visit: &'v Visit,
    session: Option<&Session>,
) -> Result<Showing<'v>, Refusal> {
    let viewer = session.map(|session| session.account);
    Ok(Showing { db: visit.db()?, selling: visit.shop().selling()?, viewer })
}

async fn slots(visit: Visit, _: Anyone, listed: Listed) -> Answer {
    listed.only(&["date"])?;
    let (db, selling) = (visit.db()?, visit.shop().selling()?);
    let policy = &selling.policy;
    let today = policy.calendar.day_of(db.now());
    let date = match listed.parameter("date").map(str::trim).filter(|text| !text.is_empty()) {
        None => today,
        Some(text) => day_of("date", text, today).map_err(|fault| Refusal::Invalid(vec![fault]))?,
    };
    let taken = slot::day(&db.read(), policy, date).await?;
    let room = taken.into_iter().zip(0..).map(|(taken, hour)| {
        let is_ahead = is_ahead(&policy.calendar, date, hour, db.now());
        if is_ahead { policy.capacity.saturating_sub(taken) } else { 0 }
    });
    let rent = policy.plan.hourly();
    Ok(json(&SlotsObject {
        date: date.to_string(),
        hours: taken.into_iter().map(|taken| taken >= policy.capacity).collect(),
        room: room.collect(),
        hours_min: policy.hours_min,
        rent: rent.minor,
        currency: rent.currency.code().to_owned(),
    }))
}

/// Whether an hour of a day has not begun.
pub(crate) fn is_ahead(calendar: &Calendar, day: Day, hour: u8, now: Moment) -> bool {
    calendar.at_hour(day, hour).is_some_and(|starts_at| starts_at >= now)
}

async fn like(visit: Visit, by: Shopper, (): ()) -> Answer {
    set_liked(&visit, by.account(), true).await?;
    Ok(respond::no_content())
}

async fn unlike(visit: Visit, by: Shopper, (): ()) -> Answer {
    set_liked(&visit, by.account(), false).await?;
    Ok(respond::no_content())
}

/// Has an account like the deal of the path, or not.
pub(crate) async fn set_liked(
    visit: &Visit,
    account: AccountId,
    is_liked: bool,
) -> Result<(), Refusal> {
    let id: DealId = visit.captured("deal")?;
    let written = visit.db()?.write(async |tx: &Tx| {
        let live = live(tx, account).await?;
        let is_public = |deal: &Deal| deal.published_at.is_some();
        if !deal::find(tx, id).await?.as_ref().is_some_and(is_public) {
            return Err(Failure::Refused(DecideRefusal::Unknown.into()));
        }
        let (person, subject) = (Person(live.id().0), deal::subject(id));
        if is_liked {
            like::add(tx, person, &subject).await.refusing(Refusal::from)?;
        } else {
            like::remove(tx, person, &subject).await?;
        }
        Ok::<_, Failure<Refusal>>(())
    });
    Ok(written.await?)
}

async fn likes(visit: Visit, by: Shopper, listed: Listed) -> Answer {
    listed.only(&[])?;
    let showing = showing(&visit, Some(&by.session))?;
    let page = liked(&showing, by.account(), &listed).await?;
    let items = showing.all(&showing.db.read(), page.items).await?;
    Ok(json(&List::of(Page { items, next: page.next }, |shown| DealObject::of(&shown))))
}

/// The deals that an account likes, the one it came to like last first.
pub(crate) async fn liked(
    showing: &Showing<'_>,
    account: AccountId,
    listed: &Listed,
) -> Result<Page<Deal>, Refusal> {
    let on = showing.db.read();
    let page = like::of_person(&on, Person(account.0), &SUBJECT, listed.wanted).await?;
    let order: Vec<SubjectId> = page.items.iter().map(|liked| liked.subject.id).collect();
    let mut items = deal::find_many(&on, order.iter().map(|id| DealId(id.0))).await?;
    items.sort_by_key(|deal| order.iter().position(|id| id.0 == deal.id.0));
    Ok(Page { items, next: page.next })
}
