//! Who asks, and what that allows.
//!
//! A route's handler takes one of these types, and none can be made but from a request that proves it:
//! by a bearer token, or by the cookies of a page. A cookie is sent by a browser whatever page asks, so a
//! write that a cookie authorises must come from a page of ours.

use axum::http::{
    StatusCode,
    header::{AUTHORIZATION, ORIGIN},
};
use base::moment::Moment;
use identity::{
    access,
    account::{self, Account},
    business::{self, Business, SellRefusal, State},
    ids::{AccountId, SessionId},
    session::{Role, Session},
};
use store::Failure;
use web::csrf;

use crate::{browser, refusal::Refusal, visit::Visit};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever asks.
    Anyone,
    /// Whoever is signed in, as what they are.
    Shopper,
    /// Whoever is signed in as a business, which may not be approved, or not any more.
    Business,
    /// Whoever is signed in as a business that was approved.
    Seller,
    /// Whoever is signed in as an operator.
    Operator,
}

/// A proof of who asks.
pub(crate) trait Authority: Sized + Send + 'static {
    /// Whom it is a proof of.
    const WHO: Who;

    /// Takes the proof from a request, or refuses it.
    fn admit(visit: &Visit) -> impl Future<Output = Result<Self, Refusal>> + Send;
}

/// Nobody in particular.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anyone;

/// Whoever's browser gets or puts a file. They are counted apart, as a page has many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Viewer;

/// Whoever looks at a page, signed in or not.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    /// In which session, if in one.
    pub(crate) session: Option<Session>,
}

/// An account that is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Shopper {
    /// In which session.
    pub(crate) session: Session,
}

/// A business, whatever it may do now: it sees what it has sold.
#[derive(Clone, Debug)]
pub(crate) struct Merchant {
    pub(crate) session: Session,
    pub(crate) business: Business,
}

/// A business that may sell.
#[derive(Clone, Debug)]
pub(crate) struct Seller {
    pub(crate) session: Session,
    pub(crate) business: Business,
}

/// Who runs the platform.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    pub(crate) session: Session,
}

impl Shopper {
    /// Which account.
    pub(crate) const fn account(&self) -> AccountId {
        self.session.account
    }

    /// In which session.
    pub(crate) const fn here(&self) -> SessionId {
        self.session.id
    }

    /// Refuses a session that was opened long ago: it may be stolen.
    pub(crate) fn is_fresh(&self, now: Moment) -> Result<(), Refusal> {
        if self.session.is_fresh(now) { Ok(()) } else { Err(Refusal::SignInAgain) }
    }
}

impl Authority for Anyone {
    const WHO: Who = Who::Anyone;

    async fn admit(visit: &Visit) -> Result<Self, Refusal> {
        visit.shop().limits().guest(visit.client())?;
        Ok(Self)
    }
}

impl Authority for Viewer {
    const WHO: Who = Who::Anyone;

    async fn admit(visit: &Visit) -> Result<Self, Refusal> {
        visit.shop().limits().file(visit.client())?;
        Ok(Self)
    }
}

impl Authority for Guest {
    const WHO: Who = Who::Anyone;

    async fn admit(visit: &Visit) -> Result<Self, Refusal> {
        visit.shop().limits().guest(visit.client())?;
        match signed_in(visit).await {
            Ok(session) => Ok(Self { session: Some(session) }),
            // Somebody who asks too often is not nobody: who signs out then would stay signed in.
            Err(refusal) if is_nobody(&refusal) => Ok(Self { session: None }),
            Err(refusal) => Err(refusal),
        }
    }
}

impl Authority for Shopper {
    const WHO: Who = Who::Shopper;

    async fn admit(visit: &Visit) -> Result<Self, Refusal> {
        let session = signed_in(visit).await?;
        Ok(Self { session })
    }
}

impl Authority for Merchant {
    const WHO: Who = Who::Business;

    async fn admit(visit: &Visit) -> Result<Self, Refusal> {
        let session = signed_in(visit).await?;
        if session.role != Role::Business {
            return Err(Refusal::BusinessSessionNeeded);
        }
        let found = business::of_account(&visit.db()?.read(), session.account).await?;
        let business = found.ok_or(SellRefusal::NotApproved)?;
        Ok(Self { session, business })
    }
}

impl Authority for Seller {
    const WHO: Who = Who::Seller;

    async fn admit(visit: &Visit) -> Result<Self, Refusal> {
        let Merchant { session, business } = Merchant::admit(visit).await?;
        match business.state {
            State::Approved => Ok(Self { session, business }),
            State::Pending | State::Rejected | State::Suspended | State::Closed => {
                Err(SellRefusal::NotApproved.into())
            }
        }
    }
}

impl Authority for Operator {
    const WHO: Who = Who::Operator;

    async fn admit(visit: &Visit) -> Result<Self, Refusal> {
        let session = signed_in(visit).await?;
        let is_operator = |account: Account| account.is_operator;
        let found = account::find(&visit.db()?.read(), session.account).await?;
        if session.role != Role::Operator || !found.is_some_and(is_operator) {
            return Err(Refusal::OperatorSessionNeeded);
        }
        Ok(Self { session })
    }
}

/// Whether a refusal says that nobody is signed in, or not by this request.
fn is_nobody(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::ForeignForm)
        || refusal.row().facts.status == StatusCode::UNAUTHORIZED
}

/// The session of whoever asks.
async fn signed_in(visit: &Visit) -> Result<Session, Refusal> {
    let session = match bearer(visit) {
        Some(token) => authenticate(visit, token?).await?,
        None => by_cookie(visit).await?,
    };
    visit.note_role(session.role);
    if !visit.only_reads() {
        visit.shop().limits().account(session.account)?;
    }
    Ok(session)
}

/// The session of the browser's cookies. One whose access token is over is prolonged.
async fn by_cookie(visit: &Visit) -> Result<Session, Refusal> {
    require_our_page(visit)?;
    let mut last = None;
    for token in browser::access_tokens(visit) {
        match authenticate(visit, token).await {
            Ok(session) => return Ok(session),
            Err(refusal @ (Refusal::Token(_) | Refusal::Unauthorized)) => last = Some(refusal),
            Err(other) => return Err(other),
        }
    }
    match browser::renew(visit).await? {
        Some(session) => Ok(session),
        None => Err(last.unwrap_or(Refusal::Unauthorized)),
    }
}

/// Refuses what another site has a browser send. A page elsewhere that may read answers names its origin
/// even when it only reads.
pub(crate) fn require_our_page(visit: &Visit) -> Result<(), Refusal> {
    let (headers, host) = (visit.headers(), visit.host());
    let is_ours = || csrf::is_our_form(headers, host, || false);
    if (visit.only_reads() && !headers.contains_key(ORIGIN)) || is_ours() {
        Ok(())
    } else {
        Err(Refusal::ForeignForm)
    }
}

/// The bearer token; a second header, or another scheme, is refused.
fn bearer(visit: &Visit) -> Option<Result<&str, Refusal>> {
    let mut all = visit.headers().get_all(AUTHORIZATION).iter();
    let first = all.next()?;
    let token = first.to_str().ok().filter(|_| all.next().is_none()).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_ascii())
    });
    Some(token.ok_or(Refusal::Unauthorized))
}

async fn authenticate(visit: &Visit, token: &str) -> Result<Session, Refusal> {
    let (shop, db) = (visit.shop(), visit.db()?);
    let now = db.now();
    let keys = shop.keys().get();
    let known = access::authenticate(&db.read(), token, &keys, shop.terms(), now).await;
    let Err(Failure::Refused(access::TokenRefusal::UnknownKey)) = known else { return Ok(known?) };
    if !shop.keys().may_be_old(now) {
        return Ok(known?);
    }
    // Another node may have begun to sign with a key of its own.
    shop.take_keys(identity::signing::public_keys(&db.read(), now).await?, now);
    let keys = shop.keys().get();
    Ok(access::authenticate(&db.read(), token, &keys, shop.terms(), now).await?)
}
