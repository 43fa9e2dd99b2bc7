//! Signing in, staying signed in, signing out.

use axum::http::{Method, StatusCode};
use identity::{
    account,
    business::{self, State},
    email::Email,
    ids::SessionId,
    membership::{self, Attempt, PasswordSignInRefusal},
    password::Password,
    session::{self, Role, Session, SignIn},
};
use store::{Db, Refusing as _};
use web::respond::{self, Cache};

use crate::{
    acting::live,
    answer::{Answer, json},
    authority::{Anyone, Shopper},
    browser,
    input::Json,
    refusal::Refusal,
    routes::Routes,
    visit::Visit,
    wire::{
        List,
        session::{RefreshRequest, SessionObject, SignInRequest, TokensObject},
    },
};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .on(Method::POST, "/v1/sessions", sign_in)
        .on(Method::POST, "/v1/sessions/refresh", refresh)
        .on(Method::DELETE, "/v1/sessions/current", sign_out)
        .on(Method::GET, "/v1/me/sessions", list)
        .on(Method::DELETE, "/v1/me/sessions/{session}", end)
        .on(Method::GET, "/v1/keys", keys)
}

async fn sign_in(visit: Visit, _: Anyone, input: Json<SignInRequest>) -> Answer {
    let asked = input.value;
    let email = Email::parse(&asked.email).ok_or(PasswordSignInRefusal::Wrong)?;
    let session = by_password(&visit, email, &asked.password, asked.role).await?;
    let tokens = browser::tokens(&visit, &session).await?;
    Ok(json(&TokensObject::of(tokens, &session, visit.db()?.now())))
}

/// Signs somebody in by a password.
pub(crate) async fn by_password(
    visit: &Visit,
    email: Email,
    password: &str,
    role: Option<Role>,
) -> Result<Session, Refusal> {
    let shop = visit.shop();
    shop.limits().attempt(visit.client(), email.key())?;
    let db = visit.db()?;
    let role = match role {
        Some(role) => role,
        None => own_role(db, &email).await?,
    };
    let sign_in = SignIn { role, device: visit.device() };
    let attempt = Attempt { email, password: Password::attempt(password), sign_in };
    Ok(membership::sign_in(db, shop.sign_ins(), shop.guesses(), &attempt).await?)
}

/// As what somebody is signed in who does not say: as an operator or a business if they are one.
async fn own_role(db: &Db, email: &Email) -> Result<Role, Refusal> {
    let Some(account) = account::by_email(&db.read(), email).await? else {
        return Ok(Role::Shopper);
    };
    if account.is_operator {
        return Ok(Role::Operator);
    }
    let business = business::of_account(&db.read(), account.id).await?;
    let sells = business.is_some_and(|business| business.state == State::Approved);
    Ok(if sells { Role::Business } else { Role::Shopper })
}

async fn refresh(visit: Visit, _: Anyone, input: Json<RefreshRequest>) -> Answer {
    let shown = visit.shop().refresher().read(&input.value.refresh_token);
    let shown = shown.ok_or(Refusal::RefreshInvalid)?;
    let (session, tokens) = browser::refresh(&visit, shown).await??;
    Ok(json(&TokensObject::of(tokens, &session, visit.db()?.now())))
}

async fn sign_out(visit: Visit, by: Shopper, (): ()) -> Answer {
    visit.db()?.write(async |tx| session::end(tx, by.here()).await).await?;
    browser::forget(&visit);
    Ok(respond::no_content())
}

async fn list(visit: Visit, by: Shopper, (): ()) -> Answer {
    let db = visit.db()?;
    let all = session::list(&db.read(), by.account(), db.now()).await?;
    let here = Some(by.here());
    let all = all.iter().map(|session| SessionObject::of(session, here)).collect();
    Ok(json(&List::whole(all)))
}

async fn end(visit: Visit, by: Shopper, (): ()) -> Answer {
    let session: SessionId = visit.captured("session")?;
    visit
        .db()?
        .write(async |tx| {
            let live = live(tx, by.account()).await?;
            session::end_own(tx, &live, session).await.refusing(Refusal::from)
        })
        .await?;
    Ok(respond::no_content())
}

/// The keys that access tokens are verified by, for other services of the shop.
async fn keys(visit: Visit, _: Anyone, (): ()) -> Answer {
    let keys = visit.shop().keys().get();
    if keys.is_empty() {
        // They were not read yet, which nobody is to remember for minutes.
        return Err(Refusal::Unavailable);
    }
    Ok(respond::json(StatusCode::OK, Cache::Minutes, &keys.to_jwks()))
}
