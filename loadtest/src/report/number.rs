//! Numbers as people read them.
//!
//! Owns the spelling of counts and durations in every rendering, so that terminal, text and page
//! say the same.

use std::time::Duration;

/// A count as a number to calculate with. Exact below 2^53, far above what a run counts.
pub(crate) fn real(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "for people and pictures; exact below 2^53")]
    let real = count as f64;
    real
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A rate: whole from 10 on, a digit more below.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second >= 9.95 {
        // Within u64 by far; a float that were not would print as 0 rather than wrap.
        Duration::try_from_secs_f64(per_second.round())
            .map_or_else(|_| format!("{per_second:.0}"), |whole| grouped(whole.as_secs()))
    } else {
        format!("{per_second:.1}")
    }
}

/// Milliseconds with three digits or so: `0.42`, `4.2`, `42`, `4,200`.
pub(crate) fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms < 0.995 => format!("{ms:.2}"),
        ms if ms < 99.95 => format!("{ms:.1}"),
        ms => rate(ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        let spelled = [0, 7, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(spelled, ["0", "7", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn rates_and_latencies_keep_the_digits_that_matter() {
        assert_eq!([0.0, 3.12, 9.97, 2_010.4].map(rate), ["0.0", "3.1", "10", "2,010"]);
        let spelled = [0.004, 0.42, 4.23, 42.71, 4_200.0].map(milliseconds);
        assert_eq!(spelled, ["0.00", "0.42", "4.2", "42.7", "4,200"]);
    }
}
