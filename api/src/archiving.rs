//! Archives sales on its own that have been over for as long as the config says, and unpacks
//! archived ones that are asked for.
//!
//! What cannot be archived yet, because a payment is under way in it, is asked again later.

use std::{sync::Arc, time::Duration};

use engine::{
    Engine, Failure, clock::Millis, command::Terms, id::SaleName, record::Author, sale::Phase,
    view::SaleView,
};
use tokio::{
    sync::Semaphore,
    task::{JoinError, spawn_blocking},
    time::sleep,
};

/// How often the sales are looked through.
const PERIOD: Duration = Duration::from_secs(10);

/// Looks for sales to archive for as long as the process runs.
pub(crate) async fn keep_archiving(engine: Engine, after: Duration) {
    let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
    // A short time is for tests and demonstrations, and the first look should not be late for it.
    let period = PERIOD.min(after);
    loop {
        sleep(period).await;
        for sale in engine.sales() {
            if over_for_ms(&sale, engine.now()).is_none_or(|ms| ms < after_ms) {
                continue;
            }
            let author = Author { name: "policy".to_owned() };
            match engine.archive(&sale, author, Terms::default()).await {
                Ok(_) => tracing::info!(sale = %sale.name(), "sale archived"),
                Err(Failure::Refused(_) | Failure::Busy(_)) => {}
                Err(Failure::Unavailable) => {
                    tracing::warn!(sale = %sale.name(), "a sale's archive file cannot be written");
                }
                Err(Failure::Stopped) => return,
            }
        }
    }
}

/// Unpacks archived sales that are asked for, one at a time on a thread of its own.
#[derive(Debug)]
pub struct Unpacking(Arc<Semaphore>);

impl Default for Unpacking {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Unpacking {
    /// The view of an archived sale, if it is there; an error if the thread panicked.
    pub async fn view(
        &self,
        engine: &Engine,
        name: SaleName,
    ) -> Result<Option<Arc<SaleView>>, JoinError> {
        let turn = Arc::clone(&self.0).acquire_owned().await;
        let engine = engine.clone();
        let unpacked = spawn_blocking(move || {
            let sale = engine.sale(name.as_str());
            drop(turn);
            sale
        });
        unpacked.await
    }
}

/// Drops views of archived sales that nobody has asked for lately, for as long as the process runs.
pub(crate) async fn keep_views_few(engine: Engine) {
    loop {
        sleep(PERIOD).await;
        let engine = engine.clone();
        let drop_old = move || engine.registry().archived().drop_old(engine.now());
        if spawn_blocking(drop_old).await.is_err() {
            return;
        }
    }
}

/// How long a sale has been closed and left alone by operators; `None` when it is not closed.
fn over_for_ms(sale: &SaleView, now: Millis) -> Option<u64> {
    if sale.phase(now) != Phase::Closed {
        return None;
    }
    let settings = sale.settings();
    let wall = settings.controls.wall(now);
    let changed = settings.audit.last().map_or(u64::MAX, |entry| now.since(entry.at));
    let ended = settings.spec.closes_at.filter(|at| *at <= wall);
    Some(ended.map_or(changed, |at| wall.since(at).min(changed)))
}
