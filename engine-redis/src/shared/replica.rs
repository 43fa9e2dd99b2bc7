//! How a node stands with the stream of each sale.

use std::{cell::OnceCell, collections::VecDeque};

use engine::{
    arbiter::Moment,
    clock::Millis,
    id::Epoch,
    limits::{IN_TOUCH_MS, QUORUM_PRESENT_MS},
    stream::Point,
};

use super::{due::CallTimes, unsaved::Unsaved};
use crate::store::{Entry, StoreError};

/// Entries kept for nodes that are a little behind when this one has to rebuild the store.
const RECENT_ENTRIES_MAX: usize = 1_024;
/// Facts in them, so that batches of a crowd do not fill the memory.
const RECENT_FACTS_MAX: usize = 65_536;
/// How often a sale that is lost is asked for.
pub(super) const GATHER_MS: u64 = 100;

/// A sale that this node has just heard of is joined in two or three ticks: only what takes longer is worth
/// a word. A node that starts waits for it before it is ready.
const JOINING_MS: u64 = 2_000;

/// One sale.
#[derive(Debug)]
pub(super) struct Replica {
    /// The epoch of the stream.
    pub epoch: Epoch,
    pub state: ReplicaState,
    /// Why the last call failed at this sale alone: another server has its slot, the library fails at
    /// what its keys hold, or its stream has what cannot be read. The next call that succeeds ends it.
    pub failing: Option<String>,
    /// It fails because this node cannot read what the store decided: it asks for no more of that.
    pub is_unreadable: bool,
    /// Since when other nodes have yet to hear that this one serves; `None` when all know.
    pub joining_since: Option<Millis>,
    /// The last entry that was journaled when turn [`Self::followed_turn`] began, in which the last one was
    /// followed. In later turns all are.
    pub journaled: Point,
    pub followed_turn: u64,
    /// When the store last answered a call for this sale; `None` before it has.
    pub touched: Option<Moment>,
    /// For how long this node had been out of touch when it noticed that the store lost the sale, if that
    /// was short enough for it to know who served.
    pub out_of_touch_ms: Option<u64>,
    /// When the quorum last answered, of those that came together since.
    pub gathered_at: Option<Moment>,
    pub calls: CallTimes,
    /// Whether this node hands the order events on.
    pub is_delivering: bool,
    /// When the others were looked after last.
    pub roll_called_at: Millis,
    /// Units of each offer that this node had promised in a history that was left behind.
    pub promised: Option<Vec<u64>>,
    /// The last entries, oldest first.
    pub recent: VecDeque<Entry>,
    /// Facts in them.
    recent_facts: usize,
    pub unsaved: Unsaved,
    /// The slot of a cluster that the sale is in, once it was asked for.
    pub slot: OnceCell<u16>,
}

/// Whether the store and this node have the same history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReplicaState {
    Following,
    /// The store lost the sale, or was restarted: the nodes come together.
    Gathering {
        /// When to ask again.
        next: Millis,
        /// What is being waited for.
        why: String,
    },
    /// The stream no longer has what follows this node's point.
    Adopting,
    /// This node writes it into the store or takes it over, beside the turns: what it does.
    Beside(String),
    /// The stream has what contradicts this node's world, which may have taken over some of it: nothing
    /// more is done with the sale before the next start.
    OutOfService(String),
}

impl Replica {
    pub(super) fn at(epoch: Epoch) -> Self {
        Self {
            epoch,
            state: ReplicaState::Following,
            failing: None,
            is_unreadable: false,
            joining_since: Some(Millis(0)),
            journaled: Point::START,
            followed_turn: 0,
            touched: None,
            out_of_touch_ms: None,
            gathered_at: None,
            calls: CallTimes::default(),
            is_delivering: false,
            roll_called_at: Millis(0),
            promised: None,
            recent: VecDeque::new(),
            recent_facts: 0,
            unsaved: Unsaved::default(),
            slot: OnceCell::new(),
        }
    }

    pub(super) fn remember(&mut self, entry: Entry) {
        self.unsaved.add(&entry);
        self.recent_facts += entry.records.len();
        self.recent.push_back(entry);
        while self.recent.len() > RECENT_ENTRIES_MAX || self.recent_facts > RECENT_FACTS_MAX {
            let oldest = self.recent.pop_front().map_or(0, |entry| entry.records.len());
            self.recent_facts -= oldest;
        }
    }

    /// The time of the last fact that this node followed since it started.
    pub(super) fn last_fact_at(&self) -> Option<Millis> {
        self.recent.back().map(|entry| entry.at)
    }

    /// Notes what was journaled when turn `turn` began, in which an entry behind `point` is followed.
    pub(super) fn begin_following(&mut self, turn: u64, point: Point) {
        if self.followed_turn != turn {
            (self.followed_turn, self.journaled) = (turn, point);
        }
    }

    /// The entries behind `seq` up to `last`, and the point that they follow: later than `seq` when the
    /// entries do not go back so far.
    pub(super) fn since(&self, seq: u64, last: Point) -> (Point, Vec<Entry>) {
        // Without the entry before them, it could not be told that their history leads there.
        let Some(base) = self.recent.iter().rfind(|entry| entry.point.seq <= seq) else {
            return (last, Vec::new());
        };
        let later = |entry: &&Entry| entry.point.seq > base.point.seq;
        (base.point, self.recent.iter().filter(later).cloned().collect())
    }

    /// Nothing is decided before the nodes have come together; asks again at `next`.
    pub(super) fn gather(&mut self, now: Moment, next: Millis, why: &str) {
        if !matches!(self.state, ReplicaState::Gathering { .. }) {
            let away = self.touched.map(|touched| now.since(touched));
            self.out_of_touch_ms = away.filter(|away| *away <= IN_TOUCH_MS);
            self.gathered_at = None;
        }
        self.is_delivering = false;
        self.state = ReplicaState::Gathering { next, why: why.to_owned() };
    }

    /// Work on the sale goes on beside the turns.
    pub(super) fn set_beside(&mut self, why: &str) {
        self.is_delivering = false;
        self.state = ReplicaState::Beside(why.to_owned());
    }

    pub(super) fn put_out_of_service(&mut self, why: &StoreError) {
        self.is_delivering = false;
        self.state = ReplicaState::OutOfService(why.to_string());
    }

    pub(super) fn is_following(&self) -> bool {
        self.state == ReplicaState::Following
    }

    /// Whether an archived sale may be packed, and its replica dropped, for all that this one has to do with it:
    /// what the node wants for it is remembered nowhere else.
    pub(super) fn may_rest(&self, at: Millis) -> bool {
        let is_quiet = !self.calls.is_lively(at);
        self.is_following() && self.promised.is_none() && self.unsaved.is_settled() && is_quiet
    }

    pub(super) fn is_out_of_service(&self) -> bool {
        matches!(self.state, ReplicaState::OutOfService(_))
    }

    /// The store said whether others have yet to hear that this node serves.
    pub(super) fn set_joining(&mut self, is_joining: bool, at: Millis) {
        self.joining_since = is_joining.then(|| self.joining_since.unwrap_or(at));
    }

    /// Whether it has been joining for so long that nobody should wait for it.
    pub(super) fn is_joining_long(&self, now: Millis) -> bool {
        self.joining_since.is_some_and(|since| now.since(since) >= JOINING_MS)
    }

    pub(super) fn trouble(&self, now: Millis) -> Option<String> {
        match &self.state {
            ReplicaState::Gathering { why, .. } | ReplicaState::Beside(why) => Some(why.clone()),
            ReplicaState::OutOfService(why) => Some(format!("out of service: {why}")),
            ReplicaState::Adopting => Some("this node takes over what the others have".to_owned()),
            ReplicaState::Following => self.failing.clone().or_else(|| {
                let why = "waiting until all other nodes have heard that this one serves";
                self.is_joining_long(now).then(|| why.to_owned())
            }),
        }
    }

    /// The quorum is asked again. While nobody answered, others may have come together without this node.
    pub(super) fn set_gathering(&mut self, now: Moment) {
        let gap = self.gathered_at.map_or(0, |last| now.since(last));
        if gap >= QUORUM_PRESENT_MS {
            let away = self.out_of_touch_ms.map(|away| away.saturating_add(gap));
            self.out_of_touch_ms = away.filter(|away| *away <= IN_TOUCH_MS);
        }
    }

    /// Whether an entry that another node has is known to be in this one's history.
    pub(super) fn has_followed(&self, point: &Point) -> bool {
        self.recent.iter().any(|entry| entry.point == *point)
    }
}
