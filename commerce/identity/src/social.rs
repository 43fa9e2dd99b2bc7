//! Signing in elsewhere: with Kakao or Google.
//!
//! Owns which account elsewhere belongs to which account here, what a person takes along to a provider,
//! and asking the provider ([`Providers`]). Refuses pages. Always true: an account elsewhere is known by its
//! provider's subject, never by its address, and belongs to one account here; a return from a provider
//! counts once, in the browser that left, and within ten minutes.

mod exchange;
mod id_token;
mod keys;
mod links;
mod model;
mod providers;
mod query;
mod returns;

use store::{Failure, Tx, refused, sea_orm::DbErr};

pub use self::{
    exchange::{Exchange, ExchangeError, Proof},
    keys::{Begun, Departure, FlowKeys},
    model::{
        Claims, Flow, FlowRefusal, LINKED, Link, LinkRefusal, Person, Provider, Purpose, ReturnTo,
        UnlinkRefusal,
    },
    providers::{ProviderOptions, Providers},
    query::list,
};
use crate::{
    account::Live,
    ids::{AccountId, LinkId},
    limits::LINKS_MAX,
};

/// Uses up what was begun: the person is back.
///
/// # Errors
///
/// As [`FlowRefusal`] says.
pub async fn take(tx: &Tx, begun: &Begun) -> Result<(), Failure<FlowRefusal>> {
    if begun.expires_at <= tx.now() || !returns::insert(tx, begun.id, begun.expires_at).await? {
        return refused(FlowRefusal::Invalid);
    }
    Ok(())
}

/// Links an account with one elsewhere, and says whether it was not before.
///
/// # Errors
///
/// As [`LinkRefusal`] says.
pub async fn link(tx: &Tx, live: &Live, person: &Person) -> Result<bool, Failure<LinkRefusal>> {
    match links::account_of(tx, person).await? {
        Some(holder) if holder == live.id() => return Ok(false),
        Some(_) => return refused(LinkRefusal::LinkedElsewhere),
        None => {}
    }
    let known = list(tx, live.id()).await?;
    if u64::try_from(known.len()).is_ok_and(|count| count >= LINKS_MAX) {
        return refused(LinkRefusal::TooMany);
    }
    // Another account may have got it since it was looked for.
    if !links::insert(tx, live, person).await? {
        return refused(LinkRefusal::LinkedElsewhere);
    }
    tx.tell(LINKED, &live.id());
    Ok(true)
}

/// Takes a link away: see [`crate::membership::unlink`].
///
/// # Errors
///
/// As [`UnlinkRefusal`] says: an account keeps a way to sign in.
pub(crate) async fn unlink(
    tx: &Tx,
    live: &Live,
    link: LinkId,
) -> Result<(), Failure<UnlinkRefusal>> {
    let known = list(tx, live.id()).await?;
    if !known.iter().any(|known| known.id == link) {
        return refused(UnlinkRefusal::Unknown);
    }
    if known.len() == 1 && !live.can_sign_in_here() {
        return refused(UnlinkRefusal::LastWay);
    }
    Ok(links::remove(tx, link).await?)
}

/// Whose an account elsewhere is. It may be another's by the time that one is locked: see [`note_used`].
pub(crate) async fn account_of(tx: &Tx, person: &Person) -> Result<Option<AccountId>, DbErr> {
    links::account_of(tx, person).await
}

/// Notes that somebody signed in by a link, and says whether the account still has it.
pub(crate) async fn note_used(tx: &Tx, live: &Live, person: &Person) -> Result<bool, DbErr> {
    links::set_used(tx, live, person).await
}

/// Removes all links of an account.
pub(crate) async fn forget(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    links::remove_all(tx, live).await
}

/// Removes returns that are over, and says how many. A full [`crate::limits::SWEEP_MAX`]
/// means that more may be left.
pub async fn sweep(tx: &Tx) -> Result<u64, DbErr> {
    returns::remove_over(tx).await
}
