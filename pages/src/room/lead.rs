//! Which state leads the page: what is most urgent to its visitor.

use super::{
    Invitation, Place, PlaceEnd, PlaceState, Purchase, PurchaseState, RoomPage, SaleState,
};
use crate::format::{self, Moment};

/// The section at the head of the page.
#[derive(Clone, Debug)]
pub(super) enum Lead<'p> {
    /// The sale is not open yet.
    Coming,
    /// The visitor can get in line.
    Enter,
    /// The visitor needs an invitation first.
    Uninvited(Heading),
    /// The last place is over.
    Ended(Heading),
    /// In line.
    Waiting(Place),
    /// In line for what may come back.
    Standby(Place),
    /// Called, and not let in yet.
    Called(Place),
    /// Let in with nothing bought yet, and for how long.
    Turn(Option<Countdown>),
    /// A reservation to be paid.
    Hold(&'p Purchase<'p>),
    /// A payment to be confirmed.
    Paying(&'p Purchase<'p>),
    /// Let in, and nothing to be done about it.
    Inside(Heading),
    /// Nothing more happens here.
    Over(Over),
}

/// A heading and the sentence below it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heading {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

/// How a sale that takes no one any more is told of.
#[derive(Clone, Debug)]
pub(super) struct Over {
    pub(super) title: &'static str,
    pub(super) text: String,
    /// The place the visitor still had, as people write it.
    pub(super) position: Option<String>,
}

/// How far the opening is away.
#[derive(Clone, Copy, Debug)]
pub(super) enum Opening {
    /// Less than a day.
    Soon(Countdown),
    /// So many days, rounded up.
    Days(u64),
    /// An operator will open it.
    Unknown,
}

/// Seconds left, on a ruler of so many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Countdown {
    pub(super) left: u64,
    pub(super) max: u64,
}

impl Countdown {
    /// So many seconds of a stretch of time, which may be told too short.
    pub(super) fn of(left: u64, max: u64) -> Self {
        Self { left, max: max.max(left).max(1) }
    }

    pub(super) fn shown(self) -> String {
        format::clock(self.left)
    }

    /// Whether its figures need room for hours.
    pub(super) const fn is_long(self) -> bool {
        self.left >= 3_600
    }
}

/// A countdown is of less than this; before that days are counted.
const COUNTDOWN_SECONDS_MAX: u64 = 86_400;

impl RoomPage<'_> {
    pub(super) fn lead(&self) -> Lead<'_> {
        match self.place {
            Some(place) if place.state == PlaceState::Waiting => Lead::Waiting(place),
            Some(place) if place.state == PlaceState::SoldOut => Lead::Standby(place),
            Some(place) if place.state == PlaceState::Ready => Lead::Called(place),
            Some(_) if self.is_in_session() => self.inside(),
            _ => self.outside(),
        }
    }

    /// What leads the page of somebody who was let in.
    fn inside(&self) -> Lead<'_> {
        let words = self.frame.words();
        if let Some(open) = self.open_purchase() {
            return open;
        }
        let is_new = |purchase: &&Purchase<'_>| purchase.is_of_this_turn;
        let latest = self
            .purchases
            .iter()
            .filter(is_new)
            .map(|purchase| purchase.state)
            .find(|state| matches!(state, PurchaseState::Confirmed));
        let heading = |title, text| Lead::Inside(Heading { title, text });
        if latest.is_some() {
            heading(words.paid, words.paid_text)
        } else if self.can_buy() {
            Lead::Turn(self.turn_left())
        } else if self.state == SaleState::SoldOut {
            heading(words.sold_out_long, words.sold_out_text)
        } else if self.limit_is_reached() {
            heading(words.limit_reached, words.limit_reached_text)
        } else {
            heading(words.cannot_buy, words.cannot_buy_text)
        }
    }

    /// What leads the page of somebody who has no place, or none that leads anywhere.
    fn outside(&self) -> Lead<'_> {
        if let Some(open) = self.open_purchase() {
            return open;
        }
        let words = self.frame.words();
        let over =
            |title, text: &str| Lead::Over(Over { title, text: text.to_owned(), position: None });
        match self.state {
            SaleState::Coming => Lead::Coming,
            SaleState::Open => match self.ended {
                Some(end) => Lead::Ended(self.ending(end)),
                None if self.invitation.admits() => Lead::Enter,
                None => Lead::Uninvited(self.inviting()),
            },
            SaleState::Draining => over(words.draining_long, words.draining_text),
            SaleState::SoldOut => over(words.sold_out_long, words.sold_out_text),
            SaleState::Closed => {
                let position = self.place.map(|place| place.position);
                let position = position.filter(|position| *position > 0).map(format::count);
                let text = match &position {
                    Some(position) => words.closed_place.with(position),
                    None => words.closed_text.to_owned(),
                };
                Lead::Over(Over { title: words.closed_long, text, position })
            }
        }
    }

    /// A reservation comes before a payment under way: it has a deadline.
    fn open_purchase(&self) -> Option<Lead<'_>> {
        let is = |state| move |purchase: &&Purchase<'_>| purchase.state == state;
        let held = self.purchases.iter().find(is(PurchaseState::Held)).map(Lead::Hold);
        held.or_else(|| self.purchases.iter().find(is(PurchaseState::Paying)).map(Lead::Paying))
    }

    /// Whether it is the visitor's turn and the page is theirs: it turns green.
    pub(super) fn is_turn(&self) -> bool {
        matches!(self.lead(), Lead::Turn(_) | Lead::Called(_))
    }

    /// Whether the gate stands still, for somebody it would let in.
    pub(super) fn is_held(&self) -> bool {
        let waits = matches!(self.lead(), Lead::Waiting(_) | Lead::Enter)
            || (matches!(self.lead(), Lead::Ended(_)) && self.invitation.admits());
        self.gate.is_paused() && waits
    }

    /// Why the last place is over, where another section leads.
    pub(super) fn ended_note(&self) -> Option<Heading> {
        let end = self.ended.filter(|_| !matches!(self.lead(), Lead::Ended(_)))?;
        Some(self.ending(end))
    }

    fn ending(&self, end: PlaceEnd) -> Heading {
        let words = self.frame.words();
        let text = match end {
            _ if self.invitation.admits() => words.ended_why(end),
            // What was used was an invitation to the sale that was here before.
            PlaceEnd::Remade => self.inviting().text,
            PlaceEnd::Left | PlaceEnd::Idle | PlaceEnd::Missed | PlaceEnd::SessionOver => {
                words.invite_over
            }
        };
        Heading { title: words.ended(end), text }
    }

    /// What a visitor needs who has no invitation that holds.
    pub(super) fn inviting(&self) -> Heading {
        let words = self.frame.words();
        if self.invitation == Invitation::Expired {
            Heading { title: words.invite_expired, text: words.invite_expired_text }
        } else {
            Heading { title: words.invite_needed, text: words.invite_needed_text }
        }
    }

    pub(super) fn opening(&self) -> Opening {
        let left = |at: Moment| at.seconds_after(self.now);
        match self.opens_at.map(left) {
            Some(seconds) if seconds < COUNTDOWN_SECONDS_MAX => {
                let stretches = [600, 3_600, 21_600, COUNTDOWN_SECONDS_MAX];
                let stretch = stretches.into_iter().find(|stretch| seconds <= *stretch);
                Opening::Soon(Countdown::of(seconds, stretch.unwrap_or(seconds)))
            }
            Some(seconds) => Opening::Days(seconds.div_ceil(86_400)),
            None => Opening::Unknown,
        }
    }
}
