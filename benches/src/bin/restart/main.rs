//! How long a start takes with how many sales, and what a snapshot writes; prints JSON.
//!
//! Steps, each a process of its own so that none finds what another left in memory:
//! - `make` writes a data directory with a journal and a snapshot of it;
//! - `snapshot` writes a snapshot of a directory that has none, or of what was journaled since its last;
//! - `start` recovers it and makes the scribe, as a server does before it listens;
//! - `grow` journals so many more bytes in one sale and writes the next snapshot.
//!
//! For a start with nothing in the page cache, drop that between `make` and `start`:
//! `echo 3 > /proc/sys/vm/drop_caches`.

#![forbid(unsafe_code)]

mod directory;

use std::{fs, io::Write as _, path::PathBuf, process::ExitCode, sync::Arc};

use benches::{SyncTimes, log, now};
use clap::{Parser, Subcommand};
use engine::{
    arbiter::LocalArbiter, clock::ManualClock, limits::SEGMENT_BYTES, outlet, recovery,
    registry::Registry, scribe::Scribe,
};
use mimalloc::MiMalloc;
use serde_json::{Value, json};

use self::directory::{Directory, START, Sales};

/// That of the server.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Debug, Parser)]
#[command(about = "How long a start takes with how many sales, and what a snapshot writes")]
struct Options {
    /// The data directory.
    #[arg(long)]
    data: PathBuf,
    #[command(subcommand)]
    step: Step,
}

#[derive(Debug, Subcommand)]
enum Step {
    /// Writes the directory.
    Make(Sales),
    /// Writes a snapshot.
    Snapshot,
    /// Starts from it.
    Start,
    /// Journals more in one sale, and writes a snapshot.
    Grow {
        /// MiB of journal.
        #[arg(long, default_value_t = 64)]
        mib: u64,
    },
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(report) => {
            drop(writeln!(std::io::stdout(), "{report}"));
            ExitCode::SUCCESS
        }
        Err(trouble) => {
            drop(writeln!(std::io::stderr(), "restart: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<Value, Box<dyn std::error::Error>> {
    let mut report = match &options.step {
        Step::Make(sales) => {
            let mut directory = Directory::open(&options.data)?;
            directory.fill(sales)?;
            drop(directory);
            snapshot(&options.data)?
        }
        Step::Snapshot => snapshot(&options.data)?,
        Step::Start => start(&options.data)?,
        Step::Grow { mib } => {
            let mut directory = Directory::open(&options.data)?;
            directory.grow(mib << 20)?;
            drop(directory);
            snapshot(&options.data)?
        }
    };
    report["peak_rss_mib"] = peak_rss_mib()?.into();
    Ok(report)
}

/// Writes a snapshot; says what that took, and what it wrote.
fn snapshot(data: &std::path::Path) -> Result<Value, Box<dyn std::error::Error>> {
    let before = files(data)?;
    let written = bytes_written()?;
    let disk = Directory::disk(data)?;
    let started = now();
    let outcome = recovery::snapshot_sealed(&*disk, u64::MAX)?;
    let seconds = started.elapsed().as_secs_f64();
    let after = files(data)?;
    let new: Vec<&String> = after.iter().filter(|name| !before.contains(*name)).collect();
    Ok(json!({
        "snapshot": format!("{outcome:?}").split('(').next(),
        "snapshot_seconds": seconds,
        "bytes_written": bytes_written()? - written,
        "files": after.len(),
        "new_files": new.len(),
        "new_files_first": new.iter().take(4).collect::<Vec<_>>(),
    }))
}

/// Recovers the directory and makes its scribe.
fn start(data: &std::path::Path) -> Result<Value, Box<dyn std::error::Error>> {
    let started = now();
    let disk = Directory::disk(data)?;
    let clock = Arc::new(ManualClock::at(START));
    let (world, journal, found) = recovery::recover(&disk, SEGMENT_BYTES, &*clock)?;
    let recovered = started.elapsed().as_secs_f64();
    let (live, archived) = (world.live_sales(), world.archived_sales());
    let registry = Arc::new(Registry::default());
    let (outlet, _events) = outlet::outlet(&[log().sink]);
    let arbiter = Box::new(LocalArbiter::new(world));
    let watch = Box::new(SyncTimes::start());
    let scribe = Scribe::new(clock, arbiter, journal, Arc::clone(&registry), outlet, watch);
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(registry.sales().len(), live, "all that are on are shown");
    assert_eq!(registry.archived().count(), archived, "and those that are archived");
    let rss_mib = of_proc("/proc/self/status", "VmRSS:")? >> 10;
    drop(scribe);
    Ok(json!({
        "live": live,
        "archived": archived,
        "from_snapshot": found.snapshot.is_some(),
        "records": found.records,
        "recovered_seconds": recovered,
        "seconds": seconds,
        "rss_mib": rss_mib,
    }))
}

fn files(data: &std::path::Path) -> std::io::Result<std::collections::BTreeSet<String>> {
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.map(|entry| entry.file_name().to_string_lossy().into_owned())
    };
    fs::read_dir(data)?.map(name).collect()
}

/// Bytes that this process has asked the system to write so far.
fn bytes_written() -> std::io::Result<u64> {
    of_proc("/proc/self/io", "wchar:")
}

fn peak_rss_mib() -> std::io::Result<u64> {
    Ok(of_proc("/proc/self/status", "VmHWM:")? >> 10)
}

fn of_proc(file: &str, key: &str) -> std::io::Result<u64> {
    let text = fs::read_to_string(file)?;
    let number = text.lines().find_map(|line| {
        let rest = line.strip_prefix(key)?;
        rest.split_whitespace().next()?.parse().ok()
    });
    number.ok_or_else(|| std::io::Error::other(format!("{file} has no {key}")))
}
