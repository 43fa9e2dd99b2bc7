//! The section of the shop's own tokens: whose they are, and where their keys come from.

use std::path::PathBuf;

use outbound::Trust;

use super::kinds::{FromText, Span, Text, Whole, text};
use super::section::section;
use crate::accounts::{AccountOptions, Algorithm, Keys};
use crate::wire::Problems;

/// A day, the longest that anything here may last but the last good set.
const DAY: u64 = 86_400;
/// Names that one token may be meant for.
const AUDIENCES_MAX: usize = 16;

section! {
    /// The shop's own tokens, for sales with `identity = "jwt"`; the first three are needed then.
    Jwt = "jwt" {
        /// the key set.
        /// See [tokens of the shop](#tokens-of-the-shop)
        jwks ("\"https://shop.example/.well-known/jwks.json\""): Option<Text<Place>> = None,
        /// who signs the tokens
        issuer ("\"https://shop.example\""): Option<Text<Issuer>> = None,
        /// whom the tokens are for
        audience ("\"rushgate\""): Option<Vec<Text<Audience>>> = None,
        /// how tokens may be signed
        algorithms: Vec<Text<Algorithm>> = Algorithm::ALL.map(Text).to_vec(),
        /// the authorities that its server's certificate may come from, PEM.
        /// For an `https://` URL
        tls_ca ("\"/etc/rushgate/ca.crt\"", "those the system trusts"): Option<Text<PathBuf>> = None,
        /// seconds after which a set from a URL is read again.
        /// Sooner if its server says so by `max-age`
        fresh_seconds: Whole<1, DAY> = Whole::of(300),
        /// seconds for which the last good set is used while it cannot be read.
        /// At least `fresh_seconds`
        stale_seconds: Whole<1, { 30 * DAY }> = Whole::of(DAY),
        /// how long one fetch may take
        timeout_ms: Span<100, 600_000> = Span::of_ms(2_000),
        /// `exp` may be so many seconds ahead; revoked sessions are remembered for so long
        life_max_seconds: Whole<60, { 30 * DAY }> = Whole::of(DAY),
        /// revoked sessions, one `sid` a line
        revoked_file ("\"/etc/rushgate/revoked\""): Option<Text<PathBuf>> = None,
        /// where the shop's pages keep the token, for the room page
        cookie ("\"__Host-session\""): Option<Text<CookieName>> = None,
    }
}

impl Jwt {
    /// Whose tokens are believed; nothing where the section is absent.
    pub fn options(&self) -> Option<AccountOptions> {
        let seconds = |seconds: u64| std::time::Duration::from_secs(seconds);
        Some(AccountOptions {
            keys: Keys::At(self.jwks.as_ref()?.get().0.clone()),
            issuer: self.issuer.as_ref()?.get().0.clone(),
            audience: self.audience.as_ref()?.iter().map(|name| name.get().0.clone()).collect(),
            algorithms: self.algorithms.iter().map(|algorithm| algorithm.0).collect(),
            fresh_max: seconds(self.fresh_seconds.get()),
            stale_max: seconds(self.stale_seconds.get()),
            deadline: self.timeout_ms.get(),
            life_max: seconds(self.life_max_seconds.get()),
            revoked: self.revoked_file.as_ref().map(|path| path.0.clone()),
            cookie: self.cookie.as_ref().map(|name| name.get().0.clone()),
            trust: self.tls_ca.as_ref().map_or(Trust::System, |path| Trust::File(path.0.clone())),
        })
    }

    /// What concerns several keys. Whoever says anything of tokens has to say whose are believed. That the others
    /// stand as the example has them says nothing.
    pub(super) fn check(&self, problems: &mut Problems) {
        let given = [
            ("jwks", self.jwks.is_some()),
            ("issuer", self.issuer.is_some()),
            ("audience", self.audience.is_some()),
            ("tls_ca", self.tls_ca.is_some()),
            ("revoked_file", self.revoked_file.is_some()),
            ("cookie", self.cookie.is_some()),
        ];
        // What was given and is wrong was given all the same.
        let some = given
            .iter()
            .any(|(key, is_right)| *is_right || problems.concern(&format!("jwt.{key}")));
        let mut needs = |key: &str, allowed: &str, is_missing: bool| {
            let field = format!("jwt.{key}");
            if some && is_missing && !problems.concern(&field) {
                problems.note(field, "nothing", allowed);
            }
        };
        needs("jwks", Place::ALLOWED, self.jwks.is_none());
        needs("issuer", Issuer::ALLOWED, self.issuer.is_none());
        needs("audience", AUDIENCE, self.audience.is_none());
        if self.tls_ca.is_some() && self.jwks.as_ref().is_some_and(|jwks| !jwks.0.is_https()) {
            problems.note("jwt.tls_ca", "a file", "only with an https:// URL in jwks");
        }
        let names = self.audience.as_ref().map_or(1, Vec::len);
        if !(1..=AUDIENCES_MAX).contains(&names) {
            problems.note("jwt.audience", format!("{names} names"), AUDIENCE);
        }
        if self.algorithms.is_empty() {
            problems.note("jwt.algorithms", "an empty list", Algorithm::ALLOWED);
        }
        let fresh = self.fresh_seconds.get();
        if self.stale_seconds.get() < fresh {
            let allowed = format!("at least fresh_seconds, which is {fresh}");
            problems.note("jwt.stale_seconds", self.stale_seconds.get().to_string(), allowed);
        }
    }
}

const AUDIENCE: &str = "a name or a list of up to 16, of which aud must have one";

text! {
    /// Where the key set is.
    Place, "an http:// or https:// URL, or the path of a file",
    |text| !text.is_empty() && (!text.contains("://") || outbound::parse(text).is_some())
}

impl Place {
    fn is_https(&self) -> bool {
        outbound::parse(&self.0).is_some_and(|url| url.scheme_str() == Some("https"))
    }
}

text! {
    /// Who signs the tokens.
    Issuer, "the iss of the shop's tokens, not the `rushgate` of passes",
    |text| !text.is_empty() && text != crate::token::ISSUER
}

text! {
    /// Whom the tokens are meant for.
    Audience, AUDIENCE, |text| !text.is_empty()
}

text! {
    /// The name of a cookie.
    CookieName, "1 to 128 letters, digits, _ or -",
    |text| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        (1..=128).contains(&text.len()) && text.bytes().all(allowed)
    }
}

impl FromText for Algorithm {
    const ALLOWED: &'static str = "a list of EdDSA, ES256 and RS256, with at least one";

    fn from_text(text: &str) -> Option<Self> {
        Self::of(text)
    }

    fn to_text(&self) -> String {
        self.name().to_owned()
    }
}
