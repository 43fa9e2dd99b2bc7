//! The model's answers to operators.

use std::sync::Arc;

use engine::{
    clock::Millis,
    command::{Changed, Terms},
    hold::{Hold, HoldState},
    id::{Epoch, OfferIndex},
    limits::{REPLAY_TTL_MS, UNITS_MAX},
    record::{Change, ReplayKey},
    sale::{ChangeAnswer, ChangeRefusal, InUse, Phase, Version},
    spec::{SaleSpec, SpecPatch},
};

use super::model::{Model, Room};

impl Model {
    pub(super) fn create(
        &mut self,
        spec: &SaleSpec,
        replay: Option<ReplayKey>,
    ) -> Result<Changed, ChangeRefusal> {
        if let Some(changed) = self.changed_before(replay)? {
            return Ok(changed);
        }
        if self.room.is_some() {
            return Err(ChangeRefusal::NameTaken);
        }
        self.epochs += 1;
        let room = self.room.insert(Room::new(spec.clone(), Epoch(self.epochs), self.at));
        let changed = room.changed(replay, self.at);
        room.creation = replay.zip(changed.answer.clone());
        Ok(changed)
    }

    pub(super) fn change(
        &mut self,
        change: &Change,
        terms: &Terms,
    ) -> Result<Changed, ChangeRefusal> {
        if let Some(changed) = self.changed_before(terms.replay)? {
            return Ok(changed);
        }
        let (at, undelivered) = (self.at, self.events.len());
        let room = self.room.as_mut().ok_or(ChangeRefusal::NoSale)?;
        let version = room.version();
        if terms.versions.as_ref().is_some_and(|versions| !versions.contains(&version)) {
            return Err(ChangeRefusal::OtherVersion(version));
        }
        if *change != Change::Delete {
            room.change(change, at)?;
            room.changes += 1;
            return Ok(room.changed(terms.replay, at));
        }
        let in_use = room.in_use(undelivered, at);
        if in_use != InUse::default() {
            return Err(ChangeRefusal::InUse(in_use));
        }
        self.creations.extend(self.room.take().and_then(|room| room.creation));
        self.deletions.extend(terms.replay.map(|replay| (replay, at)));
        Ok(Changed { answer: None, replayed: false })
    }

    fn changed_before(&self, replay: Option<ReplayKey>) -> Result<Option<Changed>, ChangeRefusal> {
        let Some(replay) = replay else { return Ok(None) };
        let fresh = |at: Millis| self.at.since(at) < REPLAY_TTL_MS;
        let is_it = |with: &ReplayKey| with.key == replay.key;
        let deleted = self.deletions.iter().rfind(|(with, at)| is_it(with) && fresh(*at));
        let made = self.creations.iter().rfind(|(with, told)| is_it(with) && fresh(told.at));
        let told = self.room.as_ref().and_then(|room| room.changed.get(&replay.key));
        let told = told.filter(|(_, answer)| fresh(answer.at));
        let (body, answer) = match (deleted, told, made) {
            (Some((with, _)), ..) => (with.body, None),
            (None, Some((body, answer)), _) => (*body, Some(Arc::clone(answer))),
            (None, None, Some((with, answer))) => (with.body, Some(Arc::clone(answer))),
            (None, None, None) => return Ok(None),
        };
        let same = body == replay.body;
        if same {
            Ok(Some(Changed { answer, replayed: true }))
        } else {
            Err(ChangeRefusal::OtherBody)
        }
    }
}

impl Room {
    pub(super) fn version(&self) -> Version {
        Version { epoch: self.epoch, changes: self.changes }
    }

    fn changed(&mut self, replay: Option<ReplayKey>, at: Millis) -> Changed {
        let answer = Arc::new(ChangeAnswer {
            at,
            version: self.version(),
            spec: self.spec.clone(),
            controls: self.controls.clone(),
            is_sold_out: self.sellable() == 0,
        });
        if let Some(replay) = replay {
            self.changed.insert(replay.key, (replay.body, Arc::clone(&answer)));
        }
        Changed { answer: Some(answer), replayed: false }
    }

    fn in_use(&self, undelivered: usize, at: Millis) -> InUse {
        let count = |states: &[HoldState]| {
            let is_in = |hold: &&Hold| states.contains(&hold.state);
            self.holds.iter().filter(is_in).count()
        };
        let closed = self.phase(at) == Phase::Closed;
        InUse {
            orders: count(&[HoldState::Confirmed]),
            open_holds: count(&[HoldState::Held, HoldState::Paying]),
            waiting: if closed { 0 } else { self.waiting().count() as u64 },
            sessions: if closed { 0 } else { self.active() },
            undelivered,
        }
    }

    /// Changes that need nothing but the room; refused ones change nothing.
    fn change(&mut self, change: &Change, at: Millis) -> Result<(), ChangeRefusal> {
        let phase = self.phase(at);
        let over = self.spec.closes_at.is_some_and(|closes| at >= closes);
        match change {
            Change::Open if over => return Err(ChangeRefusal::WrongPhase(phase)),
            Change::Drain if phase == Phase::Closed => {
                return Err(ChangeRefusal::WrongPhase(phase));
            }
            Change::Open => {
                (self.controls.opened, self.controls.closed) = (true, false);
                self.controls.draining = false;
            }
            Change::Close => self.controls.closed = true,
            Change::Drain => self.controls.draining = true,
            Change::Pause => self.controls.paused = true,
            Change::Resume => {
                (self.controls.paused, self.controls.draining) = (false, false);
                self.restart_gate(at);
            }
            Change::Message { text } => self.controls.message.clone_from(text),
            Change::Rate { admission_milli_per_second } => {
                self.set_rate(*admission_milli_per_second, at);
            }
            Change::Restock { offer, units } => return self.restock(*offer, *units),
            Change::Update { patch } => return self.update(patch, at),
            Change::Unstrand { .. } | Change::Returned { .. } => {
                unreachable!("nothing is stranded in one process")
            }
            Change::Delete | Change::Archive { .. } => unreachable!("the model's to do"),
        }
        Ok(())
    }

    fn restock(&mut self, offer: OfferIndex, units: i64) -> Result<(), ChangeRefusal> {
        let offer = usize::from(offer.0);
        let available = *self.available.get(offer).ok_or(ChangeRefusal::Unknown("sku"))?;
        let room = UNITS_MAX - self.spec.offers[offer].total;
        let refusal = ChangeRefusal::Units { available, room };
        let left = available.checked_add_signed(units).ok_or(refusal)?;
        self.available[offer] = left;
        let total = &mut self.spec.offers[offer].total;
        *total = total.checked_add_signed(units).expect("the total covers the available");
        Ok(())
    }

    fn update(&mut self, patch: &SpecPatch, at: Millis) -> Result<(), ChangeRefusal> {
        let problems = patch.applied_to(&self.spec).check();
        if !problems.is_empty() {
            return Err(ChangeRefusal::Spec(problems));
        }
        if let Some(rate) = patch.admission_milli_per_second {
            self.set_rate(rate, at);
        }
        patch.apply(&mut self.spec);
        Ok(())
    }
}
