//! Kept answers: the same request with the same key has one effect and one answer.
//!
//! The answer is written in the transaction that has the effect. A refusal changes nothing and is not
//! kept: the same request may succeed later.

use std::time::Duration;

use base::moment::Moment;
use sea_orm::{ConnectionTrait, DbErr, Value};

use crate::{
    db::Db,
    failure::WriteError,
    sql::{execute, statement},
    tx::Tx,
};

/// How long an answer is kept.
pub const KEPT_FOR: Duration = Duration::from_hours(24);
/// The longest `Idempotency-Key`.
const KEY_BYTES_MAX: usize = 128;
/// How many old answers one write removes, so that it holds up nobody.
const FORGET_MAX: u32 = 1_000;

const CLAIM: &str = "INSERT INTO kept_answer \
    (principal, route, key, digest, status, body, kept_at) VALUES ($1, $2, $3, $4, 0, $5, $6) \
    ON CONFLICT (principal, route, key) DO NOTHING";
const KEEP: &str = "UPDATE kept_answer SET status = $4, location = $5, body = $6 \
    WHERE principal = $1 AND route = $2 AND key = $3";
const FIND: &str = "SELECT digest, status, location, body FROM kept_answer \
    WHERE principal = $1 AND route = $2 AND key = $3 AND kept_at > $4";
const FORGET: &str = "DELETE FROM kept_answer \
    WHERE principal = $1 AND route = $2 AND key = $3 AND kept_at <= $4";
const FORGET_ALL: &str = "DELETE FROM kept_answer WHERE principal = $1";
const FORGET_OLD: &str = "DELETE FROM kept_answer WHERE (principal, route, key) IN \
    (SELECT principal, route, key FROM kept_answer WHERE kept_at <= $1 ORDER BY kept_at LIMIT $2)";

/// A request that is to have one effect.
#[derive(Clone, Debug)]
pub struct Request {
    principal: String,
    route: &'static str,
    key: String,
    digest: [u8; 32],
}

impl Request {
    /// A request: who asks (an account, or a place), what is called, its `Idempotency-Key` and a hash of
    /// all that was asked. Keys other than 1 to 128 visible ASCII characters are `None`.
    pub fn new(
        principal: &(impl ToString + ?Sized),
        route: &'static str,
        key: &str,
        digest: [u8; 32],
    ) -> Option<Self> {
        let is_key = (1..=KEY_BYTES_MAX).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_graphic());
        let key = key.to_owned();
        is_key.then(|| Self { principal: principal.to_string(), route, key, digest })
    }

    fn and<const N: usize>(&self, more: [Value; N]) -> Vec<Value> {
        let name = [self.principal.as_str(), self.route, self.key.as_str()];
        name.into_iter().map(Value::from).chain(more).collect()
    }
}

/// An answer as it was sent, and is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Where what was made is found, if anything was.
    pub location: Option<String>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// What came of a request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Once {
    /// It had its effect now.
    Done(Answer),
    /// It had its effect before.
    Replayed(Answer),
    /// The key was used for another request.
    Mismatch,
}

impl Db {
    /// What came of a request, if it was done before: for one whose work begins outside of the write.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn known(&self, request: &Request) -> Result<Option<Once>, DbErr> {
        find(&self.read(), request, self.now()).await
    }

    /// Does a request's work, unless a request with its key was done before. One that is under way is
    /// waited for.
    ///
    /// # Errors
    ///
    /// As [`Db::write`].
    pub async fn once<E, F>(&self, request: &Request, work: F) -> Result<Once, E>
    where
        E: WriteError,
        F: AsyncFnOnce(&Tx) -> Result<Answer, E> + Clone,
    {
        if let Some(known) = find(&self.read(), request, self.now()).await? {
            return Ok(known);
        }
        self.write(async |tx| {
            let now = tx.now();
            execute(tx, FORGET, request.and([now.before(KEPT_FOR).0.into()])).await?;
            let nothing: Vec<u8> = Vec::new();
            let claim = [request.digest.to_vec().into(), nothing.into(), now.0.into()];
            if execute(tx, CLAIM, request.and(claim)).await? == 0 {
                let known = find(tx, request, now).await?;
                return known.ok_or_else(|| DbErr::RecordNotFound("kept answer".into()).into());
            }
            let answer = work(tx).await?;
            let kept = [
                i64::from(answer.status).into(),
                answer.location.clone().into(),
                answer.body.clone().into(),
            ];
            execute(tx, KEEP, request.and(kept)).await?;
            Ok(Once::Done(answer))
        })
        .await
    }

    /// Removes answers that are too old to be given again, and says how many it removed.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub(crate) async fn forget_answers(&self) -> Result<u64, DbErr> {
        let mut removed = 0;
        loop {
            let some = self.write(async |tx| {
                let old = tx.now().before(KEPT_FOR).0;
                execute(tx, FORGET_OLD, [old.into(), FORGET_MAX.into()]).await
            });
            let some = some.await?;
            removed += some;
            if some < u64::from(FORGET_MAX) {
                return Ok(removed);
            }
        }
    }
}

/// Removes the answers that somebody was given, and says how many: they may have something personal in
/// them, and whoever has gone asks for none again.
///
/// # Errors
///
/// If the database fails.
pub async fn forget(tx: &Tx, principal: &(impl ToString + ?Sized)) -> Result<u64, DbErr> {
    execute(tx, FORGET_ALL, [principal.to_string().into()]).await
}

async fn find(
    on: &impl ConnectionTrait,
    request: &Request,
    now: Moment,
) -> Result<Option<Once>, DbErr> {
    let values = request.and([now.before(KEPT_FOR).0.into()]);
    let Some(row) = on.query_one_raw(statement(on, FIND, values)).await? else { return Ok(None) };
    if row.try_get::<Vec<u8>>("", "digest")? != request.digest {
        return Ok(Some(Once::Mismatch));
    }
    let status: i64 = row.try_get("", "status")?;
    let status = u16::try_from(status).map_err(|error| DbErr::Type(error.to_string()))?;
    let (location, body) = (row.try_get("", "location")?, row.try_get("", "body")?);
    Ok(Some(Once::Replayed(Answer { status, location, body })))
}
