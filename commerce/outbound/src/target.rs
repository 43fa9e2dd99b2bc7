//! A server of somebody else's, and the one way to call it.

use std::{error::Error as _, fmt, net::IpAddr, sync::Arc, time::Duration};

use base::writing;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    Request, Uri,
    body::Incoming,
    header::{HeaderValue, USER_AGENT},
};
use hyper_util::{
    client::legacy::{self, Client},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use crate::{
    AGENT, Answer, Call, CallError, Reach, TargetError, Trust, connect::Connector, limits, parse,
};

/// How a server is called.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a call may take: its wait for others, connecting, sending and the answer.
    pub deadline: Duration,
    /// How much of an answer is read.
    pub answer: AnswerBound,
    /// Calls under way at once. Further ones wait for their turn, within their deadline.
    pub in_flight_max: usize,
    /// How long an unused connection is kept; zero closes each after its call.
    pub idle: Duration,
    /// Whose certificates an https server may have.
    pub trust: Trust,
    /// Which addresses it may have.
    pub reach: Reach,
}

impl Options {
    /// A server on the public internet that answers with up to 1 MiB, called 32 times at once.
    pub const fn new(deadline: Duration) -> Self {
        Self {
            deadline,
            answer: AnswerBound::Whole { bytes_max: limits::ANSWER_BYTES },
            in_flight_max: limits::IN_FLIGHT,
            idle: limits::IDLE,
            trust: Trust::System,
            reach: Reach::Public,
        }
    }
}

/// How much of an answer's body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerBound {
    /// All of it; a longer one fails the call.
    Whole {
        /// The longest.
        bytes_max: usize,
    },
    /// What comes of its beginning. For calls whose answer is the status: what is missing of the body
    /// then does not fail them.
    Beginning {
        /// Further bytes are not read.
        bytes_max: usize,
        /// Bytes that come later after the head than this, or after the deadline, are not read.
        within: Duration,
    },
}

/// A server that is called. Clones are the same one and share its bounds.
#[derive(Clone)]
pub struct Target(Arc<Inner>);

struct Inner {
    uri: Uri,
    client: Client<Connector, Full<Bytes>>,
    turns: Semaphore,
    deadline: Duration,
    answer: AnswerBound,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.host()).finish()
    }
}

impl Target {
    /// Prepares calls of the places below a URL.
    ///
    /// # Errors
    ///
    /// If it cannot be called as configured.
    pub fn new(url: &str, options: Options) -> Result<Self, TargetError> {
        let Options { deadline, answer, in_flight_max, idle, trust, reach } = options;
        let uri = parse(url).ok_or(TargetError::Url)?;
        if deadline.is_zero() || in_flight_max == 0 {
            return Err(TargetError::Bounds);
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        if host.parse::<IpAddr>().is_ok_and(|address| !reach.allows(address)) {
            return Err(TargetError::Address);
        }
        let is_https = uri.scheme_str() == Some("https");
        let connector = Connector::new(host, is_https, trust, reach, deadline);
        let connector = connector.map_err(TargetError::Trust)?;
        let kept = if idle.is_zero() { 0 } else { in_flight_max };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(idle)
            .pool_max_idle_per_host(kept)
            .http1_max_buf_size(limits::HEAD_BYTES)
            .build(connector);
        let turns = Semaphore::new(in_flight_max.min(Semaphore::MAX_PERMITS));
        Ok(Self(Arc::new(Inner { uri, client, turns, deadline, answer })))
    }

    /// Whether it is called over TLS.
    pub fn is_secure(&self) -> bool {
        self.0.uri.scheme_str() == Some("https")
    }

    /// Its host and port, as the URL has them.
    pub fn host(&self) -> &str {
        self.0.uri.authority().map_or("", |authority| authority.as_str())
    }

    /// Calls it and waits for its answer, whatever its status.
    ///
    /// # Errors
    ///
    /// If there is no whole answer within the deadline. The error says whether the server may have done
    /// what was asked.
    ///
    /// # Panics
    ///
    /// Panics inside a write to the database: the write would wait for the server with all others behind
    /// it, and would ask again when it runs again.
    pub async fn send(&self, call: Call) -> Result<Answer, CallError> {
        assert!(!writing::is_inside(), "no call to another service is made inside a write");
        let Inner { client, turns, deadline, answer, .. } = &*self.0;
        let request = self.request(call)?;
        let until = Instant::now() + *deadline;
        let ms = deadline.as_millis();
        let late = |_| CallError::Unheard(format!("no answer within {ms} ms"));
        let turn = timeout_at(until, turns.acquire()).await.map_err(|_| {
            let host = self.host();
            CallError::Unsent(format!("{ms} ms were not enough for the calls of {host} before it"))
        })?;
        let response = timeout_at(until, client.request(request)).await.map_err(late)?;
        let (head, body) = response.map_err(|error| unanswered(&error))?.into_parts();
        let body = match *answer {
            AnswerBound::Whole { bytes_max } => {
                timeout_at(until, whole(body, bytes_max)).await.map_err(late)??
            }
            AnswerBound::Beginning { bytes_max, within } => {
                beginning(body, bytes_max, until.min(Instant::now() + within)).await
            }
        };
        drop(turn);
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    fn request(&self, call: Call) -> Result<Request<Full<Bytes>>, CallError> {
        let Call { method, path, query, mut headers, body, fault } = call;
        if let Some(what) = fault {
            return Err(CallError::Unsent(format!("the request has {what}")));
        }
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
        let uri = below(&self.0.uri, &path, &query).ok_or_else(|| {
            CallError::Unsent("the request has no path that a URL can have".to_owned())
        })?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// The URL of a place below another.
fn below(base: &Uri, path: &str, query: &str) -> Option<Uri> {
    let own = if path.is_empty() { base.path() } else { base.path().trim_end_matches('/') };
    let mut text = format!("{own}{path}");
    let queries = [base.query().unwrap_or_default(), query];
    for (mark, query) in ['?', '&'].into_iter().zip(queries.into_iter().filter(|q| !q.is_empty())) {
        text.push(mark);
        text.push_str(query);
    }
    let mut parts = base.clone().into_parts();
    parts.path_and_query = Some(text.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// Why there is no answer's head.
fn unanswered(error: &legacy::Error) -> CallError {
    let mut why = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        why.push_str(": ");
        why.push_str(&next.to_string());
        cause = next.source();
    }
    if error.is_connect() { CallError::Unsent(why) } else { CallError::Unheard(why) }
}

async fn whole(body: Incoming, bytes_max: usize) -> Result<Bytes, CallError> {
    let body = Limited::new(body, bytes_max).collect().await.map_err(|error| {
        CallError::Unheard(if error.is::<LengthLimitError>() {
            format!("the answer is longer than {bytes_max} bytes")
        } else {
            format!("the answer broke off: {error}")
        })
    })?;
    Ok(body.to_bytes())
}

/// The body's beginning; whatever came of it when it broke off or took too long.
async fn beginning(mut body: Incoming, bytes_max: usize, until: Instant) -> Bytes {
    let mut bytes = BytesMut::new();
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await
            && let Ok(data) = frame.into_data()
        {
            let room = bytes_max - bytes.len();
            bytes.extend_from_slice(&data[..data.len().min(room)]);
            if bytes.len() == bytes_max {
                return;
            }
        }
    };
    // Late or not: the status is known, and what is missing are words.
    let _in_time = timeout_at(until, reading).await.is_ok();
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_goes_below_the_url_of_its_target() {
        let url = |base: &str, path: &str, query: &str| {
            below(&base.parse().unwrap(), path, query).map(|uri| uri.to_string())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(url("http://a.example/x?k=1", "", ""), some("http://a.example/x?k=1"));
        assert_eq!(url("http://a.example/x/", "/y", "b=c"), some("http://a.example/x/y?b=c"));
        assert_eq!(url("http://a.example", "/y", ""), some("http://a.example/y"));
        assert_eq!(
            url("http://a.example/x?k=1", "/y", "b=c"),
            some("http://a.example/x/y?k=1&b=c")
        );
        assert_eq!(url("http://a.example", "/a b", ""), None);
    }

    #[test]
    fn certificates_are_needed_for_https_only() {
        let options =
            || Options { trust: Trust::Pem(Vec::new()), ..Options::new(Duration::from_secs(1)) };
        assert!(Target::new("http://shop.example/", options()).is_ok());
        let refused = Target::new("https://shop.example/", options()).unwrap_err();
        assert!(matches!(refused, TargetError::Trust(_)), "{refused:?}");
    }
}
