//! Applying for selling, and what operators decide about it.

use axum::http::Method;
use identity::{
    account,
    business::{self, Company, DecideRefusal, Decision, Ruling, State},
    ids::BusinessId,
};
use store::{Failure, Refusing as _};

use crate::{
    acting::live,
    answer::{Answer, accepted, json},
    authority::{Operator, Shopper},
    input::{Json, Listed},
    once,
    refusal::Refusal,
    routes::Routes,
    visit::Visit,
    wire::{
        List,
        business::{ApplyRequest, BusinessObject, DecisionRequest, STATES},
    },
};

const APPLY: &str = "/v1/businesses";

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .on(Method::POST, APPLY, apply)
        .on(Method::GET, "/v1/me/business", mine)
        .on(Method::PUT, "/v1/me/business", change)
        .on(Method::GET, "/v1/admin/businesses", list)
        .on(Method::GET, "/v1/admin/businesses/{business}", show)
        .on(Method::POST, "/v1/admin/businesses/{business}/approve", approve)
        .on(Method::POST, "/v1/admin/businesses/{business}/reject", reject)
        .on(Method::POST, "/v1/admin/businesses/{business}/suspend", suspend)
        .on(Method::POST, "/v1/admin/businesses/{business}/reinstate", reinstate)
        .on(Method::POST, "/v1/admin/businesses/{business}/check", check)
}

async fn apply(visit: Visit, by: Shopper, input: Json<ApplyRequest>) -> Answer {
    let company = input.value.company()?;
    once::write(&visit, &by.account(), APPLY, &input, async |tx| {
        let live = live(tx, by.account()).await?;
        let id = business::apply(tx, &live, &company).await.refusing(Refusal::from)?;
        let made = business::find(tx, id).await?;
        let made = made.ok_or(Failure::Refused(Refusal::Internal))?;
        Ok(once::made("/v1/me/business".to_owned(), &BusinessObject::of(&made)))
    })
    .await
}

async fn mine(visit: Visit, by: Shopper, (): ()) -> Answer {
    let found = business::of_account(&visit.db()?.read(), by.account()).await?;
    Ok(json(&BusinessObject::of(&found.ok_or(DecideRefusal::Unknown)?)))
}

/// Changes what a business says of itself that was approved.
async fn change(visit: Visit, by: Shopper, input: Json<ApplyRequest>) -> Answer {
    change_to(&visit, &by, &input.value.company()?).await?;
    mine(visit, by, ()).await
}

/// Changes what a business says of itself.
pub(crate) async fn change_to(
    visit: &Visit,
    by: &Shopper,
    company: &Company,
) -> Result<(), Refusal> {
    let changed = visit.db()?.write(async |tx| {
        let live = live(tx, by.account()).await?;
        business::change(tx, &live, company).await.refusing(Refusal::from)
    });
    changed.await?;
    Ok(())
}

/// Those in a state, in the order in which they applied; without one, those that wait.
async fn list(visit: Visit, _: Operator, listed: Listed) -> Answer {
    listed.only(&["state"])?;
    let state = match listed.parameter("state") {
        None => State::Pending,
        Some(word) => {
            let known = STATES.iter().find(|(known, _)| *known == word);
            known.map(|(_, state)| *state).ok_or_else(|| {
                Refusal::field(
                    "state",
                    "state_unknown",
                    "pending, approved, rejected, suspended, closed 가운데 하나여야 합니다.",
                    "pending, approved, rejected, suspended or closed",
                )
            })?
        }
    };
    let page = business::list(&visit.db()?.read(), state, listed.wanted).await?;
    Ok(json(&List::of(page, |business| BusinessObject::of(&business))))
}

async fn show(visit: Visit, _: Operator, (): ()) -> Answer {
    let id: BusinessId = visit.captured("business")?;
    shown(&visit, id).await
}

async fn shown(visit: &Visit, id: BusinessId) -> Answer {
    let found = business::find(&visit.db()?.read(), id).await?;
    Ok(json(&BusinessObject::of(&found.ok_or(DecideRefusal::Unknown)?)))
}

async fn approve(visit: Visit, by: Operator, input: Json<DecisionRequest>) -> Answer {
    decide(&visit, &by, Decision::Approve, &input.value).await
}

async fn reject(visit: Visit, by: Operator, input: Json<DecisionRequest>) -> Answer {
    decide(&visit, &by, Decision::Reject, &input.value).await
}

async fn suspend(visit: Visit, by: Operator, input: Json<DecisionRequest>) -> Answer {
    decide(&visit, &by, Decision::Suspend, &input.value).await
}

async fn reinstate(visit: Visit, by: Operator, input: Json<DecisionRequest>) -> Answer {
    decide(&visit, &by, Decision::Reinstate, &input.value).await
}

async fn decide(
    visit: &Visit,
    by: &Operator,
    decision: Decision,
    asked: &DecisionRequest,
) -> Answer {
    let id: BusinessId = visit.captured("business")?;
    let db = visit.db()?;
    let reason = asked.reason()?;
    let business = business::find(&db.read(), id).await?.ok_or(DecideRefusal::Unknown)?;
    if !asked.is_about(&business) {
        return Err(DecideRefusal::Changed.into());
    }
    decide_on(visit, by, id, &Ruling { decision, seen: business.applied_at, reason }).await?;
    shown(visit, id).await
}

/// Has an operator decide about a business.
pub(crate) async fn decide_on(
    visit: &Visit,
    by: &Operator,
    id: BusinessId,
    ruling: &Ruling,
) -> Result<(), Refusal> {
    let decided = visit.db()?.write(async |tx| {
        let live = live(tx, by.session.account).await?;
        business::decide(tx, &live, id, ruling).await.refusing(Refusal::from)
    });
    Ok(decided.await?)
}

/// Has the tax service asked now, such as before a decision.
async fn check(visit: Visit, by: Operator, (): ()) -> Answer {
    let id: BusinessId = visit.captured("business")?;
    let db = visit.db()?;
    let found = business::find(&db.read(), id).await?;
    // There is nothing to ask about one that was closed.
    found.filter(|found| found.state != State::Closed).ok_or(DecideRefusal::Unknown)?;
    db.write(async |tx| {
        account::live(tx, by.session.account).await.refusing(Refusal::from)?;
        business::check_now(tx, id);
        Ok::<_, Failure<Refusal>>(())
    })
    .await?;
    Ok(accepted())
}
