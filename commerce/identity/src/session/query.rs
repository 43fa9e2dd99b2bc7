//! What is read of sessions.

use base::{
    cursor::{Cursor, Page, Wanted},
    moment::Moment,
};
use store::{
    At,
    sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _},
};

use super::{
    model::Session,
    rows::{COLUMN, Column, Entity, Model, on_of},
};
use crate::{
    device::{self, Device},
    ids::{AccountId, SessionId},
};

/// A session, those that are over included.
pub async fn find(on: &impl ConnectionTrait, session: SessionId) -> Result<Option<Session>, DbErr> {
    Ok(Entity::find_by_id(session).one(on).await?.map(Session::from))
}

/// Where an account is signed in, the latest used first. There are at most
/// [`crate::limits::SESSIONS_MAX`].
pub async fn list(
    on: &impl ConnectionTrait,
    account: AccountId,
    now: Moment,
) -> Result<Vec<Session>, DbErr> {
    Ok(on_of(account, now).all(on).await?.into_iter().map(Session::from).collect())
}

/// Where pushes for a session are sent, as a task finds it when it sends. A session that is over gets
/// none.
pub async fn device(
    on: &impl ConnectionTrait,
    session: SessionId,
    now: Moment,
) -> Result<Option<Device>, DbErr> {
    match find(on, session).await? {
        Some(found) if found.is_on(now) => device::find(on, session).await,
        Some(_) | None => Ok(None),
    }
}

/// Where pushes for an account are sent, the device that was seen latest first.
pub async fn devices(
    on: &impl ConnectionTrait,
    account: AccountId,
    now: Moment,
) -> Result<Vec<Device>, DbErr> {
    let on_now = list(on, account, now).await?;
    let mut devices = device::list(on, account).await?;
    devices.retain(|device| on_now.iter().any(|session| session.id == device.session));
    Ok(devices)
}

/// The sessions that were ended at a moment or later, in the order of that. Whoever keeps their access
/// tokens from being used reads this at its start and again and again, each time from
/// [`crate::limits::ENDED_OVERLAP`] before the last look, as what was ended first may be committed later.
pub async fn ended_since(
    on: &impl ConnectionTrait,
    since: Moment,
    wanted: Wanted,
) -> Result<Page<SessionId>, DbErr> {
    let mut those = Entity::find()
        .filter(COLUMN.ended_at.gte(At::from(since)))
        .cursor_by((Column::EndedAt, Column::Id));
    if let Some(after) = wanted.after() {
        those.after((after.by, after.id.to_string()));
    }
    let rows = those.first(wanted.rows()).all(on).await?;
    let place = |row: &Model| Cursor { by: row.ended_at.map_or(0, |at| at.0), id: row.id.0 };
    Ok(Page::of(rows, wanted, place).map(|row| row.id))
}
