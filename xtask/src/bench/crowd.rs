//! What a waiting crowd costs in memory, and how fast it comes back after SIGKILL.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde_json::Value;

use super::{
    compare::Span,
    drive::Extent,
    scene::{enter, keyed},
    session::Bench,
};
use crate::failure::Failure;

/// Entries before the first look at the memory, so that connections, threads and the first segment
/// are there already.
const WARM_UP: u64 = 10_000;
/// What an allocator that gives memory back may take for it.
const SETTLE: Duration = Duration::from_secs(3);
/// How a crowd entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entered {
    Plainly,
    /// Each with an idempotency key, whose answer is kept.
    WithKeys,
}

/// A waiting crowd.
#[derive(Debug)]
pub(super) struct Crowd {
    pub(super) entered: Entered,
    /// How many wait.
    pub(super) waiting: u64,
    /// Bytes of resident memory for each, at once and after a pause.
    pub(super) bytes: f64,
    pub(super) bytes_settled: f64,
    /// Bytes of journal for each.
    pub(super) journal_bytes: f64,
    pub(super) recoveries: Vec<Recovery>,
}

/// Starts on a killed server's data.
#[derive(Debug)]
pub(super) struct Recovery {
    pub(super) from: &'static str,
    /// Records replayed.
    pub(super) records: f64,
    /// From the start of the process to its first line.
    pub(super) seconds: Span,
}

/// The crowd of the memory target, with and without keys.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Crowd>, Failure> {
    let of = |entered| crowd(bench, entered, bench.sizes.crowd);
    Ok(vec![of(Entered::Plainly)?, of(Entered::WithKeys)?])
}

/// Ten times that crowd.
pub(super) fn measure_large(bench: &Bench) -> Result<Vec<Crowd>, Failure> {
    Ok(vec![crowd(bench, Entered::Plainly, bench.sizes.crowd_large)?])
}

impl Entered {
    /// As it stands on the page.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plainly => "without a key",
            Self::WithKeys => "with a key",
        }
    }
}

fn crowd(bench: &Bench, entered: Entered, waiting: u64) -> Result<Crowd, Failure> {
    let load = match entered {
        Entered::Plainly => enter("door"),
        Entered::WithKeys => keyed(enter("door")),
    };
    let name = entered.name();
    let people = as_float(waiting);
    bench.say(&format!("{people} shoppers enter {name}"));
    let data = bench.scratch.join(format!("{waiting}-{}", name.replace(' ', "-")));
    let server = bench.serve_at(&data)?;
    bench.driver.run(&server, &load, Extent::Requests(WARM_UP))?;
    thread::sleep(Duration::from_secs(1));
    let before = server.resident_bytes()?;
    let journal_before = journal_bytes(&data)?;
    bench.driver.run(&server, &load, Extent::Requests(waiting))?;
    let bytes = (server.resident_bytes()? - before) / people;
    thread::sleep(SETTLE);
    let bytes_settled = (server.resident_bytes()? - before) / people;
    let journal_bytes = (journal_bytes(&data)? - journal_before) / people;
    bench.say(&format!("{bytes:.0} bytes each, {bytes_settled:.0} after a pause"));
    drop(server);
    let mut recoveries = Vec::new();
    if remove_or_count_snapshots(&data, false)? > 0 {
        recoveries.push(recover(bench, &data, "newest snapshot and tail")?);
    }
    remove_or_count_snapshots(&data, true)?;
    recoveries.push(recover(bench, &data, "whole journal")?);
    drop(fs::remove_dir_all(&data));
    Ok(Crowd { entered, waiting, bytes, bytes_settled, journal_bytes, recoveries })
}

/// Starts again and again on what a killed server left.
fn recover(bench: &Bench, data: &Path, from: &'static str) -> Result<Recovery, Failure> {
    let mut seconds = Vec::new();
    let mut records = 0.0;
    for _ in 0..bench.sizes.pairs {
        let server = bench.serve_at(data)?;
        seconds.push(server.started_in.as_secs_f64());
        records = recovered_records(&data.with_extension("log"))?;
    }
    let unread = || Failure::Unexpected { call: "recovery".to_owned(), what: "no turn".to_owned() };
    let seconds = Span::of(seconds).ok_or_else(unread)?;
    bench.say(&format!("{records} records recovered from the {from} in {:.2} s", seconds.median));
    Ok(Recovery { from, records, seconds })
}

/// What the server logged of its recovery.
fn recovered_records(log: &Path) -> Result<f64, Failure> {
    let text =
        fs::read_to_string(log).map_err(|source| Failure::Disk { path: log.to_owned(), source })?;
    let line = text.lines().find(|line| line.contains("\"recovered\""));
    let line: Value = line.and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    let records = line["records"].as_f64().or_else(|| line["fields"]["records"].as_f64());
    records.ok_or_else(|| Failure::Unexpected {
        call: "rushgate serve".to_owned(),
        what: format!("no word of its recovery in {}", log.display()),
    })
}

/// Bytes that batches take in the journal: whole segments, and the used part of the last.
fn journal_bytes(data: &Path) -> Result<f64, Failure> {
    let mut segments: Vec<_> = files(data, "journal-")?;
    segments.sort();
    let mut total = 0.0;
    for path in segments {
        let bytes = fs::read(&path).map_err(|source| Failure::Disk { path, source })?;
        let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        total += as_float(used as u64);
    }
    Ok(total)
}

/// Says how many snapshots there are, and removes them if told to.
fn remove_or_count_snapshots(data: &Path, remove: bool) -> Result<usize, Failure> {
    let snapshots = files(data, "snapshot-")?;
    if remove {
        for path in &snapshots {
            fs::remove_file(path).map_err(|source| Failure::Disk { path: path.clone(), source })?;
        }
    }
    Ok(snapshots.len())
}

fn files(data: &Path, prefix: &str) -> Result<Vec<PathBuf>, Failure> {
    let failed = |source| Failure::Disk { path: data.to_owned(), source };
    let entries = fs::read_dir(data).map_err(failed)?.flatten().map(|entry| entry.path());
    let named = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
    };
    Ok(entries.filter(named).collect())
}

#[expect(clippy::cast_precision_loss, reason = "counts and file sizes far below 2^53")]
fn as_float(count: u64) -> f64 {
    count as f64
}
