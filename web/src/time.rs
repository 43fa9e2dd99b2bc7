//! Times as the wire writes them: RFC 3339, UTC, milliseconds only when there are any.
//!
//! Writing is by hand because every position answer carries a time; the calendar arithmetic is
//! Howard Hinnant's `civil_from_days`. Reading is jiff's and takes any offset.

use jiff::Timestamp;

/// The last millisecond of the year 9999, where RFC 3339 ends; later times are written as this.
const LAST_MS: u64 = 253_402_300_799_999;

/// What is allowed where a time is due. A day less than the year 9999 has, so that the time can be told
/// in every offset.
pub const TIME_ALLOWED: &str = "an RFC 3339 time from 1970-01-01T00:00:00Z to \
                                9999-12-30T22:00:00Z, such as 2026-01-01T00:00:00Z";

/// Reads an RFC 3339 time as milliseconds since 1970; times outside [`TIME_ALLOWED`] are `None`.
pub fn parse_time(text: &str) -> Option<u64> {
    let timestamp: Timestamp = text.parse().ok()?;
    let ms = u64::try_from(timestamp.as_millisecond()).ok()?;
    (ms <= LAST_MS).then_some(ms)
}

/// A time as text, from milliseconds since 1970.
pub fn format_time(ms: u64) -> String {
    let mut text = Vec::with_capacity(24);
    write_time(ms, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// Appends a time as text, from milliseconds since 1970.
pub fn write_time(ms: u64, out: &mut Vec<u8>) {
    let ms = ms.min(LAST_MS);
    let (days, ms_of_day) = (ms / 86_400_000, ms % 86_400_000);
    let (year, month, day) = civil_from_days(days);
    let seconds = ms_of_day / 1_000;

    push_digits(year, 1_000, out);
    out.push(b'-');
    push_digits(month, 10, out);
    out.push(b'-');
    push_digits(day, 10, out);
    out.push(b'T');
    push_digits(seconds / 3_600, 10, out);
    out.push(b':');
    push_digits(seconds / 60 % 60, 10, out);
    out.push(b':');
    push_digits(seconds % 60, 10, out);
    if !ms_of_day.is_multiple_of(1_000) {
        out.push(b'.');
        push_digits(ms_of_day % 1_000, 100, out);
    }
    out.push(b'Z');
}

/// Year, month and day of a day number counted from 1970-01-01.
const fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

fn push_digits(value: u64, mut place: u64, out: &mut Vec<u8>) {
    const DIGITS: [u8; 10] = *b"0123456789";
    while place > 0 {
        let digit = usize::try_from(value / place % 10).unwrap_or_default();
        out.push(DIGITS[digit]);
        place /= 10;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The last millisecond that is read.
    const LAST_READ_MS: u64 = 253_402_207_200_999;

    #[test]
    fn known_times_are_written_as_the_contract_shows() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_767_225_600_000, "2026-01-01T00:00:00Z"),
            (1_767_225_600_007, "2026-01-01T00:00:00.007Z"),
            (LAST_MS, "9999-12-31T23:59:59.999Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(format_time(ms), text);
        }
        assert_eq!(parse_time("2026-01-01T09:00:00+09:00"), Some(1_767_225_600_000));
        assert_eq!(parse_time("9999-12-30T22:00:00.999Z"), Some(LAST_READ_MS));
        assert!(TIME_ALLOWED.contains("9999-12-30T22:00:00Z"));
        for text in ["9999-12-31T23:59:59Z", "1969-12-31T23:59:59Z", "2026-01-01", "tomorrow", ""] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(ms in 0..=LAST_READ_MS) {
            prop_assert_eq!(parse_time(&format_time(ms)), Some(ms));
        }
    }
}
