//! The section of the order pipeline: which sinks, and the keys of each.
//!
//! The keys of all sinks are read whichever are chosen: a wrong one is told before it is needed.

use std::fmt;

use engine::id::SinkName;
use outbound::Trust;

use super::kinds::{FromText, MASKED, Secret, Span, Text, Whole, text, without_password};
use super::section::section;
use crate::pipeline::{self, EventFilter, RedisStream, RedisStreamOptions, WebhookOptions};
use crate::wire::Problems;

/// Consumer groups that are made.
const GROUPS_MAX: usize = 16;

section! {
    /// Where order events go.
    Pipeline = "pipeline" {
        /// the sinks: `log`, `webhook`, `redis_stream`, or several.
        /// See [several sinks](order-pipeline.md#several-sinks)
        sink: Vec<Text<SinkKind>> = vec![Text(SinkKind::Log)],
        /// the receiver; needed for `webhook`
        webhook_url ("\"https://shop.example/rushgate\""): Option<Text<WebhookUrl>> = None,
        /// signs each delivery; needed for `webhook`
        webhook_secret ("\"whsec_…\""): Option<Secret<WebhookSecret>> = None,
        /// signs beside it while the receiver changes secrets.
        /// See [the webhook](order-pipeline.md#webhook)
        webhook_previous_secret ("\"whsec_…\""): Option<Secret<WebhookSecret>> = None,
        /// the states whose events are posted
        webhook_events ("[\"confirmed\", \"refunded\"]", "all"): Option<Vec<Text<EventFilter>>> = None,
        /// refusals (4xx) after which an event is a dead letter
        webhook_attempts_max: Whole<1, 1_000> = Whole::of(20),
        /// how long one try may take
        webhook_timeout_ms: Span<100, 600_000> = Span::of_ms(5_000),
        /// the server; needed for `redis_stream`
        redis_url ("\"rediss://rushgate:…@redis.example:6379\""): Option<Secret<StreamUrl>> = None,
        /// the key of the stream
        redis_stream: Text<StreamKey> = Text(StreamKey("rushgate:orders".to_owned())),
        /// consumer groups, made if missing
        redis_groups ("[\"workers\"]"): Option<Vec<Text<Group>>> = None,
        /// entries of the stream; what a group has not acknowledged is never trimmed
        redis_stream_max: Whole<100, 1_000_000_000> = Whole::of(1_000_000),
        /// how long one try may take
        redis_timeout_ms: Span<100, 600_000> = Span::of_ms(5_000),
    }
}

/// A sink with its options.
#[derive(Clone, Debug)]
pub enum Sink {
    /// Lines in files of the data directory.
    Log,
    /// An HTTP endpoint, signed.
    Webhook {
        /// Where events are posted, and how.
        options: WebhookOptions,
        /// Refusals before an event waits for an operator.
        attempts_max: u32,
    },
    /// A Redis Stream.
    RedisStream(RedisStreamOptions),
}

impl Sink {
    /// Its name, in the configuration and in the journal.
    pub fn name(&self) -> SinkName {
        let kind = match self {
            Self::Log => SinkKind::Log,
            Self::Webhook { .. } => SinkKind::Webhook,
            Self::RedisStream(_) => SinkKind::RedisStream,
        };
        SinkName::parse(kind.name()).expect("a good name")
    }
}

impl Pipeline {
    /// The sinks that were chosen, in their order.
    pub fn sinks(&self) -> Vec<Sink> {
        let sink = |kind: &Text<SinkKind>| match kind.0 {
            SinkKind::Log => Some(Sink::Log),
            SinkKind::Webhook => self.webhook(),
            SinkKind::RedisStream => self.stream(),
        };
        // What one of them cannot do without was asked for before.
        self.sink.iter().filter_map(sink).collect()
    }

    fn webhook(&self) -> Option<Sink> {
        let secret = |secret: &Secret<WebhookSecret>| secret.0.0.clone();
        let (url, first) = (&self.webhook_url.as_ref()?.0.0, self.webhook_secret.as_ref()?);
        let mut options = WebhookOptions::new(url.clone(), secret(first));
        options.secrets.extend(self.webhook_previous_secret.as_ref().map(secret));
        options.attempt_timeout = self.webhook_timeout_ms.get();
        if let Some(states) = &self.webhook_events {
            options.events = states.iter().map(|state| state.0).collect();
        }
        Some(Sink::Webhook { options, attempts_max: self.webhook_attempts_max.as_u32() })
    }

    fn stream(&self) -> Option<Sink> {
        Some(Sink::RedisStream(RedisStreamOptions {
            url: self.redis_url.as_ref()?.0.0.clone(),
            stream: self.redis_stream.0.0.clone(),
            groups: self.redis_groups.iter().flatten().map(|group| group.0.0.clone()).collect(),
            stream_max: self.redis_stream_max.get(),
            attempt_timeout: self.redis_timeout_ms.get(),
            trust: Trust::System,
        }))
    }

    /// That there is a sink, where nothing is mounted that could be one.
    pub(super) fn check_alone(&self, problems: &mut Problems) {
        if self.sink.is_empty() {
            problems.note("pipeline.sink", "an empty list", SinkKind::ALLOWED);
        }
    }

    /// What concerns several keys, and lists as a whole.
    pub(super) fn check(&self, problems: &mut Problems) {
        let is_chosen = |kind| self.sink.iter().any(|sink| sink.0 == kind);
        for kind in [SinkKind::Log, SinkKind::Webhook, SinkKind::RedisStream] {
            if self.sink.iter().filter(|sink| sink.0 == kind).count() > 1 {
                problems.note("pipeline.sink", format!("{} twice", kind.name()), SinkKind::ALLOWED);
            }
        }
        let mut needs = |key: &str, allowed: &str, is_given: bool| {
            let field = format!("pipeline.{key}");
            if !is_given && !problems.concern(&field) {
                problems.note(field, "nothing", allowed);
            }
        };
        if is_chosen(SinkKind::Webhook) {
            needs("webhook_url", WebhookUrl::ALLOWED, self.webhook_url.is_some());
            needs("webhook_secret", WebhookSecret::ALLOWED, self.webhook_secret.is_some());
        }
        if is_chosen(SinkKind::RedisStream) {
            needs("redis_url", StreamUrl::ALLOWED, self.redis_url.is_some());
        }
        if self.webhook_events.as_ref().is_some_and(Vec::is_empty) {
            problems.note("pipeline.webhook_events", "an empty list", EventFilter::ALLOWED);
        }
        let groups = self.redis_groups.as_ref().map_or(0, Vec::len);
        if groups > GROUPS_MAX {
            problems.note("pipeline.redis_groups", format!("{groups} names"), Group::ALLOWED);
        }
    }
}

/// The sinks that need no program around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkKind {
    /// Lines in files.
    Log,
    /// An HTTP endpoint.
    Webhook,
    /// A Redis Stream.
    RedisStream,
}

/// Their names, which a mounted service's sink cannot have.
pub const BUILT_IN_SINKS: [&str; 3] =
    [SinkKind::Log.name(), SinkKind::Webhook.name(), SinkKind::RedisStream.name()];

impl SinkKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Webhook => "webhook",
            Self::RedisStream => "redis_stream",
        }
    }
}

impl FromText for SinkKind {
    const ALLOWED: &'static str = "log, webhook, redis_stream or a list of them, each once";

    fn from_text(text: &str) -> Option<Self> {
        [Self::Log, Self::Webhook, Self::RedisStream].into_iter().find(|kind| kind.name() == text)
    }

    fn to_text(&self) -> String {
        self.name().to_owned()
    }
}

text! {
    /// Where events are posted.
    WebhookUrl, "an http:// or https:// URL", |text| outbound::parse(text).is_some()
}

text! {
    /// The key of a stream.
    StreamKey, "1 to 256 letters, digits, . _ : - { or }", |text| is_name(text, 256, b"._:-{}")
}

text! {
    /// A consumer group.
    Group, "a name or a list of up to 16, each 1 to 64 letters, digits, . _ : or -",
    |text| is_name(text, 64, b"._:-")
}

fn is_name(text: &str, bytes_max: usize, marks: &[u8]) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || marks.contains(&byte);
    (1..=bytes_max).contains(&text.len()) && text.bytes().all(allowed)
}

/// What signs deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSecret(pipeline::Secret);

impl FromText for WebhookSecret {
    const ALLOWED: &'static str = "16 to 1024 bytes, or whsec_ and the base64 of at least 16 bytes";

    fn from_text(text: &str) -> Option<Self> {
        let fits = text.len() <= 1_024;
        fits.then(|| pipeline::Secret::parse(text)).flatten().map(Self)
    }

    fn to_text(&self) -> String {
        MASKED.to_owned()
    }
}

/// A URL of Redis, which may carry a password.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamUrl(String);

impl fmt::Debug for StreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamUrl(…)")
    }
}

impl FromText for StreamUrl {
    const ALLOWED: &'static str = RedisStream::URL_ALLOWED;

    fn from_text(text: &str) -> Option<Self> {
        RedisStream::is_url(text).then(|| Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        without_password(&self.0)
    }
}

/// One state; a list of them is a filter.
impl FromText for EventFilter {
    const ALLOWED: &'static str =
        "a list of held, paying, confirmed, released, expired and refunded, with at least one";

    fn from_text(text: &str) -> Option<Self> {
        Self::of(text)
    }

    fn to_text(&self) -> String {
        self.names().join(", ")
    }
}
