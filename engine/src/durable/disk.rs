//! The disk seam: what the journal asks of storage, and nothing more.
//!
//! Two implementations obey the same suite: [`RealDisk`](real::RealDisk), a directory, and `SimDisk`,
//! memory that can lose every unsynced byte, fill up or refuse to sync. The second is built for tests
//! alone: by the feature `sim`.
//!
//! Promised: what [`DiskFile::sync`] returned `Ok` for survives a power cut under a name that
//! [`Disk::sync_directory`] returned `Ok` for. Nothing else is promised: an unsynced write may be kept,
//! lost or torn at any byte, and after a failed sync it is unknown which. Lack of room is an error
//! that [`is_full`] recognises.

use std::fmt::Debug;
use std::io::{self, ErrorKind};

pub mod real;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
#[cfg(test)]
mod suite;

/// What a file that is not finished yet is called; see [`write_atomically`].
pub const TEMPORARY_SUFFIX: &str = ".tmp";

/// Zeros written in one call: large enough that the calls cost nothing beside the copying.
const ZEROS_BYTES: usize = 256 * 1024;

/// One directory of files, known by plain names.
pub trait Disk: Send + Sync + Debug {
    /// The names of all files, sorted.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes a new file of `length` zero bytes, all of them backed by storage, so that writing
    /// into them cannot run out of room. Refused with `AlreadyExists`; a failure leaves nothing.
    fn create(&self, name: &str, length: u64) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file for reading and writing; `NotFound` if there is none.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, replacing what had it. Atomic, durable after the next
    /// [`sync_directory`](Self::sync_directory).
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file; `NotFound` if there is none.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes names durable: every create, rename and remove so far.
    fn sync_directory(&self) -> io::Result<()>;

    /// Bytes that can still be written, about: others may write there too.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// An open file of a [`Disk`]. Reads and writes name their offset; there is no cursor.
#[expect(clippy::len_without_is_empty, reason = "an empty file means nothing to its users")]
pub trait DiskFile: Send + Sync + Debug {
    /// The file's length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Reads up to `buffer.len()` bytes; fewer only when interrupted or at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes some of `bytes` and says how many; extends the file when it ends before them.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes content and length durable. After an error the content is unknown and syncing again
    /// proves nothing: a kernel may already have dropped what it could not write.
    fn sync(&self) -> io::Result<()>;

    /// Cuts the file, or extends it with zeros that no storage backs yet.
    fn set_len(&self, length: u64) -> io::Result<()>;
}

/// Whether an error only says that there is no room, so that trying again later makes sense.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Writes all of `bytes`, however many calls that takes.
pub fn write_all_at(file: &dyn DiskFile, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes zeros over `from..to`.
pub fn write_zeros_at(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; ZEROS_BYTES];
    let mut offset = from;
    while offset < to {
        let rest = usize::try_from(to - offset).unwrap_or(usize::MAX).min(ZEROS_BYTES);
        write_all_at(file, &zeros[..rest], offset)?;
        offset += rest as u64;
    }
    Ok(())
}

/// Reads a whole file into `buffer`, replacing what it held. A file longer than `bytes_max` is
/// refused with `FileTooLarge` before any memory is taken for it.
pub fn read_whole(
    disk: &dyn Disk,
    name: &str,
    bytes_max: u64,
    buffer: &mut Vec<u8>,
) -> io::Result<()> {
    let file = disk.open(name)?;
    let length = file.len()?;
    let length = usize::try_from(length).ok().filter(|_| length <= bytes_max);
    *buffer = vec![0; length.ok_or(ErrorKind::FileTooLarge)?];
    let filled = read_at_most(&*file, buffer, 0)?;
    buffer.truncate(filled);
    Ok(())
}

/// Fills `buffer` from a file, which must be long enough.
pub fn read_exact_at(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let filled = read_at_most(file, buffer, offset)?;
    if filled == buffer.len() { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

/// Fills `buffer` as far as the file goes, and says how far.
fn read_at_most(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Writes a small file so that after a crash it is there whole or not at all: a temporary file,
/// its sync, the rename, the directory's sync. On an error the old content may still be what a
/// crash leaves, and no file of the temporary name is kept.
pub fn write_atomically(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = format!("{name}{TEMPORARY_SUFFIX}");
    remove_if_there(disk, &temporary)?;
    let written = (|| {
        let file = disk.create(&temporary, bytes.len() as u64)?;
        write_all_at(&*file, bytes, 0)?;
        file.sync()?;
        disk.rename(&temporary, name)
    })();
    if let Err(error) = written {
        // The first error is the one worth telling; a leftover is replaced by the next attempt.
        drop(disk.remove(&temporary));
        return Err(error);
    }
    disk.sync_directory()
}

/// Removes a file if it is there.
pub fn remove_if_there(disk: &dyn Disk, name: &str) -> io::Result<()> {
    match disk.remove(name) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The file whose lock means "this directory is in use".
const LOCK_NAME: &str = "LOCK";

/// Refuses a name that would leave the directory, hide itself or collide with the lock.
fn check_name(name: &str) -> io::Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fits = (1..=128).contains(&name.len()) && !name.starts_with('.') && name != LOCK_NAME;
    if fits && name.bytes().all(plain) { Ok(()) } else { Err(ErrorKind::InvalidFilename.into()) }
}
