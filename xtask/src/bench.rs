//! `cargo xtask bench`: the published figures, ours beside its peers in one run.
//!
//! Owns the order of the measurements and their sizes. Everything is the release build over real
//! sockets and a real disk; the sides of a figure take turns, so that what slows the machine slows
//! all of them. Refuses to publish fewer than [`PAIRS_MIN`] turns, a smaller crowd, a part of the
//! figures or one that could not be taken: such a run prints its page and leaves
//! `docs/benchmarks.md` alone.

mod alone;
mod calls;
pub(crate) mod child;
mod compare;
mod crowd;
mod drive;
mod nodes;
mod pace;
mod page;
mod scene;
mod setting;
mod storm;
mod tail;
mod targets;
mod watchers;

use std::{
    cell::Cell,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};

use self::{
    alone::Alone, compare::Comparison, crowd::Crowd, drive::Driver, nodes::Nodes, pace::Pace,
    storm::Storm, tail::Tail, watchers::Watchers,
};
use crate::{failure::Failure, prerequisites, process, project::Project, step};

/// Turns of each side below which a median says little.
const PAIRS_MIN: usize = 5;
/// Waiting shoppers in the figures that are published.
const CROWD: u64 = 1_000_000;
const CROWD_LARGE: u64 = 10_000_000;
/// How long the storm must last, in seconds.
const STORM_SECONDS: f64 = 60.0;

/// The sizes of a run.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Sizes {
    /// How long each side of a pair answers, in seconds.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// How often the sides take turns.
    #[arg(long, default_value_t = PAIRS_MIN)]
    pairs: usize,
    /// Waiting shoppers while positions are asked for.
    #[arg(long, default_value_t = CROWD)]
    waiting: u64,
    /// Waiting shoppers in the memory and recovery figures.
    #[arg(long, default_value_t = CROWD)]
    crowd: u64,
    /// The same for the large crowd.
    #[arg(long, default_value_t = CROWD_LARGE)]
    crowd_large: u64,
    /// How long ten times too many shoppers come, in seconds.
    #[arg(long, default_value_t = STORM_SECONDS)]
    storm_seconds: f64,
    /// Take this group of figures only; nothing is published.
    #[arg(long, value_enum)]
    only: Option<Group>,
}

/// Figures that are taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Positions, one at a time and pipelined.
    Position,
    /// Refusals when nothing is left.
    Refusal,
    /// Durable entries.
    Enter,
    /// Durable purchases.
    Purchase,
    /// The engine without HTTP.
    Engine,
    /// Waits at half load.
    Tail,
    /// Ten times too many.
    Storm,
    /// Memory and recovery.
    Crowd,
    /// The same with ten times the crowd.
    CrowdLarge,
    /// Event streams: their delay and what they cost.
    Watchers,
    /// One node of many, whose Redis decides, beside the classic design.
    Nodes,
    /// The load generator's own punctuality.
    Pace,
}

impl Sizes {
    /// Whether a run of these sizes may be published.
    fn are_full(&self) -> bool {
        self.only.is_none()
            && self.pairs >= PAIRS_MIN
            && self.seconds >= 4.0
            && self.waiting >= CROWD
            && self.crowd >= CROWD
            && self.crowd_large >= CROWD_LARGE
            && self.storm_seconds >= STORM_SECONDS
    }

    /// The command that gives this run.
    fn command(&self) -> String {
        let Self { seconds, pairs, waiting, crowd, crowd_large, storm_seconds, .. } = self;
        format!(
            "cargo xtask bench --seconds {seconds} --pairs {pairs} --waiting {waiting} \
             --crowd {crowd} --crowd-large {crowd_large} --storm-seconds {storm_seconds}"
        )
    }

    fn groups(&self) -> Vec<Group> {
        self.only.map_or_else(|| Group::value_variants().to_vec(), |only| vec![only])
    }

    /// About how long a group takes, for the display alone: turns by their length, crowds at
    /// 50,000 entries a second.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn expected_seconds(&self, group: Group) -> f64 {
        const ENTRIES: f64 = 50_000.0;
        let turn = self.pairs as f64 * (self.seconds + 0.7);
        match group {
            Group::Position => turn * 8.0 + self.waiting as f64 / ENTRIES,
            Group::Enter => turn * 6.0,
            Group::Refusal | Group::Purchase => turn * 2.0,
            Group::Engine => turn + 20.0,
            Group::Tail => turn * 5.0,
            Group::Storm => self.storm_seconds + turn * 2.0 + 10.0,
            Group::Crowd => self.crowd as f64 / ENTRIES * 2.0 + 40.0,
            Group::CrowdLarge => self.crowd_large as f64 / ENTRIES + 60.0,
            Group::Watchers => self.pairs as f64 * 30.0 + 20.0,
            Group::Nodes => turn * 6.0 + self.waiting as f64 / ENTRIES + self.pairs as f64 * 2.0,
            Group::Pace => self.pairs as f64 * 6.0,
        }
    }
}

/// What the measurements share.
#[derive(Debug)]
struct Bench {
    sizes: Sizes,
    server: PathBuf,
    ceiling: PathBuf,
    reserve: PathBuf,
    position: PathBuf,
    loadtest: PathBuf,
    private_redis: PathBuf,
    /// Peers that a machine may lack the programs for.
    classic: Option<PathBuf>,
    nginx: Option<PathBuf>,
    driver: Driver,
    /// Emptied at the start; on the disk that is measured.
    scratch: PathBuf,
    progress: Progress,
}

/// All that is measured.
#[derive(Debug, Default)]
struct Figures {
    calls: Vec<Comparison>,
    alone: Option<Alone>,
    tails: Vec<Tail>,
    storm: Option<Storm>,
    crowds: Vec<Crowd>,
    crowds_large: Vec<Crowd>,
    watchers: Option<Watchers>,
    nodes: Option<Nodes>,
    pace: Option<Pace>,
}

/// Builds, measures, prints and, when the run is full, publishes.
pub(crate) fn run(project: &Project, sizes: Sizes) -> Result<(), Failure> {
    prerequisites::check(project)?;
    build(project)?;
    let scratch = project.target.join("bench-run");
    drop(fs::remove_dir_all(&scratch));
    let made = fs::create_dir_all(&scratch);
    made.map_err(|source| Failure::Disk { path: scratch.clone(), source })?;
    let setting = setting::read(project, &sizes)?;
    let bench = Bench::new(project, sizes, scratch);
    let mut figures = Figures::default();
    for group in sizes.groups() {
        bench.begin(group);
        measure(&bench, group, &mut figures)?;
    }
    bench.say("done");
    let page = page::render(&setting, &bench.sizes, &figures);
    println!("\n{page}");
    drop(fs::remove_dir_all(&bench.scratch));
    let unmeasured = targets::rows(&figures).iter().filter(|row| row.is_met().is_none()).count();
    if !bench.sizes.are_full() {
        println!("not published: a full run has the sizes of `cargo xtask bench` alone, or larger");
        return Ok(());
    }
    if unmeasured > 0 {
        let what = format!("not published: {unmeasured} figures were not measured");
        return Err(Failure::Unexpected { call: "bench".to_owned(), what });
    }
    page::publish(project, &page)
}

fn build(project: &Project) -> Result<(), Failure> {
    project.cargo(["build", "--release", "--package=api", "--bin=rushgate"]).run()?;
    project.cargo(["build", "--release", "--package=loadtest"]).run()?;
    project.cargo(["build", "--release", "--package=benches", "--bins"]).run()
}

fn measure(bench: &Bench, group: Group, figures: &mut Figures) -> Result<(), Failure> {
    match group {
        Group::Position => figures.calls.extend(calls::positions(bench)?),
        Group::Refusal => figures.calls.extend(calls::refusals(bench)?),
        Group::Enter => figures.calls.extend(calls::entries(bench)?),
        Group::Purchase => figures.calls.extend(calls::purchases(bench)?),
        Group::Engine => figures.alone = Some(alone::measure(bench)?),
        Group::Tail => figures.tails = tail::measure(bench)?,
        Group::Storm => figures.storm = Some(storm::measure(bench)?),
        Group::Crowd => figures.crowds = crowd::measure(bench)?,
        Group::CrowdLarge => figures.crowds_large = crowd::measure_large(bench)?,
        Group::Watchers => figures.watchers = Some(watchers::measure(bench)?),
        Group::Nodes => figures.nodes = nodes::measure(bench)?,
        Group::Pace => figures.pace = pace::measure(bench)?,
    }
    Ok(())
}

impl Bench {
    fn new(project: &Project, sizes: Sizes, scratch: PathBuf) -> Self {
        let peer = |binary: &str, needs: &str| {
            let is_there = process::Call::new(needs).args(["-v"]).succeeds();
            if !is_there {
                println!("NOT MEASURED: without {needs} there is no {binary} to compare with");
            }
            is_there.then(|| project.release_binary(binary))
        };
        Self {
            server: project.release_binary("rushgate"),
            ceiling: project.release_binary("ceiling"),
            reserve: project.release_binary("reserve"),
            position: project.release_binary("position"),
            loadtest: project.release_binary("loadtest"),
            private_redis: project.release_binary("private_redis"),
            classic: peer("classic", "redis-server"),
            nginx: peer("nginx_peer", "nginx"),
            driver: Driver::new(project.release_binary("drive"), scratch.clone()),
            scratch,
            progress: Progress::new(&sizes),
            sizes,
        }
    }

    fn begin(&self, group: Group) {
        self.progress.begin(self.sizes.expected_seconds(group));
        let name = group.to_possible_value();
        self.say(&format!("— {} —", name.as_ref().map_or("", |name| name.get_name())));
    }

    /// A line of progress.
    fn say(&self, what: &str) {
        println!("{}  {what}", self.progress.shown());
    }
}

/// How far the run is, by an estimate.
#[derive(Debug)]
struct Progress {
    started: Instant,
    /// Seconds of the whole run, of the groups before this one, and of this one.
    total: f64,
    before: Cell<f64>,
    current: Cell<f64>,
    /// When this group began.
    since: Cell<Instant>,
}

impl Progress {
    fn new(sizes: &Sizes) -> Self {
        let now = process::now();
        let total = sizes.groups().into_iter().map(|group| sizes.expected_seconds(group)).sum();
        let (before, current, since) = (Cell::new(0.0), Cell::new(0.0), Cell::new(now));
        Self { started: now, total, before, current, since }
    }

    fn begin(&self, seconds: f64) {
        self.before.set(self.before.get() + self.current.get());
        self.current.set(seconds);
        self.since.set(process::now());
    }

    /// A bar, the time that is over, and about the time that is left.
    fn shown(&self) -> String {
        let here = self.since.get().elapsed().as_secs_f64().min(self.current.get());
        let left = self.total - self.before.get() - here;
        let elapsed = step::spelled(self.started.elapsed());
        let left_spelled = step::spelled(Duration::from_secs_f64(left.max(0.0)));
        format!("[{}] {elapsed:>9}, {left_spelled:>9} left", bar(1.0 - left / self.total))
    }
}

/// Twenty cells, so many of them full.
fn bar(share: f64) -> String {
    (1..=20).map(|cell| if f64::from(cell) <= share * 20.0 + 0.5 { '#' } else { '.' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_run_may_be_published() {
        let full = Sizes {
            seconds: 4.0,
            pairs: PAIRS_MIN,
            waiting: CROWD,
            crowd: CROWD,
            crowd_large: CROWD_LARGE,
            storm_seconds: STORM_SECONDS,
            only: None,
        };
        assert!(full.are_full());
        assert_eq!(full.groups().len(), Group::value_variants().len());
        assert!(!Sizes { pairs: 4, ..full }.are_full());
        assert!(!Sizes { waiting: 1_000, ..full }.are_full());
        assert!(!Sizes { crowd_large: CROWD, ..full }.are_full());
        assert!(!Sizes { storm_seconds: 5.0, ..full }.are_full());
        assert!(!Sizes { only: Some(Group::Tail), ..full }.are_full());
        let seconds: f64 = full.groups().into_iter().map(|g| full.expected_seconds(g)).sum();
        assert!(seconds < 25.0 * 60.0, "a full run is to take at most 25 minutes, not {seconds} s");
    }

    #[test]
    fn the_bar_fills() {
        assert_eq!(bar(0.0), ".".repeat(20));
        assert_eq!(bar(0.5), "#".repeat(10) + &".".repeat(10));
        assert_eq!(bar(1.0), "#".repeat(20));
    }
}
