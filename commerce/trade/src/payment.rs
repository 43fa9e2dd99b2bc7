//! Payments: money for one order, taken once or not at all.
//!
//! Owns what happens to a payment, step by step, and what is done next. Refuses what a provider's protocol
//! looks like. Always true: a step is written before its call leaves; what was asked and not answered is
//! looked up, never asked blindly again; money that was taken has its units, or is given back. What is reserved
//! at a provider and not taken is freed.
//!
//! ```text
//!  ask ready ─▶ heard ready ─▶ the shopper pays at the provider ─▶ returned
//!     ask pay (the units wait) ─▶ ask approve ─▶ taken ─▶ ask confirm ─▶ sold
//!                                    │   └── refused ─▶ ask release
//!                                    └────── silence ─▶ ask look-up until told
//! ```
//!
//! [`Payment`] is what its steps come to, and changes by [`Payment::apply`] alone. [`next`] says what is
//! to be done, from that and the time. An order has one payment, opened with it, which [`add`] writes the steps
//! of; with each step it copies what they come to, and has the books say what moved.

mod kept;
mod next;
mod query;
mod rows;
mod state;
mod step;
mod task;

use base::money::Money;
use store::{Tx, sea_orm::DbErr};

pub use self::{
    kept::Kept,
    next::{Next, next},
    query::{Doubtful, Named, Sums, desk, doubts, find, named, of_order, story, sums, taken_since},
    state::{Doubt, Payment, Refund},
    step::{Ask, Decision, Found, Heard, Return, Seen, Step},
};
pub(crate) use self::{
    next::can_decide,
    query::{Replayed, Which, back_of, replayed, replayed_one},
    task::{GoOn, Pay, PayAtCard, PayAtKakaoPay, assign},
};
use crate::{
    gateway::{Method, Provider},
    ids::{OrderId, PaymentId},
    ledger::{self, Account, Kind},
    order,
};

/// Notes what a proof of the books found of payments: right as of so many steps, or wrong.
pub(crate) async fn note_proven(tx: &Tx, found: &[(PaymentId, Option<i64>)]) -> Result<(), DbErr> {
    rows::set_proven(tx, found).await
}

/// Opens the payment of an order that was just placed.
pub(crate) async fn open(tx: &Tx, order: OrderId, due: Money) -> Result<PaymentId, DbErr> {
    rows::insert(tx, order, due).await
}

/// Locks the order of a payment, and reads the payment.
pub(crate) async fn lock(tx: &Tx, payment: PaymentId) -> Result<Option<Kept>, DbErr> {
    let Some(order) = rows::order_of(tx, payment).await? else { return Ok(None) };
    lock_of(tx, order).await
}

/// Locks an order, and reads its payment.
pub(crate) async fn lock_of(tx: &Tx, order: OrderId) -> Result<Option<Kept>, DbErr> {
    if !order::lock(tx, order).await? {
        return Ok(None);
    }
    rows::read_of(tx, order).await
}

/// Says who is to take the money.
pub(crate) async fn choose(tx: &Tx, kept: &mut Kept, provider: Provider) -> Result<(), DbErr> {
    kept.provider = Some(provider);
    rows::set_provider(tx, kept.id, provider).await
}

/// Notes how the shopper paid.
pub(crate) async fn note_method(tx: &Tx, kept: &Kept, method: Method) -> Result<(), DbErr> {
    rows::set_method(tx, kept.id, method).await
}

/// Sees to it that what is to be done for a payment is done.
pub(crate) fn wake(tx: &Tx, kept: &Kept) {
    let at = match next(&kept.payment, tx.now()) {
        Next::Done | Next::Doubt(_) => return,
        // No provider was chosen yet.
        Next::Ask(Ask::Ready) if kept.provider.is_none() => return,
        Next::Ask(_) => tx.now(),
        Next::Wait(at) => at,
    };
    assign(tx, kept, at);
}

/// Adds a step to a payment that is locked.
pub(crate) async fn add(tx: &Tx, kept: &mut Kept, step: &Step) -> Result<(), DbErr> {
    let before = kept.payment.clone();
    kept.payment.apply(step, tx.now());
    let Kept { id, order, payment, .. } = &*kept;
    rows::add(tx, *id, payment, step).await?;
    if (payment.state(), payment.ending()) != (before.state(), before.ending()) {
        order::set_state(tx, *order, payment.state(), payment.ending()).await?;
    }
    if payment.doubt() != before.doubt() {
        rows::set_doubt(tx, *id, payment.doubt()).await?;
    }
    let (came, went) = moved(&before, payment);
    if came.minor != 0 {
        // What the provider says otherwise later is another entry.
        let is_first = before.taken().minor == 0;
        let subject = if is_first { id.to_string() } else { format!("{id}:{}", payment.steps()) };
        let accounts = (Account::Sales, Account::Provider);
        let accounts = if came.minor > 0 { accounts } else { (accounts.1, accounts.0) };
        let amount = Money::new(came.minor.abs(), came.currency);
        ledger::move_money(tx, Kind::Capture, &subject, amount, accounts).await?;
    }
    if went.minor > 0 {
        // Each amount that was given back by then is reached once.
        let subject = format!("{id}:{}", payment.back().minor);
        let accounts = (Account::Provider, Account::Refunds);
        ledger::move_money(tx, Kind::GiveBack, &subject, went, accounts).await?;
    }
    Ok(())
}

/// How much came, and how much went back, between two states of a payment.
fn moved(before: &Payment, after: &Payment) -> (Money, Money) {
    let difference =
        |after: Money, before: Money| Money::new(after.minor - before.minor, after.currency);
    (difference(after.taken(), before.taken()), difference(after.back(), before.back()))
}

#[cfg(test)]
mod tests {
    use base::{moment::Moment, money::Currency};

    use super::{Ask, Found, Heard, Money, Payment, Step, moved};

    #[test]
    fn what_a_provider_corrects_moves_the_difference_either_way() {
        let won = |minor| Money::new(minor, Currency::KRW);
        let mut payment = Payment::new(won(31_000));
        let mut say = |minor, back| {
            let before = payment.clone();
            payment.apply(&Step::Asked(Ask::LookUp), Moment(0));
            let heard = Heard::Found(Found::Taken { minor, back, ours: 0 });
            payment.apply(&Step::Heard { asked: payment.steps(), heard }, Moment(0));
            moved(&before, &payment)
        };
        assert_eq!(say(30_000, 0), (won(30_000), won(0)));
        assert_eq!(say(31_000, 500), (won(1_000), won(500)));
        assert_eq!(say(29_000, 500), (won(-2_000), won(0)));
    }
}
