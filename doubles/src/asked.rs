//! What a double was asked, as it remembers it.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Fault;

/// One request.
#[derive(Clone)]
pub struct Asked {
    /// Its method.
    pub method: Method,
    /// Its path, as sent.
    pub path: String,
    /// Its query, as sent, without the question mark.
    pub query: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// All of its body.
    pub body: Bytes,
    /// What befell it.
    pub fault: Option<Fault>,
}

impl Asked {
    /// A header that can be read.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A value of the query.
    pub fn query_value(&self, name: &str) -> Option<String> {
        value(self.query.as_bytes(), name)
    }

    /// A value of a form.
    pub fn form_value(&self, name: &str) -> Option<String> {
        value(&self.body, name)
    }

    /// The body as JSON; null if it is something else.
    pub fn json(&self) -> Value {
        self.body_as().unwrap_or_default()
    }

    pub(crate) fn body_as<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// The parts of the path.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.path.split('/').filter(|part| !part.is_empty()).collect()
    }

    /// The token behind `Bearer`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(400)]);
        write!(f, "{} {}?{} {body}", self.method, self.path, self.query)
    }
}

fn value(pairs: &[u8], name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(pairs);
    pairs.find(|(key, _)| key == name).map(|(_, value)| Cow::into_owned(value))
}
