//! Archived sales among the others: taken up when they are asked for, packed again when nothing concerns them.

use std::{mem, sync::Arc};

use super::{Request, Resting, Scribe};
use crate::{clock::Millis, limits, shared_bytes::SharedBytes, unpacked::Unpacked, world::Packed};

/// A large archived sale in which others decided something, on its way out of its packed form.
#[derive(Debug)]
pub struct Waking {
    of: SharedBytes,
    at: Millis,
}

impl Waking {
    /// Unpacks it.
    pub fn run(self) -> Unpacked {
        Unpacked::new(self.of, self.at)
    }
}

impl Scribe {
    /// A large archived sale that nothing concerns any more, to be packed on another thread.
    pub fn rest(&mut self) -> Option<Resting> {
        // Not while anything that was decided is not durable yet.
        if self.unfinished.is_some() || !mem::take(&mut self.may_rest) {
            return None;
        }
        let sale = self.arbiter.rest(self.spare.decided.at)?;
        self.outlet.forget(sale.tag());
        let publisher = self.publishers.remove(sale.tag());
        Some(Resting { sale, publisher, registry: Arc::clone(&self.registry) })
    }

    /// Takes it back, packed.
    pub fn set_packed(&mut self, packed: Packed) {
        self.arbiter.set_packed(packed);
    }

    /// A large archived sale in which others decided something, to be unpacked on another thread.
    pub fn wake(&mut self) -> Option<Waking> {
        let of = self.arbiter.world().cold().shown(self.arbiter.wants_unpacked()?)?;
        Some(Waking { of, at: self.spare.decided.at })
    }

    /// Takes it up, unless it was unpacked or changed meanwhile.
    pub fn set_unpacked(&mut self, unpacked: Unpacked) {
        if self.arbiter.world().may_warm_up(unpacked.view().tag(), unpacked.of()) {
            self.warm_up(unpacked, self.spare.decided.at);
        }
    }

    /// Takes archived sales up that were unpacked for those who ask, where nothing has changed in them since.
    pub(super) fn take_unpacked(&mut self, requests: &mut [Request], at: Millis) {
        for request in requests {
            let world = self.arbiter.world();
            let may = |unpacked: &mut Box<Unpacked>| {
                world.may_warm_up(unpacked.view().tag(), unpacked.of())
            };
            let Some(unpacked) = request.unpacked.take_if(may) else { continue };
            self.warm_up(*unpacked, at);
        }
    }

    fn warm_up(&mut self, unpacked: Unpacked, at: Millis) {
        let (sale, publisher) = unpacked.into_parts();
        self.arbiter.warm_up(sale, at);
        self.registry.archived().set_view(publisher.view());
        self.publishers.insert(publisher.view().tag(), publisher);
    }

    /// Has archived sales packed that nothing concerns any more. All that are unpacked are looked at for it.
    pub(super) fn pack(&mut self, at: Millis) {
        (self.pack_due, self.may_rest) = (at.after(limits::TICK_MS), true);
        for packed in self.arbiter.freeze(at) {
            self.publishers.remove(packed.tag());
            self.outlet.forget(packed.tag());
            self.registry.archived().set_packed(packed.tag(), packed.bytes().clone());
        }
    }
}
