//! What is read of devices.

use store::sea_orm::{ConnectionTrait, DbErr, EntityTrait as _};

use super::{
    model::Device,
    rows::{Entity, of},
};
use crate::ids::{AccountId, SessionId};

/// The devices of an account, the latest seen first. It has no more of them than sessions.
pub async fn list(on: &impl ConnectionTrait, account: AccountId) -> Result<Vec<Device>, DbErr> {
    Ok(of(account).all(on).await?.into_iter().map(Device::from).collect())
}

/// The device of a session, as a task finds it when it sends.
pub async fn find(on: &impl ConnectionTrait, session: SessionId) -> Result<Option<Device>, DbErr> {
    Ok(Entity::find_by_id(session).one(on).await?.map(Device::from))
}
