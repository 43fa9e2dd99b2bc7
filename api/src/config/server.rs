//! The section of the two listeners and their bounds.

use std::net::SocketAddr;
use std::path::PathBuf;

use engine::id::NodeName;

use web::caller::{Callers, Origin};
use web::networks::Network;

use super::kinds::{FromText, Span, Text, Whole};
use super::section::section;

use crate::server::TlsFiles;
use crate::wire::Problems;

/// Origins that may be listed: each request is compared with all of them.
const CORS_ORIGINS_MAX: usize = 32;

section! {
    /// The two listeners and their bounds.
    Server = "server" {
        /// where shoppers come
        listen: Text<SocketAddr> = Text(SocketAddr::from(([127, 0, 0, 1], 8_080))),
        /// metrics and health; keep it private
        ops_listen: Text<SocketAddr> = Text(SocketAddr::from(([127, 0, 0, 1], 9_090))),
        /// this node's name; required with several nodes, otherwise unused.
        /// See [several nodes](#several-nodes)
        node ("\"node-1\""): Option<Text<NodeName>> = None,
        /// Rushgate believes their X-Shopper-Id, X-Request-Id and X-Forwarded-*.
        /// See [behind a proxy](#behind-a-proxy)
        trusted_proxies ("[\"10.0.0.0/8\"]"): Vec<Text<Network>> = Vec::new(),
        /// where browsers find this site.
        /// Overrides `Host`, `X-Forwarded-Proto` and `X-Forwarded-Host`
        public_origin ("\"https://shop.example\"", "taken from each request"): Option<Text<Origin>> = None,
        /// other origins whose pages may call the API.
        /// Up to 32, no `*`
        cors_origins ("[\"https://app.shop.example\"]"): Vec<Text<ExactOrigin>> = Vec::new(),
        /// true: the room page's cookies are `Secure` whatever the connection looks like
        cookie_secure: bool = false,
        /// the certificate chain, PEM; with `tls_key`
        tls_cert ("\"/etc/rushgate/tls.crt\""): Option<Text<PathBuf>> = None,
        /// its private key, PEM; with `tls_cert`
        tls_key ("\"/etc/rushgate/tls.key\""): Option<Text<PathBuf>> = None,
        /// open at once; at the cap the longest-idle one makes room.
        /// See [connections](#connections)
        connections_max: Whole<1, 1_000_000> = Whole::of(16_384),
        /// event streams and upgraded connections open at once
        streams_max: Whole<1, 1_000_000> = Whole::of(12_288),
        /// how long the head of a request may take
        header_timeout_ms: Span<100, 600_000> = Span::of_ms(5_000),
        /// how long a whole request may take
        request_timeout_ms: Span<100, 600_000> = Span::of_ms(10_000),
        /// how long a connection may be idle
        keep_alive_ms: Span<100, 600_000> = Span::of_ms(75_000),
        /// how long SIGTERM waits for requests in progress
        drain_timeout_ms: Span<100, 600_000> = Span::of_ms(15_000),
        /// threads that serve requests
        worker_threads ("4", "one per processor"): Option<Whole<1, 1_024>> = None,
    }
}

impl Server {
    /// Listed proxies, and where browsers find the site.
    pub fn callers(&self) -> Callers {
        let public_origin = self.public_origin.as_ref().map(|origin| origin.0.clone());
        Callers { trusted_proxies: self.trusted_proxies(), public_origin }
    }

    /// Listed proxies.
    pub fn trusted_proxies(&self) -> Vec<Network> {
        self.trusted_proxies.iter().map(|network| network.0).collect()
    }

    /// Pages of other origins that may call the API.
    pub fn cors_origins(&self) -> Vec<Origin> {
        self.cors_origins.iter().map(|origin| origin.get().0.clone()).collect()
    }

    /// Certificate and key, if there are any.
    pub fn tls(&self) -> Option<TlsFiles> {
        let (certificates, key) = self.tls_cert.as_ref().zip(self.tls_key.as_ref())?;
        Some(TlsFiles { certificates: certificates.0.clone(), key: key.0.clone() })
    }

    /// What concerns several keys.
    pub(super) fn check(&self, problems: &mut Problems) {
        let mut needs = |key: &str, other: &str, is_missing: bool| {
            let field = format!("server.{key}");
            if is_missing && !problems.concern(&field) {
                problems.note(field, "nothing", format!("a path, since {other} is set"));
            }
        };
        let (cert, key) = (self.tls_cert.is_some(), self.tls_key.is_some());
        needs("tls_key", "tls_cert", cert && !key);
        needs("tls_cert", "tls_key", key && !cert);
        if self.cors_origins.len() > CORS_ORIGINS_MAX {
            let found = format!("{} origins", self.cors_origins.len());
            let allowed = format!("at most {CORS_ORIGINS_MAX} origins");
            problems.note("server.cors_origins", found, allowed);
        }
    }
}

impl FromText for SocketAddr {
    const ALLOWED: &'static str = "an address and port, as 127.0.0.1:8080; port 0 picks a free one";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl FromText for NodeName {
    const ALLOWED: &'static str = "1 to 64 letters, digits, . _ or -";

    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl FromText for Origin {
    const ALLOWED: &'static str = "a scheme and a host, as https://shop.example";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

/// An origin as browsers write it: none with a path, and none that stands for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExactOrigin(Origin);

impl FromText for ExactOrigin {
    const ALLOWED: &'static str = "exact origins as a browser writes them, as https://shop.example";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().filter(|origin: &Origin| origin.is_as_browsers_write(text)).map(Self)
    }

    fn to_text(&self) -> String {
        self.0.to_string()
    }
}
