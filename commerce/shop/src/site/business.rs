//! Applying for selling.

use axum::http::Method;
use identity::{
    account,
    business::{self, Company, State, Typed, Verdict},
};
use pages::{
    Moment,
    shop::{ApplyPage, BusinessState, Field, Verdict as Said, to},
};
use store::Refusing as _;
use web::respond;

use super::{
    around::Around,
    forms::{Wrong, page, refused},
};
use crate::{
    acting::live,
    answer::Answer,
    authority::Shopper,
    input::{Form, Pairs},
    refusal::Refusal,
    routes::Routes,
    visit::Visit,
    wire,
};

const APPLY: &str = "/shop/business/apply";

pub(super) fn routes(routes: Routes) -> Routes {
    routes.page(Method::GET, to::BUSINESS, show).page(Method::GET, APPLY, show).page(
        Method::POST,
        APPLY,
        apply,
    )
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
    let typed = Typed {
        name: form.get("company_name"),
        number: form.get("business_number"),
        representative: form.get("representative"),
        email: form.get("email"),
        phone: form.get("phone"),
    };
    let company = Company::parse(&typed).map_err(|faults| {
        Refusal::Invalid(faults.into_iter().map(wire::business::fault).collect())
    })?;
    let applied = visit.db()?.write(async |tx| {
        let live = live(tx, by.account()).await?;
        business::apply(tx, &live, &company).await.refusing(Refusal::from)
    });
    applied.await?;
    Ok(())
}
