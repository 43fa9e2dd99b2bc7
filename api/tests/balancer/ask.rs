//! Requests of one connection each, written and read by hand: nothing here repeats anything.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

use crate::PATIENCE;

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// A text field of the body.
    pub(crate) fn text(&self, field: &str) -> String {
        self.json()[field].as_str().unwrap_or_default().to_owned()
    }
}

/// Whom to ask as whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) to: SocketAddr,
    /// More header fields, each with its line end.
    pub(crate) headers: &'a str,
}

impl Asker<'_> {
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, body).unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// One request and its answer. An error says that what was asked may have been done.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> io::Result<Answer> {
        let (headers, length) = (self.headers, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n{headers}\
             Content-Length: {length}\r\n\r\n{body}"
        );
        let mut stream = connect(self.to)?;
        stream.write_all(request.as_bytes())?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        Ok(Answer { status, body: body.to_owned() })
    }
}

/// Lets a shopper in at the sale; answers the place. `key` is made long enough for an entry's.
pub(crate) fn enter(to: SocketAddr, sale: &str, key: &str) -> Answer {
    let headers = &self::key(&format!("{key}-behind-the-balancer"));
    Asker { to, headers }.post(&format!("/v1/sales/{sale}/enter"), "")
}

pub(crate) fn of(to: SocketAddr) -> Asker<'static> {
    Asker { to, headers: "" }
}

/// The header field of a ticket, a pass or a key.
pub(crate) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// The header field of an idempotency key.
pub(crate) fn key(key: &str) -> String {
    format!("Idempotency-Key: {key}\r\n")
}

/// A connection that gives up after [`PATIENCE`].
pub(crate) fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}
