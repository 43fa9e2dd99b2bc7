//! News: of saved deals, of orders, of one's business.

use askama::Template;

use crate::{
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

/// One's notifications. Posts nothing to `read-all`.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/store/inbox.html", whitespace = "minimize")]
pub struct InboxPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The notifications, newest first.
    pub notices: Vec<NoticeRow<'a>>,
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
