//! How a write for an account begins, and mails that nobody is told of.

use identity::{
    account::{self, Live},
    business::{self, Approved},
    ids::AccountId,
    proof::{Prover, Purpose},
};
use store::{Failure, Refusing as _, Tx, sea_orm::DbErr};

use crate::refusal::Refusal;

/// The account of whoever asks, locked.
pub(crate) async fn live(tx: &Tx, account: AccountId) -> Result<Live, Failure<Refusal>> {
    account::live(tx, account).await.refusing(Refusal::from)
}

/// The business of whoever asks, which keeps its right to sell while the transaction lasts.
pub(crate) async fn approved(tx: &Tx, account: AccountId) -> Result<Approved, Failure<Refusal>> {
    let live = live(tx, account).await?;
    business::approved(tx, &live).await.refusing(Refusal::from)
}

/// Has a proof sent, unless the address was sent enough of them: whoever asks is not told.
pub(crate) async fn send_quietly(
    tx: &Tx,
    prover: &Prover,
    live: &Live,
    purpose: Purpose,
) -> Result<(), DbErr> {
    match account::send_proof(tx, prover, live, purpose).await {
        Ok(_) | Err(Failure::Refused(_)) => Ok(()),
        Err(Failure::Store(error)) => Err(error),
    }
}
