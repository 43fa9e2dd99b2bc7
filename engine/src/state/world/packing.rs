//! Which archived sales are packed, and when one is taken out of that.

use std::{collections::BTreeSet, sync::Arc};

use super::{World, archived::read};
use crate::{
    clock::Millis,
    codec::{DecodeError, Long as _},
    id::SaleTag,
    limits::{PACK_SALE_BYTES_MAX, WARM_MS, WARM_SALES_FEW, WARM_SALES_MAX},
    packed::pack,
    sale::Sale,
};

impl World {
    /// Sales that are not archived.
    pub fn live_sales(&self) -> usize {
        self.sales.len() - self.archived.warm.len()
    }

    /// Archived sales.
    pub fn archived_sales(&self) -> usize {
        self.archived.cold.len() + self.archived.warm.len()
    }

    /// Whether there is an archived sale of this name.
    pub fn is_archived(&self, tag: SaleTag) -> bool {
        self.archived.cold.contains_key(&tag) || self.archived.warm.contains(&tag)
    }

    /// A copy of an archived sale.
    pub fn archived_sale(&self, tag: SaleTag) -> Option<Sale> {
        read(&self.packed(tag)?).ok()
    }

    /// Whether any archived sale stands among the others.
    pub(crate) fn has_warm(&self) -> bool {
        !self.archived.warm.is_empty()
    }

    /// Archived sales that do not.
    pub(crate) fn cold(&self) -> impl Iterator<Item = (SaleTag, &Arc<[u8]>)> {
        self.archived.cold.iter().map(|(tag, packed)| (*tag, packed))
    }

    /// Whether no more archived sales can be unpacked: the sink has yet to take events of so many.
    pub(crate) fn is_warm_full(&self) -> bool {
        self.archived.warm.len() >= WARM_SALES_MAX
    }

    /// Takes a cold sale out, if it is one; answers whether there was room for it.
    pub(crate) fn thaw(&mut self, tag: SaleTag, at: Millis) -> bool {
        if self.is_warm_full() && self.archived.cold.contains_key(&tag) {
            return false;
        }
        if let Some(sale) = self.archived.unpack(tag, at) {
            self.sales.insert(tag, sale);
        }
        true
    }

    /// Makes warm sales cold that nothing concerns any more, and answers them.
    pub(crate) fn freeze(&mut self, at: Millis) -> Vec<(SaleTag, Arc<[u8]>)> {
        let is_crowded = self.archived.warm.len() > WARM_SALES_FEW;
        let rests = |sale: &Sale| {
            let idle_ms = at.since(sale.touched_at());
            sale.outbox().len() == 0 && (idle_ms >= WARM_MS || is_crowded && idle_ms > 0)
        };
        let tags = self.archived.warm.iter().copied();
        let resting: BTreeSet<_> =
            tags.filter(|tag| self.sales.get(tag).is_some_and(rests)).collect();
        let packed = self.pack_all(&resting);
        if !packed.is_empty() {
            self.archived.forget_made(at);
        }
        packed
    }

    fn pack_all(&mut self, tags: &BTreeSet<SaleTag>) -> Vec<(SaleTag, Arc<[u8]>)> {
        let pack = |tag: &SaleTag| {
            let packed: Arc<[u8]> = self.packed(*tag)?.into();
            let sale = self.sales.remove(tag)?;
            self.archived.set_cold(&sale, Arc::clone(&packed));
            Some((*tag, packed))
        };
        tags.iter().filter_map(pack).collect()
    }

    /// The byte form of an archived sale without its zeros, if it is archived.
    pub(super) fn packed(&self, tag: SaleTag) -> Option<Vec<u8>> {
        if let Some(packed) = self.archived.cold.get(&tag) {
            return Some(packed.to_vec());
        }
        let sale = self.sales.get(&tag).filter(|sale| sale.archive().is_some())?;
        let mut bytes = Vec::new();
        sale.write(&mut bytes);
        Some(pack(&bytes))
    }

    /// Whether a snapshot keeps it in a file with others: it is archived, and takes little.
    pub(crate) fn packs_small(&self, tag: SaleTag) -> bool {
        let is_small = |bytes: usize| bytes as u64 <= PACK_SALE_BYTES_MAX;
        let length = match self.archived.cold.get(&tag) {
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
            self.archived.warm.insert(tag);
            self.sales.insert(tag, sale);
        } else {
            self.archived.set_cold(&sale, packed.into());
        }
        Ok(())
    }
}
