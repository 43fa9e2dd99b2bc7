//! From values to places on an axis, and the ticks people read them by.
//!
//! Owns the choice of round numbers. A scale maps its range to 0..=1; pixels are the chart's.

use super::number::grouped;
use std::time::Duration;

/// Ticks an axis has at most; enough to read by, few enough not to crowd a phone.
const TICKS_MAX: f64 = 7.0;
/// Steps of a time axis, in seconds.
const TIME_STEPS: [f64; 15] =
    [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0];
/// A time axis longer than this is marked in minutes and seconds.
const SECONDS_ONLY_MAX: f64 = 180.0;

/// A range of values laid along an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    kind: Kind,
    ticks: Vec<Tick>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Linear,
    Logarithmic,
}

/// A marked value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

impl Scale {
    /// From 0 to a round number at or above `max`, by steps of 1, 2 or 5 times a power of ten.
    /// `whole`: what is measured has no fractions.
    pub(super) fn amount(max: f64, whole: bool) -> Self {
        let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
        let step = round_step(max / (TICKS_MAX - 2.0));
        let step = if whole { step.max(1.0) } else { step };
        let high = (max / step - 1e-9).ceil() * step;
        let label = |value| amount_label(value, step);
        Self { low: 0.0, high, kind: Kind::Linear, ticks: multiples(step, high, label) }
    }

    /// Seconds from 0 to exactly `end`.
    pub(super) fn time(end: f64) -> Self {
        let end = if end.is_finite() && end > 0.0 { end } else { 1.0 };
        let fits = |step: &f64| end / step <= TICKS_MAX + 1.0;
        let step = TIME_STEPS.into_iter().find(fits);
        let step = step.unwrap_or_else(|| 3_600.0 * round_step(end / TICKS_MAX / 3_600.0));
        let label = |value| time_label(value, step, end);
        Self { low: 0.0, high: end, kind: Kind::Linear, ticks: multiples(step, end, label) }
    }

    /// Milliseconds, by powers of ten around `min..=max`.
    pub(super) fn latency(min: f64, max: f64) -> Self {
        let min = if min.is_finite() && min > 0.0 { min } else { 0.1 };
        let max = if max.is_finite() && max > min { max } else { min * 10.0 };
        let low = 10_f64.powf((min.log10() + 1e-9).floor());
        let high = 10_f64.powf((max.log10() - 1e-9).ceil()).max(low * 10.0);
        let mut ticks = Vec::new();
        let mut value = low;
        while value < high * 1.5 {
            ticks.push(Tick { value, label: latency_label(value) });
            value *= 10.0;
        }
        Self { low, high, kind: Kind::Logarithmic, ticks }
    }

    /// Where `value` lies between the ends, 0 to 1; what lies outside is put at the end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let share = match self.kind {
            Kind::Linear => (value - self.low) / (self.high - self.low),
            Kind::Logarithmic => {
                let span = self.high.log10() - self.low.log10();
                (value.max(self.low).log10() - self.low.log10()) / span
            }
        };
        share.clamp(0.0, 1.0)
    }

    pub(super) fn ticks(&self) -> &[Tick] {
        &self.ticks
    }
}

fn multiples(step: f64, high: f64, label: impl Fn(f64) -> String) -> Vec<Tick> {
    let values = (0_u32..).map(|index| f64::from(index) * step);
    let inside = values.take_while(|value| *value <= high * (1.0 + 1e-9));
    inside.map(|value| Tick { value, label: label(value) }).collect()
}

/// The smallest of 1, 2, 5, 10 times a power of ten that is at least `least`.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| least <= factor * power * (1.0 + 1e-9));
    factor.unwrap_or(10.0) * power
}

fn amount_label(value: f64, step: f64) -> String {
    match step {
        _ if value == 0.0 => "0".to_owned(),
        step if step >= 1e6 => format!("{:.0}M", value / 1e6),
        step if step >= 1e3 => format!("{:.0}k", value / 1e3),
        step if step >= 1.0 => grouped(Duration::from_secs_f64(value).as_secs()),
        step if step >= 0.1 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn time_label(value: f64, step: f64, end: f64) -> String {
    if end > SECONDS_ONLY_MAX {
        let whole = Duration::from_secs_f64(value.round()).as_secs();
        format!("{}:{:02}", whole / 60, whole % 60)
    } else if step < 1.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

fn latency_label(ms: f64) -> String {
    if ms >= 999.0 {
        format!("{:.0} s", ms / 1e3)
    } else if ms >= 0.999 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.0} \u{b5}s", ms * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<&str> {
        scale.ticks().iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn amounts_end_on_a_round_number_above_the_largest() {
        assert_eq!(
            labels(&Scale::amount(2_130.0, true)),
            ["0", "500", "1,000", "1,500", "2,000", "2,500"]
        );
        assert_eq!(labels(&Scale::amount(18_400.0, true)), ["0", "5k", "10k", "15k", "20k"]);
        assert_eq!(labels(&Scale::amount(3.0, true)), ["0", "1", "2", "3"]);
        assert_eq!(labels(&Scale::amount(0.9, false)), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&Scale::amount(4e6, true)), ["0", "1M", "2M", "3M", "4M"]);
    }

    #[test]
    fn nothing_measured_still_gives_an_axis() {
        for max in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(labels(&Scale::amount(max, true)), ["0", "1"], "{max}");
        }
        assert_eq!(Scale::latency(f64::NAN, f64::NAN).ticks().len(), 2);
        assert!(!Scale::time(0.0).ticks().is_empty());
    }

    #[test]
    fn no_axis_is_crowded_whatever_its_length() {
        for exponent in -20_i32..60 {
            let size = 1.37_f64.powi(exponent);
            assert!((2..=8).contains(&Scale::amount(size, false).ticks().len()), "{size}");
            if size > 0.2 {
                assert!((2..=9).contains(&Scale::time(size).ticks().len()), "{size}");
            }
        }
    }

    #[test]
    fn time_is_marked_in_seconds_and_then_in_minutes() {
        assert_eq!(labels(&Scale::time(11.6)), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(labels(&Scale::time(300.0)), ["0:00", "1:00", "2:00", "3:00", "4:00", "5:00"]);
        assert!((Scale::time(11.6).place(5.8) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn latencies_stand_on_powers_of_ten_with_their_unit() {
        let scale = Scale::latency(0.31, 1_200.0);
        assert_eq!(labels(&scale), ["100 \u{b5}s", "1 ms", "10 ms", "100 ms", "1 s", "10 s"]);
        assert!((scale.place(1.0) - 0.2).abs() < 1e-9);
        assert!((scale.place(0.0) - 0.0).abs() < 1e-9);
        assert!((scale.place(1e9) - 1.0).abs() < 1e-9);
    }
}
