//! `GET /v1/sales/{sale}/stream`: the place as server-sent events, until the shopper is let in.
//!
//! One task a watcher: it looks at the atomics a few times a second, speaks when the place changed,
//! and keeps silent connections alive with comments. A watcher counts as heard of.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use engine::{sale::TicketRef, standing::Standing, view::SaleView};
use hyper::{HeaderMap, Response};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, MissedTickBehavior, interval},
};

use super::{authority, render, shopper};
use crate::{
    app::{App, or_refusal},
    error::ApiError,
    respond,
    server::{Body, Draining, Peer},
};

/// How often a watcher's place is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How long a watcher hears nothing at the most.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// What a client is told to wait before it comes back after a break.
const RETRY: &[u8] = b"retry: 2000\n\n";
/// The same when this node goes down: long enough for another to take over.
const RETRY_AFTER_DRAIN: &[u8] = b"retry: 5000\n\n";

/// The room for open event streams.
#[derive(Clone, Debug)]
pub struct Streams(Arc<Semaphore>);

impl Streams {
    /// Room for `streams_max`.
    pub fn new(streams_max: usize) -> Self {
        Self(Arc::new(Semaphore::new(streams_max.min(Semaphore::MAX_PERMITS))))
    }
}

/// Opens a stream, if there is room for it.
pub fn open(
    app: &Arc<App>,
    sale: Arc<SaleView>,
    headers: &HeaderMap,
    peer: &Peer,
) -> Response<Body> {
    or_refusal(try_open(app, sale, headers, peer))
}

fn try_open(
    app: &Arc<App>,
    sale: Arc<SaleView>,
    headers: &HeaderMap,
    peer: &Peer,
) -> Result<Response<Body>, ApiError> {
    let ticket = authority::ticket_or_cookie(app, &sale, headers)?;
    let ticket = authority::place_of(&ticket);
    shopper::check_here(sale.standing(ticket, app.engine.now()))?;
    let room = Arc::clone(&app.streams.0).try_acquire_owned();
    let room = room.map_err(|_| ApiError::Overloaded)?;
    let (events, body) = Body::stream();
    let watcher =
        Watcher { app: Arc::clone(app), sale, ticket, events, last: Vec::new(), _room: room };
    tokio::spawn(watcher.watch(peer.draining.clone()));
    Ok(respond::event_stream(body))
}

struct Watcher {
    app: Arc<App>,
    sale: Arc<SaleView>,
    ticket: TicketRef,
    events: mpsc::Sender<Bytes>,
    /// The place as it was last told, without its clock-driven part.
    last: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

/// What a look came to.
enum Next {
    Told,
    Silent,
    End,
}

impl Watcher {
    async fn watch(mut self, mut draining: Draining) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut spoke = Instant::now();
        if !self.send(RETRY).await {
            return;
        }
        loop {
            tokio::select! {
                _ = looks.tick() => {}
                () = draining.begun() => {
                    self.send(RETRY_AFTER_DRAIN).await;
                    return;
                }
                () = self.events.closed() => return,
            }
            match self.look().await {
                Next::Told => spoke = Instant::now(),
                Next::Silent if spoke.elapsed() >= KEEP_ALIVE => {
                    spoke = Instant::now();
                    if !self.send(b": still here\n\n").await {
                        return;
                    }
                }
                Next::Silent => {}
                Next::End => return,
            }
        }
    }

    /// Looks at the place and tells it when it changed.
    async fn look(&mut self) -> Next {
        let now = self.app.engine.now();
        let mut standing = self.sale.standing(self.ticket, now);
        if let Standing::Called { .. } = standing {
            standing = shopper::claim(&self.app, &self.sale, self.ticket, standing).await;
        }
        if let Err(refusal) = shopper::check_here(standing) {
            let gone = format!("event: gone\ndata: {{\"code\":\"{}\"}}\n\n", refusal.facts().code);
            self.send(gone.as_bytes()).await;
            return Next::End;
        }
        let gist = format!("{standing:?}{:?}", self.sale.desk().controls.message).into_bytes();
        if gist == self.last {
            return Next::Silent;
        }
        self.last = gist;
        let mut event = b"event: place\ndata: ".to_vec();
        render::write_standing(&self.app, &self.sale, self.ticket, standing, now, &mut event);
        event.extend_from_slice(b"\n\n");
        let heard = self.send(&event).await;
        if heard && !matches!(standing, Standing::Admitted { .. }) { Next::Told } else { Next::End }
    }

    /// Whether the peer is still there.
    async fn send(&self, bytes: &[u8]) -> bool {
        self.events.send(Bytes::copy_from_slice(bytes)).await.is_ok()
    }
}
