//! What is read of likes.

use std::collections::{BTreeMap, BTreeSet};

use base::cursor::{Page, Wanted};
use store::sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::{
    model::Liked,
    numbers,
    rows::{self, by, of},
};
use crate::{
    ids::{LikeId, Person, SubjectId},
    label::Label,
    subject::Subject,
};

/// How many like a subject.
pub async fn count(on: &impl ConnectionTrait, subject: &Subject) -> Result<u64, DbErr> {
    let all = counts(on, &subject.kind, &[subject.id]).await?;
    Ok(all.get(&subject.id).copied().unwrap_or(0))
}

/// How many like each of these, such as those on a page. Those that nobody likes are not in it.
pub async fn counts(
    on: &impl ConnectionTrait,
    kind: &Label,
    subjects: &[SubjectId],
) -> Result<BTreeMap<SubjectId, u64>, DbErr> {
    let those = numbers::Entity::find()
        .filter(numbers::COLUMN.kind.eq(kind.as_str()))
        .filter(numbers::Column::Subject.is_in(subjects.iter().copied()));
    let rows = those.all(on).await?.into_iter();
    let counts = rows.map(|row| (row.subject, u64::try_from(row.count).unwrap_or(0)));
    Ok(counts.filter(|(_, count)| *count > 0).collect())
}

/// Whether a person likes a subject.
pub async fn is_liked(
    on: &impl ConnectionTrait,
    person: Person,
    subject: &Subject,
) -> Result<bool, DbErr> {
    let among = liked_among(on, person, &subject.kind, &[subject.id]).await?;
    Ok(!among.is_empty())
}

/// Which of these a person likes.
pub async fn liked_among(
    on: &impl ConnectionTrait,
    person: Person,
    kind: &Label,
    subjects: &[SubjectId],
) -> Result<BTreeSet<SubjectId>, DbErr> {
    let those = by(person)
        .filter(rows::COLUMN.kind.eq(kind.as_str()))
        .filter(rows::Column::Subject.is_in(subjects.iter().copied()));
    Ok(those.all(on).await?.into_iter().map(|row| row.subject).collect())
}

/// What a person likes of a kind, the latest first.
pub async fn of_person(
    on: &impl ConnectionTrait,
    person: Person,
    kind: &Label,
    wanted: Wanted,
) -> Result<Page<Liked>, DbErr> {
    let mut those = by(person)
        .filter(rows::COLUMN.kind.eq(kind.as_str()))
        .order_by_desc(rows::COLUMN.id)
        .limit(wanted.rows());
    if let Some(after) = wanted.after() {
        those = those.filter(rows::COLUMN.id.lt(LikeId(after.id)));
    }
    let all = those.all(on).await?.into_iter().map(Liked::from).collect();
    Ok(Page::of(all, wanted, Liked::place))
}

/// Who likes a subject, the earliest first: whoever comes to like it while this is read is on the last
/// page.
pub async fn of_subject(
    on: &impl ConnectionTrait,
    subject: &Subject,
    wanted: Wanted,
) -> Result<Page<Liked>, DbErr> {
    let mut those = of(subject).order_by_asc(rows::COLUMN.id).limit(wanted.rows());
    if let Some(after) = wanted.after() {
        those = those.filter(rows::COLUMN.id.gt(LikeId(after.id)));
    }
    let all = those.all(on).await?.into_iter().map(Liked::from).collect();
    Ok(Page::of(all, wanted, Liked::place))
}
