//! Proofs: whoever shows one was sent it.
//!
//! Owns single-use proofs that somebody reads an account's address. Refuses sending them: that is a
//! task, for whoever writes mails. A proof's token is its id and a MAC over it, so that a repeated
//! attempt sends the same token, and whoever reads the database can prove nothing.

mod mails;
mod model;
mod query;
mod rows;
mod token;

use store::{Failure, Tx, refused, sea_orm::DbErr};

pub(crate) use self::{
    model::Owner,
    query::{target, target_now},
};
pub use self::{
    model::{IssueRefusal, Purpose, SendProof},
    token::Prover,
};
use crate::{
    ids::{AccountId, ProofId},
    limits::{PROOFS_APART, PROOFS_MAX},
};

/// Makes a proof and has it sent to the account's address.
///
/// # Errors
///
/// As [`IssueRefusal`] says: nobody can be flooded with mails, whichever accounts ask for them.
pub(crate) async fn issue(
    tx: &Tx,
    prover: &Prover,
    owner: &Owner<'_>,
    purpose: Purpose,
) -> Result<ProofId, Failure<IssueRefusal>> {
    let now = tx.now();
    let addresses = prover.addresses(owner.email_key);
    let earlier = mails::sent_to(tx, &addresses, purpose).await?;
    if earlier.first().is_some_and(|&latest| now.since(latest) < PROOFS_APART) {
        return refused(IssueRefusal::TooSoon);
    }
    if u64::try_from(earlier.len()).is_ok_and(|count| count >= PROOFS_MAX) {
        return refused(IssueRefusal::TooMany);
    }
    let proof = ProofId::new(now);
    rows::insert(tx, proof, owner, purpose, now.after(purpose.holds_for())).await?;
    mails::insert(tx, proof, &addresses[0], purpose).await?;
    tx.assign(&SendProof { proof, account: owner.account, purpose }, now);
    Ok(proof)
}

/// Uses a proof up, and says whether it proves this. All others of its account for the purpose are used
/// up with it: what they prove is proven.
pub(crate) async fn take(
    tx: &Tx,
    proof: ProofId,
    purpose: Purpose,
    owner: &Owner<'_>,
) -> Result<bool, DbErr> {
    if !rows::holds(tx, proof, purpose, owner).await? {
        return Ok(false);
    }
    rows::remove_of(tx, owner.account, purpose).await?;
    Ok(true)
}

/// Removes the proofs of an account for a purpose.
pub(crate) async fn revoke(tx: &Tx, account: AccountId, purpose: Purpose) -> Result<(), DbErr> {
    rows::remove_of(tx, account, purpose).await
}

/// Removes all proofs of an account.
pub(crate) async fn forget(tx: &Tx, account: AccountId) -> Result<(), DbErr> {
    rows::remove_all(tx, account).await
}

/// Removes proofs that are too old to prove anything, and mails too old to count. Says how many. A full
/// [`crate::limits::SWEEP_MAX`] means that more may be left.
pub async fn sweep(tx: &Tx) -> Result<u64, DbErr> {
    Ok(rows::remove_expired(tx).await? + mails::remove_old(tx).await?)
}
