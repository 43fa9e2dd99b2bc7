//! What is read of slots.

use base::{
    calendar::{DAY_HOURS, Day},
    cursor::{Cursor, Page, Wanted},
};
use identity::ids::BusinessId;
use store::sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
};

use super::{
    model::{Policy, Slot},
    rows::{self, COLUMN, Column, Entity},
};
use crate::ids::{DealId, SlotId};

/// How many slots have each hour of a day, from 0 to 23. An hour is booked out when they are as many as
/// [`Policy::capacity`].
pub async fn day(
    on: &impl ConnectionTrait,
    policy: &Policy,
    day: Day,
) -> Result<[u32; DAY_HOURS as usize], DbErr> {
    let calendar = &policy.calendar;
    let (from, until) = (calendar.start_of(day), calendar.start_of(day.plus(1)));
    let mut counts = [0; DAY_HOURS as usize];
    for (at, taken) in rows::taken_between(on, from, until).await? {
        let hour = usize::from(calendar.hour_of(at));
        counts[hour] = counts[hour].max(u32::try_from(taken).unwrap_or(u32::MAX));
    }
    Ok(counts)
}

/// The slot of a deal.
pub async fn of_deal(on: &impl ConnectionTrait, deal: DealId) -> Result<Option<Slot>, DbErr> {
    rows::of_deal(on, deal).await
}

/// Those of some slots that there are, in no order.
pub async fn find_many(
    on: &impl ConnectionTrait,
    slots: impl IntoIterator<Item = SlotId>,
) -> Result<Vec<Slot>, DbErr> {
    let those = Entity::find().filter(Column::Id.is_in(slots));
    Ok(those.all(on).await?.into_iter().map(Slot::from).collect())
}

/// The slots of a business, the latest hours first.
pub async fn list(
    on: &impl ConnectionTrait,
    business: BusinessId,
    wanted: Wanted,
) -> Result<Page<Slot>, DbErr> {
    let those = Entity::find().filter(COLUMN.business.eq(business));
    let mut those = those.cursor_by((Column::StartsAt, Column::Id));
    those.desc();
    if let Some(after) = wanted.after() {
        those.after((after.by, after.id.to_string()));
    }
    let rows = those.first(wanted.rows()).all(on).await?;
    let all = rows.into_iter().map(Slot::from).collect();
    let place = |one: &Slot| Cursor { by: one.hours.starts_at().0, id: one.id.0 };
    Ok(Page::of(all, wanted, place))
}
