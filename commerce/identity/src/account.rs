//! Accounts: one person, one address, one account.
//!
//! Owns the account itself: making it, verifying its address, its password, emptying it. Refuses
//! sessions and mails. Always true: an address has one account; an account that was withdrawn holds
//! nothing personal.
//!
//! What concerns more of a person than the account, such as signing up and withdrawing, is a verb of
//! [`crate::membership`]; the halves of it that stand here are for that module alone.

mod model;
mod query;
mod rows;

use base::language::Language;
use store::{Failure, Refusing as _, Tx, refused, sea_orm::DbErr};

pub(crate) use self::{
    model::New,
    query::{password_by_email, unverified},
};
pub use self::{
    model::{Account, EmailRefusal, Gone, Live, Profile, ProofRefusal, WITHDRAWN},
    query::{by_email, find, password_of, recipient},
};
use crate::{
    email::Email,
    ids::{AccountId, ProofId},
    name::Name,
    password::PasswordHash,
    proof::{self, IssueRefusal, Prover, Purpose},
};

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

/// The account of an address, locked.
pub(crate) async fn holder(tx: &Tx, email: &Email) -> Result<Option<Live>, DbErr> {
    rows::lock_by_email(tx, email).await
}

/// Makes an account.
///
/// # Errors
///
/// As [`EmailRefusal`] says.
pub(crate) async fn create(tx: &Tx, new: &New<'_>) -> Result<Live, Failure<EmailRefusal>> {
    let id = AccountId::new(tx.now());
    // Somebody may have signed up with it since it was looked for.
    if !rows::insert(tx, id, new).await? {
        return refused(EmailRefusal::Taken);
    }
    rows::lock(tx, id).await?.ok_or_else(|| DbErr::RecordNotInserted.into())
}

/// Has a proof sent to an account's address.
///
/// # Errors
///
/// As [`IssueRefusal`] says: nobody can be flooded with mails.
pub async fn send_proof(
    tx: &Tx,
    prover: &Prover,
    live: &Live,
    purpose: Purpose,
) -> Result<ProofId, Failure<IssueRefusal>> {
    match live.as_owner() {
        Some(owner) => proof::issue(tx, prover, &owner, purpose).await,
        None => refused(IssueRefusal::NoAddress),
    }
}

/// Takes a proof that whoever is signed in to an account reads its address. Whoever is not signed in
/// may be led to such a proof by somebody else, and recovers the account instead: see
/// [`crate::membership::reset_password`].
///
/// # Errors
///
/// As [`ProofRefusal`] says; a proof of another account is none.
pub async fn verify(tx: &Tx, live: &Live, proof: ProofId) -> Result<(), Failure<ProofRefusal>> {
    take(tx, live, proof, Purpose::VerifyEmail).await?;
    Ok(rows::set_verified(tx, live).await?)
}

/// The account whose password a proof replaces. The proof is used up.
///
/// # Errors
///
/// As [`ProofRefusal`] says.
pub(crate) async fn recovered(tx: &Tx, proof: ProofId) -> Result<Live, Failure<ProofRefusal>> {
    // The account is locked first here as everywhere, so that two never wait for each other.
    let Some((owner, _)) = proof::target(tx, proof).await? else {
        return refused(ProofRefusal::Invalid);
    };
    let live = live(tx, owner).await.refusing(|_| ProofRefusal::Invalid)?;
    take(tx, &live, proof, Purpose::ResetPassword).await?;
    Ok(live)
}

/// Verifies the address of an account for somebody else than had it until now: name, phone and password
/// go, and so do all proofs.
pub(crate) async fn hand_over(tx: &Tx, live: &Live, name: Option<&Name>) -> Result<(), DbErr> {
    rows::set_handed_over(tx, live, name).await?;
    proof::forget(tx, live.id()).await
}

/// Gives an account an address in place of the one that it has, to be verified. Proofs of the old one
/// prove nothing any more, even if it comes back.
///
/// # Errors
///
/// As [`EmailRefusal`] says.
pub(crate) async fn set_address(
    tx: &Tx,
    live: &Live,
    email: &Email,
) -> Result<(), Failure<EmailRefusal>> {
    if live.address.as_ref().is_some_and(|held| held.0 == email.key()) {
        return Ok(());
    }
    match rows::set_address(tx, live, email).await {
        Err(error) if rows::is_taken(&error) => return refused(EmailRefusal::Taken),
        done => done?,
    }
    Ok(proof::forget(tx, live.id()).await?)
}

/// Takes the address from an account, which has another way to sign in.
pub(crate) async fn release_address(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    rows::release_address(tx, live).await?;
    proof::forget(tx, live.id()).await
}

/// Replaces the password.
pub(crate) async fn set_password(
    tx: &Tx,
    live: &Live,
    password: &PasswordHash,
) -> Result<(), DbErr> {
    rows::set_password(tx, live, password).await
}

/// Changes what a person says of themselves.
pub async fn set_profile(tx: &Tx, live: &Live, profile: &Profile) -> Result<(), DbErr> {
    rows::set_profile(tx, live, profile).await
}

/// Has a person written to in a language. The first is Korean.
pub async fn set_language(tx: &Tx, live: &Live, to: Language) -> Result<(), DbErr> {
    rows::set_language(tx, live, to).await
}

/// Lets somebody run the platform.
pub(crate) async fn appoint(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    rows::set_operator(tx, live, true).await
}

/// Lets somebody run the platform no longer.
pub(crate) async fn dismiss(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    rows::set_operator(tx, live, false).await
}

/// Empties an account: its address is free for another one. Whoever keeps something of the account
/// hears of it.
pub(crate) async fn withdraw(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    rows::set_withdrawn(tx, live).await?;
    proof::forget(tx, live.id()).await?;
    tx.tell(WITHDRAWN, &live.id());
    Ok(())
}

/// Uses up a proof of an account's address.
async fn take(
    tx: &Tx,
    live: &Live,
    proof: ProofId,
    purpose: Purpose,
) -> Result<(), Failure<ProofRefusal>> {
    let Some(owner) = live.as_owner() else { return refused(ProofRefusal::Invalid) };
    if proof::take(tx, proof, purpose, &owner).await? {
        Ok(())
    } else {
        refused(ProofRefusal::Invalid)
    }
}
