//! What is asked, and what came back.

use std::fmt;

use bytes::Bytes;
use form_urlencoded::Serializer;
use hyper::{
    HeaderMap, Method, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Serialize, de::DeserializeOwned};

use crate::{CallError, Secret};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// One request to a target. What cannot be sent is told when it is sent.
#[derive(Clone)]
pub struct Call {
    pub(crate) method: Method,
    /// Behind the target's own path.
    pub(crate) path: String,
    /// Without the question mark, encoded.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The first thing that cannot be sent.
    pub(crate) fault: Option<&'static str>,
}

impl Call {
    /// A call of a place below the target's URL. The path is empty for the URL itself, or begins with a
    /// slash; [`segment`] encodes what a part of it is made of.
    pub fn new(method: Method, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let fault = if !path.is_empty() && !path.starts_with('/') {
            Some("a path that does not begin with a slash")
        } else if path.split('/').any(is_dots) {
            Some("a path with a part of dots, which leads elsewhere")
        } else {
            None
        };
        Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            fault,
        }
    }

    /// Reads something.
    pub fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    /// Asks for something to be done.
    pub fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    /// Puts something in its place.
    pub fn put(path: &str) -> Self {
        Self::new(Method::PUT, path)
    }

    /// Removes something.
    pub fn delete(path: &str) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// Adds a pair to the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        let pair = Serializer::new(String::new()).append_pair(name, value).finish();
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str(&pair);
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn header(self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value);
        self.with(name, value.ok())
    }

    /// Sets a header that is a secret behind a word: `Authorization: Bearer …`. The word may be empty.
    #[must_use]
    pub fn secret(self, name: HeaderName, word: &str, secret: &Secret) -> Self {
        let text = format!("{word} {}", secret.expose());
        let mut value = HeaderValue::from_str(text.trim_start()).ok();
        if let Some(value) = &mut value {
            value.set_sensitive(true);
        }
        self.with(name, value)
    }

    fn with(mut self, name: HeaderName, value: Option<HeaderValue>) -> Self {
        match value {
            Some(value) => {
                self.headers.insert(name, value);
            }
            None => self.fault = Some("a header's value with control characters"),
        }
        self
    }

    /// Sends this as JSON and asks for JSON.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body = Bytes::from(bytes),
            Err(_) => self.fault = Some("a body that has no form in JSON"),
        }
        self.headers.insert(CONTENT_TYPE, JSON);
        self.headers.insert(ACCEPT, JSON);
        self
    }

    /// Sends these pairs as a form.
    #[must_use]
    pub fn form(mut self, pairs: &[(&str, &str)]) -> Self {
        let body = Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.body = Bytes::from(body);
        self.headers.insert(CONTENT_TYPE, FORM);
        self
    }

    /// Sends these bytes.
    #[must_use]
    pub fn body(mut self, content_type: &str, bytes: Bytes) -> Self {
        self.body = bytes;
        self.header(CONTENT_TYPE, content_type)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({} {}, {} bytes)", self.method, self.path, self.body.len())
    }
}

/// What stands in a part of a path as it is (RFC 3986, 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes a text as one part of a path (RFC 3986, 3.3): no slash in it ends the part. Of `.` and `..`
/// there is no such form, and a call with them is not sent.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// Whether a part of a path means another place than one of that name, encoded or not.
fn is_dots(part: &str) -> bool {
    let part = part.to_ascii_lowercase().replace("%2e", ".");
    part == "." || part == ".."
}

/// What a server answered, whatever its status.
#[derive(Clone)]
pub struct Answer {
    /// Redirects included, which nobody followed.
    pub status: StatusCode,
    /// As they came.
    pub headers: HeaderMap,
    /// All of it, or its beginning where the target reads no more.
    pub body: Bytes,
}

impl Answer {
    /// A header, if it is there once or more and readable.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    ///
    /// If it is something else. The server has done what it was asked, for all that is known.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // The error's own text may repeat what stands there.
            let what = match error.classify() {
                serde_json::error::Category::Data => "JSON of another shape",
                serde_json::error::Category::Io
                | serde_json::error::Category::Syntax
                | serde_json::error::Category::Eof => "not JSON",
            };
            let (line, column) = (error.line(), error.column());
            let status = self.status.as_u16();
            CallError::Unheard(format!(
                "the answer {status} is {what} (line {line}, column {column})"
            ))
        })
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status.as_u16(), self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::AUTHORIZATION;

    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let secret = Secret::new("hush-hush".to_owned());
        let call = Call::post("/pay?key=hush-hush")
            .query("again", "hush-hush")
            .secret(AUTHORIZATION, "Bearer", &secret)
            .json(&["hush-hush"]);
        let shown = format!("{call:?} {secret:?} {:?}", call.headers);
        assert!(!shown.contains("hush"), "{shown}");
        assert_eq!(call.query, "key=hush-hush&again=hush-hush");
        let answer = Answer {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"\"hush\""),
        };
        let wrong = answer.json::<u8>().unwrap_err();
        assert!(wrong.may_have_happened());
        assert!(!format!("{answer:?} {wrong}").contains("hush"), "{wrong}");
    }

    #[test]
    fn a_part_of_a_path_stays_one_part() {
        assert_eq!(segment("a/../b?c=d e~"), "a%2F..%2Fb%3Fc%3Dd%20e~");
        assert_eq!(segment("한"), "%ED%95%9C");
    }

    #[test]
    fn what_cannot_be_sent_is_kept_as_a_fault() {
        assert!(Call::get("no-slash").fault.is_some());
        for dots in [".", "..", "%2e%2E"] {
            assert!(Call::get(&format!("/a/{dots}/b")).fault.is_some(), "{dots}");
        }
        assert!(Call::get(&format!("/a/{}", segment(".."))).fault.is_some());
        assert!(Call::get("/a/.../b.c").fault.is_none());
        assert!(Call::get("").header(AUTHORIZATION, "two\r\nlines").fault.is_some());
        assert!(Call::get("/a").header(AUTHORIZATION, "one line").fault.is_none());
    }
}
