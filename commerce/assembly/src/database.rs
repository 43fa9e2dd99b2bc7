//! Opening the database, however long it is away.

use std::{sync::Arc, time::Duration};

use store::{Db, Options, Step, fact::Listeners};
use tokio::{
    sync::{oneshot, watch},
    time::sleep,
};

use crate::{clock::WallClock, drain::stopped, failure::StartError};

/// The pause before another try, and the longest; each is twice the one before.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Whoever waits for the first try.
type Ready = oneshot::Sender<Result<(), StartError>>;

/// The schema of all crates.
fn schema() -> Vec<Step> {
    [commons::SCHEMA, identity::SCHEMA, trade::SCHEMA].concat()
}

/// Opens it once it is there, and gives back who waits. `None` once the server drains, or if it can never
/// be used.
pub(crate) async fn open(
    options: &Options,
    listeners: Listeners,
    mut stop: watch::Receiver<bool>,
    ready: Ready,
) -> Option<(Db, Option<Ready>)> {
    let (schema, mut pause, mut is_told) = (schema(), PAUSE_FIRST, false);
    loop {
        let opening = Db::open(options, &schema, listeners.clone(), Arc::new(WallClock));
        let error = match opening.await {
            Ok(db) => {
                if is_told {
                    tracing::info!("the shop's database is there");
                }
                return Some((db, Some(ready)));
            }
            Err(error) => error,
        };
        if error.is_lasting() {
            tracing::error!(%error, "the shop's database cannot be used; the shop stays away");
            // A start that gave up waiting has the log.
            drop(ready.send(Err(StartError::Database(error))));
            return None;
        }
        if !is_told {
            let why = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(
                %error, why,
                "the shop's database is away; the shop answers 503 until it is there"
            );
            is_told = true;
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = stopped(&mut stop) => return None,
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}
