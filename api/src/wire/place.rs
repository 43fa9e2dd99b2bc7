//! The place object, and the fast way to write it.
//!
//! A position answer is the hottest bytes of the program, so [`write_place`] writes them straight
//! into the response buffer. The derived `Serialize` is the definition it is tested against.

use engine::clock::Millis;
use serde::Serialize;

use super::time::{self, write_time};

/// Where a shopper stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceObject<'a> {
    /// The sale's name.
    pub sale: &'a str,
    /// What the place is at.
    pub state: PlaceState,
    /// The number in line.
    pub number: u64,
    /// `ahead + 1`, 0 once admitted.
    pub position: u64,
    /// People ahead.
    pub ahead: u64,
    /// The gate's watermark.
    pub serving: u64,
    /// People in line.
    pub line_length: u64,
    /// The estimated wait, when one can be given.
    pub eta_seconds: Option<EtaSeconds>,
    /// When to ask again.
    pub poll_after_ms: u64,
    /// When the ticket departs if it is not heard of.
    #[serde(serialize_with = "time::serialize")]
    pub expires_at: Millis,
    /// The pass, once admitted.
    pub pass: Option<&'a str>,
    /// When the pass no longer holds.
    #[serde(serialize_with = "time::serialize_option")]
    pub pass_expires_at: Option<Millis>,
    /// The operator's word to everyone.
    pub message: Option<&'a str>,
    /// The ticket; only in the answer to an entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<&'a str>,
}

/// What a place is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceState {
    /// Registered for a draw; no number yet.
    Lobby,
    /// In line.
    Waiting,
    /// Called; the next poll claims it.
    Ready,
    /// Let in, the pass is here.
    Admitted,
    /// Nothing is left to buy.
    SoldOut,
    /// The sale is over.
    Closed,
}

impl PlaceState {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lobby => "lobby",
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Admitted => "admitted",
            Self::SoldOut => "sold_out",
            Self::Closed => "closed",
        }
    }
}

/// An estimated wait in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct EtaSeconds {
    /// At the best.
    pub min: u32,
    /// At the pace measured lately.
    pub max: u32,
}

/// Appends the object as JSON. The sale's name, the pass and the ticket hold no character that
/// JSON would escape; the message is escaped.
pub fn write_place(place: &PlaceObject<'_>, out: &mut Vec<u8>) {
    debug_assert!(is_plain(place.sale), "a sale name has no character to escape");
    let mut integers = itoa::Buffer::new();
    let mut integer = |out: &mut Vec<u8>, name: &[u8], value: u64| {
        out.extend_from_slice(name);
        out.extend_from_slice(integers.format(value).as_bytes());
    };
    text(out, b"{\"sale\":", place.sale);
    text(out, b",\"state\":", place.state.word());
    integer(out, b",\"number\":", place.number);
    integer(out, b",\"position\":", place.position);
    integer(out, b",\"ahead\":", place.ahead);
    integer(out, b",\"serving\":", place.serving);
    integer(out, b",\"line_length\":", place.line_length);
    match place.eta_seconds {
        Some(eta) => {
            integer(out, b",\"eta_seconds\":{\"min\":", eta.min.into());
            integer(out, b",\"max\":", eta.max.into());
            out.push(b'}');
        }
        None => out.extend_from_slice(b",\"eta_seconds\":null"),
    }
    integer(out, b",\"poll_after_ms\":", place.poll_after_ms);
    time(out, b",\"expires_at\":", Some(place.expires_at));
    optional_text(out, b",\"pass\":", place.pass);
    time(out, b",\"pass_expires_at\":", place.pass_expires_at);
    match place.message {
        Some(message) => {
            out.extend_from_slice(b",\"message\":");
            let written = serde_json::to_writer(&mut *out, message);
            debug_assert!(written.is_ok(), "a text always serialises into memory");
        }
        None => out.extend_from_slice(b",\"message\":null"),
    }
    if let Some(ticket) = place.ticket {
        text(out, b",\"ticket\":", ticket);
    }
    out.push(b'}');
}

fn text(out: &mut Vec<u8>, name: &[u8], value: &str) {
    debug_assert!(is_plain(value), "only the message may need escapes");
    out.extend_from_slice(name);
    out.push(b'"');
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}

fn optional_text(out: &mut Vec<u8>, name: &[u8], value: Option<&str>) {
    match value {
        Some(value) => text(out, name, value),
        None => null(out, name),
    }
}

fn time(out: &mut Vec<u8>, name: &[u8], value: Option<Millis>) {
    let Some(value) = value else { return null(out, name) };
    out.extend_from_slice(name);
    out.push(b'"');
    write_time(value, out);
    out.push(b'"');
}

fn null(out: &mut Vec<u8>, name: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b"null");
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_fast_writer_writes_what_serde_writes(
            numbers in prop::array::uniform6(any::<u64>()),
            state in 0_usize..6,
            eta in prop::option::of((any::<u32>(), any::<u32>())),
            expires_at in any::<u64>(),
            pass in prop::option::of("[A-Za-z0-9_.-]{1,40}"),
            pass_expires_at in prop::option::of(any::<u64>()),
            message in prop::option::of(any::<String>()),
            ticket in prop::option::of("[A-Za-z0-9_-]{84}"),
        ) {
            let states = [PlaceState::Lobby, PlaceState::Waiting, PlaceState::Ready,
                PlaceState::Admitted, PlaceState::SoldOut, PlaceState::Closed];
            let [number, position, ahead, serving, line_length, poll_after_ms] = numbers;
            let place = PlaceObject {
                sale: "demo-2",
                state: states[state],
                number, position, ahead, serving, line_length, poll_after_ms,
                eta_seconds: eta.map(|(min, max)| EtaSeconds { min, max }),
                expires_at: Millis(expires_at),
                pass: pass.as_deref(),
                pass_expires_at: pass_expires_at.map(Millis),
                message: message.as_deref(),
                ticket: ticket.as_deref(),
            };
            let mut fast = Vec::new();
            write_place(&place, &mut fast);
            prop_assert_eq!(String::from_utf8(fast).unwrap(), serde_json::to_string(&place).unwrap());
        }
    }
}
