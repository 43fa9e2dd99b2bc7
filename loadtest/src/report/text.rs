//! The report for a terminal.
//!
//! Owns the words and the columns. The verdict comes last, where the eye is when a run ends.

use std::collections::BTreeMap;
use std::fmt;

use super::number::{grouped, rate, real};
use super::{Report, Setting, Traffic};
use crate::audit::Foresight;
use crate::ledger::Outcome;
use crate::timeline::{Slice, seconds};
use crate::witness::Lag;

/// Columns of a course: a run's shape at a glance, short enough for any terminal.
const COURSE_COLUMNS: usize = 48;
/// From nothing to the highest.
const BARS: [char; 8] = [
    '\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}', '\u{2588}',
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { server, sale, seed, shoppers, over_seconds, stock, .. } = &self.setting;
        writeln!(f, "{}: sale {sale} at {server}", self.scenario)?;
        writeln!(
            f,
            "{} shoppers over {over_seconds:.1} s for {} units, {:.1} let in per second, seed \
             {seed}, {:.1} s in all",
            grouped(*shoppers as u64),
            grouped(*stock),
            self.setting.admission_per_second,
            self.elapsed_seconds
        )?;
        if let Some(data) = &self.setting.data {
            writeln!(f, "server data in {data}")?;
        }
        self.schedule.fmt(f)?;
        if !self.is_generator_bound() {
            self.write_latency(f)?;
        }
        self.write_courses(f)?;
        self.write_traffic(f)?;
        for (index, kill) in self.kills.iter().enumerate() {
            writeln!(
                f,
                "kill {} at {:.2} s, {} requests in flight, back after {:.0} ms",
                index + 1,
                seconds(kill.at),
                kill.in_flight,
                kill.back.since(kill.at).as_secs_f64() * 1e3,
            )?;
        }
        writeln!(f, "\naudit")?;
        for verdict in &self.verdicts {
            let word = if verdict.ok { "ok    " } else { "FAILED" };
            writeln!(f, "  {word} {}: {}", verdict.rule, verdict.seen)?;
            for example in &verdict.examples {
                writeln!(f, "           {example}")?;
            }
        }
        writeln!(f, "\n{}", self.verdict())
    }
}

impl Report {
    /// The result in a line.
    pub(super) fn verdict(&self) -> String {
        let (rules, broken) =
            (self.verdicts.len(), self.verdicts.iter().filter(|verdict| !verdict.ok).count());
        let late = if self.is_generator_bound() { ", generator bound" } else { "" };
        if self.passed {
            format!("passed: all {rules} rules held{late}")
        } else {
            format!("FAILED: {broken} of {rules} rules broken{late}")
        }
    }

    fn write_latency(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nlatency from the intended moment, ms\n  {:<9}{:>9}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "", "count", "p50", "p90", "p99", "p99.9", "max"
        )?;
        for (name, row) in self.latency.kinds() {
            writeln!(
                f,
                "  {name:<9}{:>9}{:>10.2}{:>10.2}{:>10.2}{:>10.2}{:>10.2}",
                row.count, row.p50_ms, row.p90_ms, row.p99_ms, row.p999_ms, row.max_ms
            )?;
        }
        Ok(())
    }

    /// The run's shape, a column for each stretch of time.
    fn write_courses(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        type Pick = fn(&Slice) -> Option<f64>;
        let rows: [(&str, Pick); 4] = [
            ("arrivals/s", |slice| Some(real(slice.arrived) / slice.seconds)),
            ("answers/s", |slice| Some(real(slice.answered) / slice.seconds)),
            ("bought/s", |slice| Some(real(slice.bought) / slice.seconds)),
            ("in line", |slice| slice.reading.and_then(|reading| reading.line_length).map(real)),
        ];
        // The last slice may be a sliver, with a rate that means nothing.
        let least = self.timeline.slice_seconds / 2.0;
        let slices: Vec<&Slice> =
            self.timeline.slices.iter().filter(|slice| slice.seconds >= least).collect();
        writeln!(f, "\ncourse of {:.1} s", self.timeline.end_seconds)?;
        for (name, pick) in rows {
            let values: Vec<Option<f64>> = slices.iter().map(|slice| pick(slice)).collect();
            let max = values.iter().flatten().copied().fold(0.0, f64::max);
            writeln!(f, "  {name:<11}{} at most {}", course(&values, max), rate(max))?;
        }
        Ok(())
    }

    fn write_traffic(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Traffic { answered, answered_per_second, unanswered, pushed_back } = &self.traffic;
        writeln!(
            f,
            "\n{} answers, {} per second; {} unanswered, {} pushed back",
            grouped(*answered),
            rate(*answered_per_second),
            grouped(*unanswered),
            grouped(*pushed_back)
        )?;
        writeln!(f, "visits: {}", visits(&self.outcomes))?;
        let tau = |tau: Option<f64>| tau.map_or_else(|| "-".to_owned(), |tau| format!("{tau:.4}"));
        writeln!(
            f,
            "order: tau(arrival, number) {}, tau(acknowledgement, number) {}, tau(number, admission) {}",
            tau(self.agreement.arrival_and_number),
            tau(self.agreement.acknowledgement_and_number),
            tau(self.agreement.number_and_admission),
        )?;
        if let Some(lag) = &self.lag {
            writeln!(f, "nodes: {}", behind(lag))?;
        }
        writeln!(f, "estimated waits: {}", estimated(&self.eta))
    }
}

/// How well waits were estimated, in a line.
pub(super) fn estimated(eta: &Foresight) -> String {
    let Foresight { count, p50_seconds, p90_seconds, within_range_share } = eta;
    if *count == 0 {
        return "none was seen to its end".to_owned();
    }
    format!(
        "{}, {:.0} % within their range, off by {p50_seconds:.1} s (p50) and {p90_seconds:.1} s \
         (p90)",
        grouped(*count),
        within_range_share * 1e2
    )
}

/// How far nodes were behind one another, in a line.
pub(super) fn behind(lag: &Lag) -> String {
    let Lag { answers, behind, risen_positions, max_ms } = lag;
    format!(
        "{} of {} answers behind another node's, by {max_ms:.0} ms at the most; {} positions higher \
         than at another",
        grouped(*behind),
        grouped(*answers),
        grouped(*risen_positions)
    )
}

/// How the visits ended, the most frequent first.
pub(super) fn visits(outcomes: &BTreeMap<Outcome, u64>) -> String {
    let mut counted: Vec<(u64, Outcome)> = outcomes.iter().map(|(o, count)| (*count, *o)).collect();
    counted.sort_unstable_by(|a, b| b.cmp(a));
    let spelled = counted.iter().map(|(count, outcome)| {
        let word = serde_json::to_value(outcome).unwrap_or_default();
        format!("{} {}", grouped(*count), word.as_str().unwrap_or("?").replace('_', " "))
    });
    spelled.collect::<Vec<_>>().join(", ")
}

/// A row of bars, each the highest of its stretch; a blank where nothing is known.
fn course(values: &[Option<f64>], max: f64) -> String {
    let stretch = values.len().div_ceil(COURSE_COLUMNS).max(1);
    let bar = |values: &[Option<f64>]| {
        let height = values.iter().flatten().copied().reduce(f64::max)?;
        let level = (1_u8..8).rfind(|level| height >= f64::from(*level) / 8.0 * max);
        Some(BARS[usize::from(level.filter(|_| max > 0.0).unwrap_or(0))])
    };
    values.chunks(stretch).map(|values| bar(values).unwrap_or(' ')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_rises_with_its_values_and_fits_its_columns() {
        let values = [Some(0.0), Some(4.0), None, Some(8.0)];
        assert_eq!(course(&values, 8.0), "\u{2581}\u{2585} \u{2588}");
        assert_eq!(course(&[Some(0.0)], 0.0), "\u{2581}");
        let long: Vec<Option<f64>> = (0..600).map(|i| Some(f64::from(i))).collect();
        assert!(course(&long, 599.0).chars().count() <= COURSE_COLUMNS);
    }

    #[test]
    fn visits_are_words_the_most_frequent_first() {
        let outcomes = BTreeMap::from([(Outcome::SoldOut, 18_000), (Outcome::FellSilent, 2)]);
        assert_eq!(visits(&outcomes), "18,000 sold out, 2 fell silent");
    }
}
