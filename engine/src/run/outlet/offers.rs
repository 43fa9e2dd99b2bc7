//! What a sink's thread gets from the scribe.

use crossbeam::channel::Receiver;

use crate::{
    id::{EventId, SaleTag},
    outbox::{OrderEvent, SinkSet},
};

/// What a sink's thread is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It is for the sink.
    Show(OrderEvent),
    /// Every sink has it. It waited for one that is not configured any more, and leaves when it is
    /// acknowledged once more.
    Leave(SaleTag, EventId),
    /// All of the sale that the sink has not taken is offered from here on, whatever was offered before:
    /// another node may have delivered the sale meanwhile.
    StartOver(SaleTag),
}

/// A sink's end.
#[derive(Clone, Debug)]
pub struct Offers {
    /// The sink that they are for, and the others there are.
    pub by: SinkSet,
    /// Durable events.
    pub queue: Receiver<Offer>,
}
