//! How often one address or identity may enter: token buckets in a table of fixed size.
//!
//! ```text
//! address ─▶ /32 or /64 ─▶ bucket ┐
//!        └─▶ /24 or /48 ─▶ bucket ┼─▶ all have a token: go on, else 429 before anything changed
//! identity, if the sale has one ──▶ bucket ┘
//! ```
//!
//! A bucket is one number, the moment at which it will be full again (GCRA, ITU-T I.371): full
//! buckets need no memory, and nothing has to be refilled. The table is [`SHARDS`] small sets of
//! [`WAYS`] buckets, each behind a lock of its own. When a set has no room, the bucket that is full
//! soonest goes: forgetting it gives away the least. A flood of addresses therefore pushes out the
//! buckets of addresses that entered once, and not those of addresses that enter all the time.
//!
//! Buckets are found by a keyed hash, so nobody can choose whose set they land in.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use engine::id::ShopperKey;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::networks::{Network, any_contains};

/// Sets of buckets; with [`WAYS`] they take 1 MiB.
const SHARDS: usize = 4_096;
/// Buckets of one set.
const WAYS: usize = 16;
/// How much more a /24 or /48 may do than one of its /32 or /64.
const WIDE_FACTOR: u32 = 4;
/// What one identity may do: a person reloads, a script does not get far.
const IDENTITY_RATE: Rate = Rate::of(1, 60);

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What the configuration says about entries.
#[derive(Clone, Debug, Default)]
pub struct LimiterOptions {
    /// Entries a second of one address in the long run; 0 limits none.
    pub entries_per_second: u32,
    /// Entries that may come at once after a pause.
    pub entries_burst: u32,
    /// Networks that are not limited.
    pub exempt: Vec<Network>,
}

/// A pace and how much of it may be saved up.
#[derive(Clone, Copy, Debug)]
struct Rate {
    /// Nanoseconds that one token takes to come back.
    interval: u64,
    /// Tokens of a full bucket.
    burst: u32,
}

impl Rate {
    const fn of(per_second: u32, burst: u32) -> Self {
        Self { interval: 1_000_000_000 / per_second as u64, burst }
    }

    const fn times(self, factor: u32) -> Self {
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
    /// Nothing left for a second, for tests of what says so.
    #[cfg(test)]
    pub(crate) const SPENT: Self = Self { burst: 1, window: 1, left: 0, reset: 1 };

    /// When a refused caller may come again, in seconds.
    pub const fn retry_after(self) -> u32 {
        self.reset
    }

    /// Says it in the fields of draft-ietf-httpapi-ratelimit-headers.
    pub fn say(self, headers: &mut HeaderMap) {
        let Self { burst, window, left, reset } = self;
        let policy = format!("\"entries\";q={burst};w={window}");
        let state = format!("\"entries\";r={left};t={reset}");
        for (name, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, state)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
    }
}

/// The limits on entries.
pub struct Limiter {
    table: Table,
    /// Of a /32 or /64, and of a /24 or /48; `None`: not limited.
    rates: Option<[Rate; 2]>,
    exempt: Vec<Network>,
    started: Instant,
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("rates", &self.rates).finish_non_exhaustive()
    }
}

impl Limiter {
    /// Limits as configured.
    pub fn new(options: LimiterOptions) -> Self {
        let LimiterOptions { entries_per_second, entries_burst, exempt } = options;
        let rates = (entries_per_second > 0).then(|| {
            let narrow = Rate::of(entries_per_second, entries_burst.max(1));
            [narrow, narrow.times(WIDE_FACTOR)]
        });
        Self { table: Table::new(), rates, exempt, started: Instant::now() }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Takes an entry from what `address` has left, and says how much that is. Nothing is limited
    /// at an exempt address, nor at one that is not known.
    pub fn entry_of(&self, address: Option<IpAddr>) -> Result<Option<Quota>, Quota> {
        self.entry_at(address, self.now())
    }

    fn entry_at(&self, address: Option<IpAddr>, now: u64) -> Result<Option<Quota>, Quota> {
        let (Some(rates), Some(address)) = (self.rates, address) else { return Ok(None) };
        if any_contains(&self.exempt, address) {
            return Ok(None);
        }
        // The narrow one first: an address that is refused takes nothing from its neighbours.
        let [narrow, wide] = prefixes(address);
        let left = self.table.take(&narrow, rates[0], now)?;
        self.table.take(&wide, rates[1], now)?;
        Ok(Some(left))
    }

    /// Takes an entry from what an identity has left, wherever it comes from. The identities of an
    /// exempt address are not limited either.
    pub fn entry_by(&self, identity: ShopperKey, address: Option<IpAddr>) -> Result<(), Quota> {
        let exempt = address.is_some_and(|address| any_contains(&self.exempt, address));
        if self.rates.is_none() || exempt {
            return Ok(());
        }
        self.table.take(&(IDENTITY, identity.0), IDENTITY_RATE, self.now()).map(drop)
    }

    /// Buckets that are not full.
    pub fn buckets(&self) -> usize {
        self.table.used(self.now())
    }
}

/// The kind of an identity's bucket; the other kinds are prefix lengths.
const IDENTITY: u8 = 0;

/// The two networks an address is limited by, each with its prefix length.
fn prefixes(address: IpAddr) -> [(u8, u128); 2] {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let bits = u128::from(v4.to_bits());
            [(32, bits), (24, bits >> 8)]
        }
        IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            [(64, bits >> 64), (48, bits >> 80)]
        }
    }
}

/// Buckets by the hash of what they limit.
struct Table {
    shards: Box<[Mutex<[Bucket; WAYS]>]>,
    hasher: RandomState,
}

/// When a bucket is full again, and whose it is. An unused one is one that was always full.
#[derive(Clone, Copy, Default)]
struct Bucket {
    key: u64,
    full_at: u64,
}

impl Table {
    fn new() -> Self {
        let shards = std::iter::repeat_with(Mutex::default).take(SHARDS).collect();
        Self { shards, hasher: RandomState::new() }
    }

    /// Takes one token of `key`: what is left, or how long there is none.
    fn take(&self, key: &impl std::hash::Hash, rate: Rate, now: u64) -> Result<Quota, Quota> {
        let key = self.hasher.hash_one(key);
        let shard = usize::try_from(key % SHARDS as u64).unwrap_or(0);
        let mut buckets = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        let known = buckets.iter().position(|bucket| bucket.key == key);
        let soonest = || (0..WAYS).min_by_key(|&at| buckets[at].full_at).unwrap_or(0);
        let at = known.unwrap_or_else(soonest);
        let full_at = if known.is_some() { buckets[at].full_at.max(now) } else { now };
        let taken = full_at - now + rate.interval;
        let quota = |left, nanoseconds| Quota {
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

    fn used(&self, now: u64) -> usize {
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

    fn limiter(entries_per_second: u32, entries_burst: u32, exempt: &[&str]) -> Limiter {
        let exempt = exempt.iter().map(|text| text.parse().unwrap()).collect();
        Limiter::new(LimiterOptions { entries_per_second, entries_burst, exempt })
    }

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    const ANNA: ShopperKey = ShopperKey(1);

    /// How many of a hundred entries are let through, no time passing that is worth a token.
    fn passed(limiter: &Limiter, address: &str) -> usize {
        (0..100).filter(|_| limiter.entry_at(Some(at(address)), 0).is_ok()).count()
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_pace() {
        let table = Table::new();
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
        let full = table.take(&7, rate, 60 * second).unwrap();
        assert_eq!(full.left, 4, "no more than a burst is saved up");
        assert_eq!(table.used(61 * second), 0, "a full bucket is none");
    }

    #[test]
    fn an_address_is_limited_by_itself_and_with_its_neighbours() {
        for (address, neighbours, stranger) in [
            ("192.0.2.1", ["192.0.2.2", "::ffff:192.0.2.3", "192.0.2.4", "192.0.2.5"], "192.0.3.1"),
            (
                "2001:db8:0:1::1",
                ["2001:db8:0:2::", "2001:db8:0:3::", "2001:db8:0:4::", "2001:db8:0:5::"],
                "2001:db8:1::",
            ),
        ] {
            let limiter = limiter(1, 10, &[]);
            assert_eq!(passed(&limiter, address), 10);
            let more: usize = neighbours.iter().map(|next| passed(&limiter, next)).sum();
            assert_eq!(more, 30, "four times one address's burst for all of them");
            assert_eq!(passed(&limiter, stranger), 10);
        }
        let limiter = limiter(1, 10, &[]);
        assert_eq!(passed(&limiter, "2001:db8::1"), 10);
        assert_eq!(passed(&limiter, "2001:db8::2"), 0, "one household has one /64");
    }

    #[test]
    fn an_exempt_or_unknown_address_is_not_limited_and_0_turns_all_off() {
        let strict = limiter(1, 1, &["10.0.0.0/8"]);
        assert_eq!(passed(&strict, "10.1.2.3"), 100);
        assert!((0..100).all(|_| strict.entry_of(None).is_ok()));
        assert!((0..100).all(|_| strict.entry_by(ANNA, Some(at("10.1.2.3"))).is_ok()));
        let off = limiter(0, 1, &[]);
        assert_eq!(passed(&off, "192.0.2.1"), 100);
        assert!((0..100).all(|_| off.entry_by(ANNA, Some(at("192.0.2.1"))).is_ok()));
    }

    #[test]
    fn an_identity_is_limited_from_wherever_it_comes() {
        let limiter = limiter(1_000, 60_000, &[]);
        let from = |host: u32| Some(at(&format!("192.0.2.{}", host % 200)));
        let passed = (0..200).filter(|&host| limiter.entry_by(ANNA, from(host)).is_ok()).count();
        assert!((60..200).contains(&passed), "{passed}");
        assert!(limiter.entry_by(ShopperKey(2), from(1)).is_ok());
    }

    #[test]
    fn a_flood_of_addresses_does_not_push_out_whoever_is_limited() {
        let limiter = limiter(1, 10, &[]);
        assert_eq!(passed(&limiter, "203.0.113.1"), 10);
        let buckets = u32::try_from(SHARDS * WAYS).unwrap();
        for number in 0..buckets * 4 {
            let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number);
            let _quota = limiter.entry_at(Some(address.into()), 0);
        }
        let used = limiter.table.used(0);
        assert!(used > SHARDS * WAYS / 2 && used <= SHARDS * WAYS, "{used}");
        assert_eq!(passed(&limiter, "203.0.113.1"), 0, "it is still remembered");
    }
}
