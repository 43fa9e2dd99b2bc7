//! What the doors and the transactions of one database share.

use std::{fmt, sync::Arc};

use base::moment::Clock;
use tokio::sync::Notify;

use crate::fact::Listeners;

/// The time, who listens, and the bell for this process's workers.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) listeners: Arc<Listeners>,
    pub(crate) assigned: Arc<Notify>,
}

impl Setting {
    pub(crate) fn new(clock: Arc<dyn Clock>, listeners: Listeners) -> Self {
        Self { clock, listeners: Arc::new(listeners), assigned: Arc::new(Notify::new()) }
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting").field("listeners", &self.listeners).finish_non_exhaustive()
    }
}
