//! Where files are kept: a folder of this machine, or an object store that speaks S3.
//!
//! Owns putting, getting and removing a file by its key, and URLs that let a browser do so itself. Refuses
//! to know what is in a file. Always true: a URL to put something lets its holder put one file of the one
//! type and length that it was made for, until a time, and nothing else.

mod folder;
mod key;
mod model;
mod s3;

use std::fmt::Debug;

use base::moment::Moment;
use bytes::Bytes;
use store::sea_orm::prelude::async_trait::async_trait;

pub use self::{
    folder::{Folder, Ticket},
    key::Key,
    model::{FilesError, Signed, Upload},
    s3::{S3, S3Options, S3SetupError},
};

/// A place for files. The suite that says how each behaves is `tests/it/files.rs`.
#[async_trait]
pub trait Files: Debug + Send + Sync {
    /// A URL that a browser puts a file to.
    fn sign(&self, upload: &Upload<'_>, now: Moment) -> Signed;

    /// A URL that a browser gets a file from: a lasting one of a public file, and of a private one, one
    /// that is good for a while.
    fn link(&self, key: &Key, now: Moment) -> String;

    /// The content of a file; nothing if there is no such file.
    ///
    /// # Errors
    ///
    /// If the place does not answer, or the file is longer than `bytes_max`.
    async fn get(
        &self,
        key: &Key,
        bytes_max: u64,
        now: Moment,
    ) -> Result<Option<Bytes>, FilesError>;

    /// Puts a file. Putting it again changes nothing.
    ///
    /// # Errors
    ///
    /// If it may not be there.
    async fn put(
        &self,
        key: &Key,
        media_type: &str,
        bytes: Bytes,
        now: Moment,
    ) -> Result<(), FilesError>;

    /// Removes a file. Removing what is not there changes nothing.
    ///
    /// # Errors
    ///
    /// If it may still be there.
    async fn remove(&self, key: &Key, now: Moment) -> Result<(), FilesError>;
}
