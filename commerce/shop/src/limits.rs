//! How often one may ask, and how much one may send.
//!
//! The buckets are those of [`web::buckets`], so their memory is fixed. A peer that no proxy names, and
//! one of an exempt network, is not limited by its address.

use std::{hash::Hash, net::IpAddr};

use identity::ids::{AccountId, SessionId};
use tokio::time::Instant;
use web::{
    buckets::{Buckets, Quota, Rate},
    networks::{Network, Prefix, any_contains},
};

use crate::refusal::Refusal;

/// The longest body of a JSON call or a form, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1024;

/// Calls of one address by whoever need not be signed in. A carrier's town may come from one address.
const GUESTS: Rate = Rate::of(20, 2_000);
/// Accounts that one address makes, and mails that it has sent without being signed in. Each costs a hash
/// of a password or somebody else's attention.
const NEWCOMERS: Rate = Rate::per_minute(60, 300);
/// Renewals of one session: each is a write, whoever sends its token. A page loads some things at once.
const RENEWALS: Rate = Rate::per_minute(30, 30);
/// Writes of one account.
const ACCOUNT: Rate = Rate::of(4, 120);
/// Attempts at the password of one address from one network, and from everywhere: a person mistypes, a
/// program does not get far.
const ATTEMPTS_HERE: Rate = Rate::per_minute(4, 10);
const ATTEMPTS: Rate = Rate::per_minute(20, 200);

/// The limits of this process.
#[derive(Debug)]
pub(crate) struct Limits {
    table: Buckets,
    exempt: Vec<Network>,
    started: Instant,
}

impl Limits {
    pub(crate) fn new(exempt: Vec<Network>) -> Self {
        Self { table: Buckets::new(), exempt, started: Instant::now() }
    }

    /// Takes a call of somebody who need not be signed in.
    pub(crate) fn guest(&self, client: Option<IpAddr>) -> Result<(), Refusal> {
        self.take_of(client, "guest", GUESTS, "calls")
    }

    /// Takes an account that is made, or a mail that somebody wants who is not signed in.
    pub(crate) fn newcomer(&self, client: Option<IpAddr>) -> Result<(), Refusal> {
        self.take_of(client, "newcomer", NEWCOMERS, "newcomers")
    }

    /// Takes a renewal of a session.
    pub(crate) fn renewal(&self, session: SessionId) -> Result<(), Refusal> {
        self.take(&("renewal", session), RENEWALS, "renewals")
    }

    /// Takes a write of an account.
    pub(crate) fn account(&self, account: AccountId) -> Result<(), Refusal> {
        self.take(&("account", account), ACCOUNT, "writes")
    }

    /// Takes an attempt at the password of an account, which a key names.
    pub(crate) fn attempt(&self, client: Option<IpAddr>, key: &str) -> Result<(), Refusal> {
        let here = client.map(Prefix::narrow);
        self.take(&("attempt here", here, key), ATTEMPTS_HERE, "attempts")?;
        self.take(&("attempt", key), ATTEMPTS, "attempts")
    }

    fn take_of(
        &self,
        client: Option<IpAddr>,
        what: &'static str,
        rate: Rate,
        policy: &'static str,
    ) -> Result<(), Refusal> {
        match client.filter(|client| !any_contains(&self.exempt, *client)) {
            Some(client) => self.take(&(what, Prefix::narrow(client)), rate, policy),
            None => Ok(()),
        }
    }

    fn take(&self, key: &impl Hash, rate: Rate, policy: &'static str) -> Result<(), Refusal> {
        let now = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let named = |quota: Quota| Refusal::TooManyRequests(quota.named(policy));
        self.table.take(key, rate, now).map(drop).map_err(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_does_not_take_all_hashes_and_mails_of_the_others() {
        let limits = Limits::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let tries = |client: &str| {
            let client = Some(client.parse().unwrap());
            (0..1_000).filter(|_| limits.newcomer(client).is_ok()).count()
        };
        let taken = tries("192.0.2.1");
        assert!((300..400).contains(&taken), "{taken}");
        assert!(tries("192.0.2.2") >= 300, "another one has its own");
        assert_eq!(tries("10.0.0.1"), 1_000, "an exempt one has no limit");
    }
}
