//! `cargo xtask bench`: the published figures, ours beside its peers in one run.
//!
//! Owns the order of the measurements and their sizes. Everything is the published build (profile `dist`) over real
//! sockets and a real disk; the sides of a figure take turns, so that what slows the machine slows
//! all of them. Refuses to publish fewer than `PAIRS_MIN` turns, a smaller crowd, a part of the
//! figures or one that could not be taken: such a run prints its page and leaves
//! `docs/benchmarks.md` alone.

mod alone;
mod busy_shop;
mod calls;
pub(crate) mod child;
mod compare;
mod crowd;
mod drive;
mod figures;
mod nodes;
mod number;
mod pace;
mod page;
mod sales;
mod scene;
mod session;
mod setting;
mod sizes;
mod storm;
mod tail;
mod targets;
mod watchers;

use std::fs;

use self::{figures::Figures, session::Bench, sizes::Group};
use crate::{failure::Failure, prerequisites, project::Project};

pub(crate) use sizes::Sizes;

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
    project.cargo(["build", "--profile=dist", "--package=api", "--bin=rushgate"]).run()?;
    project.cargo(["build", "--profile=dist", "--package=loadtest"]).run()?;
    project.cargo(["build", "--profile=dist", "--package=benches", "--bins"]).run()
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
        Group::Sales => figures.sales = Some(sales::measure(bench)?),
        Group::BusyShop => figures.busy_shop = busy_shop::measure(bench)?,
        Group::Pace => figures.pace = pace::measure(bench)?,
    }
    Ok(())
}
