//! What handlers read without asking the scribe: atomics and swapped pointers that it publishes to.

pub(crate) mod publisher;
pub mod purchase_admission;
pub mod registry;
pub mod standing;
pub mod tally;
pub mod view;
