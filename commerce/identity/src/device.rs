//! Devices: where a person can be sent pushes to.
//!
//! Owns one push token for each session, at most. Refuses sending. Always true: no push goes to a session
//! that ended, since its device goes with it; a token belongs to one session, so that a browser which two
//! people share gets the pushes of whoever signed in last. [`crate::session::register_device`] puts one.

mod model;
mod query;
mod rows;

use store::{Tx, sea_orm::DbErr};

pub use self::model::{Device, Platform, PushToken};
pub(crate) use self::query::{find, list};
use crate::ids::{AccountId, SessionId};

/// Puts the device of a session, whose account is locked.
pub(crate) async fn put(tx: &Tx, device: &Device) -> Result<(), DbErr> {
    rows::replace(tx, device).await
}

/// Removes the device of a session that ends.
pub(crate) async fn forget(tx: &Tx, session: SessionId) -> Result<(), DbErr> {
    rows::remove(tx, session).await
}

/// Removes all devices of an account.
pub(crate) async fn forget_all(tx: &Tx, account: AccountId) -> Result<(), DbErr> {
    rows::remove_all(tx, account).await
}

/// Removes a token that the push service says is of no device any more, and says whether there was one.
pub async fn prune(tx: &Tx, token: &PushToken) -> Result<bool, DbErr> {
    rows::remove_token(tx, token).await
}
