//! The one place atomics, cells and `Arc` come from: `std`, or `loom` when the models run.
//!
//! A structure that takes its primitives from here can be checked by loom over every
//! interleaving (`cargo xtask loom`). Nothing else in the crate names `std::sync::atomic`.
//!
//! Loom has no clock, so its [`Parker`] never times out: a wake-up that only a timeout would have
//! covered for is a deadlock there, and loom reports it.

#[cfg(not(engine_loom))]
pub use crossbeam::sync::{Parker, Unparker};
#[cfg(not(engine_loom))]
pub use std::thread::yield_now;

#[cfg(engine_loom)]
pub use loom::thread::yield_now;
#[cfg(engine_loom)]
pub use modelled::{OnceLock, Parker, Unparker};

#[cfg(not(engine_loom))]
pub use std::sync::{
    Arc, OnceLock,
    atomic::{
        AtomicBool, AtomicI64, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    },
};

#[cfg(engine_loom)]
pub use loom::sync::{
    Arc,
    atomic::{
        AtomicBool, AtomicI64, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    },
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

    /// Runs `write` with an exclusive pointer; the caller keeps all others away meanwhile.
    #[inline]
    pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}

#[cfg(engine_loom)]
mod modelled {
    use std::time::Duration;

    use loom::sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    };

    /// One token and whoever waits for it.
    type Token = Arc<(Mutex<bool>, Condvar)>;

    /// Blocks its owner until the token is there, with the shape of crossbeam's.
    #[derive(Debug, Default)]
    pub struct Parker(Unparker);

    /// Hands a [`Parker`] its token.
    #[derive(Clone, Debug, Default)]
    pub struct Unparker(Token);

    impl Parker {
        /// A parker without its token.
        pub fn new() -> Self {
            Self::default()
        }

        /// Takes the token, blocking until it is there.
        pub fn park(&self) {
            let (token, arrived) = &*self.0.0;
            let mut present = token.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            while !*present {
                present = arrived.wait(present).unwrap_or_else(std::sync::PoisonError::into_inner);
            }
            *present = false;
        }

        /// Takes the token; the model's timeout never comes.
        pub fn park_timeout(&self, _timeout: Duration) {
            self.park();
        }

        /// What hands this parker its token.
        pub fn unparker(&self) -> &Unparker {
            &self.0
        }
    }

    /// A value made once: loom knows no `OnceLock`, so it is shown what one promises.
    #[derive(Debug)]
    pub struct OnceLock<T> {
        value: std::sync::OnceLock<T>,
        is_made: AtomicBool,
        making: Mutex<()>,
    }

    impl<T> Default for OnceLock<T> {
        fn default() -> Self {
            Self::new()
        }
    }

    impl<T> OnceLock<T> {
        /// An empty one.
        pub fn new() -> Self {
            let (value, is_made) = (std::sync::OnceLock::new(), AtomicBool::new(false));
            Self { value, is_made, making: Mutex::new(()) }
        }

        /// The value, once it is made.
        pub fn get(&self) -> Option<&T> {
            self.is_made.load(Ordering::Acquire).then(|| self.value.get()).flatten()
        }

        /// The value, made now if it is not there; one of several makers waits for the other.
        pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
            let _making = self.making.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let value = self.value.get_or_init(make);
            self.is_made.store(true, Ordering::Release);
            value
        }
    }

    impl Unparker {
        /// Leaves the token, waking the parker if it waits.
        pub fn unpark(&self) {
            let (token, arrived) = &*self.0;
            *token.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = true;
            arrived.notify_one();
        }
    }
}
