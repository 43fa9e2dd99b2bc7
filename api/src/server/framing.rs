//! Strict HTTP/1.1 framing: where a request ends, decided before hyper sees the bytes.
//!
//! Owns one question: may these bytes be read in two ways by two implementations? hyper takes bare
//! LF, drops `Content-Length` beside `Transfer-Encoding` and forgives chunk extensions; a proxy in
//! front may see other requests there than we do (request smuggling). This scanner follows the
//! bytes of one connection and refuses whatever is not plain. It never decides what a request
//! means: hyper parses the same bytes again, so a fault here can only refuse too much.
//!
//! Refused: line ends other than CRLF, folded headers, more than one `Content-Length`, one that is
//! not plain digits, `Transfer-Encoding` other than a single `chunked`, both together, chunk
//! extensions, trailers. HTTP/2 connections are recognised by their preface and left alone.

use memchr::memchr;

/// What an HTTP/2 connection starts with (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes of a header line that are kept when it arrives in pieces: the longest that matters is
/// `transfer-encoding: chunked` or a `content-length` of 19 digits, with room for some spaces.
const LINE_PREFIX_BYTES: usize = 48;

/// Hex digits of a chunk's length: 4 GiB, far over any body limit.
const CHUNK_DIGITS_MAX: u8 = 8;

/// The bytes from here on cannot be framed beyond doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Index into the scanned bytes of the first byte that must not be passed on.
    pub(crate) at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// HTTP/2, or refused already: nothing more to watch.
    Unwatched,
    /// Before a request line, where blank lines may stand.
    Start,
    /// After a request line, before the blank line.
    Headers,
    /// In a body of known length.
    Body {
        left: u64,
    },
    ChunkSize {
        size: u64,
        digits: u8,
    },
    ChunkSizeLf {
        size: u64,
    },
    ChunkData {
        left: u64,
    },
    ChunkEndCr,
    ChunkEndLf,
    LastCr,
    LastLf,
}

/// The framing of one connection so far.
#[derive(Debug)]
pub(crate) struct Framing {
    state: State,
    /// Bytes of the HTTP/2 preface matched since the connection began; `None` once they differ.
    preface: Option<u8>,
    /// The start of a line whose end has not arrived.
    prefix: [u8; LINE_PREFIX_BYTES],
    /// Length of that line so far; may exceed what `prefix` holds.
    line_len: usize,
    /// Last byte of that line so far.
    line_last: u8,
    content_length: Option<u64>,
    chunked: bool,
}

impl Framing {
    pub(crate) const fn new() -> Self {
        Self {
            state: State::Start,
            preface: Some(0),
            prefix: [0; LINE_PREFIX_BYTES],
            line_len: 0,
            line_last: 0,
            content_length: None,
            chunked: false,
        }
    }

    /// Whether a request head has begun and not ended.
    pub(crate) const fn inside_head(&self) -> bool {
        matches!(self.state, State::Headers) || self.inside_target()
    }

    /// Whether a request line has begun and not ended.
    pub(crate) const fn inside_target(&self) -> bool {
        matches!(self.state, State::Start) && self.line_len > 0
    }

    /// Follows the next bytes of the connection. After a refusal nothing is watched any more: the
    /// connection must end.
    pub(crate) fn scan(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        if self.state == State::Unwatched || self.is_http2(bytes) {
            return Ok(());
        }
        let mut at = 0;
        while at < bytes.len() {
            match self.step(bytes, at) {
                Ok(next) => at = next,
                Err(refused) => {
                    self.state = State::Unwatched;
                    return Err(refused);
                }
            }
        }
        Ok(())
    }

    /// Compares the connection's first bytes with the preface; switches the watch off on a match.
    fn is_http2(&mut self, bytes: &[u8]) -> bool {
        let Some(matched) = self.preface else { return false };
        let rest = &PREFACE[usize::from(matched)..];
        let compared = rest.len().min(bytes.len());
        if rest[..compared] != bytes[..compared] {
            self.preface = None;
            return false;
        }
        if compared == rest.len() {
            self.state = State::Unwatched;
            return true;
        }
        self.preface = u8::try_from(usize::from(matched) + compared).ok();
        false
    }

    /// Consumes at least one byte at `at`; answers where to go on.
    fn step(&mut self, bytes: &[u8], at: usize) -> Result<usize, Refused> {
        let byte = bytes[at];
        let refused = Err(Refused { at });
        let left_here = (bytes.len() - at) as u64;
        self.state = match self.state {
            State::Unwatched => return Ok(bytes.len()),
            State::Start | State::Headers => return self.head(bytes, at),
            State::Body { left } => {
                let taken = left.min(left_here);
                self.state = after_body(left - taken);
                return Ok(at + usize::try_from(taken).unwrap_or(usize::MAX));
            }
            State::ChunkData { left } => {
                let taken = left.min(left_here);
                let left = left - taken;
                self.state = if left == 0 { State::ChunkEndCr } else { State::ChunkData { left } };
                return Ok(at + usize::try_from(taken).unwrap_or(usize::MAX));
            }
            State::ChunkSize { size, digits } => match (hex_value(byte), byte) {
                (Some(value), _) if digits < CHUNK_DIGITS_MAX => {
                    State::ChunkSize { size: size * 16 + value, digits: digits + 1 }
                }
                (None, b'\r') if digits > 0 => State::ChunkSizeLf { size },
                _ => return refused,
            },
            State::ChunkSizeLf { size } if byte == b'\n' => match size {
                0 => State::LastCr,
                left => State::ChunkData { left },
            },
            State::ChunkEndCr if byte == b'\r' => State::ChunkEndLf,
            State::ChunkEndLf if byte == b'\n' => State::ChunkSize { size: 0, digits: 0 },
            State::LastCr if byte == b'\r' => State::LastLf,
            State::LastLf if byte == b'\n' => State::Start,
            State::ChunkSizeLf { .. }
            | State::ChunkEndCr
            | State::ChunkEndLf
            | State::LastCr
            | State::LastLf => return refused,
        };
        Ok(at + 1)
    }

    /// Reads up to the end of the line or of the bytes.
    fn head(&mut self, bytes: &[u8], at: usize) -> Result<usize, Refused> {
        let rest = &bytes[at..];
        let Some(length) = memchr(b'\n', rest) else {
            self.keep(rest);
            return Ok(bytes.len());
        };
        let line_feed = at + length;
        let plain = if self.line_len == 0 {
            self.line(&rest[..length], length)
        } else {
            self.keep(&rest[..length]);
            let prefix = self.prefix;
            let kept = self.line_len.min(LINE_PREFIX_BYTES);
            if self.line_last == b'\r' { self.line(&prefix[..kept], self.line_len) } else { None }
        };
        self.line_len = 0;
        plain.map(|()| line_feed + 1).ok_or(Refused { at: line_feed })
    }

    fn keep(&mut self, piece: &[u8]) {
        if let Some(&last) = piece.last() {
            self.line_last = last;
        }
        let from = self.line_len.min(LINE_PREFIX_BYTES);
        let kept = piece.len().min(LINE_PREFIX_BYTES - from);
        self.prefix[from..from + kept].copy_from_slice(&piece[..kept]);
        self.line_len += piece.len();
    }

    /// Judges one line without its LF. `line` may be only the start of a longer one of `length`
    /// bytes, whose last byte is known to be CR. A framing header longer than what is kept of a line in
    /// pieces is refused however it arrives.
    fn line(&mut self, line: &[u8], length: usize) -> Option<()> {
        let whole = length <= LINE_PREFIX_BYTES;
        let text = if line.len() == length { line.strip_suffix(b"\r")? } else { line };
        match (self.state, text.is_empty()) {
            (State::Start, true) => Some(()),
            (State::Start, false) => {
                (self.content_length, self.chunked) = (None, false);
                self.state = State::Headers;
                Some(())
            }
            (_, true) => self.head_ended(),
            (_, false) => self.header(text, whole),
        }
    }

    fn header(&mut self, text: &[u8], whole: bool) -> Option<()> {
        match text[0] {
            b' ' | b'\t' => None,
            b'c' | b'C' | b't' | b'T' => {
                let colon = text.iter().position(|&byte| byte == b':').unwrap_or(text.len());
                let (name, value) = text.split_at(colon);
                if name.eq_ignore_ascii_case(b"content-length") {
                    let length = plain_number(value.get(1..)?.trim_ascii())?;
                    (whole && self.content_length.replace(length).is_none()).then_some(())
                } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                    let plain = value.get(1..)?.trim_ascii().eq_ignore_ascii_case(b"chunked");
                    (whole && plain && !std::mem::replace(&mut self.chunked, true)).then_some(())
                } else {
                    Some(())
                }
            }
            _ => Some(()),
        }
    }

    fn head_ended(&mut self) -> Option<()> {
        self.state = match (self.chunked, self.content_length) {
            (true, Some(_)) => return None,
            (true, None) => State::ChunkSize { size: 0, digits: 0 },
            (false, length) => after_body(length.unwrap_or(0)),
        };
        Some(())
    }
}

const fn after_body(left: u64) -> State {
    if left == 0 { State::Start } else { State::Body { left } }
}

fn hex_value(byte: u8) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from)
}

/// Up to 18 decimal digits and nothing else, so that no sum overflows.
fn plain_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0, |sum, &digit| sum * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    /// Scans whole, then byte by byte: both must agree on the verdict.
    fn verdict(bytes: &[u8]) -> Result<Framing, usize> {
        let mut whole = Framing::new();
        let at_once = whole.scan(bytes).map_err(|refused| refused.at);
        let mut pieces = Framing::new();
        let mut piecewise = Ok(());
        for (index, byte) in bytes.iter().enumerate() {
            piecewise = pieces.scan(std::slice::from_ref(byte)).map_err(|_| index);
            if piecewise.is_err() {
                break;
            }
        }
        assert_eq!(at_once, piecewise, "{}", String::from_utf8_lossy(bytes));
        if at_once.is_ok() {
            assert_eq!(whole.state, pieces.state);
        }
        at_once.map(|()| whole)
    }

    fn post(headers: &str, body: &str) -> Vec<u8> {
        format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n{body}").into_bytes()
    }

    #[test]
    fn plain_requests_pass_and_end_where_they_end() {
        for (headers, body) in [
            ("", ""),
            ("Content-Length: 0\r\n", ""),
            ("content-length:5\r\n", "he\nlo"),
            ("Transfer-Encoding: Chunked\r\n", "5\r\nhel\n\r\r\n0\r\n\r\n"),
        ] {
            let mut bytes = post(headers, body);
            assert_eq!(verdict(&bytes).unwrap().state, State::Start, "{headers}");
            bytes.extend_from_slice(GET);
            assert_eq!(verdict(&bytes).unwrap().state, State::Start, "{headers}");
        }
    }

    #[test]
    fn ambiguous_framing_is_refused() {
        for (headers, body) in [
            ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", ""),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", ""),
            ("Content-Length: 5\r\nContent-Length: 5\r\n", ""),
            ("Content-Length: 5, 5\r\n", ""),
            ("Content-Length: +5\r\n", ""),
            ("Content-Length: 9999999999999999999\r\n", ""),
            ("Content-Length: 0x5\r\n", ""),
            ("Content-Length:\r\n", ""),
            ("Transfer-Encoding: gzip, chunked\r\n", ""),
            ("Transfer-Encoding: xchunked\r\n", ""),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", ""),
            ("X: 1\r\n folded\r\n", ""),
            ("X: 1\nY: 2\r\n", ""),
            ("\n", ""),
            ("Transfer-Encoding: chunked\r\n", "5;a=b\r\nhello\r\n0\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\n", "5 \r\nhello\r\n0\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\n", "5\nhello\r\n0\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\n", "5\r\nhelloX\r\n0\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\n", "fffffffff\r\n"),
            ("Transfer-Encoding: chunked\r\n", "-1\r\n"),
            ("Transfer-Encoding: chunked\r\n", "0\r\nX: y\r\n\r\n"),
        ] {
            assert!(verdict(&post(headers, body)).is_err(), "{headers:?} {body:?} passed");
        }
        let padded = format!("Content-Length: {}5\r\n", " ".repeat(80));
        assert!(verdict(&post(&padded, "")).is_err());
    }

    #[test]
    fn http2_is_left_alone() {
        let mut bytes = PREFACE.to_vec();
        bytes.extend_from_slice(b"\n\0anything\n \n");
        assert_eq!(verdict(&bytes).unwrap().state, State::Unwatched);
    }

    #[test]
    fn a_head_is_open_from_its_first_byte_to_the_blank_line() {
        for end in 1..GET.len() {
            let mut framing = Framing::new();
            framing.scan(&GET[..end]).unwrap();
            assert!(framing.inside_head(), "after {end} bytes");
        }
        assert!(!verdict(GET).unwrap().inside_head());
    }
}
