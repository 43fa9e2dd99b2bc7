//! What the figures should be, and whether they are.
//!
//! Owns the list. A figure that was not measured is listed as such, and so is one that missed:
//! nothing leaves the list by itself.

use super::{
    alone, busy_shop,
    calls::{ENTER, ENTER_KEYED, PIPELINED, POSITION, PURCHASE, SOLD_OUT},
    compare::{CLASSIC, HYPER, OURS, Span},
    crowd::{Crowd, Entered},
    drive::Report,
    figures::Figures,
    number::{grouped, grouped_count},
    sales::{ALONE, Sales},
    tail,
    watchers::Turn,
};

/// Of the requests due at half load, the share that must be done before their times count.
const DONE_MIN: f64 = 0.999;

/// One line of the list.
#[derive(Debug)]
pub(super) struct Row {
    figure: String,
    measured: Option<Measured>,
    target: Target,
    unit: &'static str,
    /// Digits behind the point.
    digits: usize,
}

/// What was found; the median is judged.
#[derive(Debug, Clone, Copy)]
enum Measured {
    One(f64),
    Turns(Span),
}

/// What it should be.
#[derive(Debug, Clone, Copy)]
enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Row {
    fn new(figure: impl Into<String>, target: Target, unit: &'static str, digits: usize) -> Self {
        Self { figure: figure.into(), measured: None, target, unit, digits }
    }

    fn span(self, span: Option<Span>) -> Self {
        Self { measured: span.map(Measured::Turns), ..self }
    }

    fn one(self, value: Option<f64>) -> Self {
        Self { measured: value.map(Measured::One), ..self }
    }

    /// `None` if it was not measured.
    pub(super) fn is_met(&self) -> Option<bool> {
        let value = match self.measured? {
            Measured::One(value) => value,
            Measured::Turns(span) => span.median,
        };
        Some(match self.target {
            Target::AtLeast(least) => value >= least,
            Target::AtMost(most) => value <= most,
        })
    }

    /// As a line of the page's table.
    pub(super) fn line(&self) -> String {
        let number = |value: f64| match self.digits {
            // It never came to that.
            _ if value.is_infinite() => "∞".to_owned(),
            0 => grouped(value),
            digits => format!("{value:.digits$}"),
        };
        let measured = match self.measured {
            None => "not measured".to_owned(),
            Some(Measured::One(value)) => number(value) + self.unit,
            Some(Measured::Turns(Span { median, least, most })) => {
                let unit = self.unit;
                format!("{}{unit} ({} to {})", number(median), number(least), number(most))
            }
        };
        let target = match self.target {
            Target::AtLeast(least) => format!("≥ {}", number(least)),
            Target::AtMost(most) => format!("≤ {}", number(most)),
        };
        let met = match self.is_met() {
            None => "not measured",
            Some(true) => "yes",
            Some(false) => "**no**",
        };
        let (figure, unit) = (&self.figure, self.unit);
        format!("| {figure} | {measured} | {target}{unit} | {met} |\n")
    }
}

/// The list as a table.
pub(super) fn table(rows: &[Row]) -> String {
    let mut table = "| figure | measured | target | met |\n|---|---:|---:|---|\n".to_owned();
    for row in rows {
        table.push_str(&row.line());
    }
    let of = |met| rows.iter().filter(|row| row.is_met() == met).count();
    let (met, missed, unmeasured) = (of(Some(true)), of(Some(false)), of(None));
    let summary = format!("\n{met} met, {missed} not met, {unmeasured} not measured.\n");
    table + &summary
}

/// Every figure that has a target.
pub(super) fn rows(figures: &Figures) -> Vec<Row> {
    let mut rows = calls(figures);
    rows.extend(engine(figures));
    rows.extend(waits(figures));
    rows.extend(crowds(figures));
    rows.extend(watchers(figures));
    rows.extend(nodes(figures));
    rows.extend(sales(figures));
    rows.extend(busy_shop(figures));
    rows.extend(storm(figures));
    rows
}

fn calls(figures: &Figures) -> Vec<Row> {
    use Target::{AtLeast, AtMost};
    let ratio = |name: &str, other: &str, of: fn(&Report) -> f64| {
        figures.calls.iter().find(|call| call.name == name)?.ratio(other, of)
    };
    let row = |figure: &str, least: f64, name: &str, other: &str| {
        Row::new(figure, AtLeast(least), "", 2).span(ratio(name, other, |report| report.rps))
    };
    vec![
        row("position over bare hyper, requests/s", 0.90, POSITION, HYPER),
        row("position over the classic design", 1.6, POSITION, CLASSIC),
        Row::new("position over bare hyper, server's processor time each", AtMost(1.25), "", 2)
            .span(ratio(POSITION, HYPER, |report| report.cpu_us)),
        row("position over bare hyper, pipelined 16 deep", 0.60, PIPELINED, HYPER),
        row("sold-out refusal over bare hyper", 0.85, SOLD_OUT, HYPER),
        row("durable enter over bare hyper", 0.50, ENTER, HYPER),
        row("durable enter with a key over bare hyper", 0.50, ENTER_KEYED, HYPER),
        row("durable enter over the classic design, `appendfsync always`", 2.0, ENTER, CLASSIC),
        row("durable purchase, one hot SKU, over bare hyper", 0.45, PURCHASE, HYPER),
    ]
}

fn engine(figures: &Figures) -> Vec<Row> {
    let alone = figures.alone.as_ref();
    let most = alone.and_then(|alone| {
        let all = alone.reservations.iter().map(|row| row.rps);
        all.max_by(|a, b| a.median.total_cmp(&b.median))
    });
    let [short, _, long] = alone::LENGTHS;
    let line = |length| {
        let lines = &alone?.lines;
        lines.iter().find(|line| line.length == length).map(|line| &line.nanoseconds)
    };
    let ratio = line(long).zip(line(short)).and_then(|(long, short)| {
        Span::of(long.iter().zip(short).map(|(long, short)| long / short))
    });
    vec![
        Row::new(
            "engine alone, durable reservations/s on one hot SKU",
            Target::AtLeast(500_000.0),
            "",
            0,
        )
        .span(most),
        Row::new("engine's position at 10,000,000 in line", Target::AtMost(30.0), " ns", 1)
            .span(line(long).and_then(|turns| Span::of(turns.iter().copied()))),
        Row::new("the same over that at 1,000", Target::AtMost(2.0), "", 2).span(ratio),
    ]
}

fn waits(figures: &Figures) -> Vec<Row> {
    let tail = |name: &str| figures.tails.iter().find(|tail| tail.name == name);
    let row = |what: &str, name: &str| {
        let judged = tail(name).filter(|tail| tail.done.median >= DONE_MIN);
        let failed = tail(name).map(|_| f64::INFINITY);
        let row = Row::new(format!("p99 of {what} at half load"), Target::AtMost(5.0), " ms", 2);
        match judged {
            Some(tail) => row.span(Some(tail.p99_ms)),
            None => row.one(failed),
        }
    };
    let pace = figures.pace.as_ref().map(|pace| pace.late_p99_ms);
    vec![
        row("enter", tail::ENTER),
        row("purchase", tail::PURCHASE),
        Row::new("load generator at 20,000/s, p99 schedule error", Target::AtMost(1.0), " ms", 3)
            .span(pace),
    ]
}

fn crowds(figures: &Figures) -> Vec<Row> {
    let row = |crowd: &Crowd| {
        let (waiting, name) = (grouped_count(crowd.waiting), crowd.entered.name());
        let figure = format!("bytes per shopper, {waiting} waiting, entered {name}");
        Row::new(figure, Target::AtMost(100.0), "", 0).one(Some(crowd.bytes))
    };
    let mut rows: Vec<Row> = figures.crowds.iter().chain(&figures.crowds_large).map(row).collect();
    for (crowds, figure) in [
        (&figures.crowds, "bytes per shopper, 1,000,000 waiting"),
        (&figures.crowds_large, "bytes per shopper, 10,000,000 waiting"),
    ] {
        if crowds.is_empty() {
            rows.push(Row::new(figure, Target::AtMost(100.0), "", 0));
        }
    }
    let recoveries = figures.crowds.iter().filter(|crowd| crowd.entered == Entered::Plainly);
    let recoveries = recoveries.flat_map(|crowd| &crowd.recoveries);
    let slowest = recoveries.map(|recovery| recovery.seconds);
    let slowest = slowest.max_by(|a, b| a.median.total_cmp(&b.median));
    let figure = "recovery of a journal of 1,000,000 entries";
    rows.push(Row::new(figure, Target::AtMost(2.0), " s", 2).span(slowest));
    rows
}

fn watchers(figures: &Figures) -> Vec<Row> {
    let span = |of: fn(&Turn) -> f64| figures.watchers.as_ref().and_then(|found| found.span(of));
    vec![
        Row::new(
            "10,000 watchers told of a move of the gate, p99",
            Target::AtMost(1_000.0),
            " ms",
            0,
        )
        .span(span(|turn| turn.gate.p99)),
        Row::new("memory of a watcher", Target::AtMost(12.0), " KiB", 2)
            .span(span(|turn| turn.bytes / 1_024.0)),
    ]
}

fn nodes(figures: &Figures) -> Vec<Row> {
    use Target::{AtLeast, AtMost};
    let found = figures.nodes.as_ref();
    let enter = |of: fn(&Report) -> f64| found.and_then(|nodes| nodes.enters.ratio(CLASSIC, of));
    let position = found.and_then(|nodes| nodes.positions.ratio(CLASSIC, |report| report.rps));
    let commands = found.and_then(|nodes| nodes.commands_ratio(OURS));
    vec![
        Row::new(
            "a node of many: durable enter over the classic design, `appendfsync always`",
            AtLeast(2.0),
            "",
            2,
        )
        .span(enter(|report| report.rps)),
        Row::new("the same, processor time of Redis each", AtMost(0.5), "", 2)
            .span(enter(|report| report.redis_cpu_us)),
        Row::new("a node of many: position over the classic design", AtLeast(1.6), "", 2)
            .span(position),
        Row::new("its Redis' commands/s under polls over those without", AtMost(1.1), "", 2)
            .span(commands),
    ]
}

fn sales(figures: &Figures) -> Vec<Row> {
    use Target::{AtLeast, AtMost};
    let found = figures.sales.as_ref();
    let [position, enter] = Sales::NAMES;
    let ratio = |name: &str, of: fn(&Report) -> f64| found.and_then(|sales| sales.ratio(name, of));
    let rps = |report: &Report| report.rps;
    let p99 = |report: &Report| report.p99_us;
    let over = "over a server with few sales";
    vec![
        Row::new("a batch among 1,000 sales over one alone", AtMost(1.05), "", 3)
            .span(found.map(|sales| sales.batch)),
        Row::new("the same in memory, where a sync is free", AtMost(1.05), "", 3)
            .span(found.map(|sales| sales.batch_in_memory)),
        Row::new(
            format!("position among 1,000 sales and 100,000 archived {over}"),
            AtLeast(0.95),
            "",
            3,
        )
        .span(ratio(position, rps)),
        Row::new("its p99 over theirs", AtMost(1.05), "", 3).span(ratio(position, p99)),
        Row::new(format!("durable enter among as many {over}"), AtLeast(0.95), "", 3)
            .span(ratio(enter, rps)),
        Row::new("its p99 over theirs", AtMost(1.05), "", 3).span(ratio(enter, p99)),
        Row::new("start of a server with as many", AtMost(5.0), " s", 2)
            .span(found.map(|sales| sales.start)),
    ]
}

fn busy_shop(figures: &Figures) -> Vec<Row> {
    use Target::{AtLeast, AtMost};
    let ratio = |name: &str, of: fn(&Report) -> f64| {
        figures.busy_shop.iter().find(|call| call.name == name)?.ratio(ALONE, of)
    };
    let rows = [("position", busy_shop::POSITION), ("durable enter", busy_shop::ENTER)];
    let rows = rows.into_iter().flat_map(|(call, name)| {
        [
            Row::new(
                format!("{call} beside a busy shop over the engine alone"),
                AtLeast(0.95),
                "",
                3,
            )
            .span(ratio(name, |report| report.rps)),
            Row::new("its p99 over theirs", AtMost(1.05), "", 3)
                .span(ratio(name, |report| report.p99_us)),
        ]
    });
    rows.collect()
}

fn storm(figures: &Figures) -> Vec<Row> {
    let storm = figures.storm.as_ref();
    let recovery = storm.map(|storm| storm.recovery.map_or(f64::INFINITY, |d| d.as_secs_f64()));
    vec![
        Row::new("goodput at 10 times the capacity over the peak", Target::AtLeast(0.90), "", 2)
            .one(storm.map(super::storm::Storm::goodput)),
        Row::new("recovery after it", Target::AtMost(10.0), " s", 1).one(recovery),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_met_by_its_median() {
        let span = |median| Some(Span { median, least: 0.5, most: 2.0 });
        let row = |median| Row::new("a", Target::AtLeast(0.9), "", 2).span(span(median));
        assert_eq!(row(0.9).is_met(), Some(true));
        assert_eq!(row(0.89).is_met(), Some(false));
        assert_eq!(row(0.89).line(), "| a | 0.89 (0.50 to 2.00) | ≥ 0.90 | **no** |\n");
        let most = Row::new("b", Target::AtMost(500_000.0), " ms", 0).one(Some(1_234_567.0));
        let never = Row::new("c", Target::AtMost(10.0), " s", 1).one(Some(f64::INFINITY));
        assert_eq!(never.line(), "| c | ∞ s | ≤ 10.0 s | **no** |\n");
        assert_eq!(most.line(), "| b | 1,234,567 ms | ≤ 500,000 ms | **no** |\n");
    }

    #[test]
    fn what_was_not_measured_stays_on_the_list() {
        let rows = rows(&Figures::default());
        assert!(rows.len() >= 20);
        assert!(rows.iter().all(|row| row.is_met().is_none()));
        let table = table(&rows);
        assert!(table.contains("0 met, 0 not met"), "{table}");
    }

    #[test]
    fn times_do_not_count_when_requests_were_not_done() {
        let span = |value| Span { median: value, least: value, most: value };
        let tail = |done| tail::Tail {
            name: tail::ENTER,
            maximum_rps: span(2.0),
            offered_rps: span(1.0),
            done: span(done),
            p50_ms: span(1.0),
            p99_ms: span(2.0),
        };
        let met = |done| {
            let figures = Figures { tails: vec![tail(done)], ..Figures::default() };
            waits(&figures)[0].is_met()
        };
        assert_eq!(met(1.0), Some(true));
        assert_eq!(met(0.99), Some(false));
    }
}
