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

/// How many wrong passwords are tried for an address within [`GUESSES_WITHIN`].
pub const GUESSES_MAX: u64 = 20;

/// How long a wrong password counts.
pub const GUESSES_WITHIN: Duration = Duration::from_mins(15);

/// How long a proof holds that an address is an account's.
pub const PROOF_TTL: Duration = Duration::from_hours(24);

/// How long a proof holds that replaces a password.
pub const RESET_TTL: Duration = Duration::from_hours(1);

/// How many proofs of one purpose are sent to an address within [`PROOFS_WITHIN`].
pub const PROOFS_MAX: u64 = 5;

/// How long a proof that was sent counts.
pub const PROOFS_WITHIN: Duration = Duration::from_hours(24);

/// The shortest time from one to the next.
pub const PROOFS_APART: Duration = Duration::from_mins(1);

/// How long an account whose address nobody verified is kept while nobody is signed in to it.
pub const UNVERIFIED_KEPT_FOR: Duration = Duration::from_hours(30 * 24);

/// How long a session lasts after it was last prolonged.
pub const SESSION_TTL: Duration = Duration::from_hours(30 * 24);

/// How long a session of an operator lasts in all, however often it is prolonged: a day of work.
pub const OPERATOR_SESSION_MAX: Duration = Duration::from_hours(12);

/// How long after signing in somebody may do what gives others a way in, without signing in again.
pub const SESSION_FRESH_FOR: Duration = Duration::from_mins(15);

/// How many sessions an account can have at once.
pub const SESSIONS_MAX: usize = 20;

/// How long a session that is over can still be looked up.
pub const SESSION_KEPT_FOR: Duration = Duration::from_hours(24);

/// How long a refresh may be repeated, in case its answer was lost.
pub const REFRESH_AGAIN_WITHIN: Duration = Duration::from_secs(10);

/// How much later a session can be seen to have ended than it did: clocks differ a little, and a write
/// takes its time.
pub const ENDED_OVERLAP: Duration = Duration::from_mins(1);

/// What is kept of the name of a device, in characters.
pub const DEVICE_CHARS_MAX: usize = 60;

/// How long an access token holds.
pub const ACCESS_TTL: Duration = Duration::from_mins(15);

/// The longest access token, in bytes: ours have some 500.
pub const ACCESS_BYTES_MAX: usize = 4_096;

/// For how long a signing key is published at a time. It is published again when less than
/// [`ACCESS_TTL`] of it is left.
pub const PUBLISHED_FOR: Duration = Duration::from_mins(75);

const _: () = assert!(PUBLISHED_FOR.as_secs() > 2 * ACCESS_TTL.as_secs());

/// By how much the clocks of those who make tokens and those who read them may differ.
pub const CLOCK_SKEW: Duration = Duration::from_mins(1);

/// How many keys may be published at once. The waiting room reads a set of 64.
pub const SIGNING_KEYS_MAX: u64 = 32;

/// The longest file of a signing key, in bytes.
pub const KEY_FILE_BYTES_MAX: u64 = 16_384;

/// How many addresses an account can have.
pub const ADDRESSES_MAX: u64 = 20;

/// The longest province, town, road and number, in characters.
pub const ADDRESS_ROAD_CHARS_MAX: usize = 200;

/// The longest flat, floor or company of an address, in characters.
pub const ADDRESS_DETAIL_CHARS_MAX: usize = 100;

/// How many accounts elsewhere one account can be linked with.
pub const LINKS_MAX: u64 = 8;

/// The longest name that a provider has for a person, in bytes (`OpenID` Connect Core, 2).
pub const SUBJECT_BYTES_MAX: usize = 255;

/// How long somebody may be at a provider.
pub const FLOW_TTL: Duration = Duration::from_mins(10);

/// How many returns from providers are remembered after a sweep. Those that came first are forgotten.
pub const RETURNS_MAX: u64 = 50_000;

/// How long a call to a provider may take.
pub const PROVIDER_DEADLINE: Duration = Duration::from_secs(8);

/// The longest answer of a provider, in bytes.
pub const PROVIDER_ANSWER_BYTES_MAX: usize = 65_536;

/// The longest token that a provider signs about a person, in bytes.
pub const ID_TOKEN_BYTES_MAX: usize = 16_384;

/// The longest time that a provider's keys count as fresh.
pub const PROVIDER_KEYS_FRESH_MAX: Duration = Duration::from_hours(1);

/// How long they are used while they cannot be read again.
pub const PROVIDER_KEYS_STALE_MAX: Duration = Duration::from_hours(24);

/// The shortest pause between two readings of them for an unknown one.
pub const PROVIDER_KEYS_PAUSE: Duration = Duration::from_secs(5);

/// The longest path that somebody returns to, in bytes.
pub const RETURN_TO_BYTES_MAX: usize = 512;

/// The longest push token, in bytes: those of Firebase have some 200.
pub const PUSH_TOKEN_BYTES_MAX: usize = 1_024;

/// The longest name of a company, in characters.
pub const COMPANY_CHARS_MAX: usize = 100;

/// The longest reason of an operator's decision, in characters.
pub const REASON_CHARS_MAX: usize = 200;

/// How long a call to the tax service may take.
pub const TAX_DEADLINE: Duration = Duration::from_secs(10);

/// The longest answer of the tax service, in bytes.
pub const TAX_ANSWER_BYTES_MAX: usize = 65_536;

/// Calls of the tax service under way at once.
pub const TAX_IN_FLIGHT_MAX: usize = 2;

/// How old a verdict of the tax service may be when somebody is let in on it.
pub const VERDICT_HOLDS_FOR: Duration = Duration::from_hours(24);

/// How long after a verdict the tax service is asked again.
pub const BUSINESS_CHECK_EVERY: Duration = Duration::from_hours(30 * 24);

/// How many rows of a table one write of a sweep removes.
pub const SWEEP_MAX: u64 = 1_000;
