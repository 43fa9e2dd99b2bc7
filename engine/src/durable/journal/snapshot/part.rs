//! Parts of snapshots: files of any length that are written and read in pieces.
//!
//! A part has its name once all of it is durable, and never changes. Whoever names it keeps its
//! length and hash beside the name, as a [`Part`]: a file that does not match them is not read.

use std::io;

use super::super::format::FORMAT_VERSION;
use crate::{
    codec::{Binary, DecodeError, Sink, Source, binary_struct},
    disk::{self, Disk, DiskFile, TEMPORARY_SUFFIX},
    id::{SaleTag, Sequence},
};

pub(crate) const PREFIX: &str = "sale-";
/// What the files of many sales begin with.
pub(crate) const PACK_PREFIX: &str = "pack-";
/// What the files of archived sales begin with.
pub(crate) const ARCHIVE_PREFIX: &str = "archive-";
const SUFFIX: &str = ".snap";
const MAGIC: &[u8; 8] = b"RGPARTS\n";
/// Bytes before a part's contents: the magic, the format version, zeros.
const HEADER_BYTES: usize = 16;

/// Bytes that are written or read at once. No item is longer.
const PIECE_BYTES: usize = 1 << 20;
/// Bytes that are synced together: a sync of the journal waits no longer than for one of these.
const SYNC_BYTES: u64 = 8 << 20;

/// A part as whoever names it knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The last record of the state it was written from.
    pub(crate) written: Sequence,
    /// The length of its file.
    pub(crate) bytes: u64,
    /// The BLAKE3 hash of its file.
    pub(crate) hash: [u8; 32],
}

binary_struct!(Part { written, bytes, hash });

/// The file of a sale as it stood after a record.
pub(crate) fn name(sale: SaleTag, written: Sequence) -> String {
    format!("{PREFIX}{:016x}-{:016}{SUFFIX}", sale.0, written.0)
}

/// Which file of many sales it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PackName {
    /// The last record before the snapshot that wrote it.
    pub(crate) written: Sequence,
    /// Which of that snapshot.
    pub(crate) ordinal: u32,
}

binary_struct!(PackName { written, ordinal });

/// The file of many sales.
pub(crate) fn pack_name(pack: PackName) -> String {
    format!("{PACK_PREFIX}{:016}-{:04}{SUFFIX}", pack.written.0, pack.ordinal)
}

/// The names of all such files on the disk.
pub(crate) fn names(disk: &dyn Disk) -> io::Result<impl Iterator<Item = String>> {
    let is_part = |name: &String| {
        let is_ours = name.starts_with(PREFIX) || name.starts_with(PACK_PREFIX);
        is_ours && name.ends_with(SUFFIX)
    };
    Ok(disk.list()?.into_iter().filter(is_part))
}

/// Writes `part`, the file `from`, a second time as `to`, unless it is there. The name is durable after the
/// next sync of the directory.
pub(crate) fn copy(disk: &dyn Disk, from: &str, to: String, part: &Part) -> io::Result<()> {
    if Reader::open(disk, &to, part).is_ok() {
        return Ok(());
    }
    let source = Reader::open(disk, from, part)?;
    let mut writer = Writer::begin(disk, to)?;
    source.rest(|piece| writer.append(piece))?;
    let written = writer.finish(part.written)?;
    if written == *part { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// The whole file `name` if it is what `part` says. For files that are known to be short.
pub(crate) fn read_whole(disk: &dyn Disk, name: &str, part: &Part) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    disk::read_whole(disk, name, part.bytes, &mut bytes)?;
    let is_it = bytes.len() as u64 == part.bytes && *blake3::hash(&bytes).as_bytes() == part.hash;
    if is_it && is_known(&bytes) { Ok(bytes) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// Some bytes of the file `name`, which was found to be the part that is asked for.
pub(crate) fn read_span(
    disk: &dyn Disk,
    name: &str,
    offset: u64,
    length: usize,
) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    disk::read_exact_at(&*disk.open(name)?, &mut bytes, offset)?;
    Ok(bytes)
}

/// Whether a file begins as a part of this version does.
fn is_known(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) && bytes[MAGIC.len()..].starts_with(&FORMAT_VERSION.to_le_bytes())
}

/// A part that is being written. Dropped before it is finished, it leaves an unfinished file, which is
/// removed by the next one of its name or when the journal is opened.
pub(crate) struct Writer<'a> {
    disk: &'a dyn Disk,
    name: String,
    file: Box<dyn DiskFile>,
    /// What is not written yet.
    piece: Vec<u8>,
    /// What is.
    written: u64,
    synced: u64,
    hasher: blake3::Hasher,
    /// Why nothing more is written.
    failed: Option<io::Error>,
}

impl<'a> Writer<'a> {
    /// Begins the file `name`.
    pub(crate) fn begin(disk: &'a dyn Disk, name: String) -> io::Result<Self> {
        let temporary = temporary(&name);
        disk::remove_if_there(disk, &temporary)?;
        let file = disk.create(&temporary, 0)?;
        let (mut piece, hasher) = (Vec::new(), blake3::Hasher::new());
        piece.extend_from_slice(MAGIC);
        piece.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        piece.resize(HEADER_BYTES, 0);
        Ok(Self { disk, name, file, piece, written: 0, synced: 0, hasher, failed: None })
    }

    /// Bytes so far, with what is not written yet.
    pub(crate) fn length(&self) -> u64 {
        self.written + self.piece.len() as u64
    }

    /// Appends bytes as they are.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.spill();
        }
    }

    /// Makes the file durable and gives it its name. The name is durable after the next sync of the
    /// directory. A failure leaves no file.
    pub(crate) fn finish(mut self, written: Sequence) -> io::Result<Part> {
        self.spill();
        let finished = match self.failed.take() {
            Some(error) => Err(error),
            None => self.file.sync(),
        };
        let temporary = temporary(&self.name);
        if let Err(error) = finished.and_then(|()| self.disk.rename(&temporary, &self.name)) {
            // The first error is the one worth telling; a leftover is replaced by the next attempt.
            drop(self.disk.remove(&temporary));
            return Err(error);
        }
        let hash = *self.hasher.finalize().as_bytes();
        Ok(Part { written, bytes: self.written, hash })
    }

    /// Writes what has collected.
    fn spill(&mut self) {
        if self.failed.is_none() {
            self.hasher.update(&self.piece);
            self.failed = self.write().err();
        }
        self.piece.clear();
    }

    fn write(&mut self) -> io::Result<()> {
        disk::write_all_at(&*self.file, &self.piece, self.written)?;
        self.written += self.piece.len() as u64;
        if self.written - self.synced >= SYNC_BYTES {
            self.file.sync()?;
            self.synced = self.written;
        }
        Ok(())
    }
}

impl Sink for Writer<'_> {
    fn put<T: Binary>(&mut self, item: &T) {
        let before = self.piece.len();
        item.encode(&mut self.piece);
        assert!(self.piece.len() - before <= PIECE_BYTES, "an item fits a piece");
        if self.piece.len() >= PIECE_BYTES {
            self.spill();
        }
    }
}

/// A part that is being read.
pub(crate) struct Reader {
    file: Box<dyn DiskFile>,
    /// What was read of the file and not taken yet, from `taken` on.
    piece: Vec<u8>,
    taken: usize,
    /// Where the file goes on behind `piece`.
    next: u64,
    length: u64,
}

impl Reader {
    /// Opens the file `name` if it is what `part` says, which takes reading it once.
    pub(crate) fn open(disk: &dyn Disk, name: &str, part: &Part) -> io::Result<Self> {
        let file = disk.open(name)?;
        let length = file.len()?;
        let reader = || Self { file, piece: Vec::new(), taken: 0, next: 0, length };
        let is_long_enough = length == part.bytes && length >= HEADER_BYTES as u64;
        let mut reader = is_long_enough.then(reader).ok_or(io::ErrorKind::InvalidData)?;
        let mut hasher = blake3::Hasher::new();
        while reader.next < reader.length {
            reader.piece.clear();
            reader.fill()?;
            hasher.update(&reader.piece);
        }
        if *hasher.finalize().as_bytes() != part.hash {
            return Err(io::ErrorKind::InvalidData.into());
        }
        (reader.next, reader.taken) = (0, HEADER_BYTES);
        reader.piece.clear();
        reader.fill()?;
        if is_known(&reader.piece) { Ok(reader) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    /// Hands out what is left, piece by piece.
    pub(crate) fn rest(mut self, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        each(&self.piece[self.taken..]);
        while self.next < self.length {
            (self.taken, self.piece) = (0, Vec::new());
            self.fill()?;
            each(&self.piece);
        }
        Ok(())
    }

    /// Reads the next piece behind what is there.
    fn fill(&mut self) -> io::Result<()> {
        let more = (self.length - self.next).min(PIECE_BYTES as u64);
        let (start, more) = (self.piece.len(), usize::try_from(more).unwrap_or(PIECE_BYTES));
        self.piece.resize(start + more, 0);
        disk::read_exact_at(&*self.file, &mut self.piece[start..], self.next)?;
        self.next += more as u64;
        Ok(())
    }
}

impl Source for Reader {
    fn get<T: Binary>(&mut self) -> Result<T, DecodeError> {
        if self.piece.len() - self.taken < PIECE_BYTES && self.next < self.length {
            self.piece.drain(..self.taken);
            self.taken = 0;
            self.fill().map_err(|_| DecodeError("the file cannot be read"))?;
        }
        let mut input = &self.piece[self.taken..];
        let item = T::decode(&mut input)?;
        self.taken = self.piece.len() - input.len();
        Ok(item)
    }

    fn left(&self) -> u64 {
        self.length - self.next + (self.piece.len() - self.taken) as u64
    }
}

fn temporary(name: &str) -> String {
    format!("{name}{TEMPORARY_SUFFIX}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{real::RealDisk, sim::SimDisk};

    const NAME: &str = "sale-1.snap";

    fn written(disk: &SimDisk, items: u64) -> Part {
        let mut writer = Writer::begin(disk, NAME.to_owned()).unwrap();
        for item in 0..items {
            writer.put(&item);
            assert!(writer.piece.len() <= PIECE_BYTES, "a piece is written when it is full");
        }
        writer.finish(Sequence(7)).unwrap()
    }

    #[test]
    fn a_part_of_many_pieces_is_read_as_it_was_written() {
        let disk = SimDisk::new();
        let items = 3 * PIECE_BYTES as u64 / 8 + 5;
        let part = written(&disk, items);
        assert_eq!((part.written, part.bytes), (Sequence(7), HEADER_BYTES as u64 + items * 8));
        let mut reader = Reader::open(&disk, NAME, &part).unwrap();
        assert_eq!(reader.left(), items * 8);
        for item in 0..items {
            assert_eq!(reader.get(), Ok(item));
            assert!(reader.piece.len() <= 2 * PIECE_BYTES, "two pieces at most are in memory");
        }
        assert_eq!(reader.left(), 0);
        assert!(reader.get::<u8>().is_err());
    }

    /// The file has a hole of five gibibytes, which take no room.
    #[test]
    fn a_part_goes_on_behind_four_gibibytes() {
        const BEHIND: u64 = 5 << 30;
        let directory = tempfile::tempdir().unwrap();
        let disk = RealDisk::open(directory.path()).unwrap();
        let mut writer = Writer::begin(&disk, NAME.to_owned()).unwrap();
        writer.piece.clear();
        (writer.written, writer.synced) = (BEHIND, BEHIND);
        let items = PIECE_BYTES as u64 / 8 + 5;
        (0..items).for_each(|item| writer.put(&item));
        assert_eq!(writer.length(), BEHIND + items * 8);
        let part = writer.finish(Sequence(7)).unwrap();
        let file = disk.open(NAME).unwrap();
        let length = file.len().unwrap();
        assert_eq!((part.bytes, length), (BEHIND + items * 8, BEHIND + items * 8));
        let mut reader = Reader { file, piece: Vec::new(), taken: 0, next: BEHIND, length };
        assert_eq!(reader.left(), items * 8);
        for item in 0..items {
            assert_eq!(reader.get(), Ok(item));
        }
        let span = read_span(&disk, NAME, BEHIND + 8, 8).unwrap();
        assert_eq!(span, 1_u64.to_le_bytes());
    }

    #[test]
    fn a_file_that_is_not_the_part_named_is_not_read() {
        let disk = SimDisk::new();
        let part = written(&disk, 20);
        let is_read = |part: &Part| Reader::open(&disk, NAME, part).is_ok();
        assert!(is_read(&part));
        assert!(!is_read(&Part { bytes: part.bytes + 1, ..part }));
        assert!(!is_read(&Part { hash: [0; 32], ..part }));
        for offset in 0..usize::try_from(part.bytes).unwrap() {
            disk.flip(NAME, offset, 1).unwrap();
            assert!(!is_read(&part), "byte {offset}");
            disk.flip(NAME, offset, 1).unwrap();
        }
        written(&disk, 19);
        assert!(!is_read(&part), "another of the same name");
    }

    #[test]
    fn a_count_larger_than_the_file_is_refused() {
        let disk = SimDisk::new();
        let part = written(&disk, 3);
        let mut reader = Reader::open(&disk, NAME, &part).unwrap();
        assert_eq!((reader.get_count(), reader.get_count()), (Ok(0), Ok(1)));
        assert!(reader.get_count().is_err(), "two items in no bytes");
    }
}
