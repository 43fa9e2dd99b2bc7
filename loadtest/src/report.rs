//! What a run found, for people and for programs.
//!
//! Owns the one result and where it is written: text by `Display`, JSON by `Serialize`, a page
//! and pictures by [`html`] and [`chart`]. Everything a reader needs to repeat the run (seed,
//! window, pace) is in it. The renderings only read; none of them judges.

mod chart;
mod figure;
mod html;
pub(crate) mod number;
#[cfg(test)]
mod sample;
mod scale;
mod schedule;
mod text;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::audit::{Agreement, Foresight, Verdict};
use crate::ledger::Outcome;
use crate::measure::Percentiles;
use crate::server::Kill;
use crate::timeline::{Order, Timeline};
use crate::witness::Lag;

pub(crate) use schedule::Schedule;

/// The result of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// True when every verdict is ok.
    pub passed: bool,
    /// Every rule, judged.
    pub verdicts: Vec<Verdict>,
    /// The scenario's name.
    pub(crate) scenario: String,
    pub(crate) setting: Setting,
    pub(crate) elapsed_seconds: f64,
    pub(crate) schedule: Schedule,
    pub(crate) eta: Foresight,
    pub(crate) latency: Latencies,
    pub(crate) traffic: Traffic,
    /// How the visits ended.
    pub(crate) outcomes: BTreeMap<Outcome, u64>,
    pub(crate) agreement: Agreement,
    /// With several nodes, how far they were behind one another.
    pub(crate) lag: Option<Lag>,
    pub(crate) kills: Vec<Kill>,
    pub(crate) timeline: Timeline,
    pub(crate) order: Order,
}

/// What was run.
#[derive(Debug, Serialize)]
pub(crate) struct Setting {
    pub(crate) server: String,
    pub(crate) sale: String,
    pub(crate) seed: u64,
    pub(crate) shoppers: usize,
    pub(crate) over_seconds: f64,
    pub(crate) stock: u64,
    pub(crate) admission_per_second: f64,
    pub(crate) connections: usize,
    /// Where a server of the run's own kept its data.
    pub(crate) data: Option<String>,
}

/// From the intended moment to the acknowledgement.
#[derive(Debug, Serialize)]
pub(crate) struct Latencies {
    pub(crate) enter: Percentiles,
    pub(crate) position: Percentiles,
    pub(crate) purchase: Percentiles,
    pub(crate) confirm: Percentiles,
    /// To the first event of a stream.
    pub(crate) stream: Percentiles,
}

impl Latencies {
    /// Each kind under its name, in the order of a visit.
    fn kinds(&self) -> [(&'static str, Percentiles); 5] {
        [
            ("enter", self.enter),
            ("position", self.position),
            ("stream", self.stream),
            ("purchase", self.purchase),
            ("confirm", self.confirm),
        ]
    }
}

/// Requests, counted while the crowd shopped.
#[derive(Debug, Serialize)]
pub(crate) struct Traffic {
    pub(crate) answered: u64,
    pub(crate) answered_per_second: f64,
    pub(crate) unanswered: u64,
    pub(crate) pushed_back: u64,
}

/// Where the report goes besides the terminal.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Files<'a> {
    pub(crate) json: Option<&'a Path>,
    pub(crate) html: Option<&'a Path>,
    /// Each chart as a file of its own.
    pub(crate) svg_dir: Option<&'a Path>,
}

impl Files<'_> {
    /// Refuses before the run what could not be written after it.
    pub(crate) fn check(&self) -> Result<(), String> {
        for path in [self.json, self.html].into_iter().flatten() {
            let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
            if dir.is_some_and(|dir| !dir.is_dir()) {
                return Err(format!(
                    "{}: there is no such directory to write it in",
                    path.display()
                ));
            }
        }
        self.svg_dir.map_or(Ok(()), make_dir)
    }
}

impl Report {
    /// True when the figures are the generator's own and not for publishing.
    pub fn is_generator_bound(&self) -> bool {
        self.schedule.generator_bound
    }

    /// Writes what is asked for. The error names the file.
    pub(crate) fn write(&self, files: &Files<'_>) -> Result<(), String> {
        if let Some(path) = files.json {
            write_json(path, self)?;
        }
        if let Some(path) = files.html {
            write(path, html::Page(self).to_string().as_bytes())?;
        }
        if let Some(dir) = files.svg_dir {
            make_dir(dir)?;
            for figure in figure::figures(self) {
                let path = dir.join(figure.chart.id).with_extension("svg");
                write(&path, figure.chart.alone().to_string().as_bytes())?;
            }
        }
        Ok(())
    }
}

fn make_dir(dir: &Path) -> Result<(), String> {
    fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))
}

/// Writes a result for programs.
pub(crate) fn write_json(path: &Path, result: &impl Serialize) -> Result<(), String> {
    let text = serde_json::to_vec_pretty(result).map_err(|error| error.to_string())?;
    write(path, &text)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}
