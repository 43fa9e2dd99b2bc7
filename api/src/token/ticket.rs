//! Tickets: a place in line as 84 characters that only we can have written.
//!
//! Owns the layout and its verification. Opening runs on every poll, so it works on the stack with
//! one base64 pass and one BLAKE3 compression. The text is canonical: 63 bytes are exactly 84
//! characters, so one place has one ticket text and any changed character is refused.
//!
//! | bytes | field |
//! |---|---|
//! | 1 | version, 1 |
//! | 2 | key id: the first bytes of the hash of the ticket key |
//! | 8 | sale tag |
//! | 4 | epoch |
//! | 8 | number |
//! | 16 | shopper key |
//! | 8 | issued at, milliseconds since the Unix epoch |
//! | 16 | keyed BLAKE3 over all of the above, truncated |
//!
//! Integers are little-endian. The MAC is checked before any field is believed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::clock::Millis;
use engine::id::{Epoch, Number, SaleTag, ShopperKey};
use subtle::ConstantTimeEq as _;

use super::derived::MAC_BYTES;
use super::keyring::Keyring;

const VERSION: u8 = 1;
const BODY_BYTES: usize = 1 + 2 + 8 + 4 + 8 + 16 + 8;
const TICKET_BYTES: usize = BODY_BYTES + MAC_BYTES;

/// A ticket's length as text; no shorter or longer text is a ticket.
pub const TICKET_TEXT_BYTES: usize = TICKET_BYTES / 3 * 4;

const _: () = {
    // No slack bits in the last character, so the text has one form.
    assert!(TICKET_BYTES.is_multiple_of(3));
    // One BLAKE3 block: a single compression.
    assert!(BODY_BYTES <= 64);
};

/// A place in line, as its token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The sale whose line it is.
    pub sale: SaleTag,
    /// The epoch that issued the number.
    pub epoch: Epoch,
    /// The place's number.
    pub number: Number,
    /// Whose place it is.
    pub shopper: ShopperKey,
    /// When the place was issued.
    pub issued_at: Millis,
}

/// Why a text is not a ticket of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketError {
    /// Not 84 characters of canonical base64url.
    Malformed,
    /// A layout version this program does not know.
    UnknownVersion,
    /// Sealed with no key of ours.
    UnknownKey,
    /// The MAC does not fit the contents.
    Forged,
    /// A true ticket, for another sale.
    WrongSale,
}

impl fmt::Display for TicketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a ticket",
            Self::UnknownVersion => "a ticket of an unknown version",
            Self::UnknownKey => "a ticket of an unknown key",
            Self::Forged => "a ticket that does not verify",
            Self::WrongSale => "a ticket for another sale",
        })
    }
}

impl std::error::Error for TicketError {}

/// A sealed ticket's text, on the stack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TicketText([u8; TICKET_TEXT_BYTES]);

impl TicketText {
    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The text's bytes, all base64url characters.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for TicketText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketText(…)")
    }
}

impl Keyring {
    /// Seals a ticket with the current key. The same ticket always gives the same text.
    pub fn seal_ticket(&self, ticket: &Ticket) -> TicketText {
        let mut bytes = [0; TICKET_BYTES];
        encode(ticket, self.ticket.id, &mut bytes);
        let mac = self.ticket.mac(&bytes[..BODY_BYTES]);
        bytes[BODY_BYTES..].copy_from_slice(&mac);

        let mut text = [0; TICKET_TEXT_BYTES];
        let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
        debug_assert_eq!(written, Ok(TICKET_TEXT_BYTES), "63 bytes fill 84 characters");
        TicketText(text)
    }

    /// Opens a ticket sealed with the current or the previous key, for any sale.
    pub fn open_ticket(&self, text: &[u8]) -> Result<Ticket, TicketError> {
        let text: &[u8; TICKET_TEXT_BYTES] = text.try_into().map_err(|_| TicketError::Malformed)?;
        // The decoder asks for room for whole triples; this is exactly that.
        let mut bytes = [0; TICKET_BYTES];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(TICKET_BYTES) => {}
            Ok(_) | Err(_) => return Err(TicketError::Malformed),
        }
        if bytes[0] != VERSION {
            return Err(TicketError::UnknownVersion);
        }
        let (body, mac) = bytes.split_at(BODY_BYTES);
        let id = [body[1], body[2]];
        let keys = std::iter::once(&self.ticket).chain(&self.ticket_others);
        let mut error = TicketError::UnknownKey;
        // Two keys may share an id once in 65,536 rotations; each one with the id is tried.
        for key in keys.filter(|key| key.id == id) {
            if bool::from(key.mac(body).ct_eq(mac)) {
                return Ok(decode(body));
            }
            error = TicketError::Forged;
        }
        Err(error)
    }

    /// Opens a ticket as [`Self::open_ticket`] does, and only for `sale`.
    pub fn open_ticket_for(&self, sale: SaleTag, text: &[u8]) -> Result<Ticket, TicketError> {
        let ticket = self.open_ticket(text)?;
        if ticket.sale == sale { Ok(ticket) } else { Err(TicketError::WrongSale) }
    }
}

fn encode(ticket: &Ticket, key_id: [u8; 2], bytes: &mut [u8; TICKET_BYTES]) {
    bytes[0] = VERSION;
    bytes[1..3].copy_from_slice(&key_id);
    bytes[3..11].copy_from_slice(&ticket.sale.0.to_le_bytes());
    bytes[11..15].copy_from_slice(&ticket.epoch.0.to_le_bytes());
    bytes[15..23].copy_from_slice(&ticket.number.0.to_le_bytes());
    bytes[23..39].copy_from_slice(&ticket.shopper.0.to_le_bytes());
    bytes[39..47].copy_from_slice(&ticket.issued_at.0.to_le_bytes());
}

fn decode(body: &[u8]) -> Ticket {
    fn field<const N: usize>(body: &[u8], at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&body[at..at + N]);
        bytes
    }
    Ticket {
        sale: SaleTag(u64::from_le_bytes(field(body, 3))),
        epoch: Epoch(u32::from_le_bytes(field(body, 11))),
        number: Number(u64::from_le_bytes(field(body, 15))),
        shopper: ShopperKey(u128::from_le_bytes(field(body, 23))),
        issued_at: Millis(u64::from_le_bytes(field(body, 39))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::keyring::tests::{NEW, OLD, keyring};
    use super::*;

    fn ticket() -> Ticket {
        Ticket {
            sale: SaleTag(0x0123_4567_89ab_cdef),
            epoch: Epoch(7),
            number: Number(1_000_001),
            shopper: ShopperKey(u128::MAX - 5),
            issued_at: Millis(1_800_000_000_123),
        }
    }

    #[test]
    fn opening_gives_back_what_was_sealed() {
        let ring = keyring(NEW, None);
        let text = ring.seal_ticket(&ticket());
        assert_eq!(text.as_str().len(), TICKET_TEXT_BYTES);
        assert_eq!(ring.open_ticket(text.as_bytes()), Ok(ticket()));
        assert_eq!(ring.seal_ticket(&ticket()), text, "sealing is deterministic");
    }

    #[test]
    fn every_changed_byte_and_every_length_is_refused() {
        let ring = keyring(NEW, Some(OLD));
        let text = ring.seal_ticket(&ticket());
        for at in 0..TICKET_TEXT_BYTES {
            for byte in 0..=u8::MAX {
                let mut changed = *text.as_bytes().first_chunk::<TICKET_TEXT_BYTES>().unwrap();
                if changed[at] != byte {
                    changed[at] = byte;
                    assert!(ring.open_ticket(&changed).is_err(), "byte {at} set to {byte}");
                }
            }
            assert_eq!(ring.open_ticket(&text.as_bytes()[..at]), Err(TicketError::Malformed));
        }
        let longer = [text.as_bytes(), b"A"].concat();
        assert_eq!(ring.open_ticket(&longer), Err(TicketError::Malformed));
    }

    #[test]
    fn a_ticket_works_only_for_its_sale() {
        let ring = keyring(NEW, None);
        let text = ring.seal_ticket(&ticket());
        assert!(ring.open_ticket_for(ticket().sale, text.as_bytes()).is_ok());
        let other = ring.open_ticket_for(SaleTag(1), text.as_bytes());
        assert_eq!(other, Err(TicketError::WrongSale));
    }

    #[test]
    fn rotation_opens_old_tickets_until_the_previous_secret_goes() {
        let text = keyring(OLD, None).seal_ticket(&ticket());
        assert_eq!(keyring(NEW, Some(OLD)).open_ticket(text.as_bytes()), Ok(ticket()));
        assert!(keyring(NEW, None).open_ticket(text.as_bytes()).is_err());
        let renewed = keyring(NEW, Some(OLD)).seal_ticket(&ticket());
        assert_eq!(keyring(NEW, None).open_ticket(renewed.as_bytes()), Ok(ticket()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_opening_panic_or_pass(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
            prop_assert!(keyring(NEW, None).open_ticket(&bytes).is_err());
        }

        #[test]
        fn no_canonical_text_passes_by_chance(bytes in prop::array::uniform32(any::<u8>())) {
            let mut whole = [0; TICKET_BYTES];
            whole[..32].copy_from_slice(&bytes);
            whole[0] = VERSION;
            let text = URL_SAFE_NO_PAD.encode(whole);
            prop_assert!(keyring(NEW, None).open_ticket(text.as_bytes()).is_err());
        }
    }
}
