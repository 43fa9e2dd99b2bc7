//! What a watcher of an event stream costs, and how late it is told.
//!
//! Owns two runs of the `watchers` program, each on a server of its own: one whose clients watch,
//! and one whose clients asked for a position and kept their connection, for comparison.

use std::{fs, path::Path};

use serde_json::Value;

use super::Bench;
use crate::{failure::Failure, process::Call};

/// Watchers on one node: the target, and within a descriptor limit of 20,000 on either side.
const WATCHERS: u64 = 10_000;
/// Idle connections beside them.
const CONNECTIONS: u64 = 10_000;

/// Delays of one kind of update, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delays {
    /// Updates that arrived.
    pub(super) updates: f64,
    /// From the change to its arrival, for half of them.
    pub(super) p50_ms: f64,
    /// For 90 of 100.
    pub(super) p90_ms: f64,
    /// For 99 of 100.
    pub(super) p99_ms: f64,
    /// For the last.
    pub(super) max_ms: f64,
}

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watchers {
    /// How many watched.
    pub(super) count: u64,
    /// Resident memory of the server for each of them, connected and told once, in bytes.
    pub(super) bytes: f64,
    /// The same for a plain keep-alive connection that asked once.
    pub(super) idle_connection_bytes: f64,
    /// Bytes of one event on the wire.
    pub(super) event_bytes: f64,
    /// One change for everyone: from the acknowledgement of an operator's message.
    pub(super) message: Delays,
    /// Processor time of the server for each event of those, in microseconds.
    pub(super) message_cpu_us: f64,
    /// A gate that moves twenty times a second: from the first move that a watcher was not told.
    pub(super) gate: Delays,
    /// What a position took that was asked for every few milliseconds while nobody was told, …
    pub(super) position_quiet: Delays,
    /// … and while the gate moved.
    pub(super) position_gate: Delays,
}

/// Runs both.
pub(super) fn measure(bench: &Bench) -> Result<Watchers, Failure> {
    bench.say(&format!("{CONNECTIONS} connections stay idle"));
    let idle = run(bench, "idle", CONNECTIONS, &["--idle"])?;
    bench.say(&format!("{WATCHERS} watchers are told"));
    let told = run(bench, "watchers", WATCHERS, &[])?;
    let unexpected = || Failure::Unexpected { call: "watchers".to_owned(), what: told.to_string() };
    if told["watchers"].as_u64() != Some(WATCHERS) || told["lost"].as_u64() != Some(0) {
        return Err(unexpected());
    }
    let number = |value: &Value| value.as_f64().ok_or_else(unexpected);
    let delays = |of: &Value| {
        Ok::<_, Failure>(Delays {
            updates: number(&of["count"])?,
            p50_ms: number(&of["p50_ms"])?,
            p90_ms: number(&of["p90_ms"])?,
            p99_ms: number(&of["p99_ms"])?,
            max_ms: number(&of["max_ms"])?,
        })
    };
    let growth = |of: &Value, among: u64| {
        Ok::<_, Failure>((number(&of["rss_after"])? - number(&of["rss_before"])?) / as_float(among))
    };
    let measured = Watchers {
        count: WATCHERS,
        bytes: growth(&told, WATCHERS)?,
        idle_connection_bytes: growth(&idle, CONNECTIONS)?,
        event_bytes: number(&told["event_bytes"])?,
        message: delays(&told["message"])?,
        message_cpu_us: number(&told["message_cpu_us"])?,
        gate: delays(&told["gate"])?,
        position_quiet: delays(&told["position"]["quiet"])?,
        position_gate: delays(&told["position"]["gate"])?,
    };
    let Watchers { bytes, message, gate, .. } = measured;
    let (message, gate) = (message.p99_ms, gate.p99_ms);
    bench.say(&format!("{bytes:.0} bytes each, told within {message:.0} and {gate:.0} ms (p99)"));
    Ok(measured)
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
