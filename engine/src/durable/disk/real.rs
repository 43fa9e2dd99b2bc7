//! A directory of the operating system's file system.
//!
//! Owns the directory's lock: one process, one [`RealDisk`], for as long as it lives. The kernel
//! drops the lock when the process dies, however it dies, so no stale lock needs clearing.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::{error, fmt};

use rustix::fs::{FallocateFlags, fallocate, fstatvfs};
use rustix::io::Errno;

use super::{Disk, DiskFile, LOCK_NAME, check_name, write_zeros_at};

/// Only the owner reads a data directory: it holds every shopper's place.
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Why a data directory could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Another process, or another [`RealDisk`] of this one, has it open.
    Locked {
        /// The directory in question.
        directory: PathBuf,
    },
    /// The operating system refused.
    Io {
        /// The directory in question.
        directory: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { directory } => {
                write!(f, "data directory {} is in use by another process", directory.display())
            }
            Self::Io { directory, .. } => {
                write!(f, "cannot open data directory {}", directory.display())
            }
        }
    }
}

impl error::Error for OpenError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Locked { .. } => None,
            Self::Io { source, .. } => Some(source),
        }
    }
}

/// A locked data directory.
#[derive(Debug)]
pub struct RealDisk {
    directory: PathBuf,
    /// The directory itself, open so that its names can be synced.
    handle: File,
    /// Held for its lock.
    _lock: File,
}

impl RealDisk {
    /// Opens and locks `directory`, creating it for the owner alone if it is not there.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        Self::make(directory)
            .map_err(|source| OpenError::Io { directory: directory.to_owned(), source })?;
        Self::open_existing(directory)
    }

    /// Opens and locks `directory`; `NotFound` if it is not there.
    pub fn open_existing(directory: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Io { directory: directory.to_owned(), source };
        let handle = File::open(directory).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(FILE_MODE)
            .open(directory.join(LOCK_NAME))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { directory: directory.to_owned(), handle, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(OpenError::Locked { directory: directory.to_owned() })
            }
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    fn make(directory: &Path) -> io::Result<()> {
        if directory.is_dir() {
            return Ok(());
        }
        let named_in = to_be_named_in(directory);
        DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory)?;
        // A directory whose own name is not durable would take the journal with it.
        named_in.iter().try_for_each(|parent| File::open(parent)?.sync_all())
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        check_name(name)?;
        Ok(self.directory.join(name))
    }
}

/// The directories that get a new name when `directory` and all above it are created.
fn to_be_named_in(directory: &Path) -> Vec<PathBuf> {
    let missing = directory.ancestors().take_while(|path| !path.is_dir());
    let parent = |path: &Path| match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    missing.filter(|path| !path.as_os_str().is_empty()).map(parent).collect()
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name().into_string().ok().filter(|name| check_name(name).is_ok());
            if let Some(name) = name
                && entry.file_type()?.is_file()
            {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn create(&self, name: &str, length: u64) -> io::Result<Box<dyn DiskFile>> {
        let path = self.path(name)?;
        let file = OpenOptions::new()
            .create_new(true)
            .read(true)
            .write(true)
            .mode(FILE_MODE)
            .open(&path)?;
        let file = RealFile(file);
        if let Err(error) = preallocate(&file, length) {
            // The first error is the one worth telling.
            drop(fs::remove_file(&path));
            return Err(error);
        }
        Ok(Box::new(file))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(self.path(name)?)?;
        Ok(Box::new(RealFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from)?, self.path(to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name)?)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let found = fstatvfs(&self.handle)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }
}

/// A file of a [`RealDisk`].
#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }
}

/// Allocates storage for `length` bytes now, by writing zeros where the system has no call for that.
fn preallocate(file: &RealFile, length: u64) -> io::Result<()> {
    if length == 0 {
        return Ok(());
    }
    match fallocate(&file.0, FallocateFlags::empty(), 0, length) {
        Ok(()) => Ok(()),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros_at(file, 0, length),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_directory_that_is_made_is_named_durably_in_the_one_above_it() {
        let top = tempfile::tempdir().expect("a directory");
        let path = |rest: &str| top.path().join(rest);
        let named_in = to_be_named_in(&path("a/b/c"));
        assert_eq!(named_in, [path("a/b"), path("a"), top.path().to_owned()]);
        drop(RealDisk::open(&path("a/b/c")).expect("made and opened"));
        assert!(to_be_named_in(&path("a/b/c")).is_empty());
        assert_eq!(
            to_be_named_in(Path::new("no such/one")),
            [Path::new("no such"), Path::new(".")]
        );
    }
}
