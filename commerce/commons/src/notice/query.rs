//! What is read of notices.

use std::collections::BTreeMap;

use base::cursor::{Page, Wanted};
use store::sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::{
    chosen,
    model::{Channels, Notice},
    rows::{COLUMN, Entity},
};
use crate::{
    ids::{NoticeId, Person},
    label::Label,
};

/// A notice, whoever it is for.
pub async fn find(on: &impl ConnectionTrait, notice: NoticeId) -> Result<Option<Notice>, DbErr> {
    Ok(Entity::find_by_id(notice).one(on).await?.map(Notice::from))
}

/// What a person was told, the latest first.
pub async fn inbox(
    on: &impl ConnectionTrait,
    person: Person,
    wanted: Wanted,
) -> Result<Page<Notice>, DbErr> {
    page(on, Condition::all().add(COLUMN.person.eq(person)), wanted).await
}

/// The part of it that they have not read.
pub async fn inbox_unread(
    on: &impl ConnectionTrait,
    person: Person,
    wanted: Wanted,
) -> Result<Page<Notice>, DbErr> {
    let unread = Condition::all().add(COLUMN.person.eq(person)).add(COLUMN.read_at.is_null());
    page(on, unread, wanted).await
}

async fn page(
    on: &impl ConnectionTrait,
    which: Condition,
    wanted: Wanted,
) -> Result<Page<Notice>, DbErr> {
    let mut those = Entity::find().filter(which).order_by_desc(COLUMN.id).limit(wanted.rows());
    if let Some(after) = wanted.after() {
        those = those.filter(COLUMN.id.lt(NoticeId(after.id)));
    }
    let all = those.all(on).await?.into_iter().map(Notice::from).collect();
    Ok(Page::of(all, wanted, Notice::place))
}

/// How many notices a person has not read.
pub async fn unread(on: &impl ConnectionTrait, person: Person) -> Result<u64, DbErr> {
    let those = Entity::find().filter(COLUMN.person.eq(person)).filter(COLUMN.read_at.is_null());
    those.count(on).await
}

/// Where a person is told of a topic.
pub async fn channels(
    on: &impl ConnectionTrait,
    person: Person,
    topic: &Label,
) -> Result<Channels, DbErr> {
    let one = chosen::Entity::find_by_id((person, topic.to_string())).one(on).await?;
    Ok(one.map_or_else(Channels::default, |row| row.channels()))
}

/// What a person chose, by topic. Of all others, [`Channels::default`] holds.
pub async fn choices(
    on: &impl ConnectionTrait,
    person: Person,
) -> Result<BTreeMap<Label, Channels>, DbErr> {
    let those = chosen::Entity::find().filter(chosen::COLUMN.person.eq(person));
    let rows = those.all(on).await?.into_iter();
    Ok(rows.map(|row| (Label::kept(row.topic.clone()), row.channels())).collect())
}
