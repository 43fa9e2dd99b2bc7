//! The book of events in hand: what was received and is not settled with the engine yet.
//!
//! Owns order and bounds, and nothing that waits: no sink, no engine, no clock. Per hold at most
//! one event is with the sink; the next is only shown once the sink took the one before.
//!
//! ```text
//!   receive ─▶ story of its hold ─▶ ready ─▶ with the sink ─▶ taken ─▶ acknowledged ─▶ remembered
//!                                     ▲            │
//!                                     └─ waiting ◀─┤ refused, or later
//!                                                  └ dead: the story is dropped, its hold parked
//! ```
//!
//! The engine offers a sale's events again from the first requeued dead letter on, so an event can arrive
//! while it is in hand, or just after it was acknowledged: the offer was on its way in the channel.
//! Both are ignored. An acknowledged event is remembered until as many events have been received as
//! the channel holds, after which no offer from before the acknowledgement can be on its way.
//!
//! Events behind a dead letter are forgotten, because the engine offers them again behind it. Until
//! the dead letter itself comes back, nothing of its hold is taken in.
//!
//! While another node delivers a sale, this one is told nothing of it: dead letters may be sent again
//! and be taken there, the sale may be deleted and made again, and a node that runs with other sinks
//! forgets what these took. So the engine says when it offers all of a sale from the beginning, and
//! the book forgets what was acknowledged and what is parked of it. What is in hand stays; an event
//! before those in hand, which the sink has taken once, goes behind the first of its hold.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use engine::{
    id::{EventId, HoldId, SaleTag},
    limits::OUTLET_EVENTS_MAX,
    outbox::OrderEvent,
};
use tokio::time::Instant;

/// Events in hand at once: a channel's worth with the sink or waiting for it, and another waiting
/// for the engine, so that neither stands still for the other.
pub const EVENTS_IN_HAND_MAX: usize = 2 * OUTLET_EVENTS_MAX;

/// An event over all sales: no two have the same, ever.
pub(super) type EventKey = (SaleTag, EventId);

/// A hold over all sales. A later sale of the same name has the same, and its events are announced.
type HoldKey = (SaleTag, HoldId);

/// What one hold's events in hand have come to.
#[derive(Debug, Default)]
struct Story {
    /// The first is ready, waiting or with the sink; those behind it are in their order.
    events: VecDeque<Arc<OrderEvent>>,
    /// How often the first was refused.
    refusals: u32,
    /// How often the first was put off in a row.
    delays: u32,
}

/// Events received and not settled.
#[derive(Debug, Default)]
pub(super) struct Book {
    stories: HashMap<HoldKey, Story>,
    /// Holds whose first event may go to the sink, in the order they came to stand so.
    ready: VecDeque<HoldKey>,
    /// Holds whose first event waits for its next try.
    waiting: BTreeSet<(Instant, HoldKey)>,
    /// The dead letter each parked hold stands at; as many as the engine has dead letters.
    parked: HashMap<HoldKey, EventId>,
    /// Events of all stories, and those taken and not acknowledged.
    in_hand: HashSet<EventKey>,
    /// Taken by the sink, not on their way to the engine yet.
    taken: VecDeque<EventKey>,
    /// Acknowledged lately, with the count of events received by then.
    remembered: VecDeque<(u64, EventKey)>,
    remembered_keys: HashSet<EventKey>,
    received: u64,
}

impl Book {
    /// Whether one more event may be received.
    pub(super) fn has_room(&self) -> bool {
        self.in_hand.len() < EVENTS_IN_HAND_MAX
    }

    /// Takes an event in. `is_dead` is what the engine knows of dead letters by now.
    pub(super) fn receive(&mut self, event: OrderEvent, is_dead: impl Fn(&OrderEvent) -> bool) {
        self.received += 1;
        self.forget_old();
        let (key, id) = (key(&event), event.id);
        let event_key = (key.0, id);
        if self.in_hand.contains(&event_key) || self.remembered_keys.contains(&event_key) {
            return;
        }
        if let Some(dead) = self.parked.get(&key).copied() {
            if id > dead || is_dead(&event) {
                return;
            }
            if id == dead {
                self.parked.remove(&key);
            }
        }
        self.in_hand.insert(event_key);
        let story = self.stories.entry(key).or_default();
        // In order, but behind the first, which may be with the sink.
        let before = story.events.iter().skip(1).take_while(|other| other.id < id).count();
        story.events.insert((1 + before).min(story.events.len()), Arc::new(event));
        if story.events.len() == 1 {
            self.ready.push_back(key);
        }
    }

    /// All of a sale that the sink has not taken is offered from here on.
    pub(super) fn start_over(&mut self, sale: SaleTag) {
        self.parked.retain(|(parked_in, _), _| *parked_in != sale);
        self.remembered.retain(|(_, (event_of, _))| *event_of != sale);
        self.remembered_keys.retain(|(event_of, _)| *event_of != sale);
    }

    /// An event that the sink took before, and that is to be acknowledged once more.
    pub(super) fn receive_taken(&mut self, event: EventKey) {
        self.received += 1;
        self.forget_old();
        if !self.remembered_keys.contains(&event) && self.in_hand.insert(event) {
            self.taken.push_back(event);
        }
    }

    /// Events for the sink, each of a different hold, and at most `events_max`.
    pub(super) fn next_batch(&mut self, events_max: usize, now: Instant) -> Vec<Arc<OrderEvent>> {
        while let Some((due, key)) = self.waiting.first().copied().filter(|(due, _)| *due <= now) {
            self.waiting.remove(&(due, key));
            self.ready.push_back(key);
        }
        let count = events_max.min(self.ready.len());
        let first = |key: HoldKey| Arc::clone(&self.stories[&key].events[0]);
        self.ready.drain(..count).map(first).collect()
    }

    /// The sink took an event.
    pub(super) fn taken(&mut self, event: &OrderEvent) {
        let key = key(event);
        let story = self.stories.get_mut(&key).expect("the sink answers for what it was shown");
        let first = story.events.pop_front().map(|first| first.id);
        assert_eq!(first, Some(event.id), "only a hold's first event is shown");
        self.taken.push_back((key.0, event.id));
        if story.events.is_empty() {
            self.stories.remove(&key);
        } else {
            (story.refusals, story.delays) = (0, 0);
            self.ready.push_back(key);
        }
    }

    /// The sink refused an event; answers how often it has by now.
    pub(super) fn refused(&mut self, event: &OrderEvent) -> u32 {
        let story = self.story_of(event);
        story.refusals += 1;
        story.delays = 0;
        story.refusals
    }

    /// The sink put an event off; answers how often in a row.
    pub(super) fn delayed(&mut self, event: &OrderEvent) -> u32 {
        let story = self.story_of(event);
        story.delays = story.delays.saturating_add(1);
        story.delays
    }

    /// An event is shown again at `due`.
    pub(super) fn wait(&mut self, event: &OrderEvent, due: Instant) {
        self.waiting.insert((due, key(event)));
    }

    /// The engine was told that an event is dead. It may have been requeued since, and then it
    /// goes on as if it were new.
    pub(super) fn dead_lettered(
        &mut self,
        event: &OrderEvent,
        is_dead: impl Fn(&OrderEvent) -> bool,
    ) {
        let key = key(event);
        if !is_dead(event) {
            let story = self.story_of(event);
            (story.refusals, story.delays) = (0, 0);
            self.ready.push_back(key);
            return;
        }
        let story = self.stories.remove(&key).expect("a dead letter was in hand");
        let is_kept = |other: &Arc<OrderEvent>| other.id < event.id;
        let (kept, dropped): (VecDeque<_>, VecDeque<_>) =
            story.events.into_iter().partition(is_kept);
        for event in dropped {
            self.in_hand.remove(&(key.0, event.id));
        }
        self.parked.insert(key, event.id);
        if !kept.is_empty() {
            self.stories.insert(key, Story { events: kept, ..Story::default() });
            self.ready.push_back(key);
        }
    }

    /// Events that were taken, at most `events_max`, each sale's ascending, to acknowledge.
    pub(super) fn take_taken(&mut self, events_max: usize) -> BTreeMap<SaleTag, Vec<EventId>> {
        let count = events_max.min(self.taken.len());
        let mut by_sale: BTreeMap<SaleTag, Vec<EventId>> = BTreeMap::new();
        for (sale, event) in self.taken.drain(..count) {
            by_sale.entry(sale).or_default().push(event);
        }
        for events in by_sale.values_mut() {
            events.sort_unstable();
        }
        by_sale
    }

    /// The engine noted the acknowledgement.
    pub(super) fn acknowledged(&mut self, sale: SaleTag, events: &[EventId]) {
        for event in events {
            let key = (sale, *event);
            self.in_hand.remove(&key);
            self.remembered.push_back((self.received, key));
            self.remembered_keys.insert(key);
        }
    }

    /// The engine could not note it now.
    pub(super) fn not_acknowledged(&mut self, sale: SaleTag, events: Vec<EventId>) {
        self.taken.extend(events.into_iter().map(|event| (sale, event)));
    }

    /// Whether nothing waits to be acknowledged.
    pub(super) fn is_settled(&self) -> bool {
        self.taken.is_empty()
    }

    fn story_of(&mut self, event: &OrderEvent) -> &mut Story {
        self.stories.get_mut(&key(event)).expect("the sink answers for what it was shown")
    }

    fn forget_old(&mut self) {
        let channel = OUTLET_EVENTS_MAX as u64;
        while let Some((when, event)) = self.remembered.front().copied()
            && self.received - when > channel
        {
            self.remembered.pop_front();
            self.remembered_keys.remove(&event);
        }
    }
}

fn key(event: &OrderEvent) -> HoldKey {
    (event.sale.tag(), event.hold.id)
}

#[cfg(test)]
mod tests;
