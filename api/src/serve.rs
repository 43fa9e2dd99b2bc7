//! A server's life: recover, make the configured sales, listen, serve, drain, stop.
//!
//! Exit codes: 0 after a clean stop, 1 when it could not start, 3 when the journal failed and
//! nothing more could be promised.

use std::{
    fs::DirBuilder, os::unix::fs::DirBuilderExt as _, process::ExitCode, sync::Arc, time::Duration,
};

use bytes::Bytes;
use engine::{
    Engine, EngineOptions, Failure, Started,
    clock::{Clock, SystemClock},
    disk::{Disk, real::RealDisk},
    limits,
    record::Author,
    sale::ChangeRefusal,
    scribe::Fatal,
    spec::SaleSpec,
};
use tokio::{runtime, sync::oneshot};

use crate::{
    app::{App, Fixed, Front},
    cli::{complain, say},
    config::{self, Config},
    foretold::Foretold,
    handlers::stream::Streams,
    keys::open_keys,
    logging,
    metrics::{self, RequestTimes, SyncTimes},
    openapi, ops,
    pipeline::{self, LogOptions, OrderLog, Secret, Sink, Webhook, WebhookOptions},
    reference,
    server::{Server, ServerOptions, TlsFiles},
};

/// What the program exits with when the journal failed.
const EXIT_JOURNAL_FAILED: u8 = 3;
/// A snapshot is written whenever so many segments were sealed: 64 MiB of journal bound recovery.
const SNAPSHOT_EVERY_SEGMENTS: u64 = 4;

/// Where in the data directory the order log lies.
const ORDERS_DIRECTORY: &str = "orders";
/// How long a stop waits for the scribe's thread to end.
const SCRIBE_END_TIMEOUT: Duration = Duration::from_secs(2);

/// Why the server did not start.
type StartFailure = Box<dyn std::error::Error + Send + Sync>;

/// Serves until told to stop.
pub fn run(config: Config) -> ExitCode {
    logging::start(config.log.format, &config.log.filter);
    let mut builder = runtime::Builder::new_multi_thread();
    if let Some(threads) = config.server.worker_threads {
        builder.worker_threads(threads);
    }
    let served = builder
        .thread_name("rushgate-http")
        .enable_all()
        .build()
        .map_err(StartFailure::from)
        .and_then(|runtime| runtime.block_on(serve(config)));
    match served {
        Ok(code) => code,
        Err(error) => {
            complain(&with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

/// An error and all that caused it, in one line.
pub(crate) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

async fn serve(config: Config) -> Result<ExitCode, StartFailure> {
    let exposition = metrics::install()?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&config.data.dir)?);
    let opened = open_keys(&config.keys, &config.data.dir)?;
    let options = EngineOptions {
        segment_bytes: limits::SEGMENT_BYTES,
        snapshot_every_segments: SNAPSHOT_EVERY_SEGMENTS,
        watch: Box::new(SyncTimes::start()),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let Started { engine, running, events, report } =
        Engine::start(disk, Arc::clone(&clock), options)?;
    tracing::info!(
        records = report.records,
        sequence = report.point.sequence.0,
        truncated_bytes = report.truncated_bytes,
        from_snapshot = report.snapshot.is_some(),
        "recovered"
    );
    make_sales(&engine, &config.sales).await?;
    let sink = sink_of(&config, clock)?;
    let orders = pipeline::run(events, engine.clone(), sink, pipeline_options(&config))?;

    let app = Arc::new(App {
        keys: opened.keys,
        trusted_proxies: config.server.trusted_proxies.clone(),
        demo_payment: config.pages.demo_payment,
        foretold: Foretold::default(),
        streams: Streams::new(config.server.streams_max),
        fixed: Fixed {
            openapi: Bytes::from_static(openapi::DOCUMENT.as_bytes()),
            reference: Bytes::from(reference::render("reference")),
            jwks: Bytes::from(opened.keyring.jwks_json()),
        },
        times: RequestTimes::new(),
        keyring: opened.keyring,
        engine: engine.clone(),
    });
    let listening = Listening::open(&config, &app, &engine, exposition)?;
    announce(&listening);

    let (told, mut stopped) = oneshot::channel::<Fatal>();
    std::thread::spawn(move || {
        if let Err(fatal) = running.join() {
            // The receiver is gone only when the program is ending already.
            drop(told.send(fatal));
        }
    });
    tokio::select! {
        () = stop_signal() => {}
        Ok(fatal) = &mut stopped => {
            complain(&format!("journal failed, stopping: {}", fatal.reason));
            return Ok(ExitCode::from(EXIT_JOURNAL_FAILED));
        }
    }
    let grace = Duration::from_millis(config.server.drain_timeout_ms);
    listening.close(grace).await;
    tokio::task::spawn_blocking(move || orders.stop()).await?;
    drop((app, engine));
    // The scribe ends when the last handle to the engine is gone; a task that was cut may hold one
    // a moment longer, and nothing is owed to it.
    drop(tokio::time::timeout(SCRIBE_END_TIMEOUT, stopped).await);
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// The sink that the config names.
fn sink_of(config: &Config, clock: Arc<dyn Clock>) -> Result<Arc<dyn Sink>, StartFailure> {
    Ok(match &config.pipeline.sink {
        config::Sink::Log => {
            let directory = config.data.dir.join(ORDERS_DIRECTORY);
            DirBuilder::new().mode(0o700).recursive(true).create(&directory)?;
            Arc::new(OrderLog::open(LogOptions::in_directory(directory))?)
        }
        config::Sink::Webhook(webhook) => {
            let secret = Secret::new(webhook.secret.clone().into_bytes());
            let secret = secret.ok_or("pipeline.webhook_secret: allowed: 16 bytes or more")?;
            let options = WebhookOptions {
                attempt_timeout: Duration::from_millis(webhook.timeout_ms),
                ..WebhookOptions::new(webhook.url.clone(), secret)
            };
            Arc::new(Webhook::new(options, clock)?)
        }
    })
}

fn pipeline_options(config: &Config) -> pipeline::Options {
    let defaults = pipeline::Options::default();
    match &config.pipeline.sink {
        config::Sink::Log => defaults,
        config::Sink::Webhook(webhook) => {
            pipeline::Options { attempts_max: webhook.attempts_max, ..defaults }
        }
    }
}

/// Makes the configured sales that are not there yet; those that are keep what operators made of
/// them.
async fn make_sales(engine: &Engine, sales: &[SaleSpec]) -> Result<(), StartFailure> {
    for spec in sales {
        let name = spec.name.clone();
        let author = Author { name: "config".to_owned() };
        match engine.create(author, spec.clone()).await {
            Ok(()) => tracing::info!(sale = %name, "sale made"),
            Err(Failure::Refused(ChangeRefusal::NameTaken)) => {}
            Err(failure) => return Err(format!("cannot make sale {name}: {failure:?}").into()),
        }
    }
    Ok(())
}

/// Both listeners.
struct Listening {
    public: Server,
    operations: Server,
}

impl Listening {
    fn open(
        config: &Config,
        app: &Arc<App>,
        engine: &Engine,
        exposition: metrics::Exposition,
    ) -> Result<Self, StartFailure> {
        tokio::spawn(exposition.clone().keep_up());
        let server = &config.server;
        let tls = server.tls.as_ref().map(|tls| {
            let (certificates, key) = (tls.cert.clone(), tls.key.clone());
            TlsFiles { certificates, key }
        });
        let options = ServerOptions {
            tls,
            connections_max: server.connections_max,
            header_read_timeout: Duration::from_millis(server.header_timeout_ms),
            request_timeout: Duration::from_millis(server.request_timeout_ms),
            idle_timeout: Duration::from_millis(server.keep_alive_ms),
            ..ServerOptions::at(server.listen)
        };
        let public = Server::start(&options, Arc::new(Front(Arc::clone(app))))?;
        let (observed, ready) = (engine.clone(), engine.clone());
        let refresh = Arc::new(move || metrics::observe(&observed));
        let readiness = move || readiness(&ready);
        let operations =
            ops::start(ServerOptions::at(server.ops_listen), exposition, refresh, readiness)?;
        Ok(Self { public, operations })
    }

    /// Drains the public listener, then closes the other.
    async fn close(self, grace: Duration) {
        tracing::info!("draining");
        let cut = self.public.shutdown(grace).await;
        if cut > 0 {
            tracing::warn!(cut, "connections were still busy when the grace ended");
        }
        self.operations.shutdown(Duration::from_millis(100)).await;
    }
}

/// Says where to connect, on standard output, in the one line that tools read.
fn announce(listening: &Listening) {
    let (public, operations) = (listening.public.local_addr(), listening.operations.local_addr());
    // Written out by hand to keep the documented order; addresses need no escapes.
    say(&format!("{{\"event\":\"listening\",\"public\":\"{public}\",\"ops\":\"{operations}\"}}\n"));
    tracing::info!("shoppers:   http://{public}/");
    tracing::info!("reference:  http://{public}/docs");
    tracing::info!("operations: http://{operations}/metrics");
}

/// Why this node should get no traffic, if so.
fn readiness(engine: &Engine) -> Result<(), Vec<String>> {
    let registry = engine.registry();
    let mut reasons = Vec::new();
    if registry.is_storage_full() {
        reasons.push("the journal's disk is full".to_owned());
    }
    if registry.is_stopped() {
        reasons.push("the journal failed".to_owned());
    }
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

/// Resolves at SIGTERM or SIGINT.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    match (&mut signals.0, &mut signals.1) {
        (Ok(terminate), Ok(interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}
