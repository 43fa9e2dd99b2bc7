//! A small HTTP client: one connection a request, every answer held against the description.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Method, Request, Response,
    body::Incoming,
    header::{HOST, HeaderName, HeaderValue},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::openapi;

/// Longer than anything takes; reaching it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// One listener.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    pub(crate) addr: SocketAddr,
    /// Whether the description is about it: the operations listener is not described.
    pub(crate) described: bool,
}

/// A request to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The address to ask from.
    from: [u8; 4],
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) fn ask(method: &str, path: impl Into<String>) -> Ask {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let (headers, body) = (HeaderMap::new(), Bytes::new());
    Ask { method, path: path.into(), headers, body, from: [127, 0, 0, 1] }
}

pub(crate) fn get(path: impl Into<String>) -> Ask {
    ask("GET", path)
}

pub(crate) fn post(path: impl Into<String>) -> Ask {
    ask("POST", path)
}

impl Ask {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers.append(name, HeaderValue::from_str(value).unwrap());
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn json(self, value: &Value) -> Self {
        self.header("content-type", "application/json").body(value.to_string())
    }

    /// Asks from another address of this host.
    pub(crate) fn from(mut self, address: [u8; 4]) -> Self {
        self.from = address;
        self
    }

    fn request(&self, addr: SocketAddr, http2: bool) -> Request<Full<Bytes>> {
        let uri = if http2 { format!("http://{addr}{}", self.path) } else { self.path.clone() };
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri.parse().unwrap();
        *request.headers_mut() = self.headers.clone();
        if !http2 {
            let host = HeaderValue::from_str(&addr.to_string()).unwrap();
            request.headers_mut().entry(HOST).or_insert(host);
        }
        request
    }
}

impl Client {
    /// Sends a request over HTTP/1.1 and holds the answer against the description.
    pub(crate) async fn tell(self, ask: Ask) -> Told {
        let told = timeout(PATIENCE, async {
            let response = self.open(&ask).await;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Told { status: parts.status.as_u16(), headers: parts.headers, body }
        });
        let told = told.await.unwrap();
        assert_named(&told);
        if self.described {
            openapi::check(&ask, &told);
        }
        told
    }

    /// Sends a request and leaves the body to be read.
    pub(crate) async fn open(self, ask: &Ask) -> Response<Incoming> {
        let stream = self.connect(ask.from).await;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(ask.request(self.addr, false)).await.unwrap()
    }

    /// As [`Self::open`], over HTTP/2.
    pub(crate) async fn open_http2(self, ask: &Ask) -> Response<Incoming> {
        let stream = TokioIo::new(self.connect(ask.from).await);
        let shake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await;
        let (mut sender, connection) = shake.unwrap();
        tokio::spawn(connection);
        sender.send_request(ask.request(self.addr, true)).await.unwrap()
    }

    /// Sends a request over HTTP/2.
    pub(crate) async fn tell_http2(self, ask: Ask) -> Told {
        let (parts, body) = self.open_http2(&ask).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let told = Told { status: parts.status.as_u16(), headers: parts.headers, body };
        assert_named(&told);
        openapi::check(&ask, &told);
        told
    }

    /// Writes bytes as they are and answers all that comes back until the server closes.
    pub(crate) async fn raw(self, bytes: &[u8]) -> String {
        let mut stream = self.connect([127, 0, 0, 1]).await;
        // A server that has refused already may close while we still write.
        drop(stream.write_all(bytes).await);
        let mut answer = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn connect(self, from: [u8; 4]) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((from, 0))).unwrap();
        socket.connect(self.addr).await.unwrap()
    }
}

/// Every answer of both listeners names its request.
fn assert_named(told: &Told) {
    let id = told.header("x-request-id").unwrap_or_default();
    assert!(!id.is_empty(), "{} without an id: {}", told.status, told.text());
}

impl Told {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| unreachable!("{}", self.text()))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn replayed(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    /// The answer, which must have this status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The answer, which must be this refusal in the shape every refusal has.
    #[track_caller]
    pub(crate) fn refuses(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let problem = self.json();
        assert_eq!(problem["type"], format!("/docs#error-{code}"));
        assert_eq!(problem["status"], status);
        for name in ["title", "detail", "request_id"] {
            assert!(problem[name].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        }
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        let retry = self.header("retry-after").map(|seconds| seconds.parse::<u32>().unwrap());
        assert_eq!(retry.is_some(), [408, 429, 500, 503].contains(&status), "{retry:?}");
        assert_eq!(self.header("www-authenticate").is_some(), status == 401);
        self
    }
}
