//! Where a stream is: the URL it may have, and how a connection there is made.

use std::{fmt, time::Duration};

use fred::types::config::{Config, ConnectionConfig, TcpConfig, TlsConnector};
use outbound::{Trust, client_config};

/// What a URL may be.
pub(super) const URL_ALLOWED: &str = "redis://[user:password@]host[:port][/database], the same with \
     rediss:// for TLS, or redis+unix:///path";

/// Bytes of a URL, password included.
const URL_BYTES_MAX: usize = 2_048;

/// Why a stream cannot be used as configured.
#[derive(Debug)]
pub enum RedisStreamError {
    /// The URL is not one of a server we can speak to.
    Url,
    /// No key, no entry at once, or no time.
    Bounds,
    /// The certificates to trust cannot be read; says why.
    Trust(String),
}

impl fmt::Display for RedisStreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => write!(f, "a stream's URL is {URL_ALLOWED}"),
            Self::Bounds => f.write_str("a stream's key, bound and timeout are more than nothing"),
            Self::Trust(why) => write!(f, "cannot read the certificates to trust: {why}"),
        }
    }
}

impl std::error::Error for RedisStreamError {}

/// Reads a URL. Certificates are only read when they will be looked at.
pub(super) fn parse(url: &str, trust: Trust) -> Result<Config, RedisStreamError> {
    let plain = plain(url).ok_or(RedisStreamError::Url)?;
    let mut config = Config::from_url(&plain).map_err(|_| RedisStreamError::Url)?;
    if plain != url {
        let tls = trust.roots().and_then(client_config).map_err(RedisStreamError::Trust)?;
        config.tls = Some(TlsConnector::from(tls).into());
    }
    Ok(config)
}

/// The URL without TLS, which the client would look for certificates of its own for; none if it is
/// not one that can be used.
pub(super) fn plain(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    // A query or fragment would be ignored in silence, and so would a user without a password.
    let plain = !rest.contains(['?', '#']) && url.len() <= URL_BYTES_MAX;
    let credentials = rest.rsplit_once('@').is_none_or(|(who, _)| who.contains(':'));
    let place = match scheme {
        "redis" | "rediss" => !rest.starts_with('/') && !rest.ends_with('@'),
        "redis+unix" => rest.starts_with('/') && rest.len() > 1,
        _ => false,
    };
    let url = if scheme == "rediss" { format!("redis://{rest}") } else { url.to_owned() };
    (plain && credentials && place && Config::from_url(&url).is_ok()).then_some(url)
}

/// One attempt, no reconnecting and no second writing: what became of a command whose answer did
/// not come is for the delivery worker to deal with, and never for a queue that outlives its deadline.
pub(super) fn connection(timeout: Duration) -> ConnectionConfig {
    ConnectionConfig {
        connection_timeout: timeout,
        internal_command_timeout: timeout,
        max_command_attempts: 1,
        tcp: TcpConfig { nodelay: Some(true), ..TcpConfig::default() },
        ..ConnectionConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_that_are_used_as_they_stand_are_taken() {
        for url in [
            "redis://127.0.0.1",
            "redis://127.0.0.1:6379/2",
            "redis://:word@[::1]:6379",
            "redis+unix:///run/redis/socket",
        ] {
            assert!(parse(url, Trust::Pem(Vec::new())).is_ok(), "{url}");
        }
        for url in [
            "",
            "redis.example:6379",
            "redis://",
            "redis:///2",
            "redis://user@redis.example",
            "redis://u:p@",
            "redis://redis.example/orders",
            "redis://redis.example?timeout=1",
            "redis-cluster://redis.example",
            "http://redis.example",
            "redis+unix://socket",
        ] {
            let refused = parse(url, Trust::Pem(Vec::new()));
            assert!(matches!(refused, Err(RedisStreamError::Url)), "{url}");
        }
    }

    #[test]
    fn certificates_are_needed_for_tls_only() {
        let refused = parse("rediss://redis.example", Trust::Pem(Vec::new()));
        assert!(matches!(refused, Err(RedisStreamError::Trust(_))));
        assert!(plain("rediss://redis.example").is_some());
    }
}
