//! The local order log: a sink that appends each event as a line of JSON to files in a directory.
//!
//! Owns `orders-000001.jsonl`, `orders-000002.jsonl` and so on, which only their owner can read. A
//! batch is one write and one sync; the file after the one that is full begins with a batch. Files
//! are never removed and, once the next one is there, never written.
//!
//! An event is taken when its line is synced. A line that may not have been is cut off: at once
//! when the write failed, at the next start after a crash. What stays possible is a line whose
//! acknowledgement the engine never saw, so the events at the end of the log are read at the start and
//! an event that is there already is taken without a second line.

use std::{
    collections::HashSet,
    fmt,
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use engine::outbox::OrderEvent;
use engine::sink::{Answer, Answers, Capacity, Sink, plain_words};

use self::files::{BATCH_EVENTS_MAX, LineEnd, list, make, recover};
use super::{book::EventKey, payload};

mod files;

pub use files::LogError;

/// Between syncs of the log. The journal's syncs, which shoppers wait for, share its disk: an order
/// that is durable in the journal already may be logged a moment later.
const PAUSE: Duration = Duration::from_millis(20);

/// Where orders are logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// The directory, made if need be; the data directory's lock keeps other processes away.
    pub directory: PathBuf,
    /// Bytes after which the next file is begun.
    pub file_bytes_max: u64,
}

impl LogOptions {
    /// Files of 64 MiB, some 150,000 events each.
    pub fn in_directory(directory: PathBuf) -> Self {
        Self { directory, file_bytes_max: 64 * 1024 * 1024 }
    }
}

/// The sink.
#[derive(Debug)]
pub struct OrderLog {
    writer: Arc<Mutex<Writer>>,
}

impl OrderLog {
    /// Opens the log, cutting off what a crash left of its last batch.
    pub fn open(options: LogOptions) -> Result<Self, LogError> {
        files::make_directory(&options.directory)?;
        let numbers = list(&options.directory)?;
        let LineEnd { length, events } = recover(&options.directory, &numbers)?;
        let mut writer = Writer {
            options,
            open: None,
            next_number: numbers.last().map_or(1, |last| last + 1),
            known: events,
        };
        if let Some(last) = numbers.last() {
            let file = files::open(&writer.options.directory, *last)?;
            writer.open = Some(OpenFile { file, length });
        }
        Ok(Self { writer: Arc::new(Mutex::new(writer)) })
    }
}

impl Sink for OrderLog {
    fn capacity(&self) -> Capacity {
        Capacity { batch_events_max: BATCH_EVENTS_MAX, batches_max: 1, pause: PAUSE }
    }

    fn deliver(&self, events: Vec<Arc<OrderEvent>>) -> Answers<'_> {
        let writer = Arc::clone(&self.writer);
        Box::pin(async move {
            let count = events.len();
            let append = move || {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                writer.append(&events)
            };
            // Beside the delivery worker's loop, which must not wait for a disk.
            let appended = tokio::task::spawn_blocking(append).await;
            let answer = match appended {
                Ok(Ok(())) => Answer::Taken,
                Ok(Err(error)) => later(&error),
                Err(gone) => later(&gone),
            };
            vec![answer; count]
        })
    }
}

fn later(error: &dyn fmt::Display) -> Answer {
    Answer::Later { why: plain_words(&format!("order log: {error}")), after: None }
}

/// The file lines go to.
#[derive(Debug)]
struct OpenFile {
    file: File,
    /// Bytes of whole, synced lines.
    length: u64,
}

/// The end of the log.
#[derive(Debug)]
struct Writer {
    options: LogOptions,
    /// None: the next line begins a file. Otherwise the one before `next_number`.
    open: Option<OpenFile>,
    next_number: u64,
    /// Events whose lines were there at the start and may be unacknowledged.
    known: HashSet<EventKey>,
}

impl Writer {
    /// Makes the events durable, all or, on an error, as far as anyone can tell none.
    fn append(&mut self, events: &[Arc<OrderEvent>]) -> io::Result<()> {
        let mut lines = Vec::new();
        let is_known = |event: &OrderEvent| self.known.contains(&(event.sale.tag(), event.id));
        for event in events.iter().filter(|event| !is_known(event)) {
            lines.extend_from_slice(&payload::to_json(event));
            lines.push(b'\n');
        }
        if lines.is_empty() {
            return Ok(());
        }
        let mut open = self.file_for(lines.len() as u64)?;
        match open.file.write_all_at(&lines, open.length) {
            Ok(()) => {}
            Err(error) => {
                // No sync has failed: a file that could be cut back is as good as before.
                if open.file.set_len(open.length).is_ok() {
                    self.open = Some(open);
                }
                return Err(error);
            }
        }
        if let Err(error) = open.file.sync_data() {
            // After a failed sync it is unknown what the file holds beyond what was synced before:
            // it is cut back to that, best effort, and left alone. One that held nothing before is
            // made again under its number, so that a failing disk does not fill with empty files.
            drop(open.file.set_len(open.length));
            if open.length == 0 {
                self.next_number -= 1;
            }
            return Err(error);
        }
        open.length += lines.len() as u64;
        self.open = Some(open);
        Ok(())
    }

    /// The file for so many bytes more, taken out: whoever succeeds in writing puts it back.
    fn file_for(&mut self, bytes: u64) -> io::Result<OpenFile> {
        let max = self.options.file_bytes_max;
        let fits = |open: &OpenFile| open.length == 0 || open.length + bytes <= max;
        if let Some(open) = self.open.take().filter(fits) {
            return Ok(open);
        }
        let file = make(&self.options.directory, self.next_number)?;
        self.next_number += 1;
        Ok(OpenFile { file, length: 0 })
    }
}

#[cfg(test)]
mod tests;
