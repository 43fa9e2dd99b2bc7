//! A small blocking HTTP/1.1 client: one kept connection, one request at a time.
//!
//! Refuses to retry: an error means that what was asked may have happened.

use std::{
    io::{self, BufRead, BufReader, Write as _},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

use crate::PATIENCE;

/// What is asked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// Ticket, pass or key.
    pub(crate) bearer: Option<&'a str>,
    /// `Idempotency-Key`.
    pub(crate) key: Option<&'a str>,
    pub(crate) body: &'a str,
}

impl<'a> Call<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self { method: "GET", path, ..Self::default() }
    }

    pub(crate) fn post(path: &'a str) -> Self {
        Self { method: "POST", path, ..Self::default() }
    }

    /// The request as it goes over the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Self { method, path, body, .. } = self;
        let bearer = self.bearer.map(|token| format!("Authorization: Bearer {token}\r\n"));
        let key = self.key.map(|key| format!("Idempotency-Key: {key}\r\n"));
        let (bearer, key) = (bearer.unwrap_or_default(), key.unwrap_or_default());
        let length = body.len();
        let kind = if length == 0 { "" } else { "Content-Type: application/json\r\n" };
        format!(
            "{method} {path} HTTP/1.1\r\nHost: shop\r\n{bearer}{key}{kind}\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(found, _)| *found == name).map(|(_, value)| value.trim())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A text field of the body.
    pub(crate) fn text(&self, field: &str) -> String {
        self.json()[field].as_str().unwrap_or_default().to_owned()
    }

    /// The `code` of a problem document.
    pub(crate) fn code(&self) -> String {
        self.text("code")
    }
}

/// A client of one server.
#[derive(Debug)]
pub(crate) struct Client {
    addr: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self { addr, stream: None }
    }

    /// Asks and waits for the answer. The connection is kept unless the server closes it.
    pub(crate) fn send(&mut self, call: &Call<'_>) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => BufReader::new(connect(self.addr)?),
        };
        stream.get_mut().write_all(&call.bytes())?;
        let answer = read_answer(&mut stream)?;
        if answer.header("connection") != Some("close") {
            self.stream = Some(stream);
        }
        Ok(answer)
    }

    /// As [`send`](Self::send), where no error is expected.
    pub(crate) fn ask(&mut self, call: &Call<'_>) -> Answer {
        self.send(call).unwrap_or_else(|error| panic!("{} {}: {error}", call.method, call.path))
    }
}

/// A connection that gives up after [`PATIENCE`].
pub(crate) fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Reads one answer with a stated length.
pub(crate) fn read_answer(stream: &mut impl BufRead) -> io::Result<Answer> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    head.make_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.ok_or(io::ErrorKind::InvalidData)?;
    let mut answer = Answer { status, head, body: Vec::new() };
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    answer.body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut answer.body)?;
    Ok(answer)
}
