//! Access tokens: what the service account is given for proving itself, until it ages.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base::moment::{Clock, Moment};
use outbound::{Call, Secret, Target};
use serde::Deserialize;

use super::{account::ServiceAccount, model::PushError};
use crate::limits::PUSH_ACCESS_MARGIN;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The one that is used, replaced in time.
pub(super) struct Access {
    account: ServiceAccount,
    prover: Target,
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<Kept>>,
}

#[derive(Clone)]
struct Kept {
    token: Secret,
    until: Moment,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// In seconds.
    expires_in: u64,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Access {
    pub(super) fn new(account: ServiceAccount, prover: Target, clock: Arc<dyn Clock>) -> Self {
        Self { account, prover, clock, kept: Mutex::default() }
    }

    /// A token that is good for a while. Several that need one at once may each ask for it, which the
    /// service allows.
    pub(super) async fn get(&self) -> Result<Secret, PushError> {
        let now = self.clock.now();
        let kept = self.lock().clone();
        if let Some(kept) = kept.filter(|kept| now.after(PUSH_ACCESS_MARGIN) < kept.until) {
            return Ok(kept.token);
        }
        let later = |why: &str| PushError::Later(why.to_owned());
        let assertion =
            self.account.assertion(now).ok_or_else(|| later("the assertion cannot be signed"))?;
        let call = Call::post("").form(&[("grant_type", GRANT), ("assertion", &assertion)]);
        let answer = self.prover.send(call).await?;
        if !answer.status.is_success() {
            let status = answer.status.as_u16();
            return Err(PushError::Later(format!("the service account was answered {status}")));
        }
        let granted: Granted = answer.json()?;
        let token = Secret::new(granted.access_token);
        let until = now.after(Duration::from_secs(granted.expires_in));
        *self.lock() = Some(Kept { token: token.clone(), until });
        Ok(token)
    }

    /// Forgets a token that the service did not take.
    pub(super) fn forget(&self, token: &Secret) {
        let mut kept = self.lock();
        if kept.as_ref().is_some_and(|kept| kept.token == *token) {
            *kept = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        // What is in it is whole at every moment.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
