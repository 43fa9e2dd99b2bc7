//! What is read of links.

use store::sea_orm::{ConnectionTrait, DbErr};

use super::{links, model::Link};
use crate::ids::AccountId;

/// The accounts elsewhere that an account is signed in by, the oldest first. There are at most
/// [`crate::limits::LINKS_MAX`].
pub async fn list(on: &impl ConnectionTrait, account: AccountId) -> Result<Vec<Link>, DbErr> {
    Ok(links::of(account).all(on).await?.into_iter().map(Link::from).collect())
}
