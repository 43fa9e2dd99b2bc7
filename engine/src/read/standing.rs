//! "Where am I?": answered from a sale's view with a few atomic loads.

use crate::{
    clock::Millis,
    gate::EtaRange,
    id::Number,
    line::PlaceState,
    sale::{Phase, TicketRef},
    view::SaleView,
};

/// How a place stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In line.
    Waiting {
        /// People ahead.
        ahead: u64,
        /// The estimated wait, if one can be given.
        eta: Option<EtaRange>,
    },
    /// In line while nothing is left that could still be sold.
    SoldOut {
        /// People ahead.
        ahead: u64,
    },
    /// In line of a sale that is over.
    Closed {
        /// People ahead.
        ahead: u64,
    },
    /// Called, and to be claimed until the deadline.
    Called {
        /// The claim window's end.
        deadline: Millis,
    },
    /// Let in.
    Admitted {
        /// When the session began.
        claimed_at: Millis,
        /// When the pass expires.
        expires_at: Millis,
    },
    /// The shopper left, or gave the place up for a new one.
    Left,
    /// Not heard of, not claimed, or past its session.
    Expired,
    /// Not a place of this sale's epoch.
    Unknown,
}

impl SaleView {
    /// How the place of a verified ticket stands at `now`; the shopper counts as heard of.
    pub fn standing(&self, ticket: TicketRef, now: Millis) -> Standing {
        let (line, number) = (self.line(), ticket.number);
        if ticket.epoch != self.epoch() || number.0 == 0 || number > line.issued() {
            return Standing::Unknown;
        }
        let (state, time) = line.place(number);
        match state {
            PlaceState::Waiting => {
                line.hear(number, now);
                self.waiting(line.ahead(number), now)
            }
            PlaceState::Called if now < time => Standing::Called { deadline: time },
            PlaceState::Admitted | PlaceState::Completed => self.admitted(number, now),
            PlaceState::Left | PlaceState::Revoked => Standing::Left,
            PlaceState::Called | PlaceState::Over | PlaceState::Idle | PlaceState::Unclaimed => {
                Standing::Expired
            }
            PlaceState::Unissued => Standing::Unknown,
        }
    }

    fn waiting(&self, ahead: u64, now: Millis) -> Standing {
        if self.phase(now) == Phase::Closed {
            Standing::Closed { ahead }
        } else if self.is_sold_out() {
            Standing::SoldOut { ahead }
        } else {
            Standing::Waiting { ahead, eta: self.eta(ahead) }
        }
    }

    fn admitted(&self, number: Number, now: Millis) -> Standing {
        match self.session(number).filter(|session| now < session.deadline) {
            Some(session) => {
                Standing::Admitted { claimed_at: session.since, expires_at: session.deadline }
            }
            None => Standing::Expired,
        }
    }
}
