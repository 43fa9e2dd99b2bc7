//! A sale that is over and done with is archived: all that only the crowd needed goes to a file, and what
//! was bought stays, so that it can be shown, refunded and told of months later.

use std::collections::VecDeque;

use super::{Archive, ChangeRefusal, InUse, Phase, Sale, places::Places};
use crate::{
    clock::Millis,
    gate::{Gate, Pace},
    record::Change,
    session::Sessions,
};

impl Sale {
    /// What is known of its archiving, if it is archived.
    pub fn archive(&self) -> Option<Archive> {
        self.archive
    }

    /// How many facts this process has applied to it: equal numbers, equal states.
    pub(crate) fn facts(&self) -> u64 {
        self.facts
    }

    /// When its last fact was decided that this process knows of.
    pub(crate) fn touched_at(&self) -> Millis {
        self.touched_at
    }

    /// Something has asked for it.
    pub(crate) fn touch(&mut self, at: Millis) {
        self.touched_at = at;
    }

    /// Refuses what an archived sale takes no more: it can be deleted, and nothing else.
    pub(super) fn refuse_archived(&self, change: &Change) -> Result<(), ChangeRefusal> {
        let allowed = self.archive.is_none() || *change == Change::Delete;
        if allowed { Ok(()) } else { Err(ChangeRefusal::Archived) }
    }

    /// Whether nothing is under way that archiving would cut off.
    pub(super) fn decide_archive(&self, phase: Phase) -> Result<(), ChangeRefusal> {
        if phase != Phase::Closed {
            return Err(ChangeRefusal::WrongPhase(phase));
        }
        let (open_holds, undelivered) = (self.holds.open(), self.outbox.len());
        match (InUse { open_holds, undelivered, ..InUse::default() }) {
            in_use if in_use == InUse::default() => Ok(()),
            in_use => Err(ChangeRefusal::InUse(in_use)),
        }
    }

    /// Lets go of what the file has, and of what nothing would come to push out: answers past their time, and
    /// holds that came to nothing so long ago that no key names them. The sale is closed for good, whatever becomes of the clock.
    pub(super) fn apply_archive(&mut self, digest: [u8; 32], at: Millis) {
        self.controls.closed = true;
        self.controls.message = String::new();
        self.places = Places::default();
        self.gate = Gate::stopped();
        self.sessions = Sessions::default();
        self.replays.forget_entries();
        self.replays.forget_past(at);
        self.changes.forget_past(at);
        self.holds.forget_past(at);
        self.holds.forget_who_made_more();
        self.audit = VecDeque::new();
        (self.pace, self.freeing) = (Pace::default(), Pace::default());
        self.archive = Some(Archive { digest, at });
    }
}
