//! Bytes that several share, by a pointer of eight bytes. There may be a hundred thousand of them, each short: an
//! `Arc<[u8]>` takes sixteen for its pointer and as many for its counts.
//!
//! ```text
//!   start ─▶ ┌────────────┬────────────┬─────────────┐
//!            │ owners u32 │ length u32 │ the bytes … │
//!            └────────────┴────────────┴─────────────┘
//! ```
//!
//! `owners` is how many `SharedBytes` point here; the last one dropped frees the memory. `length` and the bytes never
//! change.
#![expect(unsafe_code, reason = "the count, the length and the bytes stand behind one pointer")]

use std::{
    alloc::{Layout, alloc, dealloc, handle_alloc_error},
    fmt,
    ops::Deref,
    ptr::NonNull,
    slice,
};

use crate::sync::{AtomicU32, Ordering};

/// Bytes that never change, and belong to all who have them.
pub(crate) struct SharedBytes {
    /// Allocated by [`SharedBytes::new`] with the layout of its length, and initialised.
    start: NonNull<Header>,
}

struct Header {
    owners: AtomicU32,
    length: u32,
}

/// Far more than there are threads and views that could share them.
const OWNERS_MAX: u32 = u32::MAX / 2;

// SAFETY: the bytes are only read, and the count is an atomic.
unsafe impl Send for SharedBytes {}
// SAFETY: as above.
unsafe impl Sync for SharedBytes {}

impl SharedBytes {
    /// A copy of bytes.
    ///
    /// # Panics
    /// From four gibibytes on.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).expect("shared bytes are below four gibibytes");
        let layout = layout(bytes.len());
        // SAFETY: the layout has at least the size of a header.
        let memory = unsafe { alloc(layout) };
        #[expect(clippy::cast_ptr_alignment, reason = "allocated with a header's alignment")]
        let Some(start) = NonNull::new(memory.cast::<Header>()) else { handle_alloc_error(layout) };
        // SAFETY: allocated just now, for a header in front.
        unsafe { start.write(Header { owners: AtomicU32::new(1), length }) };
        let this = Self { start };
        // SAFETY: as many bytes are allocated there, and nobody else has them yet.
        unsafe { this.first().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        this
    }

    /// Whether both are one.
    pub(crate) fn ptr_eq(one: &Self, other: &Self) -> bool {
        one.start == other.start
    }

    fn header(&self) -> &Header {
        // SAFETY: initialised, and there for as long as `self` is.
        unsafe { self.start.as_ref() }
    }

    /// Where the bytes begin.
    fn first(&self) -> *mut u8 {
        // SAFETY: a header is there, so what follows it is within the same memory or at its end.
        unsafe { self.start.add(1) }.cast().as_ptr()
    }
}

/// The memory of a header and so many bytes.
fn layout(length: usize) -> Layout {
    let bytes = Layout::array::<u8>(length).expect("less than four gibibytes");
    let (layout, behind) = Layout::new::<Header>().extend(bytes).expect("the same");
    debug_assert_eq!(behind, size_of::<Header>(), "the bytes follow the header at once");
    layout
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: so many bytes are there, for as long as `self` is, and nobody writes them.
        unsafe { slice::from_raw_parts(self.first(), self.header().length as usize) }
    }
}

impl Clone for SharedBytes {
    fn clone(&self) -> Self {
        // ORDERING: Relaxed; `self` is there meanwhile, so nobody frees what it points to.
        let before = self.header().owners.fetch_add(1, Ordering::Relaxed);
        assert!(before < OWNERS_MAX, "{before} owners of the same bytes");
        Self { start: self.start }
    }
}

impl Drop for SharedBytes {
    fn drop(&mut self) {
        let layout = layout(self.len());
        // ORDERING: AcqRel; the last one sees that all others have done with the bytes before it frees them.
        if self.header().owners.fetch_sub(1, Ordering::AcqRel) == 1 {
            // SAFETY: allocated with this layout, and nobody else points to it. A header needs no drop.
            unsafe { dealloc(self.start.as_ptr().cast(), layout) };
        }
    }
}

impl From<Vec<u8>> for SharedBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(&bytes)
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} shared bytes", self.len())
    }
}

#[cfg(all(test, not(engine_loom)))]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn bytes_are_what_they_were_for_all_who_share_them_whoever_goes_first() {
        for length in [0, 1, 3, 4, 7, 200, 70_000] {
            let bytes: Vec<u8> = (0..length).map(|at: usize| at.to_le_bytes()[0]).collect();
            let shared = SharedBytes::new(&bytes);
            assert_eq!(size_of_val(&shared), size_of::<usize>());
            let other = shared.clone();
            assert!(SharedBytes::ptr_eq(&shared, &other));
            assert!(!SharedBytes::ptr_eq(&shared, &SharedBytes::new(&bytes)));
            drop(shared);
            thread::scope(|scope| {
                for _ in 0..4 {
                    let shared = other.clone();
                    let bytes = &bytes;
                    scope.spawn(move || assert_eq!(*shared, **bytes));
                }
            });
            assert_eq!(other.header().owners.load(Ordering::Relaxed), 1, "the others are gone");
            assert_eq!(*other, *bytes);
        }
    }
}
