//! The trace that a request belongs to, as its `traceparent` says (W3C Trace Context).
//!
//! Owns the check of that header. Rushgate makes no spans and begins no traces: of a caller's trace
//! it takes the id, so that what it logs and hands on can be found from there.

use std::fmt;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

/// The header that carries a trace from one service to the next.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Characters of version 00; later versions begin with as many of the same.
const CHARS: usize = 55;

/// The id of a trace: 16 bytes, not all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(u128);

impl TraceId {
    /// The trace of a request; `None` without exactly one well-formed `traceparent`.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let first = headers.get(TRACEPARENT)?;
        let is_one = headers.get_all(TRACEPARENT).iter().nth(1).is_none();
        if is_one { Self::read(first) } else { None }
    }

    /// `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`, in lower case, as section 3.2 has it.
    fn read(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let (known, rest) = bytes.split_at_checked(CHARS)?;
        let version = number(&known[..2])?;
        let is_whole = rest.is_empty() || version > 0 && rest[0] == b'-';
        let is_dashed = [2, 35, 52].iter().all(|&at| known[at] == b'-');
        let (trace, parent) = (number(&known[3..35])?, number(&known[36..52])?);
        number(&known[53..])?;
        let fits = is_whole && is_dashed && version != 0xff && trace != 0 && parent != 0;
        fits.then_some(Self(trace))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The number that lower-case hex digits write, 32 of them or fewer.
fn number(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, &digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of(lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(TRACEPARENT, HeaderValue::from_str(line).unwrap());
        }
        TraceId::of(&headers).map(|trace| trace.to_string())
    }

    #[test]
    fn a_trace_is_taken_from_one_well_formed_header_of_this_or_a_later_version() {
        let trace = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
        assert_eq!(of(&[GOOD]), trace);
        assert_eq!(of(&[&GOOD.replace("00-4", "01-4")]), trace);
        assert_eq!(of(&[&format!("{}-more", GOOD.replace("00-4", "cc-4"))]), trace);
        let zero = |text: &str| GOOD.replace(text, &"0".repeat(text.len()));
        for text in [
            "",
            &GOOD[..54],
            &format!("{GOOD}-more"),
            &format!("{}x", GOOD.replace("00-4", "01-4")),
            &GOOD.replace("00-4", "ff-4"),
            &GOOD.replace('f', "F"),
            &GOOD.replace('-', "_"),
            &zero("4bf92f3577b34da6a3ce929d0e0e4736"),
            &zero("00f067aa0ba902b7"),
        ] {
            assert_eq!(of(&[text]), None, "{text}");
        }
        assert_eq!(of(&[GOOD, GOOD]), None);
        assert_eq!(of(&[]), None);
    }
}
