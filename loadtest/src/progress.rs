//! What a person watches while the crowd shops.
//!
//! Owns the lines on standard error: a few that are redrawn in place when that is a terminal, else
//! one every five seconds, so that a log shows life. Reads what is measured and changes nothing.

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::watch;

use crate::clock::Stamp;
use crate::report::number::{grouped, milliseconds, rate, real};
use crate::run::Run;
use crate::timeline::{Quantiles, seconds};

/// Often enough to look alive, too rarely to cost anything.
const DRAW_EVERY: Duration = Duration::from_millis(200);
/// Between lines where nothing can be redrawn.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// "Now" is the last second: counts so many draws apart.
const RATE_DRAWS: usize = 5;
/// What percentiles of "the last seconds" are taken over.
const RECENT: Duration = Duration::from_secs(5);

/// What the run is to reach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    pub(crate) shoppers: u64,
    pub(crate) kills: u32,
}

/// Shows the run until `stop`.
pub(crate) async fn watch(run: Arc<Run>, goal: Goal, stop: watch::Receiver<bool>) {
    if io::stderr().is_terminal() {
        redraw(&run, goal, stop).await;
    } else {
        log(&run, goal, stop).await;
    }
}

/// Redraws four lines until `stop`, then clears them: the report says it all.
async fn redraw(run: &Run, goal: Goal, mut stop: watch::Receiver<bool>) {
    let lines = MultiProgress::new();
    let bar = lines.add(ProgressBar::new(goal.shoppers));
    let style = |template| {
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
    };
    bar.set_style(style("{elapsed_precise} {wide_bar:.cyan/dim} {msg}"));
    let text = || {
        let line = lines.add(ProgressBar::new_spinner());
        line.set_style(style("{msg}"));
        line
    };
    let (rates, sale, latency) = (text(), text(), text());
    let mut window = Window::default();
    loop {
        let now = window.look(run);
        bar.set_position(now.counts.arrived);
        let (arrived, shoppers) = (grouped(now.counts.arrived), grouped(goal.shoppers));
        bar.set_message(format!("{arrived} of {shoppers} arrived"));
        rates.set_message(format!(
            "now       {} arrivals/s, {} answers/s, {} let in/s, {} bought/s",
            rate(now.per_second(|counts| counts.arrived)),
            rate(now.per_second(|counts| counts.answered)),
            rate(now.per_second(|counts| counts.admitted)),
            rate(now.per_second(|counts| counts.bought)),
        ));
        sale.set_message(format!("sale      {}", now.sale(run, goal)));
        latency.set_message(format!("p50/p99   {}", now.latencies(run)));
        if stopped_within(DRAW_EVERY, &mut stop).await {
            break;
        }
    }
    for line in [bar, rates, sale, latency] {
        line.finish_and_clear();
    }
}

/// Writes a line now and then until `stop`.
async fn log(run: &Run, goal: Goal, mut stop: watch::Receiver<bool>) {
    let mut window = Window::new(1);
    window.look(run);
    while !stopped_within(LINE_EVERY, &mut stop).await {
        let now = window.look(run);
        let line = format!(
            "{:6.1} s  {} of {} arrived, {} answers/s; {}; p50/p99 {}\n",
            seconds(now.at),
            grouped(now.counts.arrived),
            grouped(goal.shoppers),
            rate(now.per_second(|counts| counts.answered)),
            now.sale(run, goal),
            now.latencies(run),
        );
        // Who closed standard error does not want to read it.
        drop(io::stderr().write_all(line.as_bytes()));
    }
}

async fn stopped_within(pause: Duration, stop: &mut watch::Receiver<bool>) -> bool {
    tokio::time::timeout(pause, stop.wait_for(|stopped| *stopped)).await.is_ok()
}

/// Counts at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    arrived: u64,
    answered: u64,
    admitted: u64,
    bought: u64,
}

impl Counts {
    fn of(run: &Run) -> Self {
        let measures = &run.measures;
        Self {
            arrived: measures.arrived.get(),
            answered: measures.answered.get(),
            admitted: measures.admitted.get(),
            bought: measures.bought.get(),
        }
    }
}

/// The last few looks, to tell rates from.
#[derive(Debug)]
struct Window {
    looks: VecDeque<(Stamp, Counts)>,
    kept: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self::new(RATE_DRAWS)
    }
}

impl Window {
    fn new(kept: usize) -> Self {
        Self { looks: VecDeque::with_capacity(kept + 1), kept }
    }

    fn look(&mut self, run: &Run) -> Look {
        self.note(run.clock.now(), Counts::of(run))
    }

    fn note(&mut self, at: Stamp, counts: Counts) -> Look {
        let (since, before) = self.looks.front().copied().unwrap_or_default();
        self.looks.push_back((at, counts));
        if self.looks.len() > self.kept {
            self.looks.pop_front();
        }
        Look { at, counts, since, before }
    }
}

/// The present, beside a moment shortly before it.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Stamp,
    counts: Counts,
    since: Stamp,
    before: Counts,
}

impl Look {
    fn per_second(&self, count: impl Fn(&Counts) -> u64) -> f64 {
        let grown = count(&self.counts).saturating_sub(count(&self.before));
        real(grown) / self.at.since(self.since).as_secs_f64().max(1e-3)
    }

    /// Line, people let in, units, trouble.
    fn sale(&self, run: &Run, goal: Goal) -> String {
        let reading = run.measures.latest();
        let unknown = || "?".to_owned();
        let line = reading.line_length.map_or_else(unknown, grouped);
        let units = reading.units.map_or_else(unknown, |units| {
            format!("{} of {}", grouped(units.sold), grouped(units.total))
        });
        let lost = run.measures.unanswered.get();
        let broken = run.witness.contract.broken();
        let kills = match goal.kills {
            0 => String::new(),
            kills => format!(", {} of {kills} kills", run.measures.killed.get()),
        };
        format!(
            "{line} in line, {} admitted, {units} sold, {} unanswered, {} errors{kills}",
            grouped(self.counts.admitted),
            grouped(lost),
            grouped(broken),
        )
    }

    /// Percentiles of the last seconds, of each kind that ended then.
    fn latencies(&self, run: &Run) -> String {
        let since = Stamp(self.at.0.saturating_sub(crate::clock::nanoseconds(RECENT)));
        let measures = &run.measures;
        let kinds = [
            ("enter", &measures.enter),
            ("position", &measures.position),
            ("stream", &measures.stream),
            ("purchase", &measures.purchase),
            ("confirm", &measures.confirm),
        ];
        let spelled = kinds.iter().filter_map(|(name, latency)| {
            let Quantiles { p50_ms, p99_ms, .. } = latency.recent(since)?;
            Some(format!("{name} {}/{}", milliseconds(p50_ms), milliseconds(p99_ms)))
        });
        let spelled: Vec<_> = spelled.collect();
        if spelled.is_empty() {
            return "nothing answered lately".to_owned();
        }
        format!("{} ms", spelled.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_what_was_counted_over_the_last_looks() {
        let mut window = Window::new(2);
        let at = |second: u64| Stamp(second * 1_000_000_000);
        let counts = |arrived| Counts { arrived, ..Counts::default() };
        let per_second = |look: Look| look.per_second(|counts| counts.arrived);
        assert!((per_second(window.note(at(1), counts(10))) - 10.0).abs() < 1e-9);
        assert!((per_second(window.note(at(2), counts(40))) - 30.0).abs() < 1e-9);
        assert!((per_second(window.note(at(3), counts(40))) - 15.0).abs() < 1e-9);
        assert!(per_second(window.note(at(4), counts(40))).abs() < 1e-9);
    }
}
