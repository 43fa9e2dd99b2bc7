//! The state of one sale, what it shows of itself, and its byte form.

use std::{collections::VecDeque, sync::Arc};

use super::{
    changes::Changes,
    controls::{Archive, AuditEntry, Controls, Phase},
    holds::Holds,
    members::Members,
    places::Places,
    replays::{HoldAnswer, Replays},
};
use crate::{
    clock::Millis,
    codec::{Binary, DecodeError, Long, Sink, Source},
    gate::{EtaRange, Gate, Outlook, Pace},
    hold::{Hold, HoldState},
    id::{Epoch, HoldId, Number, SaleTag, ShopperKey},
    limits::CLAIM_AFTER_OUTAGE_MS,
    line::PlaceState,
    outbox::Outbox,
    record::{EntryAnswer, Record, ReplayKey},
    session::{Session, SessionState, Sessions},
    spec::SaleSpec,
    stock::Counts,
};

/// The scribe's state of one sale.
#[derive(Clone, Debug)]
pub struct Sale {
    pub(super) spec: SaleSpec,
    pub(super) tag: SaleTag,
    pub(super) epoch: Epoch,
    pub(super) created_at: Millis,
    pub(super) controls: Controls,
    pub(super) places: Places,
    pub(super) gate: Gate,
    pub(super) sessions: Sessions,
    pub(super) counts: Vec<Counts>,
    pub(super) holds: Holds,
    pub(super) replays: Replays,
    pub(super) outbox: Outbox,
    pub(super) audit: VecDeque<AuditEntry>,
    pub(super) changes: Changes,
    pub(super) members: Members,
    /// For estimates only: no decision reads it, and snapshots leave it out.
    pub(super) pace: Pace,
    /// How often slots fall free.
    pub(super) freeing: Pace,
    pub(super) archive: Option<Archive>,
    /// Facts applied since this process knows the sale, and when the last of them was decided: they say
    /// whether anything has happened since, and snapshots leave them out.
    pub(super) facts: u64,
    pub(super) touched_at: Millis,
}

impl Sale {
    /// The sale that begins with its record of creation, at `at`: no one has entered it.
    pub fn created(record: &Record, at: Millis) -> Self {
        let Record::Created { author, epoch, told, spec, replay } = record else {
            unreachable!("a sale begins with its creation");
        };
        let fresh = |total| Counts { available: total, ..Counts::default() };
        let mut sale = Self {
            tag: spec.name.tag(),
            epoch: *epoch,
            created_at: at,
            controls: Controls::default(),
            places: places_of(spec, Places::default()),
            gate: Gate::new(spec.admission_milli_per_second, at),
            sessions: Sessions::default(),
            counts: spec.offers.iter().map(|offer| fresh(offer.total)).collect(),
            holds: Holds::default(),
            replays: Replays::default(),
            outbox: Outbox::after_event(*told),
            audit: VecDeque::from([AuditEntry { at, author: author.clone(), change: None }]),
            changes: Changes::default(),
            members: Members::default(),
            pace: Pace::default(),
            freeing: Pace::default(),
            archive: None,
            facts: 0,
            touched_at: at,
            spec: (**spec).clone(),
        };
        sale.note_creation(*replay, at);
        sale
    }

    /// What the sale is told to be.
    pub fn spec(&self) -> &SaleSpec {
        &self.spec
    }

    /// The sale's stand-in in records.
    pub fn tag(&self) -> SaleTag {
        self.tag
    }

    /// The sale's epoch.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// When it was created, in engine time. With name and epoch it tells the sale from any other that had its name,
    /// also in another data directory, where epochs begin at 1 again.
    pub fn created_at(&self) -> Millis {
        self.created_at
    }

    /// What operators set by hand.
    pub fn controls(&self) -> &Controls {
        &self.controls
    }

    /// The gate.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Where the sale stands at `at`.
    pub fn phase(&self, at: Millis) -> Phase {
        Phase::at(&self.spec, &self.controls, at)
    }

    /// Units of each offer by where they are.
    pub fn counts(&self) -> &[Counts] {
        &self.counts
    }

    /// The highest number issued; 0 before the first.
    pub fn issued(&self) -> Number {
        self.places.issued()
    }

    /// People in line.
    pub fn line_length(&self) -> u64 {
        self.places.issued().0 - self.places.departed() - self.gate.called()
    }

    /// Places that left the line before they were called.
    pub fn departed(&self) -> u64 {
        self.places.departed()
    }

    /// Where a place stands.
    pub fn place(&self, number: Number) -> PlaceState {
        self.places.state(number)
    }

    /// Who was given a place.
    pub fn shopper(&self, number: Number) -> Option<ShopperKey> {
        self.places.shopper(number)
    }

    /// The states of all places, by number from 1.
    pub fn places(&self) -> impl ExactSizeIterator<Item = PlaceState> {
        self.places.iter().map(|(_, state)| state)
    }

    /// A called or admitted place's session.
    pub fn session(&self, number: Number) -> Option<&Session> {
        self.sessions.get(number)
    }

    /// All live sessions by number.
    pub fn sessions(&self) -> impl ExactSizeIterator<Item = &Session> {
        self.sessions.iter()
    }

    /// Slots taken.
    pub fn active_sessions(&self) -> u64 {
        self.sessions.active()
    }

    /// When the time to claim ends at the earliest, of places that could not be claimed until `at`.
    pub(super) fn least_deadline(&self, at: Millis) -> Millis {
        at.after(self.spec.claim_window_ms.min(CLAIM_AFTER_OUTAGE_MS))
    }

    /// Called places whose time to claim ends before `least`.
    pub(super) fn unclaimed_before(&self, least: Millis) -> impl Iterator<Item = &Session> {
        let is_called = |session: &&Session| session.state == SessionState::Called;
        self.sessions.due(Millis(least.0.saturating_sub(1))).filter(is_called)
    }

    pub(super) fn has_unclaimed_before(&self, least: Millis) -> bool {
        self.unclaimed_before(least).next().is_some()
    }

    /// A hold by its number.
    pub fn hold(&self, id: HoldId) -> Option<&Arc<Hold>> {
        self.holds.get(id)
    }

    /// A hold that a reply tells of: facts that followed in its batch may have made the sale forget it.
    pub fn recall_hold(&self, id: HoldId) -> Option<&Arc<Hold>> {
        self.holds.recall(id)
    }

    /// The last number of a hold that was given or skipped.
    pub fn last_hold(&self) -> HoldId {
        self.holds.last_id()
    }

    /// The holds that are kept, by number.
    pub fn holds(&self) -> impl Iterator<Item = &Arc<Hold>> {
        self.holds.iter()
    }

    /// Holds and answers to keys of purchases and steps that are kept.
    pub(crate) fn kept_count(&self) -> usize {
        self.holds.kept() + self.replays.holds().len()
    }

    /// Released and expired holds that are kept, with the time they came to be so, in that order.
    pub fn ended_holds(&self) -> impl ExactSizeIterator<Item = &(Millis, HoldId)> {
        self.holds.ended()
    }

    /// Shoppers some of whose holds were forgotten, and how many.
    pub fn forgotten_holds(&self) -> Vec<(ShopperKey, u32)> {
        self.holds.forgotten()
    }

    /// What entries with a key were told, the oldest first.
    pub fn entry_answers(&self) -> impl Iterator<Item = (ReplayKey, Millis, EntryAnswer)> {
        self.replays.entries(&self.places)
    }

    /// What purchases and steps with a key were told, the oldest first.
    pub fn hold_answers(&self) -> impl Iterator<Item = (ReplayKey, Millis, HoldAnswer)> {
        self.replays.holds()
    }

    /// Keys that made a hold and may be asked again, and when they did, the oldest first.
    pub(crate) fn purchase_keys(&self) -> impl Iterator<Item = (Millis, u128)> {
        let made = |(replay, at, (_, state)): (ReplayKey, Millis, HoldAnswer)| {
            (state == HoldState::Held).then_some((at, replay.key))
        };
        self.hold_answers().filter_map(made)
    }

    /// Whether anyone is in it, or a hold is open, or an order event is to be delivered.
    pub fn is_occupied(&self) -> bool {
        let people = self.line_length() > 0 || self.sessions.iter().len() > 0;
        people || self.holds.open() > 0 || self.outbox.len() > 0
    }

    /// What the order pipeline still has to be told.
    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Who did what, oldest first.
    pub fn audit(&self) -> impl ExactSizeIterator<Item = &AuditEntry> {
        self.audit.iter()
    }

    /// The nodes that serve it, when many do.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// The recent pace, in calls per 1,000 seconds.
    pub(crate) fn measured_pace(&self, at: Millis) -> Option<u64> {
        self.pace.milli_per_second(at)
    }

    /// The slots that became free recently, per 1,000 seconds.
    pub(crate) fn measured_freeing(&self, at: Millis) -> Option<u64> {
        self.freeing.milli_per_second(at)
    }

    /// The wait behind `ahead` people, by what this node measured until `seen` if that may count.
    pub(super) fn eta(&self, ahead: u64, seen: Option<Millis>) -> Option<EtaRange> {
        if self.controls.paused {
            return None;
        }
        let outlook = Outlook {
            rate_milli: self.gate.rate_milli(),
            measured_milli: seen.and_then(|at| self.measured_pace(at)),
            free_slots: self.free_slots(),
            freeing_milli: seen.and_then(|at| self.measured_freeing(at)),
        };
        EtaRange::estimate(ahead, outlook)
    }
}

/// The book of places as the sale needs it.
fn places_of(spec: &SaleSpec, mut places: Places) -> Places {
    if spec.enters_once() {
        places.keep_all();
    }
    places
}

impl Long for Sale {
    fn write(&self, out: &mut impl Sink) {
        out.put(&self.spec);
        out.put(&self.epoch);
        out.put(&self.created_at);
        out.put(&self.controls);
        self.places.write(out);
        out.put(&self.gate);
        self.sessions.write(out);
        out.put(&self.counts);
        self.holds.write(out);
        self.replays.write(&self.places, out);
        self.outbox.write(out);
        out.put_list(self.audit.iter());
        self.changes.write(out);
        out.put(&self.members);
        out.put(&self.archive);
    }

    fn read(input: &mut impl Source) -> Result<Self, DecodeError> {
        let spec: SaleSpec = input.get()?;
        let (epoch, created_at, controls) = (input.get()?, input.get()?, input.get()?);
        let places = places_of(&spec, Places::read(input)?);
        Ok(Self {
            tag: spec.name.tag(),
            spec,
            epoch,
            created_at,
            controls,
            gate: input.get()?,
            sessions: Sessions::read(input)?,
            counts: input.get()?,
            holds: Holds::read(input)?,
            replays: Replays::read(input, &places)?,
            places,
            outbox: Outbox::read(input)?,
            audit: (0..input.get_count()?).map(|_| input.get()).collect::<Result<_, _>>()?,
            changes: Changes::read(input)?,
            members: input.get()?,
            pace: Pace::default(),
            freeing: Pace::default(),
            archive: input.get()?,
            facts: 0,
            touched_at: Millis(0),
        })
    }
}

impl Binary for Sale {
    fn encode(&self, out: &mut Vec<u8>) {
        self.write(out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        Self::read(input)
    }
}
