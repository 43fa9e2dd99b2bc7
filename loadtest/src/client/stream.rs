//! Server-sent events.
//!
//! Owns one open `/stream` on a connection of its own, and the parsing of its bytes after the
//! WHATWG rules (HTML Standard, "Server-sent events"), as far as a place needs them: `event`,
//! `data`, `retry` and comments. `id` is ignored: the contract has none.

use std::mem;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::{Answer, BODY_BYTES_MAX, Call, CallError, Client, Connection, Heard, NodeId};
use crate::clock::Stamp;

/// A stream that says nothing for so long, not even a comment, is broken.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Empty when the event had no name.
    pub(crate) name: String,
    pub(crate) data: String,
}

/// An open stream.
pub(crate) struct Stream {
    body: Incoming,
    parser: Parser,
    ready: std::vec::IntoIter<Event>,
    /// Who sends it.
    node: NodeId,
    /// When it was asked for.
    sent: Stamp,
    /// Dropping it would end an HTTP/2 connection.
    _connection: Connection,
}

impl Client {
    /// Opens the stream at `call` of `node`, or returns the answer that was no stream.
    pub(crate) async fn open(
        &self,
        call: &Call,
        node: NodeId,
    ) -> Result<Result<Stream, Answer>, CallError> {
        let to = &self.nodes[node.0];
        let begun = self.clock.now();
        let not_sent = |cause: String| CallError { begun, sent: None, cause };
        let opening = tokio::time::timeout(self.timeout, to.dial.open());
        let opened = opening.await.map_err(|_| not_sent("connecting timed out".to_owned()))?;
        let mut connection = opened.map_err(not_sent)?;
        let request = to.request(call).map_err(|e| not_sent(e.to_string()))?;
        let sent = self.clock.now();
        let unknown = |cause: String| CallError { begun, sent: Some(sent), cause };
        let response = tokio::time::timeout(self.timeout, connection.send(request))
            .await
            .map_err(|_elapsed| unknown(format!("none within {:?}", self.timeout)))?
            .map_err(|e| unknown(e.to_string()))?;
        let status = response.status().as_u16();
        let retry_after = super::retry_after(response.headers());
        if status == 200 {
            let (body, parser) = (response.into_body(), Parser::default());
            let ready = Vec::new().into_iter();
            return Ok(Ok(Stream { body, parser, ready, node, sent, _connection: connection }));
        }
        let body = http_body_util::Limited::new(response.into_body(), BODY_BYTES_MAX);
        let body = tokio::time::timeout(self.timeout, body.collect())
            .await
            .map_err(|_elapsed| unknown(format!("none within {:?}", self.timeout)))?
            .map_err(|e| unknown(e.to_string()))?
            .to_bytes();
        let done = self.clock.now();
        Ok(Err(Answer { node, status, body, retry_after, begun, sent, done }))
    }

    /// The next event of `stream` and when it arrived; `None` when the stream has ended, for
    /// whatever reason.
    pub(crate) async fn next(&self, stream: &mut Stream) -> Option<(Event, Stamp)> {
        loop {
            if let Some(event) = stream.ready.next() {
                return Some((event, self.clock.now()));
            }
            let frame = tokio::time::timeout(SILENCE_MAX, stream.body.frame()).await.ok()??;
            let Ok(bytes) = frame.ok()?.into_data() else { continue };
            stream.ready = stream.parser.push(&bytes)?.into_iter();
        }
    }
}

impl Stream {
    /// Of an event that came at `done`: when and by whom it was told. It may have been on its way
    /// since the stream was asked for.
    pub(crate) fn heard(&self, done: Stamp) -> Heard {
        Heard { node: self.node, sent: self.sent, done }
    }

    /// How long the server asked to wait before coming back.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.parser.retry
    }
}

/// The parser's state between two pieces of the stream.
#[derive(Debug, Default)]
struct Parser {
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    event: Event,
    retry: Option<Duration>,
}

impl Parser {
    /// The events completed by `bytes`; `None` when a line or an event outgrows all sense.
    fn push(&mut self, bytes: &Bytes) -> Option<Vec<Event>> {
        let mut events = Vec::new();
        for &byte in bytes {
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            let line = mem::take(&mut self.line);
            let line = String::from_utf8_lossy(&line);
            self.take(line.strip_suffix('\r').unwrap_or(&line), &mut events);
        }
        (self.line.len() + self.event.data.len() <= BODY_BYTES_MAX).then_some(events)
    }

    fn take(&mut self, line: &str, events: &mut Vec<Event>) {
        if line.is_empty() {
            let event = mem::take(&mut self.event);
            if !event.data.is_empty() {
                events.push(event);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if !self.event.data.is_empty() {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            "retry" => self.retry = value.parse().ok().map(Duration::from_millis).or(self.retry),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let text = "retry: 2000\n\n: still here\n\nevent: place\ndata: {\"a\":1}\n\n\
                    event: gone\r\ndata: x\r\ndata:y\r\n\r\ndata: unfinished\n";
        let expected = [event("place", "{\"a\":1}"), event("gone", "x\ny")];
        for size in 1..text.len() {
            let mut parser = Parser::default();
            let mut events = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                events.extend(parser.push(&Bytes::copy_from_slice(piece)).unwrap());
            }
            assert_eq!(events, expected, "in pieces of {size}");
            assert_eq!(parser.retry, Some(Duration::from_secs(2)));
        }
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut parser = Parser::default();
        let piece = Bytes::from(vec![b'x'; BODY_BYTES_MAX + 1]);
        assert_eq!(parser.push(&piece), None);
    }
}
