//! Under what conditions an operator asks for a change: once for an `Idempotency-Key`, and only of the
//! version that `If-Match` names.

use engine::{
    command::Terms,
    id::Epoch,
    record::{Author, ReplayKey},
    sale::Version,
};
use hyper::{
    HeaderMap, Response,
    header::{ETAG, HeaderValue, IF_MATCH},
};

use super::super::authority;
use crate::{
    error::ApiError,
    server::Body,
    token::{Principal, Role},
};

/// Versions that one `If-Match` may name; those behind them do not count.
const VERSIONS_MAX: usize = 16;

/// The terms of a call; `call` names it and its sale, and `body` is what it came with.
pub(super) fn read(
    headers: &HeaderMap,
    author: &Author,
    call: &str,
    body: &[u8],
) -> Result<Terms, ApiError> {
    let (replay, versions) = (replay(headers, author, call, body)?, versions(headers));
    Ok(Terms { replay, versions, facts: None })
}

/// The idempotency key of a call, if one came. Each operator has keys of their own: what one of them did
/// is no answer to another.
pub(super) fn replay(
    headers: &HeaderMap,
    author: &Author,
    call: &str,
    body: &[u8],
) -> Result<Option<ReplayKey>, ApiError> {
    let key = authority::idempotency_key(headers)?;
    let principal = Principal::Key(Role::Operator);
    let route = format!("admin/{}/{call}", author.name);
    Ok(key.map(|key| authority::replay(principal, &route, key, body)))
}

/// The versions of `If-Match`; none when it is absent or takes any. What is no tag of ours, a weak one
/// included, matches nothing.
fn versions(headers: &HeaderMap) -> Option<Box<[Version]>> {
    if !headers.contains_key(IF_MATCH) {
        return None;
    }
    let lists = || headers.get_all(IF_MATCH).iter().filter_map(|list| list.to_str().ok());
    let tags = || lists().flat_map(|list| list.split(',')).map(str::trim);
    if tags().any(|tag| tag == "*") {
        return None;
    }
    Some(tags().filter_map(read_version).take(VERSIONS_MAX).collect())
}

fn read_version(tag: &str) -> Option<Version> {
    let (epoch, changes) = tag.strip_prefix('"')?.strip_suffix('"')?.split_once('-')?;
    let version = Version { epoch: Epoch(epoch.parse().ok()?), changes: changes.parse().ok()? };
    (write_version(version) == tag).then_some(version)
}

/// A version as an `ETag`.
pub(in crate::handlers) fn write_version(version: Version) -> String {
    format!("\"{}-{}\"", version.epoch.0, version.changes)
}

/// The response with the version of the sale it tells of.
pub(super) fn with_version(mut response: Response<Body>, version: Version) -> Response<Body> {
    if let Ok(tag) = HeaderValue::from_str(&write_version(version)) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(values: &[&str]) -> Option<Vec<u64>> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_MATCH, HeaderValue::from_str(value).unwrap());
        }
        let changes = |version: &Version| version.changes;
        versions(&headers).map(|versions| versions.iter().map(changes).collect())
    }

    #[test]
    fn if_match_names_versions_and_what_is_no_tag_of_ours_matches_nothing() {
        assert_eq!(asked(&[]), None);
        assert_eq!(asked(&["*"]), None);
        assert_eq!(asked(&[r#""1-5""#]), Some(vec![5]));
        assert_eq!(asked(&[r#""1-5", "2-6""#, r#""1-7""#]), Some(vec![5, 6, 7]));
        for other in [r#"W/"1-5""#, "1-5", r#""1-05""#, r#""+1-5""#, r#""1""#, "", r#""x""#] {
            assert_eq!(asked(&[other]), Some(Vec::new()), "{other}");
        }
    }
}
