//! Who decides, and the store that many nodes share.

use super::options::{ArbiterKind, ArbiterOptions, RedisOptions, TIMEOUT_MS_MAX};
use crate::wire::Fields;

/// What the other sections say that many nodes have to agree on or to differ in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    /// Whether `server.node` was given.
    pub node: bool,
    /// Whether `keys.secret` was given.
    pub secret: bool,
}

/// Reads `[arbiter]`.
pub(super) fn read(mut fields: Fields<'_, '_>) -> ArbiterOptions {
    let kinds = [("local", ArbiterKind::Local), ("redis", ArbiterKind::Redis)];
    let kind = fields.word("kind", &kinds).unwrap_or(ArbiterKind::Local);
    fields.finish();
    ArbiterOptions { kind }
}

/// Reads `[redis]`.
pub(super) fn read_redis(mut fields: Fields<'_, '_>) -> RedisOptions {
    let url = fields.secret("url", "a redis:// or rediss:// URL", |text| {
        let fits = text.starts_with("redis") && text.contains("://") && text.len() <= 2_048;
        fits.then(|| text.to_owned())
    });
    let prefix = fields.text("prefix", "1 to 64 letters, digits, . _ : or -", |text| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| text.to_owned())
    });
    let connections = fields.integer("connections", 1..=64_u32);
    let deadline_ms = fields.integer("deadline_ms", 10..=TIMEOUT_MS_MAX);
    let wait_replicas = fields.integer("wait_replicas", 0..=16_u32);
    let wait_timeout_ms = fields.integer("wait_timeout_ms", 1..=TIMEOUT_MS_MAX);
    let muster_wait_ms = fields.integer("muster_wait_ms", 1_000..=TIMEOUT_MS_MAX);
    let rebuild_store = fields.bool("rebuild_store");
    fields.finish();
    RedisOptions {
        url: url.unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned()),
        prefix: prefix.unwrap_or_else(|| "rushgate".to_owned()),
        connections: connections.unwrap_or(2) as usize,
        deadline_ms: deadline_ms.unwrap_or(500),
        wait_replicas: wait_replicas.unwrap_or(0),
        wait_timeout_ms: wait_timeout_ms.unwrap_or(100),
        muster_wait_ms: muster_wait_ms.unwrap_or(10_000),
        rebuild_store: rebuild_store.unwrap_or(false),
    }
}

/// What a node of many cannot do without.
pub(super) fn check(arbiter: ArbiterOptions, named: Named, root: &mut Fields<'_, '_>) {
    if arbiter.kind != ArbiterKind::Redis {
        return;
    }
    if !named.node && !root.problems().concern("server.node") {
        let allowed = "a name of its own for each node, since arbiter.kind is redis";
        root.problems().note("server.node".to_owned(), "nothing", allowed);
    }
    if !named.secret && !root.problems().concern("keys.secret") {
        let allowed = "the same secret on all nodes, since arbiter.kind is redis";
        root.problems().note("keys.secret".to_owned(), "nothing", allowed);
    }
}
