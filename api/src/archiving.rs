//! Archives sales on its own that have been over for as long as the config says.
//!
//! What cannot be archived yet, because a payment is under way in it, is asked again later.

use std::time::Duration;

use engine::{
    Engine, Failure, clock::Millis, command::Terms, record::Author, sale::Phase, view::SaleView,
};
use tokio::time::sleep;

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
