//! What the waiting room is told: the keys that access tokens are signed with, and the sessions that were
//! ended before their tokens.
//!
//! Each node looks for itself, every second and when a session is ended here. A look that fails is made
//! again from where the last good one was, so no ended session is left out. The room gets no keys before
//! it was told of every ended session whose tokens may still hold.

use std::{fmt, sync::Arc, time::Duration};

use base::{cursor::Wanted, moment::Moment};
use bytes::Bytes;
use engine::{Engine, shopper::ShopperKeys};
use identity::{
    account,
    email::Email,
    limits::{ACCESS_TTL, ENDED_OVERLAP},
    membership, session, signing,
};
use shop::Shop;
use store::{Db, Failure, sea_orm::DbErr};
use tokio::{
    sync::{Notify, watch},
    time::sleep,
};
use trade::door::Passes;

use crate::drain::stopped;

/// How often a node looks.
const LOOK: Duration = Duration::from_secs(1);

/// The sessions that are told at once.
const SESSIONS_AT_ONCE: u16 = 100;

/// What takes ended sessions, by their ids.
pub type TakesEnded = Box<dyn Fn(&[String]) -> bool + Send + Sync>;

/// The waiting room, as far as it concerns the shop.
pub struct Room {
    /// Its engine, which sells deals.
    pub engine: Engine,
    /// The keys by which it knows accounts.
    pub shoppers: ShopperKeys,
    /// Reads the passes of its admissions.
    pub passes: Arc<dyn Passes>,
    /// Takes the key set as JSON; nothing until it was read first.
    pub keys: watch::Sender<Option<Bytes>>,
    /// Takes sessions that were ended, and says whether it had room for them.
    pub ended: TakesEnded,
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").finish_non_exhaustive()
    }
}

/// What looks.
pub(crate) struct Feed {
    pub(crate) db: Db,
    pub(crate) shop: Shop,
    pub(crate) room: Room,
    pub(crate) bell: Arc<Notify>,
    pub(crate) operators: Vec<Email>,
}

/// A feed whose first look was made, or failed.
pub(crate) struct Begun {
    feed: Feed,
    since: Moment,
    is_failing: bool,
}

/// Why a look came to nothing.
#[derive(Debug)]
enum LookError {
    Database(DbErr),
    Key(String),
    RoomFull,
}

impl fmt::Display for LookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(error) => write!(f, "{error}"),
            Self::Key(why) => f.write_str(why),
            Self::RoomFull => f.write_str("the waiting room remembers no more ended sessions"),
        }
    }
}

impl From<DbErr> for LookError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

impl Feed {
    /// Looks for the first time.
    pub(crate) async fn begin(self) -> Begun {
        let since = self.db.now().before(ACCESS_TTL + ENDED_OVERLAP);
        let mut begun = Begun { feed: self, since, is_failing: false };
        begun.look_and_tell().await;
        begun
    }

    /// Publishes this node's key, and tells the room and the routes what holds now.
    async fn look(&self, since: Moment) -> Result<Moment, LookError> {
        let Self { db, shop, room, .. } = self;
        if let Err(failure) = shop.signer().publish(db).await {
            return Err(match failure {
                Failure::Store(error) => error.into(),
                Failure::Refused(refusal) => LookError::Key(refusal.to_string()),
            });
        }
        let now = db.now();
        self.tell_ended(since).await?;
        let keys = signing::public_keys(&db.read(), now).await?;
        let json = Bytes::from(serde_json::to_vec(&keys.to_jwks()).unwrap_or_default());
        shop.take_keys(keys, now);
        room.keys.send_if_modified(|known| {
            let is_new = known.as_ref() != Some(&json);
            if is_new {
                *known = Some(json);
            }
            is_new
        });
        Ok(now)
    }

    async fn tell_ended(&self, since: Moment) -> Result<(), LookError> {
        let mut after = None;
        loop {
            let wanted = Wanted::new(SESSIONS_AT_ONCE, after).unwrap_or_default();
            let page = session::ended_since(&self.db.read(), since, wanted).await?;
            let sessions: Vec<String> = page.items.iter().map(ToString::to_string).collect();
            if !sessions.is_empty() && !(self.room.ended)(&sessions) {
                return Err(LookError::RoomFull);
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Has those run the platform whose addresses are listed and verified by now.
    async fn appoint(&self) -> Result<(), DbErr> {
        for email in &self.operators {
            let found = account::by_email(&self.db.read(), email).await?;
            let Some(found) = found.filter(|found| found.is_verified && !found.is_operator) else {
                continue;
            };
            let appointed = self.db.write(async |tx| {
                let Ok(live) = account::live(tx, found.id).await else { return Ok(false) };
                match membership::appoint(tx, &live).await {
                    Ok(()) => Ok(true),
                    Err(Failure::Refused(_)) => Ok(false),
                    Err(Failure::Store(error)) => Err(error),
                }
            });
            if appointed.await? {
                tracing::info!(account = %found.id, "an account of shop.operators was appointed");
            }
        }
        Ok(())
    }
}

impl Begun {
    /// Looks until the server drains.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = sleep(LOOK) => {}
                () = self.feed.bell.notified() => {}
                () = stopped(&mut stop) => return,
            }
            self.look_and_tell().await;
        }
    }

    async fn look_and_tell(&mut self) {
        match self.feed.look(self.since).await {
            Ok(looked) => {
                self.since = looked.before(ENDED_OVERLAP);
                if self.is_failing {
                    tracing::info!("the waiting room is told of sessions and keys again");
                    self.is_failing = false;
                }
            }
            Err(error) if !self.is_failing => {
                tracing::error!(%error, "the waiting room is not told of ended sessions and new keys");
                self.is_failing = true;
            }
            Err(_) => {}
        }
        if let Err(error) = self.feed.appoint().await {
            tracing::debug!(%error, "cannot look for accounts to appoint");
        }
    }
}
