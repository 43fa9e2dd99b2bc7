//! The configuration as it was resolved, as TOML, with every secret masked: `rushgate check`.

use serde::Serialize;

use super::options::{ArbiterKind, Config, Sink};
use crate::accounts::AccountOptions;
use crate::logging::LogFormat;
use crate::wire::SaleTable;

const MASKED: &str = "(set, hidden)";
const MADE: &str = "(from DIR/keys.json)";

#[derive(Serialize)]
struct Resolved {
    server: Server,
    limits: Limits,
    data: Data,
    arbiter: Arbiter,
    redis: Redis,
    keys: Keys,
    jwt: Option<Jwt>,
    pipeline: Pipeline,
    pages: Pages,
    log: Log,
    sale: Vec<SaleTable>,
}

#[derive(Serialize)]
struct Server {
    listen: String,
    ops_listen: String,
    node: Option<String>,
    trusted_proxies: Vec<String>,
    public_origin: Option<String>,
    cors_origins: Vec<String>,
    cookie_secure: bool,
    tls_cert: Option<String>,
    tls_key: Option<String>,
    connections_max: usize,
    streams_max: usize,
    header_timeout_ms: u64,
    request_timeout_ms: u64,
    keep_alive_ms: u64,
    drain_timeout_ms: u64,
    worker_threads: Option<usize>,
}

#[derive(Serialize)]
struct Limits {
    entries_per_second: u32,
    entries_burst: u32,
    streams_per_ticket: usize,
    connections_per_peer: usize,
    connects_per_second: u32,
    exempt: Vec<String>,
}

#[derive(Serialize)]
struct Data {
    dir: String,
}

#[derive(Serialize)]
struct Arbiter {
    kind: &'static str,
}

#[derive(Serialize)]
struct Redis {
    url: String,
    prefix: String,
    connections: usize,
    deadline_ms: u64,
    wait_replicas: u32,
    wait_timeout_ms: u64,
    muster_wait_ms: u64,
    rebuild_store: bool,
}

#[derive(Serialize)]
struct Keys {
    operator: Vec<&'static str>,
    backend: Vec<&'static str>,
    secret: &'static str,
    previous_secret: Option<&'static str>,
    next_secret: Option<&'static str>,
    identity_secret: Option<&'static str>,
}

#[derive(Serialize)]
struct Jwt {
    jwks: String,
    issuer: String,
    audience: Vec<String>,
    algorithms: Vec<&'static str>,
    fresh_seconds: u64,
    stale_seconds: u64,
    timeout_ms: u128,
    life_max_seconds: u64,
    revoked_file: Option<String>,
    cookie: Option<String>,
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

#[derive(Serialize)]
struct Pages {
    demo_payment: bool,
}

#[derive(Serialize)]
struct Log {
    filter: String,
    format: &'static str,
    access_sample: u32,
    access_slow_ms: u128,
    access_per_second: u32,
}

/// The resolved configuration as TOML.
pub fn resolved_text(config: &Config) -> String {
    let resolved = Resolved {
        server: server(config),
        limits: limits(config),
        data: Data { dir: config.data.dir.display().to_string() },
        arbiter: Arbiter {
            kind: match config.arbiter.kind {
                ArbiterKind::Local => "local",
                ArbiterKind::Redis => "redis",
            },
        },
        redis: Redis {
            url: without_password(&config.redis.url),
            prefix: config.redis.prefix.clone(),
            connections: config.redis.connections,
            deadline_ms: config.redis.deadline_ms,
            wait_replicas: config.redis.wait_replicas,
            wait_timeout_ms: config.redis.wait_timeout_ms,
            muster_wait_ms: config.redis.muster_wait_ms,
            rebuild_store: config.redis.rebuild_store,
        },
        keys: keys(config),
        jwt: config.accounts.as_ref().map(jwt),
        pipeline: pipeline(config),
        pages: Pages { demo_payment: config.pages.demo_payment },
        log: Log {
            filter: config.log.filter.clone(),
            format: match config.log.format {
                LogFormat::Text => "text",
                LogFormat::Json => "json",
            },
            access_sample: config.log.access.sample,
            access_slow_ms: config.log.access.slow.as_millis(),
            access_per_second: config.log.access.per_second,
        },
        sale: config.sales.iter().map(SaleTable::from).collect(),
    };
    toml::to_string(&resolved).unwrap_or_else(|error| format!("# cannot be written: {error}\n"))
}

fn server(config: &Config) -> Server {
    let server = &config.server;
    let path = |path: &std::path::Path| path.display().to_string();
    Server {
        listen: server.listen.to_string(),
        ops_listen: server.ops_listen.to_string(),
        node: server.node.as_ref().map(ToString::to_string),
        trusted_proxies: server.callers.trusted_proxies.iter().map(ToString::to_string).collect(),
        public_origin: server.callers.public_origin.as_ref().map(ToString::to_string),
        cors_origins: server.cors_origins.iter().map(ToString::to_string).collect(),
        cookie_secure: server.cookie_secure,
        tls_cert: server.tls.as_ref().map(|tls| path(&tls.cert)),
        tls_key: server.tls.as_ref().map(|tls| path(&tls.key)),
        connections_max: server.connections_max,
        streams_max: server.streams_max,
        header_timeout_ms: server.header_timeout_ms,
        request_timeout_ms: server.request_timeout_ms,
        keep_alive_ms: server.keep_alive_ms,
        drain_timeout_ms: server.drain_timeout_ms,
        worker_threads: server.worker_threads,
    }
}

fn limits(config: &Config) -> Limits {
    let limits = &config.limits;
    Limits {
        entries_per_second: limits.entries.entries_per_second,
        entries_burst: limits.entries.entries_burst,
        streams_per_ticket: limits.streams_per_ticket,
        connections_per_peer: limits.connections_per_peer,
        connects_per_second: limits.connects_per_second,
        exempt: limits.entries.exempt.iter().map(ToString::to_string).collect(),
    }
}

fn keys(config: &Config) -> Keys {
    let keys = &config.keys;
    let role = |values: &[String]| {
        if values.is_empty() { vec![MADE] } else { vec![MASKED; values.len()] }
    };
    Keys {
        operator: role(&keys.operator),
        backend: role(&keys.backend),
        secret: if keys.secret.is_some() { MASKED } else { MADE },
        previous_secret: keys.previous_secret.as_ref().map(|_| MASKED),
        next_secret: keys.next_secret.as_ref().map(|_| MASKED),
        identity_secret: keys.identity_secret.as_ref().map(|_| MASKED),
    }
}

fn jwt(accounts: &AccountOptions) -> Jwt {
    Jwt {
        jwks: accounts.jwks.clone(),
        issuer: accounts.issuer.clone(),
        audience: accounts.audience.clone(),
        algorithms: accounts.algorithms.iter().map(|algorithm| algorithm.name()).collect(),
        fresh_seconds: accounts.fresh_max.as_secs(),
        stale_seconds: accounts.stale_max.as_secs(),
        timeout_ms: accounts.deadline.as_millis(),
        life_max_seconds: accounts.life_max.as_secs(),
        revoked_file: accounts.revoked.as_ref().map(|path| path.display().to_string()),
        cookie: accounts.cookie.clone(),
    }
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

/// A URL with whatever stands before its `@` masked, and the password for sentinels.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let shown = match rest.rsplit_once('@') {
        Some((_, place)) => format!("{scheme}://…@{place}"),
        None => url.to_owned(),
    };
    match shown.split_once("sentinelPassword=") {
        Some((before, after)) => {
            let behind = after.find('&').map_or("", |at| &after[at..]);
            format!("{before}sentinelPassword=…{behind}")
        }
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_of_a_url_is_shown() {
        let url = "redis-sentinel://me:one@a:1?sentinelServiceName=s&sentinelPassword=two&node=b:2";
        let shown = "redis-sentinel://…@a:1?sentinelServiceName=s&sentinelPassword=…&node=b:2";
        assert_eq!(without_password(url), shown);
        assert_eq!(without_password("redis://a:1"), "redis://a:1");
    }
}
