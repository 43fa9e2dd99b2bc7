//! Times of the shop, as people write them. Deals are sold by the hour in Seoul, so all times of the
//! shop are told in its zone, in both languages.

use jiff::{
    Zoned,
    tz::{Offset, TimeZone},
};

use crate::{
    format::{Html, Moment},
    language::Language,
};

/// Seoul has no daylight saving time.
fn seoul(at: Moment) -> Zoned {
    at.timestamp().to_zoned(TimeZone::fixed(Offset::constant(9)))
}

const WEEKDAYS: [&str; 7] = ["일", "월", "화", "수", "목", "금", "토"];

fn weekday(at: &Zoned) -> &'static str {
    let at = usize::try_from(at.weekday().to_sunday_zero_offset()).unwrap_or_default();
    WEEKDAYS[at]
}

/// `11월 30일 월요일`, `Monday 30 November`.
pub(crate) fn day(at: Moment, language: Language) -> String {
    let at = seoul(at);
    match language {
        Language::Korean => format!("{} {}요일", at.strftime("%-m월 %-d일"), weekday(&at)),
        Language::English => at.strftime("%A %-d %B").to_string(),
    }
}

/// `12월 2일(수)`, `Wed 2 Dec`; with the year where it is not that of `now`.
pub(crate) fn short_day(at: Moment, now: Moment, language: Language) -> String {
    let (at, now) = (seoul(at), seoul(now));
    let year = (at.year() != now.year()).then(|| at.year());
    match language {
        Language::Korean => {
            let year = year.map(|year| format!("{year}년 ")).unwrap_or_default();
            format!("{year}{}({})", at.strftime("%-m월 %-d일"), weekday(&at))
        }
        Language::English => {
            let year = year.map(|year| format!(" {year}")).unwrap_or_default();
            format!("{}{year}", at.strftime("%a %-d %b"))
        }
    }
}

/// The day of the week on a week bar.
pub(crate) fn weekday_name(at: Moment, language: Language) -> String {
    let at = seoul(at);
    match language {
        Language::Korean => weekday(&at).to_owned(),
        Language::English => at.strftime("%a").to_string(),
    }
}

/// The day of the month.
pub(crate) fn day_of_month(at: Moment) -> String {
    seoul(at).strftime("%-d").to_string()
}

/// `2026-11-30`, for links and date fields.
pub(crate) fn iso_day(at: Moment) -> String {
    seoul(at).strftime("%Y-%m-%d").to_string()
}

/// Whether two times are on one day.
pub(crate) fn same_day(one: Moment, other: Moment) -> bool {
    seoul(one).date() == seoul(other).date()
}

/// `2026년 11월`, `November 2026`.
pub(crate) fn month(at: Moment, language: Language) -> String {
    let at = seoul(at);
    match language {
        Language::Korean => at.strftime("%Y년 %-m월"),
        Language::English => at.strftime("%B %Y"),
    }
    .to_string()
}

/// `12:00`.
pub(crate) fn hour(at: Moment) -> String {
    seoul(at).strftime("%H:%M").to_string()
}

/// The end of a day's hours: midnight is 24:00.
pub(crate) fn last_hour(at: Moment) -> String {
    match hour(at).as_str() {
        "00:00" => "24:00".to_owned(),
        other => other.to_owned(),
    }
}

/// `12:00–15:00`.
pub(crate) fn hours(from: Moment, to: Moment) -> String {
    format!("{}–{}", hour(from), last_hour(to))
}

/// When something was or will be: the hour, and before it the day if that is not today.
pub(crate) fn when(at: Moment, now: Moment, language: Language) -> Html {
    let shown = if same_day(at, now) {
        hour(at)
    } else {
        format!("{} {}", short_day(at, now, language), hour(at))
    };
    time(at, &shown)
}

/// A day and an hour, whatever day it is.
pub(crate) fn stamp(at: Moment, now: Moment, language: Language) -> Html {
    time(at, &format!("{} {}", short_day(at, now, language), hour(at)))
}

/// A moment with its seconds, for records.
pub(crate) fn exactly(at: Moment, now: Moment, language: Language) -> Html {
    let shown = seoul(at).strftime("%H:%M:%S").to_string();
    let day = if same_day(at, now) {
        String::new()
    } else {
        format!("{} ", short_day(at, now, language))
    };
    time(at, &format!("{day}{shown}"))
}

fn time(at: Moment, shown: &str) -> Html {
    Html::time(&at.iso(), shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-30 12:00 in Seoul, a Monday.
    const NOON: Moment = Moment(1_796_007_600_000);
    const HOUR: u64 = 3_600_000;

    #[test]
    fn days_and_hours_are_those_of_seoul() {
        assert_eq!(day(NOON, Language::Korean), "11월 30일 월요일");
        assert_eq!(day(NOON, Language::English), "Monday 30 November");
        let later = Moment(NOON.0 + 12 * HOUR);
        assert_eq!(hours(NOON, later), "12:00–24:00");
        assert!(!same_day(NOON, later));
        assert_eq!(short_day(later, NOON, Language::Korean), "12월 1일(화)");
        let next_year = Moment(NOON.0 + 60 * 24 * HOUR);
        assert_eq!(short_day(next_year, NOON, Language::Korean), "2027년 1월 29일(금)");
        assert_eq!(short_day(next_year, NOON, Language::English), "Fri 29 Jan 2027");
    }

    #[test]
    fn a_time_of_today_has_no_day() {
        let html = when(NOON, NOON, Language::English).to_string();
        assert_eq!(html, "<time datetime=\"2026-11-30T03:00:00Z\">12:00</time>");
        assert!(stamp(NOON, NOON, Language::Korean).to_string().contains(">11월 30일(월) 12:00<"));
    }
}
