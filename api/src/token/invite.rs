//! Invitations: 68 characters that only we can have written, each good for one entry into one sale as it was
//! created. A sale that is deleted and made again under the same name is another one.
//!
//! Owns the layout and its verification. An invitation is made when an operator asks for it, and nothing
//! is kept of it: that it was used is a fact of the sale, decided with the entry
//! ([`engine::spec::SaleSpec::enters_once`]). The text is canonical, as a ticket's.
//!
//! | bytes | field |
//! |---|---|
//! | 1 | version, 1 |
//! | 2 | key id: the first bytes of the hash of the invitation key |
//! | 8 | hash of the sale's tag, epoch and time of creation |
//! | 16 | id, random |
//! | 8 | expires at, milliseconds since the Unix epoch; all ones: never |
//! | 16 | keyed BLAKE3 over all of the above, truncated |
//!
//! Integers are little-endian. The MAC is checked before any field is believed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::clock::Millis;
use engine::id::{Epoch, SaleTag};
use subtle::ConstantTimeEq as _;

use super::derived::MAC_BYTES;
use super::keyring::Keyring;

const VERSION: u8 = 1;
const BODY_BYTES: usize = 1 + 2 + 8 + 16 + 8;
const INVITE_BYTES: usize = BODY_BYTES + MAC_BYTES;
/// An invitation's length as text.
const TEXT_BYTES: usize = INVITE_BYTES / 3 * 4;

const _: () = {
    // No slack bits in the last character, so the text has one form.
    assert!(INVITE_BYTES.is_multiple_of(3));
    // One BLAKE3 block: a single compression.
    assert!(BODY_BYTES <= 64);
};

/// A sale as it was created: by its name, its epoch and the time of its creation. It keeps them through every restart
/// and rebuild, and no other sale of that name has them: not after it was deleted, and not in a fresh data directory,
/// where epochs begin again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatedSale(u64);

impl CreatedSale {
    /// The sale of this name and epoch that was created then.
    pub fn new(sale: SaleTag, epoch: Epoch, created_at: Millis) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("rushgate invited sale 1");
        hasher.update(&sale.0.to_le_bytes());
        hasher.update(&epoch.0.to_le_bytes());
        hasher.update(&created_at.0.to_le_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Self(u64::from_le_bytes(first))
    }
}

/// Permission to enter a sale once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invite {
    /// The sale it invites to.
    pub sale: CreatedSale,
    /// What tells it from every other.
    pub id: u128,
    /// When it no longer holds; `None`: as long as the sale.
    pub expires_at: Option<Millis>,
}

/// Why a text is no invitation that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteError {
    /// Not written by us, or changed since.
    Invalid,
    /// A true invitation, to another sale.
    WrongSale,
    /// A true invitation that no longer holds.
    Expired,
}

impl fmt::Display for InviteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "not an invitation of ours",
            Self::WrongSale => "an invitation to another sale",
            Self::Expired => "an invitation that has expired",
        })
    }
}

impl std::error::Error for InviteError {}

impl Keyring {
    /// A new invitation to a sale, by the operating system's randomness.
    pub fn invite_at_random(
        sale: CreatedSale,
        expires_at: Option<Millis>,
    ) -> Result<Invite, getrandom::Error> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        Ok(Invite { sale, id: u128::from_le_bytes(id), expires_at })
    }

    /// Writes an invitation with the current key.
    pub fn seal_invite(&self, invite: &Invite) -> String {
        let Invite { sale, id, expires_at } = invite;
        let expires_at = expires_at.map_or(u64::MAX, |at| at.0);
        let mut bytes = Vec::with_capacity(INVITE_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.invite.id);
        bytes.extend_from_slice(&sale.0.to_le_bytes());
        bytes.extend_from_slice(&id.to_le_bytes());
        bytes.extend_from_slice(&expires_at.to_le_bytes());
        let mac = self.invite.mac(&bytes);
        bytes.extend_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads an invitation to `sale` that holds at `now`.
    pub fn open_invite(
        &self,
        sale: CreatedSale,
        text: &str,
        now: Millis,
    ) -> Result<Invite, InviteError> {
        let mut bytes = [0; INVITE_BYTES];
        let decoded = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes);
        if text.len() != TEXT_BYTES || decoded != Ok(INVITE_BYTES) {
            return Err(InviteError::Invalid);
        }
        let (body, mac) = bytes.split_at(BODY_BYTES);
        let mut keys = std::iter::once(&self.invite).chain(&self.invite_others);
        let key = keys.find(|key| body[1..3] == key.id && body[0] == VERSION);
        if !key.is_some_and(|key| bool::from(key.mac(body).ct_eq(mac))) {
            return Err(InviteError::Invalid);
        }
        let invite = read(body);
        if invite.sale != sale {
            return Err(InviteError::WrongSale);
        }
        if invite.expires_at.is_some_and(|at| at <= now) {
            return Err(InviteError::Expired);
        }
        Ok(invite)
    }
}

/// The fields of a body whose MAC fits.
fn read(body: &[u8]) -> Invite {
    let long = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&body[at..at + 8]);
        u64::from_le_bytes(bytes)
    };
    let id = u128::from(long(11)) | u128::from(long(19)) << 64;
    let expires_at = Some(long(27)).filter(|at| *at != u64::MAX).map(Millis);
    Invite { sale: CreatedSale(long(3)), id, expires_at }
}

#[cfg(test)]
mod tests {
    use super::super::keyring::tests::{NEW, OLD, keyring};
    use super::*;

    const NOW: Millis = Millis(1_000);

    fn sale(tag: u64, epoch: u32) -> CreatedSale {
        created(tag, epoch, NOW)
    }

    fn created(tag: u64, epoch: u32, at: Millis) -> CreatedSale {
        CreatedSale::new(SaleTag(tag), Epoch(epoch), at)
    }

    fn invite(expires_at: Option<Millis>) -> Invite {
        Invite { sale: sale(7, 1), id: 1 << 100 | 5, expires_at }
    }

    #[test]
    fn an_invitation_holds_for_its_sale_until_it_expires() {
        let ring = keyring(NEW, None);
        for expires_at in [None, Some(Millis(1_001))] {
            let text = ring.seal_invite(&invite(expires_at));
            assert_eq!(text.len(), TEXT_BYTES);
            assert_eq!(ring.open_invite(sale(7, 1), &text, NOW), Ok(invite(expires_at)));
            for other in [sale(8, 1), sale(7, 2), created(7, 1, Millis(NOW.0 + 1))] {
                let elsewhere = ring.open_invite(other, &text, NOW);
                assert_eq!(elsewhere, Err(InviteError::WrongSale));
            }
        }
        let text = ring.seal_invite(&invite(Some(NOW)));
        assert_eq!(ring.open_invite(sale(7, 1), &text, NOW), Err(InviteError::Expired));
    }

    #[test]
    fn every_changed_byte_of_an_invitation_and_every_length_is_refused() {
        let ring = keyring(NEW, None);
        let text = ring.seal_invite(&invite(None));
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(
                ring.open_invite(sale(7, 1), &changed, NOW),
                Err(InviteError::Invalid),
                "{at}"
            );
            assert_eq!(ring.open_invite(sale(7, 1), &text[..at], NOW), Err(InviteError::Invalid));
        }
        let longer = format!("{text}AAAA");
        assert_eq!(ring.open_invite(sale(7, 1), &longer, NOW), Err(InviteError::Invalid));
    }

    #[test]
    fn an_invitation_survives_a_rotation_and_no_other_secret() {
        let text = keyring(OLD, None).seal_invite(&invite(None));
        assert!(keyring(NEW, Some(OLD)).open_invite(sale(7, 1), &text, NOW).is_ok());
        assert_eq!(
            keyring(NEW, None).open_invite(sale(7, 1), &text, NOW),
            Err(InviteError::Invalid)
        );
    }
}
