//! Watchers: thousands of event streams on one server, and how late each is told.
//!
//! Two ways of moving the line are measured. An operator's *message* changes every place at once:
//! the delay runs from the moment the operator's call was acknowledged to the event that shows it.
//! A moving *gate* changes every place again and again: a thread of its own asks for a position
//! every few milliseconds and notes when it first saw each watermark; the delay of an event runs
//! from the first watermark that the watcher had not been told, so an update that was overtaken by
//! a newer one counts with its whole age. The same thread says what a poll costs meanwhile.
//!
//! Owns two threads. With `--idle` it opens plain keep-alive connections instead, for comparison.
//! It prints one line of JSON.

#![forbid(unsafe_code)]

mod link;
mod process;

use std::{
    cell::{Cell, RefCell},
    error::Error,
    fs,
    io::Write as _,
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    sync::Semaphore,
    task::{JoinHandle, LocalSet, spawn_local},
    time::sleep,
};

use self::{
    link::{Link, request},
    process::{cpu_seconds, resident_bytes},
};

/// Connections being opened at once: no more than the server's backlog holds.
const OPENING_MAX: usize = 128;
/// Between two looks of the reference.
const REFERENCE_PAUSE: Duration = Duration::from_millis(2);
/// How long everyone may take to be told.
const TOLD_MAX: Duration = Duration::from_mins(1);
/// Delays above this count as this.
const DELAY_MICROS_MAX: u64 = 120_000_000;
/// What a server may need until its memory stands still.
const SETTLE: Duration = Duration::from_secs(2);

type Trouble = Box<dyn Error>;

#[derive(Debug, Parser)]
#[command(about = "Thousands of event streams, and how late each is told")]
struct Options {
    /// The server.
    #[arg(long)]
    address: SocketAddr,
    /// The sale whose line is watched; its gate should stand still.
    #[arg(long)]
    sale: String,
    /// How many watch.
    #[arg(long, default_value_t = 10_000)]
    watchers: usize,
    /// Their tickets, one a line; without it they enter.
    #[arg(long)]
    tickets: Option<PathBuf>,
    /// The operator's key: moves the line.
    #[arg(long, env = "RUSHGATE_OPERATOR", hide_env_values = true)]
    operator: String,
    /// The server's process, whose resident memory is read.
    #[arg(long)]
    pid: Option<u32>,
    /// Operator's messages to measure.
    #[arg(long, default_value_t = 5)]
    messages: u64,
    /// The gate's pace while it is measured, in admissions a second.
    #[arg(long, default_value_t = 20.0)]
    rate: f64,
    /// How long the gate moves, in seconds.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Open idle keep-alive connections, ask each for one position, and measure only the memory.
    #[arg(long)]
    idle: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let outcome = runtime
        .map_err(Trouble::from)
        .and_then(|runtime| LocalSet::new().block_on(&runtime, run(options)));
    let outcome = outcome.and_then(|report| Ok(writeln!(std::io::stdout(), "{report}")?));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            drop(writeln!(std::io::stderr(), "watchers: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<Value, Trouble> {
    let tickets = tickets(&options)?;
    let resident = || options.pid.map_or(Ok(0), resident_bytes);
    thread::sleep(SETTLE);
    let before = resident()?;
    if options.idle {
        let idle = open_idle(&options, &tickets)?;
        thread::sleep(SETTLE);
        let after = resident()?;
        return Ok(json!({ "connections": idle.len(), "rss_before": before, "rss_after": after }));
    }
    let board = Rc::new(Board::new()?);
    let begun = now();
    let watchers = open_watchers(&options, &tickets, &board);
    board.wait(|board| board.present.get() + board.lost.get() == tickets.len()).await?;
    let opened_in = begun.elapsed();
    sleep(SETTLE).await;
    let after = resident()?;

    let last = tickets.last().ok_or("nobody watches")?;
    let reference = Reference::start(&options, last)?;
    sleep(SETTLE).await;
    let quiet = reference.lap();
    let cpu = || options.pid.map_or(Ok(0.0), cpu_seconds);
    let (cpu_before, events_before) = (cpu()?, board.events.get());
    for step in 1..=options.messages {
        tell_all(&options, &board, step).await?;
    }
    let (cpu_messages, events_messages) = (cpu()?, board.events.get());
    let told = reference.lap();
    move_gate(&options, &board, &reference).await?;
    let (cpu_after, events_after) = (cpu()?, board.events.get());
    let moving = reference.lap();
    reference.stop.store(true, Ordering::Relaxed);
    let each = |cpu: f64, events: u64| cpu * 1e6 / as_float(events.max(1));
    let report = json!({
        "watchers": tickets.len(),
        "lost": board.lost.get(),
        "ended": board.ended.get(),
        "opened_in_ms": opened_in.as_millis(),
        "updates": events_after - events_before,
        "bytes": board.bytes.get(),
        "event_bytes": as_float(board.bytes.get()) / as_float(board.events.get().max(1)),
        "message": in_ms(&board.message_delays.borrow()),
        "message_cpu_us": each(cpu_messages - cpu_before, events_messages - events_before),
        "gate": in_ms(&board.gate_delays.borrow()),
        "gate_updates": events_after - events_messages,
        "gate_cpu_us": each(cpu_after - cpu_messages, events_after - events_messages),
        "position": { "quiet": in_ms(&quiet), "message": in_ms(&told), "gate": in_ms(&moving) },
        "rss_before": before,
        "rss_after": after,
        "rss_end": resident()?,
    });
    watchers.iter().for_each(JoinHandle::abort);
    Ok(report)
}

/// What all watchers share.
struct Board {
    /// Watchers who were told a place, were let in, or lost their connection before that.
    present: Cell<usize>,
    ended: Cell<usize>,
    lost: Cell<usize>,
    events: Cell<u64>,
    bytes: Cell<u64>,
    /// The message being told, when it was acknowledged, and how many saw it.
    step: Cell<u64>,
    acknowledged: Cell<Option<Instant>>,
    heard: Cell<usize>,
    message_delays: RefCell<Histogram<u64>>,
    gate_delays: RefCell<Histogram<u64>>,
    /// Set while the gate is measured.
    moves: RefCell<Option<Arc<Mutex<Moves>>>>,
}

impl Board {
    fn new() -> Result<Self, Trouble> {
        Ok(Self {
            present: Cell::new(0),
            ended: Cell::new(0),
            lost: Cell::new(0),
            events: Cell::new(0),
            bytes: Cell::new(0),
            step: Cell::new(0),
            acknowledged: Cell::new(None),
            heard: Cell::new(0),
            message_delays: RefCell::new(histogram()?),
            gate_delays: RefCell::new(histogram()?),
            moves: RefCell::new(None),
        })
    }

    async fn wait(&self, done: impl Fn(&Self) -> bool) -> Result<(), Trouble> {
        let begun = now();
        while !done(self) {
            if begun.elapsed() > TOLD_MAX {
                return Err("not everyone was told in time".into());
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Notes one event of a watcher. Answers whether it was the last.
    fn note(&self, event: &str, watcher: &mut Watcher) -> bool {
        let arrived = now();
        self.events.set(self.events.get() + 1);
        if !std::mem::replace(&mut watcher.present, true) {
            self.present.set(self.present.get() + 1);
        }
        let step = number_after(event, "\"message\":\"step ").unwrap_or(0);
        if step > watcher.step {
            watcher.step = step;
            if step == self.step.get() {
                self.heard.set(self.heard.get() + 1);
                let since = self.acknowledged.get().unwrap_or(arrived);
                record(&self.message_delays, arrived.saturating_duration_since(since));
            }
        }
        let serving = number_after(event, "\"serving\":").unwrap_or(0);
        if let Some(moves) = self.moves.borrow().as_ref().filter(|_| serving > watcher.serving) {
            // Told before the reference saw it: no delay.
            let since = lock(moves).first_after(watcher.serving).unwrap_or(arrived);
            record(&self.gate_delays, arrived.saturating_duration_since(since));
        }
        watcher.serving = watcher.serving.max(serving);
        event.contains("\"state\":\"admitted\"") || event.contains("event: gone")
    }
}

/// One watcher's memory of what it was told.
#[derive(Default)]
struct Watcher {
    present: bool,
    step: u64,
    serving: u64,
    /// The start of an event whose end has not arrived.
    partial: Vec<u8>,
}

fn open_watchers(options: &Options, tickets: &[String], board: &Rc<Board>) -> Vec<JoinHandle<()>> {
    let opening = Rc::new(Semaphore::new(OPENING_MAX));
    let open = |ticket: &String| {
        let (board, opening) = (Rc::clone(board), Rc::clone(&opening));
        let request = request(&format!("GET /v1/sales/{}/stream", options.sale), ticket, "");
        let address = options.address;
        spawn_local(async move {
            if watch(address, request, &board, &opening).await.is_none() {
                board.lost.set(board.lost.get() + 1);
            }
        })
    };
    tickets.iter().map(open).collect()
}

/// Watches to the end; `None` when the connection broke before.
async fn watch(
    address: SocketAddr,
    request: String,
    board: &Board,
    opening: &Semaphore,
) -> Option<()> {
    let permit = opening.acquire().await.ok()?;
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut watcher = Watcher::default();
    let mut over = false;
    while !over && !watcher.present {
        stream.readable().await.ok()?;
        over = take(&stream, board, &mut watcher)?;
    }
    drop(permit);
    while !over {
        stream.readable().await.ok()?;
        over = take(&stream, board, &mut watcher)?;
    }
    board.ended.set(board.ended.get() + 1);
    Some(())
}

/// Takes what has arrived. Answers whether it was the last event.
fn take(stream: &TcpStream, board: &Board, watcher: &mut Watcher) -> Option<bool> {
    let mut bytes = [0; 4096];
    let read = match stream.try_read(&mut bytes) {
        Ok(0) => return None,
        Ok(read) => read,
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Some(false),
        Err(_) => return None,
    };
    board.bytes.set(board.bytes.get() + read as u64);
    watcher.partial.extend_from_slice(&bytes[..read]);
    let partial = std::mem::take(&mut watcher.partial);
    let mut rest = partial.as_slice();
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\n\n") {
        let event = String::from_utf8_lossy(&rest[..end]);
        rest = &rest[end + 2..];
        if event.contains("event: ") && board.note(&event, watcher) {
            return Some(true);
        }
    }
    watcher.partial = rest.to_vec();
    Some(false)
}

/// Lets an operator say something to everyone, and waits until all have heard it.
async fn tell_all(options: &Options, board: &Board, step: u64) -> Result<(), Trouble> {
    board.acknowledged.set(None);
    board.heard.set(0);
    board.step.set(step);
    let waiting = board.present.get() - board.ended.get() - board.lost.get();
    operate(options, "message", &format!("{{\"message\":\"step {step}\"}}")).await?;
    board.acknowledged.set(Some(now()));
    board.wait(|board| board.heard.get() >= waiting).await?;
    sleep(Duration::from_secs(1)).await;
    Ok(())
}

/// Moves the gate for a while.
async fn move_gate(options: &Options, board: &Board, reference: &Reference) -> Result<(), Trouble> {
    *board.moves.borrow_mut() = Some(Arc::clone(&reference.moves));
    let rate = format!("{{\"admission_per_second\":{}}}", options.rate);
    operate(options, "rate", &rate).await?;
    sleep(Duration::from_secs_f64(options.seconds)).await;
    operate(options, "pause", "").await?;
    sleep(SETTLE).await;
    Ok(())
}

/// An operator's call, on a thread that may wait for the answer.
async fn operate(options: &Options, call: &str, body: &str) -> Result<(), Trouble> {
    let path = format!("POST /v1/admin/sales/{}/{call}", options.sale);
    let request = request(&path, &options.operator, body);
    let address = options.address;
    let asked = tokio::task::spawn_blocking(move || {
        let mut link = Link::open(address).map_err(|error| error.to_string())?;
        link.ask(&request).map_err(|error| error.to_string())
    });
    asked.await??;
    Ok(())
}

/// When each watermark was first seen by someone who asks all the time.
#[derive(Default)]
struct Moves(Vec<(u64, Instant)>);

impl Moves {
    fn first_after(&self, serving: u64) -> Option<Instant> {
        let at = self.0.partition_point(|&(seen, _)| seen <= serving);
        self.0.get(at).map(|&(_, at)| at)
    }
}

/// The thread that asks all the time.
struct Reference {
    moves: Arc<Mutex<Moves>>,
    times: Arc<Mutex<Histogram<u64>>>,
    stop: Arc<AtomicBool>,
}

impl Reference {
    fn start(options: &Options, ticket: &str) -> Result<Self, Trouble> {
        let moves = Arc::new(Mutex::new(Moves::default()));
        let times = Arc::new(Mutex::new(histogram()?));
        let stop = Arc::new(AtomicBool::new(false));
        let mut link = Link::open(options.address)?;
        let ask = request(&format!("GET /v1/sales/{}/position", options.sale), ticket, "");
        let reference =
            Self { moves: Arc::clone(&moves), times: Arc::clone(&times), stop: Arc::clone(&stop) };
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let asked = now();
                // Without a reference every delay would look like none: say so and stop.
                let answer = link.ask(&ask).unwrap_or_else(|error| unreachable!("{error}"));
                let answered = now();
                let micros = u64::try_from((answered - asked).as_micros()).unwrap_or(u64::MAX);
                lock(&times).saturating_record(micros);
                let serving = number_after(&answer, "\"serving\":").unwrap_or(0);
                let moves = &mut lock(&moves).0;
                if moves.last().is_none_or(|&(last, _)| last < serving) {
                    moves.push((serving, answered));
                }
                thread::sleep(REFERENCE_PAUSE);
            }
        });
        Ok(reference)
    }

    /// What asking took since the last lap.
    fn lap(&self) -> Histogram<u64> {
        let mut times = lock(&self.times);
        let lap = times.clone();
        times.reset();
        lap
    }
}

/// The tickets of the file, or of those who enter now.
fn tickets(options: &Options) -> Result<Vec<String>, Trouble> {
    if let Some(path) = &options.tickets {
        let text = fs::read_to_string(path)?;
        return Ok(text.lines().take(options.watchers).map(str::to_owned).collect());
    }
    let call = format!("POST /v1/sales/{}/enter", options.sale);
    let enter = format!("{call} HTTP/1.1\r\nhost: bench\r\ncontent-length: 0\r\n\r\n");
    let mut links = (0..64).map(|_| Link::open(options.address)).collect::<Result<Vec<_>, _>>()?;
    let mut tickets = Vec::with_capacity(options.watchers);
    while tickets.len() < options.watchers {
        // All links ask before the first is read, so that their entries share a sync.
        for link in &mut links {
            link.0.write_all(enter.as_bytes())?;
        }
        for link in &mut links {
            let answer = link.ask("")?;
            let ticket =
                answer.split_once("\"ticket\":\"").and_then(|(_, rest)| rest.split('"').next());
            // Whoever enters first is let in at once and has nothing to watch.
            if answer.contains("\"state\":\"waiting\"") {
                tickets.push(ticket.ok_or("an entry without a ticket")?.to_owned());
            }
        }
    }
    tickets.truncate(options.watchers);
    Ok(tickets)
}

fn open_idle(options: &Options, tickets: &[String]) -> Result<Vec<Link>, Trouble> {
    let call = format!("GET /v1/sales/{}/position", options.sale);
    let open = |ticket: &String| {
        let mut link = Link::open(options.address)?;
        link.ask(&request(&call, ticket, ""))?;
        Ok(link)
    };
    tickets.iter().map(open).collect()
}

/// The whole number behind `name`.
fn number_after(text: &str, name: &str) -> Option<u64> {
    let (_, rest) = text.split_once(name)?;
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

fn histogram() -> Result<Histogram<u64>, Trouble> {
    Ok(Histogram::new_with_bounds(1, DELAY_MICROS_MAX, 3)?)
}

fn record(delays: &RefCell<Histogram<u64>>, delay: Duration) {
    let micros = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
    delays.borrow_mut().saturating_record(micros);
}

fn in_ms(times: &Histogram<u64>) -> Value {
    let at = |quantile| as_float(times.value_at_quantile(quantile)) / 1e3;
    json!({
        "count": times.len(), "p50_ms": at(0.5), "p90_ms": at(0.9), "p99_ms": at(0.99),
        "max_ms": at(1.0),
    })
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::cast_precision_loss, reason = "counts of one run, far below 2^53")]
fn as_float(count: u64) -> f64 {
    count as f64
}

/// The one reading of the clock here.
#[expect(clippy::disallowed_methods, reason = "this measures real time; nothing is simulated")]
fn now() -> Instant {
    Instant::now()
}
