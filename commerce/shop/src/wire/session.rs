//! Sessions and their tokens on the wire.

use identity::{
    ids::SessionId,
    session::{Role, Session},
};
use serde::Serialize;
use web::fields::Fields;

use super::{read, time};
use crate::{browser::Tokens, input::Object};

/// The tokens of a session. No answer with this is kept.
#[derive(Serialize)]
pub(crate) struct TokensObject {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    refresh_token: String,
    account: String,
    session: String,
    role: &'static str,
}

impl std::fmt::Debug for TokensObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokensObject").field("session", &self.session).finish_non_exhaustive()
    }
}

impl TokensObject {
    pub(crate) fn of(tokens: Tokens, session: &Session, now: base::moment::Moment) -> Self {
        Self {
            expires_in: tokens.access.expires_at.since(now).as_secs(),
            access_token: tokens.access.text,
            token_type: "Bearer",
            refresh_token: tokens.refresh,
            account: session.account.to_string(),
            session: session.id.to_string(),
            role: session.role.label(),
        }
    }
}

/// Where somebody is signed in.
#[derive(Debug, Serialize)]
pub(crate) struct SessionObject {
    session: String,
    role: &'static str,
    device: String,
    current: bool,
    opened_at: String,
    refreshed_at: String,
    expires_at: String,
}

impl SessionObject {
    /// A session; `here` is the one that asks.
    pub(crate) fn of(session: &Session, here: Option<SessionId>) -> Self {
        Self {
            session: session.id.to_string(),
            role: session.role.label(),
            device: session.device.clone(),
            current: here == Some(session.id),
            opened_at: time(session.opened_at),
            refreshed_at: time(session.refreshed_at),
            expires_at: time(session.expires_at),
        }
    }
}

/// The roles by their names.
pub(crate) const ROLES: [(&str, Role); 3] =
    [("shopper", Role::Shopper), ("business", Role::Business), ("operator", Role::Operator)];

/// `POST /v1/sessions`.
pub(crate) struct SignInRequest {
    pub(crate) email: String,
    pub(crate) password: String,
    /// As what; without it as whatever the account is beside a shopper.
    pub(crate) role: Option<Role>,
}

impl std::fmt::Debug for SignInRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignInRequest(…)")
    }
}

impl Object for SignInRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let email = read::text(fields, "email");
        let password = read::secret(fields, "password");
        let role = fields.word("role", &ROLES);
        Some(Self { email: email?, password: password?, role })
    }
}

/// `POST /v1/sessions/refresh`.
pub(crate) struct RefreshRequest {
    pub(crate) refresh_token: String,
}

impl std::fmt::Debug for RefreshRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshRequest(…)")
    }
}

impl Object for RefreshRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        Some(Self { refresh_token: read::secret(fields, "refresh_token")? })
    }
}
