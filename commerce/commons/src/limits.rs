//! Every bound of this crate.

/// The longest label, in bytes.
pub const LABEL_BYTES_MAX: usize = 40;

/// How many likes a person can have.
pub const LIKES_MAX: u64 = 2_000;

/// How many rows one write of a longer piece of work changes.
pub const STEP_MAX: u64 = 200;
