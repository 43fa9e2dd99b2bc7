//! Every bound of this crate that its caller does not choose.

use std::time::Duration;

/// How long connecting may take, the lookup of the name and the handshake of TLS included. The half of a
/// shorter deadline is left for it, so that a server that cannot be reached is told from one that does not
/// answer.
pub const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How long the addresses of a host are used before it is looked up again.
pub const ADDRESSES_KEPT: Duration = Duration::from_secs(5);

/// Bytes that are read ahead. The head of an answer may be no longer than twice this.
pub const HEAD_BYTES: usize = 64 * 1_024;

/// Bytes of an answer that are read where the caller does not say otherwise.
pub const ANSWER_BYTES: usize = 1_024 * 1_024;

/// Calls of one target under way at once where the caller does not say otherwise.
pub const IN_FLIGHT: usize = 32;

/// Mails that are handed in at once where the caller does not say otherwise. Servers refuse many
/// conversations with one sender.
pub const MAILS_AT_ONCE: usize = 4;

/// How long an unused connection is kept.
pub const IDLE: Duration = Duration::from_mins(1);

/// The longest key set, in bytes: 64 RSA keys with certificate chains stay below.
pub const KEY_SET_BYTES: usize = 256 * 1_024;

/// How often the file of a key set is looked at. A file costs nothing, so a change counts within seconds.
pub const KEY_FILE_FRESH: Duration = Duration::from_secs(5);

/// The shortest time for which a fetched key set counts as fresh, whatever its server says.
pub const KEY_SET_FRESH_MIN: Duration = Duration::from_secs(10);
