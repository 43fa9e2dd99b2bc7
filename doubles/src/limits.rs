//! Every bound of this crate.

use std::time::Duration;

/// Requests that a double remembers; the oldest are forgotten first.
pub const ASKED_MAX: usize = 10_000;

/// The longest body that a double reads, in bytes.
pub const BODY_BYTES_MAX: usize = 32 * 1_024 * 1_024;

/// How long after `ready` KakaoPay still approves.
pub const KAKAOPAY_TTL: Duration = Duration::from_mins(15);

/// How long a card payment waits for its shopper.
pub const CARD_PENDING_TTL: Duration = Duration::from_mins(15);

/// How far the time in a notice's signature may be from the receiver's, so that a copy is of no use later.
pub const NOTICE_HOLDS_FOR: Duration = Duration::from_mins(5);

/// How long what was authorised can be captured.
pub const CARD_AUTHORISED_TTL: Duration = Duration::from_hours(7 * 24);
