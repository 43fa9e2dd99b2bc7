//! What the measurements of one run share.

use std::{
    cell::Cell,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::ValueEnum as _;

use super::{
    drive::Driver,
    sizes::{Group, Sizes},
};
use crate::{duration::spelled, process, project::Project};

/// What the measurements share.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) sizes: Sizes,
    pub(super) server: PathBuf,
    pub(super) ceiling: PathBuf,
    pub(super) reserve: PathBuf,
    pub(super) position: PathBuf,
    pub(super) among: PathBuf,
    pub(super) restart: PathBuf,
    pub(super) loadtest: PathBuf,
    pub(super) private_redis: PathBuf,
    /// Peers that a machine may lack the programs for.
    pub(super) classic: Option<PathBuf>,
    pub(super) nginx: Option<PathBuf>,
    pub(super) driver: Driver,
    /// Emptied at the start; on the disk that is measured.
    pub(super) scratch: PathBuf,
    progress: Progress,
}

impl Bench {
    pub(super) fn new(project: &Project, sizes: Sizes, scratch: PathBuf) -> Self {
        let peer = |binary: &str, needs: &str| {
            let is_there = process::Call::new(needs).args(["-v"]).succeeds();
            if !is_there {
                println!("NOT MEASURED: without {needs} there is no {binary} to compare with");
            }
            is_there.then(|| project.dist_binary(binary))
        };
        Self {
            server: project.dist_binary("rushgate"),
            ceiling: project.dist_binary("ceiling"),
            reserve: project.dist_binary("reserve"),
            position: project.dist_binary("position"),
            among: project.dist_binary("among"),
            restart: project.dist_binary("restart"),
            loadtest: project.dist_binary("loadtest"),
            private_redis: project.dist_binary("private_redis"),
            classic: peer("classic", "redis-server"),
            nginx: peer("nginx_peer", "nginx"),
            driver: Driver::new(project.dist_binary("drive"), scratch.clone()),
            scratch,
            progress: Progress::new(&sizes),
            sizes,
        }
    }

    pub(super) fn begin(&self, group: Group) {
        self.progress.begin(self.sizes.expected_seconds(group));
        let name = group.to_possible_value();
        self.say(&format!("— {} —", name.as_ref().map_or("", |name| name.get_name())));
    }

    /// A line of progress.
    pub(super) fn say(&self, what: &str) {
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
        let elapsed = spelled(self.started.elapsed());
        let left_spelled = spelled(Duration::from_secs_f64(left.max(0.0)));
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
    fn the_bar_fills() {
        assert_eq!(bar(0.0), ".".repeat(20));
        assert_eq!(bar(0.5), "#".repeat(10) + &".".repeat(10));
        assert_eq!(bar(1.0), "#".repeat(20));
    }
}
