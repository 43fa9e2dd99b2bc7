//! What handlers ask of the scribe, and what it answers.
//!
//! A command is plain data about verified things: identity, ownership and authority were checked
//! before it was made. Its reply comes once everything it caused is durable.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::{
    hold::{Hold, Step},
    id::{Epoch, EventId, HoldId, Number, OfferIndex, SaleTag, ShopperKey},
    limits::{COMMAND_BYTES_MAX, IDLE_PLACES_MAX, RECORD_BYTES_MAX, REQUEUE_EVENTS_MAX},
    record::{Author, Change, EntryAnswer, ReplayKey},
    sale::{
        ChangeAnswer, ChangeRefusal, EndRefusal, EntryRefusal, PlaceRefusal, PurchaseRefusal,
        SettleRefusal, Settler, TicketRef, Version,
    },
    session::Session,
    spec::SaleSpec,
};

/// Offers and quantities of a purchase; up to two need no allocation.
pub type Wanted = SmallVec<[(OfferIndex, u32); 2]>;

/// One request to the one writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A shopper enters the room.
    Enter {
        /// Which sale.
        sale: SaleTag,
        /// Who.
        shopper: ShopperKey,
        /// The idempotency key, if one came.
        replay: Option<ReplayKey>,
    },
    /// A shopper leaves.
    Leave {
        /// Which sale.
        sale: SaleTag,
        /// The place, verified.
        ticket: TicketRef,
    },
    /// A called shopper claims the admission.
    Claim {
        /// Which sale.
        sale: SaleTag,
        /// The place, verified.
        ticket: TicketRef,
    },
    /// An admitted shopper buys.
    Purchase {
        /// Which sale.
        sale: SaleTag,
        /// The place of the pass, verified.
        pass: TicketRef,
        /// Offers and quantities, each at least 1.
        items: Wanted,
        /// The idempotency key.
        replay: ReplayKey,
    },
    /// A hold moves on.
    Settle {
        /// Which sale.
        sale: SaleTag,
        /// The sale's epoch when the hold was made.
        epoch: Epoch,
        /// Which hold.
        hold: HoldId,
        /// How.
        step: Step,
        /// On whose word.
        by: Settler,
        /// The idempotency key, if one came.
        replay: Option<ReplayKey>,
    },
    /// The backend ends a session.
    EndSession {
        /// Which sale.
        sale: SaleTag,
        /// The pass's epoch.
        epoch: Epoch,
        /// The pass's number.
        number: Number,
    },
    /// An operator, or the config, makes a sale.
    Create {
        /// Who.
        author: Author,
        /// What.
        spec: Box<SaleSpec>,
        /// The idempotency key, if one came.
        replay: Option<ReplayKey>,
    },
    /// An operator changes a sale.
    Change {
        /// Which sale.
        sale: SaleTag,
        /// Who.
        author: Author,
        /// How.
        change: Box<Change>,
        /// Under what conditions.
        terms: Terms,
    },
    /// Waiting places were not heard of for too long.
    Idle {
        /// Which sale.
        sale: SaleTag,
        /// Which places, ascending, at most [`IDLE_PLACES_MAX`].
        numbers: Vec<Number>,
    },
    /// The sink took order events.
    Delivered {
        /// Of which sale.
        sale: SaleTag,
        /// Which, ascending.
        events: Vec<EventId>,
    },
    /// The sink refused an event for good.
    DeadLetter {
        /// Of which sale.
        sale: SaleTag,
        /// Which.
        event: EventId,
        /// What it said.
        why: String,
    },
    /// An operator sends dead letters to the sink again.
    Requeue {
        /// Of which sale.
        sale: SaleTag,
        /// Who.
        author: Author,
        /// Which; `None`: all of the sale.
        events: Option<Vec<EventId>>,
    },
}

/// Under what conditions an operator asks for a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The idempotency key, if one came.
    pub replay: Option<ReplayKey>,
    /// The versions that the change may be made to; `None`: any.
    pub versions: Option<Box<[Version]>>,
}

impl Command {
    /// Whether the backend or an operator asks, or the order pipeline, and not a shopper.
    pub fn is_privileged(&self) -> bool {
        match self {
            Self::Settle { by, .. } => *by == Settler::Backend,
            Self::EndSession { .. }
            | Self::Create { .. }
            | Self::Change { .. }
            | Self::Delivered { .. }
            | Self::DeadLetter { .. }
            | Self::Requeue { .. } => true,
            Self::Enter { .. }
            | Self::Leave { .. }
            | Self::Claim { .. }
            | Self::Purchase { .. }
            | Self::Idle { .. } => false,
        }
    }

    /// The most bytes the command's records can add to a batch.
    pub(crate) fn bytes_max(&self) -> usize {
        match self {
            Self::Create { .. } | Self::Change { .. } => RECORD_BYTES_MAX,
            Self::Idle { numbers, .. } => 64 + numbers.len().min(IDLE_PLACES_MAX) * 8,
            Self::Delivered { events, .. } => 64 + events.len() * 8,
            Self::DeadLetter { why, .. } => 64 + why.len(),
            Self::Requeue { author, .. } => 64 + author.name.len() + REQUEUE_EVENTS_MAX * 8,
            Self::Enter { .. }
            | Self::Leave { .. }
            | Self::Claim { .. }
            | Self::Purchase { .. }
            | Self::Settle { .. }
            | Self::EndSession { .. } => COMMAND_BYTES_MAX,
        }
    }
}

/// What a command came to. The variant follows from the command's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To `Enter`.
    Entry(Result<Entry, EntryRefusal>),
    /// To `Leave`.
    Left(Result<(), PlaceRefusal>),
    /// To `Claim`.
    Claim(Result<Session, PlaceRefusal>),
    /// To `Purchase`.
    Purchase(Result<HoldReply, PurchaseRefusal>),
    /// To `Settle`.
    Settle(Result<HoldReply, SettleRefusal>),
    /// To `EndSession`.
    Ended(Result<(), EndRefusal>),
    /// To `Create` and `Change`.
    Changed(Result<Changed, ChangeRefusal>),
    /// To any: who decides could not be asked in time. Whether it was done is unknown; asking again with
    /// the same key, or for the same place or hold, is safe.
    Unavailable,
    /// To any: nothing was done, for this node has yet to join the nodes of a sale that was just made elsewhere.
    /// That takes a few ticks, and the scribe asks again.
    NotYet,
    /// To the pipeline's and the scribe's own commands: how many places or events it concerned.
    Noted(usize),
}

/// A place, new or found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The sale's epoch.
    pub epoch: Epoch,
    /// The place as it is told.
    pub answer: EntryAnswer,
    /// Whether the key was answered before, in the same words.
    pub replayed: bool,
}

/// A sale that was made or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// How it stood then; `None` when it was deleted.
    pub answer: Option<Arc<ChangeAnswer>>,
    /// Whether the key was answered before, in the same words.
    pub replayed: bool,
}

/// A hold, made, moved or found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldReply {
    /// The hold, in the state the asker is told.
    pub hold: Arc<Hold>,
    /// Whether the key was answered before, in the same words.
    pub replayed: bool,
}
