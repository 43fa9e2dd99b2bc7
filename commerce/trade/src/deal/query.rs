//! What is read of deals.

use std::{ops::Range, time::Duration};

use base::{
    calendar::Calendar,
    cursor::{Cursor, Page, Wanted},
    moment::Moment,
};
use commons::search::{Over, Query};
use identity::{
    business::{self, Company},
    ids::BusinessId,
};
use store::{
    At,
    sea_orm::{
        ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
        QueryOrder as _, QuerySelect as _, Select,
    },
};

use super::{
    category::Category,
    model::{Deal, SUBJECT},
    record::business_tag,
    rows::{COLUMN, Column, Entity, of, public},
};
use crate::{ids::DealId, limits::DEALS_OF_A_DAY_MAX};

/// How many deals stand at the top of the first page.
const TOP: usize = 3;

/// How many days a week's list has.
const WEEK_DAYS: u16 = 7;

/// What is sold today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Today {
    /// Up to three of them that are not over, the first to open first.
    pub top: Vec<Deal>,
    /// All, the first to open first: those that open today, and those of yesterday that go on.
    pub all: Vec<Deal>,
}

/// How a search is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sorted {
    /// The first to open first.
    #[default]
    Soonest,
    /// The last to open first.
    Latest,
}

/// What somebody looks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Search {
    /// In which category; all of them if `None`.
    pub category: Option<Category>,
    /// Of which business; of all if `None`.
    pub business: Option<BusinessId>,
    /// Only deals that are over, or only those that are not; both if `None`.
    pub is_over: Option<bool>,
    /// In which order.
    pub sorted: Sorted,
}

/// A deal with what the law has a shop say of its seller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The deal.
    pub deal: Deal,
    /// Who sells it.
    pub company: Company,
}

/// A deal, whoever may see it.
pub async fn find(on: &impl ConnectionTrait, deal: DealId) -> Result<Option<Deal>, DbErr> {
    Ok(Entity::find_by_id(deal).one(on).await?.map(Deal::from))
}

/// Those of some deals that there are, in no order.
pub async fn find_many(
    on: &impl ConnectionTrait,
    deals: impl IntoIterator<Item = DealId>,
) -> Result<Vec<Deal>, DbErr> {
    let those = Entity::find().filter(Column::Id.is_in(deals));
    Ok(those.all(on).await?.into_iter().map(Deal::from).collect())
}

/// A deal as everybody sees it. Drafts are nobody's.
pub async fn detail(on: &impl ConnectionTrait, deal: DealId) -> Result<Option<Detail>, DbErr> {
    let Some(deal) = find(on, deal).await?.filter(|deal| deal.published_at.is_some()) else {
        return Ok(None);
    };
    let business = business::find(on, deal.business).await?;
    Ok(business.map(|business| Detail { deal, company: business.company }))
}

/// What is sold today.
pub async fn today(
    on: &impl ConnectionTrait,
    calendar: &Calendar,
    now: Moment,
) -> Result<Today, DbErr> {
    let day = calendar.day_of(now);
    let (from, until) = (calendar.start_of(day), calendar.start_of(day.plus(1)));
    // No deal lasts longer than a day.
    let yesterday = Moment(from.0 - (until.0 - from.0));
    let those = public()
        .filter(COLUMN.starts_at.gte(At::from(yesterday)))
        .filter(COLUMN.starts_at.lt(At::from(until)))
        .filter(COLUMN.ends_at.gt(At::from(from)));
    let all = in_order(those).limit(DEALS_OF_A_DAY_MAX).all(on).await?;
    let all: Vec<Deal> = all.into_iter().map(Deal::from).collect();
    let top = all.iter().filter(|deal| !deal.is_over(now)).take(TOP).cloned().collect();
    Ok(Today { top, all })
}

/// The deals of the next seven days by the day on which they open, today's first.
pub async fn week(
    on: &impl ConnectionTrait,
    calendar: &Calendar,
    now: Moment,
) -> Result<[Vec<Deal>; WEEK_DAYS as usize], DbErr> {
    let today = calendar.day_of(now);
    let start = |days| calendar.start_of(today.plus(days));
    let those = public()
        .filter(COLUMN.starts_at.gte(At::from(start(0))))
        .filter(COLUMN.starts_at.lt(At::from(start(WEEK_DAYS))));
    let rows = in_order(those).limit(DEALS_OF_A_DAY_MAX * u64::from(WEEK_DAYS)).all(on).await?;
    let ends: Vec<Moment> = (1..=WEEK_DAYS).map(start).collect();
    let mut days = <[Vec<Deal>; WEEK_DAYS as usize]>::default();
    for deal in rows.into_iter().map(Deal::from) {
        let day = ends.partition_point(|end| *end <= deal.terms.hours.starts_at());
        if let Some(day) = days.get_mut(day) {
            day.push(deal);
        }
    }
    Ok(days)
}

/// The deals that somebody looks for.
pub async fn search(
    on: &impl ConnectionTrait,
    search: &Search,
    now: Moment,
    wanted: Wanted,
) -> Result<Page<Deal>, DbErr> {
    let mut those = public();
    if let Some(category) = search.category {
        those = those.filter(COLUMN.category.eq(category));
    }
    if let Some(business) = search.business {
        those = those.filter(COLUMN.business.eq(business));
    }
    those = match search.is_over {
        None => those,
        Some(true) => those.filter(COLUMN.over_at.lte(At::from(now))),
        // No deal lasts longer than a day, so those that are long over are not even looked at.
        Some(false) => those
            .filter(COLUMN.over_at.gt(At::from(now)))
            .filter(COLUMN.starts_at.gt(At::from(now.before(Duration::from_hours(24))))),
    };
    let by = |deal: &Deal| deal.terms.hours.starts_at();
    page(on, those, Column::StartsAt, search.sorted, by, wanted).await
}

/// The deals that have all words of a text in them, those that fit best first and then the latest, however
/// a list without words is sorted.
pub async fn by_words(
    on: &impl ConnectionTrait,
    text: &str,
    search: &Search,
    now: Moment,
    wanted: Wanted,
) -> Result<Page<Deal>, DbErr> {
    let business = search.business.map(business_tag);
    let category = search.category.map(Category::code);
    let tags: Vec<&str> = category.into_iter().chain(business.as_deref()).collect();
    let over = search.is_over.map(|is_over| if is_over { Over::At(now) } else { Over::NotAt(now) });
    let query = Query { kind: &SUBJECT, text, tags: &tags, over };
    let hits = commons::search::find(on, &query, wanted).await?;
    let mut known = find_many(on, hits.items.iter().map(|hit| DealId(hit.subject.0))).await?;
    let place = |deal: &Deal| hits.items.iter().position(|hit| hit.subject.0 == deal.id.0);
    known.sort_by_key(place);
    Ok(Page { items: known, next: hits.next })
}

/// The deals of a business in all states, drafts included, the last that was written first.
pub async fn of_business(
    on: &impl ConnectionTrait,
    business: BusinessId,
    wanted: Wanted,
) -> Result<Page<Deal>, DbErr> {
    let by = |deal: &Deal| deal.written_at;
    page(on, of(business), Column::WrittenAt, Sorted::Latest, by, wanted).await
}

/// The published deals of a business that open within a time, its end excluded, the last to open first.
pub async fn opening_within(
    on: &impl ConnectionTrait,
    business: BusinessId,
    within: Range<Moment>,
    wanted: Wanted,
) -> Result<Page<Deal>, DbErr> {
    let those = of(business)
        .filter(COLUMN.published_at.is_not_null())
        .filter(COLUMN.starts_at.gte(At::from(within.start)))
        .filter(COLUMN.starts_at.lt(At::from(within.end)));
    let by = |deal: &Deal| deal.terms.hours.starts_at();
    page(on, those, Column::StartsAt, Sorted::Latest, by, wanted).await
}

/// Whether a business has a deal that is published and not over.
pub(crate) async fn is_selling(
    on: &impl ConnectionTrait,
    business: BusinessId,
    now: Moment,
) -> Result<bool, DbErr> {
    let those = of(business)
        .filter(COLUMN.published_at.is_not_null())
        .filter(COLUMN.over_at.gt(At::from(now)));
    Ok(those.one(on).await?.is_some())
}

fn in_order(those: Select<Entity>) -> Select<Entity> {
    those.order_by_asc(COLUMN.starts_at).order_by_asc(COLUMN.id)
}

async fn page(
    on: &impl ConnectionTrait,
    those: Select<Entity>,
    column: Column,
    sorted: Sorted,
    by: impl Fn(&Deal) -> Moment,
    wanted: Wanted,
) -> Result<Page<Deal>, DbErr> {
    let mut those = those.cursor_by((column, Column::Id));
    if sorted == Sorted::Latest {
        those.desc();
    }
    if let Some(after) = wanted.after() {
        those.after((after.by, after.id.to_string()));
    }
    let rows = those.first(wanted.rows()).all(on).await?;
    let all = rows.into_iter().map(Deal::from).collect();
    Ok(Page::of(all, wanted, |deal: &Deal| Cursor { by: by(deal).0, id: deal.id.0 }))
}
