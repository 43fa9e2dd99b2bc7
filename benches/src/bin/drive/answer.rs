//! An answer, as far as it is looked at: the status line and the `content-length`.

/// The most bytes of an answer: a place with its ticket and its pass takes about 1 KiB.
pub(crate) const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Where an answer ends and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Head and body together.
    pub(crate) length: usize,
}

impl Answer {
    /// Reads the answer at the front of some bytes, if all of it is there.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<Self>, String> {
        let answer = head(bytes)?;
        if answer.map_or(bytes.len(), |answer| answer.length) > ANSWER_BYTES_MAX {
            return Err(format!("an answer of more than {ANSWER_BYTES_MAX} bytes"));
        }
        Ok(answer.filter(|answer| answer.length <= bytes.len()))
    }

    /// Whether the request was done.
    pub(crate) fn is_good(self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Reads the head if all of it is there.
fn head(bytes: &[u8]) -> Result<Option<Answer>, String> {
    let mut at = 0;
    let mut body = None;
    while let Some(length) = bytes[at..].iter().position(|&byte| byte == b'\n') {
        let line = &bytes[at..at + length];
        at += length + 1;
        if line == b"\r" {
            let body: usize = body.ok_or("an answer without content-length")?;
            return Ok(Some(Answer { status: status(bytes)?, length: at.saturating_add(body) }));
        }
        if line.len() > 15 && line[..15].eq_ignore_ascii_case(b"content-length:") {
            let text = std::str::from_utf8(&line[15..]).map_err(|error| error.to_string())?;
            body = Some(text.trim().parse().map_err(|error| format!("content-length: {error}"))?);
        }
    }
    Ok(None)
}

fn status(bytes: &[u8]) -> Result<u16, String> {
    let digits = bytes.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| "no status line".to_owned())
}

/// The text behind `name`, up to the next quote.
pub(crate) fn value_of<'b>(bytes: &'b [u8], name: &[u8]) -> Option<&'b [u8]> {
    let from = bytes.windows(name.len()).position(|window| window == name)? + name.len();
    let length = bytes[from..].iter().position(|&byte| byte == b'"')?;
    Some(&bytes[from..from + length])
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] = b"HTTP/1.1 202 Accepted\r\nContent-Length: 13\r\n\r\n{\"pass\":\"a\"}\n";

    #[test]
    fn an_answer_is_read_when_all_of_it_is_there() {
        let whole = Answer { status: 202, length: WHOLE.len() };
        for length in 0..WHOLE.len() {
            assert_eq!(Answer::read(&WHOLE[..length]).unwrap(), None);
        }
        assert_eq!(Answer::read(WHOLE).unwrap(), Some(whole));
        assert_eq!(Answer::read(&WHOLE.repeat(2)).unwrap(), Some(whole));
        assert_eq!(value_of(WHOLE, b"\"pass\":\""), Some(&b"a"[..]));
        assert!(whole.is_good());
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert!(Answer::read(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(Answer::read(b"SSH-2.0\r\ncontent-length: 0\r\n\r\n").is_err());
        assert!(Answer::read(b"HTTP/1.1 200 OK\r\ncontent-length: 65536\r\n\r\n").is_err());
        assert!(Answer::read(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n").is_err());
    }
}
