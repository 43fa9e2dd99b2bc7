//! Room for what costs memory while it lasts: requests with the service, and answers that are sent piece by piece.
//!
//! A client decides how slowly it sends or reads. So one peer has only a share, as it has of the connections, and
//! the rest is left to others. A peer beyond its share is refused at once: waiting for itself, it would hold
//! whatever else it has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use web::networks::Prefix;

use crate::server::NoPlace;

/// One peer has one in so many of the permits, as it has of the connections by default.
const PEER_SHARE: usize = 4;

/// The permits of one kind. Those whose peer is `None`, such as listed proxies, have no share of their own.
#[derive(Debug)]
pub(super) struct Room {
    all: Arc<Semaphore>,
    permits_max: u32,
    of_peer_max: usize,
    /// How many permits each peer has or waits for. A peer without any is not listed.
    peers: Mutex<HashMap<Prefix, usize>>,
}

impl Room {
    pub(super) fn new(permits_max: usize) -> Self {
        let permits_max = u32::try_from(permits_max).unwrap_or(u32::MAX);
        let all = usize::try_from(permits_max).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self {
            all: Arc::new(Semaphore::new(all)),
            permits_max,
            of_peer_max: all.div_ceil(PEER_SHARE),
            peers: Mutex::default(),
        }
    }

    /// A permit, if one is left for this peer.
    pub(super) fn try_permit(self: &Arc<Self>, peer: Option<Prefix>) -> Result<Permit, NoPlace> {
        let share = peer.map(|peer| Share::of(self, peer)).transpose()?;
        let permit = Arc::clone(&self.all).try_acquire_owned().map_err(|_| NoPlace::Full)?;
        Ok(Permit { _permit: Some(permit), _share: share })
    }

    /// A permit, which is waited for unless the peer has its share.
    pub(super) async fn permit(self: &Arc<Self>, peer: Option<Prefix>) -> Result<Permit, NoPlace> {
        let share = peer.map(|peer| Share::of(self, peer)).transpose()?;
        // Nothing closes the semaphore.
        Ok(Permit { _permit: Arc::clone(&self.all).acquire_owned().await.ok(), _share: share })
    }

    /// Waits until no permit is out.
    pub(super) async fn empty(&self) {
        drop(self.all.acquire_many(self.permits_max).await);
    }

    fn peers(&self) -> MutexGuard<'_, HashMap<Prefix, usize>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Given back on drop.
#[derive(Debug)]
pub(super) struct Permit {
    _permit: Option<OwnedSemaphorePermit>,
    _share: Option<Share>,
}

/// One permit counted in its peer's share. A peer's last one takes the peer off the list.
#[derive(Debug)]
struct Share {
    room: Arc<Room>,
    peer: Prefix,
}

impl Share {
    fn of(room: &Arc<Room>, peer: Prefix) -> Result<Self, NoPlace> {
        let mut peers = room.peers();
        let count = peers.entry(peer).or_default();
        if *count >= room.of_peer_max {
            return Err(NoPlace::Peer);
        }
        *count += 1;
        drop(peers);
        Ok(Self { room: Arc::clone(room), peer })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut peers = self.room.peers();
        if let Some(count) = peers.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                peers.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn prefix(host: u8) -> Prefix {
        Prefix::narrow([192, 0, 2, host].into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_has_a_share_of_the_permits_and_is_forgotten_with_its_last() {
        let room = Arc::new(Room::new(8));
        let comes = async |peer| timeout(Duration::from_secs(1), room.permit(peer)).await;
        let first = comes(Some(prefix(1))).await.unwrap().unwrap();
        let second = room.try_permit(Some(prefix(1))).unwrap();
        let over =
            [comes(Some(prefix(1))).await.unwrap().err(), room.try_permit(Some(prefix(1))).err()];
        assert_eq!(over, [Some(NoPlace::Peer); 2], "two of eight, and no wait for a third");
        let mut others = Vec::new();
        for peer in [Some(prefix(2)), None, None, None, None, None] {
            others.push(comes(peer).await.unwrap().unwrap());
        }
        assert!(comes(None).await.is_err(), "all are taken");
        assert_eq!(room.try_permit(None).err(), Some(NoPlace::Full));
        assert_eq!(room.try_permit(Some(prefix(3))).err(), Some(NoPlace::Full));
        drop(first);
        let third = comes(Some(prefix(1))).await.unwrap().unwrap();
        drop((second, third, others));
        assert!(room.peers().is_empty());
        timeout(Duration::from_secs(1), room.empty()).await.unwrap();
    }

    #[test]
    fn a_peer_whose_last_permits_end_at_once_is_forgotten_too() {
        let room = Arc::new(Room::new(64));
        for _ in 0..2_000 {
            let permits = [
                room.try_permit(Some(prefix(1))).unwrap(),
                room.try_permit(Some(prefix(1))).unwrap(),
            ];
            let start = std::sync::Barrier::new(permits.len());
            std::thread::scope(|scope| {
                for permit in permits {
                    scope.spawn(|| {
                        start.wait();
                        drop(permit);
                    });
                }
            });
            assert!(room.peers().is_empty());
        }
    }
}
