//! Signing up, in and out.

use axum::http::Method;
use identity::{
    account,
    email::Email,
    membership::{self, PasswordSignInRefusal, SignUp},
    proof::Purpose,
    session::{self, Role, SignIn},
    social::ReturnTo,
};
use pages::shop::{Audience, Field, Provider, SignInPage, SignUpPage, Tick, to};
use store::{Failure, Refusing as _};
use web::respond;

use super::{
    around::Around,
    forms::{Wrong, done, page, refused},
};
use crate::{
    acting::send_quietly,
    answer::Answer,
    api,
    authority::Guest,
    browser,
    input::{Form, Pairs},
    refusal::{Fault, Refusal},
    routes::Routes,
    typed::{self, Faults},
    visit::Visit,
    wire::session::ROLES,
};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, to::SIGN_IN, show_sign_in)
        .page(Method::POST, to::SIGN_IN, sign_in)
        .page(Method::GET, "/shop/sign-in/{provider}", api::oidc::start)
        .page(Method::GET, to::SIGN_UP, show_sign_up)
        .page(Method::POST, to::SIGN_UP, sign_up)
        .page(Method::POST, to::SIGN_OUT, sign_out)
}

/// Where people can sign in with an account elsewhere.
pub(super) const PROVIDERS: [Provider; 2] = [Provider::Kakao, Provider::Google];

async fn show_sign_in(visit: Visit, guest: Guest, asked: Pairs) -> Answer {
    let room = asked.get("return_to").map(return_to).filter(|path| path.starts_with("/s/"));
    if let Some(room) = room.filter(|_| guest.session.is_some()) {
        // The room knows no cookie but the access token's, which was prolonged just now if it was over.
        return Ok(respond::see_other(&room));
    }
    let around = Around::of(&visit, guest.session.as_ref()).await?;
    let role = asked.get("role").unwrap_or_default();
    let return_to = return_to(asked.get("return_to").unwrap_or_default());
    let form = SignInForm { role, email: "", return_to: &return_to };
    Ok(page(form.html(&around, &Wrong::default())))
}

/// What the form of signing in has.
struct SignInForm<'a> {
    role: &'a str,
    email: &'a str,
    return_to: &'a str,
}

impl SignInForm<'_> {
    fn html(&self, around: &Around, wrong: &Wrong) -> String {
        SignInPage {
            frame: around.frame(),
            audience: audience(self.role),
            email: Field { value: self.email, error: wrong.at("email") },
            password: Field { value: "", error: wrong.at("password") },
            refusal: wrong.code,
            return_to: self.return_to,
            providers: &PROVIDERS,
        }
        .html()
    }
}

async fn sign_in(visit: Visit, _: Guest, form: Form) -> Answer {
    let return_to = return_to(form.get("return_to"));
    let (email, role) = (form.get("email"), form.get("role"));
    let signed_in = async {
        let parsed = Email::parse(email).ok_or(PasswordSignInRefusal::Wrong)?;
        api::sessions::by_password(&visit, parsed, form.get("password"), role_of(role)).await
    };
    match signed_in.await {
        Ok(session) => {
            browser::keep(&visit, &session).await?;
            Ok(respond::see_other(if return_to.is_empty() { to::ME } else { &return_to }))
        }
        Err(refusal) => {
            let wrong = Wrong::of(refusal)?;
            let around = Around::of(&visit, None).await?;
            let form = SignInForm { role, email, return_to: &return_to };
            Ok(refused(wrong.status, form.html(&around, &wrong)))
        }
    }
}

async fn sign_out(visit: Visit, guest: Guest, _: Form) -> Answer {
    if let Some(session) = guest.session {
        visit.db()?.write(async |tx| session::end(tx, session.id).await).await?;
    }
    browser::forget(&visit);
    Ok(done(&visit, "signed_out", to::SIGN_IN))
}

async fn show_sign_up(visit: Visit, guest: Guest, asked: Pairs) -> Answer {
    let around = Around::of(&visit, guest.session.as_ref()).await?;
    let return_to = return_to(asked.get("return_to").unwrap_or_default());
    Ok(page(sign_up_html(&around, &Form::default(), &return_to, &Wrong::default())))
}

fn sign_up_html(around: &Around, form: &Form, return_to: &str, wrong: &Wrong) -> String {
    let field = |name| Field { value: form.get(name), error: wrong.at(name) };
    let tick = |name| Tick { is_on: form.has(name), error: wrong.at(name) };
    SignUpPage {
        frame: around.frame(),
        email: field("email"),
        password: Field { value: "", error: wrong.at("password") },
        name: field("name"),
        agrees_terms: tick("agrees_terms"),
        agrees_privacy: tick("agrees_privacy"),
        wants_news: tick("wants_news"),
        refusal: wrong.code,
        return_to,
        providers: &PROVIDERS,
    }
    .html()
}

async fn sign_up(visit: Visit, _: Guest, form: Form) -> Answer {
    let return_to = return_to(form.get("return_to"));
    match signed_up(&visit, &form).await {
        Ok(()) if return_to.is_empty() => Ok(done(&visit, "signed_up", to::VERIFY)),
        Ok(()) => Ok(done(&visit, "signed_up", &return_to)),
        Err(refusal) => {
            let wrong = Wrong::of(refusal)?;
            let around = Around::of(&visit, None).await?;
            Ok(refused(wrong.status, sign_up_html(&around, &form, &return_to, &wrong)))
        }
    }
}

/// Makes an account, and signs its owner in.
async fn signed_up(visit: &Visit, form: &Form) -> Result<(), Refusal> {
    let mut faults = Faults::default();
    let email = faults.note(typed::email(form.get("email")));
    let password = faults.note(typed::password("password", form.get("password")));
    let name = faults.note(typed::name(form.get("name")));
    for consent in ["agrees_terms", "agrees_privacy"] {
        let missing = || {
            let words = ("가입하려면 동의가 필요합니다.", "consent is needed");
            Fault::new(consent, "consent_missing", words.0, words.1)
        };
        faults.note(if form.has(consent) { Ok(()) } else { Err(missing()) });
    }
    let (Some(email), Some(password), Some(name), true) =
        (email, password, name, faults.are_none())
    else {
        return Err(faults.refusal());
    };
    let (shop, db) = (visit.shop(), visit.db()?);
    shop.limits().newcomer(visit.client())?;
    let password = shop.sign_ups().hash(&password).await?;
    let sign_up = SignUp { email, password, name };
    let (prover, here) = (shop.prover(), SignIn { role: Role::Shopper, device: visit.device() });
    let language = visit.said_language();
    let opened = db.write(async |tx| {
        let live = membership::sign_up(tx, &sign_up).await.refusing(Refusal::from)?;
        if let Some(language) = language {
            account::set_language(tx, &live, language).await?;
        }
        send_quietly(tx, prover, &live, Purpose::VerifyEmail).await?;
        session::open(tx, &live, &here).await.map_err(|failure| match failure {
            Failure::Refused(_) => Failure::Refused(Refusal::Internal),
            Failure::Store(error) => Failure::Store(error),
        })
    });
    browser::keep(visit, &opened.await?).await
}

/// A path to go to afterwards; empty for none.
pub(super) fn return_to(text: &str) -> String {
    let path = ReturnTo::of(text);
    if path.as_str() == "/" { String::new() } else { path.as_str().to_owned() }
}

fn role_of(word: &str) -> Option<Role> {
    ROLES.iter().find(|(known, _)| *known == word).map(|(_, role)| *role)
}

fn audience(role: &str) -> Audience {
    match role_of(role) {
        None | Some(Role::Shopper) => Audience::Shopper,
        Some(Role::Business) => Audience::Business,
        Some(Role::Operator) => Audience::Operator,
    }
}
