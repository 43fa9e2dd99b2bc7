//! What survives a crash: files, and the journal in them. Knows nothing of what a record says.

pub mod disk;
pub(crate) mod incarnation;
pub mod journal;
