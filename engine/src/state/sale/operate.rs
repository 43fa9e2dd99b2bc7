//! What a sale says to operators: which changes it takes, and what it answers.

use std::sync::Arc;

use super::{
    Phase, Sale,
    changes::{ChangeAnswer, Kept, KnownChange, Version},
};
use crate::{
    clock::Millis,
    id::OfferIndex,
    limits,
    record::{Change, ReplayKey},
    spec::{SpecPatch, SpecProblem},
};

/// Why an operator's change was refused; nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeRefusal {
    /// No such sale.
    NoSale,
    /// A sale of this name is there already.
    NameTaken,
    /// No more sales fit.
    SalesFull,
    /// The change does not apply in this phase.
    WrongPhase(Phase),
    /// A sale that still means something to somebody is not deleted.
    InUse(InUse),
    /// So many units cannot come or go.
    Units {
        /// Units available now: as many may go.
        available: u64,
        /// As many may come, before the offer has all that one may have.
        room: u64,
    },
    /// So many units are not stranded; these are.
    Stranded {
        /// Units stranded now.
        stranded: u64,
    },
    /// The spec cannot be run.
    Spec(Vec<SpecProblem>),
    /// Names no such thing of the sale.
    Unknown(&'static str),
    /// The idempotency key was used with another body.
    OtherBody,
    /// The change was meant for another version; the sale is at this one.
    OtherVersion(Version),
    /// The sale is archived: it can be deleted, and nothing else.
    Archived,
    /// The sale has moved on since the change was prepared; nothing speaks against it.
    MovedOn,
}

/// What keeps a sale from being deleted or archived; at least one of them is not 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InUse {
    /// Confirmed orders that were not refunded: without the sale they could not be.
    pub orders: usize,
    /// Holds that may still become orders.
    pub open_holds: usize,
    /// People in line, while the sale is not closed.
    pub waiting: u64,
    /// Slots taken, while the sale is not closed.
    pub sessions: u64,
    /// Order events that the backend has not taken yet.
    pub undelivered: usize,
}

impl Sale {
    /// Which of its changes was the last.
    pub fn version(&self) -> Version {
        Version { epoch: self.epoch, changes: self.changes.count }
    }

    /// How the sale stands for an operator who changed it at `at`.
    pub(crate) fn change_answer(&self, at: Millis) -> ChangeAnswer {
        ChangeAnswer {
            at,
            version: self.version(),
            spec: self.spec.clone(),
            controls: self.controls.clone(),
            is_sold_out: self.sellable() == 0,
        }
    }

    /// What is known of an operator's key.
    pub(crate) fn known_change(&self, replay: ReplayKey, at: Millis) -> KnownChange {
        self.changes.look_up(replay, at)
    }

    /// What its creation was answered, if that came with a key.
    pub fn made(&self) -> Option<&Kept> {
        self.changes.made.as_ref()
    }

    /// The sale was made, with this key if any.
    pub(super) fn note_creation(&mut self, replay: Option<ReplayKey>, at: Millis) {
        let answer = Arc::new(self.change_answer(at));
        self.changes.made = replay.map(|replay| Kept { replay, answer });
    }

    /// A change was made, asked for with this key if any.
    pub(super) fn note_change(&mut self, replay: Option<ReplayKey>, at: Millis) {
        self.changes.count += 1;
        if let Some(replay) = replay {
            let answer = self.change_answer(at);
            self.changes.keep(replay, answer);
        }
    }

    /// An operator's change, meant for one of `versions` if there are any; one that is done already
    /// is no change.
    pub(crate) fn decide_change(
        &self,
        change: &Change,
        versions: Option<&[Version]>,
        at: Millis,
    ) -> Result<(), ChangeRefusal> {
        if versions.is_some_and(|versions| !versions.contains(&self.version())) {
            return Err(ChangeRefusal::OtherVersion(self.version()));
        }
        self.refuse_archived(change)?;
        let phase = self.phase(at);
        let wall = self.controls.wall(at);
        let past_end = self.spec.closes_at.is_some_and(|closes| wall >= closes);
        match change {
            Change::Update { patch } => self.decide_update(patch),
            Change::Open if past_end => Err(ChangeRefusal::WrongPhase(phase)),
            Change::Drain if phase == Phase::Closed => Err(ChangeRefusal::WrongPhase(phase)),
            Change::Archive { .. } => self.decide_archive(phase),
            Change::Delete => match self.in_use(phase) {
                in_use if in_use == InUse::default() => Ok(()),
                in_use => Err(ChangeRefusal::InUse(in_use)),
            },
            Change::Restock { offer, units } => self.decide_restock(*offer, *units),
            Change::Unstrand { offer, units } => {
                let counts =
                    self.counts.get(usize::from(offer.0)).ok_or(ChangeRefusal::Unknown("sku"))?;
                let stranded = counts.stranded;
                if *units <= stranded { Ok(()) } else { Err(ChangeRefusal::Stranded { stranded }) }
            }
            Change::Returned { node, promised, .. } => {
                let decided = self.returned(node, promised.clone());
                let is_so = decided.as_ref() == Some(change);
                if is_so { Ok(()) } else { Err(ChangeRefusal::Unknown("node")) }
            }
            Change::Message { text } if text.len() > limits::TEXT_BYTES_MAX => {
                let (field, allowed) = ("message", "at most 1024 bytes");
                Err(ChangeRefusal::Spec(vec![SpecProblem { field, allowed }]))
            }
            Change::Rate { admission_milli_per_second } => {
                let admission_milli_per_second = Some(*admission_milli_per_second);
                self.decide_update(&SpecPatch {
                    admission_milli_per_second,
                    ..SpecPatch::default()
                })
            }
            Change::Pause
            | Change::Resume
            | Change::Drain
            | Change::Open
            | Change::Close
            | Change::Message { .. } => Ok(()),
        }
    }

    fn in_use(&self, phase: Phase) -> InUse {
        let is_closed = phase == Phase::Closed;
        InUse {
            orders: self.holds.orders(),
            open_holds: self.holds.open(),
            waiting: if is_closed { 0 } else { self.line_length() },
            sessions: if is_closed { 0 } else { self.sessions.active() },
            undelivered: self.outbox.len(),
        }
    }

    fn decide_update(&self, patch: &SpecPatch) -> Result<(), ChangeRefusal> {
        let problems = patch.applied_to(&self.spec).check();
        if problems.is_empty() { Ok(()) } else { Err(ChangeRefusal::Spec(problems)) }
    }

    fn decide_restock(&self, offer: OfferIndex, units: i64) -> Result<(), ChangeRefusal> {
        let counts = self.counts.get(usize::from(offer.0)).ok_or(ChangeRefusal::Unknown("sku"))?;
        let total = self.spec.offers[usize::from(offer.0)].total;
        let available = counts.available;
        let fits = available.checked_add_signed(units).is_some()
            && total.checked_add_signed(units).is_some_and(|total| total <= limits::UNITS_MAX);
        let room = limits::UNITS_MAX.saturating_sub(total);
        if fits { Ok(()) } else { Err(ChangeRefusal::Units { available, room }) }
    }
}
