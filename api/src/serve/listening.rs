//! The two listeners of a server: shoppers' and operations'.

use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::config::Config;
use crate::front::Front;
use crate::metrics::{self, Present};
use crate::server::{PeerCaps, Server, ServerOptions, TlsFiles};
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
        let tls = server.tls.as_ref().map(|tls| {
            let (certificates, key) = (tls.cert.clone(), tls.key.clone());
            TlsFiles { certificates, key }
        });
        let options = ServerOptions {
            tls,
            trusted: server.callers.trusted_proxies.clone(),
            connections_max: server.connections_max,
            peers: PeerCaps {
                connections_max: config.limits.connections_per_peer,
                connects_per_second: config.limits.connects_per_second,
                exempt: config.limits.entries.exempt.clone(),
            },
            header_read_timeout: Duration::from_millis(server.header_timeout_ms),
            request_timeout: Duration::from_millis(server.request_timeout_ms),
            idle_timeout: Duration::from_millis(server.keep_alive_ms),
            ..ServerOptions::at(server.listen)
        };
        let public = Server::start(&options, Arc::new(Front(Arc::clone(app))))?;
        let (observed, ready) = (Arc::clone(app), engine.clone());
        let connections = public.connection_count();
        let refresh = Arc::new(move || {
            let engine = &observed.engine;
            let present = Present {
                connections: connections(),
                streams: observed.streams.open_now(),
                limiter_buckets: observed.limiter.buckets(),
            };
            metrics::observe(engine, present);
            observed.outcomes.exposition(&engine.sales())
        });
        let draining = public.draining();
        let readiness = move || readiness(&ready, draining.has_begun());
        let operations =
            ops::start(ServerOptions::at(server.ops_listen), exposition, refresh, readiness)?;
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
