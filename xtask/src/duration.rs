//! Durations for people.

use std::time::Duration;

/// A duration for people: tenths of seconds, and minutes once there are any.
pub(crate) fn spelled(duration: Duration) -> String {
    let tenths = duration.as_millis() / 100;
    let (minutes, tenths) = (tenths / 600, tenths % 600);
    let seconds = format!("{}.{}s", tenths / 10, tenths % 10);
    if minutes == 0 { seconds } else { format!("{minutes}m {seconds:>5}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_minutes_and_seconds() {
        assert_eq!(spelled(Duration::from_millis(340)), "0.3s");
        assert_eq!(spelled(Duration::from_millis(64_250)), "1m  4.2s");
        assert_eq!(spelled(Duration::from_hours(1)), "60m  0.0s");
    }
}
