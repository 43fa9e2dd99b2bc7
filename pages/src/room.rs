//! The room of one sale: enter, wait, buy, pay, leave.
//!
//! Every state is the same section with other words: a heading, one number, a ruler, a sentence, one
//! action. `page` is what it is made from and `lead` the sections that can lead it; `urgency` chooses
//! among them. `place` and `shop` are what a visitor waits for and buys. Here is the page as a whole: its
//! title, its look and when it is loaded again.

mod lead;
mod page;
mod place;
mod shop;
mod urgency;

#[cfg(test)]
mod tests;

use self::lead::Lead;
pub use self::page::RoomPage;
use crate::{
    format::{self, Html, Moment},
    frame,
    sale::SaleState,
};

/// The least seconds after which a page reloads by itself: a reader needs time.
const REFRESH_SECONDS_MIN: u64 = 15;

/// The most: a sale may open before its time.
const REFRESH_SECONDS_MAX: u64 = 60;

/// Seconds after which the script looks for the result of a payment.
const PAYING_SECONDS: u64 = 4;

impl RoomPage<'_> {
    /// The page as HTML.
    pub fn html(&self) -> String {
        frame::html(self)
    }

    /// The seconds of the `Refresh` header, by which the page keeps up where no script runs.
    pub fn refresh_seconds(&self) -> Option<u64> {
        if !self.refreshes {
            return None;
        }
        let after = |seconds: u64| (seconds + 1).max(REFRESH_SECONDS_MIN);
        match self.lead() {
            Lead::Coming => {
                let left = self
                    .opens_at
                    .map_or(REFRESH_SECONDS_MAX, |at| after(at.seconds_after(self.now)));
                Some(left.min(REFRESH_SECONDS_MAX))
            }
            Lead::Waiting(_) | Lead::Standby(_) | Lead::Called(_) | Lead::Paying(_) => {
                Some(REFRESH_SECONDS_MIN)
            }
            // A form is being filled in: the page holds still until the time is over.
            Lead::Turn(left) => left.map(|turn| after(turn.left)),
            Lead::Hold(purchase) => {
                let left = self.to_pay(purchase).left;
                Some(after(self.turn_left().map_or(left, |turn| turn.left.min(left))))
            }
            Lead::Inside(_) => self.turn_left().map(|turn| after(turn.left)),
            Lead::Enter | Lead::Uninvited(_) | Lead::Ended(_) | Lead::Over(_) => None,
        }
    }

    /// Seconds after which the script looks for what no countdown tells.
    fn renew_seconds(&self) -> Option<u64> {
        matches!(self.lead(), Lead::Paying(_)).then_some(PAYING_SECONDS)
    }

    /// What the tab is called.
    fn tab_title(&self) -> String {
        let words = self.frame.words();
        let state = match self.lead() {
            Lead::Waiting(place) => words.tab_ahead.with(format::count(place.ahead)),
            Lead::Standby(place) => words.tab_standby.with(format::count(place.position)),
            Lead::Called(_) | Lead::Turn(_) => words.your_turn.to_owned(),
            Lead::Hold(_) => words.reserved.to_owned(),
            Lead::Paying(_) => words.paying.to_owned(),
            Lead::Ended(heading) | Lead::Inside(heading) | Lead::Uninvited(heading) => {
                heading.title.to_owned()
            }
            Lead::Over(over) => over.title.to_owned(),
            Lead::Coming | Lead::Enter => words.state(self.state).to_owned(),
        };
        let title = format!("{state} · {}", format::plain(self.title));
        if self.refusal_text().is_some() { words.error_title.with(title) } else { title }
    }

    /// The classes of the page: green on one's turn, grey while entry stands still.
    fn look(&self) -> &'static str {
        match (self.is_turn(), self.is_held()) {
            (true, _) => "room turn",
            (false, true) => "room held",
            (false, false) => "room",
        }
    }

    fn tag_class(&self) -> &'static str {
        if self.is_held() { "warn" } else { self.state.tag() }
    }

    fn tag_words(&self) -> &'static str {
        let words = self.frame.words();
        if self.is_held() { words.paused_tag } else { words.state(self.state) }
    }

    /// When the sale closes, for the line above the heading.
    fn closes(&self) -> Option<Html> {
        let at = self.closes_at.filter(|_| self.state == SaleState::Open)?;
        Some(self.frame.words().closes_at.around(&self.time(at)))
    }

    /// When the sale opens, in words.
    fn opens(&self) -> Option<Html> {
        Some(self.frame.words().opens_at.around(&self.time(self.opens_at?)))
    }

    fn refusal_text(&self) -> Option<&'static str> {
        self.frame.words().problem(self.refusal?)
    }

    fn message(&self) -> Option<String> {
        self.message.map(format::plain)
    }

    fn time(&self, at: Moment) -> Html {
        at.told(self.frame.language, self.now)
    }
}
