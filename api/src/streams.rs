//! The open event streams: room for them, and the hub that watches for them.
//!
//! ```text
//! hub (one task): looks at everyone's place, in slices ──▶ Slot: what is due, the latest wins
//!                                                            │ wakes
//! the connection's task writes the event of this moment when the peer can take it
//! ```
//!
//! Nothing is queued for a watcher: the [`hub`] says that there is something to tell, and the place
//! is rendered as it is when the connection asks. A watcher counts as heard of, since the hub looks
//! at its place. Each watcher takes one of the [`StreamPlaces`](crate::server::StreamPlaces) of its peer, or is
//! refused. One ticket has the newest few of its streams: [`tickets`].

mod gist;
mod hub;
mod slot;
mod tickets;

use std::sync::Arc;

use engine::{Engine, sale::TicketRef, view::SaleView};

use self::{
    hub::Hub,
    tickets::{Membership, Tickets},
};
use crate::{
    error::ApiError,
    server::{Peer, StreamPlace},
    wait_estimates::WaitEstimates,
};

pub use gist::Gist;
pub use slot::{Due, Slot};

/// Room for streams.
#[derive(Debug)]
pub struct Streams {
    tickets: Arc<Tickets>,
    hub: Arc<Hub>,
}

impl Streams {
    /// Room for `per_ticket` of one ticket.
    pub fn new(per_ticket: usize, engine: Engine, wait_estimates: Arc<WaitEstimates>) -> Self {
        let tickets = Arc::new(Tickets::new(per_ticket));
        Self { tickets, hub: Arc::new(Hub::new(engine, wait_estimates)) }
    }

    /// Watches a place for one more stream, from now until the seat is dropped.
    pub fn join(
        &self,
        sale: &Arc<SaleView>,
        ticket: TicketRef,
        peer: &Peer,
    ) -> Result<Seat, ApiError> {
        let place = peer.streams.take().map_err(|_full| ApiError::Overloaded)?;
        let slot = Slot::new();
        let member = self.tickets.join(sale.name().tag(), ticket, &slot);
        let member = member.ok_or(ApiError::TooManyStreams)?;
        self.hub.join(sale, ticket, &slot, &peer.draining);
        Ok(Seat { slot, _place: place, _member: member })
    }
}

/// One stream's share of the room.
#[derive(Debug)]
pub struct Seat {
    /// What its watcher has to be told.
    pub slot: Arc<Slot>,
    _place: StreamPlace,
    _member: Membership,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.slot.leave();
    }
}
