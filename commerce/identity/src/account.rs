//! Accounts: one person, one address, one account.
//!
//! Owns signing up, verification of the address, replacing the password, and withdrawal. Refuses
//! sessions and mails. Always true: an address has one account; an account that was withdrawn holds
//! nothing personal. An address that nobody verifies is free again after a day, and whoever reads it can
//! take the account over by replacing its password, so that no stranger keeps it from its owner.

mod model;
mod query;
mod rows;

use store::{Failure, Tx, refused, sea_orm::DbErr};

pub use self::{
    model::{Account, Credential, Gone, Live, ProofRefusal, SignUp, SignUpRefusal, WITHDRAWN},
    query::{by_email, find, password_of},
};
use crate::{
    ids::{AccountId, ProofId},
    limits::UNVERIFIED_HOLDS_FOR,
    password::PasswordHash,
    proof::{self, IssueRefusal, Purpose},
};

/// Makes an account whose address is still to be verified.
///
/// # Errors
///
/// As [`SignUpRefusal`] says. That tells who has an account, as every shop does here that lets people
/// choose a password at once.
pub async fn sign_up(tx: &Tx, sign_up: &SignUp) -> Result<Live, Failure<SignUpRefusal>> {
    if let Some(holder) = rows::lock_by_email(tx, &sign_up.email).await? {
        let since = tx.now().since(holder.account.created_at);
        if holder.account.is_verified || since < UNVERIFIED_HOLDS_FOR {
            return refused(SignUpRefusal::EmailTaken);
        }
        withdraw(tx, &holder).await?;
    }
    let id = AccountId::new(tx.now());
    // Somebody may have signed up with it since it was looked for.
    if !rows::insert(tx, id, sign_up).await? {
        return refused(SignUpRefusal::EmailTaken);
    }
    rows::lock(tx, id).await?.ok_or_else(|| DbErr::RecordNotInserted.into())
}

/// Keeps an account from being withdrawn while the transaction lasts. Everything that is done for an
/// account begins with this.
///
/// # Errors
///
/// As [`Gone`] says.
pub async fn live(tx: &Tx, account: AccountId) -> Result<Live, Failure<Gone>> {
    match rows::lock(tx, account).await? {
        Some(live) => Ok(live),
        None => refused(Gone::Gone),
    }
}

/// Has a proof sent to an account's address.
///
/// # Errors
///
/// As [`IssueRefusal`] says: nobody can be flooded with mails.
pub async fn send_proof(
    tx: &Tx,
    live: &Live,
    purpose: Purpose,
) -> Result<ProofId, Failure<IssueRefusal>> {
    proof::issue(tx, &live.as_owner(), purpose).await
}

/// Takes a proof that somebody reads an account's address.
///
/// # Errors
///
/// As [`ProofRefusal`] says.
pub async fn verify(tx: &Tx, proof: ProofId) -> Result<Live, Failure<ProofRefusal>> {
    let live = proven(tx, proof, Purpose::VerifyEmail).await?;
    rows::set_verified(tx, &live).await?;
    Ok(live)
}

/// Takes a proof that somebody reads an account's address, and replaces the password for it. Whoever
/// had the old one is to be signed out.
///
/// # Errors
///
/// As [`ProofRefusal`] says.
pub async fn reset_password(
    tx: &Tx,
    proof: ProofId,
    password: &PasswordHash,
) -> Result<Live, Failure<ProofRefusal>> {
    let live = proven(tx, proof, Purpose::ResetPassword).await?;
    rows::set_verified(tx, &live).await?;
    rows::set_password(tx, &live, password).await?;
    Ok(live)
}

/// Replaces the password of somebody who has shown to be the owner.
pub async fn set_password(tx: &Tx, live: &Live, password: &PasswordHash) -> Result<(), DbErr> {
    rows::set_password(tx, live, password).await
}

/// Withdraws an account: what is personal is removed, and its address is free for another one.
/// Whoever keeps something of the account hears of it.
pub async fn withdraw(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    rows::set_withdrawn(tx, live).await?;
    proof::forget(tx, live.id()).await?;
    tx.tell(WITHDRAWN, &live.id());
    Ok(())
}

/// The account that a proof proves something of; the proof is used up.
async fn proven(tx: &Tx, proof: ProofId, purpose: Purpose) -> Result<Live, Failure<ProofRefusal>> {
    // The account is locked first here as everywhere, so that two never wait for each other.
    let Some(owner) = proof::owner(tx, proof).await? else { return refused(ProofRefusal::Invalid) };
    let Some(live) = rows::lock(tx, owner).await? else { return refused(ProofRefusal::Invalid) };
    if !proof::take(tx, proof, purpose, &live.as_owner()).await? {
        return refused(ProofRefusal::Invalid);
    }
    Ok(live)
}
