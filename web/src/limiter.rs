//! How often one address or identity may enter.
//!
//! ```text
//! address ─▶ its pace, then /32 or /64, then /24 or /48 ─▶ bucket each ┐
//! identity, if the sale has one ──▶ bucket ────────────────────────────┴─▶ all have a token: go
//!                                                   on, else 429 before anything changed
//! ```
//!
//! An entry that an address's limits refuse takes nothing from any of them: whoever asks too fast
//! keeps the burst of the others behind the same address, and of their network.
//!
//! A burst is let in at a pace: entries of one address that come faster than [`PACE_MIN`] a second
//! wait their turn, for [`TURN_MAX`] at most. So an address that enters as fast as it can leaves the
//! processors to others, and a town behind one address is served within a minute.
//!
//! The buckets are those of [`crate::buckets`], so their memory is fixed.

use std::fmt;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::buckets::{Buckets, Quota, Rate};
use crate::networks::{Network, Prefix, any_contains};

/// How much more a /24 or /48 may do than one of its /32 or /64.
const WIDE_FACTOR: u32 = 4;
/// Entries a second of an address during its burst, or twice its long-run rate if that is more.
const PACE_MIN: u32 = 1_000;
/// How much of a second's worth of that pace comes without waiting.
const PACE_FREE_DIVISOR: u32 = 20;
/// How long an entry waits for its turn. Behind more than that it is refused.
const TURN_MAX: Duration = Duration::from_secs(1);
/// What one identity may do: a person reloads, a script does not get far.
const IDENTITY_RATE: Rate = Rate::of(1, 60);

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

/// The limits on entries.
pub struct Limiter {
    table: Buckets,
    /// Of a /32 or /64, and of a /24 or /48; `None`: not limited.
    rates: Option<[Rate; 2]>,
    /// Of a /32 or /64 during its burst, and how many of its tokens are for those that wait.
    pace: (Rate, u32),
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
        let per_turn = entries_per_second.saturating_mul(2).max(PACE_MIN);
        let pace = (Rate::of(per_turn, per_turn + per_turn / PACE_FREE_DIVISOR), per_turn);
        Self { table: Buckets::new(), rates, pace, exempt, started: Instant::now() }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Takes an entry from what `address` has left, says how much that is and, if others of that
    /// address are before it, waits for its turn. Nothing is limited at an exempt address, nor at
    /// one that is not known.
    pub async fn entry_of(&self, address: Option<IpAddr>) -> Result<Option<Quota>, Quota> {
        let Some((left, turn)) = self.entry_at(address, self.now())? else { return Ok(None) };
        if !turn.is_zero() {
            sleep(turn).await;
        }
        Ok(Some(left))
    }

    /// What is left of the limit that will be reached first, and after how long it is the entry's
    /// turn.
    fn entry_at(
        &self,
        address: Option<IpAddr>,
        now: u64,
    ) -> Result<Option<(Quota, Duration)>, Quota> {
        let (Some(rates), Some(address)) = (self.rates, address) else { return Ok(None) };
        if any_contains(&self.exempt, address) {
            return Ok(None);
        }
        let narrow = Prefix::narrow(address);
        let paced = (PACE, narrow);
        let (pace, waiting_max) = self.pace;
        let turn = self.take(&paced, pace, now, PACE)?;
        let own = self.take(&narrow, rates[0], now, ADDRESS).inspect_err(|_| {
            self.table.give_back(&paced, pace);
        })?;
        let wide = self.take(&Prefix::wide(address), rates[1], now, NETWORK).inspect_err(|_| {
            self.table.give_back(&narrow, rates[0]);
            self.table.give_back(&paced, pace);
        })?;
        let before = waiting_max.saturating_sub(turn.left());
        // The pace limits only those that have to wait for their turn.
        let limits = [Some(own), Some(wide), (before > 0).then_some(turn)];
        let least = limits.into_iter().flatten().min_by_key(|limit| limit.left()).unwrap_or(own);
        Ok(Some((least, TURN_MAX * before / waiting_max)))
    }

    fn take(
        &self,
        key: &impl Hash,
        rate: Rate,
        now: u64,
        policy: &'static str,
    ) -> Result<Quota, Quota> {
        let taken = self.table.take(key, rate, now);
        taken.map(|left| left.named(policy)).map_err(|refusal| refusal.named(policy))
    }

    /// Takes an entry from what an identity has left, wherever it comes from. The identities of an
    /// exempt address are not limited either.
    pub fn entry_by(&self, identity: u128, address: Option<IpAddr>) -> Result<(), Quota> {
        let exempt = address.is_some_and(|address| any_contains(&self.exempt, address));
        if self.rates.is_none() || exempt {
            return Ok(());
        }
        self.take(&(IDENTITY, identity), IDENTITY_RATE, self.now(), IDENTITY).map(drop)
    }

    /// Buckets that are not full.
    pub fn buckets(&self) -> usize {
        self.table.used(self.now())
    }
}

/// The limits' names, as `RateLimit` tells them.
const ADDRESS: &str = "entries";
const NETWORK: &str = "network";
/// Also keeps an address's pace apart from its entries.
const PACE: &str = "pace";
/// Also keeps identities' buckets apart from those of prefixes.
const IDENTITY: &str = "identity";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buckets::{SHARDS, WAYS};

    fn limiter(entries_per_second: u32, entries_burst: u32, exempt: &[&str]) -> Limiter {
        let exempt = exempt.iter().map(|text| text.parse().unwrap()).collect();
        Limiter::new(LimiterOptions { entries_per_second, entries_burst, exempt })
    }

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    const ANNA: u128 = 1;

    /// How many of a hundred entries are let through, no time passing that is worth a token.
    fn passed(limiter: &Limiter, address: &str) -> usize {
        (0..100).filter(|_| limiter.entry_at(Some(at(address)), 0).is_ok()).count()
    }

    #[test]
    fn a_burst_is_let_in_at_a_pace_and_others_do_not_wait_for_it() {
        let limiter = limiter(200, 60_000, &["10.0.0.0/8"]);
        let enter = |address, now| limiter.entry_at(Some(at(address)), now);
        let turn = |address, now| enter(address, now).map(|told| told.unwrap().1.as_millis());
        let turns: Vec<_> = (0..1_050).map(|_| turn("192.0.2.1", 0).unwrap()).collect();
        assert!(turns[..50].iter().all(|turn| *turn == 0), "a few do not wait");
        assert_eq!((turns[50], turns[549], turns[1_049]), (1, 500, 1_000), "a thousand a second");
        assert!(turn("192.0.2.1", 0).is_err(), "none waits for longer than a second");
        assert_eq!(turn("192.0.2.2", 0), Ok(0));
        assert_eq!(enter("10.0.0.1", 0), Ok(None));
        assert_eq!(turn("192.0.2.1", 500_000_000), Ok(501), "the queue went on");
    }

    #[test]
    fn asking_too_fast_wastes_nothing_of_a_burst() {
        let limiter = limiter(200, 60_000, &[]);
        // 6,000 a second for a minute, six times as fast as the pace.
        let passed = (0..360_000_u64)
            .filter(|tick| limiter.entry_at(Some(at("192.0.2.1")), tick * 1_000_000 / 6).is_ok())
            .count();
        assert!((60_000..=61_100).contains(&passed), "{passed}");
    }

    #[test]
    fn a_refused_address_takes_nothing_from_its_network() {
        let limiter = limiter(200, 60_000, &[]);
        let rates = limiter.rates.unwrap();
        let passed = (0..100_000).filter(|_| limiter.entry_at(Some(at("192.0.2.1")), 0).is_ok());
        assert_eq!(passed.count(), 1_050);
        let left = limiter.table.take(&Prefix::wide(at("192.0.2.9")), rates[1], 0).unwrap();
        assert_eq!(left.left(), 240_000 - 1_050 - 1);
        let left = limiter.table.take(&Prefix::narrow(at("192.0.2.1")), rates[0], 0).unwrap();
        assert_eq!(left.left(), 60_000 - 1_050 - 1);
    }

    #[test]
    fn a_network_that_is_refused_takes_nothing_from_an_address() {
        let limiter = limiter(1, 10, &[]);
        let spent: usize = (1..=4).map(|host| passed(&limiter, &format!("192.0.2.{host}"))).sum();
        assert_eq!((spent, passed(&limiter, "192.0.2.5")), (40, 0));
        let own = Prefix::narrow(at("192.0.2.5"));
        let left = limiter.table.take(&own, limiter.rates.unwrap()[0], 0).unwrap();
        assert_eq!(left.left(), 9);
        let (pace, _) = limiter.pace;
        let left = limiter.table.take(&(PACE, own), pace, 0).unwrap();
        assert_eq!(left.left(), 1_049);
    }

    /// The name and what is left, as `RateLimit` says them.
    fn said(told: Result<Option<(Quota, Duration)>, Quota>) -> String {
        let mut headers = http::HeaderMap::new();
        told.map_or_else(|refusal| refusal, |told| told.unwrap().0).say(&mut headers);
        let said = ["ratelimit", "ratelimit-policy"].map(|name| headers[name].to_str().unwrap());
        said.join(" ")
    }

    fn last_of<T>(times: usize, mut ask: impl FnMut() -> T) -> T {
        (1..times).for_each(|_| drop(ask()));
        ask()
    }

    #[test]
    fn what_is_said_is_the_limit_that_refused_or_is_reached_first() {
        let limiter = limiter(200, 1_500, &[]);
        let enter = |host, now| limiter.entry_at(Some(at(&format!("192.0.2.{host}"))), now);
        let second = 1_000_000_000;
        assert_eq!(said(enter(1, 0)), r#""entries";r=1499;t=1 "entries";q=1500;w=8"#);
        let last = last_of(1_049, || enter(1, 0));
        assert_eq!(said(last), r#""pace";r=0;t=2 "pace";q=1050;w=2"#);
        assert_eq!(said(enter(1, 0)), r#""pace";r=0;t=1 "pace";q=1050;w=2"#);
        let last = last_of(750, || enter(1, second));
        assert_eq!(said(last), r#""entries";r=0;t=1 "entries";q=1500;w=8"#);
        // Of the 6,000 of the network 1,700 are taken and 800 came back.
        for host in 2..=6 {
            assert!((0..1_020).all(|_| enter(host, second).is_ok()));
        }
        assert_eq!(said(enter(7, second)), r#""network";r=0;t=1 "network";q=6000;w=8"#);
        let refused = last_of(61, || limiter.entry_by(ANNA, None)).unwrap_err();
        assert_eq!(said(Err(refused)), r#""identity";r=0;t=1 "identity";q=60;w=60"#);
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
        assert!((0..100).all(|_| strict.entry_at(None, 0).is_ok()));
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
        assert!(limiter.entry_by(2, from(1)).is_ok());
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
