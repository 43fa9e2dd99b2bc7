//! The sockets of a fixed rate: kept alive, one request at a time on each.
//!
//! Owns which are free, what each is answering, and the reading. A socket that breaks is replaced;
//! the request it carried counts as unanswered and is never sent again. Answers are read as far as
//! their status and length, which is all that a rate needs to know of them.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::net::{Shutdown, shutdown};
use tokio::net::TcpStream;

use crate::client::Dial;
use crate::clock::{Clock, Stamp};
use crate::measure::{Counter, Latency, Percentiles};
use crate::pacer;

/// Between attempts to replace a broken socket.
const REDIAL_EVERY: Duration = Duration::from_millis(50);
/// Between looks for a free socket when there is none: answers free them in their tens a millisecond.
const LOOK_EVERY: Duration = Duration::from_micros(50);
/// Nobody looks at a fixed rate by slices of time.
const SLICE: Duration = Duration::from_mins(1);
/// Longest answer, head and body together: a place with its ticket takes about 1 KiB.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Read from a socket at once.
const READ_BYTES: usize = 4 * 1024;

/// Answers so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) statuses: BTreeMap<u16, u64>,
    /// Requests whose socket broke.
    broken: u64,
}

impl Tally {
    /// Requests whose end is known.
    pub(super) fn outcomes(&self) -> u64 {
        self.statuses.values().sum::<u64>() + self.broken
    }
}

/// One socket and the request on it.
#[derive(Debug)]
struct Line {
    stream: Arc<TcpStream>,
    intended: Option<Stamp>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Sockets {
    dial: Dial,
    clock: Clock,
    lines: Vec<Mutex<Line>>,
    /// Which are free: set by the reader when it has read an answer, cleared by who takes one.
    /// No lock: the sender preempts readers all the time, and would wait for one that it put to
    /// sleep with the lock in its hand.
    free: Vec<AtomicBool>,
    /// Where the next search begins: in turn, so that all source addresses are used.
    turn: AtomicUsize,
    /// Searches that found none free at first.
    waited: Counter,
    latency: Latency,
    tally: Mutex<Tally>,
}

impl Sockets {
    /// Opens `count` sockets and starts reading from them.
    pub(super) async fn open(dial: Dial, count: usize, clock: Clock) -> Result<Self, String> {
        let mut lines = Vec::new();
        for _ in 0..count {
            let stream = Arc::new(dial.connect().await?);
            lines.push(Mutex::new(Line { stream, intended: None }));
        }
        Ok(Self {
            dial,
            clock,
            lines,
            free: (0..count).map(|_| AtomicBool::new(false)).collect(),
            turn: AtomicUsize::new(0),
            waited: Counter::new(clock, SLICE),
            latency: Latency::new(SLICE),
            tally: Mutex::default(),
        })
    }

    /// Starts the readers, which free their sockets.
    pub(super) fn listen(self: &Arc<Self>) {
        for index in 0..self.lines.len() {
            drop(tokio::spawn(Arc::clone(self).read(index)));
        }
    }

    pub(super) fn tally(&self) -> Tally {
        lock(&self.tally).clone()
    }

    pub(super) fn latency(&self) -> Percentiles {
        self.latency.percentiles()
    }

    /// Requests that had to wait for a free socket.
    pub(super) fn waited(&self) -> u64 {
        self.waited.get()
    }

    /// Takes a free socket, waiting for one at most `patience`.
    pub(super) fn free(&self, patience: Duration) -> Option<usize> {
        let deadline = self.clock.now().after(patience);
        let mut is_first = true;
        let turn = self.turn.load(Ordering::Relaxed);
        loop {
            let count = self.free.len();
            let found = (1..=count).map(|step| (turn + step) % count).find(|&i| self.withdraw(i));
            if let Some(index) = found {
                self.turn.store(index, Ordering::Relaxed);
                return Some(index);
            }
            if std::mem::take(&mut is_first) {
                self.waited.add_one();
            }
            let now = self.clock.now();
            if now >= deadline {
                return None;
            }
            pacer::sleep_until(self.clock, now.after(LOOK_EVERY));
        }
    }

    /// Writes a request to a free socket. Its answer, or its failure, is for the reader.
    pub(super) fn write(&self, index: usize, intended: Stamp, bytes: &[u8]) {
        let mut line = lock(&self.lines[index]);
        line.intended = Some(intended);
        // The socket is idle and its buffer empty: a request fits, or the socket is broken.
        if !matches!(line.stream.try_write(bytes), Ok(written) if written == bytes.len()) {
            // Half a request can never be finished; the reader sees the end and replaces it.
            let _gone_already = shutdown(&*line.stream, Shutdown::Both);
        }
    }

    /// Reads answers from socket `index` for as long as the run lasts.
    async fn read(self: Arc<Self>, index: usize) {
        let mut bytes = Vec::new();
        self.set_free(index);
        loop {
            let stream = Arc::clone(&lock(&self.lines[index]).stream);
            while let Ok(status) = answer(&stream, &mut bytes).await {
                let done = self.clock.now();
                let Some(intended) = lock(&self.lines[index]).intended.take() else { break };
                self.latency.record(intended, done);
                *lock(&self.tally).statuses.entry(status).or_insert(0) += 1;
                self.set_free(index);
            }
            let was_free = self.withdraw(index);
            let stream = self.redial().await;
            let carried = {
                let mut line = lock(&self.lines[index]);
                line.stream = stream;
                line.intended.take()
            };
            if carried.is_some() {
                lock(&self.tally).broken += 1;
            }
            // Otherwise the sender has taken it and is about to write to the new socket.
            if was_free || carried.is_some() {
                self.set_free(index);
            }
        }
    }

    fn set_free(&self, index: usize) {
        // ORDERING: pairs with `withdraw`; whoever takes the socket sees its answer taken off it.
        self.free[index].store(true, Ordering::Release);
    }

    /// Takes socket `index` if it is free.
    fn withdraw(&self, index: usize) -> bool {
        // Looking first keeps the search from writing to every flag it passes.
        let free = &self.free[index];
        free.load(Ordering::Relaxed) && free.swap(false, Ordering::Acquire)
    }

    async fn redial(&self) -> Arc<TcpStream> {
        loop {
            if let Ok(stream) = self.dial.connect().await {
                return Arc::new(stream);
            }
            tokio::time::sleep(REDIAL_EVERY).await;
        }
    }
}

/// Reads one whole answer and returns its status. Bytes nobody asked for are an error.
async fn answer(stream: &TcpStream, bytes: &mut Vec<u8>) -> io::Result<u16> {
    bytes.clear();
    loop {
        stream.readable().await?;
        let before = bytes.len();
        bytes.resize(before + READ_BYTES, 0);
        let read = stream.try_read(&mut bytes[before..]);
        bytes.truncate(before + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        if let Some((status, length)) = head(bytes)? {
            if bytes.len() == length {
                return Ok(status);
            }
            if bytes.len() > length {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

/// The status and the whole answer's length, once its head is complete. An answer must say its
/// length: a rate is asked of small documents.
fn head(bytes: &[u8]) -> io::Result<Option<(u16, usize)>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| invalid())?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
    let status = status.and_then(|rest| rest.get(..3)?.parse().ok()).ok_or_else(invalid)?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    let length = length.ok_or_else(invalid)?.map_err(|_| invalid())?;
    if length > ANSWER_BYTES_MAX {
        return Err(invalid());
    }
    Ok(Some((status, end + 4 + length)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_status_and_length_or_is_refused() {
        let text = b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(head(text).unwrap(), Some((200, text.len())));
        assert_eq!(head(&text[..30]).unwrap(), None, "not yet complete");
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err(), "no length");
        assert!(head(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n").is_err());
        assert!(head(b"SSH-2.0\r\n\r\n").is_err());
    }
}
