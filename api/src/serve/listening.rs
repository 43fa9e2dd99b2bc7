//! The two listeners of a server: shoppers' and operations'.

use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::config::Config;
use crate::front::Front;
use crate::metrics::{self, Present};
use crate::server::{Server, ServerOptions};
use crate::{ops, trouble};

/// Why a server did not start.
pub(super) type StartFailure = Box<dyn std::error::Error + Send + Sync>;

/// Both listeners.
pub(super) struct Listening {
    pub(super) public: Server,
    pub(super) operations: Server,
    /// Holds a handle to the engine, and so ends with the listeners.
    trouble: JoinHandle<()>,
}

impl Listening {
    /// Opens both.
    pub(super) fn open(
        config: &Config,
        app: &Arc<App>,
        engine: &Engine,
        exposition: metrics::Exposition,
    ) -> Result<Self, StartFailure> {
        tokio::spawn(exposition.clone().keep_up());
        let access = Arc::clone(&app.access);
        tokio::spawn(async move { access.tell_left_out().await });
        let server = &config.server;
        let options = ServerOptions {
            tls: server.tls(),
            trusted: server.trusted_proxies(),
            connections_max: server.connections_max.as_usize(),
            streams_max: server.streams_max.as_usize(),
            peers: config.limits.peers(),
            header_read_timeout: server.header_timeout_ms.get(),
            request_timeout: server.request_timeout_ms.get(),
            idle_timeout: server.keep_alive_ms.get(),
            ..ServerOptions::at(server.listen.0)
        };
        let public = Server::start(&options, Arc::new(Front(Arc::clone(app))))?;
        let (observed, ready) = (Arc::clone(app), engine.clone());
        let (connections, streams) = (public.connection_count(), public.stream_count());
        let refresh = Arc::new(move || {
            let engine = &observed.engine;
            let present = Present {
                connections: connections(),
                streams: streams(),
                limiter_buckets: observed.limiter.buckets(),
            };
            metrics::observe(engine, present);
            observed.outcomes.exposition(&engine.sales())
        });
        let draining = public.draining();
        let readiness = move || readiness(&ready, draining.has_begun());
        let operations =
            ops::start(ServerOptions::at(server.ops_listen.0), exposition, refresh, readiness)?;
        let trouble = tokio::spawn(trouble::report(engine.clone()));
        Ok(Self { public, operations, trouble })
    }

    /// Drains the public listener, then closes the other.
    pub(super) async fn close(self, grace: Duration) {
        tracing::info!("draining");
        self.trouble.abort();
        let cut = self.public.shutdown(grace).await;
        if cut > 0 {
            tracing::warn!(
                cut,
                "closed connections that were still busy at the end of drain_timeout_ms"
            );
        }
        self.operations.shutdown(Duration::from_millis(100)).await;
    }
}

/// Why this node should get no traffic, if so.
fn readiness(engine: &Engine, draining: bool) -> Result<(), Vec<String>> {
    let registry = engine.registry();
    let mut reasons = Vec::new();
    if draining {
        reasons.push("this node is shutting down".to_owned());
    }
    if registry.is_storage_full() {
        reasons.push("the journal's disk is full".to_owned());
    }
    if registry.is_stopped() {
        reasons.push("the journal failed".to_owned());
    }
    reasons.extend(registry.arbiter_troubles().iter().cloned());
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}
