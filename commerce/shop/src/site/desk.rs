//! The operators' pages: who may sell.

use axum::http::Method;
use base::{cursor::Wanted, moment::Moment};
use identity::{
    business::{self, DecideRefusal, Decision, Reason, Ruling, State, Verdict},
    ids::BusinessId,
    limits::VERDICT_HOLDS_FOR,
};
use pages::shop::{ApplicantRow, ApplicantsPage, Company, to};
use web::respond;

use super::{
    around::Around,
    business::{moment, state_of, verdict_of},
    forms::{Wrong, page, refused},
};
use crate::{
    answer::Answer,
    api,
    authority::Operator,
    input::{Form, Listed, Pairs},
    refusal::Refusal,
    routes::Routes,
    visit::Visit,
    wire::{self, business::STATES},
};

const LIST: &str = "/shop/desk/businesses";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, to::DESK, home)
        .page(Method::GET, LIST, list)
        .page(Method::POST, "/shop/desk/businesses/{business}/approve", approve)
        .page(Method::POST, "/shop/desk/businesses/{business}/reject", reject)
        .page(Method::POST, "/shop/desk/businesses/{business}/suspend", suspend)
        .page(Method::POST, "/shop/desk/businesses/{business}/reinstate", reinstate)
}

async fn home(_visit: Visit, _: Operator, _: Pairs) -> Answer {
    Ok(respond::see_other(LIST))
}

async fn list(visit: Visit, by: Operator, listed: Listed) -> Answer {
    let word = listed.parameter("state").unwrap_or("pending").to_owned();
    applicants(&visit, &by, &word, listed.wanted, &Wrong::default()).await
}

async fn applicants(
    visit: &Visit,
    by: &Operator,
    showing: &str,
    wanted: Wanted,
    wrong: &Wrong,
) -> Answer {
    let state = STATES.iter().find(|(known, _)| *known == showing).map(|(_, state)| *state);
    let state = state.ok_or(Refusal::NotFound)?;
    let around = Around::of(visit, Some(&by.session)).await?;
    let db = visit.db()?;
    let (found, now) = (business::list(&db.read(), state, wanted).await?, db.now());
    let texts: Vec<(String, String)> = found
        .items
        .iter()
        .map(|one| (one.id.to_string(), one.company.number().grouped()))
        .collect();
    let rows = found.items.iter().zip(&texts).map(|(one, (id, number))| ApplicantRow {
        business: id,
        company: Company {
            name: one.company.name(),
            number,
            representative: one.company.representative(),
            email: one.company.email(),
            phone: one.company.phone(),
        },
        state: state_of(one.state),
        verdict: one.checked.map(|checked| (verdict_of(checked.verdict), moment(checked.at))),
        applied_at: moment(one.applied_at),
        reason: one.reason.as_deref(),
        can_approve: one.checked.is_some_and(|checked| {
            checked.verdict == Verdict::Active && now.since(checked.at) < VERDICT_HOLDS_FOR
        }),
    });
    let next = found.next.map(|next| format!("{LIST}?state={showing}&cursor={}", next.encode()));
    let html = ApplicantsPage {
        frame: around.frame(),
        showing,
        rows: rows.collect(),
        refusal: wrong.code.or_else(|| wrong.at("reason")),
        next: next.as_deref(),
    }
    .html();
    let is_right = wrong.code.is_none() && wrong.fields.is_empty();
    Ok(if is_right { page(html) } else { refused(wrong.status, html) })
}

async fn approve(visit: Visit, by: Operator, form: Form) -> Answer {
    decide(&visit, &by, Decision::Approve, &form).await
}

async fn reject(visit: Visit, by: Operator, form: Form) -> Answer {
    decide(&visit, &by, Decision::Reject, &form).await
}

async fn suspend(visit: Visit, by: Operator, form: Form) -> Answer {
    decide(&visit, &by, Decision::Suspend, &form).await
}

async fn reinstate(visit: Visit, by: Operator, form: Form) -> Answer {
    decide(&visit, &by, Decision::Reinstate, &form).await
}

/// The reason that was typed, if one was.
fn reason(form: &Form) -> Result<Option<Reason>, Refusal> {
    match form.get("reason") {
        "" => Ok(None),
        text => wire::business::reason(text).map(Some),
    }
}

async fn decide(visit: &Visit, by: &Operator, decision: Decision, form: &Form) -> Answer {
    let id: BusinessId = visit.captured("business")?;
    // Each decision is about those in one state, whose list it came from.
    let showing = match decision {
        Decision::Approve | Decision::Reject => State::Pending,
        Decision::Suspend => State::Approved,
        Decision::Reinstate => State::Suspended,
    };
    let showing = wire::business::state_word(showing);
    let decided = async {
        // What the page showed. A page that says nothing of it was not ours.
        let seen = form.get("seen").parse().map(Moment);
        let seen = seen.map_err(|_| DecideRefusal::Changed)?;
        let ruling = Ruling { decision, seen, reason: reason(form)? };
        api::businesses::decide_on(visit, by, id, &ruling).await
    };
    match decided.await {
        Ok(()) => Ok(respond::see_other(&format!("{LIST}?state={showing}"))),
        Err(refusal) => {
            applicants(visit, by, showing, Wanted::default(), &Wrong::of(refusal)?).await
        }
    }
}
