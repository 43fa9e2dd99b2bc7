//! The result of a run: plain figures, read by every rendering.

use std::collections::BTreeMap;

use serde::Serialize;

use super::schedule::Schedule;
use crate::audit::{Agreement, Foresight, Verdict};
use crate::ledger::Outcome;
use crate::measure::Percentiles;
use crate::server::Kill;
use crate::timeline::{Order, Timeline};
use crate::witness::Lag;

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

impl Report {
    /// True when the figures are the generator's own and not for publishing.
    pub fn is_generator_bound(&self) -> bool {
        self.schedule.generator_bound
    }
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
    pub(super) fn kinds(&self) -> [(&'static str, Percentiles); 5] {
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
