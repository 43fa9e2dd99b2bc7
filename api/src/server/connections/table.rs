//! The table of open connections, and which of them makes room.

use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use engine::sync::Arc;
use tokio::time::Instant;
use web::networks::Prefix;

use super::super::activity::Activity;

/// How long a connection stays whatever comes: a newcomer's first request has to arrive, and a
/// client that has just been answered often asks again at once.
pub(super) const IDLE_MIN: Duration = Duration::from_secs(1);
/// Connections that were asked to go and are not closed yet.
pub(super) const LEAVING_MAX: usize = 256;
/// How many of the longest idle one look over all connections finds.
pub(super) const CANDIDATES: usize = 64;
/// After a look that found none, the next one waits this long.
pub(super) const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// One open connection.
#[derive(Debug)]
pub(super) struct Row {
    /// `None` for those that no peer's cap is for.
    pub(super) peer: Option<Prefix>,
    /// `None` once it tells events.
    pub(super) activity: Option<Arc<Activity>>,
    /// It was asked to go.
    pub(super) leaving: bool,
}

impl Row {
    /// Since when it could make room.
    fn idle_since(&self) -> Option<Instant> {
        if self.leaving { None } else { self.activity.as_ref()?.idle_since() }
    }
}

/// Connections that share a cap: all of them, or one peer's.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) open: usize,
    leaving: usize,
    /// What stays open for as long as its client likes.
    pub(super) streams: usize,
    /// There while the group is at its cap.
    idlest: Option<Box<Idlest>>,
}

/// The longest idle ones of a group when it was last looked over.
#[derive(Debug)]
struct Idlest {
    /// Since when they were idle, and their rows; the longest idle one is last.
    known: Vec<(Instant, usize)>,
    look_after: Instant,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    /// `None` is free and listed in `free`.
    pub(super) rows: Vec<Option<Row>>,
    free: Vec<usize>,
    pub(super) all: Group,
    pub(super) peers: HashMap<Prefix, Group>,
}

impl Table {
    pub(super) fn put(&mut self, row: Row) -> usize {
        self.all.open += 1;
        if let Some(peer) = row.peer {
            self.peers.entry(peer).or_default().open += 1;
        }
        if let Some(slot) = self.free.pop() {
            self.rows[slot] = Some(row);
            return slot;
        }
        self.rows.push(Some(row));
        self.rows.len() - 1
    }

    pub(super) fn remove(&mut self, slot: usize) {
        self.mark(slot, false);
        let Some(row) = self.rows.get_mut(slot).and_then(Option::take) else { return };
        self.free.push(slot);
        self.all.open -= 1;
        if let Some(peer) = row.peer {
            self.change_peer(&peer, |group| group.open -= 1);
        }
    }

    /// Takes something from a peer's group, which is forgotten once it is empty.
    pub(super) fn change_peer(&mut self, peer: &Prefix, change: impl FnOnce(&mut Group)) {
        let Some(group) = self.peers.get_mut(peer) else { return };
        change(group);
        if group.open == 0 && group.streams == 0 {
            self.peers.remove(peer);
        }
    }

    /// Notes whether a connection was asked to go.
    pub(super) fn mark(&mut self, slot: usize, leaving: bool) {
        let Some(Some(row)) = self.rows.get_mut(slot) else { return };
        if std::mem::replace(&mut row.leaving, leaving) == leaving {
            return;
        }
        let peers = row.peer.and_then(|peer| self.peers.get_mut(&peer));
        for group in [Some(&mut self.all), peers].into_iter().flatten() {
            if leaving {
                group.leaving += 1;
            } else {
                group.leaving -= 1;
            }
        }
    }

    /// The group of a peer that has one, or that of all.
    fn group(&mut self, peer: Option<Prefix>) -> Option<&mut Group> {
        match peer {
            Some(peer) => self.peers.get_mut(&peer),
            None => Some(&mut self.all),
        }
    }

    /// Whether one more is within `most`, once those that were asked to are gone.
    pub(super) fn has_room(&mut self, peer: Option<Prefix>, most: usize) -> bool {
        self.group(peer).map_or(0, |group| group.open - group.leaving) < most
    }

    /// The same, after asking others of the group to go if need be.
    pub(super) fn make_room(&mut self, peer: Option<Prefix>, most: usize) -> bool {
        loop {
            if self.has_room(peer, most) {
                return true;
            }
            if self.all.leaving >= LEAVING_MAX || !self.evict(peer) {
                return false;
            }
        }
    }

    /// Asks the group's longest idle connection to go, if one has been idle for long enough.
    fn evict(&mut self, peer: Option<Prefix>) -> bool {
        loop {
            let idlest = self.group(peer).and_then(|group| group.idlest.as_mut());
            let Some((since, slot)) = idlest.and_then(|idlest| idlest.known.pop()) else {
                if self.look(peer) {
                    continue;
                }
                return false;
            };
            // Another one may have its row by now, or it was used since.
            let row = self.rows.get(slot).and_then(Option::as_ref);
            let Some(row) = row.filter(|row| row.idle_since() == Some(since)) else { continue };
            let Some(activity) = row.activity.as_ref().map(Arc::clone) else { continue };
            self.mark(slot, true);
            activity.ask_to_go();
            return true;
        }
    }

    /// Looks over all connections for those of the group that have been idle for longest; whether
    /// there are any.
    fn look(&mut self, peer: Option<Prefix>) -> bool {
        let now = Instant::now();
        let Some(group) = self.group(peer) else { return false };
        if group.idlest.as_ref().is_some_and(|idlest| now < idlest.look_after) {
            return false;
        }
        let mut longest = BinaryHeap::with_capacity(CANDIDATES + 1);
        for (slot, row) in self.rows.iter().enumerate() {
            let Some(row) = row.as_ref().filter(|row| peer.is_none() || row.peer == peer) else {
                continue;
            };
            if let Some(since) = row.idle_since()
                && now.saturating_duration_since(since) >= IDLE_MIN
            {
                longest.push((since, slot));
                if longest.len() > CANDIDATES {
                    longest.pop();
                }
            }
        }
        let mut known = longest.into_sorted_vec();
        known.reverse();
        let found = !known.is_empty();
        let look_after = if found { now } else { now + LOOK_PAUSE };
        if let Some(group) = self.group(peer) {
            group.idlest = Some(Box::new(Idlest { known, look_after }));
        }
        found
    }
}
