//! Archived sales. There may be a hundred thousand of them, and nearly always nothing happens in any.
//!
//! An archived sale is *cold*: its byte form, packed. When something concerns it, it is taken out
//! of that, *warm*, and stands among the sales like any other, until no event of it waits for the sink and
//! nothing has concerned it for a while. Cold or warm is the same state: both have one byte form.

use std::{collections::BTreeMap, sync::Arc};

use super::cold::Cold;
use crate::{
    clock::Millis,
    codec::{DecodeError, Long as _},
    id::SaleTag,
    limits::{WARM_BYTES_MAX, WARM_BYTES_PER_HOLD, WARM_SALES_FEW, WARM_SALES_MAX},
    packed::{pack, unpack},
    sale::{Kept, Sale},
    shared_bytes::SharedBytes,
};

/// Which sales are archived.
#[derive(Debug, Default)]
pub(super) struct Archived {
    pub(super) cold: Arc<Cold>,
    /// Those that stand among the sales.
    pub(super) warm: Warm,
    /// The one that was given away to be packed.
    pub(super) packing: Option<SaleTag>,
    /// What creations of cold ones were answered that came with a key, while they may be asked again:
    /// follows from the packed forms, which are not unpacked for every creation.
    made: BTreeMap<SaleTag, Kept>,
}

/// Archived sales that stand among the others, each with about what it takes packed.
#[derive(Clone, Debug, Default)]
pub(super) struct Warm {
    sales: BTreeMap<SaleTag, usize>,
    bytes: usize,
}

impl Warm {
    pub(super) fn insert(&mut self, tag: SaleTag, bytes: usize) {
        self.remove(tag);
        self.bytes += bytes;
        self.sales.insert(tag, bytes);
    }

    pub(super) fn remove(&mut self, tag: SaleTag) {
        self.bytes -= self.sales.remove(&tag).unwrap_or_default();
    }

    pub(super) fn has(&self, tag: SaleTag) -> bool {
        self.sales.contains_key(&tag)
    }

    pub(super) fn tags(&self) -> impl Iterator<Item = &SaleTag> {
        self.sales.keys()
    }

    pub(super) fn len(&self) -> usize {
        self.sales.len()
    }

    /// Whether no other may be added.
    pub(super) fn is_full(&self) -> bool {
        self.sales.len() >= WARM_SALES_MAX || self.bytes >= WARM_BYTES_MAX
    }

    /// Whether half of what may be is there.
    pub(super) fn is_half_full(&self) -> bool {
        self.sales.len() >= WARM_SALES_MAX / 2 || self.bytes >= WARM_BYTES_MAX / 2
    }

    /// Whether those that nothing waits for are to go soon.
    pub(super) fn is_crowded(&self) -> bool {
        self.sales.len() > WARM_SALES_FEW || self.bytes > WARM_BYTES_MAX / 4
    }
}

impl Clone for Archived {
    fn clone(&self) -> Self {
        let Self { cold, warm, packing, made } = self;
        let cold = Arc::new(cold.copy());
        Self { cold, warm: warm.clone(), packing: *packing, made: made.clone() }
    }
}

impl Archived {
    /// Takes a cold sale out: it is warm from now on.
    pub(super) fn unpack(&mut self, tag: SaleTag, at: Millis) -> Option<Sale> {
        let mut sale = read(&self.cold.get(tag)?).expect("a sale's own byte form");
        sale.touch(at);
        self.warm_up(tag);
        Some(sale)
    }

    /// A cold sale stands among the others from now on.
    pub(super) fn warm_up(&mut self, tag: SaleTag) {
        let bytes = self.cold.get(tag).map_or(0, |packed| packed.len());
        self.cold.remove(tag);
        self.made.remove(&tag);
        self.warm.insert(tag, bytes);
    }

    /// A sale stands among the others that may have been archived before, or may not be any more: another history
    /// of it was taken over.
    pub(super) fn replace(&mut self, sale: &Sale) {
        let tag = sale.tag();
        self.cold.remove(tag);
        self.made.remove(&tag);
        self.warm.remove(tag);
        if sale.archive().is_some() {
            self.warm.insert(tag, sale.kept_count() * WARM_BYTES_PER_HOLD);
        }
    }

    /// Puts a packed sale among the cold ones.
    pub(super) fn set_cold(&mut self, Packed { tag, bytes, made }: Packed) {
        self.cold.insert(tag, bytes);
        self.warm.remove(tag);
        self.made.extend(made.map(|kept| (tag, kept)));
    }

    /// Forgets what creations were answered that may not be asked again at `at`.
    pub(super) fn forget_made(&mut self, at: Millis) {
        self.made.retain(|_, kept| kept.is_kept(at));
    }

    /// What the creation of a cold sale was answered.
    pub(super) fn made(&self, tag: SaleTag) -> Option<&Kept> {
        self.made.get(&tag)
    }

    /// Cold sales whose creation may be asked again.
    pub(super) fn made_tags(&self) -> impl Iterator<Item = &SaleTag> {
        self.made.keys()
    }

    pub(super) fn forget(&mut self, tag: SaleTag) {
        self.warm.remove(tag);
    }
}

/// An archived sale, packed.
#[derive(Clone, Debug)]
pub struct Packed {
    pub(super) tag: SaleTag,
    pub(super) bytes: SharedBytes,
    /// What its creation was answered, if that came with a key.
    pub(super) made: Option<Kept>,
}

impl Packed {
    /// Packs a sale.
    pub(crate) fn of(sale: &Sale) -> Self {
        Self { tag: sale.tag(), bytes: packed(sale).into(), made: sale.made().cloned() }
    }

    /// Which sale it is.
    pub fn tag(&self) -> SaleTag {
        self.tag
    }

    /// Its byte form, packed.
    pub(crate) fn bytes(&self) -> &SharedBytes {
        &self.bytes
    }
}

/// The byte form of a sale without its zeros.
pub(super) fn packed(sale: &Sale) -> Vec<u8> {
    let mut bytes = Vec::new();
    sale.write(&mut bytes);
    pack(&bytes)
}

/// The sale of a packed byte form.
pub(crate) fn read(packed: &[u8]) -> Result<Sale, DecodeError> {
    let bytes = unpack(packed)?;
    let input = &mut bytes.as_slice();
    let sale = Sale::read(input)?;
    if input.is_empty() { Ok(sale) } else { Err(DecodeError("bytes left over")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpacked_archived_sales_are_bounded_by_what_they_take_and_not_by_their_number_alone() {
        let mut warm = Warm::default();
        warm.insert(SaleTag(1), WARM_BYTES_MAX / 4);
        assert!(!warm.is_crowded() && !warm.is_full());
        warm.insert(SaleTag(2), WARM_BYTES_MAX / 2);
        assert!(warm.is_crowded() && !warm.is_full());
        warm.insert(SaleTag(3), WARM_BYTES_MAX / 4);
        assert!(warm.is_full(), "{} sales", warm.len());
        warm.insert(SaleTag(2), 1);
        assert!(!warm.is_full(), "smaller since");
        for tag in 1..=3 {
            warm.remove(SaleTag(tag));
            warm.remove(SaleTag(tag));
        }
        assert_eq!((warm.len(), warm.bytes), (0, 0));
        (0..WARM_SALES_MAX as u64).for_each(|tag| warm.insert(SaleTag(tag), 1));
        assert!(warm.is_full(), "{} bytes", warm.bytes);
    }
}
