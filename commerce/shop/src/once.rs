//! Writes whose answer is kept for their `Idempotency-Key`.
//!
//! Never one with a secret in it: the kept answer would hold it.

use axum::{
    body::Body,
    http::{
        HeaderName, Response, StatusCode,
        header::{HeaderValue, LOCATION},
    },
};
use bytes::Bytes;
use serde::Serialize;
use store::{
    Failure, Tx,
    kept::{Answer, Once, Request},
};
use web::respond::{self, Cache, JSON};

use crate::{input::Json, refusal::Refusal, visit::Visit};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// An answer that can be kept: what was made, and where it is.
pub(crate) fn made(location: String, value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).unwrap_or_default();
    Answer { status: 201, location: Some(location), body }
}

/// What a request was answered before, if it was: for one whose work begins outside of the write.
pub(crate) async fn known<T>(
    visit: &Visit,
    principal: &(impl ToString + ?Sized),
    route: &'static str,
    input: &Json<T>,
) -> Result<Option<Response<Body>>, Refusal> {
    let Some(key) = key(visit)? else { return Ok(None) };
    let request = Request::new(principal, route, key, asked(visit.path(), input.digest));
    let request = request.ok_or_else(bad_key)?;
    match visit.db()?.known(&request).await? {
        None => Ok(None),
        Some(Once::Done(done) | Once::Replayed(done)) => Ok(Some(respond::replayed(answer(done)))),
        Some(Once::Mismatch) => Err(Refusal::IdempotencyMismatch),
    }
}

/// Writes, once for each key of a principal, and answers.
pub(crate) async fn write<T, F>(
    visit: &Visit,
    principal: &(impl ToString + ?Sized),
    route: &'static str,
    input: &Json<T>,
    work: F,
) -> Result<Response<Body>, Refusal>
where
    F: AsyncFnOnce(&Tx) -> Result<Answer, Failure<Refusal>> + Clone,
{
    let db = visit.db()?;
    let Some(key) = key(visit)? else { return Ok(answer(db.write(work).await?)) };
    let request = Request::new(principal, route, key, asked(visit.path(), input.digest));
    let request = request.ok_or_else(bad_key)?;
    match db.once(&request, work).await? {
        Once::Done(done) => Ok(answer(done)),
        Once::Replayed(done) => Ok(respond::replayed(answer(done))),
        Once::Mismatch => Err(Refusal::IdempotencyMismatch),
    }
}

/// A hash of all that was asked: where, and with which body. The same body for something else is another
/// request.
fn asked(path: &str, body: [u8; 32]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&body).update(path.as_bytes());
    *hasher.finalize().as_bytes()
}

/// The key of a request, if it has exactly one.
fn key(visit: &Visit) -> Result<Option<&str>, Refusal> {
    let mut all = visit.headers().get_all(IDEMPOTENCY_KEY).iter();
    let Some(first) = all.next() else { return Ok(None) };
    let text = first.to_str().ok().filter(|_| all.next().is_none());
    text.map(Some).ok_or_else(bad_key)
}

fn bad_key() -> Refusal {
    Refusal::field(
        "Idempotency-Key",
        "idempotency_key_invalid",
        "Idempotency-Key는 1자에서 128자까지의 ASCII 문자여야 합니다.",
        "one Idempotency-Key header of 1 to 128 visible ASCII characters",
    )
}

fn answer(kept: Answer) -> Response<Body> {
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let mut response = respond::bytes(status, JSON, Cache::NoStore, Bytes::from(kept.body));
    let location = kept.location.and_then(|location| HeaderValue::from_str(&location).ok());
    if let Some(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_body_for_something_else_is_another_request() {
        let (one, two) = ("/v1/orders/a/refunds", "/v1/orders/b/refunds");
        assert_eq!(asked(one, [7; 32]), asked(one, [7; 32]));
        assert_ne!(asked(one, [7; 32]), asked(two, [7; 32]));
        assert_ne!(asked(one, [7; 32]), asked(one, [8; 32]));
    }
}
