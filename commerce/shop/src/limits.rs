//! How often one may ask, and how much one may send.
//!
//! The buckets are those of [`web::buckets`], so their memory is fixed. A peer that no proxy names, and
//! one of an exempt network, is not limited by its address.

use std::{hash::Hash, net::IpAddr, sync::Arc};

use identity::ids::{AccountId, SessionId};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use web::{
    buckets::{Buckets, Quota, Rate},
    networks::{Network, Prefix, any_contains},
};

use crate::refusal::Refusal;

/// The longest body of a JSON call or a form, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1024;

/// The longest form with pictures, in bytes: what the mount takes, less its frame. A picture has up to
/// [`commons::limits::UPLOAD_BYTES_MAX`].
pub(crate) const FORM_UPLOAD_BYTES_MAX: usize = 31 * 1024 * 1024;
/// How many fields such a form has, files included: a page has some fifty.
pub(crate) const FORM_FIELDS_MAX: usize = 200;
/// How many bytes of uploads are in memory at once, whoever sends them: four of the longest forms.
const UPLOADING_BYTES_MAX: usize = 4 * FORM_UPLOAD_BYTES_MAX;
/// The unit in which that is counted.
const UPLOAD_UNIT_BYTES: usize = 1024;
/// The longest file of a picture that is served, in bytes. One without loss may be longer than its upload.
pub(crate) const FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;

const _: () = assert!(UPLOADING_BYTES_MAX.is_multiple_of(UPLOAD_UNIT_BYTES));

/// Pictures of one address: a page has forty, and a browser asks for each once.
const FILES: Rate = Rate::of(200, 8_000);
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
    uploading: Arc<Semaphore>,
}

impl Limits {
    pub(crate) fn new(exempt: Vec<Network>) -> Self {
        let uploading = Arc::new(Semaphore::new(UPLOADING_BYTES_MAX / UPLOAD_UNIT_BYTES));
        Self { table: Buckets::new(), exempt, started: Instant::now(), uploading }
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

    /// Takes a picture that a page shows.
    pub(crate) fn file(&self, client: Option<IpAddr>) -> Result<(), Refusal> {
        self.take_of(client, "file", FILES, "files")
    }

    /// Takes room in memory for an upload of so many bytes, as long as the permit is kept.
    pub(crate) fn upload(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let units = u32::try_from(bytes.div_ceil(UPLOAD_UNIT_BYTES)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.uploading).try_acquire_many_owned(units);
        room.map_err(|_| Refusal::Busy)
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
