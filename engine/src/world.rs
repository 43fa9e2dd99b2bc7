//! Everything a journal tells of: all sales, and what the order pipeline still has to be told.
//!
//! A world is made of records alone. Equal journals give equal worlds, byte for byte:
//! [`World::hash`] is the proof, snapshots are its byte form.

use std::collections::BTreeMap;

use crate::{
    clock::Millis,
    codec::{self, Binary as _, DecodeError},
    hold::Hold,
    id::{Epoch, EventId, SaleTag},
    outbox::{OrderEvent, Outbox},
    record::{Change, Record, Stood},
    sale::Sale,
    stream::Point,
};

/// All sales and the outbox.
#[derive(Clone, Debug, Default)]
pub struct World {
    sales: BTreeMap<SaleTag, Sale>,
    /// The last epoch of sales that were deleted: a new one of the same name goes on from there.
    retired: BTreeMap<SaleTag, Epoch>,
    /// How far each sale was followed that many nodes serve.
    points: BTreeMap<SaleTag, Point>,
    /// The parts so far of sales that are being taken over.
    adopting: BTreeMap<SaleTag, Vec<u8>>,
    outbox: Outbox,
}

impl World {
    /// A sale.
    pub fn sale(&self, tag: SaleTag) -> Option<&Sale> {
        self.sales.get(&tag)
    }

    /// All sales, in the order of their tags.
    pub fn sales(&self) -> impl ExactSizeIterator<Item = &Sale> {
        self.sales.values()
    }

    /// The epoch a new sale of this name would have.
    pub(crate) fn next_epoch(&self, tag: SaleTag) -> Epoch {
        Epoch(self.retired.get(&tag).map_or(0, |epoch| epoch.0) + 1)
    }

    /// How far a sale was followed that many nodes serve.
    pub fn point(&self, tag: SaleTag) -> Option<&Point> {
        self.points.get(&tag)
    }

    /// What the order pipeline still has to be told.
    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// An event with all the sink needs to know.
    pub(crate) fn order_event(&self, id: EventId) -> Option<OrderEvent> {
        let pending = self.outbox.get(id)?;
        let sale = self.sales.get(&pending.sale)?;
        let mut hold = Hold::clone(sale.hold(pending.hold)?);
        hold.state = pending.state;
        let spec = sale.spec();
        let sku = |offer: usize| spec.offers.get(offer).map(|offer| offer.sku.clone());
        let skus = hold.items.iter().filter_map(|item| sku(usize::from(item.offer.0))).collect();
        let currency = spec.offers.first()?.currency;
        let (at, sale, epoch) = (pending.at, spec.name.clone(), sale.epoch());
        Some(OrderEvent { id, at, sale, epoch, hold, skus, currency })
    }

    /// Applies a decided fact.
    ///
    /// # Panics
    /// When the record does not follow from the state; see [`Sale::apply`].
    pub fn apply(&mut self, record: &Record, at: Millis) {
        match record {
            Record::Created { author, epoch, spec } => {
                let tag = spec.name.tag();
                let sale = Sale::new((**spec).clone(), *epoch, author.clone(), at);
                let before = self.sales.insert(tag, sale);
                assert!(before.is_none(), "a name belongs to one sale at a time");
            }
            Record::Changed { sale, change, .. } if **change == Change::Delete => {
                let gone = self.sales.remove(sale).expect("only a known sale is deleted");
                self.retired.insert(*sale, gone.epoch());
            }
            Record::Followed { sale, point, .. } => {
                self.points.insert(*sale, *point);
            }
            Record::Adopted { sale, is_first, bytes, stood } => {
                self.adopt(*sale, *is_first, bytes, stood.as_ref());
            }
            Record::Delivered { events } => self.outbox.delivered(events),
            Record::DeadLettered { event, why } => self.outbox.set_dead(*event, Some(why.clone())),
            Record::Requeued { events, .. } => {
                for event in events {
                    self.outbox.set_dead(*event, None);
                }
            }
            Record::Changed { sale, .. }
            | Record::Entered { sale, .. }
            | Record::Departed { sale, .. }
            | Record::Called { sale, .. }
            | Record::Claimed { sale, .. }
            | Record::SessionEnded { sale, .. }
            | Record::EntryAnswered { sale, .. }
            | Record::EntryNoted { sale, .. }
            | Record::StepAnswered { sale, .. }
            | Record::Joined { sale, .. }
            | Record::Parted { sale, .. }
            | Record::Rebuilt { sale, .. } => self.apply_to(*sale, record, at),
            Record::Held { sale, hold, .. } | Record::Settled { sale, hold, .. } => {
                self.apply_to(*sale, record, at);
                let state = self.sales[sale].hold(*hold).expect("the hold just moved").state;
                self.outbox.add(at, *sale, *hold, state);
            }
        }
    }

    /// Takes a sale over as another node knew it, part by part.
    fn adopt(&mut self, tag: SaleTag, is_first: bool, part: &[u8], stood: Option<&Stood>) {
        let bytes = self.adopting.entry(tag).or_default();
        if is_first {
            bytes.clear();
        }
        bytes.extend_from_slice(part);
        if let Some(stood) = stood {
            let whole = self.adopting.remove(&tag).unwrap_or_default();
            let sale = Sale::decode(&mut whole.as_slice()).expect("a sale's own byte form");
            self.sales.insert(tag, sale);
            self.points.insert(tag, stood.point);
        }
    }

    fn apply_to(&mut self, tag: SaleTag, record: &Record, at: Millis) {
        self.sales.get_mut(&tag).expect("a record names a known sale").apply(record, at);
    }

    /// The world's byte form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        (self.sales.len() as u64).encode(&mut out);
        self.sales.values().for_each(|sale| sale.encode(&mut out));
        (self.retired.len() as u64).encode(&mut out);
        for (tag, epoch) in &self.retired {
            tag.encode(&mut out);
            epoch.encode(&mut out);
        }
        (self.points.len() as u64).encode(&mut out);
        for (tag, point) in &self.points {
            tag.encode(&mut out);
            point.encode(&mut out);
        }
        (self.adopting.len() as u64).encode(&mut out);
        for (tag, bytes) in &self.adopting {
            tag.encode(&mut out);
            bytes.encode(&mut out);
        }
        self.outbox.encode(&mut out);
        out
    }

    /// The world of a byte form.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, DecodeError> {
        let input = &mut bytes;
        let mut world = Self::default();
        for _ in 0..codec::get_length(input)? {
            let sale = Sale::decode(input)?;
            world.sales.insert(sale.tag(), sale);
        }
        for _ in 0..codec::get_length(input)? {
            let tag = SaleTag::decode(input)?;
            world.retired.insert(tag, Epoch::decode(input)?);
        }
        for _ in 0..codec::get_length(input)? {
            let tag = SaleTag::decode(input)?;
            world.points.insert(tag, Point::decode(input)?);
        }
        for _ in 0..codec::get_length(input)? {
            let tag = SaleTag::decode(input)?;
            world.adopting.insert(tag, Vec::decode(input)?);
        }
        world.outbox = Outbox::decode(input)?;
        if input.is_empty() { Ok(world) } else { Err(DecodeError("bytes left over")) }
    }

    /// The BLAKE3 hash of the byte form: equal for equal worlds.
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.to_bytes()).as_bytes()
    }
}
