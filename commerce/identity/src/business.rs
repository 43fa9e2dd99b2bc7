//! Businesses: accounts that sell, once an operator has let them.
//!
//! Owns the application, asking the tax service, its verdicts and operators' decisions. Refuses deals. A
//! verdict arrives as a value: [`checking`] asks beside all writes.
//!
//! Always true: a business sells only if an operator approved it while the tax service called it active, and
//! a check that finds it otherwise suspends it; a number belongs to one business; as long as the tax service
//! does not answer, nobody is approved; an operator decides about what they saw.

pub mod checking;

mod model;
mod number;
mod query;
mod rows;
mod state;
mod tax;

use store::{Failure, Tx, refused, sea_orm::DbErr};

pub use self::{
    model::{
        ApplyRefusal, Approved, Business, CHANGED, ChangeRefusal, CheckBusiness, Checked, Company,
        CompanyRefusal, DECIDED, DecideRefusal, Reason, Ruling, SellRefusal, Typed,
    },
    number::{BusinessNumber, NumberRefusal},
    query::{find, list, of_account},
    state::{Decision, State, Verdict},
    tax::{TaxError, TaxOptions, TaxService},
};
use crate::{
    account::{self, Live},
    ids::BusinessId,
    limits::{BUSINESS_CHECK_EVERY, VERDICT_HOLDS_FOR},
};

/// Applies for selling, or says again who the business is as long as nobody has approved it. The number is
/// then looked up.
///
/// # Errors
///
/// As [`ApplyRefusal`] says.
pub async fn apply(
    tx: &Tx,
    live: &Live,
    company: &Company,
) -> Result<BusinessId, Failure<ApplyRefusal>> {
    if !live.account().is_verified {
        return refused(ApplyRefusal::NotVerified);
    }
    let known = rows::lock_of(tx, live.id()).await?;
    if known.as_ref().is_some_and(|known| !known.state.can_apply()) {
        return refused(ApplyRefusal::Decided);
    }
    let business = Business {
        id: known.as_ref().map_or_else(|| BusinessId::new(tx.now()), |known| known.id),
        account: live.id(),
        state: State::Pending,
        company: company.clone(),
        checked: None,
        reason: None,
        applied_at: tx.now(),
        decided_at: None,
        decided_by: None,
    };
    let written = match known {
        Some(_) => rows::update(tx, &business).await,
        None => rows::insert(tx, &business).await,
    };
    match written {
        Err(error) if rows::is_taken(&error) => return refused(ApplyRefusal::NumberTaken),
        written => written?,
    }
    tx.assign(&CheckBusiness { business: business.id }, tx.now());
    tx.tell(CHANGED, &business.id);
    Ok(business.id)
}

/// Changes what a business says of itself that was approved. Where it is written to and called changes at
/// once. Another name or representative has to be approved again, and until then the business sells
/// nothing.
///
/// # Errors
///
/// As [`ChangeRefusal`] says.
pub async fn change(
    tx: &Tx,
    live: &Live,
    company: &Company,
) -> Result<BusinessId, Failure<ChangeRefusal>> {
    let Some(mut known) = rows::lock_of(tx, live.id()).await? else {
        return refused(ChangeRefusal::Unknown);
    };
    if known.state.can_apply() {
        return refused(ChangeRefusal::NotDecided);
    }
    if known.company.number != company.number {
        return refused(ChangeRefusal::Number);
    }
    let is_another = known.company.name != company.name
        || known.company.representative != company.representative;
    if is_another && known.state != State::Approved {
        return refused(ChangeRefusal::Suspended);
    }
    known.company = company.clone();
    if is_another {
        (known.state, known.reason) = (State::Pending, None);
        (known.applied_at, known.decided_at, known.decided_by) = (tx.now(), None, None);
        check_now(tx, known.id);
    }
    rows::update(tx, &known).await?;
    tx.tell(CHANGED, &known.id);
    Ok(known.id)
}

/// Takes what the tax service says of a number, and says whether it was still the business's. The next
/// check is then due in a month; a business that cannot sell, or apply, has none.
pub async fn judge(
    tx: &Tx,
    business: BusinessId,
    number: &BusinessNumber,
    verdict: Verdict,
) -> Result<bool, DbErr> {
    let Some(mut known) = locked(tx, business).await? else { return Ok(false) };
    if known.company.number != *number {
        return Ok(false);
    }
    let now = tx.now();
    let state = known.state.judged(verdict);
    if state != known.state {
        (known.state, known.reason) = (state, None);
        (known.decided_at, known.decided_by) = (Some(now), None);
        tx.tell(DECIDED, &business);
    }
    known.checked = Some(Checked { verdict, at: now });
    rows::update(tx, &known).await?;
    if state.keeps_number() {
        tx.assign(&CheckBusiness { business }, now.after(BUSINESS_CHECK_EVERY));
    }
    tx.tell(CHANGED, &business);
    Ok(true)
}

/// Decides about a business, as an operator. What forbids selling has a reason.
///
/// It locks the operator's account and the business, never the owner's account, so two operators who
/// decide about each other do not wait for each other.
///
/// # Errors
///
/// As [`DecideRefusal`] says. Nobody is let in on a verdict that is older than [`VERDICT_HOLDS_FOR`], nor
/// on what they said of themselves after the operator looked.
pub async fn decide(
    tx: &Tx,
    by: &Live,
    business: BusinessId,
    ruling: &Ruling,
) -> Result<(), Failure<DecideRefusal>> {
    let Ruling { decision, seen, reason } = ruling;
    if !by.account().is_operator {
        return refused(DecideRefusal::NotAnOperator);
    }
    let known = rows::lock(tx, business).await?.filter(|known| known.state != State::Closed);
    let Some(mut known) = known else { return refused(DecideRefusal::Unknown) };
    if known.account == by.id() {
        return refused(DecideRefusal::Own);
    }
    if known.applied_at != *seen {
        return refused(DecideRefusal::Changed);
    }
    let Some(state) = known.state.decided(*decision) else {
        return refused(DecideRefusal::WrongState);
    };
    if !decision.allows_selling() && reason.is_none() {
        return refused(DecideRefusal::ReasonMissing);
    }
    let now = tx.now();
    let is_verified = known.checked.is_some_and(|checked| {
        checked.verdict == Verdict::Active && now.since(checked.at) < VERDICT_HOLDS_FOR
    });
    if decision.allows_selling() && !is_verified {
        return refused(DecideRefusal::NotVerified);
    }
    known.state = state;
    known.reason = reason.as_ref().map(|reason| reason.0.clone());
    (known.decided_at, known.decided_by) = (Some(now), Some(by.id()));
    rows::update(tx, &known).await?;
    tx.tell(CHANGED, &business);
    tx.tell(DECIDED, &business);
    Ok(())
}

/// Has the tax service asked about a business now, such as before a decision.
pub fn check_now(tx: &Tx, business: BusinessId) {
    tx.assign(&CheckBusiness { business }, tx.now());
}

/// Keeps a business from losing its right to sell while the transaction lasts. What is done for selling
/// begins with this, after the account was locked.
///
/// # Errors
///
/// As [`SellRefusal`] says.
pub async fn approved(tx: &Tx, live: &Live) -> Result<Approved, Failure<SellRefusal>> {
    match rows::lock_of(tx, live.id()).await? {
        Some(business) if business.state == State::Approved => Ok(Approved(business)),
        Some(_) | None => refused(SellRefusal::NotApproved),
    }
}

/// Closes the business of an account that is withdrawn. What is of persons is removed.
pub(crate) async fn close(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    let Some(mut business) = rows::lock_of(tx, live.id()).await? else { return Ok(()) };
    business.state = State::Closed;
    business.reason = None;
    for personal in [
        &mut business.company.representative,
        &mut business.company.email,
        &mut business.company.phone,
    ] {
        personal.clear();
    }
    rows::update(tx, &business).await?;
    tx.unassign(&CheckBusiness { business: business.id }).await?;
    tx.tell(CHANGED, &business.id);
    Ok(())
}

/// A business and its account, locked; `None` if there is none or it was closed.
async fn locked(tx: &Tx, business: BusinessId) -> Result<Option<Business>, DbErr> {
    let Some(owner) = rows::account_of(tx, business).await? else { return Ok(None) };
    match account::live(tx, owner).await {
        Ok(live) => rows::lock_of(tx, live.id()).await,
        Err(Failure::Refused(_)) => Ok(None),
        Err(Failure::Store(error)) => Err(error),
    }
}
