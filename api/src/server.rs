//! The HTTP server: hyper 1 with every bound it leaves to its user.
//!
//! Owns sockets, TLS, framing, deadlines, caps and the drain of one listener. It refuses to know
//! what a request means: a [`Handler`] answers, at once or later, and words every refusal.
//!
//! Invariants: a connection that makes no progress is closed at a deadline (head, body, write, idle);
//! an HTTP/1.1 request that two parsers could read differently is never handed on; open
//! connections exceed their cap only by those that are closing for newcomers; after
//! [`Server::shutdown`] none is open.
//!
//! Reading order: `options`, `accept`, `connections`, `connection`, `service`, `late`, `body`,
//! `streamed`, `foreign`, `handover`, `guard`; below them `watched_io`, `framing`, `activity`,
//! `upgraded`, `watchdog`, `fault`, `drain`, `tls`.

mod accept;
mod activity;
mod body;
mod connection;
mod connections;
mod drain;
mod fault;
mod foreign;
mod framing;
mod guard;
mod handover;
mod late;
mod options;
mod service;
mod streamed;
mod tls;
mod upgraded;
mod watchdog;
mod watched_io;
mod wire;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use engine::sync::Arc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use body::{Body, RequestBody};
pub use connections::{NoPlace, StreamPlace, StreamPlaces};
pub use drain::Draining;
pub use fault::{Fault, Loss};
pub use foreign::{BodyMaker, BrokenOff, ForeignBody, Unwanted, foreign_body};
pub use handover::Pieces;
pub use late::tell_late;
pub use options::{PeerCaps, ServerOptions, TlsFiles};
pub(crate) use service::Upgrade;
pub use service::{Answer, Handler, Later, Outcome, Peer, Work};
pub use streamed::{AnswerDeadline, Progress, StreamBounds, StreamError, StreamedBody};
pub use tls::Tls;

use connection::Shared;
use connections::Connections;
use drain::{Drain, Phase};

/// How long connections may take to end once they are cut: their tasks only have to be polled.
const CUT_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a listener did not start.
#[derive(Debug)]
pub enum StartError {
    /// The address cannot be listened at.
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate or key cannot be used.
    Tls(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { addr, .. } => write!(f, "cannot listen at {addr}"),
            Self::Tls(_) => f.write_str("cannot use the TLS certificate or key"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { source, .. } | Self::Tls(source) => Some(source),
        }
    }
}

/// A running listener.
#[derive(Debug)]
pub struct Server {
    local_addr: SocketAddr,
    drain: Arc<Drain>,
    connections: Arc<Connections>,
    accepting: JoinHandle<()>,
    tls: Option<Arc<Tls>>,
}

impl Server {
    /// Listens and serves, on the tokio runtime of the caller.
    pub fn start<H: Handler>(options: &ServerOptions, handler: Arc<H>) -> Result<Self, StartError> {
        let tls = options.tls.as_ref().map(Tls::open).transpose().map_err(StartError::Tls)?;
        let tls = tls.map(Arc::new);
        let at = |source| StartError::Listen { addr: options.listen, source };
        let listener = accept::listen(options.listen).map_err(at)?;
        let local_addr = listener.local_addr().map_err(at)?;
        let drain = Arc::new(Drain::new());
        let shared = Arc::new(Shared::new(options, handler, Arc::clone(&drain), tls.clone()));
        let connections = Arc::clone(&shared.connections);
        let accepting = tokio::spawn(accept::accept_all(listener, shared));
        Ok(Self { local_addr, drain, connections, accepting, tls })
    }

    /// Where it listens, with the port it was given.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The certificate, to be read again; `None` without TLS.
    pub fn tls(&self) -> Option<Arc<Tls>> {
        self.tls.clone()
    }

    /// Tells when the drain begins.
    pub fn draining(&self) -> Draining {
        self.drain.watch()
    }

    /// Connections open now.
    pub fn open_connections(&self) -> usize {
        self.drain.open()
    }

    /// The same, for who outlives this handle.
    pub fn connection_count(&self) -> impl Fn() -> usize + Send + Sync + use<> {
        let drain = Arc::clone(&self.drain);
        move || drain.open()
    }

    /// Event streams and upgraded connections that are open, for who outlives this handle.
    pub fn stream_count(&self) -> impl Fn() -> usize + Send + Sync + use<> {
        let connections = Arc::clone(&self.connections);
        move || connections.streams()
    }

    /// Stops accepting, lets requests in flight finish for up to `grace`, then cuts the rest.
    /// Answers how many connections were cut.
    pub async fn shutdown(self, grace: Duration) -> usize {
        self.drain.advance(Phase::Draining);
        // The loop only ends; a join error means the runtime is going down with us.
        drop(self.accepting.await);
        if timeout(grace, self.drain.emptied()).await.is_ok() {
            return 0;
        }
        let cut = self.drain.open();
        self.drain.advance(Phase::Cut);
        drop(timeout(CUT_TIMEOUT, self.drain.emptied()).await);
        cut
    }
}
