//! Which section leads the page: what is most urgent to its visitor.

use super::{
    lead::{Countdown, Heading, Lead, Opening, Over},
    page::RoomPage,
};
use crate::{
    format::{self, Moment},
    sale::{Invitation, PlaceEnd, PlaceState, Purchase, PurchaseState, SaleState},
};

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

    /// Whether nothing is open to this visitor at present: what is left is drawn without colour.
    pub(super) fn stands_still(&self) -> bool {
        self.is_held() || !self.invitation.admits()
    }

    /// Whether the page says what is wrong with an invitation, which is more than that one is needed.
    pub(super) fn refuses_invitation(&self) -> bool {
        self.refusal.is_some_and(|code| code.starts_with("invite_"))
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
