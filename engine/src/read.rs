//! What handlers read without asking the scribe: atomics and swapped pointers that it publishes to.

pub(crate) mod publisher;
pub(crate) mod purchase_admission;
pub mod registry;
pub mod standing;
pub(crate) mod tally;
pub(crate) mod unpacked;
pub mod view;
