//! TLS with a certificate made for the test: ALPN chooses the protocol.

use std::sync::Arc;
use std::time::Duration;

use api::server::{Server, ServerOptions, StartError, TlsFiles};
use hyper::{Method, StatusCode};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{Fixture, read_to_close, start};

pub(crate) struct Secured {
    pub(crate) fixture: Fixture,
    roots: RootCertStore,
}

pub(crate) fn secured(change: impl FnOnce(&mut ServerOptions)) -> Secured {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let certificates = directory.path().join("cert.pem");
    let key = directory.path().join("key.pem");
    std::fs::write(&certificates, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let fixture = start(|options| {
        options.tls = Some(TlsFiles { certificates, key });
        change(options);
    });
    Secured { fixture, roots }
}

impl Secured {
    async fn connect(&self, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = self.fixture.connect().await;
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }
}

#[tokio::test]
async fn alpn_chooses_http2() {
    let secured = secured(|_| {});
    let stream = secured.connect(&[b"h2", b"http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let client = crate::http2::client(stream).await;
    let (status, body) = crate::http2::send(client, Method::GET, "/now", 0).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "\"now\""));
}

#[tokio::test]
async fn http1_is_served_with_and_without_alpn() {
    let secured = secured(|_| {});
    for protocols in [&[&b"http/1.1"[..]][..], &[]] {
        let mut stream = secured.connect(protocols).await;
        stream
            .write_all(b"GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        // The server need not say goodbye in TLS after `Connection: close` and a length.
        drop(stream.read_to_end(&mut answer).await);
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    }
}

#[tokio::test]
async fn a_half_handshake_is_not_cut_to_make_room_and_a_silent_connection_is() {
    let secured = secured(|options| options.connections_max = 2);
    let mut half = secured.fixture.connect().await;
    half.write_all(b"\x16\x03\x01").await.unwrap();
    let mut silent = secured.fixture.connect().await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let newcomer = secured.connect(&[]).await;
    let closed = tokio::time::timeout(Duration::from_secs(1), read_to_close(&mut silent)).await;
    assert_eq!(closed.as_deref(), Ok(""));
    let open = tokio::time::timeout(Duration::from_millis(100), half.read(&mut [0])).await;
    assert!(open.is_err(), "{open:?}");
    drop(newcomer);
}

#[tokio::test]
async fn a_handshake_that_hangs_or_fails_is_cut() {
    let secured = secured(|options| options.header_read_timeout = Duration::from_millis(300));
    let mut silent = secured.fixture.connect().await;
    assert_eq!(read_to_close(&mut silent).await, "");
    let answer = secured.fixture.exchange(b"GET /now HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(!answer.contains("HTTP/1.1"), "{answer}");
    assert_eq!(secured.fixture.calls(), 0);
}

#[tokio::test]
async fn a_missing_certificate_is_named() {
    let mut options = ServerOptions::at(([127, 0, 0, 1], 0).into());
    let missing = std::path::PathBuf::from("/nonexistent/cert.pem");
    options.tls = Some(TlsFiles { certificates: missing.clone(), key: missing });
    let echo = start(|_| {}).echo;
    let error = Server::start(&options, echo).unwrap_err();
    let StartError::Tls(source) = error else { panic!("{error}") };
    assert!(source.to_string().contains("/nonexistent/cert.pem"), "{source}");
}
