//! As much of an HTTP/1.1 client as a prober needs: one request at a time on a kept connection.
//!
//! Refuses anything but bodies of a told length, which is all that the API sends besides streams. It
//! never repeats a request: whoever asks knows whether it may have been acted on.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// Longest body that is read.
const BODY_BYTES_MAX: usize = 1 << 20;

/// A request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// Ticket, pass or key; empty for none.
    pub(crate) bearer: &'a str,
    /// `Idempotency-Key`; empty for none.
    pub(crate) key: &'a str,
    /// JSON; empty for none.
    pub(crate) body: &'a str,
}

impl<'a> Request<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self { method: "GET", path, ..Self::default() }
    }

    pub(crate) fn post(path: &'a str) -> Self {
        Self { method: "POST", path, ..Self::default() }
    }
}

/// A complete answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A text field of a JSON body.
    pub(crate) fn text(&self, field: &str) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        Some(body.get(field)?.as_str()?.to_owned())
    }
}

/// The way to one server.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    timeout: Duration,
    connection: Option<BufReader<TcpStream>>,
}

impl Client {
    /// Answers that take longer than `timeout` are none.
    pub(crate) fn new(address: SocketAddr, timeout: Duration) -> Self {
        Self { address, timeout, connection: None }
    }

    /// Asks once. After an error the next request opens a new connection.
    pub(crate) fn ask(&mut self, request: &Request<'_>) -> io::Result<Answer> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        connection.get_mut().write_all(&self.spelled(request))?;
        let (answer, is_kept) = read(&mut connection)?;
        self.connection = is_kept.then_some(connection);
        Ok(answer)
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.address, self.timeout)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.timeout))?;
        stream.set_write_timeout(Some(self.timeout))?;
        Ok(BufReader::new(stream))
    }

    fn spelled(&self, request: &Request<'_>) -> Vec<u8> {
        let Request { method, path, bearer, key, body } = request;
        let mut head = vec![format!("{method} {path} HTTP/1.1"), format!("Host: {}", self.address)];
        if !bearer.is_empty() {
            head.push(format!("Authorization: Bearer {bearer}"));
        }
        if !key.is_empty() {
            head.push(format!("Idempotency-Key: {key}"));
        }
        if !body.is_empty() {
            head.push("Content-Type: application/json".to_owned());
        }
        if *method != "GET" {
            head.push(format!("Content-Length: {}", body.len()));
        }
        format!("{}\r\n\r\n{body}", head.join("\r\n")).into_bytes()
    }
}

/// Reads an answer, and whether the connection stays.
fn read(connection: &mut BufReader<TcpStream>) -> io::Result<(Answer, bool)> {
    let malformed = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut line = String::new();
    connection.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.trim().parse().ok());
    let status: u16 = status.ok_or_else(|| malformed("no status line"))?;
    let (mut length, mut is_kept) = (0, true);
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().map_err(|_| malformed("no length"))?;
        } else if name.eq_ignore_ascii_case("connection") {
            is_kept = !value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(malformed("a body of untold length"));
        }
    }
    if length > BODY_BYTES_MAX {
        return Err(malformed("a body too long"));
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    Ok((Answer { status, body }, is_kept))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn answers_are_read_one_after_another_on_one_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut stream = BufReader::new(stream);
            let mut heads = Vec::new();
            for reply in [
                "HTTP/1.1 202 Accepted\r\nContent-Length: 14\r\n\r\n{\"ticket\":\"t\"}",
                "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
            ] {
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    stream.read_line(&mut head).unwrap();
                }
                heads.push(head);
                stream.get_mut().write_all(reply.as_bytes()).unwrap();
            }
            heads
        });
        let mut client = Client::new(address, Duration::from_secs(5));
        let entered = client.ask(&Request { key: "k", ..Request::post("/enter") }).unwrap();
        assert_eq!((entered.status, entered.text("ticket")), (202, Some("t".to_owned())));
        assert_eq!(client.ask(&Request::get("/x")).unwrap().status, 204);
        assert!(client.connection.is_none(), "it was to be closed");
        let heads = server.join().unwrap();
        assert!(heads[0].starts_with("POST /enter HTTP/1.1\r\n"), "{heads:?}");
        assert!(heads[0].contains("Idempotency-Key: k\r\nContent-Length: 0\r\n"), "{heads:?}");
        assert!(client.ask(&Request::get("/x")).is_err(), "nobody listens any more");
    }
}
