//! What is read of media.

use std::collections::BTreeMap;

use store::sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};

use super::{
    model::Media,
    rows::{Column, Entity},
    uses,
};
use crate::{
    ids::{MediaId, SubjectId},
    label::Label,
    subject::Subject,
};

/// A picture, whoever's it is and however far it has come.
pub async fn find(on: &impl ConnectionTrait, media: MediaId) -> Result<Option<Media>, DbErr> {
    Ok(Entity::find_by_id(media).one(on).await?.map(Media::from))
}

/// The pictures that a subject shows, in its order.
pub async fn of_subject(on: &impl ConnectionTrait, subject: &Subject) -> Result<Vec<Media>, DbErr> {
    let mut all = of_subjects(on, &subject.kind, &[subject.id]).await?;
    Ok(all.remove(&subject.id).unwrap_or_default())
}

/// The pictures that each of these shows, such as those on a page: two reads, however many they are.
pub async fn of_subjects(
    on: &impl ConnectionTrait,
    kind: &Label,
    subjects: &[SubjectId],
) -> Result<BTreeMap<SubjectId, Vec<Media>>, DbErr> {
    let used = uses::Entity::find()
        .filter(uses::COLUMN.kind.eq(kind.as_str()))
        .filter(uses::Column::Subject.is_in(subjects.iter().copied()))
        .order_by_asc(uses::COLUMN.subject)
        .order_by_asc(uses::COLUMN.place);
    let used = used.all(on).await?;
    let media = Entity::find().filter(Column::Id.is_in(used.iter().map(|row| row.media)));
    let media = media.all(on).await?.into_iter().map(|row| (row.id, Media::from(row)));
    let media: BTreeMap<MediaId, Media> = media.collect();
    let mut all: BTreeMap<SubjectId, Vec<Media>> = BTreeMap::new();
    for row in used {
        let shown = all.entry(row.subject).or_default();
        shown.extend(media.get(&row.media).cloned());
    }
    Ok(all)
}
