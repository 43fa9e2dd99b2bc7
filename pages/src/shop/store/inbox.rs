//! News: of saved deals, of orders, of one's business.

use askama::Template;

use crate::{
    Language,
    format::{Html, Moment},
    shop::{frame::ShopFrame, icons, pages, text, words::StoreWords},
};

/// What a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// A new deal of a category one follows.
    NewDeal,
    /// A saved deal opens soon.
    Reminder,
    /// An order.
    Order,
    /// A refund.
    Refund,
    /// One's business.
    Business,
}

/// What happened that a person is told of, in the inbox and beyond.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// A deal that one follows was published.
    Published {
        /// What it sells.
        title: &'a str,
        /// When it opens.
        opens_at: Moment,
    },
    /// A deal that one likes opens soon.
    Opens {
        /// What it sells.
        title: &'a str,
        /// When it opens.
        opens_at: Moment,
        /// In how many minutes, when this was told.
        minutes: u64,
    },
}

impl<'a> News<'a> {
    /// Of a notice of this kind with these values; `None` if there are no words for it.
    pub fn of(kind: &str, value: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let title = value("title")?;
        let opens_at = Moment(value("opens_at")?.parse().ok()?);
        match kind {
            "deal.published" => Some(Self::Published { title, opens_at }),
            "deal.opens" => {
                Some(Self::Opens { title, opens_at, minutes: value("minutes")?.parse().ok()? })
            }
            _ => None,
        }
    }

    /// What it is about.
    pub const fn kind(&self) -> NoticeKind {
        match self {
            Self::Published { .. } => NoticeKind::NewDeal,
            Self::Opens { .. } => NoticeKind::Reminder,
        }
    }

    /// A few words, and the rest, for somebody who reads them at this time.
    pub fn said(&self, now: Moment, language: Language) -> (String, String) {
        let words = StoreWords::of(language);
        let when = |at| format!("{} {}", text::short_day(at, now, language), text::hour(at));
        match *self {
            Self::Published { title, opens_at } => {
                (words.news_published.with(title), words.opens_at.with(when(opens_at)))
            }
            Self::Opens { title, opens_at, minutes } => {
                let rest = if minutes % 60 == 0 {
                    words.news_opens_hours.counted(minutes / 60)
                } else {
                    words.news_opens_minutes.counted(minutes)
                };
                (title.to_owned(), format!("{rest} · {}", when(opens_at)))
            }
        }
    }
}

/// A notification.
#[derive(Clone, Copy, Debug)]
pub struct NoticeRow<'a> {
    /// What it is about.
    pub kind: NoticeKind,
    /// What it says in a few words.
    pub title: &'a str,
    /// The rest; may be empty.
    pub text: &'a str,
    /// Where it leads. Whoever follows it has read it.
    pub href: &'a str,
    /// When it came.
    pub at: Moment,
    /// Whether it was read.
    pub is_read: bool,
}

/// One's notifications. Posts `up_to` to `read-all`.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/store/inbox.html", whitespace = "minimize")]
pub struct InboxPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The notifications, newest first.
    pub notices: Vec<NoticeRow<'a>>,
    /// The id of the newest one that is unread on this page: what comes later stays unread. `None` if all are read.
    pub up_to: Option<&'a str>,
    /// Whether only those are listed that were not read.
    pub only_unread: bool,
    /// The address of the next page, if there are more.
    pub next: Option<&'a str>,
}

pages! { InboxPage: Elsewhere; }

/// The notifications of one day.
struct DayOfNews<'a> {
    heading: String,
    notices: Vec<&'a NoticeRow<'a>>,
}

const DAY_MS: u64 = 24 * 3_600 * 1_000;

impl InboxPage<'_> {
    const fn w(&self) -> &'static StoreWords {
        StoreWords::of(self.frame.page.language)
    }

    fn days(&self) -> Vec<DayOfNews<'_>> {
        let mut days: Vec<DayOfNews<'_>> = Vec::new();
        for notice in &self.notices {
            let heading = self.day(notice.at);
            match days.last_mut() {
                Some(day) if day.heading == heading => day.notices.push(notice),
                _ => days.push(DayOfNews { heading, notices: vec![notice] }),
            }
        }
        days
    }

    fn day(&self, at: Moment) -> String {
        let now = self.frame.now;
        if text::same_day(at, now) {
            return self.w().today_heading.to_string();
        }
        if text::same_day(at, Moment(now.0.saturating_sub(DAY_MS))) {
            self.w().yesterday.to_string()
        } else {
            text::short_day(at, now, self.frame.page.language)
        }
    }
}

impl NoticeRow<'_> {
    fn icon(&self) -> Html {
        match self.kind {
            NoticeKind::NewDeal => icons::tag(),
            NoticeKind::Reminder => icons::clock(),
            NoticeKind::Order => icons::parcel(),
            NoticeKind::Refund => icons::undo(),
            NoticeKind::Business => icons::shop(),
        }
    }

    const fn title(&self) -> &str {
        self.title
    }

    fn hour(&self) -> String {
        text::hour(self.at)
    }
}
