//! What these tests begin with, and workers that run beside one.

use std::time::Duration;

use commons::{SCHEMA, ids::Person, label::Label, subject::Subject};
use store::{Db, Id, fact::Listeners, trial::Trial, worker::Workers};
use tokio::{sync::watch, task::JoinHandle};

pub(crate) const DEAL: Label = Label::new("deal");

pub(crate) const DAY_MS: i64 = 24 * 3_600_000;

pub(crate) async fn open(trial: &Trial) -> Db {
    trial.open(SCHEMA, Listeners::default()).await
}

/// A person who was not there before.
pub(crate) fn person(db: &Db) -> Person {
    Person::new(db.now())
}

/// A deal that was not there before.
pub(crate) fn deal(db: &Db) -> Subject {
    Subject::new(DEAL, Id::new(db.now()))
}

/// Workers of a test.
#[derive(Debug)]
pub(crate) struct Running {
    stop: watch::Sender<bool>,
    done: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start(workers: Workers, db: &Db) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, done: tokio::spawn(workers.run(db.clone(), stopped)) }
    }

    pub(crate) async fn stop(self) {
        self.stop.send(true).unwrap();
        self.done.await.unwrap();
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..4_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    unreachable!("not within twenty seconds: {what}");
}
