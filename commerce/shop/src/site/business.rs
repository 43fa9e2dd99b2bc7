//! Applying for selling.

use axum::http::Method;
use identity::{
    account,
    business::{self, ChangeRefusal, Company, State, Typed, Verdict},
};
use pages::{
    Moment,
    shop::{ApplyPage, BusinessState, CompanyPage, Field, Verdict as Said, to},
};
use store::Refusing as _;
use web::respond;

use super::{
    around::Around,
    forms::{Wrong, done, page, refused},
};
use crate::{
    acting::live,
    answer::Answer,
    api,
    authority::Shopper,
    input::{Form, Pairs},
    refusal::Refusal,
    routes::Routes,
    visit::Visit,
    wire,
};

const APPLY: &str = "/shop/business/apply";
const COMPANY: &str = "/shop/business/company";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, to::BUSINESS, show)
        .page(Method::GET, APPLY, show)
        .page(Method::POST, APPLY, apply)
        .page(Method::GET, COMPANY, show_company)
        .page(Method::POST, COMPANY, change)
}

pub(super) const fn state_of(state: State) -> BusinessState {
    match state {
        State::Pending => BusinessState::Pending,
        State::Approved => BusinessState::Approved,
        State::Rejected => BusinessState::Rejected,
        State::Suspended => BusinessState::Suspended,
        State::Closed => BusinessState::Closed,
    }
}

pub(super) const fn verdict_of(verdict: Verdict) -> Said {
    match verdict {
        Verdict::Active => Said::Active,
        Verdict::Dormant => Said::Dormant,
        Verdict::Closed => Said::Closed,
        Verdict::Unregistered => Said::Unregistered,
    }
}

pub(super) fn moment(at: base::moment::Moment) -> Moment {
    Moment(u64::try_from(at.0).unwrap_or_default())
}

async fn show(visit: Visit, by: Shopper, _: Pairs) -> Answer {
    application(&visit, &by, None, &Wrong::default()).await
}

/// How the application stands, with what was typed in place of what was said before.
async fn application(visit: &Visit, by: &Shopper, typed: Option<&Form>, wrong: &Wrong) -> Answer {
    let around = Around::of(visit, Some(&by.session)).await?;
    let reader = visit.db()?.read();
    let account = account::find(&reader, by.account()).await?.ok_or(Refusal::NotFound)?;
    let known = business::of_account(&reader, by.account()).await?;
    let kept = known.as_ref().map(|business| &business.company);
    let kept: [String; 5] = kept.map_or_else(Default::default, |company| {
        [
            company.name().to_owned(),
            company.number().grouped(),
            company.representative().to_owned(),
            company.email().to_owned(),
            company.phone().to_owned(),
        ]
    });
    let [name, number, representative, email, phone] = &kept;
    let field = |name: &str, told: &str, kept| Field {
        value: typed.map_or(kept, |form| form.get(name)),
        error: wrong.at(told),
    };
    let html = ApplyPage {
        frame: around.frame(),
        state: known.as_ref().map_or(BusinessState::None, |business| state_of(business.state)),
        verdict: known.as_ref().and_then(|b| b.checked).map(|checked| verdict_of(checked.verdict)),
        reason: known.as_ref().and_then(|business| business.reason.as_deref()),
        applied_at: known.as_ref().map(|business| moment(business.applied_at)),
        decided_at: known.as_ref().and_then(|business| business.decided_at).map(moment),
        is_verified: account.is_verified,
        company_name: field("company_name", "company_name", name),
        business_number: field("business_number", "business_number", number),
        representative: field("representative", "ceo_name", representative),
        email: field("email", "ceo_email", email),
        phone: field("phone", "ceo_phone", phone),
        refusal: wrong.code,
    }
    .html();
    let is_right = wrong.code.is_none() && wrong.fields.is_empty();
    Ok(if is_right { page(html) } else { refused(wrong.status, html) })
}

async fn apply(visit: Visit, by: Shopper, form: Form) -> Answer {
    match applied(&visit, &by, &form).await {
        Ok(()) => Ok(respond::see_other(APPLY)),
        Err(refusal) => application(&visit, &by, Some(&form), &Wrong::of(refusal)?).await,
    }
}

async fn applied(visit: &Visit, by: &Shopper, form: &Form) -> Result<(), Refusal> {
    let company = typed_company(form, form.get("business_number"))?;
    let applied = visit.db()?.write(async |tx| {
        let live = live(tx, by.account()).await?;
        business::apply(tx, &live, &company).await.refusing(Refusal::from)
    });
    applied.await?;
    Ok(())
}

async fn show_company(visit: Visit, by: Shopper, _: Pairs) -> Answer {
    company(&visit, &by, None, &Wrong::default()).await
}

/// What a business that was approved says of itself, with what was typed in place of it. Another one
/// applies.
async fn company(visit: &Visit, by: &Shopper, typed: Option<&Form>, wrong: &Wrong) -> Answer {
    let found = business::of_account(&visit.db()?.read(), by.account()).await?;
    let was_approved =
        |known: &business::Business| matches!(known.state, State::Approved | State::Suspended);
    let Some(known) = found.filter(was_approved) else { return Ok(respond::see_other(APPLY)) };
    let around = Around::of(visit, Some(&by.session)).await?;
    let kept = &known.company;
    let number = kept.number().grouped();
    let field = |name: &str, told: &str, kept| Field {
        value: typed.map_or(kept, |form| form.get(name)),
        error: wrong.at(told),
    };
    let html = CompanyPage {
        frame: around.frame(),
        business_number: &number,
        company_name: field("company_name", "company_name", kept.name()),
        representative: field("representative", "ceo_name", kept.representative()),
        email: field("email", "ceo_email", kept.email()),
        phone: field("phone", "ceo_phone", kept.phone()),
        refusal: wrong.code,
        state: state_of(known.state),
        verdict: known.checked.map(|checked| (verdict_of(checked.verdict), moment(checked.at))),
        reason: known.reason.as_deref(),
    }
    .html();
    let is_right = wrong.code.is_none() && wrong.fields.is_empty();
    Ok(if is_right { page(html) } else { refused(wrong.status, html) })
}

async fn change(visit: Visit, by: Shopper, form: Form) -> Answer {
    match changed(&visit, &by, &form).await {
        Ok(()) => Ok(done(&visit, "company_saved", COMPANY)),
        Err(refusal) => company(&visit, &by, Some(&form), &Wrong::of(refusal)?).await,
    }
}

async fn changed(visit: &Visit, by: &Shopper, form: &Form) -> Result<(), Refusal> {
    let found = business::of_account(&visit.db()?.read(), by.account()).await?;
    let number = found.ok_or(ChangeRefusal::Unknown)?.company.number().grouped();
    api::businesses::change_to(visit, by, &typed_company(form, &number)?).await
}

/// The company that was typed, under a number, or what is wrong with each field.
fn typed_company(form: &Form, number: &str) -> Result<Company, Refusal> {
    let typed = Typed {
        name: form.get("company_name"),
        number,
        representative: form.get("representative"),
        email: form.get("email"),
        phone: form.get("phone"),
    };
    Company::parse(&typed)
        .map_err(|faults| Refusal::Invalid(faults.into_iter().map(wire::business::fault).collect()))
}
