//! The driver: as many requests as a server will answer over a fixed number of connections.
//!
//! A closed loop: each connection sends its next request when the answer to the one before has been
//! read in full and checked (status line, `content-length`, every byte of the body). So it measures
//! throughput, not the latency a crowd would see; for that there is `loadtest`.
//!
//! Owns one thread and no parser to speak of, since it shares the machine with what it measures.
//! Refuses answers without a `content-length` and bytes nobody asked for.
//!
//! A request is a template: raw bytes in which `{line}` stands for a line of a file (a ticket, a
//! pass) and `{serial}` for a number of 16 hex digits that never repeats (an idempotency key).

#![forbid(unsafe_code)]

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    io::Write as _,
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    rc::Rc,
    time::{Duration, Instant},
};

use clap::Parser;
use hdrhistogram::Histogram;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::LocalSet,
};

/// Bytes of an answer at the most: a place with its ticket and its pass takes about 1 KiB.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Answers that took longer count as having taken this long.
const ANSWER_MICROS_MAX: u64 = 60_000_000;

/// Steps through the lines so that neighbours in the file are not asked for together. A prime, so
/// that every line comes once before one comes again, unless there are a multiple of it.
const STRIDE: u64 = 1_000_003;

#[derive(Debug, Parser)]
#[command(about = "A closed loop of requests over a fixed number of connections")]
struct Options {
    /// The server.
    #[arg(long)]
    address: SocketAddr,
    /// Connections, each with one request at a time.
    #[arg(long, default_value_t = 64)]
    connections: u64,
    /// How long to count answers, after a warm-up.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// How long to send before counting.
    #[arg(long, default_value_t = 0.5)]
    warm_up: f64,
    /// Send so many requests instead and count them all.
    #[arg(long)]
    requests: Option<u64>,
    /// A file with the request.
    #[arg(long)]
    template: PathBuf,
    /// A file whose lines take the place of `{line}` in turn.
    #[arg(long)]
    lines: Option<PathBuf>,
    /// The first number for `{serial}`.
    #[arg(long, default_value_t = 0)]
    serial_from: u64,
    /// Write this text field of each answer's body to the file of `--save-to`.
    #[arg(long, requires = "save_to")]
    save: Option<String>,
    /// Where to write them, one a line.
    #[arg(long)]
    save_to: Option<PathBuf>,
    /// Send one request and print the answer as it came, head and body.
    #[arg(long)]
    show: bool,
}

type Trouble = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let outcome = runtime
        .map_err(Trouble::from)
        .and_then(|runtime| LocalSet::new().block_on(&runtime, run(options)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            drop(writeln!(std::io::stderr(), "drive: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Trouble> {
    let requests = Requests::read(&options)?;
    if options.show {
        return show(&options, &requests).await;
    }
    let start = now() + Duration::from_secs_f64(options.warm_up);
    let (start, end) = match options.requests {
        Some(_) => (now(), None),
        None => (start, Some(start + Duration::from_secs_f64(options.seconds))),
    };
    let tally = Tally {
        start,
        end,
        next: 0,
        last: options.requests.unwrap_or(u64::MAX),
        finished: start,
        counted: 0,
        bytes: 0,
        statuses: BTreeMap::new(),
        times: Histogram::new_with_bounds(1, ANSWER_MICROS_MAX, 3)?,
        save: options.save.as_ref().map(|field| format!("\"{field}\":\"").into_bytes()),
        saved: Vec::new(),
    };
    let shared = Rc::new((requests, RefCell::new(tally)));
    let connections: Vec<_> = (0..options.connections)
        .map(|_| tokio::task::spawn_local(connection(options.address, Rc::clone(&shared))))
        .collect();
    for connection in connections {
        connection.await?.map_err(|trouble| -> Trouble { trouble.into() })?;
    }
    let tally = shared.1.borrow();
    if let Some(path) = &options.save_to {
        fs::write(path, &tally.saved)?;
    }
    writeln!(std::io::stdout(), "{}", tally.report())?;
    Ok(())
}

/// One request, its answer printed as it came.
async fn show(options: &Options, requests: &Requests) -> Result<(), Trouble> {
    let mut link = Link::open(options.address).await?;
    requests.write(0, &mut link.out);
    let answer = link.exchange().await?;
    std::io::stdout().write_all(&link.input[..answer.length])?;
    Ok(())
}

/// Sends requests over one connection until the time or the requests are over.
async fn connection(
    address: SocketAddr,
    shared: Rc<(Requests, RefCell<Tally>)>,
) -> Result<(), String> {
    let (requests, tally) = &*shared;
    let mut link = Link::open(address).await?;
    let mut sent = now();
    loop {
        let Some(serial) = tally.borrow_mut().take(sent) else { return Ok(()) };
        link.out.clear();
        requests.write(serial, &mut link.out);
        let answer = link.exchange().await?;
        let answered = now();
        tally.borrow_mut().count(answer, &link.input[..answer.length], sent, answered);
        sent = answered;
    }
}

/// What requests are made of.
struct Requests {
    parts: Vec<Part>,
    lines: Vec<Vec<u8>>,
    serial_from: u64,
}

enum Part {
    Bytes(Vec<u8>),
    Line,
    Serial,
}

impl Requests {
    fn read(options: &Options) -> Result<Self, Trouble> {
        let template = fs::read_to_string(&options.template)?;
        let mut parts = Vec::new();
        let mut rest = template.as_str();
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            parts.push(Part::Bytes(before.into()));
            if let Some(after) = from.strip_prefix("{line}") {
                parts.push(Part::Line);
                rest = after;
            } else if let Some(after) = from.strip_prefix("{serial}") {
                parts.push(Part::Serial);
                rest = after;
            } else {
                parts.push(Part::Bytes(b"{".to_vec()));
                rest = &from[1..];
            }
        }
        parts.push(Part::Bytes(rest.into()));
        let lines = match &options.lines {
            Some(path) => fs::read_to_string(path)?.lines().map(Into::into).collect(),
            None => Vec::new(),
        };
        let wants_lines = parts.iter().any(|part| matches!(part, Part::Line));
        if wants_lines && lines.is_empty() {
            return Err("the template asks for lines and there are none".into());
        }
        Ok(Self { parts, lines, serial_from: options.serial_from })
    }

    fn write(&self, serial: u64, out: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Bytes(bytes) => out.extend_from_slice(bytes),
                Part::Line => {
                    let at = serial.wrapping_mul(STRIDE) % self.lines.len() as u64;
                    out.extend_from_slice(&self.lines[usize::try_from(at).unwrap_or(0)]);
                }
                Part::Serial => {
                    // Writing to memory cannot fail.
                    drop(write!(out, "{:016x}", self.serial_from + serial));
                }
            }
        }
    }
}

/// What came of it so far.
struct Tally {
    /// Answers count from here to `end`.
    start: Instant,
    end: Option<Instant>,
    next: u64,
    last: u64,
    finished: Instant,
    counted: u64,
    bytes: u64,
    statuses: BTreeMap<u16, u64>,
    /// Microseconds from request to answer.
    times: Histogram<u64>,
    /// What stands before a value to be saved.
    save: Option<Vec<u8>>,
    saved: Vec<u8>,
}

impl Tally {
    /// The number of the next request, if there is to be one.
    fn take(&mut self, now: Instant) -> Option<u64> {
        if self.next >= self.last || self.end.is_some_and(|end| now >= end) {
            return None;
        }
        self.next += 1;
        Some(self.next - 1)
    }

    fn count(&mut self, answer: Answer, bytes: &[u8], sent: Instant, answered: Instant) {
        *self.statuses.entry(answer.status).or_default() += 1;
        if let Some(value) = self.save.as_ref().and_then(|name| value_of(bytes, name)) {
            self.saved.extend_from_slice(value);
            self.saved.push(b'\n');
        }
        if answered < self.start || self.end.is_some_and(|end| answered >= end) {
            return;
        }
        self.counted += 1;
        self.bytes += answer.length as u64;
        self.finished = answered;
        let micros = u64::try_from((answered - sent).as_micros()).unwrap_or(u64::MAX);
        self.times.saturating_record(micros);
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds, far below 2^53")]
    fn report(&self) -> serde_json::Value {
        let seconds = (self.end.unwrap_or(self.finished) - self.start).as_secs_f64();
        json!({
            "requests": self.counted,
            "sent": self.next,
            "seconds": seconds,
            "rps": self.counted as f64 / seconds,
            "p50_us": self.times.value_at_quantile(0.5),
            "p99_us": self.times.value_at_quantile(0.99),
            "response_bytes": self.bytes as f64 / self.counted.max(1) as f64,
            "statuses": self.statuses,
        })
    }
}

/// The text behind `name`, up to the next quote.
fn value_of<'b>(bytes: &'b [u8], name: &[u8]) -> Option<&'b [u8]> {
    let from = bytes.windows(name.len()).position(|window| window == name)? + name.len();
    let length = bytes[from..].iter().position(|&byte| byte == b'"')?;
    Some(&bytes[from..from + length])
}

/// An answer, as far as it is looked at.
#[derive(Clone, Copy, Debug)]
struct Answer {
    status: u16,
    /// Head and body together.
    length: usize,
}

/// One connection.
struct Link {
    stream: TcpStream,
    out: Vec<u8>,
    input: Vec<u8>,
}

impl Link {
    async fn open(address: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await;
        let stream = stream.map_err(|error| format!("{address}: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self { stream, out: Vec::with_capacity(1024), input: vec![0; ANSWER_BYTES_MAX] })
    }

    /// Sends `out` and reads one whole answer into the front of `input`.
    async fn exchange(&mut self) -> Result<Answer, String> {
        let sent = self.stream.write_all(&self.out).await;
        sent.map_err(|error| format!("sending: {error}"))?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.input[filled..]).await;
            match read.map_err(|error| format!("receiving: {error}"))? {
                0 => return Err("the server closed the connection".to_owned()),
                more => filled += more,
            }
            let Some(answer) = head(&self.input[..filled])? else { continue };
            if filled == answer.length {
                return Ok(answer);
            }
            if filled > answer.length || answer.length > ANSWER_BYTES_MAX {
                return Err(format!("{filled} bytes for an answer of {}", answer.length));
            }
        }
    }
}

/// Reads the head if all of it is there.
fn head(bytes: &[u8]) -> Result<Option<Answer>, String> {
    let mut at = 0;
    let mut body = None;
    while let Some(length) = bytes[at..].iter().position(|&byte| byte == b'\n') {
        let line = &bytes[at..at + length];
        at += length + 1;
        if line == b"\r" {
            let body: usize = body.ok_or("an answer without content-length")?;
            return Ok(Some(Answer { status: status(bytes)?, length: at + body }));
        }
        if line.len() > 15 && line[..15].eq_ignore_ascii_case(b"content-length:") {
            let text = std::str::from_utf8(&line[15..]).map_err(|error| error.to_string())?;
            body = Some(text.trim().parse().map_err(|error| format!("content-length: {error}"))?);
        }
    }
    Ok(None)
}

fn status(bytes: &[u8]) -> Result<u16, String> {
    let digits = bytes.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| "no status line".to_owned())
}

/// The one reading of the clock here.
#[expect(clippy::disallowed_methods, reason = "this measures real time; nothing is simulated")]
fn now() -> Instant {
    Instant::now()
}
