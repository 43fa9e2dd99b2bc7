//! The engine alone, without HTTP: durable reservations, and what a position costs.

use std::path::Path;

use serde_json::Value;

use super::{
    compare::{Span, median},
    session::Bench,
};
use crate::{failure::Failure, process::Call};

/// Reservations in one batch, with the receipt for the one before: 512 and 4,096 commands.
const BATCHES: [u64; 2] = [511, 4_095];
/// Lengths of lines in which positions are asked for.
pub(super) const LENGTHS: [u64; 3] = [1_000, 1_000_000, 10_000_000];

/// The engine's figures.
#[derive(Debug)]
pub(super) struct Alone {
    pub(super) reservations: Vec<Reservations>,
    pub(super) lines: Vec<Line>,
}

/// Reservations on one hot SKU, one sync for each batch.
#[derive(Debug)]
pub(super) struct Reservations {
    pub(super) batch: u64,
    pub(super) rps: Span,
    pub(super) sync_ms: f64,
    pub(super) sync_share: f64,
}

/// Positions in one line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) length: u64,
    /// Nanoseconds a call, turn by turn.
    pub(super) nanoseconds: Vec<f64>,
}

pub(super) fn measure(bench: &Bench) -> Result<Alone, Failure> {
    let reservations = BATCHES.into_iter().map(|batch| reserve(bench, batch));
    Ok(Alone { reservations: reservations.collect::<Result<_, _>>()?, lines: positions(bench)? })
}

fn reserve(bench: &Bench, batch: u64) -> Result<Reservations, Failure> {
    let call = Call::new(&bench.reserve)
        .args([Path::new("--within"), &bench.scratch])
        .args(["--batch".to_owned(), batch.to_string()])
        .args(["--seconds".to_owned(), (bench.sizes.seconds / 2.0).to_string()]);
    let runs = (0..bench.sizes.pairs).map(|_| call.read_json());
    let runs = runs.collect::<Result<Vec<Value>, Failure>>()?;
    let of = |key: &'static str| runs.iter().filter_map(move |run| run[key].as_f64());
    let rps = Span::of(of("rps")).ok_or_else(|| Failure::Unexpected {
        call: call.spelled(),
        what: "no rps in its answers".to_owned(),
    })?;
    let (sync_ms, sync_share) = (median(of("sync_ms")), median(of("sync_share")));
    let each = rps.median;
    bench.say(&format!("{each:.0} durable reservations/s, {batch} to a sync of {sync_ms:.2} ms"));
    Ok(Reservations { batch, rps, sync_ms, sync_share })
}

fn positions(bench: &Bench) -> Result<Vec<Line>, Failure> {
    let lengths = LENGTHS.map(|length| length.to_string()).join(",");
    let call = Call::new(&bench.position).args([
        "--turns".to_owned(),
        bench.sizes.pairs.to_string(),
        "--lengths".to_owned(),
        lengths,
    ]);
    let report = call.read_json()?;
    let lines = report["lines"].as_array().into_iter().flatten().map(|line| {
        let nanoseconds = line["ns"].as_array()?.iter().filter_map(Value::as_f64).collect();
        Some(Line { length: line["length"].as_u64()?, nanoseconds })
    });
    let lines: Option<Vec<Line>> = lines.collect();
    let lines = lines.filter(|lines| lines.len() == LENGTHS.len());
    let what = format!("something is missing in {report}");
    let lines = lines.ok_or_else(|| Failure::Unexpected { call: call.spelled(), what })?;
    for Line { length, nanoseconds } in &lines {
        bench
            .say(&format!("position in a line of {length}: {:.1} ns", median(nanoseconds.clone())));
    }
    Ok(lines)
}
