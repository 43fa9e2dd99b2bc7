//! Keys that others sign tokens with: read from a JSON Web Key Set, kept fresh, and looked up.
//!
//! Owns which keys of a set are used and when the set is read. Refuses to know tokens: whoever has one
//! asks for the key that it names, and compares the signature.

mod keeper;
mod key_set;
mod source;

pub use self::{
    keeper::{FoundKey, KeyKeeper, KeyKeeperOptions},
    key_set::{Algorithm, Key},
    source::{KeySource, KeySourceOptions},
};
