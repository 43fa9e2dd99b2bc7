//! Signing keys: what access tokens are signed with, and which public keys others verify them by.
//!
//! Owns the private key of this process and the table of public ones. Refuses what a token says. Always
//! true: no token is signed before its key is published for as long as the token may hold; a private key
//! is in no table, no log and no `Debug`.
//!
//! ```text
//! key of this process ──publish: until when tokens may hold──▶ table ──▶ public keys of all nodes
//! ```
//!
//! So a key is replaced by starting with another one. Nodes with the old and the new one may run side by
//! side; the old one leaves the set once its last token cannot hold any more.

mod key;
mod model;
mod query;
mod rows;

use std::sync::{Mutex, PoisonError};

use base::moment::Moment;
use store::{Db, Failure, Tx, refused, sea_orm::DbErr};

pub use self::{
    key::{KeyError, SigningKey},
    model::{Jwks, PublicKey, PublicKeys, PublishRefusal},
    query::public_keys,
};
use crate::limits::{ACCESS_TTL, PUBLISHED_FOR};

/// The key of this process, and until when others know it.
#[derive(Debug)]
pub struct Signer {
    key: SigningKey,
    holds_until: Mutex<Option<Moment>>,
}

impl Signer {
    /// With a key that may not be known yet.
    pub const fn new(key: SigningKey) -> Self {
        Self { key, holds_until: Mutex::new(None) }
    }

    /// Sees to it that the key is published for longer than a token that is signed now holds. It writes
    /// about once an hour. A node calls it at its start too, as nobody reads a key set without a key.
    ///
    /// # Errors
    ///
    /// As [`PublishRefusal`] says.
    pub async fn publish(&self, db: &Db) -> Result<Published<'_>, Failure<PublishRefusal>> {
        let now = db.now();
        let known = *self.holds_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = known.filter(|until| *until >= now.after(ACCESS_TTL)) {
            return Ok(Published { key: &self.key, until });
        }
        let until = now.after(PUBLISHED_FOR);
        let is_good = db.write(async |tx| rows::publish(tx, self.key.public(), until).await);
        if !is_good.await? {
            return refused(PublishRefusal::Revoked);
        }
        *self.holds_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
        Ok(Published { key: &self.key, until })
    }
}

/// A key that others know, until a time.
#[derive(Debug)]
pub struct Published<'a> {
    key: &'a SigningKey,
    until: Moment,
}

impl Published<'_> {
    /// The key's id.
    pub(crate) fn id(&self) -> &str {
        &self.key.public().id
    }

    /// Until when what is signed may hold.
    pub(crate) const fn until(&self) -> Moment {
        self.until
    }

    pub(crate) fn sign(&self, text: &[u8]) -> impl AsRef<[u8]> {
        self.key.sign(text)
    }
}

/// Has nothing hold any more that a key signed, as somebody else may have the key, and says whether it is
/// known and was not revoked before. Sessions go on: their clients get a token of the next key. A node
/// that still has the key signs with it for up to an hour, in vain, so nodes are started with another one
/// first.
pub async fn revoke(tx: &Tx, id: &str) -> Result<bool, DbErr> {
    rows::revoke(tx, id).await
}

/// Removes keys whose last token is over, and says how many. A full [`crate::limits::SWEEP_MAX`]
/// means that more may be left.
pub async fn sweep(tx: &Tx) -> Result<u64, DbErr> {
    rows::remove_over(tx).await
}
