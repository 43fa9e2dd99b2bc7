//! Today: what is open or opens next, the day's timetable, the week.

use askama::Template;

use super::DealCard;
use crate::{
    format::{Moment, Phrase},
    shop::{
        frame::ShopFrame,
        pages, text, to,
        value::{Category, DealState},
        words::StoreWords,
    },
};

/// A day of the week bar.
#[derive(Clone, Copy, Debug)]
pub struct DayBar {
    /// Any moment of it.
    pub day: Moment,
    /// How many deals it has.
    pub deals: u64,
}

/// Today's deals.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/store/home.html", whitespace = "minimize")]
pub struct HomePage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The first three that are not over, by their start: what is open now, and what opens next.
    pub featured: Vec<DealCard<'a>>,
    /// All of today, by their start.
    pub today: Vec<DealCard<'a>>,
    /// Today and the six days after it.
    pub week: Vec<DayBar>,
}

pages! { HomePage: Home; }

impl HomePage<'_> {
    const fn w(&self) -> &'static StoreWords {
        StoreWords::of(self.frame.page.language)
    }

    fn lead(&self) -> Option<&DealCard<'_>> {
        self.featured.first()
    }

    fn others(&self) -> &[DealCard<'_>] {
        self.featured.get(1..).unwrap_or_default()
    }

    fn lead_heading(&self, lead: &DealCard<'_>) -> Phrase {
        match lead.state {
            DealState::Open | DealState::Paused | DealState::SoldOut => self.w().now_open,
            DealState::Pending
            | DealState::Rejected
            | DealState::Scheduled
            | DealState::Ended
            | DealState::Cancelled => self.w().next_up,
        }
    }

    fn today_in_words(&self) -> String {
        text::day(self.frame.now, self.frame.page.language)
    }
}

/// A day as the week bar shows it.
pub(super) struct Day {
    pub(super) name: String,
    pub(super) number: String,
    pub(super) iso: String,
    pub(super) deals: u64,
    pub(super) is_chosen: bool,
}

/// The ticks that a day of many deals has at most.
const TICKS_MAX: u64 = 8;

impl Day {
    pub(super) fn ticks(&self) -> std::ops::Range<u64> {
        0..self.deals.min(TICKS_MAX)
    }
}

/// The days of a week bar, of which `chosen` is looked at.
pub(super) fn week(frame: &ShopFrame<'_>, days: &[DayBar], chosen: Option<Moment>) -> Vec<Day> {
    let words = StoreWords::of(frame.page.language);
    let day = |bar: &DayBar| Day {
        name: if text::same_day(bar.day, frame.now) {
            words.week_today.to_string()
        } else {
            text::weekday_name(bar.day, frame.page.language)
        },
        number: text::day_of_month(bar.day),
        iso: text::iso_day(bar.day),
        deals: bar.deals,
        is_chosen: chosen.is_some_and(|chosen| text::same_day(chosen, bar.day)),
    };
    days.iter().map(day).collect()
}

impl HomePage<'_> {
    fn days(&self) -> Vec<Day> {
        week(&self.frame, &self.week, Some(self.frame.now))
    }

    #[expect(clippy::unused_self, reason = "the week bar's template asks every page")]
    fn of_day(&self, iso: &str) -> String {
        format!("{}?day={iso}", to::DEALS)
    }
}
