//! The read side of a sale: what handlers see, all of it durable.
//!
//! The scribe publishes here after each sync. Polls of people in line read atomics of the [`Line`] and
//! the [`Stock`] and take no lock. What changes seldom (spec, controls, audit) is swapped as a whole.
//! What is asked for by key (sessions, holds, keys of purchases) sits in maps of many parts, each
//! behind a lock of its own that is held for one entry.

use std::sync::Arc;

use arc_swap::ArcSwap;
use dashmap::Entry;
use smallvec::SmallVec;

use crate::{
    clock::Millis,
    gate::{EtaRange, Outlook},
    hold::Hold,
    id::{Epoch, HoldId, Number, OfferIndex, SaleName, SaleTag, ShopperKey},
    keyed::{CountedMap, SharedMap},
    limits,
    line::{Line, SharedLine},
    purchase_admission::{PurchaseAdmission, Purchases},
    record::ReplayKey,
    sale::{Archive, AuditEntry, Controls, Phase, Sale, Version, is_ended},
    session::Session,
    spec::SaleSpec,
    stock::{Counts, SoldOut, Stock},
    sync::{AtomicU64, Ordering},
    tally::Tally,
};

/// One sale as handlers see it.
#[derive(Debug)]
pub struct SaleView {
    name: SaleName,
    tag: SaleTag,
    epoch: Epoch,
    created_at: Millis,
    line: SharedLine,
    stock: Arc<Stock>,
    settings: ArcSwap<Settings>,
    /// The measured pace in calls per 1,000 seconds; [`PACE_UNKNOWN`] when there is none.
    pace: AtomicU64,
    /// Slots seen to fall free per 1,000 seconds; [`PACE_UNKNOWN`] when nothing was seen.
    freeing: AtomicU64,
    /// Slots that cap and stock leave free.
    free_slots: AtomicU64,
    /// Slots taken.
    active: AtomicU64,
    /// Places that left the line before they were called.
    departed: AtomicU64,
    tally: Tally,
    /// Claimed sessions: what a pass is signed from.
    sessions: CountedMap<Number, Session>,
    holds: CountedMap<HoldId, Arc<Hold>>,
    /// Holds of each shopper; see [`limits::SHOPPER_HOLDS_LISTED_MAX`].
    shopper_holds: SharedMap<ShopperKey, Listed>,
    purchases: Arc<Purchases>,
    /// Facts that were applied to the sale and are durable.
    facts: AtomicU64,
    archive: Option<Archive>,
}

/// One shopper's holds that can be listed.
#[derive(Debug, Default)]
struct Listed {
    /// In the order they were made.
    ids: SmallVec<[HoldId; 2]>,
    /// At least as many as those of them that came to nothing. While there are none, the oldest go
    /// without a look at any.
    ended: u32,
}

/// Stands for "no pace measured".
const PACE_UNKNOWN: u64 = u64::MAX;

/// What operators set, swapped as a whole when they do.
#[derive(Debug)]
pub struct Settings {
    /// What the sale is told to be.
    pub spec: SaleSpec,
    /// What operators set by hand.
    pub controls: Controls,
    /// Who did what, oldest first.
    pub audit: Vec<AuditEntry>,
    /// Which change made them so.
    pub version: Version,
}

impl Settings {
    fn of(sale: &Sale) -> Arc<Self> {
        let (spec, controls) = (sale.spec().clone(), sale.controls().clone());
        let (audit, version) = (sale.audit().cloned().collect(), sale.version());
        Arc::new(Self { spec, controls, audit, version })
    }
}

impl SaleView {
    /// The view of a sale whose line and stock the scribe writes.
    pub(crate) fn new(sale: &Sale, line: SharedLine, stock: Stock) -> Self {
        Self {
            name: sale.spec().name.clone(),
            tag: sale.tag(),
            epoch: sale.epoch(),
            created_at: sale.created_at(),
            line,
            stock: Arc::new(stock),
            settings: ArcSwap::new(Settings::of(sale)),
            pace: AtomicU64::new(PACE_UNKNOWN),
            freeing: AtomicU64::new(PACE_UNKNOWN),
            free_slots: AtomicU64::new(sale.free_slots()),
            active: AtomicU64::new(0),
            departed: AtomicU64::new(0),
            tally: Tally::default(),
            sessions: CountedMap::new(),
            holds: CountedMap::new(),
            shopper_holds: SharedMap::new(),
            purchases: Arc::new(Purchases::new()),
            facts: AtomicU64::new(sale.facts()),
            archive: sale.archive(),
        }
    }

    /// The public name.
    pub fn name(&self) -> &SaleName {
        &self.name
    }

    /// The sale's stand-in in tokens and commands.
    pub fn tag(&self) -> SaleTag {
        self.tag
    }

    /// The sale's epoch.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// When the sale was created, in engine time; see [`Sale::created_at`].
    pub fn created_at(&self) -> Millis {
        self.created_at
    }

    /// What is known of its archiving, if it is archived.
    pub fn archive(&self) -> Option<Archive> {
        self.archive
    }

    /// How many facts were applied to the sale, for a change that is meant for it as it stands.
    pub fn facts(&self) -> u64 {
        // ORDERING: Acquire; whoever goes on to ask how far the journal is durable finds these facts in it.
        self.facts.load(Ordering::Acquire)
    }

    /// The line.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// The stock.
    pub fn stock(&self) -> &Arc<Stock> {
        &self.stock
    }

    /// What operators set.
    pub fn settings(&self) -> arc_swap::Guard<Arc<Settings>> {
        self.settings.load()
    }

    /// Where the sale stands at `at`.
    pub fn phase(&self, at: Millis) -> Phase {
        let settings = self.settings.load();
        Phase::at(&settings.spec, &settings.controls, at)
    }

    /// Slots taken.
    pub fn active_sessions(&self) -> u64 {
        // ORDERING: Relaxed; a figure for people, publishing nothing else.
        self.active.load(Ordering::Relaxed)
    }

    /// Places that left the line before they were called, in all.
    pub fn departed(&self) -> u64 {
        // ORDERING: Relaxed; as `active_sessions`.
        self.departed.load(Ordering::Relaxed)
    }

    /// What has happened since this process began to count.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Lets a purchase through to the scribe, or refuses it because nothing is left to ask for.
    pub fn admit_purchase(
        &self,
        items: &[(OfferIndex, u32)],
        replay: ReplayKey,
    ) -> Result<PurchaseAdmission, SoldOut> {
        PurchaseAdmission::new(&self.purchases, &self.stock, items, replay)
    }

    /// Whether a purchase with this key is refused whatever it asks for: nothing is left of any offer,
    /// and the key is none that may have got the last of it.
    pub fn refuses_all(&self, key: u128) -> bool {
        self.stock.is_exhausted() && !self.purchases.knows(key)
    }

    pub(crate) fn purchases(&self) -> &Purchases {
        &self.purchases
    }

    /// The session of an admitted place.
    pub fn session(&self, number: Number) -> Option<Session> {
        self.sessions.used()?.get(&number).map(|session| *session)
    }

    /// A hold by its number.
    pub fn hold(&self, id: HoldId) -> Option<Arc<Hold>> {
        self.holds.used()?.get(&id).map(|hold| Arc::clone(&hold))
    }

    /// Holds of a shopper, in the order they were made: all of a few, the latest of many, and open ones
    /// and orders rather than those that came to nothing.
    pub fn holds_of(&self, shopper: ShopperKey) -> Vec<Arc<Hold>> {
        let listed = self.shopper_holds.used().and_then(|listed| listed.get(&shopper));
        let ids = listed.map(|listed| listed.ids.clone()).unwrap_or_default();
        most_telling(ids.into_iter().filter_map(|id| self.hold(id)).collect())
    }

    /// Units of each offer by where they are.
    pub fn counts(&self) -> impl Iterator<Item = Counts> {
        (0..).map_while(|offer| self.stock.counts(OfferIndex(offer)))
    }

    /// Whether nothing is left that could still be sold.
    pub fn is_sold_out(&self) -> bool {
        self.counts().all(|counts| counts.available + counts.held + counts.paying == 0)
    }

    /// The wait behind `ahead` people.
    pub fn eta(&self, ahead: u64) -> Option<EtaRange> {
        let settings = self.settings.load();
        if settings.controls.paused {
            return None;
        }
        // ORDERING: Relaxed; an estimate.
        let known = |figure: &AtomicU64| {
            Some(figure.load(Ordering::Relaxed)).filter(|found| *found != PACE_UNKNOWN)
        };
        let outlook = Outlook {
            rate_milli: settings.spec.admission_milli_per_second,
            measured_milli: known(&self.pace),
            free_slots: self.free_slots.load(Ordering::Relaxed),
            freeing_milli: known(&self.freeing),
        };
        EtaRange::estimate(ahead, outlook)
    }

    /// Publishes what operators set.
    pub(crate) fn set_settings(&self, sale: &Sale) {
        self.settings.store(Settings::of(sale));
    }

    /// Publishes a claimed session, or with `None` that there is none.
    pub(crate) fn set_session(&self, number: Number, session: Option<Session>) {
        match session {
            Some(session) => drop(self.sessions.to_add().insert(number, session)),
            None => drop(self.sessions.used().and_then(|sessions| sessions.remove(&number))),
        }
    }

    /// Publishes a hold as it stands.
    pub(crate) fn set_hold(&self, hold: &Arc<Hold>) {
        let known = self.holds.to_add().insert(hold.id, Arc::clone(hold));
        let all_listed = self.shopper_holds.to_add();
        if let Some(known) = known {
            if is_ended(hold.state)
                && !is_ended(known.state)
                && let Some(mut listed) = all_listed.get_mut(&hold.shopper)
            {
                listed.ended += 1;
            }
            return;
        }
        let mut listed = all_listed.entry(hold.shopper).or_default();
        listed.ids.push(hold.id);
        listed.ended += u32::from(is_ended(hold.state));
        // Seldom, for a shopper may have a great many.
        if listed.ids.len() >= 2 * limits::SHOPPER_HOLDS_LISTED_MAX {
            self.shorten(&mut listed);
        }
    }

    fn shorten(&self, listed: &mut Listed) {
        if listed.ended == 0 {
            listed.ids.drain(..listed.ids.len() - limits::SHOPPER_HOLDS_LISTED_MAX);
            return;
        }
        let all = most_telling(listed.ids.iter().filter_map(|id| self.hold(*id)).collect());
        let ended = all.iter().filter(|hold| is_ended(hold.state)).count();
        listed.ended = u32::try_from(ended).expect("few are listed");
        listed.ids = all.iter().map(|hold| hold.id).collect();
    }

    /// The sale has forgotten a hold.
    pub(crate) fn forget_hold(&self, id: HoldId) {
        let (Some(holds), Some(listed)) = (self.holds.used(), self.shopper_holds.used()) else {
            return;
        };
        let Some((_, hold)) = holds.remove(&id) else { return };
        if let Entry::Occupied(mut listed) = listed.entry(hold.shopper) {
            listed.get_mut().ids.retain(|listed| *listed != id);
            if listed.get().ids.is_empty() {
                listed.remove();
            }
        }
    }

    /// Publishes what follows from the whole sale.
    pub(crate) fn set_figures(&self, sale: &Sale, at: Millis) {
        // ORDERING: Release; how far the journal is durable was stored before.
        self.facts.store(sale.facts(), Ordering::Release);
        // ORDERING: Relaxed, all others; figures that publish nothing else.
        self.active.store(sale.active_sessions(), Ordering::Relaxed);
        self.departed.store(sale.departed(), Ordering::Relaxed);
        self.free_slots.store(sale.free_slots(), Ordering::Relaxed);
        let freeing = sale.measured_freeing(at).unwrap_or(PACE_UNKNOWN);
        self.freeing.store(freeing, Ordering::Relaxed);
        self.pace.store(sale.measured_pace(at).unwrap_or(PACE_UNKNOWN), Ordering::Relaxed);
    }
}

/// As many of a shopper's holds as are listed: first those that came to nothing go, then the oldest.
fn most_telling(mut holds: Vec<Arc<Hold>>) -> Vec<Arc<Hold>> {
    let mut surplus = holds.len().saturating_sub(limits::SHOPPER_HOLDS_LISTED_MAX);
    holds.retain(|hold| {
        let goes = surplus > 0 && is_ended(hold.state);
        surplus -= usize::from(goes);
        !goes
    });
    holds.drain(..surplus);
    holds
}

#[cfg(all(test, not(engine_loom)))]
mod tests {
    use super::*;
    use crate::{hold::HoldState, limits::SHOPPER_HOLDS_LISTED_MAX};

    #[test]
    fn of_many_holds_the_latest_are_listed_and_open_ones_before_those_that_came_to_nothing() {
        let hold = |id: u64| {
            let state = if id.is_multiple_of(2) { HoldState::Released } else { HoldState::Held };
            let (shopper, items) = (ShopperKey(1), [].into_iter().collect());
            let (created_at, expires_at) = (Millis(1), Millis(2));
            let (id, number) = (HoldId(id), Number(1));
            Arc::new(Hold { id, number, shopper, state, items, created_at, expires_at })
        };
        let listed = |count| most_telling((1..=count).map(hold).collect());
        let most = SHOPPER_HOLDS_LISTED_MAX as u64;
        assert_eq!(listed(most).len() as u64, most, "all of a few");
        let ids: Vec<u64> = listed(most + 2).iter().map(|hold| hold.id.0).collect();
        assert_eq!(&ids[..3], [1, 3, 5], "2 and 4 had come to nothing");
        let ids: Vec<u64> = listed(4 * most).iter().map(|hold| hold.id.0).collect();
        assert_eq!(ids.len() as u64, most);
        assert!(ids.iter().all(|id| !id.is_multiple_of(2)) && ids[0] > 2 * most, "the latest");
    }
}
