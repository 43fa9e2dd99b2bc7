//! How a business comes to sell, and stops.
//!
//! ```text
//!            apply                 approve, if the tax service says active
//!   none ───────────▶ pending ───────────────────────────────▶ approved
//!                      ▲   │ reject, or not active              │   ▲
//!                apply │   ▼                 suspend, or not active │ reinstate
//!                      rejected                                 ▼   │
//!                                                             suspended
//! ```
//!
//! The owner's withdrawal closes it from everywhere, for good. Pure: no clock, no table.

use store::sea_orm::{self, DeriveActiveEnum, EnumIter};

/// How a business stands. An account without one is at none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum State {
    /// It applied, and nobody has decided.
    #[sea_orm(string_value = "pending")]
    Pending,
    /// It sells.
    #[sea_orm(string_value = "approved")]
    Approved,
    /// It was refused, and may apply again.
    #[sea_orm(string_value = "rejected")]
    Rejected,
    /// It sold, and may not now.
    #[sea_orm(string_value = "suspended")]
    Suspended,
    /// Its account was withdrawn.
    #[sea_orm(string_value = "closed")]
    Closed,
}

/// What the tax service says of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Verdict {
    /// A business that goes on.
    #[sea_orm(string_value = "active")]
    Active,
    /// A business at rest.
    #[sea_orm(string_value = "dormant")]
    Dormant,
    /// A business that was closed.
    #[sea_orm(string_value = "closed")]
    Closed,
    /// Nobody's number.
    #[sea_orm(string_value = "unregistered")]
    Unregistered,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Approved, Self::Rejected, Self::Suspended, Self::Closed];

    /// Whether its owner may say anew who the business is.
    pub const fn can_apply(self) -> bool {
        matches!(self, Self::Pending | Self::Rejected)
    }

    /// Whether nobody else can have its number.
    pub const fn keeps_number(self) -> bool {
        matches!(self, Self::Pending | Self::Approved | Self::Suspended)
    }

    /// Where a verdict of the tax service brings it. Only an operator approves.
    #[must_use]
    pub const fn judged(self, verdict: Verdict) -> Self {
        match (self, verdict) {
            (Self::Pending, Verdict::Dormant | Verdict::Closed | Verdict::Unregistered) => {
                Self::Rejected
            }
            (Self::Approved, Verdict::Dormant | Verdict::Closed | Verdict::Unregistered) => {
                Self::Suspended
            }
            (
                Self::Pending | Self::Approved | Self::Rejected | Self::Suspended | Self::Closed,
                _,
            ) => self,
        }
    }

    /// Where an operator's decision brings it, if it can be made.
    pub const fn decided(self, decision: Decision) -> Option<Self> {
        match (self, decision) {
            (Self::Pending, Decision::Approve) | (Self::Suspended, Decision::Reinstate) => {
                Some(Self::Approved)
            }
            (Self::Pending, Decision::Reject) => Some(Self::Rejected),
            (Self::Approved, Decision::Suspend) => Some(Self::Suspended),
            (_, Decision::Approve | Decision::Reject | Decision::Suspend | Decision::Reinstate) => {
                None
            }
        }
    }
}

/// What an operator can decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may sell.
    Approve,
    /// It may not, as it is.
    Reject,
    /// It may sell no longer.
    Suspend,
    /// It may sell again.
    Reinstate,
}

impl Decision {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Approve, Self::Reject, Self::Suspend, Self::Reinstate];

    /// Whether it lets somebody sell.
    pub const fn allows_selling(self) -> bool {
        matches!(self, Self::Approve | Self::Reinstate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_decision_is_made_in_one_state_alone() {
        for decision in Decision::ALL {
            let (from, to) = match decision {
                Decision::Approve => (State::Pending, State::Approved),
                Decision::Reject => (State::Pending, State::Rejected),
                Decision::Suspend => (State::Approved, State::Suspended),
                Decision::Reinstate => (State::Suspended, State::Approved),
            };
            for state in State::ALL {
                let expected = (state == from).then_some(to);
                assert_eq!(state.decided(decision), expected, "{state:?} {decision:?}");
            }
        }
    }

    #[test]
    fn no_verdict_lets_anybody_sell() {
        let all = [Verdict::Active, Verdict::Dormant, Verdict::Closed, Verdict::Unregistered];
        for verdict in all {
            for state in State::ALL {
                let judged = state.judged(verdict);
                assert!(judged != State::Approved || state == State::Approved);
                let sells = judged == State::Approved;
                assert!(!sells || verdict == Verdict::Active, "{state:?} {verdict:?}");
                assert!(verdict != Verdict::Active || judged == state);
            }
        }
    }
}
