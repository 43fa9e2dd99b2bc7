//! What the store said to each command, and the reply that follows from it.
//!
//! A verdict holds what only the store could tell: numbers, states, refusals. What a shopper is told
//! of a place besides follows from the node's world, once it has applied the batch's facts.

use std::sync::Arc;

use engine::{
    clock::Millis,
    codec::{Binary as _, DecodeError},
    command::{Ask, Entry, HoldReply, Reply},
    hold::HoldState,
    id::{HoldId, Number},
    line::PlaceState,
    record::{EntryAnswer, ReplayKey},
    sale::{EndRefusal, EntryRefusal, Phase, PlaceRefusal, PurchaseRefusal, Sale, SettleRefusal},
    session::{Session, SessionState},
};

/// What a command came to. The variant follows from the command's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// To `Enter`.
    Entry(Result<Placed, EntryRefusal>),
    /// To `Leave`.
    Left(Result<(), PlaceRefusal>),
    /// To `Claim`.
    Claim(Result<Session, PlaceRefusal>),
    /// To `Purchase`.
    Purchase(Result<HoldTold, PurchaseRefusal>),
    /// To `Settle`.
    Settle(Result<HoldTold, SettleRefusal>),
    /// To `EndSession`.
    Ended(Result<(), EndRefusal>),
    /// To `Idle`: 1 if any place was ended.
    Idle(usize),
}

/// The place an entry was given or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its number.
    pub number: Number,
    /// Whether the key was answered before.
    pub replayed: bool,
}

/// The hold that a purchase or a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldTold {
    /// Its number.
    pub hold: HoldId,
    /// The state it is told to be in.
    pub state: HoldState,
    /// Whether the key was answered before.
    pub replayed: bool,
}

impl Verdict {
    /// What an entry that repeats another was told then, as `sale` has it before the facts of its batch: by
    /// their end the place may be gone, and the key have another.
    pub fn recalled(&self, ask: &Ask, sale: &Sale, at: Millis) -> Option<EntryAnswer> {
        let Self::Entry(Ok(placed)) = self else { return None };
        placed.replayed.then(|| sale.told_entry(key_of(ask), placed.number, at))?
    }

    /// The reply to `ask`, by a sale that has applied the facts of the batch and nothing since.
    ///
    /// `recalled` is what [`Self::recalled`] said before the batch's facts were applied.
    ///
    /// `None` when it speaks of a place or a hold that the sale does not have: the store contradicts itself.
    pub fn reply(
        self,
        ask: &Ask,
        sale: &Sale,
        at: Millis,
        recalled: Option<EntryAnswer>,
    ) -> Option<Reply> {
        Some(match self {
            Self::Entry(Ok(placed)) => {
                sale.shopper(placed.number)?;
                let told = recalled.or_else(|| sale.told_entry(key_of(ask), placed.number, at));
                let answer = told.unwrap_or_else(|| sale.entry_answer(placed.number, at));
                Reply::Entry(Ok(Entry { epoch: sale.epoch(), answer, replayed: placed.replayed }))
            }
            Self::Entry(Err(refusal)) => Reply::Entry(Err(refusal)),
            Self::Left(left) => Reply::Left(left),
            Self::Claim(session) => Reply::Claim(session),
            Self::Purchase(Ok(told)) => Reply::Purchase(Ok(hold(told, sale)?)),
            Self::Purchase(Err(refusal)) => Reply::Purchase(Err(refusal)),
            Self::Settle(Ok(told)) => Reply::Settle(Ok(hold(told, sale)?)),
            Self::Settle(Err(refusal)) => Reply::Settle(Err(refusal)),
            Self::Ended(ended) => Reply::Ended(ended),
            Self::Idle(count) => Reply::Noted(count),
        })
    }
}

/// The idempotency key of an entry.
fn key_of(ask: &Ask) -> Option<ReplayKey> {
    if let Ask::Enter { replay, .. } = ask { *replay } else { None }
}

fn hold(told: HoldTold, sale: &Sale) -> Option<HoldReply> {
    let mut hold = Arc::clone(sale.recall_hold(told.hold)?);
    if hold.state != told.state {
        Arc::make_mut(&mut hold).state = told.state;
    }
    Some(HoldReply { hold, replayed: told.replayed })
}

/// Bytes of replies in `function/commands.lua`.
mod said {
    pub(super) const DONE: u8 = 0;
    pub(super) const PLACED: u8 = 1;
    pub(super) const SESSION: u8 = 2;
    pub(super) const HOLD: u8 = 3;
    pub(super) const NOTED: u8 = 4;
    pub(super) const NOT_OPEN: u8 = 16;
    pub(super) const OTHER_BODY: u8 = 17;
    pub(super) const LINE_FULL: u8 = 18;
    pub(super) const NO_PLACE: u8 = 19;
    pub(super) const NOT_CALLED: u8 = 20;
    pub(super) const NO_SESSION: u8 = 21;
    pub(super) const LIMIT: u8 = 22;
    pub(super) const SOLD_OUT: u8 = 23;
    pub(super) const STALLED: u8 = 24;
    pub(super) const HOLDS_FULL: u8 = 25;
    pub(super) const NO_HOLD: u8 = 26;
    pub(super) const WRONG_STATE: u8 = 27;
    pub(super) const TOO_MANY_HOLDS: u8 = 28;
    pub(super) const ENTERED_BEFORE: u8 = 29;
}

const UNFIT: DecodeError = DecodeError("a reply that its command cannot get");

/// Reads one reply to each command.
pub(super) fn decode(mut replies: &[u8], asks: &[Ask]) -> Result<Vec<Verdict>, DecodeError> {
    let input = &mut replies;
    let verdicts: Result<Vec<_>, _> = asks.iter().map(|ask| one(ask, input)).collect();
    if input.is_empty() { verdicts } else { Err(DecodeError("more replies than commands")) }
}

fn one(ask: &Ask, input: &mut &[u8]) -> Result<Verdict, DecodeError> {
    let byte = u8::decode(input)?;
    Ok(match ask {
        Ask::Enter { .. } => Verdict::Entry(placed(byte, input)?),
        Ask::Leave { .. } if byte == said::DONE => Verdict::Left(Ok(())),
        Ask::Leave { .. } => Verdict::Left(Err(place_refusal(byte, input)?)),
        Ask::Claim { ticket, .. } if byte == said::SESSION => {
            let (number, state) = (ticket.number, session_state(input)?);
            let (since, deadline) = (Millis::decode(input)?, Millis::decode(input)?);
            Verdict::Claim(Ok(Session { number, state, since, deadline }))
        }
        Ask::Claim { .. } => Verdict::Claim(Err(place_refusal(byte, input)?)),
        Ask::Purchase { .. } if byte == said::HOLD => Verdict::Purchase(Ok(told(input)?)),
        Ask::Purchase { .. } => Verdict::Purchase(Err(purchase_refusal(byte, input)?)),
        Ask::Settle { .. } if byte == said::HOLD => Verdict::Settle(Ok(told(input)?)),
        Ask::Settle { .. } => Verdict::Settle(Err(settle_refusal(byte, input)?)),
        Ask::EndSession { .. } => match byte {
            said::DONE => Verdict::Ended(Ok(())),
            said::NO_SESSION => Verdict::Ended(Err(EndRefusal::NoSession)),
            _ => return Err(UNFIT),
        },
        Ask::Idle { .. } if byte == said::NOTED => Verdict::Idle(usize::from(u8::decode(input)?)),
        Ask::Idle { .. } => return Err(UNFIT),
    })
}

fn placed(byte: u8, input: &mut &[u8]) -> Result<Result<Placed, EntryRefusal>, DecodeError> {
    Ok(Err(match byte {
        said::PLACED => {
            let (number, replayed) = (Number::decode(input)?, bool::decode(input)?);
            return Ok(Ok(Placed { number, replayed }));
        }
        said::NOT_OPEN => EntryRefusal::NotOpen(Phase::decode(input)?),
        said::OTHER_BODY => EntryRefusal::OtherBody,
        said::LINE_FULL => EntryRefusal::LineFull,
        said::ENTERED_BEFORE => EntryRefusal::EnteredBefore,
        _ => return Err(UNFIT),
    }))
}

fn told(input: &mut &[u8]) -> Result<HoldTold, DecodeError> {
    let (hold, state) = (HoldId::decode(input)?, HoldState::decode(input)?);
    Ok(HoldTold { hold, state, replayed: bool::decode(input)? })
}

/// Places have the states of sessions among theirs, under other bytes.
fn session_state(input: &mut &[u8]) -> Result<SessionState, DecodeError> {
    let state = PlaceState::decode(input)?;
    [
        (PlaceState::Admitted, SessionState::Admitted),
        (PlaceState::Completed, SessionState::Completed),
    ]
    .into_iter()
    .find_map(|(place, session)| (place == state).then_some(session))
    .ok_or(UNFIT)
}

fn place_refusal(byte: u8, input: &mut &[u8]) -> Result<PlaceRefusal, DecodeError> {
    match byte {
        said::NO_PLACE => Ok(PlaceRefusal::NoPlace),
        said::NOT_CALLED => PlaceState::decode(input).map(PlaceRefusal::NotCalled),
        _ => Err(UNFIT),
    }
}

fn purchase_refusal(byte: u8, input: &mut &[u8]) -> Result<PurchaseRefusal, DecodeError> {
    Ok(match byte {
        said::NOT_OPEN => PurchaseRefusal::NotOpen(Phase::decode(input)?),
        said::NO_SESSION => PurchaseRefusal::NoSession,
        said::OTHER_BODY => PurchaseRefusal::OtherBody,
        said::LIMIT => {
            let (taken, limit) = (u64::decode(input)?, u32::decode(input)?);
            PurchaseRefusal::Limit { taken, limit }
        }
        said::TOO_MANY_HOLDS => PurchaseRefusal::TooManyHolds,
        said::SOLD_OUT => PurchaseRefusal::SoldOut,
        said::STALLED => PurchaseRefusal::Stalled,
        said::HOLDS_FULL => PurchaseRefusal::HoldsFull,
        _ => return Err(UNFIT),
    })
}

fn settle_refusal(byte: u8, input: &mut &[u8]) -> Result<SettleRefusal, DecodeError> {
    match byte {
        said::NO_HOLD => Ok(SettleRefusal::NoHold),
        said::WRONG_STATE => HoldState::decode(input).map(SettleRefusal::WrongState),
        said::OTHER_BODY => Ok(SettleRefusal::OtherBody),
        _ => Err(UNFIT),
    }
}
