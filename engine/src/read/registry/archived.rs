//! The read side of archived sales: a view is made of a packed one when it is asked for.
//!
//! Making one reads all of the sale's holds, so it is done outside the locks, by a thread that nobody else waits
//! for. Views that were made are kept for the next request within a bound of bytes and of age; a view of
//! other bytes than the sale has now is never shown.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    },
};

use crate::{
    clock::Millis,
    id::SaleTag,
    limits::{
        ARCHIVED_VIEW_BYTES, ARCHIVED_VIEW_BYTES_PER_BYTE, ARCHIVED_VIEW_MS,
        ARCHIVED_VIEWS_BYTES_MAX, ARCHIVED_VIEWS_MAX,
    },
    packed,
    shared_bytes::SharedBytes,
    unpacked::Unpacked,
    view::SaleView,
    world::Cold,
};

/// Views of archived sales, by their tags.
#[derive(Default)]
pub struct ArchivedViews {
    /// Those that the scribe's world has packed.
    cold: OnceLock<Arc<Cold>>,
    /// Those that are shown otherwise. Locked for one entry at a time; only what is about an archived sale comes
    /// here.
    sales: RwLock<BTreeMap<SaleTag, Shown>>,
    made: Mutex<MadeViews>,
}

/// What an archived sale is shown by.
#[derive(Clone, Debug)]
enum Shown {
    Packed(SharedBytes),
    /// The scribe keeps it up to date.
    View(Arc<SaleView>),
}

/// Views that were made of packed sales.
#[derive(Default)]
struct MadeViews {
    views: BTreeMap<SaleTag, Made>,
    /// Each of them, the one asked for the longest ago first.
    by_age: BTreeSet<(Millis, SaleTag)>,
    /// About what they take.
    bytes: usize,
}

struct Made {
    unpacked: Box<Unpacked>,
    bytes: usize,
    used_at: Millis,
}

impl ArchivedViews {
    /// How many archived sales there are.
    pub fn count(&self) -> usize {
        let Some(cold) = self.cold.get() else { return self.read().len() };
        let otherwise = self.read().keys().filter(|tag| cold.shown(**tag).is_none()).count();
        cold.shown_count() + otherwise
    }

    /// Whether there is one of this name.
    pub fn has(&self, tag: SaleTag) -> bool {
        self.shown_as(tag).is_some()
    }

    /// About what the views take that were made of packed sales.
    pub fn made_bytes(&self) -> usize {
        self.made().bytes
    }

    /// The view of one, if it need not be made first.
    pub(crate) fn shown(&self, tag: SaleTag, at: Millis) -> Option<Arc<SaleView>> {
        self.find(tag, at)?.ok()
    }

    /// The view of one. It is made on this thread if there is none.
    pub(crate) fn view(&self, tag: SaleTag, at: Millis) -> Option<Arc<SaleView>> {
        let packed = match self.find(tag, at)? {
            Ok(view) => return Some(view),
            Err(packed) => packed,
        };
        let bytes = packed::unpacked_bytes(&packed).saturating_mul(ARCHIVED_VIEW_BYTES_PER_BYTE);
        let bytes = bytes.saturating_add(ARCHIVED_VIEW_BYTES);
        let unpacked = Box::new(Unpacked::new(packed, at));
        let view = Arc::clone(unpacked.view());
        let made = Made { unpacked, bytes, used_at: at };
        let dropped = self.made().keep(tag, made);
        drop(dropped);
        Some(view)
    }

    /// Asks an archived sale that is packed and was unpacked to be shown. Where it answers nothing, the scribe
    /// has to decide, and gets what was unpacked.
    pub(crate) fn ask<A>(
        &self,
        tag: SaleTag,
        answer: impl FnOnce(&Unpacked) -> Option<A>,
    ) -> Result<A, Option<Box<Unpacked>>> {
        let Some(Shown::Packed(packed)) = self.shown_as(tag) else { return Err(None) };
        let mut made = self.made();
        let Some(found) = made.of(tag, &packed) else { return Err(None) };
        match answer(&found.unpacked) {
            Some(answered) => Ok(answered),
            None => Err(made.take(tag).map(|made| made.unpacked)),
        }
    }

    /// What was unpacked of an archived sale that is packed, for the scribe.
    pub(crate) fn take(&self, tag: SaleTag) -> Option<Box<Unpacked>> {
        self.ask(tag, |_| None::<()>).err().flatten()
    }

    /// Drops views that were made and that nobody has asked for lately.
    pub fn drop_old(&self, at: Millis) {
        let dropped = self.made().take_old(at);
        drop(dropped);
    }

    /// Where the scribe's world keeps packed sales.
    pub(crate) fn set_cold(&self, cold: &Arc<Cold>) {
        cold.show();
        let cold = self.cold.get_or_init(|| Arc::clone(cold));
        self.write().retain(|tag, _| cold.shown(*tag).is_none());
    }

    pub(crate) fn set_packed(&self, tag: SaleTag, packed: SharedBytes) {
        let found = self.cold.get().and_then(|cold| cold.shown(tag));
        if found.is_some_and(|found| SharedBytes::ptr_eq(&found, &packed)) {
            self.write().remove(&tag);
        } else {
            // Packed beside the scribe, whose world does not have it yet.
            self.write().insert(tag, Shown::Packed(packed));
        }
    }

    pub(crate) fn set_view(&self, view: &Arc<SaleView>) {
        self.write().insert(view.tag(), Shown::View(Arc::clone(view)));
        self.let_go(view.tag());
    }

    /// The sale was deleted. A view that was made of it goes with the next old ones, not on this thread.
    pub(crate) fn forget(&self, tag: SaleTag) {
        self.write().remove(&tag);
        self.let_go(tag);
        self.made().renew(tag, Millis(0));
    }

    /// The view, or what it is to be made of.
    fn find(&self, tag: SaleTag, at: Millis) -> Option<Result<Arc<SaleView>, SharedBytes>> {
        let packed = match self.shown_as(tag)? {
            Shown::View(view) => return Some(Ok(view)),
            Shown::Packed(packed) => packed,
        };
        let mut made = self.made();
        let view = made.of(tag, &packed).map(|made| Arc::clone(made.unpacked.view()));
        if view.is_some() {
            made.renew(tag, at);
        }
        Some(view.ok_or(packed))
    }

    /// What a sale is shown by, if it is archived.
    fn shown_as(&self, tag: SaleTag) -> Option<Shown> {
        let otherwise = || self.read().get(&tag).cloned();
        let packed = || self.cold.get()?.shown(tag).map(Shown::Packed);
        // Once more, for a sale that went from there to here meanwhile.
        otherwise().or_else(packed).or_else(otherwise)
    }

    fn let_go(&self, tag: SaleTag) {
        if let Some(cold) = self.cold.get() {
            cold.let_go(tag);
        }
    }

    fn made(&self) -> MutexGuard<'_, MadeViews> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<SaleTag, Shown>> {
        self.sales.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<SaleTag, Shown>> {
        self.sales.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MadeViews {
    /// What was made of a sale's present bytes.
    fn of(&mut self, tag: SaleTag, packed: &SharedBytes) -> Option<&mut Made> {
        self.views.get_mut(&tag).filter(|made| SharedBytes::ptr_eq(made.unpacked.of(), packed))
    }

    /// Keeps a view; answers those that had to go for it, to be dropped without a lock. One that is larger
    /// than the bound is kept alone.
    fn keep(&mut self, tag: SaleTag, made: Made) -> Vec<Made> {
        let at = made.used_at;
        let mut gone = Vec::from_iter(self.take(tag));
        gone.extend(self.take_old(at));
        while self.bytes + made.bytes > ARCHIVED_VIEWS_BYTES_MAX
            || self.views.len() >= ARCHIVED_VIEWS_MAX
        {
            let Some((_, oldest)) = self.by_age.first() else { break };
            gone.extend(self.take(*oldest));
        }
        self.bytes += made.bytes;
        self.by_age.insert((at, tag));
        self.views.insert(tag, made);
        gone
    }

    fn take_old(&mut self, at: Millis) -> Vec<Made> {
        let mut old = Vec::new();
        while let Some((used_at, tag)) = self.by_age.first().copied()
            && at.since(used_at) >= ARCHIVED_VIEW_MS
        {
            old.extend(self.take(tag));
        }
        old
    }

    /// It was asked for at this time.
    fn renew(&mut self, tag: SaleTag, at: Millis) {
        if let Some(made) = self.views.get_mut(&tag) {
            self.by_age.remove(&(made.used_at, tag));
            self.by_age.insert((at, tag));
            made.used_at = at;
        }
    }

    fn take(&mut self, tag: SaleTag) -> Option<Made> {
        let made = self.views.remove(&tag)?;
        self.by_age.remove(&(made.used_at, tag));
        self.bytes -= made.bytes;
        Some(made)
    }
}

impl fmt::Debug for ArchivedViews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchivedViews").field("count", &self.count()).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(engine_loom)))]
mod tests {
    use super::*;
    use crate::{
        codec::Long as _,
        id::{Epoch, EventId},
        record::{Author, Record},
        sale::Sale,
        spec::tests::spec,
    };

    const START: Millis = Millis(1_000_000);

    /// The packed form of an empty sale.
    fn packed(name: &str) -> (SaleTag, SharedBytes) {
        let author = Author { name: "test".to_owned() };
        let (epoch, told, spec) = (Epoch(1), EventId(0), Box::new(spec(name)));
        let sale =
            Sale::created(&Record::Created { author, epoch, told, spec, replay: None }, START);
        let mut bytes = Vec::new();
        sale.write(&mut bytes);
        (sale.tag(), packed::pack(&bytes).into())
    }

    /// Puts it among the packed ones.
    fn put(views: &ArchivedViews, name: &str) -> SaleTag {
        let (tag, packed) = packed(name);
        views.set_packed(tag, packed);
        tag
    }

    #[test]
    fn a_view_is_kept_while_it_is_asked_for_and_never_of_what_the_sale_was_before() {
        let views = ArchivedViews::default();
        let tag = put(&views, "one");
        assert!(views.shown(tag, START).is_none(), "nobody has asked");
        let first = views.view(tag, START).expect("there");
        let bytes = views.made_bytes();
        assert!(bytes > 0);
        let later = START.after(ARCHIVED_VIEW_MS - 1);
        assert!(Arc::ptr_eq(&first, &views.shown(tag, later).expect("kept")));
        views.drop_old(START.after(ARCHIVED_VIEW_MS));
        assert!(views.shown(tag, later).is_some(), "it was asked for meanwhile");
        put(&views, "one");
        assert!(views.shown(tag, later).is_none(), "packed again since");
        let second = views.view(tag, later).expect("there");
        assert!(!Arc::ptr_eq(&first, &second));
        assert_eq!(views.made_bytes(), bytes, "the first is gone");
        views.drop_old(later.after(ARCHIVED_VIEW_MS));
        assert_eq!(views.made_bytes(), 0);
    }

    #[test]
    fn the_view_of_a_deleted_sale_is_shown_to_nobody_and_dropped() {
        let views = ArchivedViews::default();
        let tag = put(&views, "one");
        views.view(tag, START).expect("there");
        views.forget(tag);
        assert!(views.shown(tag, START).is_none() && views.view(tag, START).is_none());
        views.drop_old(START);
        assert_eq!(views.made_bytes(), 0);
    }

    #[test]
    fn what_was_unpacked_answers_and_goes_to_the_scribe_where_it_does_not() {
        let views = ArchivedViews::default();
        let tag = put(&views, "one");
        assert!(matches!(views.ask(tag, |_| Some(())), Err(None)), "not unpacked yet");
        let view = views.view(tag, START).expect("there");
        assert!(
            matches!(views.ask(tag, |sale| Some(sale.view().tag())), Ok(found) if found == tag)
        );
        let taken = views.ask(tag, |_| None::<()>).expect_err("unanswered").expect("unpacked");
        assert!(Arc::ptr_eq(taken.view(), &view));
        assert_eq!(views.made_bytes(), 0, "given away");
        views.set_view(&view);
        assert!(matches!(views.ask(tag, |_| Some(())), Err(None)), "the scribe knows better");
    }

    #[test]
    fn views_take_a_bounded_number_of_bytes_and_the_one_asked_for_last_is_kept() {
        let (_, packed) = packed("one");
        let made = |bytes, used_at| {
            let unpacked = Box::new(Unpacked::new(packed.clone(), START));
            Made { unpacked, bytes, used_at }
        };
        let mut all = MadeViews::default();
        let third = ARCHIVED_VIEWS_BYTES_MAX / 3;
        for index in 0..3 {
            assert_eq!(all.keep(SaleTag(index), made(third, START.after(index))).len(), 0);
        }
        assert_eq!(all.keep(SaleTag(3), made(third, START.after(3))).len(), 1);
        assert!(!all.views.contains_key(&SaleTag(0)), "asked for the longest ago");
        let huge = 2 * ARCHIVED_VIEWS_BYTES_MAX;
        assert_eq!(all.keep(SaleTag(4), made(huge, START.after(4))).len(), 3);
        assert_eq!((all.views.len(), all.bytes), (1, huge), "alone");
        assert_eq!(all.keep(SaleTag(4), made(third, START.after(5))).len(), 1, "packed again");
        assert_eq!(all.bytes, third);
    }

    #[test]
    fn views_of_sales_with_few_purchases_are_charged_for_their_tables_and_have_a_bound() {
        let views = ArchivedViews::default();
        let (_, packed) = packed("one");
        let count = ARCHIVED_VIEWS_MAX as u64 + 1;
        for index in 0..count {
            views.set_packed(SaleTag(index), packed.clone());
            views.view(SaleTag(index), START.after(index)).expect("there");
            if index == 1 {
                assert!(views.shown(SaleTag(0), START.after(2)).is_some(), "asked for again");
            }
        }
        let is_kept = |index| views.made().views.contains_key(&SaleTag(index));
        let kept: Vec<u64> = (0..count).filter(|index| is_kept(*index)).collect();
        assert_eq!(kept.len(), ARCHIVED_VIEWS_MAX);
        assert_eq!(kept[..2], [0, 2], "what was asked for the longest ago is gone");
        assert_eq!(views.made().by_age.len(), kept.len(), "each once");
        assert!(views.made_bytes() >= kept.len() * ARCHIVED_VIEW_BYTES);
        let end = START.after(count + ARCHIVED_VIEW_MS);
        views.drop_old(end);
        assert_eq!((views.made_bytes(), views.made().by_age.len()), (0, 0));
    }
}
