//! The service account that sends: its file, as Google's console gives it, and what it signs.

use std::fmt;

use base::moment::Moment;
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde::Deserialize;
use serde_json::json;

use crate::limits::{PUSH_ASSERTION_TTL, SERVICE_ACCOUNT_BYTES_MAX};

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// A service account. Clones are the same one.
#[derive(Clone)]
pub struct ServiceAccount(std::sync::Arc<Inner>);

struct Inner {
    project: String,
    email: String,
    token_uri: String,
    pair: RsaKeyPair,
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount").field("project", &self.0.project).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct File {
    project_id: String,
    client_email: String,
    private_key: String,
    token_uri: String,
}

/// Why a file is no service account. Nothing of the file is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountError {
    /// It is no JSON object with the four members.
    NoFile,
    /// Its `private_key` is no RSA key in PEM text.
    NoKey,
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoFile => {
                "the service account is no JSON object with `project_id`, `client_email`, \
                 `private_key` and `token_uri`, as Google's console gives it"
            }
            Self::NoKey => {
                "the service account's `private_key` is damaged or of another kind: allowed is RSA \
                 in PEM text (PKCS #8)"
            }
        })
    }
}

impl std::error::Error for AccountError {}

impl ServiceAccount {
    /// Reads the file's text.
    ///
    /// # Errors
    ///
    /// As [`AccountError`] says.
    pub fn parse(text: &str) -> Result<Self, AccountError> {
        if text.len() > SERVICE_ACCOUNT_BYTES_MAX {
            return Err(AccountError::NoFile);
        }
        let file: File = serde_json::from_str(text).map_err(|_| AccountError::NoFile)?;
        let body = file.private_key.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
        let body: String = body.ok_or(AccountError::NoKey)?.0.split_whitespace().collect();
        let der = BASE64_STANDARD.decode(body).map_err(|_| AccountError::NoKey)?;
        let pair = RsaKeyPair::from_pkcs8(&der).map_err(|_| AccountError::NoKey)?;
        let File { project_id: project, client_email: email, token_uri, .. } = file;
        Ok(Self(std::sync::Arc::new(Inner { project, email, token_uri, pair })))
    }

    /// Whose devices it sends to.
    pub fn project(&self) -> &str {
        &self.0.project
    }

    /// Where it proves itself.
    pub(super) fn token_uri(&self) -> &str {
        &self.0.token_uri
    }

    /// What it proves itself with (RFC 7523): a token of claims, signed by RS256.
    pub(super) fn assertion(&self, now: Moment) -> Option<String> {
        let now = now.0 / 1_000;
        let lasts = i64::try_from(PUSH_ASSERTION_TTL.as_secs()).unwrap_or(i64::MAX);
        let header = json!({ "typ": "JWT", "alg": "RS256" });
        let claims = json!({
            "iss": self.0.email, "aud": self.0.token_uri, "scope": SCOPE,
            "iat": now, "exp": now.saturating_add(lasts),
        });
        let encode = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let mut signature = vec![0; self.0.pair.public().modulus_len()];
        let random = SystemRandom::new();
        self.0.pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).ok()?;
        Some(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_service_account_is_refused_without_being_shown() {
        let file = |key: &str| {
            json!({ "project_id": "p", "client_email": "e", "private_key": key, "token_uri": "t" })
                .to_string()
        };
        for text in ["", "[]", "{}", &"x".repeat(SERVICE_ACCOUNT_BYTES_MAX + 1)] {
            assert_eq!(ServiceAccount::parse(text).unwrap_err(), AccountError::NoFile);
        }
        let body = BASE64_STANDARD.encode("no key at all");
        for key in ["", "hush", BEGIN, &format!("{BEGIN}{body}{END}"), &format!("{BEGIN}한{END}")]
        {
            let refused = ServiceAccount::parse(&file(key)).unwrap_err();
            assert_eq!(refused, AccountError::NoKey, "{key}");
            assert!(!refused.to_string().contains("hush"));
        }
    }
}
