//! What a listener is to do, as plain values: `config` reads them, this floor obeys.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use web::networks::Network;

/// hyper refuses smaller connection buffers.
const HTTP1_BUFFER_BYTES_MIN: usize = 8_192;

/// A certificate chain and its private key, as PEM files.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate first, then its issuers.
    pub certificates: PathBuf,
    /// PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

/// What one peer may do; a peer is an address, in IPv6 a `/64`.
#[derive(Clone, Debug, Default)]
pub struct PeerCaps {
    /// Connections open at once, and twice the event streams; 0 sets no cap.
    pub connections_max: usize,
    /// Connections opened each second in the long run; 0 sets no limit.
    pub connects_per_second: u32,
    /// Networks that neither is for. Trusted proxies need not be listed.
    pub exempt: Vec<Network>,
}

/// The bounds of one listener.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Serve TLS with these files; `None` is plain text.
    pub tls: Option<TlsFiles>,
    /// Proxies whose word about others counts.
    pub trusted: Vec<Network>,
    /// From a request head's first byte to its last; on a new connection from its acceptance, the
    /// TLS handshake included.
    pub header_read_timeout: Duration,
    /// From a request's head to its response's head, for requests that are not answered at once.
    pub request_timeout: Duration,
    /// How long a peer may take none of the bytes that wait for it.
    pub write_timeout: Duration,
    /// How long a connection may stay open without a request.
    pub idle_timeout: Duration,
    /// How long the peer of an upgraded connection may send nothing. A service that keeps sockets pings
    /// them more often.
    pub upgraded_silence_timeout: Duration,
    /// Bytes of a request body.
    pub body_bytes_max: usize,
    /// Open connections. At the cap the longest idle one makes room; while none is, one more is told
    /// 503 and closed.
    pub connections_max: usize,
    /// Event streams and upgraded connections open at once, whoever has them.
    pub streams_max: usize,
    /// What one peer may take of both.
    pub peers: PeerCaps,
    /// Bytes an HTTP/1.1 connection buffers; also the longest request head.
    pub http1_buffer_bytes: usize,
    /// Concurrent streams of an HTTP/2 connection.
    pub http2_streams_max: u32,
    /// Bytes of an HTTP/2 request's header list.
    pub http2_header_bytes_max: u32,
    /// Between pings on an HTTP/2 connection; a missing answer for as long closes it.
    pub http2_ping_interval: Duration,
}

impl ServerOptions {
    /// The defaults, for a listener at `listen`.
    pub fn at(listen: SocketAddr) -> Self {
        Self {
            listen,
            tls: None,
            trusted: Vec::new(),
            header_read_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_mins(1),
            upgraded_silence_timeout: Duration::from_mins(2),
            body_bytes_max: 16 * 1024,
            // Two thirds of a descriptor limit of 20,000; the rest is for files, the arbiter, the
            // backend and the refusals themselves.
            connections_max: 13_000,
            streams_max: 9_750,
            peers: PeerCaps::default(),
            http1_buffer_bytes: 16 * 1024,
            http2_streams_max: 64,
            http2_header_bytes_max: 16 * 1024,
            http2_ping_interval: Duration::from_secs(20),
        }
    }

    /// The buffer size hyper will take.
    pub(crate) fn http1_buffer_bytes(&self) -> usize {
        self.http1_buffer_bytes.max(HTTP1_BUFFER_BYTES_MIN)
    }
}
