//! The options everything is built from: plain values, valid by construction.

use std::fmt;

use engine::spec::SaleSpec;

use super::arbiter::{Arbiter, Redis};
use super::jwt::Jwt;
use super::keys::Keys;
use super::limits::Limits;
use super::log::Log;
use super::server::Server;
use super::small::{Data, Pages};
use crate::pipeline::EventFilter;

/// Ten minutes, the longest any timeout may be.
pub(super) const TIMEOUT_MS_MAX: u64 = 600_000;

/// All options of one process.
#[derive(Clone, Debug)]
pub struct Config {
    /// The two listeners.
    pub server: Server,
    /// What one caller may do.
    pub limits: Limits,
    /// Where the journal lives.
    pub data: Data,
    /// Who decides order and stock.
    pub arbiter: Arbiter,
    /// The store that many nodes share.
    pub redis: Redis,
    /// Bearer keys and token secrets.
    pub keys: Keys,
    /// The shop's own tokens, if it has any.
    pub jwt: Jwt,
    /// Where order events go.
    pub pipeline: PipelineOptions,
    /// The built-in pages.
    pub pages: Pages,
    /// What is logged.
    pub log: Log,
    /// The sales to make at start, unless they exist.
    pub sales: Vec<SaleSpec>,
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
