//! Packed archived sales, in one table for the world and for handlers.
//!
//! The table has a pointer for each: whose sale it is, its bytes say themselves, because they begin with its name.
//!
//! Handlers see what is durable. The world takes a sale out when something is decided of it, before that is
//! durable and shown. Until then handlers find it as it was.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use crate::{
    codec::Binary as _,
    id::{SALE_NAME_BYTES_MAX, SaleName, SaleTag},
    keyed::Table,
    packed,
    shared_bytes::SharedBytes,
};

/// Packed sales.
#[derive(Default)]
pub(crate) struct Cold {
    /// Locked for one entry at a time.
    sales: RwLock<Sales>,
}

#[derive(Clone, Default)]
struct Sales {
    table: Table<SharedBytes>,
    count: usize,
    /// Taken out of the table and not shown otherwise yet.
    leaving: BTreeMap<SaleTag, SharedBytes>,
    /// Handlers look for sales here.
    is_shown: bool,
}

impl Cold {
    /// How many the world has here.
    pub(super) fn len(&self) -> usize {
        self.read().count
    }

    /// Whether the world has one here.
    pub(super) fn has(&self, tag: SaleTag) -> bool {
        self.read().find(tag).is_some()
    }

    /// One that the world has here.
    pub(super) fn get(&self, tag: SaleTag) -> Option<SharedBytes> {
        self.read().find(tag).cloned()
    }

    /// All that the world has here, in no order.
    pub(super) fn tags(&self) -> Vec<SaleTag> {
        self.read().table.iter().map(|bytes| tag_of(bytes)).collect()
    }

    /// Puts one here.
    pub(super) fn insert(&self, tag: SaleTag, bytes: SharedBytes) {
        let mut sales = self.write();
        sales.remove(tag);
        sales.leaving.remove(&tag);
        sales.table.insert(tag.0, bytes, |bytes| tag_of(bytes).0);
        sales.count += 1;
    }

    /// Takes one out.
    pub(super) fn remove(&self, tag: SaleTag) {
        let mut sales = self.write();
        if let Some(bytes) = sales.remove(tag).filter(|_| sales.is_shown) {
            sales.leaving.insert(tag, bytes);
        }
    }

    /// The same sales, apart from these.
    pub(super) fn copy(&self) -> Self {
        let sales = Sales { is_shown: false, leaving: BTreeMap::new(), ..self.read().clone() };
        Self { sales: RwLock::new(sales) }
    }

    /// Handlers look for sales here from now on.
    pub(crate) fn show(&self) {
        self.write().is_shown = true;
    }

    /// One as handlers see it.
    pub(crate) fn shown(&self, tag: SaleTag) -> Option<SharedBytes> {
        let sales = self.read();
        sales.find(tag).or_else(|| sales.leaving.get(&tag)).cloned()
    }

    /// How many handlers see.
    pub(crate) fn shown_count(&self) -> usize {
        let sales = self.read();
        sales.count + sales.leaving.len()
    }

    /// What was decided of a sale that was taken out is shown now.
    pub(crate) fn let_go(&self, tag: SaleTag) {
        self.write().leaving.remove(&tag);
    }

    fn read(&self) -> RwLockReadGuard<'_, Sales> {
        self.sales.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Sales> {
        self.sales.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sales {
    fn find(&self, tag: SaleTag) -> Option<&SharedBytes> {
        self.table.find(tag.0, |bytes| tag_of(bytes) == tag)
    }

    fn remove(&mut self, tag: SaleTag) -> Option<SharedBytes> {
        let bytes = self.find(tag).cloned()?;
        self.table.remove(tag.0, |bytes| tag_of(bytes) == tag);
        self.count -= 1;
        Some(bytes)
    }
}

impl fmt::Debug for Cold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cold").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The sale that these bytes are of: they begin with its name.
fn tag_of(bytes: &[u8]) -> SaleTag {
    let front = packed::unpack_front(bytes, size_of::<u64>() + SALE_NAME_BYTES_MAX);
    let name = front.and_then(|front| SaleName::decode(&mut front.as_slice()));
    name.expect("a sale's own byte form").tag()
}

#[cfg(all(test, not(engine_loom)))]
mod tests {
    use super::*;

    fn packed_sale(name: &str, rest: &[u8]) -> (SaleTag, SharedBytes) {
        let name = SaleName::parse(name).expect("a good name");
        let mut bytes = Vec::new();
        name.encode(&mut bytes);
        bytes.extend_from_slice(rest);
        (name.tag(), packed::pack(&bytes).into())
    }

    #[test]
    fn handlers_find_what_the_world_took_out_until_it_is_shown_otherwise() {
        let cold = Cold::default();
        let sales: Vec<_> = (0..1_000).map(|n| packed_sale(&format!("s-{n}"), &[9; 80])).collect();
        for (tag, bytes) in &sales {
            cold.insert(*tag, bytes.clone());
        }
        assert_eq!((cold.len(), cold.tags().len()), (1_000, 1_000));
        let (tag, bytes) = &sales[7];
        cold.remove(*tag);
        assert!(cold.shown(*tag).is_none(), "no handler looks here yet");
        cold.insert(*tag, bytes.clone());
        cold.show();
        cold.remove(*tag);
        assert!(!cold.has(*tag) && cold.shown(*tag).is_some());
        assert_eq!((cold.len(), cold.shown_count()), (999, 1_000));
        assert!(cold.copy().shown(*tag).is_none(), "a copy is the world's alone");
        let (_, after) = packed_sale("s-7", &[1; 90]);
        cold.insert(*tag, after.clone());
        assert!(cold.shown(*tag).is_some_and(|found| SharedBytes::ptr_eq(&found, &after)));
        cold.remove(*tag);
        cold.let_go(*tag);
        assert!(cold.shown(*tag).is_none());
        assert_eq!((cold.len(), cold.shown_count()), (999, 999));
        let known = sales.iter().filter(|(tag, _)| cold.has(*tag)).count();
        assert_eq!(known, 999);
    }
}
