//! The engine alone on one hot SKU: how many reservations a second become durable when one thread
//! does all the work and each batch is one write and one `fdatasync`.
//!
//! From the permit to the answer, without HTTP, signatures or other threads; prints JSON.

#![forbid(unsafe_code)]

use std::{io::Write as _, path::PathBuf, process::ExitCode, sync::Arc};

use benches::{Scribed, SyncTimes, now};
use clap::Parser;
use engine::disk::{Disk, real::RealDisk};
use mimalloc::MiMalloc;
use serde_json::json;

/// That of the server.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Debug, Parser)]
#[command(about = "Durable reservations a second on one hot SKU, without HTTP")]
struct Options {
    /// Where a temporary data directory is made: the disk that is measured.
    #[arg(long)]
    within: PathBuf,
    /// Reservations in one batch.
    #[arg(long, default_value_t = 4_095)]
    batch: u64,
    /// How long to go on.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            drop(writeln!(std::io::stderr(), "reserve: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds, far below 2^53")]
fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let data = tempfile::tempdir_in(&options.within)?;
    let watch = SyncTimes::start();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(data.path())?);
    let mut sale = Scribed::start(&disk, Box::new(watch.clone()));
    sale.reserve(options.batch);
    let (syncs_before, syncing_before) = watch.totals();
    let started = now();
    let mut reservations = 0;
    while started.elapsed().as_secs_f64() < options.seconds && !sale.is_over(options.batch) {
        sale.reserve(options.batch);
        reservations += options.batch;
    }
    let seconds = started.elapsed().as_secs_f64();
    let (syncs, syncing) = watch.totals();
    let (syncs, syncing) = (syncs - syncs_before, syncing.saturating_sub(syncing_before));
    let report = json!({
        "batch": options.batch,
        "reservations": reservations,
        "seconds": seconds,
        "rps": reservations as f64 / seconds,
        "syncs": syncs,
        "sync_ms": syncing.as_secs_f64() * 1_000.0 / syncs.max(1) as f64,
        "sync_share": syncing.as_secs_f64() / seconds,
    });
    writeln!(std::io::stdout(), "{report}")?;
    Ok(())
}
