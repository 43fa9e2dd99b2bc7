//! The webhook: a sink that posts each event to a URL, signed.
//!
//! Owns the HTTP client and what an answer means. 2xx: taken. 408, 425, 429, 503 and a gateway's 502
//! and 504: later, since the event was not looked at. Any other 5xx: the receiver failed at this
//! event, which is tried again until it is taken. Any other status, a redirect included: refused.
//! No answer in time, or none at all: later, although the receiver may have the event; it sees the
//! same event id again.
//!
//! Each request carries two signatures of the same event: that of Standard Webhooks
//! (<https://www.standardwebhooks.com>), for which there are verifiers in most languages, and our own.
//!
//! Redirects are never followed: a signed order goes where the operator said and nowhere else.

use std::{
    error::Error as _,
    fmt,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use bytes::Bytes;
use engine::sink::{Answer, Answers, Capacity, Sink, WORDS_BYTES_MAX, plain_words};
use engine::{
    clock::{Clock, Millis},
    outbox::OrderEvent,
};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, StatusCode, Uri,
    body::Incoming,
    header::{CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT},
};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::timeout;

use super::payload;
use crate::outbound::{self, Trust};

mod filter;
mod signature;

pub use filter::EventFilter;
pub use signature::Secret;

/// How long the rest of an answer is read once its status is known: the status is what counts, the
/// body only gives the connection back and a dead letter its words.
const BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// Bytes of an answer's body that are read; a connection with more to come is closed.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// How long an unused connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// Where events are posted, and how.
#[derive(Clone, Debug)]
pub struct WebhookOptions {
    /// The receiver, `http` or `https`.
    pub url: String,
    /// Each signs every event: one, or two while the receiver changes from one to the other.
    pub secrets: Vec<Secret>,
    /// How long one attempt may take until its answer's head is there.
    pub attempt_timeout: Duration,
    /// Events of different holds posted at once.
    pub in_flight_max: usize,
    /// Which events the receiver wants; the others count as taken.
    pub events: EventFilter,
    /// Whose certificates an `https` receiver may have.
    pub trust: Trust,
}

impl WebhookOptions {
    /// One secret, 15 seconds, 32 events at once, all events, the system's certificates.
    pub fn new(url: String, secret: Secret) -> Self {
        Self {
            url,
            secrets: vec![secret],
            attempt_timeout: Duration::from_secs(15),
            in_flight_max: 32,
            events: EventFilter::ALL,
            trust: Trust::System,
        }
    }
}

/// Why a webhook cannot be used as configured.
#[derive(Debug)]
pub enum WebhookError {
    /// The URL is not one that can be posted to; says what is allowed.
    Url(&'static str),
    /// Not one or two secrets.
    Secrets,
    /// Nothing could ever be posted: no time, or no event at once.
    Bounds,
    /// The certificates to trust cannot be read; says why.
    Trust(String),
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(allowed) => write!(f, "a webhook's URL is {allowed}"),
            Self::Secrets => f.write_str("a webhook has one secret, or two while rotating"),
            Self::Bounds => {
                f.write_str("a webhook's timeout and events in flight are more than zero")
            }
            Self::Trust(why) => write!(f, "cannot read the certificates to trust: {why}"),
        }
    }
}

impl std::error::Error for WebhookError {}

/// The sink.
#[derive(Debug)]
pub struct Webhook {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    uri: Uri,
    secrets: Vec<Secret>,
    attempt_timeout: Duration,
    in_flight_max: usize,
    events: EventFilter,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    /// Prepares posting; `clock` is the engine's, for the signatures' timestamps.
    pub fn new(options: WebhookOptions, clock: Arc<dyn Clock>) -> Result<Self, WebhookError> {
        let WebhookOptions { url, secrets, attempt_timeout, in_flight_max, events, trust } =
            options;
        if !(1..=2).contains(&secrets.len()) {
            return Err(WebhookError::Secrets);
        }
        if attempt_timeout.is_zero() || in_flight_max == 0 {
            return Err(WebhookError::Bounds);
        }
        let uri = outbound::parse(&url).ok_or(WebhookError::Url(outbound::URL_ALLOWED))?;
        let connector = outbound::connector(&uri, trust).map_err(WebhookError::Trust)?;
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(in_flight_max)
            .build(connector);
        Ok(Self { client, uri, secrets, attempt_timeout, in_flight_max, events, clock })
    }

    async fn post(&self, event: &OrderEvent) -> Answer {
        if !self.events.wants(event.hold.state) {
            return Answer::Taken;
        }
        let request = self.request(event);
        let response = match timeout(self.attempt_timeout, self.client.request(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                let cause = error.source().map(ToString::to_string).unwrap_or_default();
                return Answer::Later {
                    why: plain_words(&format!("{error}: {cause}")),
                    after: None,
                };
            }
            Err(_) => return Answer::Later { why: "no answer in time".to_owned(), after: None },
        };
        let status = response.status();
        let after = asked_pause(response.headers(), self.clock.now());
        let body = read(response.into_body()).await;
        if status.is_success() {
            return Answer::Taken;
        }
        let words = String::from_utf8_lossy(&body[..body.len().min(WORDS_BYTES_MAX)]);
        let why = plain_words(format!("{}: {words}", status.as_u16()).trim_end_matches([':', ' ']));
        match status {
            StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_EARLY
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::BAD_GATEWAY
            | StatusCode::GATEWAY_TIMEOUT => Answer::Later { why, after },
            status if status.is_server_error() => Answer::Failed { why, after },
            _ => Answer::Refused { why },
        }
    }

    fn request(&self, event: &OrderEvent) -> Request<Full<Bytes>> {
        let body = payload::to_json(event);
        let timestamp = self.clock.wall().0 / 1_000;
        let id = payload::unique_id(event);
        let own = signature::own(&self.secrets, timestamp, &id, &body);
        let own = HeaderValue::from_str(&own).expect("hex is visible ASCII");
        let standard = signature::standard(&self.secrets, timestamp, &id, &body);
        let standard = HeaderValue::from_str(&standard).expect("base64 is visible ASCII");
        Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(USER_AGENT, HeaderValue::from_static(outbound::AGENT))
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", standard)
            .header("rushgate-event-id", id)
            .header("rushgate-timestamp", timestamp)
            .header("rushgate-signature", own)
            .body(Full::new(Bytes::from(body)))
            .expect("a checked URL and plain headers make a request")
    }
}

impl Sink for Webhook {
    fn capacity(&self) -> Capacity {
        Capacity { batch_events_max: 1, batches_max: self.in_flight_max, pause: Duration::ZERO }
    }

    fn deliver(&self, events: Vec<Arc<OrderEvent>>) -> Answers<'_> {
        Box::pin(async move {
            let mut answers = Vec::with_capacity(events.len());
            for event in events {
                answers.push(self.post(&event).await);
            }
            answers
        })
    }
}

/// The body's beginning; whatever came of it when it broke off or took too long.
async fn read(mut body: Incoming) -> Vec<u8> {
    let mut bytes = Vec::new();
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await
            && let Ok(data) = frame.into_data()
        {
            let room = BODY_BYTES_MAX - bytes.len();
            bytes.extend_from_slice(&data[..data.len().min(room)]);
            if bytes.len() == BODY_BYTES_MAX {
                return;
            }
        }
    };
    // Late or not: the status is known, and what is missing are words.
    let _in_time = timeout(BODY_TIMEOUT, reading).await.is_ok();
    bytes
}

/// The pause an answer asks for, in seconds or until a date. A date is measured from the answer's
/// own `Date` if it has one, since the receiver's clock need not be ours.
fn asked_pause(headers: &HeaderMap, now: Millis) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let date =
        headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let now = date.unwrap_or_else(|| UNIX_EPOCH + Duration::from_millis(now.0));
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_until_a_date_by_either_clock() {
        let pause = |headers: &[(&'static str, &'static str)], now| {
            let pairs = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
            asked_pause(&pairs.collect(), now)
        };
        let (now, ten) = (Millis(1_767_225_600_000), Some(Duration::from_secs(10)));
        let until = ("retry-after", "Thu, 01 Jan 2026 00:00:10 GMT");
        assert_eq!(pause(&[("retry-after", " 10 ")], now), ten);
        assert_eq!(pause(&[until], now), ten);
        // The receiver's clock is an hour behind.
        let behind = ("date", "Wed, 31 Dec 2025 23:00:00 GMT");
        assert_eq!(pause(&[until, behind], now), Some(Duration::from_secs(3_610)));
        assert_eq!(pause(&[until], Millis(now.0 + 60_000)), Some(Duration::ZERO));
        assert_eq!(pause(&[("retry-after", "soon")], now), None);
        assert_eq!(pause(&[], now), None);
    }
}
