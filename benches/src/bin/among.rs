//! What a batch of one sale costs among many that are on: two scribes in turns, one with the hot sale
//! alone, the other with as many sales beside it as asked for; prints JSON.
//!
//! Every batch is a write and an `fdatasync`. Within a file system in memory, as `/dev/shm`, it is what the
//! processor does alone.
//! Of two scribes that are alike, the one that was made later is slower by some hundredths in one process, so
//! half of the batches are measured with the one made first, half with the other.
//!
//! Time goes by as it does for a busy server, so the sweeps of idle places and the figures of the other
//! sales have their turns too.

#![forbid(unsafe_code)]

use std::{env, io::Write as _, path::PathBuf, process::ExitCode, sync::Arc};

use benches::{Scribed, SyncTimes, now};
use clap::Parser;
use engine::disk::{Disk, real::RealDisk};
use mimalloc::MiMalloc;
use serde_json::json;

/// That of the server.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Debug, Parser)]
#[command(about = "What a batch of one sale costs among many, against the same sale alone")]
struct Options {
    /// Where temporary data directories are made; the system's temporary directory without it.
    #[arg(long)]
    within: Option<PathBuf>,
    /// Sales beside the hot one.
    #[arg(long, default_value_t = 1_000)]
    sales: usize,
    /// Reservations in one batch.
    #[arg(long, default_value_t = 64)]
    batch: u64,
    /// Batches of each side.
    #[arg(long, default_value_t = 4_000)]
    batches: usize,
    /// The most that a batch may cost beside the others, as a multiple of one alone: the median of the
    /// pairs. Without it the figures are only told.
    #[arg(long)]
    within_factor: Option<f64>,
}

/// Milliseconds that go by between two batches.
const PAUSE_MS: u64 = 2;
/// Batches of a side in a row, whose time counts as one sample: a round of the other sales is in it.
const IN_A_ROW: usize = 40;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            drop(writeln!(std::io::stderr(), "among: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

/// Microseconds of a batch, sample by sample: alone, and among many.
type Samples = [Vec<f64>; 2];

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let runs = [measure(options, [0, options.sales])?, {
        let [among, alone] = measure(options, [options.sales, 0])?;
        [alone, among]
    }];
    let factors = runs.each_ref().map(|[alone, among]| {
        median(alone.iter().zip(among).map(|(alone, among)| among / alone).collect())
    });
    let factor = (factors[0] * factors[1]).sqrt();
    let of_both = |side: usize| median(runs.iter().flat_map(|run| run[side].clone()).collect());
    let report = json!({
        "sales": options.sales,
        "batch": options.batch,
        "pairs": runs[0][0].len() + runs[1][0].len(),
        "alone_us": of_both(0),
        "among_us": of_both(1),
        "alone_first": factors[0],
        "among_first": factors[1],
        "factor": factor,
    });
    writeln!(std::io::stdout(), "{report}")?;
    match options.within_factor {
        Some(most) if factor > most => Err(format!("{factor:.3} of one alone, not {most}").into()),
        _ => Ok(()),
    }
}

/// Two scribes, made in this order beside so many other sales, and what their batches took.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn measure(options: &Options, others: [usize; 2]) -> Result<Samples, Box<dyn std::error::Error>> {
    let data = tempfile::tempdir_in(options.within.clone().unwrap_or_else(env::temp_dir))?;
    let disk = |name: &str| -> Result<Arc<dyn Disk>, Box<dyn std::error::Error>> {
        Ok(Arc::new(RealDisk::open(&data.path().join(name))?))
    };
    let watch = || Box::new(SyncTimes::start());
    let mut sides = [
        Scribed::start_among(others[0], &disk("first")?, watch()),
        Scribed::start_among(others[1], &disk("second")?, watch()),
    ];
    let mut samples = Samples::default();
    for round in 0..=options.batches.div_ceil(2 * IN_A_ROW) {
        // Who comes first changes, so that neither has the warmer caches.
        for side in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            let started = now();
            for _ in 0..IN_A_ROW {
                sides[side].pass(PAUSE_MS);
                sides[side].reserve(options.batch);
            }
            // The first round warms up.
            if round > 0 {
                samples[side].push(started.elapsed().as_secs_f64() * 1e6 / IN_A_ROW as f64);
            }
        }
    }
    Ok(samples)
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
