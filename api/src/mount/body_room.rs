//! Room for answers that are sent piece by piece.
//!
//! A slow reader keeps its place for as long as it takes a byte now and then. So one peer has a share only, as it
//! has of the connections: the others' answers go on. Whoever finds no room waits, within the deadline of the
//! answer, since the service has done its work already.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use web::networks::Prefix;

/// One peer has one in so many of the places: as of the connections by default.
const PEER_SHARE: usize = 4;

/// The places of one mount.
#[derive(Debug)]
pub(super) struct BodyRoom {
    all: Arc<Semaphore>,
    of_peer_max: usize,
    /// The shares of peers that have a place or wait for one.
    peers: Mutex<HashMap<Prefix, Arc<Semaphore>>>,
}

impl BodyRoom {
    pub(super) fn new(bodies_max: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(bodies_max)),
            of_peer_max: bodies_max.div_ceil(PEER_SHARE),
            peers: Mutex::default(),
        }
    }

    /// Waits for a place; `None` as peer stands for those that no cap is for.
    pub(super) async fn place(self: &Arc<Self>, peer: Option<Prefix>) -> BodyPlace {
        let share = match peer {
            None => None,
            Some(peer) => {
                let mut share = Share::of(self, peer);
                // Nothing closes it.
                share.permit = Arc::clone(&share.places).acquire_owned().await.ok();
                Some(share)
            }
        };
        BodyPlace { _place: Arc::clone(&self.all).acquire_owned().await.ok(), _share: share }
    }

    fn peers(&self) -> MutexGuard<'_, HashMap<Prefix, Arc<Semaphore>>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one answer; given back on drop.
#[derive(Debug)]
pub(super) struct BodyPlace {
    _place: Option<OwnedSemaphorePermit>,
    _share: Option<Share>,
}

/// What one answer takes of its peer's share. A peer's last one forgets the peer.
#[derive(Debug)]
struct Share {
    room: Arc<BodyRoom>,
    peer: Prefix,
    places: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Share {
    fn of(room: &Arc<BodyRoom>, peer: Prefix) -> Self {
        let mut peers = room.peers();
        let places =
            peers.entry(peer).or_insert_with(|| Arc::new(Semaphore::new(room.of_peer_max)));
        Self { room: Arc::clone(room), peer, places: Arc::clone(places), permit: None }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        drop(self.permit.take());
        let mut peers = self.room.peers();
        // The table's and this one: every other place, and everyone who waits, has one too.
        if Arc::strong_count(&self.places) <= 2 {
            peers.remove(&self.peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn comes(room: &Arc<BodyRoom>, peer: Option<Prefix>) -> Option<BodyPlace> {
        timeout(Duration::from_secs(1), room.place(peer)).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_has_a_share_of_the_places_and_is_forgotten_with_its_last() {
        let room = Arc::new(BodyRoom::new(8));
        let peer = |host: u8| Some(Prefix::narrow([192, 0, 2, host].into()));
        let first = comes(&room, peer(1)).await.unwrap();
        let second = comes(&room, peer(1)).await.unwrap();
        assert!(comes(&room, peer(1)).await.is_none(), "two of eight");
        let mut others = Vec::new();
        for place in [peer(2), None, None, None, None, None] {
            others.push(comes(&room, place).await.unwrap());
        }
        assert!(comes(&room, None).await.is_none(), "all are taken");
        let waiting = tokio::spawn({
            let room = Arc::clone(&room);
            async move { room.place(peer(1)).await }
        });
        tokio::task::yield_now().await;
        drop(first);
        let third = waiting.await.unwrap();
        drop((second, third, others));
        assert!(room.peers().is_empty());
        assert_eq!(room.all.available_permits(), 8);
    }
}
