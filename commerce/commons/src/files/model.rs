//! What is put, and what can go wrong.

use std::fmt;

use base::moment::Moment;

use super::key::Key;

/// A file that somebody may put.
#[derive(Clone, Copy, Debug)]
pub struct Upload<'a> {
    /// Where it goes.
    pub key: &'a Key,
    /// Its type.
    pub media_type: &'a str,
    /// Its length.
    pub bytes: u64,
    /// Until when.
    pub until: Moment,
}

/// What a browser needs to put a file: the URL, which it calls by `PUT` with the type in `Content-Type`.
/// Whoever has the URL can put the file, so it is in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed {
    /// The URL.
    pub url: String,
    /// What `Content-Type` has to say.
    pub media_type: String,
    /// Until when.
    pub until: Moment,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").field("until", &self.until).finish_non_exhaustive()
    }
}

/// Why the place for files did not do what it was asked. It may be asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesError(pub(super) String);

impl fmt::Display for FilesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FilesError {}
