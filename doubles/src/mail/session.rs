//! One conversation with a client.

use std::{future::pending, io};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream},
    net::TcpStream,
    time::sleep,
};

use super::{letter::Mail, office::Office};
use crate::{Fault, limits};

/// The longest line of a command, in bytes.
const LINE_BYTES_MAX: u64 = 4_096;

/// The name of handing in a mail for [`crate::Faults::next`].
const OPERATION: &str = "mail";

/// What the server can do.
const GREETING: &str = "250-double\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN";

pub(super) struct Session<'a> {
    stream: BufStream<TcpStream>,
    office: &'a Office,
    is_known: bool,
    from: Option<String>,
    to: Vec<String>,
}

impl<'a> Session<'a> {
    pub(super) fn new(stream: TcpStream, office: &'a Office) -> Self {
        let is_known = office.login.is_none();
        Self { stream: BufStream::new(stream), office, is_known, from: None, to: Vec::new() }
    }

    pub(super) async fn run(mut self) -> io::Result<()> {
        self.say("220 double ESMTP").await?;
        loop {
            let Some(line) = self.line(LINE_BYTES_MAX).await? else { return Ok(()) };
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => self.say(GREETING).await?,
                "HELO" => self.say("250 double").await?,
                "AUTH" => self.authenticate(&line).await?,
                "MAIL" if !self.is_known => self.say("530 5.7.0 authentication required").await?,
                "MAIL" => self.envelope_from(&line).await?,
                "RCPT" => self.envelope_to(&line).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    self.clear();
                    self.say("250 2.0.0 ok").await?;
                }
                "NOOP" => self.say("250 2.0.0 ok").await?,
                "QUIT" => return self.say("221 2.0.0 bye").await,
                _ => self.say("502 5.5.1 not implemented").await?,
            }
        }
    }

    async fn authenticate(&mut self, line: &str) -> io::Result<()> {
        let sent = line.splitn(3, ' ').nth(2).and_then(|text| STANDARD.decode(text).ok());
        let right =
            self.office.login.as_ref().map(|(user, password)| format!("\0{user}\0{password}"));
        self.is_known = right.is_none_or(|right| sent.as_deref() == Some(right.as_bytes()));
        let answer =
            if self.is_known { "235 2.7.0 accepted" } else { "535 5.7.8 credentials invalid" };
        self.say(answer).await
    }

    async fn envelope_from(&mut self, line: &str) -> io::Result<()> {
        self.clear();
        self.from = address(line);
        let answer = if self.from.is_some() { "250 2.1.0 ok" } else { "501 5.1.7 bad sender" };
        self.say(answer).await
    }

    async fn envelope_to(&mut self, line: &str) -> io::Result<()> {
        let answer = match address(line) {
            Some(to) if to.contains('@') && self.from.is_some() => {
                self.to.push(to);
                "250 2.1.5 ok"
            }
            Some(_) => "503 5.5.1 bad sequence or recipient",
            None => "501 5.1.3 bad recipient",
        };
        self.say(answer).await
    }

    /// Takes the mail itself, and lets a fault befall it.
    async fn data(&mut self) -> io::Result<()> {
        if self.to.is_empty() {
            return self.say("503 5.5.1 no recipient").await;
        }
        self.say("354 go on").await?;
        let raw = self.content().await?;
        let mail = Mail {
            from: self.from.take().unwrap_or_default(),
            to: std::mem::take(&mut self.to),
            raw,
        };
        let late = self.office.faults.late();
        let lost = || Err(io::Error::other("lost, as the fault says"));
        match self.office.faults.befall(OPERATION) {
            Some(Fault::Refused) => return self.say("451 4.3.0 try again later").await,
            Some(Fault::LostBefore) => return lost(),
            Some(Fault::LostAfter) => {
                self.office.keep(mail);
                return lost();
            }
            Some(Fault::Silent) => {
                self.office.keep(mail);
                return pending().await;
            }
            Some(Fault::Late) => {
                self.office.keep(mail);
                sleep(late).await;
            }
            Some(Fault::Overtaken) => {
                sleep(late).await;
                self.office.keep(mail);
                self.office.faults.arrived(OPERATION);
            }
            None | Some(Fault::Doubled) => self.office.keep(mail),
        }
        self.say("250 2.0.0 taken").await
    }

    /// The mail up to its dot, each line that begins with one freed of it.
    async fn content(&mut self) -> io::Result<Vec<u8>> {
        let mut raw = Vec::new();
        loop {
            let line = self.line(limits::BODY_BYTES_MAX as u64).await?;
            let line = line.ok_or(io::ErrorKind::UnexpectedEof)?;
            if line == b".\r\n" {
                return Ok(raw);
            }
            if raw.len() + line.len() > limits::BODY_BYTES_MAX {
                return Err(io::Error::other("a mail that is too long"));
            }
            raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }

    /// A line with its end; nothing when the client is gone.
    async fn line(&mut self, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let read = (&mut self.stream).take(bytes_max).read_until(b'\n', &mut line).await?;
        Ok((read > 0).then_some(line))
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        self.stream.write_all(line.as_bytes()).await?;
        self.stream.write_all(b"\r\n").await?;
        self.stream.flush().await
    }

    fn clear(&mut self) {
        self.from = None;
        self.to.clear();
    }
}

/// What stands between angle brackets.
fn address(line: &str) -> Option<String> {
    let (_, rest) = line.split_once('<')?;
    let (address, _) = rest.split_once('>')?;
    Some(address.to_owned())
}
