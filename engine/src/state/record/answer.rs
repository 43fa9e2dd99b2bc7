//! What requests with an idempotency key were answered, enough to answer them again in the same bytes.

use crate::{
    clock::Millis,
    codec::{binary_enum, binary_struct},
    gate::EtaRange,
    id::{Number, ShopperKey},
};

/// An idempotency key in its scope, and the body it came with, both as keyed hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayKey {
    /// Hash of (principal, route, key).
    pub key: u128,
    /// Hash of the body.
    pub body: u128,
}

binary_struct!(ReplayKey { key, body });

/// A place as an entry was told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryAnswer {
    /// The number.
    pub number: Number,
    /// Whose it is.
    pub shopper: ShopperKey,
    /// When it was told; the ticket's issue time.
    pub at: Millis,
    /// How the place stood.
    pub standing: EntryStanding,
}

binary_struct!(EntryAnswer { number, shopper, at, standing });

/// How a place stood when its entry was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryStanding {
    /// In line.
    Waiting {
        /// People ahead.
        ahead: u64,
        /// The gate's watermark.
        serving: Number,
        /// People in line.
        line_length: u64,
        /// The estimated wait, in seconds, if one can be given.
        eta: Option<EtaRange>,
        /// When silence ends the place.
        silent_until: Millis,
    },
    /// In line while nothing is left that could still be sold.
    SoldOut {
        /// People ahead.
        ahead: u64,
        /// The gate's watermark.
        serving: Number,
        /// People in line.
        line_length: u64,
        /// When silence ends the place.
        silent_until: Millis,
    },
    /// Let in, with the pass counting from `claimed_at`.
    Admitted {
        /// When the session began.
        claimed_at: Millis,
        /// When the pass expires.
        expires_at: Millis,
        /// The gate's watermark.
        serving: Number,
        /// People in line.
        line_length: u64,
    },
}

binary_enum!(EntryStanding {
    0 => Waiting { ahead, serving, line_length, eta, silent_until },
    1 => Admitted { claimed_at, expires_at, serving, line_length },
    2 => SoldOut { ahead, serving, line_length, silent_until },
});
