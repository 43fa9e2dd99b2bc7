//! What is read of devices.

use store::sea_orm::{ConnectionTrait, DbErr, EntityTrait as _};

use super::{
    model::Device,
    rows::{Entity, of},
};
use crate::ids::{AccountId, SessionId};

/// The devices of an account, the latest seen first, those of sessions that are over included: see
/// [`crate::session::devices`]. It has no more of them than sessions.
pub(crate) async fn list(
    on: &impl ConnectionTrait,
    account: AccountId,
) -> Result<Vec<Device>, DbErr> {
    Ok(of(account).all(on).await?.into_iter().map(Device::from).collect())
}

/// The device of a session, which may be over: see [`crate::session::device`].
pub(crate) async fn find(
    on: &impl ConnectionTrait,
    session: SessionId,
) -> Result<Option<Device>, DbErr> {
    Ok(Entity::find_by_id(session).one(on).await?.map(Device::from))
}
