//! Archived sales. There may be a hundred thousand of them, and nearly always nothing happens in any.
//!
//! An archived sale is *cold*: its byte form without the zeros. When something concerns it, it is taken out
//! of that, *warm*, and stands among the sales like any other, until no event of it waits for the sink and
//! nothing has concerned it for a while. Cold or warm is the same state: both have one byte form.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    clock::Millis,
    codec::{DecodeError, Long as _},
    id::SaleTag,
    packed::unpack,
    sale::Sale,
};

/// Which sales are archived.
#[derive(Clone, Debug, Default)]
pub(super) struct Archived {
    pub(super) cold: BTreeMap<SaleTag, Arc<[u8]>>,
    /// Those that stand among the sales.
    pub(super) warm: BTreeSet<SaleTag>,
}

impl Archived {
    /// Those that are cold.
    pub(super) fn tags(&self) -> impl Iterator<Item = &SaleTag> {
        self.cold.keys()
    }

    /// Takes a cold sale out: it is warm from now on.
    pub(super) fn unpack(&mut self, tag: SaleTag, at: Millis) -> Option<Sale> {
        let packed = self.cold.remove(&tag)?;
        let mut sale = read(&packed).expect("a sale's own byte form");
        sale.touch(at);
        self.warm.insert(tag);
        Some(sale)
    }

    pub(super) fn set_warm(&mut self, tag: SaleTag) {
        self.warm.insert(tag);
    }

    pub(super) fn forget(&mut self, tag: SaleTag) {
        self.warm.remove(&tag);
    }
}

/// The sale of a packed byte form.
pub(crate) fn read(packed: &[u8]) -> Result<Sale, DecodeError> {
    let bytes = unpack(packed)?;
    let input = &mut bytes.as_slice();
    let sale = Sale::read(input)?;
    if input.is_empty() { Ok(sale) } else { Err(DecodeError("bytes left over")) }
}
