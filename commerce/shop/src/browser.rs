//! What a browser keeps of its visitor: cookies with the session's tokens.
//!
//! | cookie | what | how long |
//! |---|---|---|
//! | `rushgate-session` | the access token | until it expires |
//! | `rushgate-refresh` | the refresh token | 30 days |
//! | `rushgate-flow` | what binds a sign-in elsewhere to this browser | 10 minutes |
//! | `rushgate-told` | the code of what was done, for the next page | a minute |
//!
//! Over HTTPS each but the last has the prefix `__Host-`. The waiting room reads the first one too.

use base::moment::Moment;
use identity::{
    access,
    limits::{FLOW_TTL, SESSION_TTL},
    session::{self, Refresh, RefreshRefusal, Refreshed, Session},
    signing::Published,
};
use web::cookies;

use crate::{refusal::Refusal, visit::Visit};

/// The cookie with the access token.
pub(crate) const SESSION: &str = "rushgate-session";
/// The cookie with the refresh token.
const REFRESH: &str = "rushgate-refresh";
/// The cookie of somebody who is at a provider.
const FLOW: &str = "rushgate-flow";

/// The cookie that brings the code of what was done to the next page.
const TOLD: &str = "rushgate-told";
/// How long the next page may take to be asked for.
const TOLD_SECONDS: u32 = 60;

/// What stands before the code of something that was not done.
const BAD: char = '!';

/// The longest code.
const CODES_MAX: usize = 40;

/// Cookies of one name that are looked at.
const COOKIES_MAX: usize = 8;

/// What the page before left.
#[derive(Debug)]
pub(crate) struct Told {
    /// The code of what was done, or of why it was not.
    pub(crate) code: String,
    /// Whether it was not.
    pub(crate) is_bad: bool,
}

/// The tokens of a session.
pub(crate) struct Tokens {
    pub(crate) access: access::AccessToken,
    pub(crate) refresh: String,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(…)")
    }
}

/// Makes the tokens of a session. They are secrets, and no answer with them is kept.
pub(crate) async fn tokens(visit: &Visit, session: &Session) -> Result<Tokens, Refusal> {
    let key = visit.shop().signer().publish(visit.db()?).await?;
    Ok(signed(visit, &key, session, visit.db()?.now()))
}

/// Renews a session for a refresh token, which is of no use afterwards. The key is there before: nothing may
/// fail between the renewal and its tokens, as whoever brings the old one later counts as a thief.
pub(crate) async fn refresh(
    visit: &Visit,
    shown: Refresh,
) -> Result<Result<(Session, Tokens), RefreshRefusal>, Refusal> {
    let (shop, db) = (visit.shop(), visit.db()?);
    shop.limits().renewal(shown.session)?;
    let key = shop.signer().publish(db).await?;
    Ok(match db.write(async |tx| session::refresh(tx, shown).await).await? {
        Refreshed::Done(session) => {
            let tokens = signed(visit, &key, &session, db.now());
            Ok((session, tokens))
        }
        Refreshed::Refused(refusal) => Err(refusal),
    })
}

fn signed(visit: &Visit, key: &Published<'_>, session: &Session, now: Moment) -> Tokens {
    let shop = visit.shop();
    let access = access::issue(key, shop.terms(), session, now);
    Tokens { access, refresh: shop.refresher().token(session.refresh()) }
}

/// Has the browser keep a session that was opened just now, in place of the one that it had: that one ends.
pub(crate) async fn keep(visit: &Visit, session: &Session) -> Result<(), Refusal> {
    let tokens = tokens(visit, session).await?;
    let old = refresh_tokens(visit).find(|shown| shown.session != session.id);
    if let Some(old) = old {
        visit.db()?.write(async |tx| session::end(tx, old.session).await).await?;
    }
    set(visit, tokens)
}

fn set(visit: &Visit, tokens: Tokens) -> Result<(), Refusal> {
    let (scheme, now) = (visit.cookie_scheme(), visit.db()?.now());
    let lasts = |until: Moment| u32::try_from(until.since(now).as_secs()).unwrap_or(u32::MAX);
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
    cookies::of_visitor(visit.headers(), SESSION, visit.cookie_scheme()).take(COOKIES_MAX)
}

/// The refresh tokens of ours that the browser sent.
fn refresh_tokens(visit: &Visit) -> impl Iterator<Item = Refresh> {
    let all = cookies::of_visitor(visit.headers(), REFRESH, visit.cookie_scheme());
    all.take(COOKIES_MAX).filter_map(|token| visit.shop().refresher().read(token))
}

/// Prolongs the browser's session, whose access token is over, if it has one.
pub(crate) async fn renew(visit: &Visit) -> Result<Option<Session>, Refusal> {
    let Some(shown) = refresh_tokens(visit).next() else { return Ok(None) };
    if let Ok((session, tokens)) = refresh(visit, shown).await? {
        set(visit, tokens)?;
        return Ok(Some(session));
    }
    forget(visit);
    Ok(None)
}

/// Binds a sign-in elsewhere to the browser.
pub(crate) fn keep_flow(visit: &Visit, browser: String) {
    let cookie = cookies::of_host(FLOW, browser, visit.cookie_scheme());
    let seconds = u32::try_from(FLOW_TTL.as_secs()).unwrap_or(u32::MAX);
    visit.set_cookie(cookies::lasting(cookie, seconds));
}

/// What binds the browser to the sign-in elsewhere that it is back from, which is then forgotten.
pub(crate) fn take_flow(visit: &Visit) -> String {
    let mut all = cookies::of_visitor(visit.headers(), FLOW, visit.cookie_scheme());
    let flow = all.next().unwrap_or_default().to_owned();
    for gone in cookies::gone(visit.headers(), FLOW) {
        visit.set_cookie(gone);
    }
    flow
}

/// Has the next page say what was done.
pub(crate) fn tell(visit: &Visit, code: &'static str) {
    leave(visit, code.to_owned());
}

/// Has the next page say why something was not done.
pub(crate) fn tell_refusal(visit: &Visit, code: &'static str) {
    leave(visit, format!("{BAD}{code}"));
}

fn leave(visit: &Visit, code: String) {
    let mut cookie = cookies::of_path(TOLD, code, "/shop".to_owned());
    cookie.set_http_only(true);
    visit.set_cookie(cookies::lasting(cookie, TOLD_SECONDS));
}

/// The code that the page before left, which is then forgotten. The pages know which codes there are.
pub(crate) fn take_told(visit: &Visit) -> Option<Told> {
    let left = cookies::named(visit.headers(), TOLD).next()?;
    let code = left.strip_prefix(BAD).unwrap_or(left);
    let gone = cookies::of_path(TOLD, "", "/shop".to_owned());
    visit.set_cookie(cookies::lasting(gone, 0));
    let is_code = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let told = Told { code: code.to_owned(), is_bad: code != left };
    (code.len() <= CODES_MAX && code.bytes().all(is_code)).then_some(told)
}
