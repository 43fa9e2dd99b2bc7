//! The log's files: names, making, and what a start has to know of their ends.

use std::{
    collections::HashSet,
    fmt,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use engine::id::{EventId, SaleName};
use serde::Deserialize;

use crate::pipeline::book::{EVENTS_IN_HAND_MAX, EventKey};

/// Orders name shoppers' purchases: only the owner reads them.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// Bytes read from a file's end. A line is an event with at most 16 items of 64-byte SKUs, so
/// that every event that can be unacknowledged fits in here.
const TAIL_BYTES: u64 = EVENTS_IN_HAND_MAX as u64 * LINE_BYTES_MAX;
const LINE_BYTES_MAX: u64 = 4 * 1024;

const _: () = assert!(engine::limits::PURCHASE_ITEMS_MAX * 160 + 1_024 < 4 * 1024);

/// Lines of one write and sync: the most that can be torn. With the pause, 100,000 a second.
pub(super) const BATCH_EVENTS_MAX: usize = 2_048;

/// Why the log could not be opened.
#[derive(Debug)]
pub enum LogError {
    /// The operating system refused.
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A line that had long been synced is damaged. Move the file away to go on without it.
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it the damage begins, in bytes.
        offset: u64,
    },
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, .. } => write!(f, "cannot use order log {}", path.display()),
            Self::Damaged { path, offset } => {
                write!(f, "order log {} is damaged at byte {offset}", path.display())
            }
        }
    }
}

impl std::error::Error for LogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Damaged { .. } => None,
        }
    }
}

/// What is known of the log's end.
#[derive(Debug, Default)]
pub(super) struct LineEnd {
    /// Bytes of whole lines in the last file.
    pub(super) length: u64,
    /// Events at the log's end, of all sales: all that can be unacknowledged, perhaps more.
    pub(super) events: HashSet<EventKey>,
}

/// Makes the directory if it is not there, with its name durable.
pub(super) fn make_directory(directory: &Path) -> Result<(), LogError> {
    let made = DirBuilder::new().mode(DIRECTORY_MODE).create(directory);
    match made {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(at(directory)(error)),
    }
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or_else(|| Path::new("."));
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(at(parent))
}

/// The numbers of the files that are there, ascending.
pub(super) fn list(directory: &Path) -> Result<Vec<u64>, LogError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory).map_err(at(directory))? {
        let name = entry.map_err(at(directory))?.file_name();
        numbers.extend(name.to_str().and_then(parse));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Opens a file for writing.
pub(super) fn open(directory: &Path, number: u64) -> Result<File, LogError> {
    let path = path(directory, number);
    OpenOptions::new().read(true).write(true).open(&path).map_err(at(&path))
}

/// Makes a file, with its name durable.
pub(super) fn make(directory: &Path, number: u64) -> io::Result<File> {
    let path = path(directory, number);
    let mut options = OpenOptions::new();
    // A file of this number is a leftover of a making that failed half-way: nothing is in it.
    options.read(true).write(true).create(true).truncate(true).mode(FILE_MODE);
    let file = options.open(&path)?;
    File::open(directory)?.sync_all()?;
    Ok(file)
}

/// Reads the log's end and cuts off what was not synced.
pub(super) fn recover(directory: &Path, numbers: &[u64]) -> Result<LineEnd, LogError> {
    let mut end = LineEnd::default();
    for number in numbers.iter().rev() {
        let path = path(directory, *number);
        let file = open(directory, *number)?;
        let lines = Tail::read(&file).map_err(at(&path))?;
        let length = lines.good_length(&path)?;
        if length < lines.length {
            file.set_len(length).map_err(at(&path))?;
            file.sync_all().map_err(at(&path))?;
        }
        if Some(number) == numbers.last() {
            end.length = length;
        }
        end.events.extend(lines.events);
        if end.events.len() >= EVENTS_IN_HAND_MAX {
            break;
        }
    }
    Ok(end)
}

/// The last lines of a file.
#[derive(Debug)]
struct Tail {
    /// The file's length.
    length: u64,
    /// Events of the whole lines before any damage.
    events: Vec<EventKey>,
    /// Where the first line that is not whole begins, and how many lines there are from it on.
    damage: Option<(u64, usize)>,
}

#[derive(Deserialize)]
struct Line {
    sale: String,
    event_id: u64,
}

impl Line {
    /// Which event a line tells of; none of what is no whole line.
    fn read(line: &[u8]) -> Option<EventKey> {
        let line: Self = serde_json::from_slice(line.strip_suffix(b"\n")?).ok()?;
        Some((SaleName::parse(&line.sale)?.tag(), EventId(line.event_id)))
    }
}

impl Tail {
    fn read(mut file: &File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let mut offset = length.saturating_sub(TAIL_BYTES);
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        let mut tail = Self { length, events: Vec::new(), damage: None };
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        if offset > 0 {
            // Begins in the middle of a line.
            offset += lines.next().map_or(0, <[u8]>::len) as u64;
        }
        while let Some(line) = lines.next() {
            let Some(event) = Line::read(line) else {
                tail.damage = Some((offset, lines.count() + 1));
                break;
            };
            tail.events.push(event);
            offset += line.len() as u64;
        }
        Ok(tail)
    }

    /// Bytes of the file that can be kept. A crash damages no more than the last batch; more than
    /// that is a disk that lost what it had promised to keep.
    fn good_length(&self, path: &Path) -> Result<u64, LogError> {
        match self.damage {
            None => Ok(self.length),
            Some((offset, lines)) if lines <= BATCH_EVENTS_MAX => Ok(offset),
            Some((offset, _)) => Err(LogError::Damaged { path: path.to_owned(), offset }),
        }
    }
}

fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("orders-{number:06}.jsonl"))
}

fn parse(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("orders-")?.strip_suffix(".jsonl")?;
    let number = digits.parse().ok()?;
    (digits == format!("{number:06}")).then_some(number)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> LogError {
    let path = path.to_owned();
    move |source| LogError::Io { path, source }
}
