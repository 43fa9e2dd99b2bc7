//! The open connections: how many, whose, and which one makes room for a newcomer.
//!
//! ```text
//! newcomer ─▶ its peer connects too often? ─────────────▶ refused
//!          ─▶ all are at the cap? ─────▶ the longest idle one of all goes, or refused
//!          ─▶ its peer is at its cap? ─▶ the peer's longest idle one goes, or refused
//!          ─▶ Admission, given back when the connection ends
//! ```
//!
//! Owns the table of open connections. A connection that is not [idle](super::activity) or tells
//! events never makes room, nor does one that has been idle for less than [`IDLE_MIN`](table::IDLE_MIN). The one
//! that is to go is asked; its own task closes it, unless a request came in the meantime.
//!
//! What stays open for as long as its client likes, an event stream or an upgraded connection, never makes
//! room. So there are [`StreamPlaces`] for `streams_max` of them over all, proxies included, and for half of a
//! peer's connections: the rest goes on to serve everyone else.
//!
//! Invariants: at most [`LEAVING_MAX`](table::LEAVING_MAX) connections more than the cap are open, all of them asked to
//! go. The table has no more rows than that, and no peers but those that have a connection or a
//! stream open. A look over all connections finds [`CANDIDATES`](table::CANDIDATES) at once, and one that finds none
//! is not repeated for [`LOOK_PAUSE`](table::LOOK_PAUSE), so a newcomer costs little however many come.

mod table;

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::sync::Arc;
use tokio::time::Instant;
use web::buckets::{Buckets, Rate};
use web::networks::{Network, Prefix, any_contains};

use self::table::{Row, Table};
use super::activity::Activity;
use super::drain::{Counted, Drain};
use super::options::{PeerCaps, ServerOptions};

/// How many seconds' worth of connections a peer may open at once.
const BURST_SECONDS: u32 = 4;

/// Why a newcomer is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// All connections are taken and busy.
    Full,
    /// The peer has its share, or connects too often.
    Peer,
}

/// All open connections of a listener.
#[derive(Debug)]
pub(crate) struct Connections {
    drain: Arc<Drain>,
    open_max: usize,
    peer_max: Option<usize>,
    streams_max: usize,
    connects: Option<(Rate, Buckets)>,
    uncapped: Vec<Network>,
    started: Instant,
    table: Mutex<Table>,
}

impl Connections {
    pub(crate) fn new(options: &ServerOptions, drain: Arc<Drain>) -> Self {
        let PeerCaps { connections_max, connects_per_second, exempt } = &options.peers;
        let burst = connects_per_second.saturating_mul(BURST_SECONDS);
        Self {
            drain,
            open_max: options.connections_max,
            peer_max: (*connections_max > 0).then_some(*connections_max),
            streams_max: options.streams_max,
            connects: (*connects_per_second > 0)
                .then(|| (Rate::of(*connects_per_second, burst), Buckets::new())),
            uncapped: options.trusted.iter().chain(exempt).copied().collect(),
            started: Instant::now(),
            table: Mutex::default(),
        }
    }

    /// Lets a connection in, which may take asking another one to go.
    pub(crate) fn admit(
        self: &Arc<Self>,
        address: IpAddr,
        activity: &Arc<Activity>,
    ) -> Result<Admission, Refused> {
        let capped = !any_contains(&self.uncapped, address);
        let peer = capped.then(|| Prefix::narrow(address));
        if let (Some(peer), Some((rate, buckets))) = (&peer, &self.connects) {
            let now = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
            buckets.take(peer, *rate, now).map_err(|_wait| Refused::Peer)?;
        }
        let peer = peer.filter(|_| self.peer_max.is_some());
        let mut table = self.table();
        let peer_max = self.peer_max.filter(|_| peer.is_some()).unwrap_or(usize::MAX);
        // All of them first: no connection of the peer's goes for a newcomer for whom the server is
        // full anyway. One of the peer's that is about to go makes room among all, too.
        let going = usize::from(!table.has_room(peer, peer_max));
        if !table.make_room(None, self.open_max.saturating_add(going)) {
            return Err(Refused::Full);
        }
        if !table.make_room(peer, peer_max) {
            return Err(Refused::Peer);
        }
        if !table.make_room(None, self.open_max) {
            return Err(Refused::Full);
        }
        let row = Row { peer, activity: Some(Arc::clone(activity)), leaving: false };
        let slot = table.put(row);
        drop(table);
        let counted = self.drain.count_in();
        Ok(Admission { connections: Arc::clone(self), slot, peer, _counted: counted })
    }

    /// Streams that one peer may have open.
    fn peer_streams_max(&self) -> usize {
        self.peer_max.map_or(usize::MAX, |most| most.div_ceil(2))
    }

    /// Streams that are open now.
    pub(crate) fn streams(&self) -> usize {
        self.table().all.streams
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open connection's place under the caps; given back on drop, however the connection ends.
#[derive(Debug)]
pub(crate) struct Admission {
    connections: Arc<Connections>,
    slot: usize,
    /// `None` if no peer's cap is for it.
    peer: Option<Prefix>,
    _counted: Counted,
}

impl Admission {
    /// It was asked to go while a request came, and stays.
    pub(crate) fn stays(&self) {
        self.connections.table().mark(self.slot, false);
    }

    /// The places for streams that its peer may take.
    pub(crate) fn stream_places(&self) -> StreamPlaces {
        StreamPlaces { connections: Arc::clone(&self.connections), peer: self.peer }
    }

    /// From now on it tells events, and never makes room.
    pub(crate) fn streams(&self) {
        let mut table = self.connections.table();
        table.mark(self.slot, false);
        if let Some(Some(row)) = table.rows.get_mut(self.slot) {
            row.activity = None;
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.connections.table().remove(self.slot);
    }
}

/// The places for streams that a peer may take, on all its connections together. A stream is what stays open
/// for as long as its client likes.
#[derive(Clone, Debug)]
pub struct StreamPlaces {
    connections: Arc<Connections>,
    /// `None` if no peer's cap is for it.
    peer: Option<Prefix>,
}

/// Why there is no place for one more of what is shared among peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// All places are taken.
    Full,
    /// The peer has its share.
    Peer,
}

impl StreamPlaces {
    /// Whose caps they are under; `None` if none are.
    pub fn peer(&self) -> Option<Prefix> {
        self.peer
    }

    /// Takes one of them.
    pub fn take(&self) -> Result<StreamPlace, NoPlace> {
        let mut table = self.connections.table();
        if table.all.streams >= self.connections.streams_max {
            return Err(NoPlace::Full);
        }
        if let Some(peer) = &self.peer {
            let group = table.peers.get_mut(peer).ok_or(NoPlace::Peer)?;
            if group.streams >= self.connections.peer_streams_max() {
                return Err(NoPlace::Peer);
            }
            group.streams += 1;
        }
        table.all.streams += 1;
        drop(table);
        Ok(StreamPlace(self.clone()))
    }
}

/// One stream's place; given back on drop.
#[derive(Debug)]
pub struct StreamPlace(StreamPlaces);

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let StreamPlaces { connections, peer } = &self.0;
        let mut table = connections.table();
        table.all.streams -= 1;
        if let Some(peer) = peer {
            table.change_peer(peer, |group| group.streams -= 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::table::{IDLE_MIN, LEAVING_MAX};
    use super::*;
    use crate::server::activity::InFlight;

    fn connections(total: usize, of_peer: usize) -> Arc<Connections> {
        let mut options = ServerOptions::at(([127, 0, 0, 1], 0).into());
        options.connections_max = total;
        options.peers.connections_max = of_peer;
        options.trusted = vec!["10.0.0.0/8".parse().unwrap()];
        Arc::new(Connections::new(&options, Arc::new(Drain::new())))
    }

    fn at(host: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, host])
    }

    struct Guest {
        activity: Arc<Activity>,
        admission: Admission,
    }

    fn come(to: &Arc<Connections>, address: IpAddr) -> Result<Guest, Refused> {
        let activity = Arc::new(Activity::start(Arc::default()));
        to.admit(address, &activity).map(|admission| Guest { activity, admission })
    }

    async fn wait() {
        tokio::time::advance(IDLE_MIN).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_connection_makes_room_and_no_busy_one_does() {
        let to = connections(3, 0);
        let busy = come(&to, at(1)).unwrap();
        let request = InFlight::enter(&busy.activity);
        let streaming = come(&to, at(2)).unwrap();
        streaming.admission.streams();
        let idle = come(&to, at(3)).unwrap();
        assert_eq!(come(&to, at(4)).err(), Some(Refused::Full), "none is idle for long enough");
        wait().await;
        let newcomer = come(&to, at(4)).unwrap();
        assert!(idle.activity.was_asked_to_go());
        assert!(!busy.activity.was_asked_to_go() && !streaming.activity.was_asked_to_go());
        drop(idle);
        wait().await;
        // The newcomer is the only one that waits for nothing of ours.
        let next = come(&to, at(5)).unwrap();
        assert!(newcomer.activity.was_asked_to_go());
        drop((newcomer, next, request));
        assert_eq!(to.drain.open(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn they_go_in_the_order_in_which_they_fell_idle() {
        let to = connections(200, 0);
        let mut guests = Vec::new();
        for _ in 0..200 {
            guests.push(come(&to, at(1)).unwrap());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        // The first is used again.
        drop(InFlight::enter(&guests[0].activity));
        wait().await;
        let gone = |guests: &[Guest]| {
            let asked = guests.iter().enumerate().filter(|(_, one)| one.activity.was_asked_to_go());
            asked.map(|(at, _)| at).collect::<Vec<_>>()
        };
        let newcomers: Vec<_> = (0..199).map(|_| come(&to, at(2)).unwrap()).collect();
        assert_eq!(gone(&guests), (1..200).collect::<Vec<_>>());
        let last = come(&to, at(2)).unwrap();
        assert_eq!(gone(&guests).len(), 200);
        assert!(come(&to, at(2)).is_err(), "the newcomers stay for now");
        drop((newcomers, last));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_has_its_share_and_takes_nothing_from_others() {
        let to = connections(10, 2);
        let mut first = come(&to, at(1)).unwrap();
        let second = come(&to, at(1)).unwrap();
        let _requests = [InFlight::enter(&first.activity), InFlight::enter(&second.activity)];
        wait().await;
        assert_eq!(come(&to, at(1)).err(), Some(Refused::Peer), "both are busy");
        let other = come(&to, at(2)).unwrap();
        let proxied: Vec<_> = (0..7).map(|_| come(&to, [10, 0, 0, 1].into()).unwrap()).collect();
        drop(first);
        first = come(&to, at(1)).unwrap();
        wait().await;
        drop(come(&to, at(1)).unwrap());
        assert!(first.activity.was_asked_to_go(), "its own idle one makes room");
        assert!(!other.activity.was_asked_to_go(), "another peer's does not");
        drop(proxied);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peers_streams_take_half_of_its_connections_at_most() {
        let to = connections(10, 4);
        let guests = [come(&to, at(1)).unwrap(), come(&to, at(1)).unwrap()];
        let [first, second] = guests.each_ref().map(|guest| guest.admission.stream_places());
        let taken = (first.take().unwrap(), second.take().unwrap());
        assert_eq!(first.take().err(), Some(NoPlace::Peer), "two of four");
        let proxy = come(&to, [10, 0, 0, 1].into()).unwrap().admission.stream_places();
        assert!((0..20).all(|_| proxy.take().is_ok()), "no cap is for a proxy");
        let other = come(&to, at(2)).unwrap();
        assert!(other.admission.stream_places().take().is_ok());
        drop(taken.0);
        let again = second.take().unwrap();
        drop((guests, other));
        assert_eq!(to.table().peers.len(), 1, "its streams outlive its connections");
        drop((taken.1, again));
        assert!(to.table().peers.is_empty() && first.take().is_err());
        assert_eq!(to.streams(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn streams_of_proxies_leave_connections_to_others_too() {
        let mut options = ServerOptions::at(([127, 0, 0, 1], 0).into());
        options.streams_max = 3;
        options.trusted = vec!["10.0.0.0/8".parse().unwrap()];
        let to = Arc::new(Connections::new(&options, Arc::new(Drain::new())));
        let guests = [come(&to, [10, 0, 0, 1].into()).unwrap(), come(&to, at(1)).unwrap()];
        let [proxy, other] = guests.each_ref().map(|guest| guest.admission.stream_places());
        let taken: Vec<_> = (0..2).map(|_| proxy.take().unwrap()).collect();
        let last = other.take().unwrap();
        assert_eq!(proxy.take().err(), Some(NoPlace::Full));
        assert_eq!((other.take().err(), to.streams()), (Some(NoPlace::Full), 3));
        drop(taken);
        assert!(proxy.take().is_ok());
        drop(last);
        assert_eq!(to.streams(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn peers_that_are_refused_leave_nothing_behind() {
        let to = connections(2, 1);
        let busy = [come(&to, at(1)).unwrap(), come(&to, at(2)).unwrap()];
        let _requests = busy.each_ref().map(|guest| InFlight::enter(&guest.activity));
        for host in 3..=250 {
            assert_eq!(come(&to, at(host)).err(), Some(Refused::Full));
        }
        assert_eq!(to.table().peers.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_was_asked_to_go_and_stays_is_counted_again() {
        let to = connections(1, 0);
        let first = come(&to, at(1)).unwrap();
        wait().await;
        let second = come(&to, at(2)).unwrap();
        let request = InFlight::enter(&first.activity);
        first.admission.stays();
        wait().await;
        // Two are open where one may be: no other comes in before two have gone.
        let third = come(&to, at(3));
        assert_eq!(third.err(), Some(Refused::Full));
        assert!(second.activity.was_asked_to_go());
        drop(second);
        assert!(come(&to, at(3)).is_err());
        drop((request, first));
        assert!(come(&to, at(3)).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_a_bounded_number_are_on_their_way_out() {
        let to = connections(LEAVING_MAX * 2, 0);
        let _guests: Vec<_> = (0..LEAVING_MAX * 2).map(|_| come(&to, at(1)).unwrap()).collect();
        wait().await;
        let newcomers: Vec<_> = (0..LEAVING_MAX).map(|_| come(&to, at(2)).unwrap()).collect();
        assert_eq!(come(&to, at(2)).err(), Some(Refused::Full));
        assert_eq!(to.drain.open(), LEAVING_MAX * 3);
        drop(newcomers);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_connects_only_so_often() {
        let mut options = ServerOptions::at(([127, 0, 0, 1], 0).into());
        options.peers.connects_per_second = 5;
        options.peers.exempt = vec!["192.0.2.9".parse().unwrap()];
        let to = Arc::new(Connections::new(&options, Arc::new(Drain::new())));
        let passed = |host| (0..100).filter(|_| come(&to, at(host)).is_ok()).count();
        assert_eq!(passed(1), 20);
        assert_eq!((passed(2), passed(9)), (20, 100));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(passed(1), 5);
    }
}
