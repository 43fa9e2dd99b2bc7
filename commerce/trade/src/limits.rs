//! Every bound of this crate.

use std::time::Duration;

/// How long a provider of payments may take for one call. Shoppers wait for it.
pub const GATEWAY_DEADLINE: Duration = Duration::from_secs(10);

/// The longest answer of one, in bytes; theirs are of two kilobytes.
pub const GATEWAY_ANSWER_BYTES_MAX: usize = 64 * 1_024;

/// Calls of one provider under way at once.
pub const GATEWAY_IN_FLIGHT_MAX: usize = 64;

/// The longest title of a payment, in characters.
pub const TITLE_CHARS_MAX: usize = 100;
