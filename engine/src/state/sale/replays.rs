//! What keyed requests were answered, for as long as a client may ask again.
//!
//! Entries are kept apart from purchases and their steps, each kind with a bound of its own: an entry
//! costs no one anything, and no number of them pushes out a purchase's answer. The keys of the two
//! never meet either.
//!
//! Millions of answers may be kept, so that of an entry takes 80 bytes and some 8 of index: who asked
//! is in the book of places, and what fits 32 bits is kept in 32. An answer that does not fit is kept
//! whole.

mod queue;

use self::queue::{Kept, Queue};
use super::places::Places;
use crate::{
    clock::Millis,
    codec::{DecodeError, Sink, Source},
    gate::EtaRange,
    hold::HoldState,
    id::{HoldId, Number, ShopperKey},
    limits::{ENTRY_REPLAYS_MAX, HOLD_REPLAYS_MAX},
    record::{EntryAnswer, EntryStanding, ReplayKey},
};

/// A hold, in the state it was told to be in.
pub(crate) type HoldAnswer = (HoldId, HoldState);

const _: () = assert!(size_of::<Kept<Told>>() == 80);
const _: () = assert!(size_of::<Kept<HoldAnswer>>() == 64);

/// The answer to an entry, without what is known from elsewhere: the shopper, and the time it was given.
#[derive(Clone, Debug)]
enum Told {
    Waiting {
        who: Who,
        ahead: u32,
        eta: Option<EtaRange>,
        silent_until: Millis,
    },
    SoldOut {
        who: Who,
        ahead: u32,
        silent_until: Millis,
    },
    /// Claimed at the moment it was told.
    Admitted {
        who: Who,
        expires_at: Millis,
    },
    Whole(Box<EntryAnswer>),
}

/// What all entries are told.
#[derive(Clone, Copy, Debug)]
struct Who {
    number: u32,
    serving: u32,
    line_length: u32,
}

impl Who {
    fn number(self) -> Number {
        Number(u64::from(self.number))
    }

    fn line(self) -> (Number, u64) {
        (Number(u64::from(self.serving)), u64::from(self.line_length))
    }
}

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Known<T> {
    /// Nothing: the request is new.
    New,
    /// It was answered so.
    Answered(T),
    /// It came with another body.
    OtherBody,
}

/// Answers by key, oldest first out.
#[derive(Clone, Debug)]
pub(crate) struct Replays {
    /// What entries were told.
    entries: Queue<Told>,
    /// What purchases and steps were told.
    holds: Queue<HoldAnswer>,
}

impl Default for Replays {
    fn default() -> Self {
        Self::keeping(ENTRY_REPLAYS_MAX, HOLD_REPLAYS_MAX)
    }
}

impl Replays {
    /// Keeps at most so many answers of each kind.
    fn keeping(entries_max: usize, holds_max: usize) -> Self {
        Self { entries: Queue::new(entries_max), holds: Queue::new(holds_max) }
    }

    /// Looks an entry up: the place it was told, if the shopper still has it. A place that is over is
    /// of no use to anyone, so a key that was answered with it is as good as new.
    pub(crate) fn entry(&self, replay: ReplayKey, at: Millis, places: &Places) -> Known<Number> {
        let kept = self.entries.find(replay.key, at).map(|kept| (kept, kept.number()));
        match kept.filter(|(_, number)| places.lives(*number)) {
            Some((kept, number)) if kept.body == replay.body => Known::Answered(number),
            Some(_) => Known::OtherBody,
            None => Known::New,
        }
    }

    /// What an entry was told of the place `number`, whatever has become of that since.
    pub(crate) fn told_of(
        &self,
        replay: ReplayKey,
        number: Number,
        at: Millis,
        places: &Places,
    ) -> Option<EntryAnswer> {
        let kept = self.entries.find(replay.key, at)?;
        let is_so = kept.body == replay.body && kept.number() == number;
        is_so.then(|| kept.answer(places))
    }

    /// Looks a purchase or a step up.
    pub(crate) fn hold(&self, replay: ReplayKey, at: Millis) -> Known<HoldAnswer> {
        match self.holds.find(replay.key, at) {
            Some(kept) if kept.body == replay.body => Known::Answered(kept.told),
            Some(_) => Known::OtherBody,
            None => Known::New,
        }
    }

    /// Keeps what an entry was told.
    pub(crate) fn keep_entry(
        &mut self,
        replay: ReplayKey,
        answer: EntryAnswer,
        at: Millis,
        places: &Places,
    ) {
        self.entries.keep(Kept::of_entry(replay, answer, at, places));
    }

    /// Keeps what a purchase or a step was told.
    pub(crate) fn keep_hold(&mut self, replay: ReplayKey, told: HoldAnswer, at: Millis) {
        let ReplayKey { key, body } = replay;
        self.holds.keep(Kept { key, body, at, told });
    }

    /// Forgets what purchases and steps were told that is not told any more at `at`.
    pub(crate) fn forget_past(&mut self, at: Millis) {
        self.holds.forget_past(at);
    }

    /// Forgets what entries were told.
    pub(crate) fn forget_entries(&mut self) {
        self.entries = Queue::new(ENTRY_REPLAYS_MAX);
    }

    /// What entries were told, the oldest first.
    pub(crate) fn entries(
        &self,
        places: &Places,
    ) -> impl ExactSizeIterator<Item = (ReplayKey, Millis, EntryAnswer)> {
        self.entries.iter().map(|kept| (kept.replay(), kept.at, kept.answer(places)))
    }

    /// What purchases and steps were told, the oldest first.
    pub(crate) fn holds(&self) -> impl ExactSizeIterator<Item = (ReplayKey, Millis, HoldAnswer)> {
        self.holds.iter().map(|kept| (kept.replay(), kept.at, kept.told))
    }

    /// The byte form: each key with its answer, as the record had it.
    pub(super) fn write(&self, places: &Places, out: &mut impl Sink) {
        out.put(&(self.entries.len() as u64));
        for (replay, at, answer) in self.entries(places) {
            out.put(&replay);
            out.put(&at);
            out.put(&answer);
        }
        out.put(&(self.holds.len() as u64));
        for (replay, at, (hold, state)) in self.holds() {
            out.put(&replay);
            out.put(&at);
            out.put(&hold);
            out.put(&state);
        }
    }

    /// Takes the byte form off the front of `input`.
    pub(super) fn read(input: &mut impl Source, places: &Places) -> Result<Self, DecodeError> {
        let count = bounded(input.get_count()?, ENTRY_REPLAYS_MAX)?;
        let mut replays = Self::default();
        replays.entries.reserve(count);
        for _ in 0..count {
            let (replay, at) = (input.get()?, input.get()?);
            replays.entries.push(Kept::of_entry(replay, input.get()?, at, places));
        }
        let count = bounded(input.get_count()?, HOLD_REPLAYS_MAX)?;
        replays.holds.reserve(count);
        for _ in 0..count {
            let (ReplayKey { key, body }, at) = (input.get()?, input.get()?);
            let told = (input.get()?, input.get()?);
            replays.holds.push(Kept { key, body, at, told });
        }
        Ok(replays)
    }
}

fn bounded(count: usize, most: usize) -> Result<usize, DecodeError> {
    if count <= most { Ok(count) } else { Err(DecodeError("more answers than are kept")) }
}

impl Kept<Told> {
    fn of_entry(replay: ReplayKey, answer: EntryAnswer, at: Millis, places: &Places) -> Self {
        let ReplayKey { key, body } = replay;
        let whole = |answer| Told::Whole(Box::new(answer));
        let Some(told) = Told::of(&answer) else {
            return Self { key, body, at, told: whole(answer) };
        };
        let kept = Self { key, body, at, told };
        if kept.answer(places) == answer { kept } else { Self { told: whole(answer), ..kept } }
    }

    /// The place it tells of.
    fn number(&self) -> Number {
        match &self.told {
            Told::Whole(answer) => answer.number,
            Told::Waiting { who, .. } | Told::SoldOut { who, .. } | Told::Admitted { who, .. } => {
                who.number()
            }
        }
    }

    /// The answer in the words it was given in.
    fn answer(&self, places: &Places) -> EntryAnswer {
        let (who, standing) = match &self.told {
            Told::Whole(answer) => return (**answer).clone(),
            Told::Waiting { who, ahead, eta, silent_until } => {
                let (ahead, eta, silent_until) = (u64::from(*ahead), *eta, *silent_until);
                let (serving, line_length) = who.line();
                (who, EntryStanding::Waiting { ahead, serving, line_length, eta, silent_until })
            }
            Told::SoldOut { who, ahead, silent_until } => {
                let (ahead, silent_until) = (u64::from(*ahead), *silent_until);
                let (serving, line_length) = who.line();
                (who, EntryStanding::SoldOut { ahead, serving, line_length, silent_until })
            }
            Told::Admitted { who, expires_at } => {
                let (claimed_at, expires_at) = (self.at, *expires_at);
                let (serving, line_length) = who.line();
                (who, EntryStanding::Admitted { claimed_at, expires_at, serving, line_length })
            }
        };
        let number = who.number();
        let shopper = places.shopper(number).unwrap_or(ShopperKey(0));
        EntryAnswer { number, shopper, at: self.at, standing }
    }
}

impl Told {
    /// The short form, if everything fits.
    fn of(answer: &EntryAnswer) -> Option<Self> {
        let short = |long: u64| u32::try_from(long).ok();
        let who = |serving: Number, line_length| {
            let (number, serving) = (short(answer.number.0)?, short(serving.0)?);
            Some(Who { number, serving, line_length: short(line_length)? })
        };
        Some(match answer.standing {
            EntryStanding::Waiting { ahead, serving, line_length, eta, silent_until } => {
                let (who, ahead) = (who(serving, line_length)?, short(ahead)?);
                Self::Waiting { who, ahead, eta, silent_until }
            }
            EntryStanding::SoldOut { ahead, serving, line_length, silent_until } => {
                let (who, ahead) = (who(serving, line_length)?, short(ahead)?);
                Self::SoldOut { who, ahead, silent_until }
            }
            EntryStanding::Admitted { expires_at, serving, line_length, .. } => {
                Self::Admitted { who: who(serving, line_length)?, expires_at }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_of_entries_makes_a_purchase_forgotten() {
        let (mut places, mut replays) = (Places::default(), Replays::keeping(4, 4));
        let replay = |key| ReplayKey { key, body: 0 };
        let bought = (HoldId(1), HoldState::Held);
        replays.keep_hold(replay(1), bought, Millis(1));
        for number in 1..=50_u64 {
            let (at, shopper) = (Millis(number), ShopperKey(number.into()));
            places.issue(Number(number), shopper);
            let standing = EntryStanding::SoldOut {
                ahead: 0,
                serving: Number(0),
                line_length: number,
                silent_until: at,
            };
            let answer = EntryAnswer { number: Number(number), shopper, at, standing };
            replays.keep_entry(replay(number.into()), answer, at, &places);
        }
        assert_eq!(replays.hold(replay(1), Millis(50)), Known::Answered(bought));
        let known = |key| replays.entry(replay(key), Millis(50), &places);
        assert_eq!(known(46), Known::New, "of entries, few are kept");
        assert_eq!(known(47), Known::Answered(Number(47)));
        assert_eq!((replays.entries.len(), replays.holds.len()), (4, 1));
    }
}
