//! An archived sale that was unpacked beside the scribe: its state and its view, made together.
//!
//! Whoever asks is answered from it, by the rules of every sale. Where something has to be decided, the scribe goes
//! on with it in place of reading the packed form itself, so that a sale of a million purchases does not hold up
//! the others.

use std::sync::Arc;

use crate::{
    clock::Millis,
    command::HoldReply,
    hold::Step,
    id::{Epoch, HoldId},
    publisher::Publisher,
    record::ReplayKey,
    sale::{HoldDecision, Sale, SettleRefusal, Settler},
    shared_bytes::SharedBytes,
    view::SaleView,
    world::read_packed,
};

/// An archived sale, unpacked.
#[derive(Debug)]
pub struct Unpacked {
    of: SharedBytes,
    sale: Sale,
    publisher: Publisher,
}

impl Unpacked {
    /// Unpacks a sale.
    ///
    /// # Panics
    /// When this is not the packed form of a sale.
    pub(crate) fn new(of: SharedBytes, at: Millis) -> Self {
        let sale = read_packed(&of).expect("a sale's own byte form");
        let publisher = Publisher::recovered(&sale, at);
        Self { of, sale, publisher }
    }

    /// What it was unpacked from. As long as the sale is packed in these bytes, nothing has changed in it.
    pub(crate) fn of(&self) -> &SharedBytes {
        &self.of
    }

    /// What a step of a hold comes to, where that needs no fact: then the sale stays as it is. Nothing that a
    /// shopper asks for needs one.
    pub(crate) fn answer_step(
        &self,
        (epoch, id): (Epoch, HoldId),
        step: Step,
        by: Settler,
        replay: Option<ReplayKey>,
        at: Millis,
    ) -> Option<Result<HoldReply, SettleRefusal>> {
        let (id, told) = match self.sale.decide_step(epoch, id, step, by, replay, at) {
            Ok(HoldDecision::Decided(id, records)) if records.is_empty() => (id, None),
            Ok(HoldDecision::Decided(..)) => return None,
            Ok(HoldDecision::Replayed(id, state)) => (id, Some(state)),
            Err(refusal) => return Some(Err(refusal)),
        };
        self.sale.hold(id).map(|hold| Ok(HoldReply::of(hold, told)))
    }

    pub(crate) fn view(&self) -> &Arc<SaleView> {
        self.publisher.view()
    }

    pub(crate) fn into_parts(self) -> (Sale, Publisher) {
        (self.sale, self.publisher)
    }
}
