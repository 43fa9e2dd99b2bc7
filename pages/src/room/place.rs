//! The visitor's place: how long it takes, how long it lasts, how it is left.

use super::{
    lead::{Countdown, Lead},
    page::RoomPage,
};
use crate::{
    format::{self, Html},
    sale::{Invitation, Place, PlaceState, SaleState, Wait},
};

/// The way out of the line, asked for once more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving {
    pub(super) link: &'static str,
    pub(super) warning: &'static str,
    pub(super) button: &'static str,
}

impl RoomPage<'_> {
    /// Whether it is the visitor's turn to buy; a sale that is over ends every turn.
    pub(super) fn is_in_session(&self) -> bool {
        let is_admitted = self.place.is_some_and(|place| place.state == PlaceState::Admitted);
        is_admitted && self.state != SaleState::Closed
    }

    /// What is left of the visitor's turn.
    pub(super) fn turn_left(&self) -> Option<Countdown> {
        let place = self.place.filter(|_| self.is_in_session())?;
        // It ends with a whole second, so a little more than its length may be left.
        let left = place.turn_ends_at?.seconds_after(self.now).min(self.session_seconds.max(1));
        Some(Countdown::of(left, self.session_seconds))
    }

    /// When the visitor's turn is over, in words.
    pub(super) fn turn_until(&self) -> Option<Html> {
        let at = self.place?.turn_ends_at?;
        Some(self.frame.words().turn_until.around(&self.time(at)))
    }

    /// The estimated wait, in words.
    pub(super) fn wait(&self, place: &Place) -> String {
        let words = self.frame.words();
        match place.wait {
            _ if place.ahead == 0 => words.next.to_owned(),
            None => words.wait_unknown.to_owned(),
            Some(Wait { max, .. }) if max < 60 => words.wait_soon.to_owned(),
            Some(Wait { min, max }) => {
                let minutes = |seconds: u32| u64::from(seconds.div_ceil(60).max(1));
                let (least, most) = (minutes(min), minutes(max));
                if least == most {
                    words.wait_about.with(format::count(most))
                } else {
                    words.wait_range.with_both(format::count(least), format::count(most))
                }
            }
        }
    }

    pub(super) fn seen(&self) -> String {
        self.now.seen(self.frame.language)
    }

    /// How long a place is kept without a sign of life.
    pub(super) fn idle(&self) -> String {
        let words = self.frame.words();
        match self.idle_seconds {
            seconds @ 0..120 => words.seconds.with(seconds),
            seconds => words.minutes.with(format::count(seconds / 60)),
        }
    }

    pub(super) fn leaving(&self) -> Option<Leaving> {
        let words = self.frame.words();
        let (link, warning, button) = match self.lead() {
            _ if self.is_in_session() => (words.finish, words.finish_warning, words.finish_now),
            Lead::Waiting(_) | Lead::Standby(_) | Lead::Called(_) => {
                let is_guest = self.invitation != Invitation::NotNeeded;
                let warning =
                    if is_guest { words.leave_warning_guest } else { words.leave_warning };
                (words.leave, warning, words.leave_now)
            }
            Lead::Coming
            | Lead::Enter
            | Lead::Uninvited(_)
            | Lead::Ended(_)
            | Lead::Turn(_)
            | Lead::Hold(_)
            | Lead::Paying(_)
            | Lead::Inside(_)
            | Lead::Over(_) => return None,
        };
        Some(Leaving { link, warning, button })
    }
}
