//! What ties an account to what this crate keeps: its orders, and what it sells.
//!
//! An account is not withdrawn while one of its orders is under way, a return of it is not decided, or a deal
//! of its business is published and not over. An order that is paid is under way until a carrier has it. The
//! orders of a business's deals tie it as they tie their buyers: it owes the goods after its deals are over.

use base::cursor::{LIMIT_MAX, Wanted};
use identity::{
    business,
    ids::{AccountId, BusinessId},
    membership::Ties,
};
use store::{Tx, sea_orm::DbErr};

use crate::{
    deal, fulfilment,
    ids::DealId,
    order::{self, Order},
};

/// The ties of orders and deals.
#[derive(Clone, Copy, Debug)]
pub struct TradeTies;

impl Ties for TradeTies {
    async fn are_open(&self, tx: &Tx, account: AccountId) -> Result<bool, DbErr> {
        if let Some(business) = business::of_account(tx, account).await?
            && (deal::is_selling(tx, business.id, tx.now()).await?
                || owes_goods(tx, business.id).await?)
        {
            return Ok(true);
        }
        let mut after = None;
        loop {
            let wanted = Wanted::new(LIMIT_MAX, after).unwrap_or_default();
            let page = order::of_account(tx, account, wanted).await?;
            if are_unfinished(tx, &page.items).await? {
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

/// Whether something of the orders of a business's deals is not done, whenever the deals were over.
async fn owes_goods(tx: &Tx, business: BusinessId) -> Result<bool, DbErr> {
    let mut after = None;
    loop {
        let wanted = Wanted::new(LIMIT_MAX, after).unwrap_or_default();
        let page = deal::of_business(tx, business, wanted).await?;
        for deal in page.items.iter().filter(|deal| deal.published_at.is_some()) {
            if has_unfinished(tx, deal.id).await? {
                return Ok(true);
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(false);
        }
    }
}

async fn has_unfinished(tx: &Tx, deal: DealId) -> Result<bool, DbErr> {
    let mut after = None;
    loop {
        let wanted = Wanted::new(LIMIT_MAX, after).unwrap_or_default();
        let page = order::of_deal(tx, deal, &[], wanted).await?;
        if are_unfinished(tx, &page.items).await? {
            return Ok(true);
        }
        after = page.next;
        if after.is_none() {
            return Ok(false);
        }
    }
}

/// Whether one of some orders is under way, is paid and not sent, or has a return that is not decided.
async fn are_unfinished(tx: &Tx, orders: &[Order]) -> Result<bool, DbErr> {
    if orders.iter().any(|order| order.state.is_under_way()) {
        return Ok(true);
    }
    let paid = orders.iter().filter(|order| order.state.is_paid());
    let paid: Vec<_> = paid.map(|order| order.id).collect();
    fulfilment::are_open(tx, &paid).await
}
