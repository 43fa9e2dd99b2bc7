//! Why the shop does not start.

use std::{error::Error, fmt, io, path::PathBuf};

use commons::{files::S3SetupError, push::PushSetupError};
use store::OpenError;

use crate::demo::DemoError;

/// Why the shop does not start.
#[derive(Debug)]
pub enum StartError {
    /// The database is not one that this program can use.
    Database(OpenError),
    /// A server of somebody else cannot be called as configured; says which.
    Target(&'static str, outbound::TargetError),
    /// The folder for pictures cannot be made or written to.
    Folder(PathBuf, io::Error),
    /// The object store for pictures cannot be used as configured.
    S3(S3SetupError),
    /// The push service cannot be used as configured.
    Push(PushSetupError),
    /// The demo's own servers or accounts.
    Demo(DemoError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(_) => f.write_str("the shop's database cannot be used"),
            Self::Target(what, _) => write!(f, "{what} cannot be called as configured"),
            Self::Folder(root, _) => {
                write!(f, "the folder for pictures, {}, cannot be used", root.display())
            }
            Self::S3(_) => f.write_str("the object store for pictures cannot be used"),
            Self::Push(_) => f.write_str("the push service cannot be used"),
            Self::Demo(_) => f.write_str("the demo cannot be prepared"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Database(error) => Some(error),
            Self::Target(_, error) => Some(error),
            Self::Folder(_, error) => Some(error),
            Self::S3(error) => Some(error),
            Self::Push(error) => Some(error),
            Self::Demo(error) => Some(error),
        }
    }
}
