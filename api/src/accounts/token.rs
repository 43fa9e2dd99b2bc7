//! A token's parts: a compact JWS (RFC 7515) whose payload is a set of claims (RFC 7519).
//!
//! Owns the form alone. The header says which key to try; a key or an address of one that a token
//! brings along (`jwk`, `jku`, `x5u`) is not looked at, and a token with critical extensions (`crit`)
//! is refused, since none is understood. An issuer signs more than tokens of people by the same keys, such as
//! the logout tokens of `OpenID` Connect: those are told by their `typ` or their `events`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use super::Fault;

/// The longest token, in bytes; identity providers stay well below.
const TOKEN_BYTES_MAX: usize = 4_096;
/// What a token of a person may call itself, beside nothing (RFC 7519, 5.1; RFC 9068, 2.1).
const TYPES: [&str; 2] = ["jwt", "at+jwt"];
/// The longest account name, in bytes. `OpenID` Connect allows 255.
const SUBJECT_BYTES_MAX: usize = 256;

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(rename = "kid")]
    key_id: Option<String>,
    #[serde(rename = "typ")]
    kind: Option<String>,
    #[serde(rename = "crit")]
    critical: Option<Value>,
}

/// A token in its parts, not yet believed.
pub(super) struct Token<'t> {
    header: Header,
    /// Header and claims with the dot between them: what the signature is over.
    signed: &'t str,
    claims: &'t str,
    signature: Vec<u8>,
}

impl<'t> Token<'t> {
    /// Splits a token and reads its header.
    pub(super) fn split(text: &'t str) -> Result<Self, Fault> {
        if text.len() > TOKEN_BYTES_MAX {
            return Err(Fault::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Fault::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Fault::Malformed)?;
        let signature = decoded(signature)?;
        let header: Header = object(header)?;
        if header.critical.is_some() {
            return Err(Fault::Malformed);
        }
        if !header.kind.as_deref().is_none_or(is_type_of_people) {
            return Err(Fault::Type);
        }
        Ok(Self { header, signed, claims, signature })
    }

    /// How it says that it is signed.
    pub(super) fn algorithm(&self) -> &str {
        &self.header.alg
    }

    /// The key it says that it is signed with.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.header.key_id.as_deref()
    }

    pub(super) const fn signed(&self) -> &[u8] {
        self.signed.as_bytes()
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// What it says. To be asked once the signature is known to fit.
    pub(super) fn claims(&self) -> Result<Claims, Fault> {
        let raw: RawClaims = object(self.claims)?;
        let fits = |subject: &String| (1..=SUBJECT_BYTES_MAX).contains(&subject.len());
        Ok(Claims {
            issuer: raw.iss,
            subject: raw.sub.filter(fits),
            audience: raw.aud,
            expires: raw.exp.map(|at| whole_seconds(&at)).transpose()?,
            not_before: raw.nbf.map(|at| whole_seconds(&at)).transpose()?,
            session: raw.sid,
            is_of_events: raw.events.is_some(),
        })
    }
}

/// What a token claims, as far as it concerns us.
pub(super) struct Claims {
    pub(super) issuer: Option<String>,
    pub(super) subject: Option<String>,
    audience: Option<Audience>,
    /// Seconds since the Unix epoch.
    pub(super) expires: Option<u64>,
    /// Seconds since the Unix epoch.
    pub(super) not_before: Option<u64>,
    /// The sign-in that the token comes from.
    pub(super) session: Option<String>,
    /// It tells what happened (RFC 8417), such as a sign-out, and not who somebody is.
    pub(super) is_of_events: bool,
}

impl Claims {
    /// Whether it is meant for this audience.
    pub(super) fn is_for(&self, wanted: &str) -> bool {
        match &self.audience {
            Some(Audience::One(audience)) => audience == wanted,
            Some(Audience::Several(audiences)) => audiences.iter().any(|one| one == wanted),
            None => false,
        }
    }
}

#[derive(Deserialize)]
struct RawClaims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    exp: Option<Number>,
    nbf: Option<Number>,
    sid: Option<String>,
    events: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// A time of RFC 7519, which may have a fraction; rounded down.
fn whole_seconds(at: &Number) -> Result<u64, Fault> {
    let text = at.to_string();
    let whole = text.split_once('.').map_or(text.as_str(), |(whole, _)| whole);
    whole.parse().map_err(|_| Fault::Malformed)
}

fn is_type_of_people(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    TYPES.contains(&kind.strip_prefix("application/").unwrap_or(&kind))
}

fn decoded(part: &str) -> Result<Vec<u8>, Fault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Fault::Malformed)
}

/// The JSON object of a part; a name that is read and stands twice is refused.
fn object<T: DeserializeOwned>(part: &str) -> Result<T, Fault> {
    let json = decoded(part)?;
    // Serde would read a struct from a list as well.
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(Fault::Malformed);
    }
    serde_json::from_slice(&json).map_err(|_| Fault::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(json: &str) -> String {
        URL_SAFE_NO_PAD.encode(json)
    }

    fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.{}", part(header), part(claims), part("signature"))
    }

    #[test]
    fn a_token_is_three_parts_of_json_and_nothing_else() {
        let header = r#"{"alg":"EdDSA","kid":"a","typ":"JWT"}"#;
        let good = token(header, r#"{"sub":"anna","exp":1767225600.75}"#);
        let split = Token::split(&good).unwrap();
        assert_eq!((split.algorithm(), split.key_id()), ("EdDSA", Some("a")));
        let claims = split.claims().unwrap();
        assert_eq!(
            (claims.subject.as_deref(), claims.expires),
            (Some("anna"), Some(1_767_225_600))
        );
        for bad in [
            String::new(),
            "a.b".to_owned(),
            good.replace('.', "|"),
            format!("{good}="),
            format!("{good}.x"),
            format!("x{}", &good[1..]),
            token(r#"["EdDSA","a",null]"#, "{}"),
            token(r#"{"alg":"EdDSA","kid":"a","kid":"b"}"#, "{}"),
            token(r#"{"alg":"EdDSA","crit":["b64"],"b64":false}"#, "{}"),
            token(r#"{"kid":"a"}"#, "{}"),
            "x".repeat(TOKEN_BYTES_MAX + 1),
        ] {
            assert_eq!(Token::split(&bad).err(), Some(Fault::Malformed), "{bad}");
        }
        for claims in [
            r#"{"sub":"anna","sub":"bert"}"#,
            r#"{"exp":"soon"}"#,
            r#"{"exp":-1}"#,
            r#"{"exp":1e99}"#,
            r#"{"aud":7}"#,
            "[]",
            "null",
        ] {
            let token = token(header, claims);
            let refused = Token::split(&token).unwrap().claims();
            assert_eq!(refused.err(), Some(Fault::Malformed), "{claims}");
        }
    }

    #[test]
    fn what_else_an_issuer_signs_is_no_token_of_a_person() {
        let split = |header: &str| Token::split(&token(header, "{}")).map(|_| ());
        for kind in ["JWT", "jwt", "at+jwt", "application/at+JWT"] {
            assert_eq!(split(&format!(r#"{{"alg":"EdDSA","typ":"{kind}"}}"#)), Ok(()), "{kind}");
        }
        for kind in ["logout+jwt", "secevent+jwt", "dpop+jwt", ""] {
            let header = format!(r#"{{"alg":"EdDSA","typ":"{kind}"}}"#);
            assert_eq!(split(&header), Err(Fault::Type), "{kind}");
        }
        let of_events = |json: &str| {
            let token = token(r#"{"alg":"EdDSA"}"#, json);
            Token::split(&token).unwrap().claims().unwrap().is_of_events
        };
        let logout =
            r#"{"sub":"anna","events":{"http://schemas.openid.net/event/backchannel-logout":{}}}"#;
        assert!(of_events(logout) && !of_events(r#"{"sub":"anna"}"#));
    }

    #[test]
    fn an_account_has_a_name_of_some_length() {
        let subject = |json: &str| {
            let token = token(r#"{"alg":"EdDSA"}"#, json);
            Token::split(&token).unwrap().claims().unwrap().subject
        };
        assert_eq!(subject(r#"{"sub":""}"#), None);
        assert_eq!(subject(r#"{"sub":null}"#), None);
        assert_eq!(subject(&format!(r#"{{"sub":"{}"}}"#, "x".repeat(257))), None);
        assert!(subject(&format!(r#"{{"sub":"{}"}}"#, "x".repeat(256))).is_some());
    }
}
