//! One sale among many: a server with a thousand that are on and a hundred thousand archived, beside a
//! server with one sale's worth of them.
//!
//! The batch is measured in the engine alone, where nothing hides it, on the disk and in memory; what
//! shoppers notice is measured over HTTP, closed loops in turns, each turn at two servers that were started
//! for it: of two processes that are alike, one is a few hundredths faster for as long as it lives. The start is the server's own, from its
//! first instruction to the line that says where it listens.

use std::{fs, path::Path};

use super::{
    compare::{Comparison, OURS, Side, Span},
    drive::Extent,
    scene::{enter, position},
    session::Bench,
};
use crate::{failure::Failure, process::Call};

const ENTER: &str = "enter, among many sales";
const POSITION: &str = "position, among many sales";
/// The server with few sales.
pub(super) const ALONE: &str = "alone";

/// Sales that are on, and archived ones, beside those that are measured.
pub(super) const LIVE: usize = 1_000;
pub(super) const ARCHIVED: usize = 100_000;
/// Shoppers whose positions are asked for, more in each turn. A longer line costs a position the same.
const WAITING: u64 = 100_000;
/// Requests before the first turn.
const WARM_UP: u64 = 5_000;
/// A file system in memory, where a sync is free and the processor's part shows.
const IN_MEMORY: &str = "/dev/shm";

/// What was found.
#[derive(Debug)]
pub(super) struct Sales {
    pub(super) calls: Vec<Comparison>,
    /// A batch of one sale among many over the same alone: on the disk, and in memory.
    pub(super) batch: Span,
    pub(super) batch_in_memory: Span,
    /// Seconds of a server's start.
    pub(super) start: Span,
}

impl Sales {
    /// Among many over alone.
    pub(super) fn ratio(
        &self,
        name: &str,
        of: impl Fn(&super::drive::Report) -> f64,
    ) -> Option<Span> {
        self.calls.iter().find(|call| call.name == name)?.ratio(ALONE, of)
    }

    pub(super) const NAMES: [&str; 2] = [POSITION, ENTER];
}

pub(super) fn measure(bench: &Bench) -> Result<Sales, Failure> {
    let batch = batch_among(bench, &bench.scratch)?;
    let batch_in_memory = batch_among(bench, Path::new(IN_MEMORY))?;
    let data = bench.scratch.join("many-sales");
    bench.say(&format!("a directory with {LIVE} sales on and {ARCHIVED} archived"));
    let made = Call::new(&bench.restart).args([Path::new("--data"), &data]).args(["make"]);
    made.args(["--live".to_owned(), LIVE.to_string()])
        .args(["--archived".to_owned(), ARCHIVED.to_string()])
        .read_json()?;
    let mut starts = Vec::new();
    for _ in 0..bench.sizes.pairs {
        // The last one's is stopped as by a crash.
        starts.push(bench.serve_at(&data)?.started_in.as_secs_f64());
    }
    let few = bench.scratch.join("few-sales");
    let calls = beside_few(bench, [(OURS, &data), (ALONE, &few)])?;
    let removed = fs::remove_dir_all(&data);
    removed.map_err(|source| Failure::Disk { path: data, source })?;
    let start = Span::of(starts).ok_or_else(|| nothing("start"))?;
    bench.say(&format!("a start among many sales: {:.2} s", start.median));
    Ok(Sales { calls, batch, batch_in_memory, start })
}

/// A batch among the sales that are on, over one alone.
fn batch_among(bench: &Bench, within: &Path) -> Result<Span, Failure> {
    let call = Call::new(&bench.among)
        .args([Path::new("--within"), within])
        .args(["--sales".to_owned(), LIVE.to_string()]);
    let runs = (0..bench.sizes.pairs).map(|_| call.read_json());
    let runs = runs.collect::<Result<Vec<_>, Failure>>()?;
    let span = Span::of(runs.iter().filter_map(|run| run["factor"].as_f64()));
    let span = span.ok_or_else(|| nothing("among"))?;
    bench.say(&format!(
        "a batch among {LIVE} sales, within {}: {:.3}",
        within.display(),
        span.median
    ));
    Ok(span)
}

/// What shoppers notice, at the servers of two directories.
fn beside_few(
    bench: &Bench,
    sides: [(&'static str, &Path); 2],
) -> Result<Vec<Comparison>, Failure> {
    let new = || sides.map(|(name, _)| Side::new(name));
    let (mut positions, mut entries) = (new(), new());
    let door = enter("door");
    let mut load = door.clone();
    for turn in 0..2 * bench.sizes.pairs {
        let both = [bench.serve_at(sides[0].1)?, bench.serve_at(sides[1].1)?];
        let first = turn % 2;
        for side in [first, 1 - first] {
            let server = &both[side];
            load = position(bench.driver.collect(server, &enter("queue"), WAITING, "ticket")?);
            let run = |load| bench.driver.run(server, load, Extent::Seconds(bench.sizes.seconds));
            positions[side].turns.push(run(&load)?);
            bench.driver.run(server, &door, Extent::Requests(WARM_UP))?;
            entries[side].turns.push(run(&door)?);
        }
        bench.say_turn(POSITION, &positions);
        bench.say_turn(ENTER, &entries);
    }
    Ok(vec![
        Comparison::new(POSITION, &load, positions.into())?,
        Comparison::new(ENTER, &door, entries.into())?,
    ])
}

fn nothing(call: &str) -> Failure {
    Failure::Unexpected { call: call.to_owned(), what: "gave no figure".to_owned() }
}
