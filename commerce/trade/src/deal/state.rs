//! How a deal stands, from its hours, from what was decided, and from what the engine says.
//!
//! ```text
//!   draft ──publish──▶ scheduled ──hours──▶ open ⇄ sold out ──hours, close──▶ ended
//!                          └───────────────── paused ───────────────────▲
//!                          └──────────────────┴──cancel──▶ cancelled
//! ```
//!
//! Pure: no clock, no table, no engine.

use base::moment::Moment;

use super::model::Deal;

/// How a deal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its business writes it. Nobody else sees it, and it has no hours.
    Draft,
    /// It opens later.
    Scheduled,
    /// It sells.
    Open,
    /// Nothing is left now. Units that come back are sold.
    SoldOut,
    /// It does not let anybody in for now.
    Paused,
    /// Its time is over.
    Ended,
    /// It was called off: what was paid is given back.
    Cancelled,
}

impl State {
    /// What programs know it by.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Open => "open",
            Self::SoldOut => "sold_out",
            Self::Paused => "paused",
            Self::Ended => "ended",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing will be sold any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Ended | Self::Cancelled)
    }
}

/// What the engine says of a deal's units, and of its sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Units that can be bought now.
    pub available: u64,
    /// Units that somebody has reserved or is paying for.
    pub reserved: u64,
    /// Units that were sold.
    pub sold: u64,
    /// Whether operators of the room paused the sale.
    pub is_paused: bool,
    /// Whether the sale was closed.
    pub is_closed: bool,
}

impl Counts {
    /// Whether nothing is left that could still be bought.
    pub const fn is_sold_out(&self) -> bool {
        self.available == 0 && self.reserved == 0
    }
}

store::refusals! {
    /// Why nothing is bought now.
    pub WindowRefusal {
        /// It has not opened.
        NotOpen = "not_open": "the deal has not opened",
        /// It is over.
        Ended = "ended": "the deal is over",
    }
}

impl Deal {
    /// How it stands. Without a word of the engine, a deal within its hours is about to open.
    pub fn state(&self, counts: Option<&Counts>, now: Moment) -> State {
        if self.published_at.is_none() {
            State::Draft
        } else if self.cancelled_at.is_some() {
            State::Cancelled
        } else if now >= self.over_at {
            State::Ended
        } else if self.paused().is_some() {
            State::Paused
        } else if now < self.terms.hours.starts_at() {
            State::Scheduled
        } else {
            match counts {
                None => State::Scheduled,
                Some(counts) if counts.is_closed => State::Ended,
                Some(counts) if counts.is_paused => State::Paused,
                Some(counts) if counts.is_sold_out() => State::SoldOut,
                Some(_) => State::Open,
            }
        }
    }

    /// Whether units may be reserved now, by its hours and what was decided. What was reserved in time may
    /// be paid later, for as long as the engine keeps it.
    ///
    /// # Errors
    ///
    /// As [`WindowRefusal`] says.
    pub fn window(&self, now: Moment) -> Result<(), WindowRefusal> {
        if self.published_at.is_none() || now < self.terms.hours.starts_at().min(self.over_at) {
            Err(WindowRefusal::NotOpen)
        } else if now >= self.over_at {
            Err(WindowRefusal::Ended)
        } else {
            Ok(())
        }
    }

    /// Whether nothing will be sold any more, as far as the deal itself says.
    pub fn is_over(&self, now: Moment) -> bool {
        self.published_at.is_some() && now >= self.over_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deal::model::{Pauses, tests::deal};

    const FULL: Counts =
        Counts { available: 5, reserved: 0, sold: 0, is_paused: false, is_closed: false };

    fn at(deal: &Deal, after_start_ms: i64) -> Moment {
        Moment(deal.terms.hours.starts_at().0 + after_start_ms)
    }

    #[test]
    fn a_deal_opens_and_ends_by_its_hours_alone() {
        let deal = deal();
        let end = deal.over_at.0 - deal.terms.hours.starts_at().0;
        for (ms, state, window) in [
            (-1, State::Scheduled, Err(WindowRefusal::NotOpen)),
            (0, State::Open, Ok(())),
            (end - 1, State::Open, Ok(())),
            (end, State::Ended, Err(WindowRefusal::Ended)),
            (end * 100, State::Ended, Err(WindowRefusal::Ended)),
        ] {
            assert_eq!(deal.state(Some(&FULL), at(&deal, ms)), state, "{ms}");
            assert_eq!(deal.window(at(&deal, ms)), window, "{ms}");
        }
        assert_eq!(deal.state(None, at(&deal, 0)), State::Scheduled, "the engine has no such sale");
        assert_eq!(deal.state(None, at(&deal, end)), State::Ended, "whatever the engine has");
    }

    #[test]
    fn a_sold_out_deal_is_open_again_when_units_come_back() {
        let deal = deal();
        let state = |counts| deal.state(Some(&counts), at(&deal, 0));
        let gone = Counts { available: 0, sold: 5, ..FULL };
        assert_eq!(state(gone), State::SoldOut);
        assert_eq!(state(Counts { reserved: 1, sold: 4, ..gone }), State::Open);
        assert_eq!(state(Counts { available: 1, sold: 4, ..gone }), State::Open);
        assert_eq!(deal.state(Some(&gone), deal.over_at), State::Ended);
    }

    #[test]
    fn what_was_decided_counts_before_the_engine() {
        let now = |deal: &Deal| at(deal, 0);
        let draft = Deal { published_at: None, ..deal() };
        assert_eq!(draft.state(Some(&FULL), now(&draft)), State::Draft);
        let by_owner = Pauses { owner: Some(Moment(1)), ..Pauses::default() };
        let paused = Deal { pauses: by_owner, ..deal() };
        assert_eq!(paused.state(Some(&FULL), now(&paused)), State::Paused);
        assert_eq!(paused.state(Some(&FULL), at(&paused, -1)), State::Paused);
        assert_eq!(paused.state(Some(&FULL), paused.over_at), State::Ended);
        let cancelled = Deal { cancelled_at: Some(Moment(1)), over_at: Moment(1), ..deal() };
        assert_eq!(cancelled.state(Some(&FULL), now(&cancelled)), State::Cancelled);
        assert_eq!(cancelled.window(now(&cancelled)), Err(WindowRefusal::Ended));
        let in_room = Counts { is_paused: true, ..FULL };
        assert_eq!(deal().state(Some(&in_room), now(&deal())), State::Paused);
        let closed = Counts { is_closed: true, ..FULL };
        assert_eq!(deal().state(Some(&closed), now(&deal())), State::Ended);
    }
}
