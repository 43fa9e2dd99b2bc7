//! What differs between the providers.

use base::moment::Moment;
use hyper::StatusCode;
use serde_json::{Value, json};

use super::{
    grant::{ACCESS_TTL, Grant},
    person::Person,
};
use crate::{
    page::Language,
    server::{self, Reply},
};

/// Whom the double plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brand {
    /// `kauth.kakao.com`, with the profile of `kapi.kakao.com`.
    Kakao,
    /// `accounts.google.com`, with tokens, keys and profile of `googleapis.com`.
    Google,
}

/// Where things stand below the double's URL.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) authorise: &'static str,
    pub(super) token: &'static str,
    pub(super) keys: &'static str,
    pub(super) profile: &'static str,
}

impl Brand {
    pub(super) const fn paths(self) -> Paths {
        match self {
            Self::Kakao => Paths {
                authorise: "/oauth/authorize",
                token: "/oauth/token",
                keys: "/.well-known/jwks.json",
                profile: "/v2/user/me",
            },
            Self::Google => Paths {
                authorise: "/o/oauth2/v2/auth",
                token: "/token",
                keys: "/oauth2/v3/certs",
                profile: "/v1/userinfo",
            },
        }
    }

    pub(super) const fn title(self, language: Language) -> &'static str {
        match self {
            Self::Kakao => language.say("카카오 로그인 (시험용)", "Kakao sign-in (double)"),
            Self::Google => language.say("Google 로그인 (시험용)", "Google sign-in (double)"),
        }
    }

    pub(super) fn discovery(self, url: &str) -> Value {
        let paths = self.paths();
        json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}{}", paths.authorise),
            "token_endpoint": format!("{url}{}", paths.token),
            "jwks_uri": format!("{url}{}", paths.keys),
            "userinfo_endpoint": format!("{url}{}", paths.profile),
            "response_types_supported": ["code"],
            "subject_types_supported": [match self { Self::Kakao => "pairwise", Self::Google => "public" }],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
        })
    }

    /// The claims of an id token.
    pub(super) fn claims(
        self,
        url: &str,
        client: &str,
        person: &Person,
        grant: &Grant,
        now: Moment,
    ) -> Value {
        let seconds = now.0 / 1_000;
        let mut claims = json!({
            "iss": url, "aud": client, "sub": person.subject,
            "iat": seconds, "auth_time": seconds,
            "exp": now.after(ACCESS_TTL).0 / 1_000,
        });
        if let Some(nonce) = grant.nonce() {
            claims["nonce"] = json!(nonce);
        }
        let (name_scope, email_scope, name) = match self {
            Self::Kakao => ("profile_nickname", "account_email", "nickname"),
            Self::Google => ("profile", "email", "name"),
        };
        if grant.asks_for(name_scope) {
            claims[name] = json!(person.name);
        }
        if let Some((email, is_verified)) =
            person.email.as_ref().filter(|_| grant.asks_for(email_scope))
        {
            claims["email"] = json!(email);
            if self == Self::Google {
                claims["email_verified"] = json!(is_verified);
            }
        }
        claims
    }

    pub(super) fn profile(self, person: &Person) -> Value {
        let email = person.email.as_ref();
        match self {
            Self::Kakao => json!({
                // Kakao's id is a number; the id token has it as a text.
                "id": person.subject.parse::<i64>().unwrap_or_default(),
                "kakao_account": {
                    "profile_nickname_needs_agreement": false,
                    "profile": { "nickname": person.name },
                    "has_email": email.is_some(),
                    "email_needs_agreement": email.is_none(),
                    "is_email_valid": email.is_some(),
                    "is_email_verified": email.is_some_and(|(_, is_verified)| *is_verified),
                    "email": email.map(|(email, _)| email),
                },
            }),
            Self::Google => json!({
                "sub": person.subject,
                "name": person.name,
                "email": email.map(|(email, _)| email),
                "email_verified": email.is_some_and(|(_, is_verified)| *is_verified),
            }),
        }
    }

    pub(super) fn unauthorised(self) -> Reply {
        let body = match self {
            Self::Kakao => json!({ "code": -401, "msg": "this access token does not exist" }),
            Self::Google => json!({ "error": "invalid_token" }),
        };
        server::json(StatusCode::UNAUTHORIZED, &body)
    }
}
