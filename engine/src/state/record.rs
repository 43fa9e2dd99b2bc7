//! Records: the decided facts, which are all the journal holds and all the state is made of.
//!
//! A record says what happened, never what was asked. Applying the same records in the same order,
//! each at the time of its batch, gives the same state wherever and whenever it is done. The
//! byte form follows from the tags and the field order at the end of each type. A change of either is
//! a new journal version; a tag that is added is none, for no older journal has it.
//!
//! A batch moves thousands of records about, so what is large and seldom is boxed.

mod answer;

pub use self::answer::{EntryAnswer, EntryStanding, ReplayKey};
use crate::{
    clock::Millis,
    codec::{binary_enum, binary_struct},
    hold::{HoldItems, HoldState, Step},
    id::{Epoch, EventId, HoldId, NodeName, Number, OfferIndex, SaleTag, ShopperKey, SinkName},
    outbox::SinkSet,
    spec::{SaleSpec, SpecPatch},
    stream::Point,
};

/// One decided fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A sale came to be.
    Created {
        /// Who made it.
        author: Author,
        /// Its first epoch: 1, or one more than a deleted sale of the same name had.
        epoch: Epoch,
        /// Its order events follow this one, the last of a deleted sale of the same name.
        told: EventId,
        /// What it is.
        spec: Box<SaleSpec>,
        /// The operator's idempotency key, if one came.
        replay: Option<ReplayKey>,
    },
    /// An operator changed a sale.
    Changed {
        /// Which sale.
        sale: SaleTag,
        /// Who changed it.
        author: Author,
        /// What changed.
        change: Box<Change>,
        /// The operator's idempotency key, if one came.
        replay: Option<ReplayKey>,
    },
    /// A shopper got a number.
    Entered {
        /// Which sale.
        sale: SaleTag,
        /// The number, the next of the line.
        number: Number,
        /// Who got it.
        shopper: ShopperKey,
    },
    /// Waiting places left the line.
    Departed {
        /// Which sale.
        sale: SaleTag,
        /// Why.
        reason: Departure,
        /// Which places, ascending.
        numbers: Vec<Number>,
    },
    /// The gate moved on: every present place up to the watermark is called.
    Called {
        /// Which sale.
        sale: SaleTag,
        /// The new watermark.
        watermark: Number,
    },
    /// A called shopper claimed the admission.
    Claimed {
        /// Which sale.
        sale: SaleTag,
        /// Whose.
        number: Number,
    },
    /// An admission gave its slot back.
    SessionEnded {
        /// Which sale.
        sale: SaleTag,
        /// Whose.
        number: Number,
        /// Why.
        reason: SessionEnd,
    },
    /// What an entry with an idempotency key was answered.
    EntryAnswered {
        /// Which sale.
        sale: SaleTag,
        /// The key and the body it came with.
        replay: ReplayKey,
        /// The answer.
        answer: EntryAnswer,
    },
    /// An entry with an idempotency key was answered. What it was told follows from the state at this
    /// record, with an estimate by the configured pace alone, so that every node keeps the same words.
    EntryNoted {
        /// Which sale.
        sale: SaleTag,
        /// The key and the body it came with.
        replay: ReplayKey,
        /// The place it was told.
        number: Number,
    },
    /// Units were reserved.
    Held {
        /// Which sale.
        sale: SaleTag,
        /// The hold's number, the next of the sale.
        hold: HoldId,
        /// From which admitted place.
        number: Number,
        /// For whom.
        shopper: ShopperKey,
        /// What, at which price.
        items: HoldItems,
        /// The key the purchase came with.
        replay: Option<ReplayKey>,
    },
    /// A hold moved on.
    Settled {
        /// Which sale.
        sale: SaleTag,
        /// Which hold.
        hold: HoldId,
        /// How.
        step: Step,
        /// The key the request came with.
        replay: Option<ReplayKey>,
    },
    /// What a step with an idempotency key was answered that had been taken before.
    StepAnswered {
        /// Which sale.
        sale: SaleTag,
        /// Which hold.
        hold: HoldId,
        /// The state it was found and told to be in.
        state: HoldState,
        /// The key the request came with.
        replay: ReplayKey,
    },
    /// A sink took order events. Those leave the outbox that every sink has taken.
    Delivered {
        /// Of which sale.
        sale: SaleTag,
        /// Which sink, and which others there are.
        by: SinkSet,
        /// Which events, ascending.
        events: Vec<EventId>,
    },
    /// A sink refused an event for good; it waits for an operator.
    DeadLettered {
        /// Of which sale.
        sale: SaleTag,
        /// Which sink, and which others there are.
        by: SinkSet,
        /// Which event.
        event: EventId,
        /// What the sink said.
        why: String,
    },
    /// An operator sent dead letters to a sink again.
    Requeued {
        /// Of which sale.
        sale: SaleTag,
        /// Who.
        author: Author,
        /// Which sink.
        sink: SinkName,
        /// Which events, ascending.
        events: Vec<EventId>,
    },
    /// What follows, up to the next of this kind or the end of the journal's batch, is one entry of the
    /// stream that the nodes of a sale share. Only journals have it.
    Followed {
        /// Which sale.
        sale: SaleTag,
        /// When the entry was decided: the time of its facts.
        at: Millis,
        /// Where the stream stands with it.
        point: Point,
    },
    /// A node began to serve the sale.
    Joined {
        /// Which sale.
        sale: SaleTag,
        /// Which node.
        node: NodeName,
    },
    /// A node serves the sale no more: it stopped, or was silent for so long that the others go on
    /// without it. From here on it decides nothing before it joins again.
    Parted {
        /// Which sale.
        sale: SaleTag,
        /// Which node.
        node: NodeName,
    },
    /// The store had lost facts, and a node rewrote it from its own.
    Rebuilt {
        /// Which sale.
        sale: SaleTag,
        /// The new epoch of the stream.
        epoch: Epoch,
        /// The last sequence before it.
        after: u64,
        /// Nodes that were to be asked and did not answer: what they acknowledged last may be unknown.
        missing: Vec<NodeName>,
        /// Units of each offer that a missing node may have sold; empty when none is missing.
        stranded: Vec<u64>,
        /// Numbers of places that a missing node may have given out, and that are skipped.
        skipped: u32,
        /// Numbers of holds, likewise.
        skipped_holds: u32,
    },
    /// This node begins to know the sale from others: what it had acknowledged before, if it ever served
    /// the sale, is not in what follows. Only journals have it.
    Met {
        /// Which sale.
        sale: SaleTag,
        /// The stream's epoch at that time.
        epoch: Epoch,
    },
    /// The wall clock is so far from engine time: schedules and what people are told go by it.
    ClockSet {
        /// Which sale.
        sale: SaleTag,
        /// Wall clock less engine time, in milliseconds.
        offset_ms: i64,
    },
    /// No one could claim for a while: called places get time to.
    Resumed {
        /// Which sale.
        sale: SaleTag,
    },
    /// The units of a hold that has just come free are stranded: since the hold was made, the sale was rebuilt
    /// without a node that may have seen it end before, and sold them again. It is still missing.
    SetAside {
        /// Which sale.
        sale: SaleTag,
        /// Which hold.
        hold: HoldId,
    },
    /// A part of a sale's byte form, taken over from another node because the stream no longer has what
    /// follows this node's point. Only journals have it.
    Adopted {
        /// Which sale.
        sale: SaleTag,
        /// Whether it is the first part.
        is_first: bool,
        /// The part.
        bytes: Vec<u8>,
        /// With the last part: when, and at which point of the stream, the sale stood so.
        stood: Option<Stood>,
    },
}

impl Record {
    /// The sale that the fact is of.
    pub fn sale(&self) -> SaleTag {
        match self {
            Self::Created { spec, .. } => spec.name.tag(),
            Self::Changed { sale, .. }
            | Self::Entered { sale, .. }
            | Self::Departed { sale, .. }
            | Self::Called { sale, .. }
            | Self::Claimed { sale, .. }
            | Self::SessionEnded { sale, .. }
            | Self::EntryAnswered { sale, .. }
            | Self::EntryNoted { sale, .. }
            | Self::Held { sale, .. }
            | Self::Settled { sale, .. }
            | Self::StepAnswered { sale, .. }
            | Self::Delivered { sale, .. }
            | Self::DeadLettered { sale, .. }
            | Self::Requeued { sale, .. }
            | Self::Followed { sale, .. }
            | Self::Joined { sale, .. }
            | Self::Parted { sale, .. }
            | Self::Rebuilt { sale, .. }
            | Self::Met { sale, .. }
            | Self::ClockSet { sale, .. }
            | Self::Resumed { sale }
            | Self::SetAside { sale, .. }
            | Self::Adopted { sale, .. } => *sale,
        }
    }

    /// Whether the sale is gone with it.
    pub fn is_deletion(&self) -> bool {
        matches!(self, Self::Changed { change, .. } if **change == Change::Delete)
    }

    /// Whether the sale is archived with it.
    pub fn is_archival(&self) -> bool {
        matches!(self, Self::Changed { change, .. } if matches!(**change, Change::Archive { .. }))
    }

    /// Whether a journal's batch may begin with it that goes on with what another began: a mark, which
    /// says the time of the facts behind it, and what needs no time.
    pub fn begins_part(&self) -> bool {
        matches!(self, Self::Followed { .. } | Self::Met { .. } | Self::Adopted { .. })
    }

    /// The time of the facts from here on, where it is not that of their batch.
    pub fn decided_at(&self) -> Option<Millis> {
        if let Self::Followed { at, .. } = self { Some(*at) } else { None }
    }
}

binary_enum!(Record {
    1 => Created { author, epoch, told, spec, replay },
    2 => Changed { sale, author, change, replay },
    3 => Entered { sale, number, shopper },
    4 => Departed { sale, reason, numbers },
    5 => Called { sale, watermark },
    6 => Claimed { sale, number },
    7 => SessionEnded { sale, number, reason },
    8 => EntryAnswered { sale, replay, answer },
    9 => Held { sale, hold, number, shopper, items, replay },
    10 => Settled { sale, hold, step, replay },
    11 => Delivered { sale, by, events },
    12 => DeadLettered { sale, by, event, why },
    13 => Requeued { sale, author, sink, events },
    14 => StepAnswered { sale, hold, state, replay },
    15 => EntryNoted { sale, replay, number },
    16 => Followed { sale, at, point },
    17 => Joined { sale, node },
    18 => Parted { sale, node },
    19 => Rebuilt { sale, epoch, after, missing, stranded, skipped, skipped_holds },
    20 => Adopted { sale, is_first, bytes, stood },
    21 => Met { sale, epoch },
    22 => ClockSet { sale, offset_ms },
    23 => Resumed { sale },
    24 => SetAside { sale, hold },
});

/// When and where in its stream a sale stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stood {
    /// The time of its last fact.
    pub at: Millis,
    /// The stream's last entry it knew.
    pub point: Point,
}

binary_struct!(Stood { at, point });

/// Who asked for a change: `config`, or a key's role and the first digits of its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The name, as the audit shows it.
    pub name: String,
}

binary_struct!(Author { name });

impl Author {
    /// The store itself, which says only that a sale is gone that this node has missed the end of.
    pub fn store() -> Self {
        Self { name: "store".to_owned() }
    }
}

/// What changes about a sale by an operator, or by the return of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Some fields of the spec.
    Update {
        /// Which, and what they are from now on.
        patch: SpecPatch,
    },
    /// The gate stands still.
    Pause,
    /// The gate moves again.
    Resume,
    /// No new entries; people in line are served.
    Drain,
    /// The sale opens now, whatever its schedule said.
    Open,
    /// The sale closes now.
    Close,
    /// A word to everyone in the room; empty: none.
    Message {
        /// The word.
        text: String,
    },
    /// A new admission pace.
    Rate {
        /// Admissions per 1,000 seconds.
        admission_milli_per_second: u64,
    },
    /// Units come or go.
    Restock {
        /// Which offer.
        offer: OfferIndex,
        /// How many; negative takes unsold units away.
        units: i64,
    },
    /// The sale is gone.
    Delete,
    /// Stranded units were not sold after all, and are for sale again.
    Unstrand {
        /// Which offer.
        offer: OfferIndex,
        /// How many.
        units: u64,
    },
    /// A node that was missing when the store was rebuilt came back, and said what it had done meanwhile.
    Returned {
        /// Which node.
        node: NodeName,
        /// Units of each offer that it had promised and no other node knew of: they stay stranded.
        promised: Vec<u64>,
        /// Stranded units of each offer that no node can have promised: they are for sale again.
        /// None while another node is missing.
        released: Vec<u64>,
    },
    /// The sale is archived: its line, places, sessions and answers to entries are in a file of their own,
    /// durable before this, and not in the state any more. What was bought stays.
    Archive {
        /// The BLAKE3 hash of the file.
        digest: [u8; 32],
    },
}

binary_enum!(Change {
    0 => Update { patch },
    1 => Pause,
    2 => Resume,
    3 => Drain,
    4 => Open,
    5 => Close,
    6 => Message { text },
    7 => Rate { admission_milli_per_second },
    8 => Restock { offer, units },
    9 => Delete,
    10 => Unstrand { offer, units },
    11 => Returned { node, promised, released },
    12 => Archive { digest },
});

/// Why a waiting place left the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Departure {
    /// The shopper said so.
    Left,
    /// Not heard of for too long.
    Idle,
    /// Given up for a new place at the tail.
    Rejoined,
}

binary_enum!(Departure { 0 => Left, 1 => Idle, 2 => Rejoined });

/// Why an admission gave its slot back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionEnd {
    /// Called, but not claimed in time.
    Unclaimed,
    /// Its time was over.
    Expired,
    /// The backend said so.
    Ended,
    /// The shopper said so.
    Left,
    /// The shopper bought; the pass stays good for what the limit still allows.
    Completed,
}

binary_enum!(SessionEnd { 0 => Unclaimed, 1 => Expired, 2 => Ended, 3 => Left, 4 => Completed });
