//! A client that writes its requests as they are.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Longer than any deadline a test sets; reaching it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// An answer.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Told {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        let (head, body) = (head.to_owned(), body.to_owned());
        Self { status: status.unwrap_or_else(|| unreachable!("{text:?}")), head, body }
    }

    /// Sends a request and reads until the server closes.
    pub(crate) async fn of(addr: SocketAddr, request: &str) -> Self {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        Self::read(&mut stream).await
    }

    pub(crate) async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        // A refused upload may end in a reset.
        drop(timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap());
        Self::parse(&bytes)
    }

    pub(crate) async fn get(addr: SocketAddr, path: &str) -> Self {
        Self::of(addr, &get(path)).await
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// A problem document of this code, with the request's id in head and body.
    pub(crate) fn refuses(&self, status: u16, code: &str) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["code"], code, "{self:?}");
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        self
    }
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}
