//! Confirming one's address, and the way back for whoever forgot the password.

use axum::http::Method;
use identity::{
    account::{self, ProofRefusal},
    proof::Purpose,
};
use pages::shop::{Field, ResetPage, ResetSetPage, VerifyPage, VerifyState, to};
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
    authority::{Guest, Shopper},
    input::{Form, Pairs},
    refusal::Refusal,
    routes::Routes,
    visit::Visit,
};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, to::VERIFY, show_verify)
        .page(Method::POST, to::VERIFY, verify)
        .page(Method::POST, "/shop/verify/again", send_again)
        .page(Method::GET, to::RESET, show_reset)
        .page(Method::POST, to::RESET, reset)
        .page(Method::GET, to::RESET_SET, show_reset_set)
        .page(Method::POST, to::RESET_SET, reset_set)
}

async fn show_verify(visit: Visit, by: Shopper, asked: Pairs) -> Answer {
    let token = asked.get("token").unwrap_or_default();
    verify_page(&visit, &by, token, &Wrong::default()).await
}

async fn verify_page(visit: &Visit, by: &Shopper, token: &str, wrong: &Wrong) -> Answer {
    let around = Around::of(visit, Some(&by.session)).await?;
    let account = account::find(&visit.db()?.read(), by.account()).await?;
    let account = account.ok_or(Refusal::NotFound)?;
    if account.email.is_none() {
        // There is nothing to verify yet.
        return Ok(respond::see_other(to::PROFILE));
    }
    let state = match (account.is_verified, token) {
        (true, _) => VerifyState::Verified,
        (false, _) if wrong.code == Some("proof_invalid") => VerifyState::Invalid,
        (false, "") => VerifyState::Sent,
        (false, token) => VerifyState::Opened { token },
    };
    let html = VerifyPage {
        frame: around.frame(),
        email: account.email.as_deref().unwrap_or_default(),
        state,
        refusal: wrong.code,
    }
    .html();
    Ok(if wrong.code.is_some() { refused(wrong.status, html) } else { page(html) })
}

async fn verify(visit: Visit, by: Shopper, form: Form) -> Answer {
    let token = form.get("token");
    match api::accounts::take_proof(&visit, &by, token).await {
        Ok(()) => Ok(respond::see_other(to::VERIFY)),
        Err(refusal) => verify_page(&visit, &by, "", &Wrong::of(refusal)?).await,
    }
}

async fn send_again(visit: Visit, by: Shopper, _: Form) -> Answer {
    let prover = visit.shop().prover();
    let sent = visit.db()?.write(async |tx| {
        let live = live(tx, by.account()).await?;
        let sent = account::send_proof(tx, prover, &live, Purpose::VerifyEmail).await;
        sent.refusing(Refusal::from)
    });
    match sent.await {
        Ok(_) => Ok(done(&visit, "mail_sent", to::VERIFY)),
        Err(failure) => verify_page(&visit, &by, "", &Wrong::of(failure.into())?).await,
    }
}

async fn show_reset(visit: Visit, guest: Guest, asked: Pairs) -> Answer {
    let around = Around::of(&visit, guest.session.as_ref()).await?;
    let is_sent = asked.get("sent").is_some();
    Ok(page(reset_html(&around, "", is_sent, &Wrong::default())))
}

fn reset_html(around: &Around, email: &str, is_sent: bool, wrong: &Wrong) -> String {
    ResetPage {
        frame: around.frame(),
        email: Field { value: email, error: wrong.at("email") },
        is_sent,
        refusal: wrong.code,
    }
    .html()
}

async fn reset(visit: Visit, _: Guest, form: Form) -> Answer {
    match api::accounts::mail(&visit, form.get("email"), Purpose::ResetPassword).await {
        Ok(()) => Ok(respond::see_other("/shop/reset?sent=1")),
        Err(refusal) => {
            let wrong = Wrong::of(refusal)?;
            let around = Around::of(&visit, None).await?;
            Ok(refused(wrong.status, reset_html(&around, form.get("email"), false, &wrong)))
        }
    }
}

async fn show_reset_set(visit: Visit, _: Guest, asked: Pairs) -> Answer {
    let around = Around::of(&visit, None).await?;
    let token = asked.get("token").filter(|token| is_reset(&visit, token));
    Ok(page(reset_set_html(&around, token, &Wrong::default())))
}

/// Whether a text is the token of a link; whether it still holds shows when it is used.
fn is_reset(visit: &Visit, token: &str) -> bool {
    visit.shop().prover().read(token, Purpose::ResetPassword).is_some()
}

fn reset_set_html(around: &Around, token: Option<&str>, wrong: &Wrong) -> String {
    ResetSetPage {
        frame: around.frame(),
        token,
        password: Field { value: "", error: wrong.at("password") },
        refusal: wrong.code,
    }
    .html()
}

async fn reset_set(visit: Visit, _: Guest, form: Form) -> Answer {
    let token = form.get("token");
    match api::accounts::replace_password(&visit, token, form.get("password")).await {
        Ok(()) => Ok(done(&visit, "password_changed", to::SIGN_IN)),
        Err(refusal) => {
            let is_void = matches!(refusal, Refusal::Proof(ProofRefusal::Invalid));
            let wrong = Wrong::of(refusal)?;
            let around = Around::of(&visit, None).await?;
            let token = (!is_void).then_some(token);
            Ok(refused(wrong.status, reset_set_html(&around, token, &wrong)))
        }
    }
}
