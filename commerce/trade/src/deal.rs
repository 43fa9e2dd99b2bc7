//! Deals: one product at one price for some hours, sold through the waiting room.
//!
//! Owns what a deal offers and what was decided about it. Refuses to say how many units are left, which
//! is the engine's business, and to call the engine: [`crate::sale`] brings its sale to what the deal says.
//! Always true: only an approved business lists; a published deal has its hours; its pictures are the
//! business's own, and ready; how a deal stands follows from its times, its decisions and the engine, so no job has to run for it to be over.

mod category;
mod model;
mod query;
mod record;
mod rows;
mod state;
mod terms;

use commons::{
    audit::{self, Actor},
    ids::{MediaId, Person},
    label::Label,
    media::{self, ShowRefusal},
};
use identity::business::{Approved, Business, State as BusinessState};
use store::{Failure, Refusing as _, Tx, refused, sea_orm::DbErr};

pub(crate) use self::query::is_selling;
pub use self::{
    category::Category,
    model::{
        CANCELLED, CHANGED, Deal, DecideRefusal, Decider, DeleteRefusal, DraftRefusal, EditRefusal,
        KeepSale, PUBLISHED, Paused, PausedBy, Pauses, PublishRefusal, Reason, SUBJECT, subject,
    },
    query::{
        Detail, Search, Sorted, Today, by_words, detail, find, find_many, of_business,
        opening_within, search, today, week,
    },
    state::{Counts, State, WindowRefusal},
    terms::{Terms, TermsRefusal, Typed},
};
use crate::{
    ids::DealId,
    limits::{DEAL_FIXED_BEFORE, DEALS_AT_ONCE, DRAFTS_MAX},
    slot::{self, BookRefusal, Policy},
};

/// Writes a draft with its pictures: nobody else sees it, and its hours are not booked.
///
/// # Errors
///
/// As [`DraftRefusal`] says.
pub async fn draft(
    tx: &Tx,
    approved: &Approved,
    terms: &Terms,
) -> Result<DealId, Failure<DraftRefusal>> {
    let business = approved.business().id;
    if rows::drafts_of(tx, business).await? >= DRAFTS_MAX {
        return refused(DraftRefusal::TooMany);
    }
    let deal = Deal {
        id: DealId::new(tx.now()),
        business,
        terms: terms.clone(),
        written_at: tx.now(),
        published_at: None,
        over_at: terms.hours.ends_at(),
        pauses: Pauses::default(),
        cancelled_at: None,
        reason: None,
    };
    show_pictures(tx, approved, deal.id, terms).await.refusing(|refusal| match refusal {
        ShowRefusal::NotReady => DraftRefusal::PictureNotReady,
        ShowRefusal::Unknown | ShowRefusal::TooMany | ShowRefusal::Twice => {
            DraftRefusal::PictureUnknown
        }
    })?;
    rows::insert(tx, &deal).await?;
    Ok(deal.id)
}

/// Publishes a draft, and books its hours.
///
/// # Errors
///
/// As [`PublishRefusal`] says.
pub async fn publish(
    tx: &Tx,
    policy: &Policy,
    approved: &Approved,
    deal: DealId,
) -> Result<Deal, Failure<PublishRefusal>> {
    let Some(mut known) = lock_own(tx, approved, deal).await? else {
        return refused(PublishRefusal::Unknown);
    };
    if known.published_at.is_some() {
        return refused(PublishRefusal::NotADraft);
    }
    let booked = slot::book(tx, policy, approved, deal, known.terms.hours).await;
    booked.refusing(|refusal| match refusal {
        BookRefusal::Taken => PublishRefusal::SlotTaken,
        BookRefusal::Past => PublishRefusal::SlotPast,
        BookRefusal::TooFarAhead => PublishRefusal::SlotTooFarAhead,
        BookRefusal::HasSlot => PublishRefusal::NotADraft,
    })?;
    known.published_at = Some(tx.now());
    write(tx, &known).await?;
    let by = record::actor(Decider::Owner(approved));
    record::note(tx, &by, Label::new("deal.published"), &known, &audit::Detail::new()).await?;
    tx.tell(PUBLISHED, &deal);
    Ok(known)
}

/// Changes what a deal offers, as far as it still can be: a draft as a whole; until shortly before it opens,
/// all but its hours; then its description, pictures and stock.
///
/// # Errors
///
/// As [`EditRefusal`] says.
pub async fn edit(
    tx: &Tx,
    approved: &Approved,
    deal: DealId,
    terms: &Terms,
) -> Result<Deal, Failure<EditRefusal>> {
    let Some(mut known) = lock_own(tx, approved, deal).await? else {
        return refused(EditRefusal::Unknown);
    };
    if known.is_over(tx.now()) {
        return refused(EditRefusal::Over);
    }
    let is_published = known.published_at.is_some();
    if is_published && known.terms.hours != terms.hours {
        return refused(EditRefusal::HoursFixed);
    }
    let fixed_at = known.terms.hours.starts_at().before(DEAL_FIXED_BEFORE);
    if is_published && tx.now() >= fixed_at && !known.terms.has_same_promises(terms) {
        return refused(EditRefusal::Fixed);
    }
    if known.terms.media != terms.media {
        show_pictures(tx, approved, deal, terms).await.refusing(|refusal| match refusal {
            ShowRefusal::NotReady => EditRefusal::PictureNotReady,
            ShowRefusal::Unknown | ShowRefusal::TooMany | ShowRefusal::Twice => {
                EditRefusal::PictureUnknown
            }
        })?;
    }
    let changes = known.terms.changes(terms);
    known.terms = terms.clone();
    if !is_published {
        known.over_at = terms.hours.ends_at();
    }
    write(tx, &known).await?;
    if is_published {
        let by = record::actor(Decider::Owner(approved));
        record::note(tx, &by, Label::new("deal.edited"), &known, &changes).await?;
    }
    Ok(known)
}

/// Has a deal let nobody in until it goes on; again is no change.
///
/// # Errors
///
/// As [`DecideRefusal`] says.
pub async fn pause(tx: &Tx, by: Decider<'_>, deal: DealId) -> Result<(), Failure<DecideRefusal>> {
    let mut known = lock_to_decide(tx, by, deal).await?;
    let pause = match by {
        Decider::Owner(_) => &mut known.pauses.owner,
        Decider::Operator(_) => &mut known.pauses.operator,
    };
    if pause.is_none() {
        *pause = Some(tx.now());
        decide(tx, &record::actor(by), Label::new("deal.paused"), &known).await?;
    }
    Ok(())
}

/// Ends the pause of whoever decides, or the owner's if an operator has none; again is no change. The deal goes
/// on unless somebody else has paused it too.
///
/// # Errors
///
/// As [`DecideRefusal`] says: a business does not end what the platform or an operator began, and as long as
/// it may not sell, an operator does not end what the platform began.
pub async fn resume(tx: &Tx, by: Decider<'_>, deal: DealId) -> Result<(), Failure<DecideRefusal>> {
    let mut known = lock_to_decide(tx, by, deal).await?;
    let pauses = known.pauses;
    let is_by_others = pauses.platform.is_some() || pauses.operator.is_some();
    match by {
        _ if pauses == Pauses::default() => return Ok(()),
        Decider::Owner(_) if is_by_others => return refused(DecideRefusal::PausedByOthers),
        Decider::Operator(_) if pauses.operator.is_some() => known.pauses.operator = None,
        Decider::Owner(_) | Decider::Operator(_) if pauses.owner.is_some() => {
            known.pauses.owner = None;
        }
        Decider::Owner(_) | Decider::Operator(_) => {
            return refused(DecideRefusal::PausedByOthers);
        }
    }
    Ok(decide(tx, &record::actor(by), Label::new("deal.resumed"), &known).await?)
}

/// Ends a deal before its time. What was bought stays bought. Hours that have not begun are free again.
///
/// # Errors
///
/// As [`DecideRefusal`] says.
pub async fn close(
    tx: &Tx,
    by: Decider<'_>,
    deal: DealId,
    reason: &Reason,
) -> Result<(), Failure<DecideRefusal>> {
    let mut known = lock_to_decide(tx, by, deal).await?;
    known.over_at = tx.now();
    known.reason = Some(reason.0.clone());
    slot::free(tx, deal).await?;
    Ok(decide(tx, &record::actor(by), Label::new("deal.closed"), &known).await?)
}

/// Calls a deal off: whatever was paid for it is given back, by whoever listens to [`CANCELLED`]. Hours
/// that have not begun are free again.
///
/// # Errors
///
/// As [`DecideRefusal`] says.
pub async fn cancel(
    tx: &Tx,
    by: Decider<'_>,
    deal: DealId,
    reason: &Reason,
) -> Result<(), Failure<DecideRefusal>> {
    let known = lock_to_decide(tx, by, deal).await?;
    Ok(call_off(tx, &record::actor(by), known, reason).await?)
}

/// Deletes a draft, and has its pictures be free.
///
/// # Errors
///
/// As [`DeleteRefusal`] says.
pub async fn delete(
    tx: &Tx,
    approved: &Approved,
    deal: DealId,
) -> Result<(), Failure<DeleteRefusal>> {
    match lock_own(tx, approved, deal).await? {
        None => refused(DeleteRefusal::Unknown),
        Some(known) if known.published_at.is_some() => refused(DeleteRefusal::NotADraft),
        Some(_) => {
            media::forget_subject(tx, &subject(deal)).await?;
            Ok(rows::delete(tx, deal).await?)
        }
    }
}

/// Has a deal show the pictures that its terms name, which are its business's own.
async fn show_pictures(
    tx: &Tx,
    approved: &Approved,
    deal: DealId,
    terms: &Terms,
) -> Result<(), Failure<ShowRefusal>> {
    let person = Person(approved.business().account.0);
    let pictures: Vec<MediaId> = terms.media.iter().copied().map(MediaId).collect();
    media::show(tx, person, &subject(deal), &pictures).await
}

/// Brings some deals of a business, after one, to what it may do now: they are paused while it may not
/// sell, and called off once it is closed. Answers the last of them, until all are done.
pub async fn follow_business(
    tx: &Tx,
    business: &Business,
    after: Option<DealId>,
) -> Result<Option<DealId>, DbErr> {
    // To call one off locks its hours and the books of rents, and so one is called off in a write.
    let is_closed = business.state == BusinessState::Closed;
    let max = if is_closed { 1 } else { DEALS_AT_ONCE };
    let deals = rows::lock_running(tx, business.id, after, max).await?;
    let last = deals.last().map(|deal| deal.id);
    for mut deal in deals {
        let by_platform = deal.pauses.platform.is_some();
        match business.state {
            BusinessState::Closed => {
                call_off(
                    tx,
                    &record::PLATFORM,
                    deal,
                    &Reason("the business was closed".to_owned()),
                )
                .await?;
            }
            BusinessState::Approved if by_platform => {
                deal.pauses.platform = None;
                let action = Label::new("deal.resumed");
                decide(tx, &record::PLATFORM, action, &deal).await?;
            }
            BusinessState::Approved => {}
            BusinessState::Pending | BusinessState::Rejected | BusinessState::Suspended => {
                if !by_platform {
                    deal.pauses.platform = Some(tx.now());
                    let action = Label::new("deal.paused");
                    decide(tx, &record::PLATFORM, action, &deal).await?;
                }
            }
        }
    }
    Ok(last)
}

/// Notes how many units a deal has in all, as its sale turned out to have more than were wanted: those
/// are sold or reserved. It says whether the deal still wanted so few.
pub(crate) async fn note_stock(
    tx: &Tx,
    deal: DealId,
    wanted: u32,
    stock: u32,
) -> Result<bool, DbErr> {
    let known = rows::lock(tx, deal).await?.filter(|known| known.terms.stock == wanted);
    let Some(mut known) = known else { return Ok(false) };
    known.terms.stock = stock;
    rows::update(tx, &known).await?;
    tx.tell(CHANGED, &deal);
    Ok(true)
}

/// Notes for operators that the sale of a deal opened at another price than the deal has, and is closed for
/// that.
pub(crate) async fn note_other_price(tx: &Tx, deal: DealId) -> Result<(), DbErr> {
    let Some(known) = rows::lock(tx, deal).await? else { return Ok(()) };
    let price = known.terms.unit_price().minor.to_string();
    let detail = audit::Detail::from([("price".to_owned(), price)]);
    record::note(tx, &record::PLATFORM, Label::new("deal.other_price"), &known, &detail).await
}

async fn call_off(tx: &Tx, by: &Actor, mut deal: Deal, reason: &Reason) -> Result<(), DbErr> {
    deal.cancelled_at = Some(tx.now());
    deal.over_at = tx.now();
    deal.reason = Some(reason.0.clone());
    slot::free(tx, deal.id).await?;
    decide(tx, by, Label::new("deal.cancelled"), &deal).await?;
    tx.tell(CANCELLED, &deal.id);
    Ok(())
}

/// Writes what somebody decided, with the reason if it has one, and notes who did.
async fn decide(tx: &Tx, by: &Actor, action: Label, deal: &Deal) -> Result<(), DbErr> {
    write(tx, deal).await?;
    let reason = deal.reason.iter().map(|reason| ("reason".to_owned(), reason.clone()));
    record::note(tx, by, action, deal, &reason.collect()).await
}

/// Writes a deal, and has its sale brought to it.
async fn write(tx: &Tx, deal: &Deal) -> Result<(), DbErr> {
    rows::update(tx, deal).await?;
    if deal.published_at.is_some() {
        record::index(tx, deal).await?;
        tx.assign(&KeepSale { deal: deal.id }, tx.now());
        tx.tell(CHANGED, &deal.id);
    }
    Ok(())
}

async fn lock_own(tx: &Tx, approved: &Approved, deal: DealId) -> Result<Option<Deal>, DbErr> {
    let known = rows::lock(tx, deal).await?;
    Ok(known.filter(|known| known.business == approved.business().id))
}

/// Locks a deal that somebody may decide about: it was published, and is not over.
async fn lock_to_decide(
    tx: &Tx,
    by: Decider<'_>,
    deal: DealId,
) -> Result<Deal, Failure<DecideRefusal>> {
    let known = match by {
        Decider::Owner(approved) => lock_own(tx, approved, deal).await?,
        Decider::Operator(live) if !live.account().is_operator => {
            return refused(DecideRefusal::NotAnOperator);
        }
        Decider::Operator(_) => rows::lock(tx, deal).await?,
    };
    match known {
        None => refused(DecideRefusal::Unknown),
        // An operator knows of no draft.
        Some(known) if known.published_at.is_none() => match by {
            Decider::Owner(_) => refused(DecideRefusal::Draft),
            Decider::Operator(_) => refused(DecideRefusal::Unknown),
        },
        Some(known) if known.is_over(tx.now()) => refused(DecideRefusal::Over),
        Some(known) => Ok(known),
    }
}
