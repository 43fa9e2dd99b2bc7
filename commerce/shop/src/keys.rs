//! The public keys that access tokens are verified by, as this process read them last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::moment::Moment;
use identity::signing::PublicKeys;

/// How long after a reading a token of an unknown key causes another one.
const UNKNOWN_PAUSE_MS: i64 = 1_000;

/// The keys that were read last, and when.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys(Mutex<(Arc<PublicKeys>, Moment)>);

impl KnownKeys {
    /// The keys.
    pub(crate) fn get(&self) -> Arc<PublicKeys> {
        Arc::clone(&self.lock().0)
    }

    /// Takes what was read.
    pub(crate) fn put(&self, keys: PublicKeys, now: Moment) {
        *self.lock() = (Arc::new(keys), now);
    }

    /// Whether a key that is not among them may be looked for in the database again.
    pub(crate) fn may_be_old(&self, now: Moment) -> bool {
        (self.lock().1.0 - now.0).abs() >= UNKNOWN_PAUSE_MS
    }

    fn lock(&self) -> MutexGuard<'_, (Arc<PublicKeys>, Moment)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
