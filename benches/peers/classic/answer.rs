//! What the classic design says: the same statuses, headers and members as `rushgate serve`.
//!
//! Owns the bytes. Times are constants of the right length, so that no clock is read; a number is
//! written without formatting. What differs in value (an estimate that ours may give) differs in
//! length by no more than ours does from one poll to the next.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS},
};

use crate::ticket::Ticket;

/// A body in one piece.
pub(crate) type Body = Full<Bytes>;

/// Longer than any body but that of an admitted entry.
const BODY_BYTES: usize = 448;

const REQUEST_ID: &str = "0123abcd-1ffff";

/// What the client is told.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A place or a purchase.
    Object(StatusCode, Vec<u8>),
    /// No unit is left.
    SoldOut,
    /// No ticket, or not a valid one.
    Unauthorized,
    NotFound,
    /// Redis gave no answer.
    Unavailable,
}

/// Where a shopper stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) sale: &'a str,
    pub(crate) ticket: Ticket,
    /// People who entered before and are in the line still, let in or not.
    pub(crate) rank: u64,
    /// So many are let in.
    pub(crate) watermark: u64,
    pub(crate) line_length: u64,
}

impl Answer {
    /// The place object.
    pub(crate) fn position(place: &Place<'_>) -> Self {
        let mut body = Vec::with_capacity(BODY_BYTES);
        place.write(&mut body);
        body.push(b'}');
        Self::Object(StatusCode::OK, body)
    }

    /// The place object and the ticket.
    pub(crate) fn entry(place: &Place<'_>) -> Self {
        let mut body = Vec::with_capacity(BODY_BYTES);
        place.write(&mut body);
        text(&mut body, b",\"ticket\":\"", &place.ticket.text());
        body.extend_from_slice(b"\"}");
        let status = if place.is_admitted() { StatusCode::OK } else { StatusCode::ACCEPTED };
        Self::Object(status, body)
    }

    /// The purchase object of one unit, the `sold`th of this sale.
    pub(crate) fn purchase(sale: &str, ticket: Ticket, sold: u64) -> Self {
        let mut body = Vec::with_capacity(BODY_BYTES);
        integer(&mut body, b"{\"purchase\":\"p1-", sold);
        text(&mut body, b"\",\"sale\":\"", sale);
        // As long as the 32 hex digits of ours.
        body.extend_from_slice(b"\",\"shopper\":\"");
        body.extend_from_slice(ticket.member());
        body.extend_from_slice(
            b"AAAAAAAAAA\",\"state\":\"held\",\
              \"items\":[{\"sku\":\"unit\",\"quantity\":1,\"price\":100}],\
              \"amount\":100,\"currency\":\"EUR\",\
              \"expires_at\":\"2030-01-01T00:00:00.125Z\",\
              \"created_at\":\"2030-01-01T00:00:00.125Z\"}",
        );
        Self::Object(StatusCode::CREATED, body)
    }

    /// The response.
    pub(crate) fn respond(self) -> Response<Body> {
        const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
        let (status, content_type, body) = match self {
            Self::Object(status, body) => {
                (status, HeaderValue::from_static("application/json"), Bytes::from(body))
            }
            Self::SoldOut => (StatusCode::CONFLICT, PROBLEM, Bytes::from_static(SOLD_OUT)),
            Self::Unauthorized => {
                (StatusCode::UNAUTHORIZED, PROBLEM, Bytes::from_static(UNAUTHORIZED))
            }
            Self::NotFound => (StatusCode::NOT_FOUND, PROBLEM, Bytes::from_static(NOT_FOUND)),
            Self::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, PROBLEM, Bytes::from_static(UNAVAILABLE))
            }
        };
        let is_problem = content_type == PROBLEM;
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.reserve(5);
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if is_problem {
            let name = HeaderName::from_static("x-request-id");
            headers.insert(name, HeaderValue::from_static(REQUEST_ID));
        }
        response
    }
}

const SOLD_OUT: &[u8] = b"{\"type\":\"/docs#error-sold_out\",\"title\":\"not enough units left\",\
    \"status\":409,\"detail\":\"not enough units left\",\"code\":\"sold_out\",\
    \"request_id\":\"0123abcd-1ffff\"}";
const UNAUTHORIZED: &[u8] = b"{\"title\":\"no ticket of this line\",\"status\":401,\
    \"code\":\"ticket_invalid\",\"request_id\":\"0123abcd-1ffff\"}";
const NOT_FOUND: &[u8] = b"{\"title\":\"no such thing\",\"status\":404,\
    \"code\":\"not_found\",\"request_id\":\"0123abcd-1ffff\"}";
const UNAVAILABLE: &[u8] = b"{\"title\":\"redis gave no answer\",\"status\":503,\
    \"code\":\"arbiter_unavailable\",\"request_id\":\"0123abcd-1ffff\"}";

impl Place<'_> {
    fn is_admitted(&self) -> bool {
        self.rank < self.watermark
    }

    /// Everything but the ticket and the last brace.
    fn write(&self, body: &mut Vec<u8>) {
        let is_admitted = self.is_admitted();
        let ahead = self.rank.saturating_sub(self.watermark);
        text(body, b"{\"sale\":\"", self.sale);
        text(body, b"\",\"state\":\"", if is_admitted { "admitted" } else { "waiting" });
        integer(body, b"\",\"number\":", self.ticket.number);
        integer(body, b",\"position\":", if is_admitted { 0 } else { ahead + 1 });
        integer(body, b",\"ahead\":", ahead);
        integer(body, b",\"serving\":", self.watermark.min(self.line_length));
        integer(body, b",\"line_length\":", self.line_length.saturating_sub(self.watermark));
        body.extend_from_slice(
            b",\"eta_seconds\":null,\"poll_after_ms\":30000,\
              \"expires_at\":\"2030-01-01T00:00:00.125Z\",\"pass\":",
        );
        if is_admitted {
            text(body, b"\"", &self.ticket.pass());
            body.extend_from_slice(b"\",\"pass_expires_at\":\"2030-01-01T00:00:00.125Z\"");
        } else {
            body.extend_from_slice(b"null,\"pass_expires_at\":null");
        }
        body.extend_from_slice(b",\"message\":null");
    }
}

fn text(body: &mut Vec<u8>, before: &[u8], text: &str) {
    body.extend_from_slice(before);
    body.extend_from_slice(text.as_bytes());
}

fn integer(body: &mut Vec<u8>, before: &[u8], value: u64) {
    body.extend_from_slice(before);
    body.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}
