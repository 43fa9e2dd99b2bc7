//! The books: double entry, in minor units of one currency.
//!
//! Owns what an entry is. Always true: an entry that is not balanced cannot be made.

mod entry;

pub use self::entry::{Account, Entry, EntryError, Posting};
