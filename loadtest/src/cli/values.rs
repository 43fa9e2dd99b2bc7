//! What the flags take: how each kind of value is written, and its bounds.

use std::time::Duration;

use clap::builder::{RangedI64ValueParser, RangedU64ValueParser};

use crate::client::Http;

pub(super) fn bounded(most: u64) -> RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(1..=most)
}

pub(super) fn http(text: &str) -> Result<Http, String> {
    match text {
        "1" => Ok(Http::One),
        "2" => Ok(Http::Two),
        _ => Err("allowed are 1 and 2".to_owned()),
    }
}

pub(super) fn milliseconds(text: &str) -> Result<Duration, String> {
    let amount: f64 = text.parse().map_err(|_| format!("{text} is no number"))?;
    Duration::try_from_secs_f64(amount / 1e3).map_err(|error| error.to_string())
}

pub(super) fn percent() -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(0..=50)
}

/// Parses `500ms`, `10s`, `2m` or plain seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (amount, unit) = text.split_at(digits);
    let seconds_per_unit = match unit {
        "ms" => 1e-3,
        "s" | "" => 1.0,
        "m" => 60.0,
        _ => return Err("a duration is a number with ms, s or m, as in 10s".to_owned()),
    };
    let amount: f64 = amount.parse().map_err(|_| format!("{text} has no number"))?;
    Duration::try_from_secs_f64(amount * seconds_per_unit).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_their_unit() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("3"), Ok(Duration::from_secs(3)));
        assert!(duration("ten").is_err() && duration("5h").is_err() && duration("").is_err());
    }
}
