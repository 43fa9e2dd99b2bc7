//! Says in the log what operators must know and no request tells them: the disk full, a snapshot
//! that failed, orders that pile up. Once when it begins, once when it is over.

use std::{sync::Arc, time::Duration};

use engine::{Engine, limits::OUTBOX_SALE_EVENTS_MAX};
use tokio::time::{MissedTickBehavior, interval};

/// How often the engine is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Order events that wait before it is worth a line: a sixteenth of where a sale's new holds are refused.
const OUTBOX_LAG_NOTABLE: u64 = OUTBOX_SALE_EVENTS_MAX as u64 / 16;

/// A wall clock that is so far from where it was is worth a line.
const CLOCK_STEP_NOTABLE_MS: u64 = 1_000;

/// Watches for as long as the process runs.
pub async fn report(engine: Engine) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut full, mut behind) = (Told::default(), Told::default());
    let (mut snapshot, mut archive) = (Told::default(), Told::default());
    let mut clock_offset_ms = 0;
    let mut troubles = Arc::<Vec<String>>::default();
    loop {
        looks.tick().await;
        let registry = engine.registry();
        match full.changed(registry.is_storage_full()) {
            Some(true) => tracing::error!(
                "the journal's disk is full; changes are refused until there is room"
            ),
            Some(false) => tracing::info!("the journal has room again; changes are accepted"),
            None => {}
        }
        let trouble = registry.snapshot_trouble();
        match (snapshot.changed(trouble.is_some()), trouble) {
            (Some(true), Some(why)) => {
                tracing::error!(%why, "could not write a snapshot; nothing is lost, but recovery will take longer");
            }
            (Some(false), _) => tracing::info!("snapshots work again"),
            _ => {}
        }
        let trouble = registry.archive_trouble();
        match (archive.changed(trouble.is_some()), trouble) {
            (Some(true), Some(why)) => {
                tracing::error!(%why, "could not write the file of a sale to be archived; the sale stays as it is");
            }
            (Some(false), _) => tracing::info!("sales are archived again"),
            _ => {}
        }
        let present = registry.arbiter_troubles();
        for why in present.iter().filter(|why| !troubles.contains(why)) {
            tracing::warn!(%why, "this node cannot make decisions");
        }
        if present.is_empty() && !troubles.is_empty() {
            tracing::info!("this node can make decisions again");
        }
        troubles = present;
        let offset_ms = registry.clock_offset_ms();
        if offset_ms.abs_diff(clock_offset_ms) >= CLOCK_STEP_NOTABLE_MS {
            let (was_ms, is_ms) = (clock_offset_ms, offset_ms);
            tracing::warn!(
                was_ms,
                is_ms,
                "the wall clock jumped; schedules and tokens follow it, windows and holds do not. \
                 Check the time service"
            );
            clock_offset_ms = offset_ms;
        }
        let lag = registry.outbox_lag();
        match behind.changed(lag >= OUTBOX_LAG_NOTABLE) {
            Some(true) => {
                tracing::warn!(lag, "order events are piling up; the sink is not keeping up");
            }
            Some(false) => tracing::info!(lag, "the order sink has caught up"),
            None => {}
        }
    }
}

/// Whether something was so when it was last told.
#[derive(Debug, Default)]
struct Told(bool);

impl Told {
    /// The new state, if it is another than the last one told.
    fn changed(&mut self, now: bool) -> Option<bool> {
        (std::mem::replace(&mut self.0, now) != now).then_some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once() {
        let mut told = Told::default();
        let heard = [false, true, true, false, false].map(|now| told.changed(now));
        assert_eq!(heard, [None, Some(true), None, Some(false), None]);
    }
}
