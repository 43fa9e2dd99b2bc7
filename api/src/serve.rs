//! A server's life: recover, make the configured sales, listen, serve, drain, stop.
//!
//! Exit codes: 0 after a clean stop, 1 when it could not start, 3 when the journal failed or a thread
//! panicked, and nothing more could be promised, 130 after a second Ctrl+C.

mod listening;
mod orders;

use std::{fmt, process::ExitCode, sync::Arc, thread, time::Duration};

use bytes::Bytes;
use engine::{
    Engine, EngineOptions, Failure, Running, Started,
    arbiter::Join,
    clock::{Clock, SystemClock},
    disk::{Disk, real::RealDisk},
    limits,
    record::Author,
    recovery,
    sale::ChangeRefusal,
    scribe::Fatal,
    sink::Sink,
    spec::SaleSpec,
    turn,
    view::SaleView,
};
use engine_redis::SharedOptions;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    runtime,
    sync::{oneshot, watch},
    task::JoinHandle,
};
use web::{limiter::Limiter, packed::Packed};

use self::{
    listening::{Listening, StartFailure},
    orders::Orders,
};
use crate::{
    access::AccessLog,
    accounts::Accounts,
    app::{App, Fixed},
    archiving,
    config::{ArbiterKind, Config},
    console::{complain, with_causes},
    cors::Cors,
    greeting::Greeting,
    keys::{KEY_FILE_NAME, OpenedKeys, open_keys},
    logging,
    metrics::{self, Outcomes, RequestTimes, SyncTimes},
    mount::{Guest, Mount},
    openapi,
    panics::{self, Panics},
    reference,
    shop::{self, OwnShop},
    signals::{self, Hangup, StopSignals},
    streams::Streams,
    token::Keyring,
    wait_estimates::WaitEstimates,
    wire::{Difference, differences},
};

/// What the program exits with when the journal failed or a thread panicked.
const EXIT_FAILED: u8 = 3;
/// What it exits with after a second Ctrl+C, as shells say it.
const EXIT_INTERRUPTED: u8 = 130;
/// A snapshot is written whenever so many segments were sealed: 64 MiB of journal bound recovery.
const SNAPSHOT_EVERY_SEGMENTS: u64 = 4;

/// How long a start waits at most until it can decide, and how often it looks.
const DECIDING_WAIT: Duration = Duration::from_secs(2);
const DECIDING_PAUSE: Duration = Duration::from_millis(5);

/// How long before a store that did not answer is asked again for the configured sales.
const STORE_PAUSE: Duration = Duration::from_millis(500);
/// How long a stop waits for the scribe's thread to end.
const SCRIBE_END_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves until told to stop, with a guest mounted beside the engine's own routes if there is one.
pub fn run(config: Config, guest: Option<Guest>) -> ExitCode {
    logging::start(config.log.format.into(), &config.log.filter.get().0);
    let panics = panics::watch();
    raise_descriptor_limit();
    if let Some(origin) = &config.server.public_origin {
        web::problem::set_site(&origin.0);
    }
    let mut builder = runtime::Builder::new_multi_thread();
    if let Some(threads) = config.server.worker_threads {
        builder.worker_threads(threads.as_usize());
    }
    let served = builder
        .thread_name("rushgate-http")
        // Answers come later where it is refused, and nothing else.
        .on_thread_start(|| drop(turn::request(turn::SERVE)))
        .enable_all()
        .build()
        .map_err(StartFailure::from)
        .and_then(|runtime| {
            let served = runtime.block_on(serve(config, guest, panics));
            // Nothing is owed to what still runs, and after a second Ctrl+C it may run for long.
            runtime.shutdown_background();
            served
        });
    match served {
        Ok(code) => code,
        Err(error) => {
            complain(&with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Raises the soft limit of open files to the hard one: each connection is a file, and the soft limit
/// of a login shell is 1,024.
fn raise_descriptor_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, ?current, ?maximum, "cannot raise the limit of open files");
    }
}

fn streams(config: &Config, engine: &Engine, wait_estimates: &Arc<WaitEstimates>) -> Streams {
    let per_ticket = config.limits.streams_per_ticket.as_usize();
    Streams::new(per_ticket, engine.clone(), Arc::clone(wait_estimates))
}

async fn serve(
    config: Config,
    guest: Option<Guest>,
    panics: Panics,
) -> Result<ExitCode, StartFailure> {
    signals::ignore_the_rest()?;
    let hangup = Hangup::catch()?;
    let exposition = metrics::install()?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&config.data.dir.0)?);
    let opened = open_keys(&config.keys.options(), &config.data.dir.0)?;
    let (accounts, guest, links) = open_accounts_and_shop(&config, guest, &opened)?;
    let options = EngineOptions {
        segment_bytes: limits::SEGMENT_BYTES,
        snapshot_every_segments: SNAPSHOT_EVERY_SEGMENTS,
        watch: Box::new(SyncTimes::start()),
        sinks: orders::names(&config, guest.as_ref())?,
        shared: shared_options(&config),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let copy = Arc::clone(&disk);
    let Started { engine, running, offers, report } =
        Engine::start(disk, Arc::clone(&clock), options)?;
    check_copy(copy);
    tracing::info!(
        records = report.records,
        sequence = report.point.sequence.0,
        truncated_bytes = report.truncated_bytes,
        from_snapshot = report.snapshot.is_some(),
        "recovered"
    );
    let wait_estimates = Arc::<WaitEstimates>::default();
    let beside = look_after_sales(&engine, &config).await?;
    // Before the guest opens, which may take long: its sink is one of several.
    let mut orders = Orders::deliver(offers, &config, &engine, &clock)?;
    let (mount, own_sink) = mount(guest, &engine).await?;
    orders.deliver_to_guest(own_sink, &engine)?;

    let app = Arc::new(App {
        mount,
        unpacking: archiving::Unpacking::default(),
        keys: opened.keys,
        accounts: accounts.clone(),
        callers: config.server.callers(),
        cors: Cors::new(&config.server.cors_origins()),
        cookie_secure: config.server.cookie_secure,
        limiter: Limiter::new(config.limits.entries()),
        demo_payment: config.pages.demo_payment,
        orders: orders.watchers(),
        streams: streams(&config, &engine, &wait_estimates),
        wait_estimates,
        fixed: fixed(&opened.keyring, links.is_some()),
        access: Arc::new(AccessLog::new(config.log.access())),
        times: RequestTimes::new(),
        outcomes: Outcomes::default(),
        keyring: opened.keyring,
        engine: engine.clone(),
    });
    until_deciding(&engine).await;
    // Before anybody is told that we listen: whoever knows of us may tell us to stop.
    let mut stop = StopSignals::catch()?;
    let listening = Listening::open(&config, &app, &engine, exposition)?;
    tokio::spawn(hangup.reload(listening.public.tls(), accounts));
    greeting(&config, &listening, links.as_ref()).tell();

    let grace = config.server.drain_timeout_ms.get();
    let serving = async {
        stop.received().await;
        beside.iter().for_each(JoinHandle::abort);
        tokio::select! {
            stopped = stop_in_order(listening, app.mount.as_ref(), orders, grace) => stopped?,
            () = stop.insisted() => return Ok(Err(Failed::Interrupted)),
        }
        // The scribe ends when the last handle to the engine is gone.
        drop((app, engine));
        Ok(Ok(()))
    };
    serve_until(serving, running, panics).await.map(exit)
}

/// Makes the configured sales; answers what goes on with it, if the store does not answer yet, what
/// archives sales, and what drops the views of archived ones.
async fn look_after_sales(
    engine: &Engine,
    config: &Config,
) -> Result<Vec<JoinHandle<()>>, StartFailure> {
    let mut tasks = vec![tokio::spawn(archiving::keep_views_few(engine.clone()))];
    if !make_sales(engine, &config.sales).await? {
        // Whoever asks meanwhile is answered from what this node knows already.
        tasks.push(tokio::spawn(keep_making_sales(engine.clone(), config.sales.clone())));
    }
    if let Some(after) = config.data.archive_after() {
        tasks.push(tokio::spawn(archiving::keep_archiving(engine.clone(), after)));
    }
    Ok(tasks)
}

/// Tells of damage in the copy of a snapshot that a pruned journal begins with, while there are others. It is read
/// beside the serving.
fn check_copy(disk: Arc<dyn Disk>) {
    let check = move || match recovery::is_copy_whole(&*disk) {
        Ok(true) => {}
        Ok(false) => tracing::error!(
            "the copy of a snapshot that the pruned journal begins with (kept-*.snap) is damaged; nothing is lost \
             that is served, but an audit may have a gap. Stop the server and prune again"
        ),
        Err(error) => {
            tracing::warn!(%error, "the copy that the journal begins with cannot be read");
        }
    };
    let started = thread::Builder::new().name("rushgate-copy".to_owned()).spawn(check);
    if let Err(error) = started {
        tracing::warn!(%error, "the copy that the journal begins with is not checked");
    }
}

/// What tells shoppers by tokens, and the shop that makes them if it is this program's own.
type AccountsAndShop = (Option<Arc<Accounts>>, Option<Guest>, Option<shop::Links>);

/// Opens what tells shoppers by tokens, and prepares the shop in place of a guest from elsewhere.
fn open_accounts_and_shop(
    config: &Config,
    guest: Option<Guest>,
    opened: &OpenedKeys,
) -> Result<AccountsAndShop, StartFailure> {
    if !config.shop.enabled {
        return Ok((open_accounts(config)?, guest, None));
    }
    if guest.is_some() {
        return Err("shop.enabled: found true, and another service is mounted; allowed: one".into());
    }
    let (keys, known) = watch::channel(None);
    let accounts = Arc::new(Accounts::open(shop::account_options(config, known))?);
    tokio::spawn(Arc::clone(&accounts).keep_up());
    let OwnShop { guest, links } = shop::prepare(config, opened, keys, Arc::clone(&accounts))?;
    Ok((Some(accounts), Some(guest), Some(links)))
}

/// What tells shoppers by the tokens of a shop elsewhere, if that is configured, kept up from now on.
fn open_accounts(config: &Config) -> Result<Option<Arc<Accounts>>, StartFailure> {
    let Some(options) = config.jwt.options() else { return Ok(None) };
    if let Some(cookie) = options.cookie.as_deref().filter(|name| !name.starts_with("__Host-")) {
        tracing::warn!(
            %cookie,
            "jwt.cookie names a cookie that other hosts of the domain can set; name one that begins with __Host-"
        );
    }
    let accounts = Arc::new(Accounts::open(options)?);
    tokio::spawn(Arc::clone(&accounts).keep_up());
    Ok(Some(accounts))
}

/// Opens a guest's service, and its sink.
async fn mount(
    guest: Option<Guest>,
    engine: &Engine,
) -> Result<(Option<Mount>, Option<Arc<dyn Sink>>), StartFailure> {
    let Some(guest) = guest else { return Ok((None, None)) };
    let (mount, sink) = Mount::of(guest, engine.clone()).await?;
    Ok((Some(mount), sink))
}

/// Finishes what was accepted: requests, then order events, which a guest may take, then the guest's own
/// work.
async fn stop_in_order(
    listening: Listening,
    mount: Option<&Mount>,
    orders: Orders,
    grace: Duration,
) -> Result<(), StartFailure> {
    if let Some(mount) = mount {
        mount.drain();
    }
    listening.close(grace).await;
    tokio::task::spawn_blocking(move || orders.stop()).await?;
    if let Some(mount) = mount {
        mount.stop(grace).await;
    }
    Ok(())
}

/// Says how it ended.
fn exit(ended: Result<(), Failed>) -> ExitCode {
    match ended {
        Ok(()) => {
            tracing::info!("stopped");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            complain(&failure.to_string());
            ExitCode::from(failure.exit_code())
        }
    }
}

/// What is said once it listens; the shop is told where.
fn greeting(config: &Config, listening: &Listening, links: Option<&shop::Links>) -> Greeting {
    let is_tls = config.server.tls().is_some();
    if let Some(links) = links {
        links.listens(listening.public.local_addr(), is_tls);
    }
    if config.pages.demo_payment {
        tracing::warn!(
            "pages.demo_payment is on: shoppers pay by pressing a button; turn it off before \
             anything real is sold"
        );
    }
    let key_file = config.keys.operator.is_none().then(|| config.data.dir.0.join(KEY_FILE_NAME));
    Greeting {
        public: listening.public.local_addr(),
        operations: listening.operations.local_addr(),
        tls: is_tls,
        key_file,
        has_shop: links.is_some(),
        doubles: links.and_then(shop::Links::doubles),
        demo_file: config.data.dir.0.join(shop::DEMO_FILE),
    }
}

/// The bodies that are made once.
fn fixed(keyring: &Keyring, has_shop: bool) -> Fixed {
    let document = if has_shop { openapi::with_shop() } else { openapi::DOCUMENT.to_owned() };
    Fixed {
        reference: Packed::new(Bytes::from(reference::render(&document))),
        openapi: Packed::new(Bytes::from(document)),
        jwks: Bytes::from(keyring.jwks_json()),
    }
}

/// Why a server that had started could not go on.
enum Failed {
    /// The scribe stopped for good.
    Journal(Fatal),
    /// Something panicked that nothing looks after; in words.
    Panic(String),
    /// A second Ctrl+C came before the stop was over.
    Interrupted,
}

impl Failed {
    const fn exit_code(&self) -> u8 {
        match self {
            Self::Journal(_) | Self::Panic(_) => EXIT_FAILED,
            Self::Interrupted => EXIT_INTERRUPTED,
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(fatal) => write!(f, "journal failed, stopping: {}", fatal.reason),
            Self::Panic(words) => write!(f, "stopping after a panic: {words}"),
            Self::Interrupted => f.write_str(
                "stopped at once; requests under way were not answered, and nothing acknowledged is lost",
            ),
        }
    }
}

/// Serves to the end, and on until the scribe has ended; at once with an error if the scribe stops
/// for good or anything panics that is not contained, whether we still serve or drain already.
async fn serve_until(
    serving: impl Future<Output = Result<Result<(), Failed>, StartFailure>>,
    running: Running,
    mut panics: Panics,
) -> Result<Result<(), Failed>, StartFailure> {
    let (told, mut ended) = oneshot::channel();
    thread::spawn(move || {
        // The receiver is gone only when the program is ending already.
        drop(told.send(running.join()));
    });
    tokio::select! {
        biased;
        // Of a scribe that panicked, this says more than its end does.
        words = panics.first() => return Ok(Err(Failed::Panic(words))),
        Ok(outcome) = &mut ended => return Ok(outcome.map_err(Failed::Journal)),
        served = serving => {
            if let Err(failed) = served? {
                return Ok(Err(failed));
            }
        }
    }
    // A task that was cut may hold a handle a moment longer, and nothing is owed to it.
    match tokio::time::timeout(SCRIBE_END_TIMEOUT, ended).await {
        Ok(Ok(outcome)) => Ok(outcome.map_err(Failed::Journal)),
        Ok(Err(_)) | Err(_) => Ok(Ok(())),
    }
}

/// How many nodes decide together, if they do.
fn shared_options(config: &Config) -> Option<Box<dyn Join>> {
    let ArbiterKind::Redis = config.arbiter.kind else { return None };
    let redis = &config.redis;
    if redis.rebuild_store {
        tracing::warn!(
            "sales that Redis has lost will be rebuilt from what the nodes here know, even if none was \
             in touch with Redis until then; start without --rebuild-store the next time"
        );
    }
    Some(Box::new(SharedOptions {
        node: config.server.node.as_ref()?.0.clone(),
        store: redis.store(),
        muster_wait_ms: u64::try_from(redis.muster_wait_ms.get().as_millis()).unwrap_or(u64::MAX),
        rebuild_store: redis.rebuild_store,
    }))
}

/// Makes the configured sales that are not there yet; those that are keep what operators made of
/// them. Answers whether who decides could be asked.
async fn make_sales(engine: &Engine, sales: &[SaleSpec]) -> Result<bool, StartFailure> {
    for spec in sales {
        // Asking the scribe would fail on a full disk, and reads must come back even then.
        if let Some(running) = engine.live_sale(spec.name.as_str()) {
            warn_of_differences(spec, &running);
            continue;
        }
        if engine.is_archived(spec.name.as_str()) {
            continue;
        }
        let name = spec.name.clone();
        let author = Author { name: "config".to_owned() };
        match engine.create(author, spec.clone(), None).await {
            Ok(_) => tracing::info!(sale = %name, "sale created"),
            Err(Failure::Refused(ChangeRefusal::NameTaken)) => {
                if let Some(running) = engine.live_sale(name.as_str()) {
                    warn_of_differences(spec, &running);
                }
            }
            Err(Failure::Unavailable) => return Ok(false),
            Err(failure) => return Err(format!("cannot create sale {name}: {failure:?}").into()),
        }
    }
    Ok(true)
}

/// Waits for a moment until this node can make decisions: the other nodes have to hear first that it serves.
/// A balancer that does not ask whether a node is ready would send it shoppers in vain.
async fn until_deciding(engine: &Engine) {
    let is_deciding = async {
        while !engine.registry().arbiter_troubles().is_empty() {
            tokio::time::sleep(DECIDING_PAUSE).await;
        }
    };
    // Polls are answered also when the store is away.
    drop(tokio::time::timeout(DECIDING_WAIT, is_deciding).await);
}

/// Says what the file has otherwise than the running sale, which goes by what operators made of it.
fn warn_of_differences(spec: &SaleSpec, running: &SaleView) {
    for Difference { key, file, running: found } in differences(spec, &running.settings().spec) {
        tracing::warn!(
            sale = %spec.name, %key, %file, running = %found,
            "the config file differs from the running sale, which stays as it is; PATCH the sale to change it"
        );
    }
}

/// Makes the configured sales once the store answers.
async fn keep_making_sales(engine: Engine, sales: Vec<SaleSpec>) {
    loop {
        tokio::time::sleep(STORE_PAUSE).await;
        match make_sales(&engine, &sales).await {
            Ok(false) => {}
            Ok(true) => return,
            Err(error) => {
                return tracing::error!(%error, "cannot create a sale from the config file");
            }
        }
    }
}
