//! The section of the order pipeline: which sink, and the keys of each.
//!
//! The keys of all sinks are read whichever is chosen: a wrong one is told before it is needed.

use super::options::{PipelineOptions, RedisStreamOptions, Sink, TIMEOUT_MS_MAX, WebhookOptions};
use crate::pipeline::{EventFilter, RedisStream, Secret};
use crate::wire::{Fields, Node};

const WEBHOOK_URL: &str = "an http:// or https:// URL";
const WEBHOOK_SECRET: &str = "16 to 1024 bytes, or whsec_ and the base64 of at least 16 bytes";
const WEBHOOK_EVENTS: &str =
    "a list of held, paying, confirmed, released, expired and refunded, with at least one";

/// Consumer groups that are made.
const GROUPS_MAX: usize = 16;
const GROUPS: &str = "a name or a list of up to 16, each 1 to 64 letters, digits, . _ : or -";
const STREAM: &str = "1 to 256 letters, digits, . _ : - { or }";

#[derive(Clone, Copy)]
enum Kind {
    Log,
    Webhook,
    RedisStream,
}

/// Reads the section.
pub(super) fn read(mut fields: Fields<'_, '_>) -> Option<PipelineOptions> {
    let kinds =
        [("log", Kind::Log), ("webhook", Kind::Webhook), ("redis_stream", Kind::RedisStream)];
    let kind = fields.word("sink", &kinds).unwrap_or(Kind::Log);
    let webhook = Webhook::read(&mut fields);
    let redis = Redis::read(&mut fields);
    let sink = match kind {
        Kind::Log => Some(Sink::Log),
        Kind::Webhook => webhook.complete(&mut fields),
        Kind::RedisStream => redis.complete(&mut fields),
    };
    fields.finish();
    sink.map(|sink| PipelineOptions { sink })
}

/// What was said of a webhook.
struct Webhook {
    url: Option<String>,
    secret: Option<String>,
    previous_secret: Option<String>,
    events: EventFilter,
    attempts_max: u32,
    timeout_ms: u64,
}

impl Webhook {
    fn read(fields: &mut Fields<'_, '_>) -> Self {
        let url = fields.text("webhook_url", WEBHOOK_URL, |text| {
            let fits = text.starts_with("http://") || text.starts_with("https://");
            fits.then(|| text.to_owned())
        });
        let mut secret = |name| {
            fields.secret(name, WEBHOOK_SECRET, |text| {
                let fits = text.len() <= 1_024 && Secret::parse(text).is_some();
                fits.then(|| text.to_owned())
            })
        };
        let (secret, previous_secret) =
            (secret("webhook_secret"), secret("webhook_previous_secret"));
        let events = read_events(fields);
        let attempts_max = fields.integer("webhook_attempts_max", 1..=1_000_u32).unwrap_or(20);
        let timeout_ms = fields.integer("webhook_timeout_ms", 100..=TIMEOUT_MS_MAX);
        let timeout_ms = timeout_ms.unwrap_or(5_000);
        Self { url, secret, previous_secret, events, attempts_max, timeout_ms }
    }

    fn complete(self, fields: &mut Fields<'_, '_>) -> Option<Sink> {
        let Self { url, secret, previous_secret, events, attempts_max, timeout_ms } = self;
        let url = fields.required("webhook_url", WEBHOOK_URL, url);
        let secret = fields.required("webhook_secret", WEBHOOK_SECRET, secret);
        let (url, secret) = url.zip(secret)?;
        let options =
            WebhookOptions { url, secret, previous_secret, events, attempts_max, timeout_ms };
        Some(Sink::Webhook(options))
    }
}

/// The states whose events the receiver wants; all of them unless it says otherwise.
fn read_events(fields: &mut Fields<'_, '_>) -> EventFilter {
    const KEY: &str = "webhook_events";
    let Some(names) = fields.texts(KEY, WEBHOOK_EVENTS) else { return EventFilter::ALL };
    if names.is_empty() {
        fields.note(KEY, "an empty list", WEBHOOK_EVENTS);
    }
    let mut wanted = EventFilter::default();
    for name in names {
        if !wanted.add(&name) {
            fields.note(KEY, Node::Text(name).shown(), WEBHOOK_EVENTS);
        }
    }
    wanted
}

/// What was said of a Redis Stream.
struct Redis {
    url: Option<String>,
    stream: String,
    groups: Vec<String>,
    stream_max: u64,
    timeout_ms: u64,
}

impl Redis {
    fn read(fields: &mut Fields<'_, '_>) -> Self {
        let url = fields.secret("redis_url", RedisStream::URL_ALLOWED, |text| {
            RedisStream::is_url(text).then(|| text.to_owned())
        });
        let stream = fields.text("redis_stream", STREAM, |text| {
            is_name(text, 256, b"._:-{}").then(|| text.to_owned())
        });
        let groups = fields.texts("redis_groups", GROUPS).unwrap_or_default();
        for group in groups.iter().filter(|group| !is_name(group, 64, b"._:-")) {
            fields.note("redis_groups", Node::Text(group.clone()).shown(), GROUPS);
        }
        if groups.len() > GROUPS_MAX {
            fields.note("redis_groups", format!("{} names", groups.len()), GROUPS);
        }
        let stream_max = fields.integer("redis_stream_max", 100..=1_000_000_000_u64);
        let timeout_ms = fields.integer("redis_timeout_ms", 100..=TIMEOUT_MS_MAX);
        Self {
            url,
            stream: stream.unwrap_or_else(|| "rushgate:orders".to_owned()),
            groups,
            stream_max: stream_max.unwrap_or(1_000_000),
            timeout_ms: timeout_ms.unwrap_or(5_000),
        }
    }

    fn complete(self, fields: &mut Fields<'_, '_>) -> Option<Sink> {
        let Self { url, stream, groups, stream_max, timeout_ms } = self;
        let url = fields.required("redis_url", RedisStream::URL_ALLOWED, url)?;
        let options = RedisStreamOptions { url, stream, groups, stream_max, timeout_ms };
        Some(Sink::RedisStream(options))
    }
}

fn is_name(text: &str, bytes_max: usize, marks: &[u8]) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || marks.contains(&byte);
    (1..=bytes_max).contains(&text.len()) && text.bytes().all(allowed)
}
