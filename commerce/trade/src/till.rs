//! The till: what a shopper does about an order, and who goes on with its payment.
//!
//! Owns the way from an order to money and back: placing, beginning a payment, coming back from the provider,
//! giving up, and the driver, which asks providers and keepers for what a payment needs. Has no table. Always true: a step
//! is written in one write, the call is made outside, what was heard is written in another; the driver asks nothing
//! when its note is old or its task is somebody else's.
//!
//! ```text
//!  place ─▶ begin ─▶ provider's page ─▶ returned ─▶ driver: pay, approve, confirm ─▶ paid
//!    │        cancel ◀── given up          (or never) ─▶ driver: look up, release
//!    └─ no payment begins: the keeper puts the units back
//! ```

mod call;
mod desk;
mod driver;
mod figures;
mod model;
mod reconcile;
mod turn;

use identity::{
    account::{self, Live},
    ids::AccountId,
};
use store::{
    Db, Failure, Refusing as _, Tx, refused,
    worker::{Terms, Workers},
};

pub use self::figures::CALLS_TOTAL;
pub use self::model::{
    BeginRefusal, Came, CancelRefusal, DecideRefusal, DeskRefusal, ReturnRefusal, Till,
};
use crate::{
    fulfilment,
    gateway::Provider,
    ids::{OrderId, PaymentId},
    intake,
    limits::{DRIVE_WITHIN, DRIVERS, READY_AGAIN},
    order::{self, NewOrder, Order, PlaceRefusal},
    payment::{
        self, Ask, Decision, GoOn, Heard, Kept, Next, Pay, PayAtCard, PayAtKakaoPay, Return, Seen,
        Step, next,
    },
    words,
};

/// Places an order for units that are held for an account. Placing it again gives the same order.
///
/// # Errors
///
/// As [`PlaceRefusal`] says.
pub async fn place(
    tx: &Tx,
    live: &Live,
    new: &NewOrder<'_>,
) -> Result<OrderId, Failure<PlaceRefusal>> {
    let bought = new.bought;
    if bought.account() != live.id() {
        return refused(PlaceRefusal::Unknown);
    }
    let seen = intake::claim(tx, bought.purchase()).await?;
    if let Some(known) = order::of_purchase(tx, bought.purchase()).await? {
        let is_mine = known.account == live.id();
        return if is_mine { Ok(known.id) } else { refused(PlaceRefusal::Unknown) };
    }
    match seen {
        None => {}
        Some(Seen::Released | Seen::Expired | Seen::Confirmed | Seen::TakenBack) => {
            return refused(PlaceRefusal::Gone);
        }
    }
    let placed = match order::prepare(new) {
        Ok(placed) => placed,
        Err(refusal) => return refused(refusal),
    };
    let order = order::insert(tx, new, &placed).await?;
    payment::open(tx, order, placed.total).await?;
    Ok(order)
}

/// Begins the payment of an order at a provider, and says where the shopper pays. Beginning again leads to the
/// same page.
///
/// # Errors
///
/// As [`BeginRefusal`] says.
pub async fn begin(
    db: &Db,
    till: &Till,
    account: AccountId,
    order: OrderId,
    provider: Provider,
) -> Result<String, Failure<BeginRefusal>> {
    let begun = db.write(async |tx| {
        let live = account::live(tx, account).await.refusing(|_| BeginRefusal::Unknown)?;
        prepare(tx, till, &live, order, provider).await
    });
    let job = match begun.await? {
        Prepared::Page(page) => return Ok(page),
        Prepared::Ask(job) => job,
    };
    let heard = call::make(db, till, &job).await;
    let is_refused = matches!(heard.0, Heard::Refused { .. });
    let kept = db.write(async |tx| turn::hear(tx, &job, &heard).await).await?;
    match kept.payment.page(db.now()) {
        Some(page) => Ok(page.to_owned()),
        None if is_refused => refused(BeginRefusal::Refused),
        None => refused(BeginRefusal::Busy),
    }
}

/// What a payment that is to begin needs.
enum Prepared {
    /// Nothing: the provider knows it.
    Page(String),
    /// This call.
    Ask(Box<turn::Job>),
}

async fn prepare(
    tx: &Tx,
    till: &Till,
    live: &Live,
    order: OrderId,
    provider: Provider,
) -> Result<Prepared, Failure<BeginRefusal>> {
    let Some((order, mut kept)) = owned(tx, live, order).await? else {
        return refused(BeginRefusal::Unknown);
    };
    let is_here = till.providers.has(provider);
    let is_other = kept.payment.is_begun() && kept.provider != Some(provider);
    if is_other || !is_here {
        return refused(if is_here { BeginRefusal::Other } else { BeginRefusal::NoProvider });
    }
    if let Some(page) = kept.payment.page(tx.now()) {
        return Ok(Prepared::Page(page.to_owned()));
    }
    if !order.state.is_pending() || kept.payment.is_begun() {
        return refused(BeginRefusal::NotPending);
    }
    let is_under_way =
        kept.payment.under_way().is_some_and(|(_, _, at)| tx.now().since(at) < READY_AGAIN);
    if is_under_way || next(&kept.payment, tx.now()) != Next::Ask(Ask::Ready) {
        return refused(BeginRefusal::Busy);
    }
    payment::choose(tx, &mut kept, provider).await?;
    let job = turn::ask(tx, kept, order, Ask::Ready).await?;
    // Should this process end before it has heard.
    payment::assign(tx, &job.kept, tx.now().after(READY_AGAIN));
    Ok(Prepared::Ask(Box::new(job)))
}

/// An order of an account with its payment, locked.
async fn owned(
    tx: &Tx,
    live: &Live,
    id: OrderId,
) -> Result<Option<(Order, Kept)>, store::sea_orm::DbErr> {
    // Checked before the lock, so that no request waits for the order of another account.
    if order::find(tx, live.id(), id).await?.is_none() {
        return Ok(None);
    }
    let kept = payment::lock_of(tx, id).await?;
    // As it is now that it is locked.
    let order = order::find(tx, live.id(), id).await?;
    Ok(order.zip(kept))
}

/// Takes a shopper who comes back from the provider. What the browser brings proves nothing; only the provider
/// takes money. Coming back again changes nothing.
///
/// # Errors
///
/// As [`ReturnRefusal`] says.
pub async fn returned(
    tx: &Tx,
    till: &Till,
    payment: PaymentId,
    came: Came<'_>,
) -> Result<OrderId, Failure<ReturnRefusal>> {
    let Some(mut kept) = payment::lock(tx, payment).await? else {
        return refused(ReturnRefusal::Unknown);
    };
    let way = match (came, kept.provider) {
        (Came::Paid { query }, Some(provider)) => {
            let proof = till.providers.proof(provider, query);
            proof.map(|proof| Return::Agreed { proof: proof.expose().to_owned() })
        }
        (Came::Paid { .. }, None) => None,
        (Came::GaveUp, _) => Some(Return::Cancelled),
        (Came::Failed, _) => Some(Return::Failed),
    };
    let step = way.filter(|_| kept.payment.is_begun()).map(Step::Returned);
    if let Some(step) = step.filter(|step| kept.payment.learns(step, tx.now())) {
        payment::add(tx, &mut kept, &step).await?;
    }
    payment::wake(tx, &kept);
    Ok(kept.order)
}

/// Gives an order up that waits for its payment. Its units go back; nothing is deleted.
///
/// # Errors
///
/// As [`CancelRefusal`] says.
pub async fn cancel(tx: &Tx, live: &Live, order: OrderId) -> Result<(), Failure<CancelRefusal>> {
    let Some((order, mut kept)) = owned(tx, live, order).await? else {
        return refused(CancelRefusal::Unknown);
    };
    if order.ending.is_some() {
        // It came to nothing before, perhaps by this very wish.
        return Ok(());
    }
    if !order.state.is_pending() || kept.payment.may_be_taken() {
        return refused(CancelRefusal::NotPending);
    }
    let step = Step::Returned(Return::Cancelled);
    if kept.payment.learns(&step, tx.now()) {
        payment::add(tx, &mut kept, &step).await?;
    } else if kept.payment.proof().is_some() {
        return refused(CancelRefusal::NotPending);
    }
    payment::wake(tx, &kept);
    Ok(())
}

/// Has a payment whose doubt a person has looked at asked for again.
///
/// # Errors
///
/// As [`DeskRefusal`] says.
pub async fn resolve(tx: &Tx, payment: PaymentId) -> Result<(), Failure<DeskRefusal>> {
    let Some(mut kept) = payment::lock(tx, payment).await? else {
        return refused(DeskRefusal::Unknown);
    };
    if kept.payment.doubt().is_none() {
        return refused(DeskRefusal::NoDoubt);
    }
    payment::add(tx, &mut kept, &Step::Resolved).await?;
    payment::wake(tx, &kept);
    Ok(())
}

/// An operator decides about a payment in doubt that asking again does not clear. The audit has it beside the
/// order.
///
/// # Errors
///
/// As [`DecideRefusal`] says.
pub async fn decide(
    tx: &Tx,
    operator: &Live,
    payment: PaymentId,
    decision: Decision,
    reason: &str,
) -> Result<(), Failure<DecideRefusal>> {
    if !operator.account().is_operator {
        return refused(DecideRefusal::NotAnOperator);
    }
    let Some(reason) = words::reason(reason) else { return refused(DecideRefusal::Reason) };
    let Some(mut kept) = payment::lock(tx, payment).await? else {
        return refused(DecideRefusal::Unknown);
    };
    if !payment::can_decide(&kept.payment, decision, tx.now()) {
        return refused(DecideRefusal::WrongDoubt);
    }
    if decision == Decision::Undo && fulfilment::has_left(tx, kept.order).await? {
        return refused(DecideRefusal::Shipped);
    }
    desk::note(tx, operator, &kept, decision, reason).await?;
    payment::add(tx, &mut kept, &Step::Decided(decision)).await?;
    payment::wake(tx, &kept);
    Ok(())
}

/// Has the provider say how a payment stands, such as after it told that something was given back there.
///
/// # Errors
///
/// As [`DeskRefusal`] says.
pub async fn look_up(tx: &Tx, payment: PaymentId) -> Result<(), Failure<DeskRefusal>> {
    let Some(mut kept) = payment::lock(tx, payment).await? else {
        return refused(DeskRefusal::Unknown);
    };
    if kept.payment.learns(&Step::LookUpWanted, tx.now()) {
        payment::add(tx, &mut kept, &Step::LookUpWanted).await?;
        payment::wake(tx, &kept);
    }
    Ok(())
}

/// Adds the driver and the nightly reconciliation to what workers do.
#[must_use]
pub fn on(workers: Workers, till: Till) -> Workers {
    let workers = drivers::<Pay>(reconcile::on(workers), till.clone());
    let workers = drivers::<PayAtKakaoPay>(workers, till.clone());
    drivers::<PayAtCard>(workers, till)
}

/// Drivers for the payments of one provider.
fn drivers<T: GoOn + 'static>(workers: Workers, till: Till) -> Workers {
    // A payment is never given up: the driver's own rules say how long it waits.
    let terms =
        Terms { at_once: DRIVERS, within: DRIVE_WITHIN, attempts: i64::MAX, ..Terms::DEFAULT };
    workers.on(terms, move |db, lease| {
        let till = till.clone();
        async move { driver::work::<T>(db, till, lease).await }
    })
}
