//! Sessions: where somebody is signed in, as what, and until when.
//!
//! Owns opening, prolonging and ending. Refuses passwords and cookies. Always true: a session that
//! ended is never on again; a refresh token that is used twice ends its session, as nobody can tell the
//! thief from the owner; an account has at most [`SESSIONS_MAX`] sessions; an operator's is over after
//! [`crate::limits::OPERATOR_SESSION_MAX`], however often it was prolonged.
//!
//! A refresh token is the session's id and a generation under a MAC, so nothing of it is kept but the
//! generation that is good now. Whoever repeats a refresh within a moment, because the answer was lost,
//! gets the same token again.

mod model;
mod query;
mod rows;
mod token;

use store::{
    Failure, Tx, refused,
    sea_orm::{ColumnTrait as _, Condition, DbErr, sea_query::IntoCondition as _},
};

use self::rows::COLUMN;
pub use self::{
    model::{
        DeviceName, ENDED, OwnRefusal, Refresh, RefreshRefusal, Refreshed, Role, Session, SignIn,
        SignInRefusal,
    },
    query::{device, devices, ended_since, find, list},
    token::Refresher,
};
use crate::{
    account::{self, Live},
    device::{self, Device, Platform, PushToken},
    ids::SessionId,
    limits::{REFRESH_AGAIN_WITHIN, SESSIONS_MAX},
};

/// Signs an account in. If it has [`SESSIONS_MAX`] sessions, the one that was used longest ago ends.
///
/// # Errors
///
/// As [`SignInRefusal`] says.
pub async fn open(
    tx: &Tx,
    live: &Live,
    sign_in: &SignIn,
) -> Result<Session, Failure<SignInRefusal>> {
    if sign_in.role == Role::Operator && !live.account().is_operator {
        return refused(SignInRefusal::NotAnOperator);
    }
    let now = tx.now();
    for old in list(tx, live.id(), now).await?.iter().skip(SESSIONS_MAX - 1) {
        end(tx, old.id).await?;
    }
    let session = Session {
        id: SessionId::new(now),
        account: live.id(),
        role: sign_in.role,
        device: sign_in.device.as_str().to_owned(),
        generation: 1,
        opened_at: now,
        refreshed_at: now,
        expires_at: sign_in.role.lasts_until(now, now),
        ended_at: None,
    };
    rows::insert(tx, &session).await?;
    Ok(session)
}

/// Prolongs a session for its current refresh token, which is then replaced by the next one. An old
/// token ends the session; so that this is committed, a refusal is no failure here.
///
/// It locks the session alone, and whoever ends a session for its account waits for that.
pub async fn refresh(tx: &Tx, shown: Refresh) -> Result<Refreshed, DbErr> {
    let now = tx.now();
    let Some(mut session) = rows::lock(tx, shown.session).await? else {
        return Ok(Refreshed::Refused(RefreshRefusal::Unknown));
    };
    if !session.is_on(now) || !can_go_on(tx, &session).await? {
        return Ok(Refreshed::Refused(RefreshRefusal::Over));
    }
    let is_repeated = shown.generation.checked_add(1) == Some(session.generation)
        && now.since(session.refreshed_at) < REFRESH_AGAIN_WITHIN;
    if is_repeated {
        return Ok(Refreshed::Done(session));
    }
    if shown.generation != session.generation {
        end(tx, session.id).await?;
        return Ok(Refreshed::Refused(RefreshRefusal::Reused));
    }
    session.generation += 1;
    session.refreshed_at = now;
    session.expires_at = session.role.lasts_until(session.opened_at, now);
    rows::set_refreshed(tx, &session).await?;
    Ok(Refreshed::Done(session))
}

/// Whether the account of a session may still be signed in as what it is.
async fn can_go_on(tx: &Tx, session: &Session) -> Result<bool, DbErr> {
    let account = account::find(tx, session.account).await?;
    Ok(account.is_some_and(|account| {
        account.withdrawn_at.is_none() && (session.role != Role::Operator || account.is_operator)
    }))
}

/// Signs out, and says whether the session was not ended before. Whoever keeps the session's access
/// tokens for valid hears of it.
pub async fn end(tx: &Tx, session: SessionId) -> Result<bool, DbErr> {
    Ok(end_those(tx, COLUMN.id.eq(session).into_condition()).await? > 0)
}

/// Ends one of an account's own sessions.
///
/// # Errors
///
/// As [`OwnRefusal`] says; a session of somebody else is none.
pub async fn end_own(tx: &Tx, live: &Live, session: SessionId) -> Result<(), Failure<OwnRefusal>> {
    let found = find(tx, session).await?;
    if !found.is_some_and(|found| found.account == live.id() && found.is_on(tx.now())) {
        return refused(OwnRefusal::Unknown);
    }
    end(tx, session).await?;
    Ok(())
}

/// Has pushes for one of an account's own sessions sent to a device, and to no other of the session.
///
/// # Errors
///
/// As [`OwnRefusal`] says.
pub async fn register_device(
    tx: &Tx,
    live: &Live,
    session: SessionId,
    platform: Platform,
    token: &PushToken,
) -> Result<(), Failure<OwnRefusal>> {
    // Locked, so that the device of a session that ends meanwhile is seen to go.
    let found = rows::lock(tx, session).await?;
    if !found.is_some_and(|found| found.account == live.id() && found.is_on(tx.now())) {
        return refused(OwnRefusal::Unknown);
    }
    let (account, token, seen_at) = (live.id(), token.clone(), tx.now());
    Ok(device::put(tx, &Device { session, account, platform, token, seen_at }).await?)
}

/// Has no more pushes sent to the device of one of an account's own sessions. Where there is none, nothing
/// changes.
///
/// # Errors
///
/// As [`OwnRefusal`] says.
pub async fn forget_device(
    tx: &Tx,
    live: &Live,
    session: SessionId,
) -> Result<(), Failure<OwnRefusal>> {
    let found = find(tx, session).await?;
    if found.is_none_or(|found| found.account != live.id()) {
        return refused(OwnRefusal::Unknown);
    }
    Ok(device::forget(tx, session).await?)
}

/// Ends all sessions of an account but perhaps one, and says how many those were.
pub async fn end_others(tx: &Tx, live: &Live, but: Option<SessionId>) -> Result<u64, DbErr> {
    let all = Condition::all().add(COLUMN.account.eq(live.id()));
    end_those(tx, all.add_option(but.map(|here| COLUMN.id.ne(here)))).await
}

/// Ends an account's sessions of one role.
pub(crate) async fn end_of_role(tx: &Tx, live: &Live, role: Role) -> Result<u64, DbErr> {
    let all = Condition::all().add(COLUMN.account.eq(live.id()));
    end_those(tx, all.add(COLUMN.role.eq(role))).await
}

/// Ends all sessions of an account, and removes what is personal of them.
pub(crate) async fn forget(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    end_others(tx, live, None).await?;
    device::forget_all(tx, live.id()).await?;
    rows::clear_devices(tx, live.id()).await
}

/// Removes sessions that were over long ago, and says how many. A full [`crate::limits::SWEEP_MAX`]
/// means that more may be left.
pub async fn sweep(tx: &Tx) -> Result<u64, DbErr> {
    rows::remove_over(tx).await
}

async fn end_those(tx: &Tx, those: Condition) -> Result<u64, DbErr> {
    let mut count = 0;
    for session in rows::set_ended(tx, those).await? {
        device::forget(tx, session).await?;
        tx.tell(ENDED, &session);
        count += 1;
    }
    Ok(count)
}
