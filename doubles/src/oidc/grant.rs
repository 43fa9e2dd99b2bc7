//! What a browser brings, and what a code is good for.

use std::time::Duration;

use base::moment::Moment;
use hyper::StatusCode;
use serde_json::json;

use super::person::{ClientOptions, Person};
use crate::{
    server::{self, Reply},
    signer,
};

/// How long a code is good.
const CODE_TTL: Duration = Duration::from_mins(10);

/// How long an access token is good.
pub(super) const ACCESS_TTL: Duration = Duration::from_hours(6);

/// What the shop asks for when it sends the browser.
#[derive(Debug)]
pub(super) struct Request {
    redirect: String,
    state: Option<String>,
    nonce: Option<String>,
    challenge: Option<String>,
    scope: String,
}

impl Request {
    /// Reads a query; says in plain words what is wrong with it.
    pub(super) fn of(query: &str, client: &ClientOptions) -> Result<Self, String> {
        let get = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let need = |name: &str| get(name).ok_or_else(|| format!("{name} is missing"));
        if need("client_id")? != client.id {
            return Err("client_id is unknown".to_owned());
        }
        let redirect = need("redirect_uri")?;
        if !client.takes(&redirect) {
            return Err("redirect_uri is not registered".to_owned());
        }
        if need("response_type")? != "code" {
            return Err("response_type is not code".to_owned());
        }
        let challenge = get("code_challenge");
        if challenge.is_some() && get("code_challenge_method").as_deref() != Some("S256") {
            return Err("code_challenge_method is not S256".to_owned());
        }
        let scope = get("scope").unwrap_or_default();
        let (state, nonce) = (get("state"), get("nonce"));
        Ok(Self { redirect, state, nonce, challenge, scope })
    }

    /// The shop's address with a pair and the shop's own state.
    pub(super) fn back(&self, name: &str, value: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair(name, value);
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        let mark = if self.redirect.contains('?') { '&' } else { '?' };
        format!("{}{mark}{}", self.redirect, query.finish())
    }
}

/// What a code stands for.
#[derive(Debug)]
pub(super) struct Grant {
    person: Person,
    redirect: String,
    challenge: Option<String>,
    nonce: Option<String>,
    scope: String,
    made: Moment,
}

impl Grant {
    pub(super) fn new(request: &Request, person: Person, now: Moment) -> Self {
        Self {
            person,
            redirect: request.redirect.clone(),
            challenge: request.challenge.clone(),
            nonce: request.nonce.clone(),
            scope: request.scope.clone(),
            made: now,
        }
    }

    pub(super) fn redeem(
        &self,
        redirect: &str,
        verifier: &str,
        now: Moment,
    ) -> Result<(), Refusal> {
        let is_proved =
            self.challenge.as_ref().is_none_or(|sent| *sent == signer::sha256_url(verifier));
        if redirect != self.redirect || !is_proved || now.since(self.made) >= CODE_TTL {
            return Err(Refusal::GRANT);
        }
        Ok(())
    }

    pub(super) const fn person(&self) -> &Person {
        &self.person
    }

    pub(super) fn scope(&self) -> &str {
        &self.scope
    }

    pub(super) fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// Whether the shop asked to know this.
    pub(super) fn asks_for(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|asked| asked == scope)
    }
}

/// An error of the token endpoint (RFC 6749, 5.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal(StatusCode, &'static str, &'static str);

impl Refusal {
    pub(super) const CLIENT: Self =
        Self(StatusCode::UNAUTHORIZED, "invalid_client", "unknown client or wrong secret");
    pub(super) const TYPE: Self =
        Self(StatusCode::BAD_REQUEST, "unsupported_grant_type", "only authorization_code");
    pub(super) const GRANT: Self = Self(
        StatusCode::BAD_REQUEST,
        "invalid_grant",
        "the code is unknown, used, late or not yours",
    );

    pub(super) fn reply(self) -> Reply {
        let Self(status, error, words) = self;
        server::json(status, &json!({ "error": error, "error_description": words }))
    }
}
