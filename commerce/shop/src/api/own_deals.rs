//! What a business does with its own deals.

use axum::http::Method;
use base::cursor::Page;
use identity::business::{self, Approved, Business, SellRefusal};
use store::{Failure, Refusing as _, Tx};
use trade::{
    deal::{self, Deal, DecideRefusal, Decider, EditRefusal, Terms},
    ids::DealId,
};
use web::respond;

use super::deals::showing;
use crate::{
    acting::approved,
    answer::{Answer, json},
    authority::{Merchant, Seller},
    input::{Json, Listed},
    once,
    refusal::Refusal,
    routes::Routes,
    shown::Showing,
    visit::Visit,
    wire::{
        List,
        deal::{DealChange, DealObject, DealRequest, ReasonRequest},
    },
};

const ALL: &str = "/v1/deals";
const ONE: &str = "/v1/deals/{deal}";

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .on(Method::GET, "/v1/me/business/deals", list)
        .on(Method::POST, ALL, create)
        .on(Method::PATCH, ONE, change)
        .on(Method::DELETE, ONE, delete)
        .on(Method::POST, "/v1/deals/{deal}/publish", publish)
        .on(Method::POST, "/v1/deals/{deal}/pause", pause)
        .on(Method::POST, "/v1/deals/{deal}/resume", resume)
        .on(Method::POST, "/v1/deals/{deal}/close", close)
        .on(Method::POST, "/v1/deals/{deal}/cancel", cancel)
}

async fn list(visit: Visit, by: Merchant, listed: Listed) -> Answer {
    listed.only(&[])?;
    let showing = showing(&visit, Some(&by.session))?;
    let on = showing.db.read();
    let page = deal::of_business(&on, by.business.id, listed.wanted).await?;
    let items = showing.all(&on, page.items).await?;
    Ok(json(&List::of(Page { items, next: page.next }, |shown| DealObject::own(&shown))))
}

async fn create(visit: Visit, by: Seller, input: Json<DealRequest>) -> Answer {
    let showing = showing(&visit, Some(&by.session))?;
    let terms = input.value.terms(&showing.selling.policy)?;
    let is_draft = input.value.is_draft;
    once::write(&visit, &by.session.account, ALL, &input, async |tx| {
        let approved = approved(tx, by.session.account).await?;
        let id = write(tx, &showing, &approved, &terms, is_draft).await?;
        Ok(once::made(format!("{ALL}/{id}"), &object(tx, &showing, id).await?))
    })
    .await
}

/// Writes a deal, and publishes it unless it is to be a draft.
pub(crate) async fn write(
    tx: &Tx,
    showing: &Showing<'_>,
    approved: &Approved,
    terms: &Terms,
    is_draft: bool,
) -> Result<DealId, Failure<Refusal>> {
    let id = deal::draft(tx, approved, terms).await.refusing(Refusal::from)?;
    if !is_draft {
        let policy = &showing.selling.policy;
        deal::publish(tx, policy, approved, id).await.refusing(Refusal::from)?;
    }
    Ok(id)
}

async fn change(visit: Visit, by: Seller, input: Json<DealChange>) -> Answer {
    let id: DealId = visit.captured("deal")?;
    let showing = showing(&visit, Some(&by.session))?;
    let written = showing.db.write(async |tx| {
        let approved = approved(tx, by.session.account).await?;
        let known = own(tx, &approved, id).await?;
        let terms = input.value.terms(&showing.selling.policy, &known).map_err(Failure::Refused)?;
        deal::edit(tx, &approved, id, &terms).await.refusing(Refusal::from)?;
        object(tx, &showing, id).await
    });
    Ok(json(&written.await?))
}

/// The business of a seller.
pub(crate) async fn business_of(visit: &Visit, by: &Seller) -> Result<Business, Refusal> {
    let found = business::of_account(&visit.db()?.read(), by.session.account).await?;
    found.ok_or_else(|| SellRefusal::NotApproved.into())
}

/// A deal of a business.
async fn own(tx: &Tx, approved: &Approved, id: DealId) -> Result<Deal, Failure<Refusal>> {
    let found = deal::find(tx, id).await?;
    let own = found.filter(|deal| deal.business == approved.business().id);
    own.ok_or_else(|| Failure::Refused(EditRefusal::Unknown.into()))
}

/// A deal as its seller sees it after a change.
async fn object(
    tx: &Tx,
    showing: &Showing<'_>,
    id: DealId,
) -> Result<DealObject, Failure<Refusal>> {
    let found = deal::find(tx, id).await?;
    let found = found.ok_or_else(|| Failure::Refused(DecideRefusal::Unknown.into()))?;
    Ok(DealObject::own(&showing.one(tx, found).await?))
}

async fn delete(visit: Visit, by: Seller, (): ()) -> Answer {
    let id: DealId = visit.captured("deal")?;
    let deleted = visit.db()?.write(async |tx| {
        let approved = approved(tx, by.session.account).await?;
        deal::delete(tx, &approved, id).await.refusing(Refusal::from)
    });
    deleted.await?;
    Ok(respond::no_content())
}

/// What a business decides about a deal of its own.
#[derive(Clone, Debug)]
pub(crate) enum Decision {
    Publish,
    Pause,
    Resume,
    Close(deal::Reason),
    Cancel(deal::Reason),
}

/// Has a business decide about the deal of the path.
pub(crate) async fn decide(
    visit: &Visit,
    by: &Seller,
    decision: &Decision,
) -> Result<DealObject, Refusal> {
    let id: DealId = visit.captured("deal")?;
    let showing = showing(visit, Some(&by.session))?;
    let decided = showing.db.write(async |tx| {
        let approved = approved(tx, by.session.account).await?;
        let owner = Decider::Owner(&approved);
        let done = match decision {
            Decision::Publish => {
                let published = deal::publish(tx, &showing.selling.policy, &approved, id).await;
                published.refusing(Refusal::from)?;
                Ok(())
            }
            Decision::Pause => deal::pause(tx, owner, id).await,
            Decision::Resume => deal::resume(tx, owner, id).await,
            Decision::Close(reason) => deal::close(tx, owner, id, reason).await,
            Decision::Cancel(reason) => deal::cancel(tx, owner, id, reason).await,
        };
        done.refusing(Refusal::from)?;
        object(tx, &showing, id).await
    });
    Ok(decided.await?)
}

async fn publish(visit: Visit, by: Seller, (): ()) -> Answer {
    Ok(json(&decide(&visit, &by, &Decision::Publish).await?))
}

async fn pause(visit: Visit, by: Seller, (): ()) -> Answer {
    Ok(json(&decide(&visit, &by, &Decision::Pause).await?))
}

async fn resume(visit: Visit, by: Seller, (): ()) -> Answer {
    Ok(json(&decide(&visit, &by, &Decision::Resume).await?))
}

async fn close(visit: Visit, by: Seller, input: Json<ReasonRequest>) -> Answer {
    let decision = Decision::Close(input.value.reason()?);
    Ok(json(&decide(&visit, &by, &decision).await?))
}

async fn cancel(visit: Visit, by: Seller, input: Json<ReasonRequest>) -> Answer {
    let decision = Decision::Cancel(input.value.reason()?);
    Ok(json(&decide(&visit, &by, &decision).await?))
}
