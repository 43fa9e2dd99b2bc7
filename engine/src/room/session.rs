//! Sessions: who has been called or let in, until when, and how many slots that takes.
//!
//! ```text
//!   Called ── claim ──▶ Admitted ── bought ──▶ Completed
//!     │ not claimed        │ expired, ended, left   │ expired, ended, left
//!     └────────────────────┴────────────────────────┴──▶ gone
//! ```
//!
//! `Called` and `Admitted` take a slot; `Completed` gave it back, while its pass stays good until
//! it expires, for what the limit per shopper still allows.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    clock::Millis,
    codec::{DecodeError, Long, Sink, Source, binary_enum, binary_struct},
    id::Number,
};

/// One called or admitted place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose place.
    pub number: Number,
    /// Where it stands.
    pub state: SessionState,
    /// When it came to stand there; for `Completed`, when it was claimed.
    pub since: Millis,
    /// When it ends by itself: the claim window's end, then the pass's.
    pub deadline: Millis,
}

binary_struct!(Session { number, state, since, deadline });

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// Called, but not claimed yet.
    Called,
    /// Let in.
    Admitted,
    /// Let in and done; takes no slot.
    Completed,
}

binary_enum!(SessionState { 0 => Called, 1 => Admitted, 2 => Completed });

impl SessionState {
    const fn takes_slot(self) -> bool {
        matches!(self, Self::Called | Self::Admitted)
    }
}

/// All live sessions of a sale, by number and by deadline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sessions {
    live: BTreeMap<Number, Session>,
    deadlines: BTreeSet<(Millis, Number)>,
    active: u64,
}

impl Sessions {
    /// The session of a place.
    pub(crate) fn get(&self, number: Number) -> Option<&Session> {
        self.live.get(&number)
    }

    /// Slots taken.
    pub(crate) fn active(&self) -> u64 {
        self.active
    }

    /// All live sessions by number.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Session> {
        self.live.values()
    }

    /// Puts a session, in place of one the number may have had.
    pub(crate) fn put(&mut self, session: Session) {
        self.remove(session.number);
        self.deadlines.insert((session.deadline, session.number));
        self.active += u64::from(session.state.takes_slot());
        self.live.insert(session.number, session);
    }

    /// Ends a session.
    pub(crate) fn remove(&mut self, number: Number) -> Option<Session> {
        let session = self.live.remove(&number)?;
        self.deadlines.remove(&(session.deadline, number));
        self.active -= u64::from(session.state.takes_slot());
        Some(session)
    }

    /// The earliest deadline.
    pub(crate) fn next_due(&self) -> Option<Millis> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Sessions whose deadline is at or before `at`, earliest first.
    pub(crate) fn due(&self, at: Millis) -> impl Iterator<Item = &Session> {
        let due = self.deadlines.range(..=(at, Number(u64::MAX)));
        due.filter_map(|(_, number)| self.live.get(number))
    }
}

impl Long for Sessions {
    fn write(&self, out: &mut impl Sink) {
        out.put_list(self.live.values());
    }

    fn read(input: &mut impl Source) -> Result<Self, DecodeError> {
        let mut sessions = Self::default();
        for _ in 0..input.get_count()? {
            sessions.put(input.get()?);
        }
        Ok(sessions)
    }
}
