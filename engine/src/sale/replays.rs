//! What keyed requests were answered, for as long as a client may ask again.
//!
//! Millions of answers may be kept, so each takes 80 bytes and some 8 of index: who asked is in the
//! book of places, and what fits 32 bits is kept in 32. An answer that does not fit is kept whole.

use std::collections::VecDeque;

use super::places::Places;
use crate::{
    clock::Millis,
    codec::{Binary as _, DecodeError, get_length},
    gate::EtaRange,
    hold::HoldState,
    id::{HoldId, Number, ShopperKey},
    keyed::{self, Table},
    limits::{REPLAY_TTL_MS, REPLAYS_MAX},
    record::{Answer, EntryAnswer, EntryStanding, ReplayKey},
};

/// One answered request.
#[derive(Clone, Debug)]
struct Kept {
    key: u128,
    body: u128,
    at: Millis,
    told: Told,
}

const _: () = assert!(size_of::<Kept>() == 80);

/// An answer without what is known from elsewhere: the shopper, and the time it was given.
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
    Hold {
        hold: HoldId,
        state: HoldState,
    },
    Whole(Box<Answer>),
}

/// What all entries are told.
#[derive(Clone, Copy, Debug)]
struct Who {
    number: u32,
    serving: u32,
    line_length: u32,
}

impl Who {
    fn line(self) -> (Number, u64) {
        (Number(u64::from(self.serving)), u64::from(self.line_length))
    }
}

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing: the request is new.
    New,
    /// It was answered so.
    Answered(Answer),
    /// It came with another body.
    OtherBody,
}

/// Answers by key, oldest first out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replays {
    /// In the order they came.
    kept: VecDeque<Kept>,
    /// Answers let go so far, modulo 2³²: the serial number of the first of `kept`.
    gone: u32,
    /// Serial numbers by key.
    serials: Table<u32>,
}

impl Replays {
    /// Looks a request up.
    pub(crate) fn look_up(&self, replay: ReplayKey, at: Millis, places: &Places) -> Known {
        let is = |serial: &u32| self.of(*serial).key == replay.key;
        let found = self.serials.find(keyed::hash(replay.key), is);
        match found.map(|serial| self.of(*serial)) {
            Some(kept) if at.since(kept.at) >= REPLAY_TTL_MS => Known::New,
            Some(kept) if kept.body == replay.body => Known::Answered(kept.answer(places)),
            Some(_) => Known::OtherBody,
            None => Known::New,
        }
    }

    /// Keeps an answer, letting go of those past their time and, at the bound, of the oldest.
    pub(crate) fn keep(&mut self, replay: ReplayKey, answer: Answer, at: Millis, places: &Places) {
        while self.kept.front().is_some_and(|kept| at.since(kept.at) >= REPLAY_TTL_MS) {
            self.forget_first();
        }
        if self.kept.len() >= REPLAYS_MAX {
            self.forget_first();
        }
        self.push(replay, answer, at, places);
    }

    /// All answers kept, oldest first.
    pub(crate) fn iter(
        &self,
        places: &Places,
    ) -> impl Iterator<Item = (ReplayKey, Millis, Answer)> {
        self.kept.iter().map(|kept| {
            let Kept { key, body, at, .. } = *kept;
            (ReplayKey { key, body }, at, kept.answer(places))
        })
    }

    /// Keys that made or moved a hold, oldest first.
    pub(crate) fn hold_keys(&self) -> impl Iterator<Item = u128> {
        let of_hold = |kept: &Kept| matches!(kept.told, Told::Hold { .. }).then_some(kept.key);
        self.kept.iter().filter_map(of_hold)
    }

    /// The byte form: each key with its answer, as the record had it.
    pub(super) fn encode(&self, places: &Places, out: &mut Vec<u8>) {
        (self.kept.len() as u64).encode(out);
        for kept in &self.kept {
            kept.key.encode(out);
            kept.body.encode(out);
            kept.at.encode(out);
            kept.answer(places).encode(out);
        }
    }

    /// Takes the byte form off the front of `input`.
    pub(super) fn decode(input: &mut &[u8], places: &Places) -> Result<Self, DecodeError> {
        let length = get_length(input)?.min(REPLAYS_MAX);
        let mut replays = Self {
            kept: VecDeque::with_capacity(length),
            serials: Table::with_capacity(length),
            gone: 0,
        };
        for _ in 0..length {
            let replay = ReplayKey { key: u128::decode(input)?, body: u128::decode(input)? };
            let at = Millis::decode(input)?;
            replays.push(replay, Answer::decode(input)?, at, places);
        }
        Ok(replays)
    }

    fn push(&mut self, replay: ReplayKey, answer: Answer, at: Millis, places: &Places) {
        let ReplayKey { key, body } = replay;
        let serial = self.gone.wrapping_add(u32::try_from(self.kept.len()).expect("a bound"));
        let (kept, gone) = (&self.kept, self.gone);
        let key_of = |serial: &u32| kept[serial.wrapping_sub(gone) as usize].key;
        self.serials.insert(keyed::hash(key), serial, |serial| keyed::hash(key_of(serial)));
        self.kept.push_back(Kept::new(key, body, at, answer, places));
    }

    /// The answer with a serial number.
    fn of(&self, serial: u32) -> &Kept {
        &self.kept[serial.wrapping_sub(self.gone) as usize]
    }

    fn forget_first(&mut self) {
        let serial = self.gone;
        if let Some(first) = self.kept.front() {
            self.serials.remove(keyed::hash(first.key), |other| *other == serial);
            self.kept.pop_front();
            self.gone = self.gone.wrapping_add(1);
        }
    }
}

impl Kept {
    fn new(key: u128, body: u128, at: Millis, answer: Answer, places: &Places) -> Self {
        let whole = |answer| Told::Whole(Box::new(answer));
        let Some(told) = Told::of(&answer) else {
            return Self { key, body, at, told: whole(answer) };
        };
        let kept = Self { key, body, at, told };
        if kept.answer(places) == answer { kept } else { Self { told: whole(answer), ..kept } }
    }

    /// The answer in the words it was given in.
    fn answer(&self, places: &Places) -> Answer {
        let (who, standing) = match &self.told {
            Told::Hold { hold, state } => return Answer::Hold { hold: *hold, state: *state },
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
        let number = Number(u64::from(who.number));
        let shopper = places.shopper(number).unwrap_or(ShopperKey(0));
        Answer::Entry { answer: EntryAnswer { number, shopper, at: self.at, standing } }
    }
}

impl Told {
    /// The short form, if everything fits.
    fn of(answer: &Answer) -> Option<Self> {
        let answer = match answer {
            Answer::Hold { hold, state } => return Some(Self::Hold { hold: *hold, state: *state }),
            Answer::Entry { answer } => answer,
        };
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
