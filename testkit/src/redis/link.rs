//! A blocking connection to Redis: RESP2 by hand, so that a bench measures Redis and not a client.
//!
//! Commands are encoded into one buffer and sent together; replies are read in their order. Whoever
//! pipelines more than [`PIPELINE_MAX`] commands without reading may fill the sockets' buffers and
//! wait for ever.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
};

/// Commands to send before their replies are read: small ones fit the buffers of both sockets.
pub const PIPELINE_MAX: usize = 4_096;

/// Members that one `ZADD` of [`Link::fill_line`] adds, and how many of them are on their way.
const FILL_MEMBERS: u64 = 500;
const FILL_COMMANDS: u64 = 16;

/// What Redis said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A number.
    Integer(i64),
    /// Nothing there.
    Nil,
    /// A text, simple or bulk.
    Bulk(Vec<u8>),
    /// Several replies in one.
    List(Vec<Self>),
}

impl Reply {
    /// A text.
    pub fn bulk(text: &str) -> Self {
        Self::Bulk(text.into())
    }
}

/// One connection.
#[derive(Debug)]
pub struct Link {
    stream: BufReader<UnixStream>,
    out: Vec<u8>,
}

impl Link {
    /// Speaks over a connected socket.
    pub(super) fn over(stream: UnixStream) -> Self {
        Self { stream: BufReader::with_capacity(64 * 1024, stream), out: Vec::new() }
    }

    /// Adds a command to those to be sent.
    pub fn push(&mut self, parts: &[&[u8]]) {
        self.begin(parts.len());
        for part in parts {
            self.part(part);
        }
    }

    /// Sends all commands that were pushed.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub fn send(&mut self) -> io::Result<()> {
        self.stream.get_mut().write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// Reads the next reply.
    ///
    /// # Errors
    ///
    /// Those of the socket, an error reply as its text, and anything that is not RESP2.
    pub fn read(&mut self) -> io::Result<Reply> {
        let mut line = Vec::with_capacity(32);
        self.stream.read_until(b'\n', &mut line)?;
        let Some((kind, rest)) = line.strip_suffix(b"\r\n").and_then(<[u8]>::split_first) else {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "no whole reply"));
        };
        let text = str::from_utf8(rest).map_err(io::Error::other)?;
        let number = || text.parse::<i64>().map_err(io::Error::other);
        match kind {
            b'+' => Ok(Reply::Bulk(rest.to_vec())),
            b'-' => Err(io::Error::other(text.to_owned())),
            b':' => number().map(Reply::Integer),
            b'$' | b'*' => match usize::try_from(number()?) {
                Err(_) => Ok(Reply::Nil),
                Ok(length) if *kind == b'$' => self.bulk(length),
                Ok(length) => {
                    (0..length).map(|_| self.read()).collect::<Result<_, _>>().map(Reply::List)
                }
            },
            _ => Err(io::Error::other(format!("not a reply: {text}"))),
        }
    }

    /// Sends one command and reads its reply.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn call(&mut self, parts: &[&[u8]]) -> io::Result<Reply> {
        self.push(parts);
        self.send()?;
        self.read()
    }

    /// Loads a script; the digest that `EVALSHA` wants.
    ///
    /// # Errors
    ///
    /// As [`Self::read`], and the script's.
    pub fn load(&mut self, script: &str) -> io::Result<Vec<u8>> {
        match self.call(&[b"SCRIPT", b"LOAD", script.as_bytes()])? {
            Reply::Bulk(digest) => Ok(digest),
            other @ (Reply::Integer(_) | Reply::Nil | Reply::List(_)) => {
                Err(io::Error::other(format!("no digest: {other:?}")))
            }
        }
    }

    /// Puts the members of 1 to `count` into a sorted set, each with its number as the score.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn fill_line(
        &mut self,
        key: &[u8],
        count: u64,
        member: impl Fn(u64) -> Vec<u8>,
    ) -> io::Result<()> {
        let mut next = 1;
        while next <= count {
            let mut sent = 0;
            while sent < FILL_COMMANDS && next <= count {
                let last = count.min(next + FILL_MEMBERS - 1);
                self.begin(2 + 2 * usize::try_from(last + 1 - next).map_err(io::Error::other)?);
                self.part(b"ZADD");
                self.part(key);
                for number in next..=last {
                    self.part(number.to_string().as_bytes());
                    self.part(&member(number));
                }
                (next, sent) = (last + 1, sent + 1);
            }
            self.send()?;
            for _ in 0..sent {
                self.read()?;
            }
        }
        Ok(())
    }

    fn begin(&mut self, parts: usize) {
        self.out.extend_from_slice(format!("*{parts}\r\n").as_bytes());
    }

    fn part(&mut self, part: &[u8]) {
        self.out.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        self.out.extend_from_slice(part);
        self.out.extend_from_slice(b"\r\n");
    }

    fn bulk(&mut self, length: usize) -> io::Result<Reply> {
        let mut text = vec![0; length + 2];
        self.stream.read_exact(&mut text)?;
        text.truncate(length);
        Ok(Reply::Bulk(text))
    }
}
