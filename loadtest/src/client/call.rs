//! A request.

use bytes::Bytes;
use hyper::Method;

/// A request, ready to be sent any number of times.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Ticket, pass or key for `Authorization: Bearer`; empty for none.
    pub(crate) bearer: String,
    /// `Idempotency-Key`; empty for none.
    pub(crate) key: String,
    pub(crate) body: Bytes,
}

impl Call {
    /// A read of `path`.
    pub(crate) fn get(path: impl Into<String>, bearer: &str) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            bearer: bearer.to_owned(),
            key: String::new(),
            body: Bytes::new(),
        }
    }

    /// A change at `path`, repeatable under `key` when that is not empty.
    pub(crate) fn post(path: impl Into<String>, bearer: &str, key: impl Into<String>) -> Self {
        Self { method: Method::POST, key: key.into(), ..Self::get(path, bearer) }
    }

    /// The same with a JSON body.
    pub(crate) fn json(mut self, body: &impl serde::Serialize) -> Self {
        self.body = serde_json::to_vec(body).map(Bytes::from).unwrap_or_default();
        self
    }
}
