//! The one place atomics, cells and `Arc` come from: `std`, or `loom` when the models run.
//!
//! A structure that takes its primitives from here can be checked by loom over every
//! interleaving (`cargo xtask loom`). Nothing else in the crate names `std::sync::atomic`.

#[cfg(not(engine_loom))]
pub use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering},
};

#[cfg(engine_loom)]
pub use loom::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering},
};

/// A cell whose contents are reached through closures, so that loom can watch each access.
#[cfg(engine_loom)]
pub use loom::cell::UnsafeCell;

/// A cell whose contents are reached through closures, with loom's shape and no cost.
#[cfg(not(engine_loom))]
#[derive(Debug)]
pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(engine_loom))]
impl<T> UnsafeCell<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Runs `read` with a shared pointer; the caller keeps writers away meanwhile.
    #[inline]
    pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Runs `write` with an exclusive pointer; the caller keeps everybody else away meanwhile.
    #[inline]
    pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}
