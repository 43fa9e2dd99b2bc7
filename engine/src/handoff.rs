//! From handlers to the scribe and back, without a lock. Knows nothing of what is handed over.

pub mod commit;
pub mod ring;
