//! A sale that is over and done with is archived: all that only the crowd needed goes to a file, and what
//! was bought stays, so that it can be shown, refunded and told of months later.

use std::collections::VecDeque;

use super::{Archive, ChangeRefusal, InUse, Phase, Sale, places::Places};
use crate::{
    clock::Millis,
    gate::{Gate, Pace},
    hold::Step,
    record::{Change, Record},
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

    /// Refuses what an archived sale takes no more. An operator can delete it, and a node can say what it had
    /// promised while it was missing.
    pub(super) fn refuse_archived(&self, change: &Change) -> Result<(), ChangeRefusal> {
        let allowed = matches!(change, Change::Delete | Change::Returned { .. });
        if self.archive.is_none() || allowed { Ok(()) } else { Err(ChangeRefusal::Archived) }
    }

    /// Whether a fact is one that an archived sale takes.
    pub(super) fn archive_takes(record: &Record) -> bool {
        match record {
            Record::Settled { step, .. } => *step == Step::Refund,
            Record::Changed { change, .. } => {
                matches!(**change, Change::Delete | Change::Returned { .. })
            }
            Record::StepAnswered { .. }
            | Record::SetAside { .. }
            | Record::Delivered { .. }
            | Record::DeadLettered { .. }
            | Record::Requeued { .. }
            | Record::ClockSet { .. }
            | Record::Joined { .. }
            | Record::Parted { .. }
            | Record::Rebuilt { .. } => true,
            Record::Created { .. }
            | Record::Entered { .. }
            | Record::Departed { .. }
            | Record::Called { .. }
            | Record::Claimed { .. }
            | Record::SessionEnded { .. }
            | Record::EntryAnswered { .. }
            | Record::EntryNoted { .. }
            | Record::Held { .. }
            | Record::Resumed { .. }
            | Record::Followed { .. }
            | Record::Met { .. }
            | Record::Adopted { .. } => false,
        }
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
