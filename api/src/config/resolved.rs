//! The configuration as it was resolved, as TOML, with every secret masked: `rushgate check`.

use serde::Serialize;

use super::arbiter::{Arbiter, Redis};
use super::jwt::Jwt;
use super::keys::Keys;
use super::kinds::without_password;
use super::limits::Limits;
use super::log::Log;
use super::options::{Config, Sink};
use super::server::Server;
use super::small::{Data, Pages};
use crate::wire::SaleTable;

const MASKED: &str = "(set, hidden)";

#[derive(Serialize)]
struct Resolved<'c> {
    server: &'c Server,
    limits: &'c Limits,
    data: &'c Data,
    arbiter: &'c Arbiter,
    redis: &'c Redis,
    keys: &'c Keys,
    jwt: Option<&'c Jwt>,
    pipeline: Pipeline,
    pages: &'c Pages,
    log: &'c Log,
    sale: Vec<SaleTable>,
}

#[derive(Default, Serialize)]
struct Pipeline {
    sink: &'static str,
    webhook_url: Option<String>,
    webhook_secret: Option<&'static str>,
    webhook_previous_secret: Option<&'static str>,
    webhook_events: Option<Vec<&'static str>>,
    webhook_attempts_max: Option<u32>,
    webhook_timeout_ms: Option<u64>,
    redis_url: Option<String>,
    redis_stream: Option<String>,
    redis_groups: Option<Vec<String>>,
    redis_stream_max: Option<u64>,
    redis_timeout_ms: Option<u64>,
}

/// The resolved configuration as TOML.
pub fn resolved_text(config: &Config) -> String {
    let resolved = Resolved {
        server: &config.server,
        limits: &config.limits,
        data: &config.data,
        arbiter: &config.arbiter,
        redis: &config.redis,
        keys: &config.keys,
        jwt: config.jwt.jwks.is_some().then_some(&config.jwt),
        pipeline: pipeline(config),
        pages: &config.pages,
        log: &config.log,
        sale: config.sales.iter().map(SaleTable::from).collect(),
    };
    toml::to_string(&resolved).unwrap_or_else(|error| format!("# cannot be written: {error}\n"))
}

fn pipeline(config: &Config) -> Pipeline {
    match &config.pipeline.sink {
        Sink::Log => Pipeline { sink: "log", ..Pipeline::default() },
        Sink::Webhook(webhook) => Pipeline {
            sink: "webhook",
            webhook_url: Some(without_password(&webhook.url)),
            webhook_secret: Some(MASKED),
            webhook_previous_secret: webhook.previous_secret.as_ref().map(|_| MASKED),
            webhook_events: Some(webhook.events.names()),
            webhook_attempts_max: Some(webhook.attempts_max),
            webhook_timeout_ms: Some(webhook.timeout_ms),
            ..Pipeline::default()
        },
        Sink::RedisStream(redis) => Pipeline {
            sink: "redis_stream",
            redis_url: Some(without_password(&redis.url)),
            redis_stream: Some(redis.stream.clone()),
            redis_groups: Some(redis.groups.clone()),
            redis_stream_max: Some(redis.stream_max),
            redis_timeout_ms: Some(redis.timeout_ms),
            ..Pipeline::default()
        },
    }
}
