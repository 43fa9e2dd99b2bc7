//! What ties an account to what this crate keeps: its orders, and what it sells.
//!
//! An account is not withdrawn while one of its orders is under way, a return of it is not decided, or a deal
//! of its business is published and not over. An order that is paid is under way until a carrier has it.

use base::cursor::{LIMIT_MAX, Wanted};
use identity::{business, ids::AccountId, membership::Ties};
use store::{Tx, sea_orm::DbErr};

use crate::{deal, fulfilment, order};

/// The ties of orders and deals.
#[derive(Clone, Copy, Debug)]
pub struct TradeTies;

impl Ties for TradeTies {
    async fn are_open(&self, tx: &Tx, account: AccountId) -> Result<bool, DbErr> {
        if let Some(business) = business::of_account(tx, account).await?
            && deal::is_selling(tx, business.id, tx.now()).await?
        {
            return Ok(true);
        }
        let mut after = None;
        loop {
            let wanted = Wanted::new(LIMIT_MAX, after).unwrap_or_default();
            let page = order::of_account(tx, account, wanted).await?;
            let is_under_way = page.items.iter().any(|order| order.state.is_under_way());
            let paid = page.items.iter().filter(|order| order.state.is_paid());
            let paid: Vec<_> = paid.map(|order| order.id).collect();
            if is_under_way || fulfilment::are_open(tx, &paid).await? {
                return Ok(true);
            }
            after = page.next;
            if after.is_none() {
                return Ok(false);
            }
        }
    }

    async fn are_there(&self, tx: &Tx, account: AccountId) -> Result<bool, DbErr> {
        let one = Wanted::new(1, None).unwrap_or_default();
        if !order::of_account(tx, account, one).await?.items.is_empty() {
            return Ok(true);
        }
        match business::of_account(tx, account).await? {
            Some(business) => Ok(!deal::of_business(tx, business.id, one).await?.items.is_empty()),
            None => Ok(false),
        }
    }
}
