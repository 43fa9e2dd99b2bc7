//! Every bound of this crate.

use std::time::Duration;

/// The longest e-mail address, in bytes (RFC 5321, 4.5.3.1.3).
pub const EMAIL_BYTES_MAX: usize = 254;

/// The longest name, in characters.
pub const NAME_CHARS_MAX: usize = 60;

/// The shortest password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 8;

/// The longest password, in bytes. Longer ones are no safer.
pub const PASSWORD_BYTES_MAX: usize = 256;

/// How many passwords one hasher works on at once: each takes 19 MiB and some 25 ms of a processor.
pub const HASHES_AT_ONCE: usize = 2;

/// How many more may wait for it, some second and a half. Whoever comes then is told that it is busy.
pub const HASHES_WAITING_MAX: usize = 128;

/// How long an account that was never verified keeps its address from others.
pub const UNVERIFIED_HOLDS_FOR: Duration = Duration::from_hours(24);

/// How long a proof holds.
pub const PROOF_TTL: Duration = Duration::from_hours(24);

/// How many proofs of one purpose an account can have at once.
pub const PROOFS_MAX: u64 = 5;

/// The shortest time from one to the next.
pub const PROOFS_APART: Duration = Duration::from_mins(1);
