//! The section of the shop's own tokens: whose they are, and where their keys come from.

use std::path::PathBuf;
use std::time::Duration;

use super::options::TIMEOUT_MS_MAX;
use crate::accounts::{AccountOptions, Algorithm};
use crate::outbound::{self, Trust};
use crate::wire::{Fields, Node};

const JWKS: &str = "an http:// or https:// URL, or the path of a file";
const ISSUER: &str = "the iss of the shop's tokens, not the `rushgate` of passes";
const AUDIENCE: &str = "a name or a list of up to 16, of which aud must have one";
const ALGORITHMS: &str = "a list of EdDSA, ES256 and RS256, with at least one";
const COOKIE: &str = "1 to 128 letters, digits, _ or -";

/// A day, the longest that anything here may last but the last good set.
const DAY_SECONDS: u64 = 86_400;
/// Names that one token may be meant for.
const AUDIENCES_MAX: usize = 16;

/// Reads the section; nothing where it is absent.
pub(super) fn read(mut fields: Fields<'_, '_>) -> Option<AccountOptions> {
    let is_there = !fields.is_empty();
    let jwks = fields.text("jwks", JWKS, |text| {
        let is_url = text.contains("://");
        let fits = !text.is_empty() && (!is_url || outbound::parse(text).is_some());
        fits.then(|| text.to_owned())
    });
    let issuer = fields.text("issuer", ISSUER, |text| {
        let fits = !text.is_empty() && text != crate::token::ISSUER;
        fits.then(|| text.to_owned())
    });
    let audience = fields.texts("audience", AUDIENCE).filter(|names| {
        let fits = (1..=AUDIENCES_MAX).contains(&names.len());
        if !fits {
            fields.note("audience", format!("{} names", names.len()), AUDIENCE);
        }
        fits
    });
    let algorithms = read_algorithms(&mut fields);
    let fresh = fields.integer("fresh_seconds", 1..=DAY_SECONDS).unwrap_or(300);
    let stale = fields.integer("stale_seconds", 1..=30 * DAY_SECONDS).unwrap_or(DAY_SECONDS);
    if stale < fresh {
        let allowed = format!("at least fresh_seconds, which is {fresh}");
        fields.note("stale_seconds", stale.to_string(), allowed);
    }
    let timeout_ms = fields.integer("timeout_ms", 100..=TIMEOUT_MS_MAX).unwrap_or(2_000);
    let life = fields.integer("life_max_seconds", 60..=30 * DAY_SECONDS).unwrap_or(DAY_SECONDS);
    let path = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
    let revoked = fields.text("revoked_file", "a path", path);
    let cookie = fields.text("cookie", COOKIE, |text| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        let fits = (1..=128).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| text.to_owned())
    });
    if is_there {
        fields.required("jwks", JWKS, jwks.as_ref());
        fields.required("issuer", ISSUER, issuer.as_ref());
        fields.required("audience", AUDIENCE, audience.as_ref());
    }
    fields.finish();
    Some(AccountOptions {
        jwks: jwks?,
        issuer: issuer?,
        audience: audience?,
        algorithms,
        fresh_max: Duration::from_secs(fresh),
        stale_max: Duration::from_secs(stale),
        deadline: Duration::from_millis(timeout_ms),
        life_max: Duration::from_secs(life),
        revoked,
        cookie,
        trust: Trust::System,
    })
}

/// The algorithms that may be used; all of them unless the operator says otherwise.
fn read_algorithms(fields: &mut Fields<'_, '_>) -> Vec<Algorithm> {
    const KEY: &str = "algorithms";
    let Some(names) = fields.texts(KEY, ALGORITHMS) else { return Algorithm::ALL.to_vec() };
    if names.is_empty() {
        fields.note(KEY, "an empty list", ALGORITHMS);
    }
    let mut algorithms = Vec::new();
    for name in names {
        match Algorithm::of(&name) {
            Some(algorithm) => algorithms.push(algorithm),
            None => fields.note(KEY, Node::Text(name).shown(), ALGORITHMS),
        }
    }
    algorithms
}
