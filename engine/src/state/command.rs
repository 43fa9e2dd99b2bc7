//! What handlers ask of the scribe, and what it answers.
//!
//! A command is plain data about verified things: identity, ownership and authority were checked
//! before it was made. Its reply comes once everything it caused is durable.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::{
    hold::{Hold, HoldState, Step},
    id::{Epoch, EventId, HoldId, Number, OfferIndex, SaleTag, ShopperKey, SinkName},
    limits::{COMMAND_BYTES_MAX, IDLE_PLACES_MAX, RECORD_BYTES_MAX, REQUEUE_EVENTS_MAX},
    outbox::SinkSet,
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
    /// Of a sale's line, sessions and stock: only who decides can answer.
    Ask(SaleTag, Ask),
    /// Of the sale itself: any node decides it on what it knows, and tells the others.
    Operate(Operation),
    /// Of a sale's order events: true whoever is told.
    Note(SaleTag, Note),
}

/// What shoppers ask of a sale, and what is asked on their behalf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A shopper enters the room.
    Enter {
        /// Who.
        shopper: ShopperKey,
        /// The idempotency key, if one came.
        replay: Option<ReplayKey>,
    },
    /// A shopper leaves.
    Leave {
        /// The place, verified.
        ticket: TicketRef,
    },
    /// A called shopper claims the admission.
    Claim {
        /// The place, verified.
        ticket: TicketRef,
    },
    /// An admitted shopper buys.
    Purchase {
        /// The place of the pass, verified.
        pass: TicketRef,
        /// Offers and quantities, each at least 1.
        items: Wanted,
        /// The idempotency key.
        replay: ReplayKey,
    },
    /// A hold moves on.
    Settle {
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
        /// The pass's epoch.
        epoch: Epoch,
        /// The pass's number.
        number: Number,
    },
    /// Waiting places were not heard of for too long.
    Idle {
        /// Which places, ascending, at most [`IDLE_PLACES_MAX`].
        numbers: Vec<Number>,
    },
}

/// What operators ask, or the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Makes a sale.
    Create {
        /// Who.
        author: Author,
        /// What.
        spec: Box<SaleSpec>,
        /// The idempotency key, if one came.
        replay: Option<ReplayKey>,
    },
    /// Changes a sale.
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
}

/// What the order pipeline tells, and what only wants this node to have heard of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A sink took order events.
    Delivered {
        /// Which sink, and which others there are.
        by: SinkSet,
        /// Which, ascending.
        events: Vec<EventId>,
    },
    /// A sink refused an event for good.
    DeadLetter {
        /// Which sink, and which others there are.
        by: SinkSet,
        /// Which.
        event: EventId,
        /// What it said.
        why: String,
    },
    /// An operator sends dead letters to a sink again.
    Requeue {
        /// Who.
        author: Author,
        /// Which sink.
        sink: SinkName,
        /// Which; `None`: all of the sale.
        events: Option<Vec<EventId>>,
    },
    /// Nothing: the answer comes when this node knows what any had acknowledged before.
    Refresh,
}

/// Under what conditions an operator asks for a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The idempotency key, if one came.
    pub replay: Option<ReplayKey>,
    /// The versions that the change may be made to; `None`: any.
    pub versions: Option<Box<[Version]>>,
    /// How many facts this process must have applied to the sale; `None`: any number.
    pub facts: Option<u64>,
}

impl Command {
    /// The sale that is asked about, changed or made.
    pub fn sale(&self) -> SaleTag {
        match self {
            Self::Ask(sale, _) | Self::Note(sale, _) => *sale,
            Self::Operate(operation) => operation.sale(),
        }
    }

    /// Whether the backend or an operator asks, or the order pipeline, and not a shopper.
    pub fn is_privileged(&self) -> bool {
        match self {
            Self::Ask(_, Ask::Settle { by, .. }) => *by == Settler::Backend,
            Self::Ask(_, ask) => matches!(ask, Ask::EndSession { .. }),
            Self::Operate(_) => true,
            Self::Note(_, note) => *note != Note::Refresh,
        }
    }

    /// The most bytes the command's records can add to a batch.
    pub(crate) fn bytes_max(&self) -> usize {
        match self {
            Self::Ask(_, Ask::Idle { numbers }) => 64 + numbers.len().min(IDLE_PLACES_MAX) * 8,
            Self::Ask(..) => COMMAND_BYTES_MAX,
            Self::Operate(_) => RECORD_BYTES_MAX,
            Self::Note(_, Note::Delivered { by, events }) => 64 + by.bytes_max() + events.len() * 8,
            Self::Note(_, Note::DeadLetter { by, why, .. }) => 64 + by.bytes_max() + why.len(),
            Self::Note(_, Note::Requeue { author, .. }) => {
                96 + author.name.len() + REQUEUE_EVENTS_MAX * 8
            }
            Self::Note(_, Note::Refresh) => 0,
        }
    }
}

impl Operation {
    /// The sale it makes or changes.
    pub fn sale(&self) -> SaleTag {
        match self {
            Self::Create { spec, .. } => spec.name.tag(),
            Self::Change { sale, .. } => *sale,
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
    /// To an [`Operation`].
    Changed(Result<Changed, ChangeRefusal>),
    /// To any: who decides could not be asked in time. Whether it was done is unknown; asking again with
    /// the same key, or for the same place or hold, is safe.
    Unavailable,
    /// To any: nothing was done, for this node has yet to join the nodes of a sale that was just made elsewhere.
    /// That takes a few ticks, and the scribe asks again.
    NotYet,
    /// To an [`Operation`]: nothing was done, for this node's disk has no room for what has to be written first.
    StorageFull,
    /// To a [`Note`] and to `Idle`: how many places or events it concerned.
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

impl HoldReply {
    /// What a decision about a hold comes to: `told` is the state that its key was answered with before, if
    /// it was.
    pub(crate) fn of(hold: &Arc<Hold>, told: Option<HoldState>) -> Self {
        let mut hold = Arc::clone(hold);
        if let Some(state) = told.filter(|state| *state != hold.state) {
            Arc::make_mut(&mut hold).state = state;
        }
        Self { hold, replayed: told.is_some() }
    }
}
