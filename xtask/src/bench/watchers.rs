//! What a watcher of an event stream costs, and how late it is told.
//!
//! Owns the runs of the `watchers` program, each on a server of its own: those whose clients watch,
//! and one whose clients asked for a position and kept their connection, for comparison.

use std::{fs, path::Path};

use serde_json::Value;

use super::{compare::Span, session::Bench};
use crate::{failure::Failure, process::Call};

/// Watchers on one node: the target, and within a descriptor limit of 20,000 on either side.
const WATCHERS: u64 = 10_000;
/// Idle connections beside them.
const CONNECTIONS: u64 = 10_000;

/// Delays of one kind of update, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delays {
    /// From the change to its arrival, for half of them.
    pub(super) p50: f64,
    /// For 99 of 100.
    pub(super) p99: f64,
    /// For the last.
    pub(super) max: f64,
}

/// One run with watchers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    /// Resident memory of the server for each of them, connected and told once, in bytes.
    pub(super) bytes: f64,
    /// Bytes of one event on the wire.
    pub(super) event_bytes: f64,
    /// One change for everyone: from the acknowledgement of an operator's message.
    pub(super) message: Delays,
    /// Processor time of the server for each event of those, in microseconds.
    pub(super) message_cpu_us: f64,
    /// A gate that moves twenty times a second: from the first move that a watcher was not told.
    pub(super) gate: Delays,
    /// How long a position took, asked for every few milliseconds, while no watcher was told, …
    pub(super) position_quiet: Delays,
    /// … and while the gate moved.
    pub(super) position_gate: Delays,
}

/// What was measured.
#[derive(Debug)]
pub(super) struct Watchers {
    /// How many watched.
    pub(super) count: u64,
    /// One after the other.
    pub(super) turns: Vec<Turn>,
    /// Resident memory of a plain keep-alive connection that asked once, in bytes.
    pub(super) idle_connection_bytes: f64,
}

impl Watchers {
    /// One quantity over the turns.
    pub(super) fn span(&self, of: impl Fn(&Turn) -> f64) -> Option<Span> {
        Span::of(self.turns.iter().map(of))
    }
}

/// All turns, and the idle connections once.
pub(super) fn measure(bench: &Bench) -> Result<Watchers, Failure> {
    let idle = run(bench, "idle", CONNECTIONS, &["--idle"])?;
    let idle_connection_bytes = growth(&idle, CONNECTIONS)?;
    let turns = (0..bench.sizes.pairs).map(|turn| watch(bench, turn)).collect::<Result<_, _>>()?;
    Ok(Watchers { count: WATCHERS, turns, idle_connection_bytes })
}

/// One turn.
fn watch(bench: &Bench, turn: usize) -> Result<Turn, Failure> {
    let told = run(bench, &format!("watchers-{turn}"), WATCHERS, &[])?;
    if told["watchers"].as_u64() != Some(WATCHERS) || told["lost"].as_u64() != Some(0) {
        return Err(unexpected(&told));
    }
    let number = |value: &Value| value.as_f64().ok_or_else(|| unexpected(&told));
    let delays = |of: &Value| {
        Ok::<_, Failure>(Delays {
            p50: number(&of["p50_ms"])?,
            p99: number(&of["p99_ms"])?,
            max: number(&of["max_ms"])?,
        })
    };
    let measured = Turn {
        bytes: growth(&told, WATCHERS)?,
        event_bytes: number(&told["event_bytes"])?,
        message: delays(&told["message"])?,
        message_cpu_us: number(&told["message_cpu_us"])?,
        gate: delays(&told["gate"])?,
        position_quiet: delays(&told["position"]["quiet"])?,
        position_gate: delays(&told["position"]["gate"])?,
    };
    let Turn { bytes, message, gate, .. } = measured;
    let (message, gate) = (message.p99, gate.p99);
    bench.say(&format!(
        "{WATCHERS} watchers: {bytes:.0} bytes each, told within {message:.0} ms of a message and \
         {gate:.0} ms of the gate (p99)"
    ));
    Ok(measured)
}

/// Bytes that each client added to the server's memory.
fn growth(found: &Value, clients: u64) -> Result<f64, Failure> {
    let number = |name: &str| found[name].as_f64().ok_or_else(|| unexpected(found));
    Ok((number("rss_after")? - number("rss_before")?) / as_float(clients))
}

fn unexpected(found: &Value) -> Failure {
    Failure::Unexpected { call: "watchers".to_owned(), what: found.to_string() }
}

/// One run on a fresh server.
fn run(bench: &Bench, data: &str, clients: u64, more: &[&str]) -> Result<Value, Failure> {
    let data = bench.scratch.join(data);
    let server = bench.serve_at(&data)?;
    let program = bench.server.with_file_name("watchers");
    Call::new(program)
        .args(["--address", &server.address, "--sale", "queue"])
        .args(["--watchers".to_owned(), clients.to_string()])
        .args(["--pid".to_owned(), server.pid().to_string()])
        .args(more)
        .env("RUSHGATE_OPERATOR", operator_key(&data)?)
        .read_json()
}

/// The operator's key that the server made on its first start.
fn operator_key(data: &Path) -> Result<String, Failure> {
    let path = data.join("keys.json");
    let text = fs::read_to_string(&path).map_err(|source| Failure::Disk { path, source })?;
    let keys: Value = serde_json::from_str(&text).unwrap_or_default();
    keys["operator"].as_str().map(str::to_owned).ok_or_else(|| Failure::Unexpected {
        call: "rushgate serve".to_owned(),
        what: "no operator's key in keys.json".to_owned(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of one run, far below 2^53")]
fn as_float(count: u64) -> f64 {
    count as f64
}
