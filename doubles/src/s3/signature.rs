//! Presigned URLs (AWS Signature Version 4, query parameters).

use std::time::Duration;

use base::moment::Moment;
use hyper::StatusCode;
use jiff::{Timestamp, tz::TimeZone};
use ring::{digest, hmac};

use crate::{
    Asked,
    server::{Reply, bytes_of},
    token,
};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A week, the longest that a URL can be good.
const EXPIRES_MAX: u64 = 7 * 24 * 3_600;

/// How far ahead a signer's clock may be.
const AHEAD_MAX: Duration = Duration::from_mins(15);

/// Who may sign, and for which region.
#[derive(Clone, Debug)]
pub struct Account {
    /// The access key's id.
    pub key: String,
    /// The access key's secret.
    pub secret: String,
    /// The region in the scope of signatures.
    pub region: String,
}

/// An error as S3 tells it: a status, a code and words, in XML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(StatusCode, &'static str, &'static str);

impl Refusal {
    pub(super) const SLOW_DOWN: Self =
        Self(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.");
    pub(super) const NO_BUCKET: Self =
        Self(StatusCode::NOT_FOUND, "NoSuchBucket", "The specified bucket does not exist");
    pub(super) const NO_KEY: Self =
        Self(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.");
    const DENIED: Self = Self(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied");
    const EXPIRED: Self = Self(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired");
    const MALFORMED: Self = Self(
        StatusCode::BAD_REQUEST,
        "AuthorizationQueryParametersError",
        "The query parameters of the signature are malformed",
    );
    const KEY: Self = Self(
        StatusCode::FORBIDDEN,
        "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records.",
    );
    const MISMATCH: Self = Self(
        StatusCode::FORBIDDEN,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided.",
    );

    pub(super) fn reply(self) -> Reply {
        let Self(status, code, words) = self;
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{words}\
             </Message></Error>"
        );
        bytes_of(status, "application/xml", xml)
    }
}

/// Whether the request is the one that was signed, and not too late.
pub(super) fn check(asked: &Asked, account: &Account, now: Moment) -> Result<(), Refusal> {
    let get = |name: &str| asked.query_value(name).ok_or(Refusal::MALFORMED);
    if asked.query_value("X-Amz-Signature").is_none() {
        return Err(Refusal::DENIED);
    }
    let (date, credential) = (get("X-Amz-Date")?, get("X-Amz-Credential")?);
    let (signed_headers, signature) = (get("X-Amz-SignedHeaders")?, get("X-Amz-Signature")?);
    let expires: u64 = get("X-Amz-Expires")?.parse().map_err(|_| Refusal::MALFORMED)?;
    let scope = credential.strip_prefix(&format!("{}/", account.key)).ok_or(Refusal::KEY)?;
    let day = date.get(..8).ok_or(Refusal::MALFORMED)?;
    let is_scope = scope == format!("{day}/{}/s3/aws4_request", account.region);
    if get("X-Amz-Algorithm")? != ALGORITHM || !is_scope || expires > EXPIRES_MAX {
        return Err(Refusal::MALFORMED);
    }
    let since = moment(&date).ok_or(Refusal::MALFORMED)?;
    let is_early = since > now.after(AHEAD_MAX);
    if is_early || now.since(since) >= Duration::from_secs(expires) {
        return Err(Refusal::EXPIRED);
    }
    let canonical = canonical(asked, &signed_headers).ok_or(Refusal::MISMATCH)?;
    let hash = token::hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let text = format!("{ALGORITHM}\n{date}\n{scope}\n{hash}");
    let parts = [day, &account.region, "s3", "aws4_request", &text];
    let first = format!("AWS4{}", account.secret).into_bytes();
    let right = parts.iter().fold(first, |key, part| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        hmac::sign(&key, part.as_bytes()).as_ref().to_vec()
    });
    if token::hex(&right) == signature { Ok(()) } else { Err(Refusal::MISMATCH) }
}

/// The request in the one form in which it is signed. Nothing if a signed header is missing, or if the
/// host is not signed.
fn canonical(asked: &Asked, signed_headers: &str) -> Option<String> {
    let mut pairs: Vec<&str> = asked.query.split('&').filter(|pair| !pair.is_empty()).collect();
    pairs.retain(|pair| !pair.starts_with("X-Amz-Signature="));
    pairs.sort_unstable();
    let line = |name: &str| Some(format!("{name}:{}\n", asked.header(name)?.trim()));
    let headers: String = signed_headers.split(';').map(line).collect::<Option<_>>()?;
    if !signed_headers.split(';').any(|name| name == "host") {
        return None;
    }
    let (method, path, query) = (&asked.method, &asked.path, pairs.join("&"));
    Some(format!("{method}\n{path}\n{query}\n{headers}\n{signed_headers}\nUNSIGNED-PAYLOAD"))
}

/// `20240521T000000Z`.
fn moment(date: &str) -> Option<Moment> {
    let at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?;
    let at: Timestamp = at.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Moment(at.as_millisecond()))
}
