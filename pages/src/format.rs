//! Figures, money and times as people write them, and the phrases they stand in.

use std::fmt::{self, Display, Write as _};

use jiff::{
    Timestamp, Zoned,
    tz::{Offset, TimeZone},
};

use crate::language::Language;

/// A text with a place for one figure or time, `{n}`, and maybe for a second, `{m}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phrase(pub(crate) &'static str);

impl Phrase {
    /// With one figure.
    pub(crate) fn with(&self, n: impl Display) -> String {
        self.0.replace("{n}", &n.to_string())
    }

    /// With two figures.
    pub(crate) fn with_both(&self, n: impl Display, m: impl Display) -> String {
        self.with(n).replace("{m}", &m.to_string())
    }

    /// With a count, in the form for one or for several: `{n} unit|{n} units`.
    pub(crate) fn counted(&self, n: u64) -> String {
        let form = match self.0.split_once('|') {
            Some((one, _)) if n == 1 => one,
            Some((_, several)) => several,
            None => self.0,
        };
        Phrase(form).with_count(n)
    }

    fn with_count(self, n: u64) -> String {
        self.with(count(n))
    }

    /// Around a part that is HTML already; a phrase itself has no character to escape.
    pub(crate) fn around(&self, part: &Html) -> Html {
        Html(self.0.replace("{n}", &part.0))
    }

    /// Around words of ours and a part that is HTML already.
    pub(crate) fn around_both(&self, n: Self, part: &Html) -> Html {
        Html(self.0.replace("{n}", n.0).replace("{m}", &part.0))
    }
}

impl Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// HTML made by the pages themselves, from our own words and from figures, or by a template.
#[derive(Clone, Debug, Default)]
pub(crate) struct Html(String);

impl Html {
    /// What has nothing in it that comes from elsewhere.
    pub(crate) const fn trusted(html: String) -> Self {
        Self(html)
    }

    /// A time for machines, and as it is shown.
    pub(crate) fn time(iso: &str, shown: &str) -> Self {
        Self(format!("<time datetime=\"{iso}\">{shown}</time>"))
    }
}

/// A template shows it as it is.
impl askama::filters::HtmlSafe for Html {}

impl Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A count with its thousands set apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// Seconds as a clock: `9:41`, `1:02:03`. The script writes them in the same way.
pub(crate) fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// A text of somebody else's, without the control characters that HTML does not allow.
pub(crate) fn plain(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', " ")
}

/// An amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money<'a> {
    /// In minor units.
    pub minor: i64,
    /// ISO 4217.
    pub currency: &'a str,
    /// Digits of the minor unit.
    pub digits: u32,
}

impl Money<'_> {
    /// As people write it; the currency's code stands for the sign where none is sure.
    pub(crate) fn shown(&self, language: Language) -> String {
        let unit = 10_u64.saturating_pow(self.digits);
        let minor = self.minor.unsigned_abs();
        let won_after = language == Language::Korean && self.currency == "KRW";
        let mut shown = String::from(if self.minor < 0 { "−" } else { "" });
        match self.currency {
            "KRW" if won_after => {}
            "KRW" => shown.push('₩'),
            "USD" => shown.push('$'),
            "EUR" => shown.push('€'),
            "JPY" => shown.push('¥'),
            other => {
                shown.push_str(other);
                shown.push('\u{a0}');
            }
        }
        shown.push_str(&count(minor / unit));
        if self.digits > 0 {
            let width = usize::try_from(self.digits).unwrap_or_default();
            let written = write!(shown, ".{:0width$}", minor % unit);
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
        if won_after {
            shown.push('원');
        }
        shown
    }
}

/// A time, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

impl Moment {
    /// Whole seconds from `now` to this time, rounded up; 0 when it is past.
    pub(crate) const fn seconds_after(self, now: Self) -> u64 {
        self.0.saturating_sub(now.0).div_ceil(1_000)
    }

    /// For machines.
    pub(crate) fn iso(self) -> String {
        self.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// For people: the day only if it is not that of `now`. The script tells it in the reader's own
    /// zone; without it, Korean readers are told in theirs and all others in UTC.
    pub(crate) fn told(self, language: Language, now: Self) -> Html {
        let (at, today) = (self.in_zone_of(language), now.in_zone_of(language));
        let shown = match language {
            _ if at.date() == today.date() => at.strftime("%H:%M"),
            Language::Korean => at.strftime("%-m월 %-d일 %H:%M"),
            Language::English => at.strftime("%-d %b %H:%M"),
        };
        let (iso, zone) = (self.iso(), zone(language));
        Html(format!("<time datetime=\"{iso}\" data-local>{shown} {zone}</time>"))
    }

    /// Its time of day, with seconds.
    pub(crate) fn seen(self, language: Language) -> String {
        format!("{} {}", self.in_zone_of(language).strftime("%H:%M:%S"), zone(language))
    }

    /// Its hour and minute, and below it its day and zone, for the column of a timetable. The script tells both in
    /// the reader's own zone, as it does with [`Self::told`].
    pub(crate) fn hour_and_day(self, language: Language) -> Html {
        let at = self.in_zone_of(language);
        let day = match language {
            Language::Korean => at.strftime("%-m.%-d"),
            Language::English => at.strftime("%-d %b"),
        };
        let (iso, hour, zone) = (self.iso(), at.strftime("%H:%M"), zone(language));
        Html(format!(
            "<time datetime=\"{iso}\" data-local=\"hour\">{hour}</time>\
             <small><time datetime=\"{iso}\" data-local=\"day\">{day} {zone}</time></small>"
        ))
    }

    pub(crate) fn timestamp(self) -> Timestamp {
        // Times beyond the year 9999 are shown as its end.
        i64::try_from(self.0)
            .map_or(Timestamp::MAX, |ms| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX))
    }

    fn in_zone_of(self, language: Language) -> Zoned {
        let offset = match language {
            Language::Korean => Offset::constant(9),
            Language::English => Offset::UTC,
        };
        self.timestamp().to_zoned(TimeZone::fixed(offset))
    }
}

const fn zone(language: Language) -> &'static str {
    match language {
        Language::Korean => "KST",
        Language::English => "UTC",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_money_are_written_for_people() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(100), "100");
        let money = |minor, currency, digits| Money { minor, currency, digits };
        assert_eq!(money(99_000, "KRW", 0).shown(Language::English), "₩99,000");
        assert_eq!(money(99_000, "KRW", 0).shown(Language::Korean), "99,000원");
        assert_eq!(money(12_905, "EUR", 2).shown(Language::English), "€129.05");
        assert_eq!(money(-1_005, "KWD", 3).shown(Language::English), "−KWD\u{a0}1.005");
    }

    #[test]
    fn times_are_told_in_the_zone_of_the_language_and_the_day_only_when_it_is_another() {
        let (noon, next) = (Moment(1_767_236_400_000), Moment(1_767_279_600_000));
        let told = noon.told(Language::Korean, noon).to_string();
        assert_eq!(told, "<time datetime=\"2026-01-01T03:00:00Z\" data-local>12:00 KST</time>");
        assert!(next.told(Language::Korean, noon).to_string().contains(">1월 2일 00:00 KST<"));
        assert!(next.told(Language::English, noon).to_string().contains(">15:00 UTC<"));
        let hour = noon.hour_and_day(Language::Korean).to_string();
        assert!(
            hour.contains("data-local=\"hour\">12:00<") && hour.contains(">1.1 KST<"),
            "{hour}"
        );
        assert!(Moment(u64::MAX).iso().starts_with("9999-12-3"));
    }

    #[test]
    fn clocks_run_in_minutes_and_only_then_in_hours() {
        assert_eq!((clock(0), clock(581)), ("0:00".to_owned(), "9:41".to_owned()));
        assert_eq!(clock(3_723), "1:02:03");
    }
}
