//! The read side of archived sales: a view is made of a packed one when it is asked for.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use crate::{
    clock::Millis, id::SaleTag, limits::ARCHIVED_VIEWS_MAX, publisher::Publisher, view::SaleView,
    world::read_packed,
};

/// Views of archived sales, by their tags.
#[derive(Default)]
pub struct ArchivedViews {
    /// Locked for one entry at a time; only what is about an archived sale comes here.
    sales: RwLock<BTreeMap<SaleTag, Shown>>,
    /// Views that were made last, with what they were made of.
    made: Mutex<VecDeque<Made>>,
}

/// A packed sale and its view.
type Made = (Arc<[u8]>, Arc<SaleView>);

/// What an archived sale is shown by.
#[derive(Debug)]
enum Shown {
    Packed(Arc<[u8]>),
    /// The scribe keeps it up to date.
    View(Arc<SaleView>),
}

impl ArchivedViews {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.read().len()
    }

    /// Whether there is one of this name.
    pub fn has(&self, tag: SaleTag) -> bool {
        self.read().contains_key(&tag)
    }

    /// The view of one.
    pub(crate) fn view(&self, tag: SaleTag, at: Millis) -> Option<Arc<SaleView>> {
        let packed = match self.read().get(&tag)? {
            Shown::View(view) => return Some(Arc::clone(view)),
            Shown::Packed(packed) => Arc::clone(packed),
        };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, view)) = made.iter().find(|(of, _)| Arc::ptr_eq(of, &packed)) {
            return Some(Arc::clone(view));
        }
        let sale = read_packed(&packed).expect("a sale's own byte form");
        let view = Arc::clone(Publisher::recovered(&sale, at).view());
        if made.len() >= ARCHIVED_VIEWS_MAX {
            made.pop_front();
        }
        made.push_back((packed, Arc::clone(&view)));
        Some(view)
    }

    pub(crate) fn set_packed(&self, tag: SaleTag, packed: Arc<[u8]>) {
        self.write().insert(tag, Shown::Packed(packed));
    }

    pub(crate) fn set_view(&self, view: &Arc<SaleView>) {
        self.write().insert(view.tag(), Shown::View(Arc::clone(view)));
    }

    pub(crate) fn forget(&self, tag: SaleTag) {
        self.write().remove(&tag);
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<SaleTag, Shown>> {
        self.sales.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<SaleTag, Shown>> {
        self.sales.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ArchivedViews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchivedViews").field("count", &self.count()).finish_non_exhaustive()
    }
}
