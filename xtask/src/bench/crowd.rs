//! What a crowd costs in memory, how fast it comes back after SIGKILL, and how fast the engine
//! alone makes reservations durable.

use std::{fs, path::Path, thread, time::Duration};

use serde_json::Value;

use super::{
    Bench,
    drive::Extent,
    http::{enter, keyed},
    median,
};
use crate::{failure::Failure, process::Call};

/// Entries before the first look at the memory, so that connections, threads and the first segment
/// are there already.
const WARM_UP: u64 = 10_000;
/// What an allocator that gives memory back may take for it.
const SETTLE: Duration = Duration::from_secs(3);
/// Reservations in one batch, with the receipt for the one before: 512 and 4,096 commands.
const BATCHES: [u64; 2] = [511, 4_095];

/// Figures without a bare hyper beside them.
#[derive(Debug)]
pub(super) struct Durable {
    pub(super) crowds: Vec<Crowd>,
    pub(super) reservations: Vec<Reservations>,
}

/// A waiting crowd.
#[derive(Debug)]
pub(super) struct Crowd {
    pub(super) name: &'static str,
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
    /// From the start of the process to its first line, the median.
    pub(super) seconds: f64,
}

/// The engine alone.
#[derive(Debug)]
pub(super) struct Reservations {
    pub(super) batch: u64,
    pub(super) rps: f64,
    pub(super) sync_ms: f64,
    pub(super) sync_share: f64,
}

pub(super) fn measure(bench: &Bench) -> Result<Durable, Failure> {
    let crowds = vec![crowd(bench, "without a key")?, crowd(bench, "with a key")?];
    let reservations = BATCHES.into_iter().map(|batch| reserve(bench, batch));
    Ok(Durable { crowds, reservations: reservations.collect::<Result<_, _>>()? })
}

fn crowd(bench: &Bench, name: &'static str) -> Result<Crowd, Failure> {
    let load = if name == "with a key" { keyed(enter("door")) } else { enter("door") };
    let people = as_float(bench.sizes.crowd);
    bench.say(&format!("{people} shoppers enter {name}"));
    let data = bench.scratch.join(name.replace(' ', "-"));
    let server = bench.serve_at(&data)?;
    bench.driver.run(&server, &load, Extent::Requests(WARM_UP))?;
    thread::sleep(Duration::from_secs(1));
    let before = server.resident_bytes()?;
    let journal_before = journal_bytes(&data)?;
    bench.driver.run(&server, &load, Extent::Requests(bench.sizes.crowd))?;
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
    Ok(Crowd { name, bytes, bytes_settled, journal_bytes, recoveries })
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
    let seconds = median(seconds);
    bench.say(&format!("{records} records recovered from the {from} in {seconds:.2} s"));
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

fn files(data: &Path, prefix: &str) -> Result<Vec<std::path::PathBuf>, Failure> {
    let failed = |source| Failure::Disk { path: data.to_owned(), source };
    let entries = fs::read_dir(data).map_err(failed)?.flatten().map(|entry| entry.path());
    let named = |path: &std::path::PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
    };
    Ok(entries.filter(named).collect())
}

fn reserve(bench: &Bench, batch: u64) -> Result<Reservations, Failure> {
    let call = Call::new(&bench.reserve)
        .args([Path::new("--within"), &bench.scratch])
        .args(["--batch".to_owned(), batch.to_string()])
        .args(["--seconds".to_owned(), (bench.sizes.seconds / 2.0).to_string()]);
    let runs = (0..bench.sizes.pairs).map(|_| call.read_json());
    let runs = runs.collect::<Result<Vec<Value>, Failure>>()?;
    let of = |key: &str| median(runs.iter().filter_map(|run| run[key].as_f64()));
    let (rps, sync_ms, sync_share) = (of("rps"), of("sync_ms"), of("sync_share"));
    bench.say(&format!("{rps:.0} durable reservations/s, {batch} to a sync of {sync_ms:.2} ms"));
    Ok(Reservations { batch, rps, sync_ms, sync_share })
}

#[expect(clippy::cast_precision_loss, reason = "counts and file sizes far below 2^53")]
fn as_float(count: u64) -> f64 {
    count as f64
}
