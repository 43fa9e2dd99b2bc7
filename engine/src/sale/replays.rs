//! What keyed requests were answered, for as long as a client may ask again.

use std::collections::{HashMap, VecDeque};

use crate::{
    clock::Millis,
    codec::{Binary, DecodeError, binary_struct, get_length},
    limits::{REPLAY_TTL_MS, REPLAYS_MAX},
    record::{Answer, ReplayKey},
};

/// One answered request.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    body: u128,
    at: Millis,
    answer: Answer,
}

binary_struct!(Kept { body, at, answer });

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Known<'a> {
    /// Nothing: the request is new.
    New,
    /// It was answered so.
    Answered(&'a Answer),
    /// It came with another body.
    OtherBody,
}

/// Answers by key, oldest first out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Replays {
    kept: HashMap<u128, Kept>,
    /// Keys in the order they came.
    order: VecDeque<u128>,
}

impl Replays {
    /// Looks a request up.
    pub(crate) fn look_up(&self, replay: ReplayKey, at: Millis) -> Known<'_> {
        match self.kept.get(&replay.key) {
            Some(kept) if at.since(kept.at) >= REPLAY_TTL_MS => Known::New,
            Some(kept) if kept.body == replay.body => Known::Answered(&kept.answer),
            Some(_) => Known::OtherBody,
            None => Known::New,
        }
    }

    /// Keeps an answer, letting go of those past their time and, at the bound, of the oldest.
    pub(crate) fn keep(&mut self, replay: ReplayKey, answer: Answer, at: Millis) {
        self.forget_old(at);
        if self.order.len() >= REPLAYS_MAX {
            self.forget_first();
        }
        self.kept.insert(replay.key, Kept { body: replay.body, at, answer });
        self.order.push_back(replay.key);
    }

    /// Keys that an answer is kept for, oldest first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (u128, &Answer)> {
        self.order.iter().filter_map(|key| Some((*key, &self.kept.get(key)?.answer)))
    }

    fn forget_old(&mut self, at: Millis) {
        let old = |kept: &Kept| at.since(kept.at) >= REPLAY_TTL_MS;
        while self.order.front().and_then(|key| self.kept.get(key)).is_some_and(old) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some(key) = self.order.pop_front() {
            self.kept.remove(&key);
        }
    }
}

impl Binary for Replays {
    fn encode(&self, out: &mut Vec<u8>) {
        (self.order.len() as u64).encode(out);
        for key in &self.order {
            key.encode(out);
            self.kept[key].encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let mut replays = Self::default();
        for _ in 0..get_length(input)? {
            let key = u128::decode(input)?;
            replays.kept.insert(key, Kept::decode(input)?);
            replays.order.push_back(key);
        }
        Ok(replays)
    }
}
