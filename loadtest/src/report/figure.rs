//! Which charts a report has, and what each of them shows.
//!
//! Owns the way from what was measured to lines, areas and dots, and the same numbers as a table.
//! Counts become rates here, by the time each slice really had. A new chart is one function and
//! one line in [`figures`].

use super::Report;
use super::chart::{Axis, Chart, Kill, Layer, Shape, Span};
use super::number::{grouped, milliseconds, rate, real};
use super::scale::Scale;
use crate::timeline::{Point, Quantiles, Reading, Slice, Timeline, seconds};

/// The name of every time axis.
const TIME: &str = "seconds since the run began";
const TIME_LONG: &str = "minutes:seconds since the run began";
/// Where [`Scale::time`] changes to minutes.
const LONG_SECONDS: f64 = 180.0;
/// Rates told from readings are over at least so long: what a gate "per second" is held to.
const TRAILING_SECONDS: f64 = 0.95;
/// Readings further apart than this are not joined: nothing is known in between.
const GAP_SECONDS: f64 = 2.5;
/// A last slice with less of its length than this gives no rate: too little to count on.
const SLICE_SHARE_MIN: f64 = 0.5;
/// Rows of the table beside the order chart.
const ORDER_ROWS_MAX: usize = 100;

/// A chart, a sentence on how to read it, and its numbers.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    pub(super) chart: Chart,
    pub(super) note: &'static str,
    pub(super) table: Table,
}

/// Numbers as text: what a chart shows, for who cannot or would not look.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) head: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

/// Every chart of the report, in the order they are read.
pub(super) fn figures(report: &Report) -> Vec<Figure> {
    let view = View { timeline: &report.timeline, kills: kills(report) };
    let mut figures = vec![
        view.arrivals(),
        view.line(),
        view.admission(),
        view.stock(),
        view.traffic(),
        view.order(&report.order.points, report.order.of),
    ];
    // Latencies of a late generator are withheld, drawn as in numbers.
    if !report.is_generator_bound() {
        figures.extend(view.latencies());
    }
    figures
}

fn kills(report: &Report) -> Vec<Kill> {
    let down = |kill: &crate::server::Kill| Kill { at: seconds(kill.at), back: seconds(kill.back) };
    report.kills.iter().map(down).collect()
}

/// The run as the charts share it.
struct View<'a> {
    timeline: &'a Timeline,
    kills: Vec<Kill>,
}

impl View<'_> {
    fn arrivals(&self) -> Figure {
        let planned = self.rates(|slice| slice.planned);
        let arrived = self.rates(|slice| slice.arrived);
        let max = highest(&planned).max(highest(&arrived));
        let layers = vec![
            Layer { name: "planned", class: "plan", shape: Shape::Step(planned) },
            Layer { name: "arrived", class: "s1", shape: Shape::Step(arrived) },
        ];
        let description = format!(
            "Planned and actual arrivals per second; the highest is {} per second.",
            rate(max)
        );
        let table = self.slices(&["planned", "arrived"], |slice| {
            vec![grouped(slice.planned), grouped(slice.arrived)]
        });
        Figure {
            chart: Chart {
                id: "arrivals",
                title: "Arrivals".to_owned(),
                description,
                x: self.time(),
                y: Axis { label: "shoppers per second", scale: Scale::amount(max, true) },
                layers,
                kills: self.kills.clone(),
                spans: self.spans(&table),
            },
            note: "The crowd comes when it means to, whatever the server does. Where the lines \
                   part, the load generator itself fell behind.",
            table,
        }
    }

    fn line(&self) -> Figure {
        let points = self.readings(|reading| reading.line_length.map(real));
        let max = highest(&points);
        let table = self.slices(&["in line", "serving", "sessions"], |slice| {
            let of =
                |pick: fn(&Reading) -> Option<u64>| count(slice.reading.as_ref().and_then(pick));
            vec![of(|r| r.line_length), of(|r| r.serving), of(|r| r.active_sessions)]
        });
        Figure {
            chart: Chart {
                id: "line",
                title: "Line".to_owned(),
                description: format!("People in line over time; at most {}.", rate(max)),
                x: self.time(),
                y: Axis { label: "people in line", scale: Scale::amount(max, true) },
                layers: vec![Layer { name: "in line", class: "s1", shape: Shape::Line(points) }],
                kills: self.kills.clone(),
                spans: self.spans(&table),
            },
            note: "By the server's own count, read while the crowd shopped.",
            table,
        }
    }

    fn admission(&self) -> Figure {
        let let_in: Vec<(f64, f64)> = self
            .every_reading()
            .filter_map(|reading| Some((reading.at_seconds, real(reading.let_in?))))
            .collect();
        let mut total = 0;
        let seen = self.timeline.slices.iter().map(|slice| {
            total += slice.admitted;
            (slice.from_seconds + slice.seconds, real(total))
        });
        let let_in = trailing(&let_in);
        let seen = trailing(&seen.collect::<Vec<_>>());
        let allowed = self.readings(|reading| reading.allowed_per_second);
        let max = highest(&let_in).max(highest(&seen)).max(highest(&allowed));
        let description = format!(
            "People let in per second, over the last second each; at most {} by the server's \
             count, with {} allowed.",
            rate(highest(&let_in)),
            rate(highest(&allowed))
        );
        let table =
            self.slices(&["let in so far", "allowed per second", "seen in slice"], |slice| {
                let reading = slice.reading.as_ref();
                let allowed = reading.and_then(|reading| reading.allowed_per_second);
                vec![
                    count(reading.and_then(|reading| reading.let_in)),
                    allowed.map_or_else(none, rate),
                    grouped(slice.admitted),
                ]
            });
        Figure {
            chart: Chart {
                id: "admission",
                title: "Admission".to_owned(),
                description,
                x: self.time(),
                y: Axis { label: "people per second", scale: Scale::amount(max, false) },
                layers: vec![
                    Layer { name: "seen by shoppers", class: "s2", shape: Shape::Line(seen) },
                    Layer { name: "let in", class: "s1", shape: Shape::Line(let_in) },
                    Layer { name: "allowed", class: "ref", shape: Shape::Line(allowed) },
                ],
                kills: self.kills.clone(),
                spans: self.spans(&table),
            },
            note: "Over the last second each, so a burst shows above the pace. Shoppers see it when they poll, so theirs comes later \
                   and in bursts; who left or fell silent never looks.",
            table,
        }
    }

    fn stock(&self) -> Figure {
        let (mut sold, mut taken, mut free) = (Vec::new(), Vec::new(), Vec::new());
        let mut total = 0;
        for (at, units) in self.every_reading().filter_map(|r| Some((r.at_seconds, r.units?))) {
            let first = real(units.sold);
            let second = first + real(units.held + units.paying + units.stranded);
            let third = second + real(units.available);
            sold.push((at, 0.0, first));
            taken.push((at, first, second));
            free.push((at, second, third));
            total = total.max(units.total);
        }
        let last = self.every_reading().filter_map(|reading| reading.units).last();
        let description = last.map_or_else(
            || "Units by state; none were read.".to_owned(),
            |units| format!("Units by state; at the end {} of {total} are sold.", units.sold),
        );
        let table = self.slices(&["available", "held", "paying", "sold"], |slice| {
            let units = slice.reading.as_ref().and_then(|reading| reading.units);
            let of = |pick: fn(&crate::wire::Units) -> u64| count(units.as_ref().map(pick));
            vec![of(|u| u.available), of(|u| u.held), of(|u| u.paying), of(|u| u.sold)]
        });
        Figure {
            chart: Chart {
                id: "stock",
                title: "Stock".to_owned(),
                description,
                x: self.time(),
                y: Axis { label: "units", scale: Scale::amount(real(total), true) },
                layers: vec![
                    Layer { name: "sold", class: "a1", shape: Shape::Area(sold) },
                    Layer { name: "held or paying", class: "a2", shape: Shape::Area(taken) },
                    Layer { name: "available", class: "a3", shape: Shape::Area(free) },
                ],
                kills: self.kills.clone(),
                spans: self.spans(&table),
            },
            note: "The areas lie on each other; their sum must stay the total.",
            table,
        }
    }

    fn traffic(&self) -> Figure {
        let answered = self.rates(|slice| slice.answered);
        let back = self.rates(|slice| slice.pushed_back);
        let lost = self.rates(|slice| slice.unanswered);
        let max = highest(&answered).max(highest(&lost));
        let table = self.slices(&["answered", "pushed back", "unanswered", "bought"], |slice| {
            [slice.answered, slice.pushed_back, slice.unanswered, slice.bought].map(grouped).into()
        });
        Figure {
            chart: Chart {
                id: "traffic",
                title: "Requests".to_owned(),
                description: format!(
                    "Requests answered, pushed back and unanswered per second; at most {} answered.",
                    rate(highest(&answered))
                ),
                x: self.time(),
                y: Axis { label: "requests per second", scale: Scale::amount(max, true) },
                layers: vec![
                    Layer { name: "answered", class: "s1", shape: Shape::Step(answered) },
                    Layer { name: "pushed back", class: "s3", shape: Shape::Step(back) },
                    Layer { name: "unanswered", class: "s2", shape: Shape::Step(lost) },
                ],
                kills: self.kills.clone(),
                spans: self.spans(&table),
            },
            note: "Pushed back is 429 and 503, a part of the answered. Unanswered requests were \
                   cut off or refused a connection, and asked again.",
            table,
        }
    }

    fn order(&self, points: &[Point], of: usize) -> Figure {
        let dots = points.iter().map(|point| (point.arrival_seconds, point.admitted_seconds));
        let table = Table {
            head: vec!["arrived, s", "number", "saw admission, s"],
            rows: points
                .iter()
                .step_by(points.len().div_ceil(ORDER_ROWS_MAX).max(1))
                .map(|point| {
                    let (arrived, admitted) = (point.arrival_seconds, point.admitted_seconds);
                    vec![format!("{arrived:.2}"), grouped(point.number), format!("{admitted:.2}")]
                })
                .collect(),
        };
        let end = points.iter().map(|point| point.admitted_seconds).fold(0.0, f64::max);
        let last = points.iter().map(|point| point.arrival_seconds).fold(0.0, f64::max);
        let (drawn, all) = (grouped(points.len() as u64), grouped(of as u64));
        Figure {
            chart: Chart {
                id: "order",
                title: "Order".to_owned(),
                description: format!(
                    "Arrival against admission of {drawn} of {all} shoppers who were let in; in a \
                     fair line, who comes later is let in later."
                ),
                x: Axis { label: "intended arrival, seconds", scale: Scale::time(last) },
                y: Axis { label: "saw admission, seconds", scale: Scale::amount(end, false) },
                layers: vec![Layer {
                    name: "a shopper let in",
                    class: "s1",
                    shape: Shape::Dots(dots.collect()),
                }],
                kills: self.kills.iter().copied().filter(|kill| kill.at <= last).collect(),
                spans: Vec::new(),
            },
            note: "Each dot is a shopper who was let in. A fair line climbs; the band is as thick \
                   as the polls are apart.",
            table,
        }
    }

    /// One chart for each kind of request, on one scale.
    fn latencies(&self) -> Vec<Figure> {
        type Pick = fn(&Slice) -> Option<Quantiles>;
        let kinds: [(&'static str, &str, Pick); 5] = [
            ("enter", "Latency: enter", |slice| slice.enter),
            ("position", "Latency: position", |slice| slice.position),
            ("stream", "Latency: first event of a stream", |slice| slice.stream),
            ("purchase", "Latency: purchase", |slice| slice.purchase),
            ("confirm", "Latency: confirm", |slice| slice.confirm),
        ];
        let all = || {
            let slices = self.timeline.slices.iter();
            slices.flat_map(|slice| kinds.iter().filter_map(|(_, _, pick)| pick(slice)))
        };
        let min = all().map(|q| q.p50_ms).filter(|ms| *ms > 0.0).fold(f64::INFINITY, f64::min);
        let max = all().map(|q| q.p99_ms).fold(0.0, f64::max);
        let scale = Scale::latency(min, max);
        let figure =
            |(id, title, pick): (&'static str, &str, Pick)| self.latency(id, title, &scale, pick);
        kinds.map(figure).into()
    }

    fn latency(
        &self,
        id: &'static str,
        title: &str,
        scale: &Scale,
        pick: fn(&Slice) -> Option<Quantiles>,
    ) -> Figure {
        let line = |name, class, quantile: fn(&Quantiles) -> f64| {
            let point = |slice: &Slice| {
                let middle = slice.from_seconds + slice.seconds / 2.0;
                (middle, pick(slice).as_ref().map(quantile))
            };
            let points = self.timeline.slices.iter().map(point);
            Layer { name, class, shape: Shape::Line(points.collect()) }
        };
        let worst = self.timeline.slices.iter().filter_map(pick).map(|q| q.p99_ms);
        let worst = milliseconds(worst.fold(0.0, f64::max));
        let table = self.slices(&["count", "p50, ms", "p90, ms", "p99, ms", "max, ms"], |slice| {
            pick(slice).map_or_else(
                || [(); 5].map(|()| none()).into(),
                |q| {
                    let values = [q.p50_ms, q.p90_ms, q.p99_ms, q.max_ms].map(milliseconds);
                    std::iter::once(grouped(q.count)).chain(values).collect()
                },
            )
        });
        Figure {
            chart: Chart {
                id,
                title: title.to_owned(),
                description: format!("p50, p90 and p99 over time; the highest p99 is {worst} ms."),
                x: self.time(),
                y: Axis { label: "from the intended moment, log scale", scale: scale.clone() },
                layers: vec![
                    line("p99", "q99", |q| q.p99_ms),
                    line("p90", "q90", |q| q.p90_ms),
                    line("p50", "q50", |q| q.p50_ms),
                ],
                kills: self.kills.clone(),
                spans: self.spans(&table),
            },
            note: "From the moment it was meant to the acknowledgement, retries and waits inside.",
            table,
        }
    }

    fn time(&self) -> Axis {
        let end = self.timeline.end_seconds;
        let label = if end > LONG_SECONDS { TIME_LONG } else { TIME };
        Axis { label, scale: Scale::time(end) }
    }

    /// A count of each slice, per second, and the end that closes the last step.
    fn rates(&self, count: fn(&Slice) -> u64) -> Vec<(f64, Option<f64>)> {
        let slices = self.timeline.slices.iter();
        let whole =
            slices.filter(|slice| slice.seconds >= SLICE_SHARE_MIN * self.timeline.slice_seconds);
        let mut points = Vec::new();
        let mut end = 0.0;
        for slice in whole {
            points.push((slice.from_seconds, Some(real(count(slice)) / slice.seconds)));
            end = slice.from_seconds + slice.seconds;
        }
        points.push((end, None));
        points
    }

    fn every_reading(&self) -> impl Iterator<Item = Reading> {
        self.timeline.slices.iter().filter_map(|slice| slice.reading)
    }

    fn readings(&self, value: fn(&Reading) -> Option<f64>) -> Vec<(f64, Option<f64>)> {
        let mut points: Vec<(f64, Option<f64>)> = Vec::new();
        let gap = GAP_SECONDS.max(2.5 * self.timeline.slice_seconds);
        for reading in self.every_reading() {
            let at = reading.at_seconds;
            if points.last().is_some_and(|(before, _)| at - before > gap) {
                points.push((at, None));
            }
            points.push((at, value(&reading)));
        }
        points
    }

    /// A row for each slice, under its beginning.
    fn slices(&self, head: &[&'static str], cells: impl Fn(&Slice) -> Vec<String>) -> Table {
        let row = |slice: &Slice| {
            let from = format!("{:.2}", slice.from_seconds);
            std::iter::once(from).chain(cells(slice)).collect()
        };
        let head = std::iter::once("from, s").chain(head.iter().copied());
        let rows = self.timeline.slices.iter().map(row);
        Table { head: head.collect(), rows: rows.collect() }
    }

    /// The rows of [`Self::slices`] where a pointer finds them.
    fn spans(&self, table: &Table) -> Vec<Span> {
        let span = |(slice, row): (&Slice, &Vec<String>)| {
            let cells = table.head.iter().zip(row).map(|(head, cell)| format!("{head}: {cell}"));
            Span {
                from: slice.from_seconds,
                to: slice.from_seconds + slice.seconds,
                text: cells.collect::<Vec<_>>().join("\n"),
            }
        };
        self.timeline.slices.iter().zip(&table.rows).map(span).collect()
    }
}

/// The rate of a growing count over the last second or a little more, at each of its points.
fn trailing(totals: &[(f64, f64)]) -> Vec<(f64, Option<f64>)> {
    let mut first = 0;
    let mut rates = Vec::new();
    for (index, &(at, total)) in totals.iter().enumerate() {
        while first + 1 < index && at - totals[first + 1].0 >= TRAILING_SECONDS {
            first += 1;
        }
        let (since, before) = totals[first];
        if at - since >= TRAILING_SECONDS {
            rates.push((at, Some((total - before) / (at - since))));
        }
    }
    rates
}

fn highest(points: &[(f64, Option<f64>)]) -> f64 {
    points.iter().filter_map(|(_, value)| *value).fold(0.0, f64::max)
}

fn count(count: Option<u64>) -> String {
    count.map_or_else(none, grouped)
}

fn none() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_rate_is_over_about_a_second_and_not_told_before() {
        let quarter = |i: u32| (f64::from(i) * 0.25, f64::from(i) * 10.0);
        let rates = trailing(&(0..9).map(quarter).collect::<Vec<_>>());
        assert_eq!(rates.len(), 5, "from the first full second on");
        assert!(rates.iter().all(|(_, rate)| (rate.unwrap() - 40.0).abs() < 1e-9), "{rates:?}");
        assert!(trailing(&[(0.0, 5.0)]).is_empty());
    }
}
