//! What the binary brings to be mounted, and what it finds.
//!
//! Only types that a lower crate has too: commerce opens its service without knowing this one.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use engine::{Engine, id::SinkName, sink::Sink};
use tokio::sync::watch;

use super::options::MountOptions;
use super::service::MountService;

/// Why a guest did not open.
pub type GuestError = Box<dyn Error + Send + Sync>;
/// A guest that opens.
pub type Opening = Pin<Box<dyn Future<Output = Result<Opened, GuestError>> + Send>>;
/// A guest's own work, which ends after the drain began.
pub type Finishing = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a guest finds when it opens.
#[derive(Clone, Debug)]
pub struct GuestContext {
    /// The engine. It ends only once all handles to it are dropped.
    pub engine: Engine,
    /// True once the server drains: sockets and streams say goodbye, workers come to their end.
    pub draining: watch::Receiver<bool>,
}

/// What a guest brings when it has opened.
pub struct Opened {
    /// Answers requests.
    pub service: MountService,
    /// Takes order events; there must be one exactly if the guest named it. It is called on the mount's
    /// runtime, and also after the drain began: until the requests are answered and their orders are
    /// taken, or the time for that is over.
    ///
    /// A call that takes longer than half a minute is dropped. An event that it panics on when it is shown
    /// alone counts as refused, as its answer would be.
    pub sink: Option<Arc<dyn Sink>>,
    /// Resolves, after the drain began and the requests are answered, once its own work is done.
    pub finishing: Option<Finishing>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("service", &self.service).finish_non_exhaustive()
    }
}

/// A service that is going to be mounted.
pub struct Guest {
    /// Its bounds.
    pub options: MountOptions,
    /// The name of its sink, if it takes order events: the engine keeps events for it from the start. It
    /// is not the name of a built-in sink.
    pub sink: Option<SinkName>,
    /// Opens it, on the mount's runtime: connections to a database belong to the runtime that made
    /// them.
    pub open: Box<dyn FnOnce(GuestContext) -> Opening + Send>,
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest").field("options", &self.options).finish_non_exhaustive()
    }
}
