//! Refunds: money that somebody wants given back.
//!
//! Owns who may want how much, and for which goods. Refuses to say whether it was given, which the payment
//! knows. Always true: no more is wanted than was taken; the refund of the last goods takes all that is left, so
//! that no coin stays behind; wanting the rest twice wants it once.

mod model;
mod query;
mod rows;

use base::money::Money;
use identity::{account::Live, ids::AccountId};
use store::{Failure, Tx, refused, sea_orm::DbErr};

pub use self::{
    model::{Part, Refund, RefundRefusal, Wish},
    query::{of_order, units_left},
};
use crate::{
    fulfilment,
    ids::{OrderId, RefundId},
    limits::WISHES_MAX,
    order::{self, Order},
    payment::{self, Kept, Step},
    words,
};

/// The buyer wants their money back. Goods that are on their way are returned first. Whoever wants an amount back
/// without giving up goods is sent none: it is not known which of them are still paid.
///
/// # Errors
///
/// As [`RefundRefusal`] says.
pub async fn by_owner(
    tx: &Tx,
    live: &Live,
    order: OrderId,
    wish: &Wish<'_>,
) -> Result<RefundId, Failure<RefundRefusal>> {
    if order::find(tx, live.id(), order).await?.is_none() {
        return refused(RefundRefusal::Unknown);
    }
    let Some(kept) = payment::lock_of(tx, order).await? else {
        return refused(RefundRefusal::Unknown);
    };
    if fulfilment::has_left(tx, order).await? {
        return refused(RefundRefusal::Shipped);
    }
    let wish = Wish { restocks: true, ..*wish };
    let by = By { account: live.id(), withholds: matches!(wish.part, Part::Amount(_)) };
    want(tx, kept, by, &wish).await
}

/// An operator gives money back, for goods that may be anywhere.
///
/// # Errors
///
/// As [`RefundRefusal`] says.
pub async fn by_operator(
    tx: &Tx,
    operator: &Live,
    order: OrderId,
    wish: &Wish<'_>,
) -> Result<RefundId, Failure<RefundRefusal>> {
    if !operator.account().is_operator {
        return refused(RefundRefusal::NotAnOperator);
    }
    let Some(kept) = payment::lock_of(tx, order).await? else {
        return refused(RefundRefusal::Unknown);
    };
    want(tx, kept, By { account: operator.id(), withholds: false }, wish).await
}

/// Goods were taken back: the order's money is given back for them. `by` is who took them back, and may.
///
/// # Errors
///
/// As [`RefundRefusal`] says.
pub async fn of_return(
    tx: &Tx,
    order: OrderId,
    by: AccountId,
    wish: &Wish<'_>,
) -> Result<RefundId, Failure<RefundRefusal>> {
    let Some(kept) = payment::lock_of(tx, order).await? else {
        return refused(RefundRefusal::Unknown);
    };
    want(tx, kept, By { account: by, withholds: false }, wish).await
}

/// The deal of an order was called off: all that is left goes back, wherever the goods are. `by` is whose
/// deal it was.
pub(crate) async fn of_called_off(
    tx: &Tx,
    order: OrderId,
    by: AccountId,
    reason: &str,
) -> Result<RefundId, Failure<RefundRefusal>> {
    let Some(kept) = payment::lock_of(tx, order).await? else {
        return refused(RefundRefusal::Unknown);
    };
    let by = By { account: by, withholds: false };
    want(tx, kept, by, &Wish { part: Part::Rest, reason, restocks: true }).await
}

/// Who wants money back.
#[derive(Clone, Copy, Debug)]
struct By {
    account: AccountId,
    /// Whether the goods are not sent then.
    withholds: bool,
}

async fn want(
    tx: &Tx,
    mut kept: Kept,
    by: By,
    wish: &Wish<'_>,
) -> Result<RefundId, Failure<RefundRefusal>> {
    let Some(reason) = words::reason(wish.reason) else { return refused(RefundRefusal::Reason) };
    let Some(order) = order::find_any(tx, kept.order).await? else {
        return refused(RefundRefusal::Unknown);
    };
    let left = kept.payment.refundable();
    if left.minor == 0 && kept.payment.taken().minor > 0 && wish.part == Part::Rest {
        // It was wanted before, perhaps a moment ago.
        if let Some(last) = query::last_of(tx, order.id).await? {
            return Ok(last);
        }
    }
    if !order.state.is_paid() {
        return refused(RefundRefusal::NotPaid);
    }
    let amount = match amount(tx, &order, left, &wish.part).await? {
        Ok(amount) => amount,
        Err(refusal) => return refused(refusal),
    };
    if amount != left && kept.payment.wishes() >= WISHES_MAX {
        return refused(RefundRefusal::Amount);
    }
    let lines = if let Part::Lines(lines) = wish.part { lines } else { &[] };
    let wish = Wish { reason, ..*wish };
    let id = rows::insert(tx, order.id, (amount.minor, by.account), &wish, lines).await?;
    let By { withholds, .. } = by;
    let (minor, restocks) = (amount.minor, wish.restocks);
    let step = Step::RefundWanted { refund: id, minor, restocks, withholds };
    payment::add(tx, &mut kept, &step).await?;
    payment::wake(tx, &kept);
    Ok(id)
}

/// How much a part is, of what can be given back.
async fn amount(
    tx: &Tx,
    order: &Order,
    left: Money,
    part: &Part<'_>,
) -> Result<Result<Money, RefundRefusal>, DbErr> {
    let amount = match part {
        Part::Rest => left,
        Part::Amount(amount) => *amount,
        Part::Lines(lines) => {
            let before = query::quantities(tx, order.id).await?;
            match of_lines(order, &before, lines) {
                Ok((_, true)) => left,
                // Less may be left, if some was given back without naming goods.
                Ok((sum, false)) => Money::new(sum.minor.min(left.minor), sum.currency),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
    };
    if left.minor == 0 {
        return Ok(Err(RefundRefusal::NothingLeft));
    }
    let fits = amount.currency == left.currency && (1..=left.minor).contains(&amount.minor);
    Ok(if fits { Ok(amount) } else { Err(RefundRefusal::Amount) })
}

/// What goods cost, and whether none is left with them. `before` says how many of each line went back before.
fn of_lines(
    order: &Order,
    before: &[(i64, i64)],
    wanted: &[(u16, u32)],
) -> Result<(Money, bool), RefundRefusal> {
    let mut sum = Money::zero(order.total.currency);
    let mut is_all = true;
    let has_strange = wanted.iter().enumerate().any(|(index, (position, quantity))| {
        let is_twice = wanted[..index].iter().any(|(other, _)| other == position);
        is_twice || *quantity == 0 || usize::from(*position) >= order.lines.len()
    });
    if wanted.is_empty() || has_strange {
        return Err(RefundRefusal::Lines);
    }
    for (line, position) in order.lines.iter().zip(0_u16..) {
        let gone = before.iter().find(|(known, _)| *known == i64::from(position));
        let gone = gone.map_or(0, |(_, quantity)| *quantity);
        let now = wanted.iter().find(|(known, _)| *known == position);
        let now = now.map_or(0, |(_, quantity)| *quantity);
        let left = i64::from(line.quantity) - gone - i64::from(now);
        if left < 0 {
            return Err(RefundRefusal::Lines);
        }
        is_all &= left == 0;
        let cost = line.unit.times(now).and_then(|cost| sum.plus(cost));
        sum = cost.ok_or(RefundRefusal::Amount)?;
    }
    Ok((sum, is_all))
}
