//! What differs between the providers.

use base::moment::Moment;
use hyper::StatusCode;
use serde_json::{Value, json};

use super::grant::{ACCESS_TTL, Grant};
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

/// Kakao's scopes for the name and the address.
const KAKAO_NAME: &str = "profile_nickname";
const KAKAO_EMAIL: &str = "account_email";

/// Where things stand below the double's URL.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) authorise: &'static str,
    pub(super) token: &'static str,
    pub(super) keys: &'static str,
    /// As `OpenID` Connect has it.
    pub(super) userinfo: &'static str,
    /// In the provider's own form.
    pub(super) profile: Option<&'static str>,
}

impl Brand {
    pub(super) const fn paths(self) -> Paths {
        match self {
            Self::Kakao => Paths {
                authorise: "/oauth/authorize",
                token: "/oauth/token",
                keys: "/.well-known/jwks.json",
                userinfo: "/v1/oidc/userinfo",
                profile: Some("/v2/user/me"),
            },
            Self::Google => Paths {
                authorise: "/o/oauth2/v2/auth",
                token: "/token",
                keys: "/oauth2/v3/certs",
                userinfo: "/v1/userinfo",
                profile: None,
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
        let ways = ["client_secret_post", "client_secret_basic"];
        let ways = if self.takes_basic() { &ways[..] } else { &ways[..1] };
        json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}{}", paths.authorise),
            "token_endpoint": format!("{url}{}", paths.token),
            "jwks_uri": format!("{url}{}", paths.keys),
            "userinfo_endpoint": format!("{url}{}", paths.userinfo),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ways,
            "code_challenge_methods_supported": ["S256"],
        })
    }

    /// Whether a client may prove itself by HTTP Basic authentication.
    pub(super) const fn takes_basic(self) -> bool {
        matches!(self, Self::Google)
    }

    /// The claims of an id token.
    pub(super) fn claims(self, url: &str, client: &str, grant: &Grant, now: Moment) -> Value {
        let seconds = now.0 / 1_000;
        let mut claims = self.userinfo(grant);
        for (name, value) in [
            ("iss", json!(url)),
            ("aud", json!(client)),
            ("iat", json!(seconds)),
            ("auth_time", json!(seconds)),
            ("exp", json!(now.after(ACCESS_TTL).0 / 1_000)),
        ] {
            claims[name] = value;
        }
        if let Some(nonce) = grant.nonce() {
            claims["nonce"] = json!(nonce);
        }
        if let (Self::Kakao, Some(fields)) = (self, claims.as_object_mut()) {
            // Kakao says this elsewhere only.
            fields.remove("email_verified");
        }
        claims
    }

    /// The claims about a person that the scopes allow.
    pub(super) fn userinfo(self, grant: &Grant) -> Value {
        let person = grant.person();
        let mut claims = json!({ "sub": person.subject });
        let (name_scope, email_scope, name) = match self {
            Self::Kakao => (KAKAO_NAME, KAKAO_EMAIL, "nickname"),
            Self::Google => ("profile", "email", "name"),
        };
        if grant.asks_for(name_scope) {
            claims[name] = json!(person.name);
        }
        if let Some((email, is_verified)) =
            person.email.as_ref().filter(|_| grant.asks_for(email_scope))
        {
            claims["email"] = json!(email);
            claims["email_verified"] = json!(is_verified);
            if let (Self::Google, Some(host)) = (self, hosted(email)) {
                claims["hd"] = json!(host);
            }
        }
        claims
    }

    /// Kakao's own form of the same.
    pub(super) fn profile(grant: &Grant) -> Value {
        let person = grant.person();
        let mut account = json!({});
        if grant.asks_for(KAKAO_NAME) {
            account["profile_nickname_needs_agreement"] = json!(false);
            account["profile"] = json!({ "nickname": person.name });
        }
        if grant.asks_for(KAKAO_EMAIL) {
            let email = person.email.as_ref();
            account["has_email"] = json!(email.is_some());
            account["email_needs_agreement"] = json!(email.is_none());
            if let Some((email, is_verified)) = email {
                account["is_email_valid"] = json!(true);
                account["is_email_verified"] = json!(is_verified);
                account["email"] = json!(email);
            }
        }
        // Kakao's id is a number; the id token has it as a text.
        let id = person.subject.parse::<i64>().unwrap_or_default();
        json!({ "id": id, "kakao_account": account })
    }

    pub(super) fn unauthorised(self) -> Reply {
        let body = match self {
            Self::Kakao => json!({ "code": -401, "msg": "this access token does not exist" }),
            Self::Google => json!({ "error": "invalid_token" }),
        };
        server::json(StatusCode::UNAUTHORIZED, &body)
    }
}

/// The organisation of an address, as far as Google hosts it: all those whose names are for examples.
fn hosted(email: &str) -> Option<&str> {
    let (_, host) = email.rsplit_once('@')?;
    (host == "example.com" || host.ends_with(".example")).then_some(host)
}
