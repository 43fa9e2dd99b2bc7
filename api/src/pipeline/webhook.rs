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
use hyper::{
    StatusCode,
    header::{DATE, HeaderMap, HeaderName, RETRY_AFTER},
};
use outbound::{AnswerBound, Call, Reach, Target, TargetError, Trust};

use super::payload;

mod filter;
mod signature;

pub use filter::EventFilter;
pub use signature::Secret;

/// How long the rest of an answer is read once its status is known: the status is what counts, the
/// body only gives the connection back and a dead letter its words.
const BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// Bytes of an answer's body that are read; a connection with more to come is closed.
const BODY_BYTES_MAX: usize = 16 * 1024;

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

impl From<TargetError> for WebhookError {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::Url | TargetError::Address | TargetError::Sender | TargetError::Login => {
                Self::Url(outbound::URL_ALLOWED)
            }
            TargetError::Bounds => Self::Bounds,
            TargetError::Trust(why) => Self::Trust(why),
        }
    }
}

/// The sink.
#[derive(Debug)]
pub struct Webhook {
    target: Target,
    secrets: Vec<Secret>,
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
        let calling = outbound::Options {
            // The status is what counts.
            answer: AnswerBound::Beginning { bytes_max: BODY_BYTES_MAX, within: BODY_TIMEOUT },
            in_flight_max,
            trust,
            // The operator named it: it may well stand next door.
            reach: Reach::Anywhere,
            ..outbound::Options::new(attempt_timeout)
        };
        let target = Target::new(&url, calling)?;
        Ok(Self { target, secrets, in_flight_max, events, clock })
    }

    async fn post(&self, event: &OrderEvent) -> Answer {
        if !self.events.wants(event.hold.state) {
            return Answer::Taken;
        }
        let answer = match self.target.send(self.call(event)).await {
            Ok(answer) => answer,
            Err(error) => {
                return Answer::Later { why: plain_words(&error.to_string()), after: None };
            }
        };
        let outbound::Answer { status, headers, body } = answer;
        let after = asked_pause(&headers, self.clock.now());
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

    fn call(&self, event: &OrderEvent) -> Call {
        let body = payload::to_json(event);
        let timestamp = self.clock.wall().0 / 1_000;
        let id = payload::unique_id(event);
        let own = signature::own(&self.secrets, timestamp, &id, &body);
        let standard = signature::standard(&self.secrets, timestamp, &id, &body);
        let at = timestamp.to_string();
        let named = HeaderName::from_static;
        Call::post("")
            .body("application/json", Bytes::from(body))
            .header(named("webhook-id"), &id)
            .header(named("webhook-timestamp"), &at)
            .header(named("webhook-signature"), &standard)
            .header(named("rushgate-event-id"), &id)
            .header(named("rushgate-timestamp"), &at)
            .header(named("rushgate-signature"), &own)
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
    use hyper::header::HeaderValue;

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
