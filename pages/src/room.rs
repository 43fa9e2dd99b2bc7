//! The room of one sale: enter, wait, buy, pay, leave.
//!
//! Every state is the same section with other words: a heading, one number, a ruler, a sentence, one
//! action. `view` is what the page is made of, `lead` which state leads it; `place` and `shop` are what a
//! visitor waits for and buys.

mod lead;
mod place;
mod shop;
mod view;

#[cfg(test)]
mod tests;

use askama::Template;

use self::lead::{Lead, Opening};
pub use self::view::{
    Gate, Invitation, Offer, OfferState, Place, PlaceEnd, PlaceState, Purchase, PurchaseState,
    SaleState, Wait,
};
use crate::{
    Frame,
    format::{self, Html, Moment},
    frame,
};

/// The least seconds after which a page reloads by itself: a reader needs time.
const REFRESH_SECONDS_MIN: u64 = 15;

/// The most: a sale may open before its time.
const REFRESH_SECONDS_MAX: u64 = 60;

/// Seconds after which the script looks for the result of a payment.
const PAYING_SECONDS: u64 = 4;

/// The room page.
#[derive(Clone, Debug, Template)]
#[template(path = "room.html", whitespace = "minimize")]
pub struct RoomPage<'a> {
    /// What is around it.
    pub frame: Frame<'a>,
    /// When the page is made: countdowns start here.
    pub now: Moment,
    /// The sale's name.
    pub sale: &'a str,
    /// What people read above the room.
    pub title: &'a str,
    /// What the sale is at.
    pub state: SaleState,
    /// When it opens.
    pub opens_at: Option<Moment>,
    /// When it closes.
    pub closes_at: Option<Moment>,
    /// Whether people are let in.
    pub gate: Gate,
    /// The operator's announcement.
    pub message: Option<&'a str>,
    /// People in line.
    pub line_length: u64,
    /// What is sold.
    pub offers: Vec<Offer<'a>>,
    /// The visitor's place, if they have one.
    pub place: Option<Place>,
    /// Why the visitor's last place is over, if they had one.
    pub ended: Option<PlaceEnd>,
    /// How the visitor stands who may need an invitation.
    pub invitation: Invitation,
    /// The visitor's purchases, newest first.
    pub purchases: Vec<Purchase<'a>>,
    /// The code by which the last form was refused.
    pub refusal: Option<&'a str>,
    /// Whether the page may play the payment provider: demos only.
    pub can_pay: bool,
    /// The key of the forms that enter and leave.
    pub key: String,
    /// The key of the form that buys, its own on each page: pressing the button twice buys once.
    pub buy_key: String,
    /// The cookie that keeps the lowest position shown, where nodes may differ.
    pub floor: Option<&'a str>,
    /// How long a place is kept without a sign of life.
    pub idle_seconds: u64,
    /// How long a turn lasts.
    pub session_seconds: u64,
    /// How long a reservation lasts.
    pub hold_seconds: u64,
    /// Whether the page reloads by itself where no script runs.
    pub refreshes: bool,
}

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
