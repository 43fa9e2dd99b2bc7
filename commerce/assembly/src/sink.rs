//! The engine's order events, which are taken once the database is there.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use engine::{
    outbox::OrderEvent,
    sink::{Answer, Answers, Capacity, Sink},
};
use store::Db;
use trade::{intake::Intake, limits::EVENTS_AT_ONCE};

/// How long events are kept back while the database is away.
const AWAY: Duration = Duration::from_secs(1);

/// Takes order events once the database is open. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct LateIntake(Arc<OnceLock<Intake>>);

impl fmt::Debug for LateIntake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LateIntake").field(&self.0.get().is_some()).finish()
    }
}

impl LateIntake {
    /// Takes the database.
    pub(crate) fn opened(&self, db: Db) {
        // It is opened once.
        self.0.get_or_init(|| Intake::new(db));
    }
}

impl Sink for LateIntake {
    fn capacity(&self) -> Capacity {
        // As the intake itself has it.
        Capacity { batch_events_max: EVENTS_AT_ONCE, batches_max: 1, pause: Duration::ZERO }
    }

    fn deliver(&self, events: Vec<Arc<OrderEvent>>) -> Answers<'_> {
        match self.0.get() {
            Some(intake) => intake.deliver(events),
            None => Box::pin(async move {
                let why = "the database of the shop is away".to_owned();
                vec![Answer::Later { why, after: Some(AWAY) }; events.len()]
            }),
        }
    }
}
