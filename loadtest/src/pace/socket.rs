//! The sockets of a fixed rate: kept alive, one request at a time on each.
//!
//! Owns which are free, what each is answering, and the reading; all of it by the one thread that
//! sends, without a lock. A socket that breaks is replaced, by a task of the runtime, since
//! connecting may take long; the request it carried counts as unanswered and is never sent again.
//! Answers are read as far as their status and length, which is all that a rate needs to know.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read as _, Write as _};
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::client::Dial;
use crate::clock::{Clock, Stamp};
use crate::measure::{Latency, Percentiles};

/// Between attempts to replace a broken socket.
const REDIAL_EVERY: Duration = Duration::from_millis(50);
/// Nobody looks at a fixed rate by slices of time.
pub(super) const SLICE: Duration = Duration::from_mins(1);
/// Longest answer, head and body together: a place with its ticket takes about 1 KiB.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Read from a socket at once.
const READ_BYTES: usize = 16 * 1024;
/// Sockets read between two looks at the clock: at some 3 µs each, all of them fit into what
/// [`super::sender`] leaves before a deadline.
const EVENTS_MAX: usize = 4;

/// Answers so far.
#[derive(Debug, Default)]
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
#[derive(Debug, Default)]
struct Line {
    /// None while it is being replaced.
    stream: Option<TcpStream>,
    /// When the request on it was meant to leave; none while the socket is free.
    intended: Option<Stamp>,
    /// The beginning of an answer that did not come in one piece.
    begun: Vec<u8>,
}

/// Replaces broken sockets.
#[derive(Debug)]
struct Redial {
    dial: Arc<Dial>,
    runtime: Handle,
    done: mpsc::Sender<(usize, TcpStream)>,
    fresh: mpsc::Receiver<(usize, TcpStream)>,
    /// Sockets that are being replaced.
    absent: usize,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Sockets {
    clock: Clock,
    epoll: OwnedFd,
    lines: Vec<Line>,
    /// The longest free first, so that all source addresses are used.
    free: VecDeque<usize>,
    redial: Redial,
    latency: Latency,
    tally: Tally,
    buffer: Box<[u8]>,
}

impl Sockets {
    /// Opens `count` sockets.
    pub(super) async fn open(dial: Dial, count: usize, clock: Clock) -> Result<Self, String> {
        let dial = Arc::new(dial);
        let failed = |error: io::Error| format!("no sockets to send on: {error}");
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|e| failed(e.into()))?;
        let (done, fresh) = mpsc::channel(count);
        let redial = Redial { dial, runtime: Handle::current(), done, fresh, absent: 0 };
        let mut sockets = Self {
            clock,
            epoll,
            lines: Vec::new(),
            free: VecDeque::with_capacity(count),
            redial,
            latency: Latency::new(SLICE),
            tally: Tally::default(),
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
        };
        sockets.lines.resize_with(count, Line::default);
        for index in 0..count {
            let stream = sockets.redial.dial.connect().await?;
            let stream = stream.into_std().map_err(failed)?;
            sockets.install(index, stream).map_err(failed)?;
        }
        Ok(sockets)
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(super) fn latency(&self) -> Percentiles {
        self.latency.percentiles()
    }

    /// Takes a free socket if there is one.
    pub(super) fn take_free(&mut self) -> Option<usize> {
        self.free.pop_front()
    }

    /// Writes a request to a socket that was free.
    pub(super) fn write(&mut self, index: usize, intended: Stamp, bytes: &[u8]) {
        let line = &mut self.lines[index];
        line.intended = Some(intended);
        let Some(stream) = &mut line.stream else { return };
        // The socket is idle and its buffer empty: a request fits, or the socket is broken.
        if !matches!(stream.write(bytes), Ok(written) if written == bytes.len()) {
            // Half a request can never be finished; reading sees the end and replaces it.
            let _gone_already = stream.shutdown(Shutdown::Both);
        }
    }

    /// Reads a few answers; when there are none, waits for one at most `patience`.
    pub(super) fn attend(&mut self, patience: Duration) {
        self.take_fresh();
        if self.read_some() > 0 || patience.is_zero() {
            return;
        }
        let patience = Timespec::try_from(patience).unwrap_or_default();
        // Not the timeout of epoll itself, which older kernels round up to a millisecond. Waking
        // early, by a signal, is no harm: whoever waits looks at the clock.
        let _woken = poll(&mut [PollFd::new(&self.epoll, PollFlags::IN)], Some(&patience));
    }

    /// Reads at most [`EVENTS_MAX`] sockets and returns how many.
    fn read_some(&mut self) -> usize {
        let none =
            epoll::Event { flags: epoll::EventFlags::empty(), data: epoll::EventData::new_u64(0) };
        let mut events = [none; EVENTS_MAX];
        let Ok(count) = epoll::wait(&self.epoll, &mut events, Some(&Timespec::default())) else {
            return 0;
        };
        for event in &events[..count] {
            let data = event.data;
            self.read(usize::try_from(data.u64()).unwrap_or(usize::MAX));
        }
        count
    }

    /// Reads what has come on socket `index`, which is an answer or its part, or the end.
    fn read(&mut self, index: usize) {
        let line = &mut self.lines[index];
        let Some(stream) = &mut line.stream else { return };
        let read = match stream.read(&mut self.buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(_) => 0,
        };
        let done = self.clock.now();
        let status = if read == 0 {
            Err(io::ErrorKind::UnexpectedEof.into())
        } else if line.begun.is_empty() {
            // The usual case: the whole answer at once, looked at where it lies.
            answer(&self.buffer[..read]).inspect(|status| {
                if status.is_none() {
                    line.begun.extend_from_slice(&self.buffer[..read]);
                }
            })
        } else {
            line.begun.extend_from_slice(&self.buffer[..read]);
            answer(&line.begun)
        };
        match (status, line.intended) {
            (Ok(None), Some(_)) => {}
            (Ok(Some(status)), Some(intended)) => {
                line.intended = None;
                line.begun.clear();
                self.latency.record(intended, done);
                *self.tally.statuses.entry(status).or_insert(0) += 1;
                self.free.push_back(index);
            }
            // Bytes that nobody asked for are the end as well.
            (Ok(_), None) | (Err(_), _) => self.replace(index),
        }
    }

    /// Gives a broken socket up and has another opened in its place.
    fn replace(&mut self, index: usize) {
        let line = mem::take(&mut self.lines[index]);
        if line.intended.is_some() {
            self.tally.broken += 1;
        } else {
            self.free.retain(|free| *free != index);
        }
        // Closing it takes it off the epoll instance.
        drop(line);
        self.redial.absent += 1;
        let (dial, done) = (Arc::clone(&self.redial.dial), self.redial.done.clone());
        drop(self.redial.runtime.spawn(async move {
            loop {
                if let Ok(stream) = dial.connect().await
                    && let Ok(stream) = stream.into_std()
                {
                    // Refused only when the run is over.
                    let _unheard = done.send((index, stream)).await;
                    return;
                }
                tokio::time::sleep(REDIAL_EVERY).await;
            }
        }));
    }

    fn take_fresh(&mut self) {
        while self.redial.absent > 0
            && let Ok((index, stream)) = self.redial.fresh.try_recv()
        {
            self.redial.absent -= 1;
            if self.install(index, stream).is_err() {
                self.replace(index);
            }
        }
    }

    fn install(&mut self, index: usize, stream: TcpStream) -> io::Result<()> {
        let data = epoll::EventData::new_u64(index as u64);
        epoll::add(&self.epoll, &stream, data, epoll::EventFlags::IN)?;
        self.lines[index].stream = Some(stream);
        self.free.push_back(index);
        Ok(())
    }
}

/// The status, once `bytes` are one whole answer. More than that is an error.
fn answer(bytes: &[u8]) -> io::Result<Option<u16>> {
    let whole = head(bytes)?;
    if bytes.len() > whole.map_or(ANSWER_BYTES_MAX, |(_, length)| length) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(whole.filter(|(_, length)| bytes.len() == *length).map(|(status, _)| status))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    use crate::client::Http;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\n\r\nabc";

    #[test]
    fn a_head_tells_status_and_length_or_is_refused() {
        assert_eq!(head(ANSWER).unwrap(), Some((200, ANSWER.len())));
        assert_eq!(head(&ANSWER[..30]).unwrap(), None, "not yet complete");
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err(), "no length");
        assert!(head(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n").is_err());
        assert!(head(b"SSH-2.0\r\n\r\n").is_err());
    }

    #[test]
    fn an_answer_is_whole_not_yet_or_too_much() {
        assert_eq!(answer(ANSWER).unwrap(), Some(200));
        assert_eq!(answer(&ANSWER[..ANSWER.len() - 1]).unwrap(), None);
        assert!(answer(&[ANSWER, b"x"].concat()).is_err());
        assert!(answer(&vec![b'x'; ANSWER_BYTES_MAX + 1]).is_err());
    }

    fn until(sockets: &mut Sockets, reached: impl Fn(&Sockets) -> bool) {
        for _ in 0..5_000 {
            if reached(sockets) {
                return;
            }
            sockets.attend(Duration::from_millis(1));
        }
        panic!("not reached within 5 s: {sockets:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn answers_in_pieces_count_once_and_a_broken_socket_is_replaced() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let dial = Dial::new(&url, Http::One, 1).unwrap();
        let mut sockets = Sockets::open(dial, 1, Clock::start()).await.unwrap();
        let (mut far, _) = listener.accept().unwrap();

        let index = sockets.take_free().unwrap();
        assert_eq!(sockets.take_free(), None);
        sockets.write(index, Stamp(1), b"GET\r\n\r\n");
        far.write_all(&ANSWER[..20]).unwrap();
        until(&mut sockets, |sockets| !sockets.lines[0].begun.is_empty());
        assert_eq!((sockets.tally().outcomes(), sockets.free.len()), (0, 0));
        far.write_all(&ANSWER[20..]).unwrap();
        until(&mut sockets, |sockets| sockets.free.len() == 1);
        assert_eq!(sockets.tally().statuses, BTreeMap::from([(200, 1)]));

        // Closed while free: nothing is lost. Closed with a request on it: that one is.
        drop(far);
        until(&mut sockets, |sockets| sockets.redial.absent == 1);
        assert_eq!((sockets.tally().broken, sockets.free.len()), (0, 0));
        until(&mut sockets, |sockets| sockets.free.len() == 1);
        let (far, _) = listener.accept().unwrap();
        let index = sockets.take_free().unwrap();
        sockets.write(index, Stamp(1), b"GET\r\n\r\n");
        drop(far);
        until(&mut sockets, |sockets| sockets.free.len() == 1);
        assert_eq!((sockets.tally().broken, sockets.tally().outcomes()), (1, 2));
    }
}
