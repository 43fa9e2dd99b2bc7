//! The options everything is built from: plain values, valid by construction.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use engine::id::NodeName;
use engine::spec::SaleSpec;
use web::caller::{Callers, Origin};
use web::limiter::LimiterOptions;

use crate::access::AccessOptions;
use crate::accounts::AccountOptions;
use crate::keys::KeyOptions;
use crate::logging::LogFormat;
use crate::pipeline::EventFilter;

/// Ten minutes, the longest any timeout may be.
pub(super) const TIMEOUT_MS_MAX: u64 = 600_000;

/// All options of one process.
#[derive(Clone, Debug)]
pub struct Config {
    /// The two listeners.
    pub server: ServerOptions,
    /// What one caller may do.
    pub limits: LimitsOptions,
    /// Where the journal lives.
    pub data: DataOptions,
    /// Who decides order and stock.
    pub arbiter: ArbiterOptions,
    /// The store that many nodes share.
    pub redis: RedisOptions,
    /// Bearer keys and token secrets.
    pub keys: KeyOptions,
    /// The shop's own tokens, if it has any.
    pub accounts: Option<AccountOptions>,
    /// Where order events go.
    pub pipeline: PipelineOptions,
    /// The built-in pages.
    pub pages: PagesOptions,
    /// What is logged.
    pub log: LogOptions,
    /// The sales to make at start, unless they exist.
    pub sales: Vec<SaleSpec>,
}

/// The two listeners and their bounds.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where shoppers come.
    pub listen: SocketAddr,
    /// Where operations come; never public.
    pub ops_listen: SocketAddr,
    /// This node's name, which no other node has; needed where many decide together.
    pub node: Option<NodeName>,
    /// Listed proxies, and where browsers find the site.
    pub callers: Callers,
    /// Pages of other origins that may call the API.
    pub cors_origins: Vec<Origin>,
    /// Whether the room page's cookies are `Secure` even when a request looks like plain HTTP.
    pub cookie_secure: bool,
    /// TLS on the public listener, if any.
    pub tls: Option<TlsOptions>,
    /// Connections open at once.
    pub connections_max: usize,
    /// How long the head of a request may take.
    pub header_timeout_ms: u64,
    /// How long a whole request may take.
    pub request_timeout_ms: u64,
    /// How long a connection may be idle.
    pub keep_alive_ms: u64,
    /// How long a stop waits for work under way.
    pub drain_timeout_ms: u64,
    /// Event streams open at once.
    pub streams_max: usize,
    /// Worker threads; `None`: one per processor.
    pub worker_threads: Option<usize>,
}

/// What one caller may do.
#[derive(Clone, Debug)]
pub struct LimitsOptions {
    /// How often one address may enter, and the networks that no limit of an address is for.
    pub entries: LimiterOptions,
    /// Event streams of one ticket; one more ends the oldest.
    pub streams_per_ticket: usize,
    /// Connections one address may have open; 0: no cap.
    pub connections_per_peer: usize,
    /// Connections one address may open each second; 0: no limit.
    pub connects_per_second: u32,
}

/// Certificate and key, PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// The certificate chain.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Where the journal lives.
#[derive(Clone, Debug)]
pub struct DataOptions {
    /// The data directory, made if it is not there.
    pub dir: PathBuf,
}

/// Who decides order and stock.
#[derive(Clone, Copy, Debug)]
pub struct ArbiterOptions {
    /// The one that decides.
    pub kind: ArbiterKind,
}

/// The deciders of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArbiterKind {
    /// This process alone.
    Local,
    /// Redis, for many nodes.
    Redis,
}

/// Where Redis is.
#[derive(Clone)]
pub struct RedisOptions {
    /// `redis://`, `rediss://`, sentinel and cluster forms; may carry a password.
    pub url: String,
    /// What every key begins with.
    pub prefix: String,
    /// Connections kept open.
    pub connections: usize,
    /// How long a call may take.
    pub deadline_ms: u64,
    /// Replicas that must have a decision before it is answered; 0 waits for none.
    pub wait_replicas: u32,
    /// How long they are waited for.
    pub wait_timeout_ms: u64,
    /// How long nodes that do not answer are waited for when the store lost facts.
    pub muster_wait_ms: u64,
    /// Whether sales that the store lost are written from what the nodes know, although none was in touch.
    pub rebuild_store: bool,
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Where order events go.
#[derive(Clone, Debug)]
pub struct PipelineOptions {
    /// The sink.
    pub sink: Sink,
}

/// The sinks of this version.
#[derive(Clone, Debug)]
pub enum Sink {
    /// Into the log.
    Log,
    /// To an HTTP endpoint, signed.
    Webhook(WebhookOptions),
    /// Onto a Redis Stream.
    RedisStream(RedisStreamOptions),
}

/// An HTTP endpoint that takes order events.
#[derive(Clone)]
pub struct WebhookOptions {
    /// `http://` or `https://`.
    pub url: String,
    /// Signs each delivery, HMAC-SHA256.
    pub secret: String,
    /// Signs beside it while the receiver changes from one to the other.
    pub previous_secret: Option<String>,
    /// The states whose events are posted.
    pub events: EventFilter,
    /// Tries before an event waits for an operator.
    pub attempts_max: u32,
    /// How long one try may take.
    pub timeout_ms: u64,
}

impl fmt::Debug for WebhookOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookOptions").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A Redis Stream that takes order events.
#[derive(Clone)]
pub struct RedisStreamOptions {
    /// `redis://`, `rediss://` or `redis+unix://`; may carry a password.
    pub url: String,
    /// The stream's key.
    pub stream: String,
    /// Consumer groups to make.
    pub groups: Vec<String>,
    /// The most entries in the stream.
    pub stream_max: u64,
    /// How long one try may take.
    pub timeout_ms: u64,
}

impl fmt::Debug for RedisStreamOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStreamOptions").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// The built-in pages.
#[derive(Clone, Copy, Debug)]
pub struct PagesOptions {
    /// Whether the room page plays the payment provider: whoever presses "pay" has paid.
    pub demo_payment: bool,
}

/// What is logged.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// A `tracing` filter, as `info` or `info,api=debug`.
    pub filter: String,
    /// How a line looks.
    pub format: LogFormat,
    /// Which requests are worth an event.
    pub access: AccessOptions,
}
