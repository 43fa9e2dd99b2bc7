//! What is read of the books.

use base::money::Money;
use store::{
    sea_orm::{ConnectionTrait, DbErr, EntityTrait as _, QueryOrder as _, QuerySelect as _},
    sum_i64,
};

use super::{
    entry::Account,
    rows::{account, posting},
};
use crate::kept;

/// What an account comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Which account.
    pub account: Account,
    /// A debit is positive, a credit negative.
    pub amount: Money,
}

/// What each account comes to, by account.
pub async fn balances(on: &impl ConnectionTrait) -> Result<Vec<Balance>, DbErr> {
    let rows = account::Entity::find()
        .order_by_asc(account::Column::Account)
        .order_by_asc(account::Column::Currency)
        .all(on)
        .await?;
    Ok(rows.into_iter().map(|row| balance(row.account, &row.currency, row.minor)).collect())
}

/// The same, added up from all postings there are.
pub async fn posted(on: &impl ConnectionTrait) -> Result<Vec<Balance>, DbErr> {
    let sums = posting::Entity::find()
        .select_only()
        .column(posting::Column::Account)
        .column(posting::Column::Currency)
        .column_as(sum_i64(posting::Column::Minor), "minor")
        .group_by(posting::Column::Account)
        .group_by(posting::Column::Currency)
        .order_by_asc(posting::Column::Account)
        .order_by_asc(posting::Column::Currency);
    let rows = sums.into_tuple::<(Account, String, i64)>().all(on).await?;
    let all = rows.into_iter();
    Ok(all.map(|(account, currency, minor)| balance(account, &currency, minor)).collect())
}

fn balance(account: Account, currency: &str, minor: i64) -> Balance {
    Balance { account, amount: Money::new(minor, kept::currency(currency)) }
}
