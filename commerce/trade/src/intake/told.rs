//! What is told of a purchase, and what its order makes of it.

use store::{Tx, sea_orm::DbErr};

use super::rows;
use crate::{
    order::{self, Purchase},
    payment::{self, Seen, Step},
};

/// Keeps what is told of a purchase from changing while the transaction lasts, and says what was told. An
/// order that is placed begins with this.
pub(crate) async fn claim(tx: &Tx, purchase: &Purchase) -> Result<Option<Seen>, DbErr> {
    rows::claim(tx, purchase).await
}

/// Takes an event of a purchase, and says whether it is new.
pub(crate) async fn take(
    tx: &Tx,
    purchase: &Purchase,
    event: i64,
    seen: Seen,
) -> Result<bool, DbErr> {
    if !rows::set(tx, purchase, event, seen).await? {
        return Ok(false);
    }
    let Some(order) = order::id_of(tx, purchase).await? else { return Ok(true) };
    let Some(mut kept) = payment::lock_of(tx, order).await? else { return Ok(true) };
    let step = Step::Seen(seen);
    if kept.payment.learns(&step, tx.now()) {
        payment::add(tx, &mut kept, &step).await?;
        payment::wake(tx, &kept);
    }
    Ok(true)
}
