//! Everything a journal tells of: all sales, each with what the order pipeline still has to be told
//! of it.
//!
//! A world is made of records alone. Equal journals give equal worlds, byte for byte:
//! [`World::hash`] is the proof, snapshots are its byte form, which falls into parts: one for each sale,
//! and the rest, which is small.

mod archived;
mod backlog;
mod cold;
mod packing;

use std::collections::{BTreeMap, BTreeSet};

pub use self::archived::Packed;
use self::{archived::Archived, backlog::Backlog};
pub(crate) use self::{archived::read as read_packed, cold::Cold};
use crate::{
    by_sale::BySale,
    clock::Millis,
    codec::{Binary as _, DecodeError, Hashing, Long as _, Sink, Source, binary_struct},
    id::{Epoch, EventId, SaleTag, SinkName},
    limits::{
        DELETIONS_KEPT_MAX, EVENTS_MAX, OUTBOX_COMMON_EVENTS_MAX, OUTBOX_SALE_EVENTS_MAX,
        OUTBOX_SALE_SHARE, REPLAY_TTL_MS,
    },
    record::{Record, ReplayKey, Stood},
    sale::{Kept, KnownChange, Sale},
    stream::Point,
};

/// All sales.
#[derive(Clone, Debug, Default)]
pub struct World {
    sales: BySale<Sale>,
    archived: Archived,
    /// Sales that were deleted.
    retired: BTreeMap<SaleTag, Retired>,
    /// What the outboxes of all sales hold. Counted, for every purchase asks.
    backlog: Backlog,
    /// How far each sale was followed that many nodes serve.
    points: BTreeMap<SaleTag, Point>,
    /// The stream's epoch when this journal began to know a sale from other nodes.
    met: BTreeMap<SaleTag, Epoch>,
    /// The parts so far of sales that are being taken over.
    adopting: BTreeMap<SaleTag, Vec<u8>>,
}

/// What outlives a deleted sale: a new one of the same name goes on from there.
#[derive(Clone, Debug)]
struct Retired {
    /// Its epoch.
    epoch: Epoch,
    /// Its last order event.
    event: EventId,
    /// Of the sales of this name, the last deletions that came with a key, oldest first: repeated late, none of
    /// them deletes a sale that was made since.
    deletions: Vec<Deletion>,
    /// What their creations were answered that came with a key, oldest first: repeated late, none of them makes
    /// the sale again.
    creations: Vec<Kept>,
}

binary_struct!(Retired { epoch, event, deletions, creations });

/// The deletion of a sale that came with an idempotency key.
#[derive(Clone, Copy, Debug)]
struct Deletion {
    replay: ReplayKey,
    at: Millis,
}

binary_struct!(Deletion { replay, at });

impl World {
    /// A sale.
    pub fn sale(&self, tag: SaleTag) -> Option<&Sale> {
        self.sales.get(tag)
    }

    /// All sales, in the order of their tags.
    pub fn sales(&self) -> impl ExactSizeIterator<Item = &Sale> {
        self.sales.values()
    }

    /// The epoch a new sale of this name would have.
    pub(crate) fn next_epoch(&self, tag: SaleTag) -> Epoch {
        Epoch(self.retired.get(&tag).map_or(0, |retired| retired.epoch.0) + 1)
    }

    /// The order event that those of a new sale of this name would follow.
    pub fn last_event(&self, tag: SaleTag) -> EventId {
        self.retired.get(&tag).map_or(EventId(0), |retired| retired.event)
    }

    /// Whether a sale of this name was deleted with this key; with the same key and another body is
    /// no.
    pub(crate) fn deleted_with(&self, tag: SaleTag, replay: ReplayKey, at: Millis) -> Option<bool> {
        let is_it = |deletion: &&Deletion| {
            deletion.replay.key == replay.key && at.since(deletion.at) < REPLAY_TTL_MS
        };
        let deletion = self.retired.get(&tag)?.deletions.iter().rfind(is_it)?;
        Some(deletion.replay == replay)
    }

    /// What is known of a creation with this key from the deleted sales of a name, or from a packed one.
    pub(crate) fn made_with(&self, tag: SaleTag, replay: ReplayKey, at: Millis) -> KnownChange {
        let retired = self.retired.get(&tag).into_iter().flat_map(|retired| &retired.creations);
        let creations = retired.chain(self.archived.made(tag));
        let mut last_first = creations.rev().map(|kept| kept.known(replay, at));
        last_first.find(|known| *known != KnownChange::New).unwrap_or(KnownChange::New)
    }

    /// Whether an operator's request came with this key, for a sale that is there or the creation of one that
    /// was deleted or is packed.
    pub(crate) fn knows_key(&self, replay: ReplayKey, at: Millis) -> bool {
        let is_known = |known| known != KnownChange::New;
        self.sales().any(|sale| is_known(sale.known_change(replay, at)))
            || self
                .retired
                .keys()
                .chain(self.archived.made_tags())
                .any(|tag| is_known(self.made_with(*tag, replay, at)))
    }

    /// How far a sale was followed that many nodes serve.
    pub fn point(&self, tag: SaleTag) -> Option<&Point> {
        self.points.get(&tag)
    }

    /// Whether this journal has all that this node ever acknowledged of a sale before `epoch` of its stream.
    pub fn knows_since_before(&self, tag: SaleTag, epoch: Epoch) -> bool {
        self.met.get(&tag).is_some_and(|met| *met < epoch)
    }

    /// Whether any sale is one that many nodes serve.
    pub fn is_shared(&self) -> bool {
        !self.points.is_empty()
    }

    /// Whether any sale is one that a single process serves.
    pub fn is_alone(&self) -> bool {
        let alone = |tag: &SaleTag| !self.points.contains_key(tag);
        self.sales.tags().any(|tag| alone(&tag)) || self.archived.cold.tags().iter().any(alone)
    }

    /// Order events that some sink has not taken, over all sales.
    pub fn undelivered(&self) -> usize {
        self.backlog.events()
    }

    /// Those that one sink has not taken.
    pub fn undelivered_to(&self, sink: SinkName) -> usize {
        self.backlog.events_for(sink)
    }

    /// Whether a sale has to wait for the order pipeline before it makes another hold: it has used up
    /// its part of the outbox. A sale within its share never waits for the others.
    pub fn is_stalled(&self, sale: &Sale) -> bool {
        let of_sale = sale.outbox().len();
        of_sale >= OUTBOX_SALE_EVENTS_MAX
            || of_sale >= OUTBOX_SALE_SHARE && self.backlog.events() >= OUTBOX_COMMON_EVENTS_MAX
    }

    /// Applies a decided fact.
    ///
    /// # Panics
    /// When the record does not follow from the state; see [`Sale::apply`].
    pub fn apply(&mut self, record: &Record, at: Millis) {
        if let Record::Created { .. } = record {
            let sale = Sale::created(record, at);
            let before = self.sales.insert(sale.tag(), sale);
            assert!(before.is_none(), "a name belongs to one sale at a time");
        } else if record.is_deletion() {
            let tag = record.sale();
            let cold = self.archived.unpack(tag, at);
            if let Some(sale) = cold {
                self.sales.insert(tag, sale);
            }
            self.retire(record, at);
        } else if let Record::Followed { sale, point, .. } = record {
            self.points.insert(*sale, *point);
        } else if let Record::Met { sale, epoch } = record {
            self.met.insert(*sale, *epoch);
        } else if let Record::Adopted { sale, is_first, bytes, stood } = record {
            self.adopt(*sale, *is_first, bytes, stood.as_ref());
        } else {
            let tag = record.sale();
            if !self.sales.has(tag) {
                let sale = self.archived.unpack(tag, at).expect("a record names a known sale");
                self.sales.insert(tag, sale);
            }
            let sale = self.sales.get_mut(tag).expect("it is there or was unpacked just now");
            let before = self.backlog.before(record, sale);
            sale.apply(record, at);
            self.backlog.changed(before, sale);
            if record.is_archival() {
                self.archived.replace(sale);
            }
        }
    }

    /// Says what of a fact that was decided elsewhere contradicts the state, if anything does: of `sale`, to
    /// be applied at `at`.
    pub fn follows(&self, sale: SaleTag, record: &Record, at: Millis) -> Result<(), &'static str> {
        if record.sale() != sale {
            return Err("a fact of another sale");
        }
        match (record, self.sale(sale)) {
            (Record::Created { .. }, None) => begins(record),
            (Record::Created { .. }, Some(_)) => Err("a creation of what is there"),
            (_, Some(known)) => known.follows(record, at),
            (_, None) => Err("a fact of a sale that is not there"),
        }
    }

    fn retire(&mut self, deletion: &Record, at: Millis) {
        let Record::Changed { sale: tag, replay, .. } = deletion else {
            unreachable!("a deletion is a change");
        };
        let (tag, deletion) = (*tag, replay.map(|replay| Deletion { replay, at }));
        let before = self.retired.remove(&tag);
        let (mut deletions, mut creations) =
            before.map_or_else(Default::default, |before| (before.deletions, before.creations));
        let gone = self.sales.remove(tag).expect("only a known sale is deleted");
        deletions.retain(|before| at.since(before.at) < REPLAY_TTL_MS);
        deletions.extend(deletion);
        creations.retain(|before| before.is_kept(at));
        creations.extend(gone.made().cloned());
        let too_many = |count: usize| ..count.saturating_sub(DELETIONS_KEPT_MAX);
        deletions.drain(too_many(deletions.len()));
        creations.drain(too_many(creations.len()));
        self.backlog.remove(gone.outbox());
        self.archived.forget(tag);
        let (epoch, event) = (gone.epoch(), gone.outbox().last());
        self.retired.insert(tag, Retired { epoch, event, deletions, creations });
        self.points.remove(&tag);
        self.met.remove(&tag);
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
            self.backlog.add(sale.outbox());
            self.archived.replace(&sale);
            if let Some(before) = self.sales.insert(tag, sale) {
                self.backlog.remove(before.outbox());
            }
            self.points.insert(tag, stood.point);
        }
    }

    /// Sales that are half taken over: the parts of their byte forms so far.
    pub(crate) fn adopting(&self) -> &BTreeMap<SaleTag, Vec<u8>> {
        &self.adopting
    }

    /// What a snapshot keeps apart, each with a part of the byte form of its own: sales, and those that are
    /// half taken over.
    pub(crate) fn parts(&self) -> BTreeSet<SaleTag> {
        let sales = self.sales.tags().chain(self.adopting.keys().copied());
        sales.chain(self.archived.cold.tags()).collect()
    }

    /// Writes a part.
    pub(crate) fn write_part(&self, tag: SaleTag, out: &mut impl Sink) {
        let (sale, adopting) = (self.sales.get(tag), self.adopting.get(&tag));
        let archived = self.packed(tag);
        out.put(&archived.is_some());
        if let Some(packed) = archived {
            out.put(&(packed.len() as u64));
            for byte in &packed {
                out.put(byte);
            }
        }
        let live = sale.filter(|sale| sale.archive().is_none());
        out.put(&live.is_some());
        if let Some(sale) = live {
            sale.write(out);
        }
        out.put(&adopting.is_some());
        if let Some(bytes) = adopting {
            out.put(&(bytes.len() as u64));
            for byte in bytes {
                out.put(byte);
            }
        }
    }

    /// Reads the part of what is called `tag`.
    pub(crate) fn read_part(
        &mut self,
        tag: SaleTag,
        input: &mut impl Source,
    ) -> Result<(), DecodeError> {
        if input.get()? {
            let packed = (0..input.get_count()?).map(|_| input.get()).collect::<Result<_, _>>()?;
            self.put_packed(tag, packed)?;
        }
        if input.get()? {
            let sale = Sale::read(input)?;
            if sale.tag() != tag {
                return Err(DecodeError("another sale's part"));
            }
            self.backlog.add(sale.outbox());
            self.sales.insert(tag, sale);
        }
        if input.get()? {
            let bytes = (0..input.get_count()?).map(|_| input.get()).collect::<Result<_, _>>()?;
            self.adopting.insert(tag, bytes);
        }
        Ok(())
    }

    /// The byte form of what is in no part.
    pub(crate) fn encode_rest(&self, out: &mut Vec<u8>) {
        self.retired.encode(out);
        self.points.encode(out);
        self.met.encode(out);
    }

    /// A world without its parts.
    pub(crate) fn decode_rest(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let (retired, points) = (BTreeMap::decode(input)?, BTreeMap::decode(input)?);
        Ok(Self { retired, points, met: BTreeMap::decode(input)?, ..Self::default() })
    }

    /// The world's byte form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut impl Sink) {
        out.put(&self.retired);
        out.put(&self.points);
        out.put(&self.met);
        let parts = self.parts();
        out.put(&(parts.len() as u64));
        for tag in parts {
            out.put(&tag);
            self.write_part(tag, out);
        }
    }

    /// The world of a byte form.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, DecodeError> {
        let input = &mut bytes;
        let mut world = Self::decode_rest(input)?;
        for _ in 0..input.get_count()? {
            let tag = input.get()?;
            world.read_part(tag, input)?;
        }
        if input.is_empty() { Ok(world) } else { Err(DecodeError("bytes left over")) }
    }

    /// The BLAKE3 hash of the byte form: equal for equal worlds.
    pub fn hash(&self) -> [u8; 32] {
        let mut hashing = Hashing::default();
        self.write(&mut hashing);
        hashing.finish()
    }
}

/// Says what of the creation of a sale that was decided elsewhere could not be, if anything could not.
pub fn begins(created: &Record) -> Result<(), &'static str> {
    let Record::Created { spec, epoch, told, .. } = created else {
        return Err("a sale that does not begin with its creation");
    };
    let epochs = Epoch(1)..Epoch(u32::MAX);
    let is_sound = spec.check().is_empty() && told.0 < EVENTS_MAX && epochs.contains(epoch);
    if is_sound { Ok(()) } else { Err("a creation with fields out of their bounds") }
}
