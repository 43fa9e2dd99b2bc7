//! What a browser keeps of its visitor: cookies with the session's tokens.
//!
//! | cookie | what | how long |
//! |---|---|---|
//! | `rushgate-session` | the access token | until it expires |
//! | `rushgate-refresh` | the refresh token | 30 days |
//! | `rushgate-flow` | what binds a sign-in elsewhere to this browser | 10 minutes |
//!
//! Over HTTPS each has the prefix `__Host-`. The waiting room reads the first one too.

use identity::{
    access,
    limits::{FLOW_TTL, SESSION_TTL},
    session::{self, Refreshed, Session},
};
use web::cookies;

use crate::{refusal::Refusal, visit::Visit};

/// The cookie with the access token.
pub(crate) const SESSION: &str = "rushgate-session";
/// The cookie with the refresh token.
const REFRESH: &str = "rushgate-refresh";
/// The cookie of somebody who is at a provider.
const FLOW: &str = "rushgate-flow";

/// Cookies of one name that are looked at.
const COOKIES_MAX: usize = 8;

/// The tokens of a session.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) access: access::AccessToken,
    pub(crate) refresh: String,
}

/// Makes the tokens of a session. They are secrets, and no answer with them is kept.
pub(crate) async fn tokens(visit: &Visit, session: &Session) -> Result<Tokens, Refusal> {
    let (shop, db) = (visit.shop(), visit.db()?);
    let key = shop.signer().publish(db).await?;
    let access = access::issue(&key, shop.terms(), session, db.now());
    Ok(Tokens { access, refresh: shop.refresher().token(session.refresh()) })
}

/// Has the browser keep a session.
pub(crate) async fn keep(visit: &Visit, session: &Session) -> Result<(), Refusal> {
    let tokens = tokens(visit, session).await?;
    let (scheme, now) = (visit.cookie_scheme(), visit.db()?.now());
    let lasts =
        |until: base::moment::Moment| u32::try_from(until.since(now).as_secs()).unwrap_or(u32::MAX);
    let access = cookies::of_host(SESSION, tokens.access.text, scheme);
    visit.set_cookie(cookies::lasting(access, lasts(tokens.access.expires_at)));
    let refresh = cookies::of_host(REFRESH, tokens.refresh, scheme);
    visit.set_cookie(cookies::lasting(refresh, lasts(now.after(SESSION_TTL))));
    Ok(())
}

/// Has the browser forget its session.
pub(crate) fn forget(visit: &Visit) {
    for name in [SESSION, REFRESH] {
        for gone in cookies::gone(visit.headers(), name) {
            visit.set_cookie(gone);
        }
    }
}

/// The access tokens that the browser sent.
pub(crate) fn access_tokens(visit: &Visit) -> impl Iterator<Item = &str> {
    cookies::values(visit.headers(), SESSION).take(COOKIES_MAX)
}

/// Prolongs the browser's session, whose access token is over, if it has one.
pub(crate) async fn renew(visit: &Visit) -> Result<Option<Session>, Refusal> {
    let mut all = cookies::values(visit.headers(), REFRESH).take(COOKIES_MAX);
    let Some(shown) = all.find_map(|token| visit.shop().refresher().read(token)) else {
        return Ok(None);
    };
    let refreshed = visit.db()?.write(async |tx| session::refresh(tx, shown).await).await?;
    match refreshed {
        Refreshed::Done(session) => {
            keep(visit, &session).await?;
            Ok(Some(session))
        }
        Refreshed::Refused(_) => {
            forget(visit);
            Ok(None)
        }
    }
}

/// Binds a sign-in elsewhere to the browser.
pub(crate) fn keep_flow(visit: &Visit, browser: String) {
    let cookie = cookies::of_host(FLOW, browser, visit.cookie_scheme());
    let seconds = u32::try_from(FLOW_TTL.as_secs()).unwrap_or(u32::MAX);
    visit.set_cookie(cookies::lasting(cookie, seconds));
}

/// What binds the browser to the sign-in elsewhere that it is back from, which is then forgotten.
pub(crate) fn take_flow(visit: &Visit) -> String {
    let flow = cookies::values(visit.headers(), FLOW).next().unwrap_or_default().to_owned();
    for gone in cookies::gone(visit.headers(), FLOW) {
        visit.set_cookie(gone);
    }
    flow
}
