//! The guard of a connection that left HTTP: its task from then on.

use std::pin::pin;

use engine::sync::Arc;

use super::activity::{Activity, Overdue, Patience};
use super::connections::Admission;
use super::drain::{Draining, Phase};
use super::fault::Loss;
use super::watchdog::Watchdog;

/// Guards a connection until its socket is dropped; `admission` is given back then. `on_loss` hears
/// if the peer was the reason to cut it.
pub(crate) async fn guard(
    activity: Arc<Activity>,
    patience: Patience,
    mut draining: Draining,
    admission: Admission,
    on_loss: impl FnOnce(Loss),
) {
    let Some(upgraded) = activity.upgraded() else { return };
    let mut dropped = pin!(upgraded.until_dropped());
    let loss = tokio::select! {
        () = dropped.as_mut() => return,
        overdue = Watchdog::over(&activity, patience) => match overdue {
            Overdue::Write => Some(Loss::NotReading),
            Overdue::Silence | Overdue::Head | Overdue::Idle | Overdue::Answer => {
                Some(Loss::Silent)
            }
        },
        () = draining.reached(Phase::Cut) => None,
    };
    tracing::debug!(?loss, "an upgraded connection was cut");
    upgraded.cut();
    if let Some(loss) = loss {
        on_loss(loss);
    }
    dropped.await;
    drop(admission);
}
