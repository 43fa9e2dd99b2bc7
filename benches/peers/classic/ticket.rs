//! A ticket of the classic design: the member's name and nothing that would prove it.
//!
//! As long as ours, 84 characters: 22 of the member (128 bits in base64url), 16 hex digits of its
//! number, and filling. Reading it back is taking it apart.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use benches::Rng;

/// Characters of a ticket, as in ours.
const TICKET_BYTES: usize = 84;
const MEMBER_BYTES: usize = 22;
const NUMBER_BYTES: usize = 16;
/// A pass of ours is as long for a sale with a short name.
const PASS_BYTES: usize = 344;

/// Where the seeds of those begin who enter while it runs: far above any number of those put in
/// line before, and no two seeds give one member.
const ENTRANTS_FROM: u64 = 1 << 40;

/// A place in the classic line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    member: [u8; MEMBER_BYTES],
    /// Its place at the entry, from 1.
    pub(crate) number: u64,
}

impl Ticket {
    /// Of the member that was put in line as this number before the start.
    pub(crate) fn filled(number: u64) -> Self {
        Self { member: member(Rng::new(number).next_u128()), number }
    }

    /// Of the member that enters as this one; its number is to be found out.
    pub(crate) fn entrant(serial: u64) -> Self {
        Self::filled(ENTRANTS_FROM + serial).at(0)
    }

    /// Of the member that an idempotency key stands for.
    pub(crate) fn keyed(key: &[u8]) -> Self {
        let hash = blake3::hash(key);
        let mut bits = [0; 16];
        bits.copy_from_slice(&hash.as_bytes()[..16]);
        Self { member: member(u128::from_le_bytes(bits)), number: 0 }
    }

    /// The same with its number.
    pub(crate) fn at(self, number: u64) -> Self {
        Self { number, ..self }
    }

    /// The member, as it stands in the sorted set.
    pub(crate) fn member(&self) -> &[u8] {
        &self.member
    }

    pub(crate) fn text(&self) -> String {
        format!("{}{:016x}{:A<46}", String::from_utf8_lossy(&self.member), self.number, "")
    }

    /// Reads a ticket, or a pass, which begins with one.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let (member, rest) = text.split_first_chunk::<MEMBER_BYTES>()?;
        let digits = str::from_utf8(rest.get(..NUMBER_BYTES)?).ok()?;
        let whole = text.len() == TICKET_BYTES || text.len() == PASS_BYTES;
        let number = u64::from_str_radix(digits, 16).ok()?;
        whole.then_some(Self { member: *member, number })
    }

    /// What stands for a pass once it is let in.
    pub(crate) fn pass(&self) -> String {
        format!("{:A<PASS_BYTES$}", self.text())
    }
}

fn member(bits: u128) -> [u8; MEMBER_BYTES] {
    let mut text = [0; MEMBER_BYTES];
    let written = URL_SAFE_NO_PAD.encode_slice(bits.to_le_bytes(), &mut text);
    assert_eq!(written, Ok(MEMBER_BYTES), "16 bytes are 22 characters");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_and_a_pass_read_back() {
        for ticket in [Ticket::filled(1), Ticket::keyed(b"key").at(77)] {
            assert_eq!(ticket.text().len(), TICKET_BYTES);
            assert_eq!(Ticket::read(ticket.text().as_bytes()), Some(ticket));
            assert_eq!(Ticket::read(ticket.pass().as_bytes()), Some(ticket));
        }
        for wrong in ["", "short", &"x".repeat(TICKET_BYTES), &"0".repeat(TICKET_BYTES + 1)] {
            assert_eq!(Ticket::read(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn members_differ() {
        let of = |ticket: Ticket| ticket.member;
        assert_ne!(of(Ticket::filled(1)), of(Ticket::filled(2)));
        assert_ne!(of(Ticket::entrant(1)), of(Ticket::filled(1)));
        assert_ne!(of(Ticket::keyed(b"1")), of(Ticket::keyed(b"2")));
    }
}
