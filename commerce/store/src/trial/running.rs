//! Workers that run beside a test, and waiting for what they do.

use std::time::Duration;

use tokio::{sync::watch, task::JoinHandle, time::sleep};

use crate::{Db, worker::Workers};

/// Workers of a test.
#[derive(Debug)]
pub struct Running {
    stop: watch::Sender<bool>,
    done: JoinHandle<()>,
}

impl Running {
    /// Starts them on a database.
    pub fn start(workers: Workers, db: &Db) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, done: tokio::spawn(workers.run(db.clone(), stopped)) }
    }

    /// Stops them, and waits for the end of what they are at.
    ///
    /// # Panics
    ///
    /// Panics if they did, or have ended by themselves.
    pub async fn stop(self) {
        self.stop.send(true).unwrap();
        self.done.await.unwrap();
    }
}

/// Waits until something is so; the clock of the trial stands meanwhile.
///
/// # Panics
///
/// Panics if it is not so within twenty seconds.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..4_000 {
        if is_so().await {
            return;
        }
        sleep(Duration::from_millis(5)).await;
    }
    unreachable!("not within twenty seconds: {what}");
}
