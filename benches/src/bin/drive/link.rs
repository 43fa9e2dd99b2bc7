//! One connection: what waits to be sent, and when each unanswered request was due.
//!
//! Refuses to know why anything is sent. Never blocks. Invariant: answers come in the order of the
//! requests, so the oldest due moment belongs to the next answer.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Instant,
};

use socket2::{Domain, Socket, Type};

use crate::{
    answer::{ANSWER_BYTES_MAX, Answer},
    poller::Poller,
};

/// Bytes taken from a socket at once.
const READ_BYTES: usize = 128 * 1024;

/// Where all links read to, one after the other.
#[derive(Debug)]
pub(crate) struct Scratch(Vec<u8>);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(vec![0; ANSWER_BYTES_MAX + READ_BYTES])
    }
}

/// A connection under a number.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) number: usize,
    stream: Option<TcpStream>,
    /// Bytes the socket has not taken yet.
    pub(crate) out: Vec<u8>,
    /// The front of an answer that has not come in full.
    partial: Vec<u8>,
    /// Requests not answered: when each was due.
    pub(crate) unanswered: VecDeque<Instant>,
}

impl Link {
    /// Not connected yet.
    pub(crate) fn new(number: usize) -> Self {
        let (out, partial, unanswered) = (Vec::new(), Vec::new(), VecDeque::new());
        Self { number, stream: None, out, partial, unanswered }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.stream.is_some()
    }

    /// Connects and waits until that is done.
    pub(crate) fn connect(&mut self, address: SocketAddr, poller: &Poller) -> io::Result<()> {
        let stream = TcpStream::connect(address)?;
        stream.set_nonblocking(true)?;
        self.keep(stream, poller)
    }

    /// Begins to connect; what is in `out` goes when it is done.
    pub(crate) fn begin_connect(&mut self, address: SocketAddr, poller: &Poller) -> io::Result<()> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), None)?;
        match socket.connect(&address.into()) {
            Ok(()) => {}
            Err(error)
                if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            Err(error) => return Err(error),
        }
        self.keep(socket.into(), poller)
    }

    fn keep(&mut self, stream: TcpStream, poller: &Poller) -> io::Result<()> {
        stream.set_nodelay(true)?;
        poller.watch(&stream, self.number)?;
        self.stream = Some(stream);
        Ok(())
    }

    /// Hangs up; whatever was unanswered stays so.
    pub(crate) fn close(&mut self) {
        self.stream = None;
        self.out.clear();
        self.partial.clear();
        self.unanswered.clear();
    }

    /// Sends what waits, as far as the socket takes it.
    pub(crate) fn send(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let mut sent = 0;
        while sent < self.out.len() {
            match stream.write(&self.out[sent..]) {
                Ok(more) => sent += more,
                Err(error) if is_later(&error) => break,
                Err(error) => return Err(error),
            }
        }
        self.out.drain(..sent);
        Ok(())
    }

    /// Reads what came and shows each answer with its bytes and the moment its request was due.
    /// An error, also that the server closed, ends the link.
    pub(crate) fn receive(
        &mut self,
        is_over: bool,
        scratch: &mut Scratch,
        mut show: impl FnMut(Answer, &[u8], Instant),
    ) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        loop {
            let kept = self.partial.len();
            scratch.0[..kept].copy_from_slice(&self.partial);
            let room = &mut scratch.0[kept..kept + READ_BYTES];
            let more = match stream.read(room) {
                Ok(0) => {
                    return Err(io::Error::new(
                        ErrorKind::UnexpectedEof,
                        "the server closed the connection",
                    ));
                }
                Ok(more) => more,
                Err(error) if is_later(&error) => return Ok(()),
                Err(error) => return Err(error),
            };
            let mut rest = &scratch.0[..kept + more];
            while let Some(answer) = Answer::read(rest).map_err(io::Error::other)? {
                let (bytes, after) = rest.split_at(answer.length);
                let due = self.unanswered.pop_front();
                show(answer, bytes, due.ok_or_else(|| io::Error::other("nobody asked"))?);
                rest = after;
            }
            if self.unanswered.is_empty() && !rest.is_empty() {
                return Err(io::Error::other("bytes nobody asked for"));
            }
            self.partial.clear();
            self.partial.extend_from_slice(rest);
            // A short read has emptied the socket: epoll(7), and it saves the call that says so.
            if more < READ_BYTES && !is_over {
                return Ok(());
            }
        }
    }
}

/// Whether the socket, or the connecting, only needs time.
fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}
