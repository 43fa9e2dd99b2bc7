//! Numbers for people.

#[expect(clippy::cast_precision_loss, reason = "people, far below 2^53")]
pub(super) fn grouped_count(count: u64) -> String {
    grouped(count as f64)
}

/// Whole thousands apart: 1,234,567.
pub(super) fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(0.4), "0");
        assert_eq!(grouped(999.0), "999");
        assert_eq!(grouped(1_000.0), "1,000");
        assert_eq!(grouped(1_234_567.2), "1,234,567");
    }
}
