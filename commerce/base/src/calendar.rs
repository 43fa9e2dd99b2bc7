//! The platform's days and hours.
//!
//! Moments are kept without a zone. A calendar says which day and hour people read on them, in the one
//! zone that the platform lives in.

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, DateTime},
    tz::{TimeZone, offset},
};

use crate::moment::Moment;

/// Hours of a day.
pub const DAY_HOURS: u8 = 24;

/// The zone of a platform unless it is set otherwise.
pub const ZONE_DEFAULT: &str = "Asia/Seoul";

/// A day, such as 2024-05-24.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

impl Day {
    /// The day so many days later, saturating at the end of the calendar.
    #[must_use]
    pub fn plus(self, days: u16) -> Self {
        Self(self.0.saturating_add(i64::from(days).days()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is not a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoDay;

impl fmt::Display for NoDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a day: allowed is one such as 2024-05-24")
    }
}

impl std::error::Error for NoDay {}

impl FromStr for Day {
    type Err = NoDay;

    fn from_str(text: &str) -> Result<Self, NoDay> {
        // jiff also reads times, and days without dashes.
        if text.len() != "2024-05-24".len() || !text.contains('-') {
            return Err(NoDay);
        }
        text.parse().map(Self).map_err(|_| NoDay)
    }
}

/// The days and hours of one zone.
#[derive(Clone, Debug)]
pub struct Calendar(TimeZone);

impl Default for Calendar {
    /// The calendar of [`ZONE_DEFAULT`].
    fn default() -> Self {
        // Korea has had one offset since 1988, so the system needs no table of zones for it.
        Self::parse(ZONE_DEFAULT).unwrap_or_else(|| Self(TimeZone::fixed(offset(9))))
    }
}

impl Calendar {
    /// The calendar of a zone, by its name in the IANA database; `None` if the system does not know it.
    pub fn parse(zone: &str) -> Option<Self> {
        TimeZone::get(zone).ok().map(Self)
    }

    /// The day of a moment.
    pub fn day_of(&self, at: Moment) -> Day {
        Day(self.read(at).date())
    }

    /// The hour of a moment, from 0 to 23.
    pub fn hour_of(&self, at: Moment) -> u8 {
        self.read(at).hour().unsigned_abs()
    }

    /// When a day begins.
    pub fn start_of(&self, day: Day) -> Moment {
        self.written(day.0.at(0, 0, 0, 0))
    }

    /// When an hour of a day begins. Hour 24 is the end of the day; more are `None`.
    pub fn at_hour(&self, day: Day, hour: u8) -> Option<Moment> {
        match hour {
            0..DAY_HOURS => Some(self.written(day.0.at(hour.cast_signed(), 0, 0, 0))),
            DAY_HOURS => Some(self.start_of(day.plus(1))),
            _ => None,
        }
    }

    /// Whether an hour begins at a moment.
    pub fn is_whole_hour(&self, at: Moment) -> bool {
        let read = self.read(at);
        (read.minute(), read.second(), read.subsec_nanosecond()) == (0, 0, 0)
    }

    fn read(&self, at: Moment) -> DateTime {
        let end = if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
        self.0.to_datetime(Timestamp::from_millisecond(at.0).unwrap_or(end))
    }

    /// A moment by what people read. A time that the clocks leave out is the one they are set to.
    fn written(&self, read: DateTime) -> Moment {
        let at = self.0.to_timestamp(read).unwrap_or(Timestamp::MAX);
        Moment(at.as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-05-24 00:00 in Seoul.
    const MIDNIGHT: Moment = Moment(1_716_476_400_000);
    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn a_day_begins_at_midnight_of_the_zone() {
        let seoul = Calendar::default();
        let day: Day = "2024-05-24".parse().unwrap();
        assert_eq!(seoul.start_of(day), MIDNIGHT);
        assert_eq!(seoul.day_of(MIDNIGHT), day);
        assert_eq!(seoul.day_of(Moment(MIDNIGHT.0 - 1)).to_string(), "2024-05-23");
        assert_eq!(seoul.at_hour(day, 15), Some(Moment(MIDNIGHT.0 + 15 * HOUR_MS)));
        assert_eq!(seoul.at_hour(day, 24), Some(seoul.start_of(day.plus(1))));
        assert_eq!(seoul.at_hour(day, 25), None);
        assert_eq!(seoul.hour_of(Moment(MIDNIGHT.0 - 1)), 23);
        let utc = Calendar::parse("UTC").unwrap();
        assert_eq!(
            (utc.hour_of(MIDNIGHT), utc.day_of(MIDNIGHT).to_string().as_str()),
            (15, "2024-05-23")
        );
    }

    #[test]
    fn an_hour_is_whole_by_the_clock_of_the_zone() {
        let seoul = Calendar::default();
        assert!(seoul.is_whole_hour(MIDNIGHT));
        assert!(!seoul.is_whole_hour(Moment(MIDNIGHT.0 + 1)));
        assert!(!seoul.is_whole_hour(Moment(MIDNIGHT.0 + HOUR_MS / 2)));
        let fixed = Calendar(TimeZone::fixed(offset(9)));
        assert_eq!(fixed.start_of(fixed.day_of(MIDNIGHT)), MIDNIGHT);
    }

    #[test]
    fn only_days_are_read_as_days() {
        for other in [
            "",
            "20240524",
            "2024-5-24",
            "2024-02-30",
            "2024-05-24T00:00",
            "2024-W21-5",
            "yesterday!",
        ] {
            assert_eq!(other.parse::<Day>(), Err(NoDay), "{other}");
        }
        assert_eq!(Calendar::parse("Asia/Nowhere").map(|_| ()), None);
        for end in [i64::MIN, i64::MAX] {
            let calendar = Calendar::default();
            assert!(calendar.hour_of(Moment(end)) < DAY_HOURS);
        }
    }
}
