//! The sections of a configuration: every key, its default and its range.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use engine::id::NodeName;
use engine::limits::SALES_MAX;
use engine::spec::{IdentityMode, SaleSpec};
use web::caller::{Callers, Origin};
use web::limiter::LimiterOptions;
use web::networks::Network;

use super::arbiter::{self, Named};
use super::options::{
    Config, DataOptions, LimitsOptions, LogOptions, PagesOptions, ServerOptions, TIMEOUT_MS_MAX,
    TlsOptions,
};
use super::{jwt, pipeline};
use crate::access::AccessOptions;
use crate::keys::{KEYS_PER_ROLE_MAX, KeyOptions, KeyValueError, check_value};
use crate::logging::LogFormat;
use crate::token::{SECRET_BYTES_MAX, SECRET_BYTES_MIN};
use crate::wire::{Fields, Node, Problems, read_sale_table};

const ADDRESS_ALLOWED: &str = "an address and port, as 127.0.0.1:8080; port 0 picks a free one";

/// Origins that may be listed: each request is compared with all of them.
const CORS_ORIGINS_MAX: usize = 32;

/// Reads the whole document, noting every problem.
pub(super) fn read(document: &Node, problems: &mut Problems) -> Option<Config> {
    let mut root = Fields::open("", document, problems);
    let server = read_server(root.table("server"));
    let limits = read_limits(root.table("limits"));
    let data = read_data(root.table("data"));
    let arbiter = arbiter::read(root.table("arbiter"));
    let redis = arbiter::read_redis(root.table("redis"));
    let keys = read_keys(root.table("keys"));
    let is_named = server.as_ref().is_some_and(|server| server.node.is_some());
    let named = Named { node: is_named, secret: keys.secret.is_some() };
    arbiter::check(arbiter, named, &mut root);
    let accounts = jwt::read(root.table("jwt"));
    let pipeline = pipeline::read(root.table("pipeline"));
    let pages = read_pages(root.table("pages"));
    let log = read_log(root.table("log"));
    let sales = read_sales(&mut root);
    if accounts.is_none() {
        note_sales_without_tokens(&sales, &mut root);
    }
    root.finish();
    Some(Config {
        server: server?,
        limits,
        data,
        arbiter,
        redis,
        keys,
        accounts,
        pipeline: pipeline?,
        pages,
        log,
        sales,
    })
}

fn read_server(mut fields: Fields<'_, '_>) -> Option<ServerOptions> {
    let address = |text: &str| text.parse::<SocketAddr>().ok();
    let listen = fields.text("listen", ADDRESS_ALLOWED, address);
    let ops_listen = fields.text("ops_listen", ADDRESS_ALLOWED, address);
    let name_allowed = "1 to 64 letters, digits, . _ or -";
    let node = fields.text("node", name_allowed, NodeName::parse);
    let mut bound =
        |name, default: u32, most: u32| fields.integer(name, 1..=most).unwrap_or(default);
    let connections_max = bound("connections_max", 16_384, 1_000_000);
    let streams_max = bound("streams_max", 12_288, 1_000_000);
    let mut timeout = |name, default| fields.integer(name, 100..=TIMEOUT_MS_MAX).unwrap_or(default);
    let header_timeout_ms = timeout("header_timeout_ms", 5_000);
    let request_timeout_ms = timeout("request_timeout_ms", 10_000);
    let keep_alive_ms = timeout("keep_alive_ms", 75_000);
    let drain_timeout_ms = timeout("drain_timeout_ms", 15_000);
    let worker_threads = fields.integer("worker_threads", 1..=1_024_u16).map(usize::from);
    let trusted_proxies = read_networks(&mut fields, "trusted_proxies");
    let origin_allowed = "a scheme and a host, as https://shop.example";
    let public_origin =
        fields.text("public_origin", origin_allowed, |text| text.parse::<Origin>().ok());
    let cors_origins = read_origins(&mut fields);
    let cookie_secure = fields.bool("cookie_secure").unwrap_or(false);
    let tls = read_tls(&mut fields);
    fields.finish();
    Some(ServerOptions {
        listen: listen.or_else(|| address("127.0.0.1:8080"))?,
        ops_listen: ops_listen.or_else(|| address("127.0.0.1:9090"))?,
        node,
        callers: Callers { trusted_proxies, public_origin },
        cors_origins,
        cookie_secure,
        tls,
        connections_max: usize::try_from(connections_max).ok()?,
        header_timeout_ms,
        request_timeout_ms,
        keep_alive_ms,
        drain_timeout_ms,
        streams_max: usize::try_from(streams_max).ok()?,
        worker_threads,
    })
}

fn read_limits(mut fields: Fields<'_, '_>) -> LimitsOptions {
    let entries_per_second = fields.integer("entries_per_second", 0..=1_000_000_u32);
    let entries_burst = fields.integer("entries_burst", 1..=10_000_000_u32);
    let streams_per_ticket = fields.integer("streams_per_ticket", 1..=64_u16);
    let connections_per_peer = fields.integer("connections_per_peer", 0..=1_000_000_u32);
    let connects_per_second = fields.integer("connects_per_second", 0..=1_000_000_u32);
    let exempt = read_networks(&mut fields, "exempt");
    fields.finish();
    LimitsOptions {
        entries: LimiterOptions {
            // A carrier's whole town may come from one address.
            entries_per_second: entries_per_second.unwrap_or(200),
            entries_burst: entries_burst.unwrap_or(60_000),
            exempt,
        },
        // Two tabs; a third one and the first take turns.
        streams_per_ticket: usize::from(streams_per_ticket.unwrap_or(2)),
        // A quarter of all; a peer at its cap gets its own longest idle ones closed.
        connections_per_peer: usize::try_from(connections_per_peer.unwrap_or(4_096)).unwrap_or(0),
        connects_per_second: connects_per_second.unwrap_or(2_000),
    }
}

/// Exact origins, as browsers write them: none with a path, and none that stands for others.
fn read_origins(fields: &mut Fields<'_, '_>) -> Vec<Origin> {
    const KEY: &str = "cors_origins";
    let allowed = "exact origins as a browser writes them, as https://shop.example";
    let mut origins: Vec<Origin> = Vec::new();
    let texts = fields.texts(KEY, allowed).unwrap_or_default();
    if texts.len() > CORS_ORIGINS_MAX {
        let allowed = format!("at most {CORS_ORIGINS_MAX} origins");
        fields.note(KEY, format!("{} origins", texts.len()), allowed);
    }
    for text in texts {
        match text.parse::<Origin>() {
            Ok(origin) if origin.is_as_browsers_write(&text) => origins.push(origin),
            Ok(_) | Err(_) => fields.note(KEY, Node::Text(text).shown(), allowed),
        }
    }
    origins
}

/// A list of networks, in canonical form.
fn read_networks(fields: &mut Fields<'_, '_>, key: &'static str) -> Vec<Network> {
    let texts = fields.texts(key, "a list of networks, as 10.0.0.0/8");
    let mut networks = Vec::new();
    for text in texts.unwrap_or_default() {
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(_) => fields.note(
                key,
                Node::Text(text).shown(),
                "addresses or networks, as 10.0.0.0/8 or ::1",
            ),
        }
    }
    networks
}

fn read_tls(fields: &mut Fields<'_, '_>) -> Option<TlsOptions> {
    let mut path =
        |name| fields.text(name, "a path", |text| (!text.is_empty()).then(|| PathBuf::from(text)));
    match (path("tls_cert"), path("tls_key")) {
        (Some(cert), Some(key)) => Some(TlsOptions { cert, key }),
        (None, None) => None,
        (Some(_), None) => {
            fields.required::<()>("tls_key", "a path, since tls_cert is set", None);
            None
        }
        (None, Some(_)) => {
            fields.required::<()>("tls_cert", "a path, since tls_key is set", None);
            None
        }
    }
}

fn read_data(mut fields: Fields<'_, '_>) -> DataOptions {
    let dir = fields.text("dir", "a path", |text| (!text.is_empty()).then(|| PathBuf::from(text)));
    fields.finish();
    DataOptions { dir: dir.unwrap_or_else(|| PathBuf::from("data")) }
}

fn read_keys(mut fields: Fields<'_, '_>) -> KeyOptions {
    let secret_allowed = format!("{SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes");
    let mut secret = |name| {
        fields.secret(name, &secret_allowed, |text| {
            let fits = (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&text.len());
            fits.then(|| text.to_owned())
        })
    };
    let (current, previous) = (secret("secret"), secret("previous_secret"));
    let (next_secret, identity_secret) = (secret("next_secret"), secret("identity_secret"));
    let operator = read_role_keys(&mut fields, "operator");
    let backend = read_role_keys(&mut fields, "backend");
    fields.finish();
    KeyOptions {
        operator,
        backend,
        secret: current,
        previous_secret: previous,
        next_secret,
        identity_secret,
    }
}

fn read_role_keys(fields: &mut Fields<'_, '_>, name: &'static str) -> Vec<String> {
    let Some(values) = fields.texts(name, "a key or a list of keys") else { return Vec::new() };
    if values.is_empty() {
        // Taken as absent, a variable left empty by mistake would put a key of the node's own in place.
        fields.note(name, "no key", KeyValueError.to_string());
    }
    for value in &values {
        if let Err(error) = check_value(value) {
            fields.note(name, format!("(hidden, {} bytes)", value.len()), error.to_string());
        }
    }
    if values.len() > KEYS_PER_ROLE_MAX {
        let allowed = format!("at most {KEYS_PER_ROLE_MAX} keys");
        fields.note(name, format!("{} keys", values.len()), allowed);
    }
    values
}

fn read_pages(mut fields: Fields<'_, '_>) -> PagesOptions {
    let demo_payment = fields.bool("demo_payment").unwrap_or(false);
    fields.finish();
    PagesOptions { demo_payment }
}

fn read_log(mut fields: Fields<'_, '_>) -> LogOptions {
    let filter = fields.text("filter", "a tracing filter, as info or info,api=debug", |text| {
        let parsed = text.parse::<tracing_subscriber::filter::Targets>();
        parsed.is_ok().then(|| text.to_owned())
    });
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let format = fields.word("format", &formats).unwrap_or(LogFormat::Text);
    let sample = fields.integer("access_sample", 0..=1_000_000_000_u32);
    let slow_ms = fields.integer("access_slow_ms", 1..=TIMEOUT_MS_MAX);
    let per_second = fields.integer("access_per_second", 0..=1_000_000_u32);
    fields.finish();
    let access = AccessOptions {
        sample: sample.unwrap_or(1_000),
        slow: Duration::from_millis(slow_ms.unwrap_or(1_000)),
        per_second: per_second.unwrap_or(100),
    };
    LogOptions { filter: filter.unwrap_or_else(|| "info".to_owned()), format, access }
}

fn read_sales(root: &mut Fields<'_, '_>) -> Vec<SaleSpec> {
    let tables = root.list("sale").unwrap_or_default();
    if tables.len() > SALES_MAX {
        root.note("sale", format!("{} sales", tables.len()), format!("at most {SALES_MAX} sales"));
    }
    let mut sales: Vec<SaleSpec> = Vec::new();
    let mut names = BTreeSet::new();
    for (path, node) in tables.iter().take(SALES_MAX) {
        match read_sale_table(path, node) {
            Ok(sale) => {
                if !names.insert(sale.name.clone()) {
                    let why = format!("{:?} is given twice", sale.name.as_str());
                    let allowed = "each sale needs an id of its own";
                    root.problems().note_stray(format!("{path}.id"), &why, allowed);
                }
                sales.push(sale);
            }
            Err(problems) => root.problems().extend(problems),
        }
    }
    sales
}

/// Notes sales that tell shoppers by tokens of which nothing is said.
fn note_sales_without_tokens(sales: &[SaleSpec], root: &mut Fields<'_, '_>) {
    for (at, _) in sales.iter().enumerate().filter(|(_, sale)| sale.identity == IdentityMode::Jwt) {
        let allowed = "jwt only with a [jwt] section: jwks, issuer and audience";
        root.problems().note(format!("sale[{at}].identity"), "\"jwt\"", allowed);
    }
}
