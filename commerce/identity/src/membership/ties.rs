//! What ties an account to more than this crate knows.

use store::{Tx, sea_orm::DbErr};

use crate::ids::AccountId;

/// What an account is tied to above this crate, which knows no orders. Whoever assembles the shop says so.
/// The account is locked while it is asked.
pub trait Ties: Clone + Send + Sync + 'static {
    /// Whether something of the account is under way, such as an order that is to be paid or sent, or a
    /// deal. It is not withdrawn meanwhile.
    fn are_open(
        &self,
        tx: &Tx,
        account: AccountId,
    ) -> impl Future<Output = Result<bool, DbErr>> + Send;

    /// Whether there is anything, such as an order of long ago.
    fn are_there(
        &self,
        tx: &Tx,
        account: AccountId,
    ) -> impl Future<Output = Result<bool, DbErr>> + Send;
}

/// No account is tied to anything: a shop without orders.
#[derive(Clone, Copy, Debug)]
pub struct Untied;

impl Ties for Untied {
    async fn are_open(&self, _tx: &Tx, _account: AccountId) -> Result<bool, DbErr> {
        Ok(false)
    }

    async fn are_there(&self, _tx: &Tx, _account: AccountId) -> Result<bool, DbErr> {
        Ok(false)
    }
}
