//! The end of serving, as this crate's own work waits for it.

use tokio::sync::watch;

/// Waits until the server drains.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Without a server there is nothing to go on for either.
    drop(stop.wait_for(|stops| *stops).await);
}
