//! A value on the heap that whoever needs it first makes, without a lock.
//!
//! The pointer is null, then for good that of one box. Threads that come at once each make a value: one is kept, the
//! others are dropped. So no one waits for a thread that was put aside while it made one, as with `OnceLock`.
#![expect(unsafe_code, reason = "a box is handed to all threads by its pointer, without a lock")]

use std::{marker::PhantomData, ptr};

use crate::sync::{AtomicPtr, Ordering};

#[derive(Debug)]
pub(crate) struct OnceBox<T> {
    /// Null, or what `Box::into_raw` gave in [`Self::get_or_make`] and only the drop takes back.
    made: AtomicPtr<T>,
    /// It owns the value, and is no more shareable than that.
    owned: PhantomData<Box<T>>,
}

impl<T> Default for OnceBox<T> {
    fn default() -> Self {
        Self { made: AtomicPtr::new(ptr::null_mut()), owned: PhantomData }
    }
}

impl<T: Send + Sync> OnceBox<T> {
    /// The value, once it is made.
    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        // ORDERING: Acquire; pairs with the exchange in `get_or_make`: what is in the box is visible.
        let made = self.made.load(Ordering::Acquire);
        // SAFETY: null, or a box's that lives as long as `self` and is only ever shared.
        unsafe { made.as_ref() }
    }

    /// The value, made now if it is not there.
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> Box<T>) -> &T {
        if let Some(made) = self.get() {
            return made;
        }
        let new = Box::into_raw(make());
        // ORDERING: Release on success publishes the box to `get`; Acquire on failure, as there.
        let set =
            self.made.compare_exchange(ptr::null_mut(), new, Ordering::Release, Ordering::Acquire);
        let Err(first) = set else {
            // SAFETY: the box was just handed over, so it lives as long as `self` and is only ever shared.
            return unsafe { &*new };
        };
        // SAFETY: the pointer is of a box that no one else was given.
        drop(unsafe { Box::from_raw(new) });
        // SAFETY: not null, so another thread's box, as in `get`.
        unsafe { &*first }
    }
}

impl<T> Drop for OnceBox<T> {
    fn drop(&mut self) {
        // ORDERING: Acquire; whoever drops has seen all that was done with it, and loom wants to be told so.
        let made = self.made.load(Ordering::Acquire);
        if !made.is_null() {
            // SAFETY: the pointer is of a box, and no one else has `self`.
            drop(unsafe { Box::from_raw(made) });
        }
    }
}

#[cfg(all(test, not(engine_loom)))]
mod tests {
    use std::{sync::Barrier, thread};

    use super::*;

    #[test]
    fn of_values_that_threads_make_at_once_all_get_the_same_and_the_others_are_dropped() {
        let value = std::sync::Arc::new(());
        let (once, barrier) = (OnceBox::default(), Barrier::new(4));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let made = once.get_or_make(|| {
                        // All have found it empty.
                        barrier.wait();
                        Box::new(std::sync::Arc::clone(&value))
                    });
                    assert!(std::sync::Arc::ptr_eq(made, &value));
                });
            }
        });
        assert_eq!(std::sync::Arc::strong_count(&value), 2, "one is kept");
        drop(once);
        assert_eq!(std::sync::Arc::strong_count(&value), 1);
    }
}
