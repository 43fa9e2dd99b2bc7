//! One sale's plain books: places by number, holds by number, units by pile.

mod archive;
mod left_behind;

use std::collections::{BTreeMap, HashMap, HashSet};

pub use self::left_behind::{LeftBehind, LeftHold};
use super::proof::{ArchiveCertificate, OfferCertificate, SaleCertificate};
use crate::{
    hold::{HoldItem, HoldState, Step},
    id::{Epoch, HoldId, Number, ShopperKey, Sku},
    limits::{SHOPPER_HOLDS_MIN, SHOPPER_HOLDS_PER_UNIT},
    line::PlaceState,
    record::{Author, Change, Record, SessionEnd},
    sale::Sale,
    spec::SaleSpec,
};

/// Where a place stands, as far as the promises go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Waiting,
    Called,
    Claimed,
    Gone,
}

#[derive(Debug)]
struct HeldUnits {
    shopper: ShopperKey,
    state: HoldState,
    items: Vec<HoldItem>,
}

#[derive(Debug)]
struct Pile {
    sku: Sku,
    total: i128,
    available: i128,
    held: i128,
    paying: i128,
    sold: i128,
    stranded: i128,
}

impl Pile {
    /// The units that a hold in `state` accounts for.
    fn of(&mut self, state: HoldState) -> &mut i128 {
        match state {
            HoldState::Held => &mut self.held,
            HoldState::Paying => &mut self.paying,
            HoldState::Confirmed => &mut self.sold,
            HoldState::Released | HoldState::Expired | HoldState::Refunded => &mut self.available,
        }
    }

    fn check(&self, faults: &mut Vec<String>) {
        let piles = [self.available, self.held, self.paying, self.sold, self.stranded];
        if piles.iter().any(|units| *units < 0) {
            faults.push(format!("{}: fewer than no units: {piles:?}", self.sku.as_str()));
        }
        if piles.iter().sum::<i128>() != self.total {
            let sku = self.sku.as_str();
            faults.push(format!("{sku}: {piles:?} do not add up to {}", self.total));
        }
    }
}

/// The books of one sale.
#[derive(Debug)]
pub(super) struct Book {
    spec: SaleSpec,
    epoch: Epoch,
    places: Vec<(ShopperKey, Place)>,
    /// Shoppers who have entered, where each may do so once.
    entered: HashSet<ShopperKey>,
    watermark: u64,
    called: u64,
    departed: u64,
    claimed: u64,
    /// Holds made, of which a sale forgets some that have ended.
    holds_made: u64,
    holds: BTreeMap<HoldId, HeldUnits>,
    /// The last number of a hold that was given or skipped.
    last_hold: HoldId,
    /// Units each shopper holds, is paying for or has bought.
    taken: HashMap<ShopperKey, u64>,
    /// Holds each shopper has made, and may make.
    made: HashMap<ShopperKey, u32>,
    piles: Vec<Pile>,
    archive: Option<ArchiveCertificate>,
    /// It was archived before another node handed it over: this journal tells of no line.
    is_handed_over_archived: bool,
}

impl Book {
    /// The books of a sale that just came to be.
    pub(super) fn open(spec: &SaleSpec, epoch: Epoch) -> Self {
        let pile = |offer: &crate::spec::OfferSpec| {
            let (total, sku) = (i128::from(offer.total), offer.sku.clone());
            Pile { sku, total, available: total, held: 0, paying: 0, sold: 0, stranded: 0 }
        };
        Self {
            spec: spec.clone(),
            epoch,
            places: Vec::new(),
            entered: HashSet::new(),
            watermark: 0,
            called: 0,
            departed: 0,
            claimed: 0,
            holds_made: 0,
            holds: BTreeMap::new(),
            last_hold: HoldId(0),
            taken: HashMap::new(),
            made: HashMap::new(),
            piles: spec.offers.iter().map(pile).collect(),
            archive: None,
            is_handed_over_archived: false,
        }
    }

    /// The books of a sale as another node handed it over; that node's journal proves what came before.
    pub(super) fn adopted(sale: &Sale) -> Self {
        let mut book = Self::open(sale.spec(), sale.epoch());
        let place = |state| match state {
            PlaceState::Waiting => Place::Waiting,
            PlaceState::Called => Place::Called,
            PlaceState::Admitted | PlaceState::Completed => Place::Claimed,
            PlaceState::Unissued
            | PlaceState::Over
            | PlaceState::Left
            | PlaceState::Idle
            | PlaceState::Unclaimed
            | PlaceState::Revoked => Place::Gone,
        };
        let owner = |number| sale.shopper(Number(number)).unwrap_or(ShopperKey(0));
        book.places = sale.places().zip(1..).map(|(state, n)| (owner(n), place(state))).collect();
        if sale.spec().enters_once() {
            book.entered = book.places.iter().map(|(shopper, _)| *shopper).collect();
        }
        book.watermark = sale.gate().watermark().0;
        (book.called, book.departed) = (sale.gate().called(), sale.departed());
        for hold in sale.holds() {
            let units: u64 = hold.items.iter().map(|item| u64::from(item.quantity)).sum();
            *book.made.entry(hold.shopper).or_default() += 1;
            if counts(hold.state) {
                *book.taken.entry(hold.shopper).or_default() += units;
            }
            let (shopper, state, items) = (hold.shopper, hold.state, hold.items.to_vec());
            book.holds.insert(hold.id, HeldUnits { shopper, state, items });
            book.holds_made += 1;
        }
        for (shopper, count) in sale.forgotten_holds() {
            *book.made.entry(shopper).or_default() += count;
        }
        book.last_hold = sale.last_hold();
        for (pile, counts) in book.piles.iter_mut().zip(sale.counts()) {
            (pile.available, pile.held) = (counts.available.into(), counts.held.into());
            (pile.paying, pile.sold) = (counts.paying.into(), counts.sold.into());
            pile.stranded = counts.stranded.into();
        }
        book.is_handed_over_archived = sale.archive().is_some();
        book
    }

    /// What the books prove so far.
    pub(super) fn certificate(&self) -> SaleCertificate {
        let offer = |pile: &Pile| OfferCertificate {
            sku: pile.sku.clone(),
            total: pile.total,
            available: pile.available,
            held: pile.held,
            paying: pile.paying,
            stranded: pile.stranded,
            sold: pile.sold,
        };
        SaleCertificate {
            sale: self.spec.name.clone(),
            epoch: self.epoch,
            entered: self.archive.map_or(self.places.len() as u64, |archive| archive.entered),
            called: self.called,
            departed: self.departed,
            claimed: self.claimed,
            holds: self.holds_made,
            offers: self.piles.iter().map(offer).collect(),
            archive: self.archive,
        }
    }

    /// Enters a fact, naming each promise it breaks.
    pub(super) fn take(&mut self, record: &Record, faults: &mut Vec<String>) {
        self.check_archived(record, faults);
        match record {
            Record::Entered { number, shopper, .. } => {
                if number.0 != self.places.len() as u64 + 1 {
                    faults.push(format!(
                        "number {} does not follow {}",
                        number.0,
                        self.places.len()
                    ));
                }
                if self.spec.enters_once() && !self.entered.insert(*shopper) {
                    faults.push(format!("number {} is a shopper's second entry", number.0));
                }
                self.places.push((*shopper, Place::Waiting));
            }
            Record::Departed { numbers, .. } => {
                for number in numbers {
                    self.departed += 1;
                    self.move_place(*number, &[Place::Waiting], Place::Gone, faults);
                }
            }
            Record::Called { watermark, .. } => self.call(*watermark, faults),
            Record::Claimed { number, .. } => {
                self.claimed += 1;
                self.move_place(*number, &[Place::Called], Place::Claimed, faults);
            }
            Record::SessionEnded { number, reason, .. } if *reason != SessionEnd::Completed => {
                self.move_place(*number, &[Place::Called, Place::Claimed], Place::Gone, faults);
            }
            Record::Held { hold, number, shopper, items, .. } => {
                self.hold(*hold, *number, *shopper, items, faults);
            }
            Record::Settled { hold, step, .. } => self.settle(*hold, *step, faults),
            Record::SetAside { hold, .. } => self.set_aside(*hold, faults),
            Record::Changed { author, change, .. } => {
                // The facts before such an end may be among those that this journal has missed.
                if **change == Change::Delete && *author != Author::store() {
                    self.end(faults);
                }
                self.change(change, faults);
            }
            Record::Rebuilt { stranded, skipped, skipped_holds, .. } => {
                self.last_hold = HoldId(self.last_hold.0 + u64::from(*skipped_holds));
                let nobody = (ShopperKey(0), Place::Gone);
                self.departed += u64::from(*skipped);
                self.places.extend(std::iter::repeat_n(nobody, *skipped as usize));
                for (pile, units) in self.piles.iter_mut().zip(stranded) {
                    pile.available -= i128::from(*units);
                    pile.stranded += i128::from(*units);
                    pile.check(faults);
                }
            }
            Record::SessionEnded { .. }
            | Record::Followed { .. }
            | Record::Joined { .. }
            | Record::Parted { .. }
            | Record::Met { .. }
            | Record::ClockSet { .. }
            | Record::Resumed { .. }
            | Record::Adopted { .. }
            | Record::EntryAnswered { .. }
            | Record::EntryNoted { .. }
            | Record::StepAnswered { .. }
            | Record::Created { .. }
            | Record::Delivered { .. }
            | Record::DeadLettered { .. }
            | Record::Requeued { .. } => {}
        }
    }

    fn place(&mut self, number: Number) -> Option<&mut (ShopperKey, Place)> {
        self.places.get_mut(usize::try_from(number.0.checked_sub(1)?).ok()?)
    }

    fn move_place(&mut self, number: Number, from: &[Place], to: Place, faults: &mut Vec<String>) {
        match self.place(number) {
            Some((_, place)) if from.contains(place) => *place = to,
            Some((_, place)) => {
                faults.push(format!("place {} goes to {to:?} from {place:?}", number.0));
                *place = to;
            }
            None => faults.push(format!("place {} was never given out", number.0)),
        }
    }

    /// Calls everyone waiting up to the watermark: no one may have been let in before them.
    fn call(&mut self, watermark: Number, faults: &mut Vec<String>) {
        if watermark.0 <= self.watermark || watermark.0 > self.places.len() as u64 {
            let (before, issued) = (self.watermark, self.places.len());
            faults.push(format!("watermark {} after {before} of {issued}", watermark.0));
            return;
        }
        for number in self.watermark + 1..=watermark.0 {
            if let Some((_, place)) = self.place(Number(number))
                && *place == Place::Waiting
            {
                *place = Place::Called;
                self.called += 1;
            }
        }
        self.watermark = watermark.0;
    }

    fn hold(
        &mut self,
        id: HoldId,
        number: Number,
        shopper: ShopperKey,
        items: &[HoldItem],
        faults: &mut Vec<String>,
    ) {
        if id.0 != self.last_hold.0 + 1 {
            faults.push(format!("hold {} does not follow {}", id.0, self.last_hold.0));
        }
        self.last_hold = id;
        if self.place(number).is_none_or(|place| *place != (shopper, Place::Claimed)) {
            faults.push(format!("hold {} was made by nobody who was let in", id.0));
        }
        for item in items {
            let units = i128::from(item.quantity);
            let Some(pile) = self.piles.get_mut(usize::from(item.offer.0)) else {
                faults.push(format!("hold {} is of an offer that is not there", id.0));
                continue;
            };
            pile.available -= units;
            pile.held += units;
            pile.check(faults);
        }
        let made = HeldUnits { shopper, state: HoldState::Held, items: items.to_vec() };
        self.holds.insert(id, made);
        self.holds_made += 1;
        let taken = self.taken.entry(shopper).or_default();
        *taken += items.iter().map(|item| u64::from(item.quantity)).sum::<u64>();
        let limit = u64::from(self.spec.per_shopper_max);
        if *taken > limit {
            faults.push(format!("hold {} takes a shopper to {taken} units of {limit}", id.0));
        }
        let by_units = self.spec.per_shopper_max.saturating_mul(SHOPPER_HOLDS_PER_UNIT);
        let limit = by_units.max(SHOPPER_HOLDS_MIN);
        let made = self.made.entry(shopper).or_default();
        *made += 1;
        if *made > limit {
            faults.push(format!("hold {} is a shopper's number {made} of {limit}", id.0));
        }
    }

    fn settle(&mut self, id: HoldId, step: Step, faults: &mut Vec<String>) {
        let Some(hold) = self.holds.get_mut(&id) else {
            faults.push(format!("hold {} was never made", id.0));
            return;
        };
        let (before, after) = course_of(step);
        let was = std::mem::replace(&mut hold.state, after);
        if !before.contains(&was) {
            faults.push(format!("hold {}: {step:?} from {was:?}", id.0));
        }
        if counts(was) && !counts(after) {
            let units = hold.items.iter().map(|item| u64::from(item.quantity)).sum::<u64>();
            let taken = self.taken.entry(hold.shopper).or_default();
            *taken = taken.saturating_sub(units);
        }
        if step == Step::Refund && !self.spec.refund_restocks {
            return;
        }
        for item in &hold.items {
            let units = i128::from(item.quantity);
            if let Some(pile) = self.piles.get_mut(usize::from(item.offer.0)) {
                *pile.of(was) -= units;
                *pile.of(after) += units;
                pile.check(faults);
            }
        }
    }

    /// The units of a hold that has ended are not for sale again yet.
    fn set_aside(&mut self, id: HoldId, faults: &mut Vec<String>) {
        let Some(hold) = self.holds.get(&id).filter(|hold| !counts(hold.state)) else {
            faults.push(format!("units of hold {} set aside that are not free", id.0));
            return;
        };
        for item in &hold.items {
            if let Some(pile) = self.piles.get_mut(usize::from(item.offer.0)) {
                let units = i128::from(item.quantity);
                pile.available -= units;
                pile.stranded += units;
                pile.check(faults);
            }
        }
    }

    /// The sale is deleted: there may be no order left that could still be refunded.
    fn end(&self, faults: &mut Vec<String>) {
        let stays = |hold: &&HeldUnits| counts(hold.state);
        let orders = self.holds.values().filter(stays).count();
        if orders > 0 {
            faults.push(format!("deleted with {orders} open holds and orders"));
        }
    }

    fn unstrand(&mut self, offer: usize, units: u64, faults: &mut Vec<String>) {
        if let Some(pile) = self.piles.get_mut(offer) {
            pile.stranded -= i128::from(units);
            pile.available += i128::from(units);
            pile.check(faults);
        }
    }

    fn change(&mut self, change: &Change, faults: &mut Vec<String>) {
        match change {
            Change::Update { patch } => patch.apply(&mut self.spec),
            Change::Restock { offer, units } => {
                if let Some(pile) = self.piles.get_mut(usize::from(offer.0)) {
                    pile.total += i128::from(*units);
                    pile.available += i128::from(*units);
                    pile.check(faults);
                }
            }
            Change::Unstrand { offer, units } => {
                self.unstrand(usize::from(offer.0), *units, faults);
            }
            Change::Returned { released, .. } => {
                for (offer, units) in released.iter().enumerate() {
                    self.unstrand(offer, *units, faults);
                }
            }
            Change::Archive { digest } => self.close(*digest, faults),
            Change::Pause
            | Change::Resume
            | Change::Drain
            | Change::Open
            | Change::Close
            | Change::Message { .. }
            | Change::Rate { .. }
            | Change::Delete => {}
        }
    }
}

/// The states that a step may be taken from, and the one it leads to: the books' own copy of what
/// `hold.rs` decides by.
const fn course_of(step: Step) -> (&'static [HoldState], HoldState) {
    match step {
        Step::Pay => (&[HoldState::Held], HoldState::Paying),
        Step::Confirm => (&[HoldState::Held, HoldState::Paying], HoldState::Confirmed),
        Step::Release => (&[HoldState::Held, HoldState::Paying], HoldState::Released),
        // Never from `Paying`: the money may be on its way.
        Step::Expire => (&[HoldState::Held], HoldState::Expired),
        Step::Refund => (&[HoldState::Confirmed], HoldState::Refunded),
    }
}

/// Whether a hold's units count against the limit per shopper.
fn counts(state: HoldState) -> bool {
    matches!(state, HoldState::Held | HoldState::Paying | HoldState::Confirmed)
}
