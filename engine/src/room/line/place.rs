//! What becomes of a place.

use crate::codec::binary_enum;

/// What became of a place. Each state says what the time beside it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PlaceState {
    /// Not published, or no number at all; time 0.
    Unissued = 0,
    /// In line; time 0.
    Waiting = 1,
    /// Called; the time is when the claim window ends.
    Called = 2,
    /// In a session; the time is when it was claimed.
    Admitted = 3,
    /// Bought: the slot is free, and the pass is valid until it expires; the time is that of the claim.
    Completed = 4,
    /// The session was ended or has expired, at the time.
    Over = 5,
    /// The shopper left, at the time.
    Left = 6,
    /// Silent for too long, at the time.
    Idle = 7,
    /// Called and not claimed until the time.
    Unclaimed = 8,
    /// Given up for a new place, at the time.
    Revoked = 9,
}

binary_enum!(PlaceState {
    0 => Unissued,
    1 => Waiting,
    2 => Called,
    3 => Admitted,
    4 => Completed,
    5 => Over,
    6 => Left,
    7 => Idle,
    8 => Unclaimed,
    9 => Revoked,
});
