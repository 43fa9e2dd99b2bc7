//! Every bound of this crate.

use std::time::Duration;

/// The longest label, in bytes.
pub const LABEL_BYTES_MAX: usize = 40;

/// How many likes a person can have.
pub const LIKES_MAX: u64 = 2_000;

/// How many rows one write of a longer piece of work changes.
pub const STEP_MAX: u64 = 200;

/// How long a notice is in the inbox. A fan-out that is repeated later tells again.
pub const NOTICES_KEPT_FOR: Duration = Duration::from_hours(90 * 24);

/// The longest values of a notice, with its detail, in bytes.
pub const VALUES_BYTES_MAX: usize = 4_000;

/// The longest title of a push, in characters. A push has 4,096 bytes at most.
pub const PUSH_TITLE_CHARS_MAX: usize = 150;

/// The longest text of a push, in characters.
pub const PUSH_BODY_CHARS_MAX: usize = 600;

/// How long sending a push, or proving who we are, may take.
pub const PUSH_DEADLINE: Duration = Duration::from_secs(10);

/// Pushes under way at once.
pub const PUSHES_AT_ONCE: u32 = 16;

/// Mails under way at once.
pub const MAILS_AT_ONCE: u32 = 4;

/// How long sending one may take in all.
pub const SEND_WITHIN: Duration = Duration::from_secs(30);

// An access token may have to be asked for first.
const _: () = assert!(SEND_WITHIN.as_secs() > 2 * PUSH_DEADLINE.as_secs());

/// How often a push or a mail is tried, over some four hours.
pub const SEND_ATTEMPTS_MAX: i64 = 16;

/// How long a push is kept for a device that is off, unless it ages before.
pub const PUSH_KEPT_FOR: Duration = Duration::from_hours(24);

/// How long before its end an access token of the push service is replaced.
pub const PUSH_ACCESS_MARGIN: Duration = Duration::from_mins(5);

/// How long an assertion to the push service is good.
pub const PUSH_ASSERTION_TTL: Duration = Duration::from_mins(10);

/// The longest answer of the push service that is read, in bytes.
pub const PUSH_ANSWER_BYTES_MAX: usize = 64 * 1_024;

/// The longest file of a service account, in bytes: real ones have some 2,400.
pub const SERVICE_ACCOUNT_BYTES_MAX: usize = 16_384;
