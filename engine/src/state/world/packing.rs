//! Which archived sales are packed, and when one is taken out of that.

use std::sync::Arc;

use super::{
    World,
    archived::{Archived, Packed, packed, read},
    cold::Cold,
};
use crate::{
    clock::Millis,
    codec::DecodeError,
    id::SaleTag,
    limits::{PACK_SALE_BYTES_MAX, PACKED_AT_ONCE_MAX, UNPACKED_AT_ONCE_BYTES, WARM_MS},
    packed::unpacked_bytes,
    sale::Sale,
    shared_bytes::SharedBytes,
};

/// Whether packing a sale would hold up the others.
fn is_large(sale: &Sale) -> bool {
    sale.kept_count() > PACKED_AT_ONCE_MAX
}

impl World {
    /// Sales that are not archived.
    pub fn live_sales(&self) -> usize {
        self.sales.len() - self.archived.warm.len()
    }

    /// Archived sales.
    pub fn archived_sales(&self) -> usize {
        let packing = usize::from(self.archived.packing.is_some());
        self.archived.cold.len() + self.archived.warm.len() + packing
    }

    /// Whether there is an archived sale of this name.
    pub fn is_archived(&self, tag: SaleTag) -> bool {
        let Archived { cold, warm, .. } = &self.archived;
        cold.has(tag) || warm.has(tag) || self.is_packing(tag)
    }

    /// Whether this archived sale was given away to be packed, so that nothing can be decided of it.
    pub fn is_packing(&self, tag: SaleTag) -> bool {
        self.archived.packing == Some(tag)
    }

    /// Whether an archived sale is packed, and unpacking it would hold up the others.
    pub fn is_large_packed(&self, tag: SaleTag) -> bool {
        let packed = self.archived.cold.get(tag);
        packed.is_some_and(|packed| unpacked_bytes(&packed) > UNPACKED_AT_ONCE_BYTES)
    }

    /// A copy of an archived sale.
    pub fn archived_sale(&self, tag: SaleTag) -> Option<Sale> {
        read(&self.packed(tag)?).ok()
    }

    /// Archived sales.
    pub fn archived_tags(&self) -> impl Iterator<Item = SaleTag> {
        let Archived { cold, packing, .. } = &self.archived;
        cold.tags().into_iter().chain(self.unpacked_tags()).chain(*packing)
    }

    /// Archived sales that stand among the others.
    pub fn unpacked_tags(&self) -> impl Iterator<Item = SaleTag> {
        self.archived.warm.tags().copied()
    }

    /// Whether any archived sale stands among the others.
    pub(crate) fn has_warm(&self) -> bool {
        self.archived.warm.len() > 0
    }

    /// Archived sales that do not.
    pub(crate) fn cold(&self) -> &Arc<Cold> {
        &self.archived.cold
    }

    /// Whether no more archived sales can be unpacked: the sink has yet to take events of so many.
    pub fn is_warm_full(&self) -> bool {
        self.archived.warm.is_full()
    }

    /// Whether half of those are unpacked that may be.
    pub fn is_warm_half_full(&self) -> bool {
        self.archived.warm.is_half_full()
    }

    /// Takes a cold sale out, if it is one; answers whether there was room for it.
    pub fn thaw(&mut self, tag: SaleTag, at: Millis) -> bool {
        if self.is_warm_full() && self.archived.cold.has(tag) {
            return false;
        }
        self.unpack(tag, at);
        true
    }

    /// Takes a cold sale out, if it is one, for what was decided of it elsewhere.
    pub fn unpack(&mut self, tag: SaleTag, at: Millis) {
        if let Some(sale) = self.archived.unpack(tag, at) {
            self.sales.insert(tag, sale);
        }
    }

    /// Something concerns a warm sale: it is not packed yet.
    pub fn keep_unpacked(&mut self, tag: SaleTag, at: Millis) {
        if let Some(sale) = self.sales.get_mut(tag) {
            sale.touch(at);
        }
    }

    /// Whether a sale that was unpacked from these bytes may take their place.
    pub(crate) fn may_warm_up(&self, tag: SaleTag, of: &SharedBytes) -> bool {
        let is_cold =
            self.archived.cold.get(tag).is_some_and(|cold| SharedBytes::ptr_eq(&cold, of));
        is_cold && !self.is_warm_full()
    }

    /// Lets it take their place.
    pub fn warm_up(&mut self, mut sale: Sale, at: Millis) {
        sale.touch(at);
        self.archived.warm_up(sale.tag());
        self.sales.insert(sale.tag(), sale);
    }

    /// Makes warm sales cold that nothing concerns any more, and answers them; large ones are left.
    pub fn freeze(&mut self, at: Millis) -> Vec<Packed> {
        let resting = self.resting(at).filter(|sale| !is_large(sale)).map(Sale::tag);
        let resting: Vec<SaleTag> = resting.collect();
        let mut packed = Vec::new();
        for tag in resting {
            let Some(sale) = self.sales.remove(tag) else { continue };
            let cold = Packed::of(&sale);
            self.archived.set_cold(cold.clone());
            packed.push(cold);
        }
        if !packed.is_empty() {
            self.archived.forget_made(at);
        }
        packed
    }

    /// Gives a large warm sale away that nothing concerns any more, one at a time.
    pub fn rest(&mut self, at: Millis) -> Option<Sale> {
        if self.archived.packing.is_some() {
            return None;
        }
        let tag = self.resting(at).find(|sale| is_large(sale))?.tag();
        self.archived.warm.remove(tag);
        self.archived.packing = Some(tag);
        self.sales.remove(tag)
    }

    /// Takes it back.
    pub fn set_packed(&mut self, packed: Packed) {
        self.archived.packing = None;
        self.archived.set_cold(packed);
    }

    /// Warm sales that nothing concerns any more.
    fn resting(&self, at: Millis) -> impl Iterator<Item = &Sale> {
        let is_crowded = self.archived.warm.is_crowded();
        let rests = move |sale: &&Sale| {
            let idle_ms = at.since(sale.touched_at());
            sale.outbox().len() == 0 && (idle_ms >= WARM_MS || is_crowded && idle_ms > 0)
        };
        self.archived.warm.tags().filter_map(|tag| self.sales.get(*tag)).filter(rests)
    }

    /// The byte form of an archived sale without its zeros, if it is archived.
    pub(super) fn packed(&self, tag: SaleTag) -> Option<Vec<u8>> {
        if let Some(packed) = self.archived.cold.get(tag) {
            return Some(packed.to_vec());
        }
        let sale = self.sales.get(tag).filter(|sale| sale.archive().is_some())?;
        Some(packed(sale))
    }

    /// Whether a snapshot keeps it in a file with others: it is archived, and takes little.
    pub(crate) fn packs_small(&self, tag: SaleTag) -> bool {
        let is_small = |bytes: usize| bytes as u64 <= PACK_SALE_BYTES_MAX;
        let length = match self.archived.cold.get(tag) {
            Some(packed) => Some(packed.len()),
            None => self.packed(tag).map(|packed| packed.len()),
        };
        length.is_some_and(is_small) && !self.adopting.contains_key(&tag)
    }

    /// Puts an archived sale, as a snapshot has it.
    pub(super) fn put_packed(&mut self, tag: SaleTag, packed: Vec<u8>) -> Result<(), DecodeError> {
        let sale = read(&packed)?;
        if sale.tag() != tag || sale.archive().is_none() {
            return Err(DecodeError("another sale's part"));
        }
        if sale.outbox().len() > 0 {
            // The sinks have to be told.
            self.backlog.add(sale.outbox());
            self.archived.warm.insert(tag, packed.len());
            self.sales.insert(tag, sale);
        } else {
            let (bytes, made) = (packed.into(), sale.made().cloned());
            self.archived.set_cold(Packed { tag, bytes, made });
        }
        Ok(())
    }
}
