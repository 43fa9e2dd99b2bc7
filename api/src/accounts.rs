//! Shoppers by the shop's own tokens: `identity = "jwt"`.
//!
//! ```text
//! token ─▶ parts ─▶ key of its `kid` ─▶ signature ─▶ claims ─▶ `sid` revoked? ─▶ account
//!                     │ unknown: the set is read once more      │
//!                   keeper ◀── file, URL or shop      file and calls
//! ```
//!
//! Owns what a token must be to name an account, which keys it may be signed with, and the sessions that
//! were ended before their tokens. The keys themselves are kept by [`outbound::KeyKeeper`]. Refuses to
//! know HTTP answers, sales and places: it says who somebody is, and how that becomes a shopper is
//! [`engine::shopper`]'s.
//!
//! Always true: nothing of a token is believed before its signature fits a key of the present set; the
//! algorithm is the key's own, never the token's choice; a key that has left the set opens nothing; a
//! token that outlives the memory of revoked sessions is refused.
//!
//! Reading order: `options`, `fault`, `token`, `revoked`.

mod fault;
mod options;
mod revoked;
mod token;

use std::{error::Error, fmt, time::Duration};

use engine::{clock::Millis, sync::Arc};
use hyper::HeaderMap;
pub use outbound::Algorithm;
use outbound::{
    FoundKey, KeyKeeper, KeyKeeperOptions, KeySource, KeySourceOptions, Reach, TargetError,
};
use web::{caller::Scheme, cookies};

pub use self::{
    fault::Fault,
    options::{AccountOptions, Keys},
    revoked::Full,
};
use self::{
    revoked::Revoked,
    token::{Claims, Token},
};
use crate::token::Verified;

/// Tokens remembered as genuine: those of a crowd that enters and reloads. 16 bytes each, 1 MiB in all.
const TOKENS_REMEMBERED: usize = 1 << 16;

/// The shortest pause between a reading of the keys and the next for an unknown one.
const UNKNOWN_PAUSE: Duration = Duration::from_secs(5);

/// A token counts this long before its `nbf`, as our own passes do: clocks differ a little.
const NOT_BEFORE_SKEW: Duration = Duration::from_secs(30);

/// Who a token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account: the token's `sub`.
    pub subject: String,
}

/// Everything that tells an account by a token.
pub struct Accounts {
    keeper: Arc<KeyKeeper>,
    revoked: Arc<Revoked>,
    /// Tokens whose signature fitted, each under the key that it fitted.
    genuine: Verified,
    options: AccountOptions,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Accounts {
    /// Prepares everything and reads the list of revoked sessions. The keys are read by
    /// [`Self::keep_up`], which runs beside it: their server may be away for now.
    pub fn open(options: AccountOptions) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let keeper = Arc::new(KeyKeeper::new(
            source(&options)?,
            KeyKeeperOptions {
                stale_max: options.stale_max,
                unknown_pause: UNKNOWN_PAUSE,
                sign: "shoppers' tokens",
                without: "sales with identity = \"jwt\" take no entries",
            },
        ));
        let revoked = Arc::new(Revoked::open(options.revoked.clone())?);
        Ok(Self { keeper, revoked, genuine: Verified::new(TOKENS_REMEMBERED), options })
    }

    /// Keeps key set and revoked sessions as fresh as they should be, for as long as the process runs.
    pub async fn keep_up(self: Arc<Self>) {
        tokio::join!(self.keeper.keep_fresh(), self.revoked.keep_fresh());
    }

    /// Reads key set and revoked sessions again now.
    pub async fn reload(&self) {
        self.revoked.reload().await;
        self.keeper.reload().await;
    }

    /// The tokens that the shop's pages keep in cookies of this browser, in their order; `scheme` is how
    /// the browser reached us.
    pub fn in_cookies<'h>(
        &'h self,
        headers: &'h HeaderMap,
        scheme: Scheme,
    ) -> impl Iterator<Item = &'h str> {
        let name = self.options.cookie.as_deref();
        let is_own = matches!(self.options.keys, Keys::Shop(_));
        let own = name.filter(|_| is_own).map(|name| cookies::of_visitor(headers, name, scheme));
        let foreign = name.filter(|_| !is_own).map(|name| cookies::named(headers, name));
        own.into_iter().flatten().chain(foreign.into_iter().flatten())
    }

    /// Whether the tokens are this program's own shop's, whose pages stand beside the room's.
    pub const fn are_of_own_shop(&self) -> bool {
        matches!(self.options.keys, Keys::Shop(_))
    }

    /// Who a token names at the time `now` of the wall clock. Waits only when its key is not known yet,
    /// for one reading of the set at most.
    pub async fn verify(&self, text: &str, now: Millis) -> Result<Account, Fault> {
        let token = Token::split(text)?;
        let algorithm = Algorithm::of(token.algorithm()).ok_or(Fault::Algorithm)?;
        if !self.options.algorithms.contains(&algorithm) {
            return Err(Fault::Algorithm);
        }
        let key = match self.keeper.key(token.key_id().ok_or(Fault::NoKey)?).await {
            FoundKey::Key(key) => key,
            FoundKey::Unknown => return Err(Fault::UnknownKey),
            FoundKey::Unavailable => return Err(Fault::KeysUnavailable),
        };
        if key.algorithm() != algorithm {
            return Err(Fault::KeyAlgorithm);
        }
        let hash = key.hash_of(text);
        if !self.genuine.knows(&hash) {
            if !key.verifies(token.signed(), token.signature()) {
                return Err(Fault::Signature);
            }
            self.genuine.remember(&hash);
        }
        self.check(token.claims()?, now)
    }

    /// The account of genuine claims that hold now.
    fn check(&self, claims: Claims, now: Millis) -> Result<Account, Fault> {
        if claims.is_of_events {
            return Err(Fault::Type);
        }
        if claims.issuer.as_ref() != Some(&self.options.issuer) {
            return Err(Fault::Issuer);
        }
        if !self.options.audience.iter().any(|audience| claims.is_for(audience)) {
            return Err(Fault::Audience);
        }
        let seconds = now.0 / 1_000;
        let expires = claims.expires.ok_or(Fault::NoExpiry)?;
        if expires <= seconds {
            return Err(Fault::Expired);
        }
        let skew = NOT_BEFORE_SKEW.as_secs();
        if claims.not_before.is_some_and(|from| from > seconds + skew) {
            return Err(Fault::NotYet);
        }
        if expires - seconds > self.options.life_max.as_secs() + skew {
            return Err(Fault::LivesTooLong);
        }
        let subject = claims.subject.ok_or(Fault::NoSubject)?;
        if claims.session.is_some_and(|session| self.revoked.contains(&session, now)) {
            return Err(Fault::Revoked);
        }
        Ok(Account { subject })
    }

    /// Refuses every token of these sessions from `now` of the wall clock on, until the last of them has expired.
    /// A token without `sid` is of no session.
    pub fn revoke(&self, sessions: &[String], now: Millis) -> Result<(), Full> {
        self.revoked.add(sessions, now, self.options.life_max + NOT_BEFORE_SKEW)
    }
}

/// Where the keys are.
fn source(options: &AccountOptions) -> Result<KeySource, TargetError> {
    let AccountOptions { keys, deadline, fresh_max, trust, .. } = options;
    let jwks = match keys {
        Keys::At(jwks) => jwks,
        Keys::Shop(keys) => return Ok(KeySource::told(keys.clone(), "the shop", *deadline)),
    };
    let source = KeySource::new(KeySourceOptions {
        place: jwks.clone(),
        fresh_max: *fresh_max,
        deadline: *deadline,
        trust: trust.clone(),
        // The operator named it: it may well stand next door.
        reach: Reach::Anywhere,
    })?;
    if !source.is_secure() {
        tracing::warn!(
            url = %jwks,
            "the key set of jwt.jwks is fetched without TLS: whoever can change the answer on its way \
             can sign in as anybody"
        );
    }
    Ok(source)
}
