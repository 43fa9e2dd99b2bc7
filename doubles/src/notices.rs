//! Notices that a double sends by itself, with the faults of such: lost, doubled, overtaken.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use outbound::{Call, Options, Reach, Target};
use serde_json::Value;
use tokio::{task::JoinSet, time::sleep};

use crate::{Fault, Faults};

/// How often a notice is tried until it is taken.
const TRIES_MAX: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);
const DEADLINE: Duration = Duration::from_secs(5);

/// The name of sending for [`Faults::next`].
pub(crate) const OPERATION: &str = "notify";

/// Notices under way; dropping this gives them up.
#[derive(Debug)]
pub(crate) struct Notices {
    faults: Faults,
    tasks: Mutex<JoinSet<()>>,
}

/// Makes the request of a notice, signature included, each time it is sent.
pub(crate) type Signing = Arc<dyn Fn(&Value) -> Call + Send + Sync>;

impl Notices {
    pub(crate) fn new(faults: Faults) -> Self {
        Self { faults, tasks: Mutex::default() }
    }

    /// Sends a notice beside everything else.
    pub(crate) fn send(&self, url: &str, notice: Value, signing: Signing) {
        let options = Options { reach: Reach::Anywhere, ..Options::new(DEADLINE) };
        // A URL that cannot be called is the shop's mistake, and shows as a notice that never comes.
        let Ok(target) = Target::new(url, options) else { return };
        let fault = self.faults.befall(OPERATION);
        let late = self.faults.late();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            match fault {
                Some(Fault::Refused | Fault::LostBefore | Fault::LostAfter | Fault::Silent) => {
                    return;
                }
                Some(Fault::Late | Fault::Overtaken) => sleep(late).await,
                Some(Fault::Doubled) => deliver(&target, &notice, &signing).await,
                None => {}
            }
            deliver(&target, &notice, &signing).await;
        });
    }
}

async fn deliver(target: &Target, notice: &Value, signing: &Signing) {
    for again in 1..=TRIES_MAX {
        let heard = target.send(signing(notice)).await;
        if heard.is_ok_and(|answer| answer.status.is_success()) {
            return;
        }
        sleep(PAUSE * again).await;
    }
}
