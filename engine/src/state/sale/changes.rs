//! A sale's changes by operators: how many there were, and what the last that came with a key were answered.
//!
//! A sale counts its changes. The count and the epoch are its [`Version`], so that an operator can ask
//! for a change of the sale as it was last seen, and of no other.

use std::{collections::VecDeque, sync::Arc};

use super::{
    Controls, Phase,
    refused::{Refused, check},
};
use crate::{
    clock::Millis,
    codec::{DecodeError, Long, Sink, Source, binary_struct},
    id::Epoch,
    limits::{CHANGES_KEPT_MAX, EVENTS_MAX, REPLAY_TTL_MS},
    record::ReplayKey,
    spec::SaleSpec,
};

/// Which of a sale's changes was the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// The sale's epoch.
    pub epoch: Epoch,
    /// Changes since the sale was made.
    pub changes: u64,
}

binary_struct!(Version { epoch, changes });

/// A sale as an operator's change left it: what the operator is told, then and when asking again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeAnswer {
    /// When the change was decided.
    pub at: Millis,
    /// Which change it was.
    pub version: Version,
    /// What the sale was told to be.
    pub spec: SaleSpec,
    /// What operators had set by hand.
    pub controls: Controls,
    /// Whether nothing was left that could still be sold.
    pub is_sold_out: bool,
}

binary_struct!(ChangeAnswer { at, version, spec, controls, is_sold_out });

impl ChangeAnswer {
    /// Where the sale stood.
    pub fn phase(&self) -> Phase {
        Phase::at(&self.spec, &self.controls, self.at)
    }
}

/// What is known of an operator's key.
#[derive(Debug, PartialEq, Eq)]
pub enum KnownChange {
    /// Nothing: the request is new.
    New,
    /// It was answered so.
    Answered(Arc<ChangeAnswer>),
    /// It came with another body.
    OtherBody,
}

/// A sale's changes: how many there were, and what the last keyed ones were answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    pub(super) count: u64,
    /// What the sale's creation was answered. No number of changes pushes it out, and it outlives the sale.
    pub(super) made: Option<Kept>,
    /// Oldest first.
    kept: VecDeque<Kept>,
}

impl Long for Changes {
    fn write(&self, out: &mut impl Sink) {
        out.put(&self.count);
        out.put(&self.made);
        out.put_list(self.kept.iter());
    }

    fn read(input: &mut impl Source) -> Result<Self, DecodeError> {
        let (count, made) = (input.get()?, input.get()?);
        let kept = (0..input.get_count()?).map(|_| input.get()).collect::<Result<_, _>>()?;
        Ok(Self { count, made, kept })
    }
}

/// What an operator's request with a key was answered.
#[derive(Clone, Debug)]
pub struct Kept {
    pub(super) replay: ReplayKey,
    pub(super) answer: Arc<ChangeAnswer>,
}

binary_struct!(Kept { replay, answer });

impl Kept {
    /// Whether it is still answered at `at`.
    pub(crate) fn is_kept(&self, at: Millis) -> bool {
        at.since(self.answer.at) < REPLAY_TTL_MS
    }

    /// What it says of a request with this key.
    pub fn known(&self, replay: ReplayKey, at: Millis) -> KnownChange {
        if self.replay.key != replay.key || !self.is_kept(at) {
            KnownChange::New
        } else if self.replay == replay {
            KnownChange::Answered(Arc::clone(&self.answer))
        } else {
            KnownChange::OtherBody
        }
    }

    /// Whether it could have been answered until `at`.
    fn is_sound(&self, at: Millis) -> bool {
        self.answer.at <= at && self.answer.spec.check().is_empty()
    }
}

impl Changes {
    /// Whether they could have been made until `at`.
    pub(super) fn are_sound(&self, at: Millis) -> Refused {
        let fit = self.count < EVENTS_MAX && self.kept.len() <= CHANGES_KEPT_MAX;
        check(fit, "more changes than there can be")?;
        let are_sound = self.kept.iter().chain(&self.made).all(|kept| kept.is_sound(at));
        check(are_sound, "a kept answer with fields out of their bounds")
    }

    /// Forgets the answers that are not given any more at `at`.
    pub(super) fn forget_past(&mut self, at: Millis) {
        self.made.take_if(|kept| !kept.is_kept(at));
        self.kept.retain(|kept| kept.is_kept(at));
    }

    pub(super) fn look_up(&self, replay: ReplayKey, at: Millis) -> KnownChange {
        let mut last_first = self.kept.iter().rev().chain(&self.made);
        let last = last_first.find(|kept| kept.replay.key == replay.key);
        last.map_or(KnownChange::New, |kept| kept.known(replay, at))
    }

    pub(super) fn keep(&mut self, replay: ReplayKey, answer: ChangeAnswer) {
        let at = answer.at;
        let is_over = |kept: &Kept| !kept.is_kept(at);
        while self.kept.len() >= CHANGES_KEPT_MAX || self.kept.front().is_some_and(is_over) {
            self.kept.pop_front();
        }
        self.kept.push_back(Kept { replay, answer: Arc::new(answer) });
    }
}
