//! Token buckets in a table of fixed size.
//!
//! A bucket is one number, the moment at which it will be full again (GCRA, ITU-T I.371): full
//! buckets need no memory, and nothing has to be refilled. The table is [`SHARDS`] small sets of
//! [`WAYS`] buckets, each behind a lock of its own. When a set has no room, the bucket that is full
//! soonest goes: forgetting it gives away the least. A flood of keys therefore pushes out the
//! buckets of keys that were used once, and not those of keys that are used all the time.
//!
//! Buckets are found by a keyed hash, so a client cannot choose whose set it lands in.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

/// Sets of buckets; with [`WAYS`] they take 1 MiB.
pub(crate) const SHARDS: usize = 4_096;
/// Buckets of one set.
pub(crate) const WAYS: usize = 16;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A pace and how much of it may be saved up.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Nanoseconds that one token takes to come back.
    interval: u64,
    /// Tokens of a full bucket.
    burst: u32,
}

impl Rate {
    /// So many a second, and a burst of them at once.
    pub const fn of(per_second: u32, burst: u32) -> Self {
        Self { interval: 1_000_000_000 / per_second as u64, burst }
    }

    /// So many a minute, and a burst of them at once.
    pub const fn per_minute(count: u32, burst: u32) -> Self {
        Self { interval: 60_000_000_000 / count as u64, burst }
    }

    /// So many times as much of both.
    #[must_use]
    pub const fn times(self, factor: u32) -> Self {
        let burst = self.burst.saturating_mul(factor);
        Self { interval: self.interval / factor as u64, burst }
    }

    /// Nanoseconds in which an empty bucket fills.
    const fn filling(self) -> u64 {
        self.interval * self.burst as u64
    }

    /// The same in seconds, as a policy's window.
    fn window_seconds(self) -> u32 {
        seconds(self.filling())
    }
}

/// Whole seconds, rounded up, one at least.
fn seconds(nanoseconds: u64) -> u32 {
    u32::try_from(nanoseconds.div_ceil(1_000_000_000).max(1)).unwrap_or(u32::MAX)
}

/// What a caller has left of a limit, or must wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The limit's name.
    policy: &'static str,
    /// Tokens of a full bucket.
    burst: u32,
    /// Seconds in which an empty one fills.
    window: u32,
    /// Tokens left.
    left: u32,
    /// Seconds until there are more: until it is full, or of an empty one until the next token.
    reset: u32,
}

impl Quota {
    /// The same, as that of the limit with this name.
    #[must_use]
    pub const fn named(self, policy: &'static str) -> Self {
        Self { policy, ..self }
    }

    /// Tokens left.
    pub const fn left(self) -> u32 {
        self.left
    }

    /// When a refused caller may come again, in seconds.
    pub const fn retry_after(self) -> u32 {
        self.reset
    }

    /// Says it in the fields of draft-ietf-httpapi-ratelimit-headers.
    pub fn say(self, headers: &mut HeaderMap) {
        let Self { policy, burst, window, left, reset } = self;
        let limit = format!("\"{policy}\";q={burst};w={window}");
        let state = format!("\"{policy}\";r={left};t={reset}");
        for (name, text) in [(RATE_LIMIT_POLICY, limit), (RATE_LIMIT, state)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
    }
}

/// Buckets by the hash of what they limit.
#[derive(Debug)]
pub struct Buckets {
    shards: Box<[Mutex<[Bucket; WAYS]>]>,
    hasher: RandomState,
}

/// When a bucket is full again, and whose it is. An unused one is one that was always full.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    key: u64,
    full_at: u64,
}

impl Default for Buckets {
    fn default() -> Self {
        Self::new()
    }
}

impl Buckets {
    /// A table of full buckets.
    pub fn new() -> Self {
        let shards = std::iter::repeat_with(Mutex::default).take(SHARDS).collect();
        Self { shards, hasher: RandomState::new() }
    }

    /// The hash of a key, and the set in which its bucket is.
    fn shard(&self, key: &impl Hash) -> (u64, MutexGuard<'_, [Bucket; WAYS]>) {
        let key = self.hasher.hash_one(key);
        let shard = usize::try_from(key % SHARDS as u64).unwrap_or(0);
        (key, self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes one token of `key`: what is left, or how long there is none.
    pub fn take(&self, key: &impl Hash, rate: Rate, now: u64) -> Result<Quota, Quota> {
        let (key, mut buckets) = self.shard(key);
        let known = buckets.iter().position(|bucket| bucket.key == key);
        let soonest = || (0..WAYS).min_by_key(|&at| buckets[at].full_at).unwrap_or(0);
        let at = known.unwrap_or_else(soonest);
        let full_at = if known.is_some() { buckets[at].full_at.max(now) } else { now };
        let taken = full_at - now + rate.interval;
        let quota = |left, nanoseconds| Quota {
            policy: "entries",
            burst: rate.burst,
            window: rate.window_seconds(),
            left,
            reset: seconds(nanoseconds),
        };
        let Some(left) = rate.filling().checked_sub(taken) else {
            return Err(quota(0, taken - rate.filling()));
        };
        buckets[at] = Bucket { key, full_at: now + taken };
        Ok(quota(u32::try_from(left / rate.interval).unwrap_or(u32::MAX), taken))
    }

    /// Gives a token back that was taken of `key`. A bucket that was forgotten since is full.
    pub fn give_back(&self, key: &impl Hash, rate: Rate) {
        let (key, mut buckets) = self.shard(key);
        if let Some(bucket) = buckets.iter_mut().find(|bucket| bucket.key == key) {
            bucket.full_at = bucket.full_at.saturating_sub(rate.interval);
        }
    }

    /// Buckets that are not full.
    pub fn used(&self, now: u64) -> usize {
        let used = |shard: &Mutex<[Bucket; WAYS]>| {
            let buckets = shard.lock().unwrap_or_else(PoisonError::into_inner);
            buckets.iter().filter(|bucket| bucket.full_at > now).count()
        };
        self.shards.iter().map(used).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_pace() {
        let table = Buckets::new();
        let rate = Rate::of(2, 5);
        let second = 1_000_000_000;
        let lefts: Vec<_> =
            (0..5).map(|_| table.take(&7, rate, 0).map(|quota| quota.left)).collect();
        assert_eq!(lefts, [Ok(4), Ok(3), Ok(2), Ok(1), Ok(0)]);
        let refused = table.take(&7, rate, 0).unwrap_err();
        assert_eq!((refused.left, refused.retry_after()), (0, 1));
        assert!(table.take(&8, rate, 0).is_ok(), "another key has a bucket of its own");
        assert!(table.take(&7, rate, second / 2).is_ok(), "a token came back");
        assert!(table.take(&7, rate, second / 2).is_err());
        table.give_back(&7, rate);
        assert!(table.take(&7, rate, second / 2).is_ok(), "a token was given back");
        assert!(table.take(&7, rate, second / 2).is_err(), "and no more than that");
        let full = table.take(&7, rate, 60 * second).unwrap();
        assert_eq!(full.left, 4, "no more than a burst is saved up");
        assert_eq!(table.used(61 * second), 0, "a full bucket is none");
    }
}
