//! Archived sales. There may be a hundred thousand of them, and nearly always nothing happens in any.
//!
//! An archived sale is *cold*: its byte form, packed. When something concerns it, it is taken out
//! of that, *warm*, and stands among the sales like any other, until no event of it waits for the sink and
//! nothing has concerned it for a while. Cold or warm is the same state: both have one byte form.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::cold::Cold;
use crate::{
    clock::Millis,
    codec::{DecodeError, Long as _},
    id::SaleTag,
    packed::{pack, unpack},
    sale::{Kept, Sale},
};

/// Which sales are archived.
#[derive(Debug, Default)]
pub(super) struct Archived {
    pub(super) cold: Arc<Cold>,
    /// Those that stand among the sales.
    pub(super) warm: BTreeSet<SaleTag>,
    /// The one that was given away to be packed.
    pub(super) packing: Option<SaleTag>,
    /// What creations of cold ones were answered that came with a key, while they may be asked again:
    /// follows from the packed forms, which are not unpacked for every creation.
    made: BTreeMap<SaleTag, Kept>,
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
        self.cold.remove(tag);
        self.made.remove(&tag);
        self.warm.insert(tag);
    }

    /// Puts a packed sale among the cold ones.
    pub(super) fn set_cold(&mut self, Packed { tag, bytes, made }: Packed) {
        self.cold.insert(tag, bytes);
        self.warm.remove(&tag);
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
        self.warm.remove(&tag);
    }
}

/// An archived sale, packed.
#[derive(Clone, Debug)]
pub struct Packed {
    pub(super) tag: SaleTag,
    pub(super) bytes: Arc<[u8]>,
    /// What its creation was answered, if that came with a key.
    pub(super) made: Option<Kept>,
}

impl Packed {
    /// Packs a sale.
    pub(crate) fn of(sale: &Sale) -> Self {
        Self { tag: sale.tag(), bytes: packed(sale).into(), made: sale.made().cloned() }
    }

    /// Which sale it is.
    pub(crate) fn tag(&self) -> SaleTag {
        self.tag
    }

    /// Its byte form, packed.
    pub(crate) fn bytes(&self) -> &Arc<[u8]> {
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
