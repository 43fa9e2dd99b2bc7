//! The version of the journal's bytes.

/// What segments, batches and snapshots say they are: raised when any of their bytes, those of the
/// records included, get another meaning. No other version is read.
pub(super) const FORMAT_VERSION: u32 = 4;
