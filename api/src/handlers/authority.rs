//! Who is asking, and what that allows: read from verified tokens and keys, never from elsewhere.

use std::net::IpAddr;

use engine::{
    id::{SaleName, SaleTag, ShopperKey},
    record::{Author, ReplayKey},
    sale::TicketRef,
    shopper::ShopperKeys,
    spec::IdentityMode,
    view::SaleView,
};
use hyper::{
    HeaderMap,
    header::{AUTHORIZATION, HeaderName, HeaderValue, ORIGIN},
};
use web::{buckets::Quota, cookies};

use crate::{
    app::App,
    archiving::Asker,
    error::{ApiError, FieldProblem},
    keys::holder_name,
    server::Peer,
    token::{
        CreatedSale, InviteError, Keyring, PassError, Principal, Role, Ticket, VerifiedPass,
        body_hash, scope_hash,
    },
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const X_SHOPPER_ID: HeaderName = HeaderName::from_static("x-shopper-id");
/// The most characters of an idempotency key or a shopper's id.
const KEY_CHARS_MAX: usize = 128;
/// Characters of the key of an anonymous entry, at least: 128 random bits in base64url. A UUID has 36.
const ENTRY_KEY_CHARS_MIN: usize = 22;
/// Cookies of one name that are looked at.
const TICKET_COOKIES_MAX: usize = 8;

/// The bearer token, if exactly one was sent.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = only(headers, &AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_ascii())
}

/// The place of the ticket that came as bearer token.
pub fn ticket(app: &App, sale: &SaleView, headers: &HeaderMap) -> Result<Ticket, ApiError> {
    let token = bearer(headers).ok_or(ApiError::TicketInvalid)?;
    open_ticket(app, sale.tag(), token)
}

/// The place of the ticket that came as bearer token or, from a page, as cookie.
pub fn ticket_or_cookie(
    app: &App,
    sale: &SaleView,
    headers: &HeaderMap,
) -> Result<(Ticket, Shown), ApiError> {
    if let Some(token) = bearer(headers) {
        return open_ticket(app, sale.tag(), token).map(|ticket| (ticket, Shown::Bearer));
    }
    // A browser names the origin of a page that reads what is of another one, and of none that reads its own.
    let is_own = !headers.contains_key(ORIGIN);
    let ticket = is_own.then(|| cookie_ticket(app, sale, headers)).flatten();
    Ok((ticket.ok_or(ApiError::TicketInvalid)?, Shown::Cookie))
}

/// How a ticket was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As a bearer token, by whoever holds it.
    Bearer,
    /// As a cookie, which a browser sends for any script of the page's origin.
    Cookie,
}

fn open_ticket(app: &App, sale: SaleTag, token: &str) -> Result<Ticket, ApiError> {
    let opened = app.keyring.open_ticket_for(sale, token.as_bytes());
    opened.map_err(|_| ApiError::TicketInvalid)
}

/// The name of the cookie that keeps a ticket of this sale. No sale's name has a dot, so no sale can have the cookie
/// of another kind.
pub fn ticket_cookie(sale: &SaleView) -> String {
    format!("rushgate-ticket.{}", sale.name())
}

/// The ticket of a sale's cookie: the first one that opens counts, since another host of the domain
/// may have set a cookie of the same name.
pub fn cookie_ticket(app: &App, sale: &SaleView, headers: &HeaderMap) -> Option<Ticket> {
    let name = ticket_cookie(sale);
    let mut all = cookies::values(headers, &name).take(TICKET_COOKIES_MAX);
    all.find_map(|token| open_ticket(app, sale.tag(), token).ok())
}

/// The name of the cookie that keeps an invitation to this sale.
pub fn invite_cookie(sale: &SaleView) -> String {
    format!("rushgate-invite.{}", sale.name())
}

/// The invitation of a sale's cookie, as it was sealed: the first one that holds, or else the first.
pub fn cookie_invite<'h>(app: &App, sale: &SaleView, headers: &'h HeaderMap) -> Option<&'h str> {
    let name = invite_cookie(sale);
    let mut all = cookies::values(headers, &name).take(TICKET_COOKIES_MAX).peekable();
    let first = all.peek().copied();
    all.find(|text| open_invite(app, sale, text).is_ok()).or(first)
}

/// The shopper of an invitation that holds now.
pub fn open_invite(app: &App, sale: &SaleView, text: &str) -> Result<ShopperKey, InviteError> {
    let wall = sale.settings().controls.wall(app.engine.now());
    let created = CreatedSale::new(sale.tag(), sale.epoch(), sale.created_at());
    let invite = app.keyring.open_invite(created, text, wall)?;
    Ok(ShopperKeys::of_invitation(sale.name(), invite.id))
}

/// The pass that came as bearer token.
pub fn pass(app: &App, sale: &SaleView, headers: &HeaderMap) -> Result<VerifiedPass, ApiError> {
    let token = bearer(headers).ok_or(ApiError::PassInvalid)?;
    let wall = sale.settings().controls.wall(app.engine.now());
    let verified = app.keyring.verify_pass(token, sale.name(), wall);
    verified.map_err(|error| match error {
        PassError::Expired => ApiError::PassExpired,
        PassError::Malformed
        | PassError::UnknownHeader
        | PassError::Forged
        | PassError::UnknownClaims
        | PassError::WrongSale
        | PassError::NotYet => ApiError::PassInvalid,
    })
}

/// The role of the key that came as bearer token, and whose it is for the audit.
pub fn key(app: &App, headers: &HeaderMap) -> Result<(Role, Author), ApiError> {
    let token = bearer(headers).ok_or(ApiError::Unauthorized)?;
    let role = app.keys.role_of(token).ok_or(ApiError::Unauthorized)?;
    Ok((role, Author { name: holder_name(role, token) }))
}

/// As [`key`], for one role only.
pub fn key_of(app: &App, headers: &HeaderMap, wanted: Role) -> Result<Author, ApiError> {
    let (role, author) = key(app, headers)?;
    if role == wanted { Ok(author) } else { Err(ApiError::Forbidden) }
}

/// Whoever may look at or give up a purchase.
#[derive(Clone, Copy, Debug)]
pub enum Party {
    /// The shopper that a pass or a ticket names.
    Shopper(ShopperKey),
    /// The holder of a key.
    Key(Role),
}

impl Party {
    /// Who asks for an archived sale.
    pub const fn asker(&self) -> Asker {
        match self {
            Self::Shopper(_) => Asker::Shopper,
            Self::Key(_) => Asker::Key,
        }
    }
}

/// The pass, ticket or key that came as bearer token. A purchase outlives the session it was made
/// in, so here a pass counts after its end, and a ticket after its place is over.
pub fn party(app: &App, sale: &SaleName, headers: &HeaderMap) -> Result<Party, ApiError> {
    let token = bearer(headers).ok_or(ApiError::Unauthorized)?;
    if let Some(role) = app.keys.role_of(token) {
        return Ok(Party::Key(role));
    }
    if let Ok(ticket) = open_ticket(app, sale.tag(), token) {
        return Ok(Party::Shopper(ticket.shopper));
    }
    let pass = app.keyring.verify_pass_ever(token, sale);
    pass.map(|pass| Party::Shopper(pass.shopper)).map_err(|_| ApiError::PassInvalid)
}

/// The `Idempotency-Key`, if one came: 1–128 visible ASCII characters.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    if !headers.contains_key(IDEMPOTENCY_KEY) {
        return Ok(None);
    }
    only(headers, &IDEMPOTENCY_KEY).and_then(visible).map(Some).ok_or_else(key_problem)
}

/// As [`idempotency_key`], where one is required.
pub fn required_key(headers: &HeaderMap) -> Result<&str, ApiError> {
    idempotency_key(headers)?.ok_or_else(key_problem)
}

fn key_problem() -> ApiError {
    let allowed = "one Idempotency-Key header of 1 to 128 visible ASCII characters";
    ApiError::InvalidRequest(vec![FieldProblem::new("Idempotency-Key", allowed)])
}

/// Whoever sends the key of an anonymous entry is that shopper, so it must be a secret.
fn guessable_key() -> ApiError {
    let allowed = format!(
        "at least {ENTRY_KEY_CHARS_MIN} random characters where shoppers are anonymous, such as a \
         UUID: the key is the shopper's secret"
    );
    ApiError::InvalidRequest(vec![FieldProblem::new("Idempotency-Key", allowed)])
}

/// A key in the scope of who asks for what, with what it came.
pub fn replay(principal: Principal, route: &str, key: &str, body: &[u8]) -> ReplayKey {
    ReplayKey { key: scope_hash(principal, route, key), body: body_hash(body) }
}

/// Who enters, as the sale tells shoppers apart, and the idempotency key if one came. An entry of
/// an address or identity that enters too often is refused here, before it changes anything.
pub async fn entrant(
    app: &App,
    sale: &SaleView,
    headers: &HeaderMap,
    peer: &Peer,
) -> Result<(ShopperKey, Option<ReplayKey>, Option<Quota>), ApiError> {
    let (address, left) = may_enter(app, headers, peer).await?;
    let key = idempotency_key(headers)?;
    let claim = Claim { headers, peer, address, token: bearer(headers) };
    let shopper = match (identified(app, sale, &claim).await?, key) {
        (Some(shopper), _) => shopper,
        (None, Some(key)) if key.len() < ENTRY_KEY_CHARS_MIN => return Err(guessable_key()),
        (None, key) => anonymous(app, sale, key)?,
    };
    Ok((shopper, key.map(|key| entry_replay(sale, shopper, key)), left))
}

/// The same for the page's form: `known` is the shopper of an earlier place, who stays the same
/// person, and `key` is the form's own. A browser may bring an invitation or the shop's token in a cookie.
pub async fn page_entrant(
    app: &App,
    sale: &SaleView,
    (headers, peer): (&HeaderMap, &Peer),
    known: Option<ShopperKey>,
    key: Option<&str>,
) -> Result<(ShopperKey, Option<ReplayKey>), ApiError> {
    let (address, _left) = may_enter(app, headers, peer).await?;
    let takes_invites = sale.settings().spec.identity == IdentityMode::Invite;
    let in_cookie = || {
        if takes_invites {
            return cookie_invite(app, sale, headers);
        }
        let mut found =
            app.accounts.as_ref()?.in_cookies(headers, app.cookie_scheme(headers, peer));
        let first = found.next()?;
        // Another host of the domain may have set one of the same name, to sign somebody in as somebody else.
        found.all(|other| other == first).then_some(first)
    };
    let claim = Claim { headers, peer, address, token: bearer(headers).or_else(in_cookie) };
    let shopper = match (identified(app, sale, &claim).await?, known) {
        (Some(shopper), _) | (None, Some(shopper)) => shopper,
        (None, None) => anonymous(app, sale, key)?,
    };
    Ok((shopper, key.map(|key| entry_replay(sale, shopper, key))))
}

/// What an entry brings along to say who enters.
struct Claim<'a> {
    headers: &'a HeaderMap,
    peer: &'a Peer,
    address: Option<IpAddr>,
    /// The shop's token, or an invitation.
    token: Option<&'a str>,
}

/// The shopper of a sale with identities; `None` where shoppers are anonymous.
async fn identified(
    app: &App,
    sale: &SaleView,
    claim: &Claim<'_>,
) -> Result<Option<ShopperKey>, ApiError> {
    let (mode, wall) = {
        let settings = sale.settings();
        (settings.spec.identity, settings.controls.wall(app.engine.now()))
    };
    let shoppers = app.keyring.shoppers();
    let shopper = match mode {
        IdentityMode::Anonymous => return Ok(None),
        IdentityMode::Header => {
            const NONE: &str = "a listed proxy must name the shopper in X-Shopper-Id";
            let id = vouched(claim.headers, claim.peer).ok_or(ApiError::IdentityInvalid(NONE))?;
            shoppers.of_header(sale.name(), id)
        }
        IdentityMode::Jwt => {
            const NONE: &str = "a token of the shop is required";
            let accounts = app.accounts.as_ref().ok_or(ApiError::IdentityUnavailable)?;
            let token = claim.token.ok_or(ApiError::IdentityInvalid(NONE))?;
            // On the heap, so that entries of other sales do not carry its state along.
            let account = Box::pin(accounts.verify(token, wall)).await?;
            shoppers.of_account(sale.name(), &account.subject)
        }
        IdentityMode::Invite => open_invite(app, sale, claim.token.unwrap_or_default())?,
    };
    app.limiter.entry_by(shopper.0, claim.address).map_err(ApiError::TooManyRequests)?;
    Ok(Some(shopper))
}

/// An anonymous shopper: that of the key, or a new one.
fn anonymous(app: &App, sale: &SaleView, key: Option<&str>) -> Result<ShopperKey, ApiError> {
    match key {
        Some(key) => Ok(app.keyring.shoppers().of_idempotency_key(sale.name(), key)),
        None => Keyring::shopper_at_random().map_err(|_| ApiError::Internal),
    }
}

/// Takes an entry from what the caller's address has left, and waits for its turn: that address,
/// and what is left of it.
async fn may_enter(
    app: &App,
    headers: &HeaderMap,
    peer: &Peer,
) -> Result<(Option<IpAddr>, Option<Quota>), ApiError> {
    let address = app.callers.caller(headers, peer.socket).address();
    let left = app.limiter.entry_of(address).await.map_err(ApiError::TooManyRequests)?;
    Ok((address, left))
}

fn entry_replay(sale: &SaleView, shopper: ShopperKey, key: &str) -> ReplayKey {
    let route = format!("enter/{}/{}", sale.name(), sale.epoch().0);
    // Nothing and `{}` are the only bodies there are, and mean the same.
    replay(Principal::Shopper(shopper), &route, key, b"")
}

/// The shopper's id from a listed proxy; anyone else's word does not count.
fn vouched<'h>(headers: &'h HeaderMap, peer: &Peer) -> Option<&'h str> {
    only(headers, &X_SHOPPER_ID).filter(|_| peer.socket.trusted).and_then(visible)
}

/// A ticket as the engine knows it.
pub fn place_of(ticket: &Ticket) -> TicketRef {
    TicketRef { epoch: ticket.epoch, number: ticket.number, shopper: ticket.shopper }
}

/// A pass as the engine knows it.
pub fn place_of_pass(pass: &VerifiedPass) -> TicketRef {
    TicketRef { epoch: pass.epoch, number: pass.number, shopper: pass.shopper }
}

fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

fn visible(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok()?;
    let fits = (1..=KEY_CHARS_MAX).contains(&text.len());
    (fits && text.bytes().all(|byte| byte.is_ascii_graphic())).then_some(text)
}
