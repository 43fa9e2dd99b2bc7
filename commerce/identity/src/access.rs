//! Access tokens: who somebody is, in which session and as what, for a quarter of an hour.
//!
//! Owns what such a token says and how it is read. Refuses keeping any. A token is a signed JWT
//! (RFC 9068) that the waiting room takes too, with `identity = "jwt"`: `sub` is the account, `sid` the
//! session. It holds as long as it says unless its session ended: the shop asks [`authenticate`], and
//! whoever only [`read`]s one refuses what [`crate::session::ended_since`] tells of.

use std::fmt;

use base::moment::Moment;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use store::{Failure, sea_orm::ConnectionTrait};

use crate::{
    ids::{AccountId, SessionId},
    limits::{ACCESS_BYTES_MAX, ACCESS_TTL},
    session::{self, Role, Session},
    signing::{PublicKeys, Published},
};

const ALGORITHM: &str = "EdDSA";
const KIND: &str = "at+jwt";

/// Who signs tokens, and whom they are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The `iss` of each token, such as `https://shop.example`.
    pub issuer: String,
    /// The `aud` of each token.
    pub audience: String,
}

/// A token for a client. It is a secret: no answer that has one is kept for repetitions.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The token.
    pub text: String,
    /// When it holds no longer.
    pub expires_at: Moment,
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// What a genuine token says that holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who.
    pub account: AccountId,
    /// In which session.
    pub session: SessionId,
    /// As what.
    pub role: Role,
    /// Until when.
    pub expires_at: Moment,
}

store::refusals! {
    /// Why a token says nothing.
    pub TokenRefusal {
        /// It is no token of ours, whoever signed it.
        Malformed = "token_malformed": "the text is no access token of this shop",
        /// The key may have been published since the keys were read.
        UnknownKey = "token_key_unknown": "the token's key is not known",
        /// The signature is not that of the key.
        Forged = "token_forged": "the token's signature does not fit",
        /// Genuine, and meant for somebody else.
        Foreign = "token_foreign": "the token is of another issuer or for another audience",
        /// Genuine, and over.
        Expired = "token_expired": "the token has expired",
        /// Genuine, and its session was ended, or is not what the token says.
        SessionOver = "session_over": "the session is over",
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    iss: String,
    aud: String,
    sub: AccountId,
    sid: SessionId,
    role: String,
    iat: i64,
    exp: i64,
}

/// The access token of a session.
pub fn issue(key: &Published<'_>, terms: &Terms, session: &Session, now: Moment) -> AccessToken {
    let until = now.after(ACCESS_TTL).min(session.expires_at).min(key.until());
    let exp = until.0.div_euclid(1_000);
    let header =
        Header { alg: ALGORITHM.to_owned(), kid: key.id().to_owned(), typ: KIND.to_owned() };
    let payload = Payload {
        iss: terms.issuer.clone(),
        aud: terms.audience.clone(),
        sub: session.account,
        sid: session.id,
        role: session.role.label().to_owned(),
        iat: now.0.div_euclid(1_000),
        exp,
    };
    let signed = format!("{}.{}", part(&header), part(&payload));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    AccessToken { text: format!("{signed}.{signature}"), expires_at: Moment(exp * 1_000) }
}

/// Reads a token.
///
/// # Errors
///
/// As [`TokenRefusal`] says. After an unknown key, the keys are to be read again, not too often.
pub fn read(
    text: &str,
    keys: &PublicKeys,
    terms: &Terms,
    now: Moment,
) -> Result<Claims, TokenRefusal> {
    if text.len() > ACCESS_BYTES_MAX {
        return Err(TokenRefusal::Malformed);
    }
    let (signed, signature) = text.rsplit_once('.').ok_or(TokenRefusal::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(TokenRefusal::Malformed)?;
    let header: Header = parsed(header)?;
    if header.alg != ALGORITHM || header.typ != KIND {
        return Err(TokenRefusal::Malformed);
    }
    if !keys.has(&header.kid) {
        return Err(TokenRefusal::UnknownKey);
    }
    let signature =
        BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenRefusal::Malformed)?;
    if !keys.verify(&header.kid, signed.as_bytes(), &signature) {
        return Err(TokenRefusal::Forged);
    }
    let payload: Payload = parsed(payload)?;
    if payload.iss != terms.issuer || payload.aud != terms.audience {
        return Err(TokenRefusal::Foreign);
    }
    let expires_at = Moment(payload.exp.saturating_mul(1_000));
    if expires_at <= now {
        return Err(TokenRefusal::Expired);
    }
    let role = Role::of(&payload.role).ok_or(TokenRefusal::Malformed)?;
    Ok(Claims { account: payload.sub, session: payload.sid, role, expires_at })
}

/// Who is signed in by a token: its session is on, of the account and in the role that the token says.
///
/// # Errors
///
/// As [`TokenRefusal`] says.
pub async fn authenticate(
    on: &impl ConnectionTrait,
    text: &str,
    keys: &PublicKeys,
    terms: &Terms,
    now: Moment,
) -> Result<Session, Failure<TokenRefusal>> {
    let claims = read(text, keys, terms, now).map_err(Failure::Refused)?;
    let session = session::find(on, claims.session).await?.filter(|session| {
        session.is_on(now) && session.account == claims.account && session.role == claims.role
    });
    session.ok_or(Failure::Refused(TokenRefusal::SessionOver))
}

fn part(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value);
    let json = json.unwrap_or_else(|error| unreachable!("a part of a token: {error}"));
    BASE64_URL_SAFE_NO_PAD.encode(json)
}

fn parsed<T: DeserializeOwned>(part: &str) -> Result<T, TokenRefusal> {
    let json = BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenRefusal::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| TokenRefusal::Malformed)
}
