//! Signals: which ones stop the server, which one reloads the certificate, and that no other ends it.

use std::{
    fs,
    io::{BufReader, Write as _},
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::Arc,
    thread::sleep,
    time::Duration,
};

use rustix::process::Signal;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName},
};
use tokio::time::Instant;

use crate::{
    beside_others,
    client::{Call, connect, read_answer},
    site::Site,
    wait_for,
};

/// Long enough for a signal to have had its effect.
const SHORTLY: Duration = Duration::from_millis(200);

#[test]
fn signals_that_mean_nothing_end_nothing() {
    let _running = beside_others();
    let site = Site::new();
    let server = site.start();
    for signal in [
        Signal::HUP,
        Signal::USR1,
        Signal::USR2,
        Signal::PIPE,
        Signal::ALARM,
        Signal::VTALARM,
        Signal::PROF,
        Signal::IO,
        Signal::XFSZ,
    ] {
        server.signal(signal);
        sleep(SHORTLY / 4);
        let answer = server.client().ask(&Call::get("/v1/sales"));
        assert_eq!(answer.status, 200, "after {signal:?}");
    }
    server.terminate();
    let (code, log) = server.exit();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("TLS is off"), "{log}");
}

#[test]
fn interrupt_and_quit_finish_what_was_accepted() {
    let _running = beside_others();
    for signal in [Signal::INT, Signal::QUIT] {
        let mut site = Site::started_before();
        site.inject("fdatasync:delay_exit=300000");
        let server = site.start();
        let mut socket = connect(server.public).unwrap();
        let key = "somebody-who-is-interrupted";
        let call = Call { key: Some(key), ..Call::post("/v1/sales/demo/enter") };
        socket.write_all(&call.bytes()).unwrap();
        sleep(SHORTLY / 4);
        server.signal(signal);
        let answer = read_answer(&mut BufReader::new(socket)).unwrap();
        assert!(matches!(answer.status, 200 | 202), "{signal:?}: {answer:?}");
        let (code, log) = server.exit();
        assert_eq!(code, Some(0), "{signal:?}: {log}");
    }
}

#[test]
fn a_second_interrupt_ends_at_once() {
    let _running = beside_others();
    let server = Site::new().start();
    let mut hung = connect(server.public).unwrap();
    let half = "POST /v1/sales/demo/enter HTTP/1.1\r\nHost: shop\r\nContent-Length: 100\r\n\r\n{";
    hung.write_all(half.as_bytes()).unwrap();
    sleep(SHORTLY);
    server.signal(Signal::INT);
    wait_for("the drain", || server.log.text().contains("draining"));
    sleep(SHORTLY);
    let told = Instant::now();
    server.signal(Signal::INT);
    let (code, log) = server.exit();
    assert_eq!(code, Some(130), "{log}");
    assert!(told.elapsed() < Duration::from_secs(1), "took {:?}", told.elapsed());
    assert!(log.contains("stopped at once"), "{log}");
}

/// Writes a certificate of its own and its key.
fn certify(directory: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(directory.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

/// Whether the server shows this certificate to a new connection.
fn shows(addr: SocketAddr, certificate: &CertificateDer<'static>) -> bool {
    talk(addr, certificate).is_some()
}

/// A connection that has asked once.
fn talk(
    addr: SocketAddr,
    certificate: &CertificateDer<'static>,
) -> Option<StreamOwned<ClientConnection, std::net::TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, connect(addr).unwrap());
    ask(&mut stream).then_some(stream)
}

fn ask(stream: &mut StreamOwned<ClientConnection, std::net::TcpStream>) -> bool {
    stream.write_all(&Call::get("/v1/sales").bytes()).is_ok()
        && read_answer(&mut BufReader::new(stream)).is_ok_and(|answer| answer.status == 200)
}

#[test]
fn hangup_loads_the_certificate_again_and_keeps_the_old_one_when_it_cannot() {
    let _running = beside_others();
    let files = tempfile::tempdir().unwrap();
    let first = certify(files.path());
    let path = |name| files.path().join(name).display().to_string();
    let site = Site::new()
        .server_option(&format!("tls_cert = {:?}", path("cert.pem")))
        .server_option(&format!("tls_key = {:?}", path("key.pem")));
    let server = site.start();
    let mut open = talk(server.public, &first).unwrap();

    let second = certify(files.path());
    assert!(shows(server.public, &first), "files alone change nothing");
    server.signal(Signal::HUP);
    wait_for("the new certificate", || shows(server.public, &second));
    assert!(!shows(server.public, &first));
    assert!(ask(&mut open), "an open connection goes on");

    // A key of another certificate, then no certificate at all.
    let key = fs::read(path("key.pem")).unwrap();
    drop(certify(files.path()));
    fs::write(path("key.pem"), &key).unwrap();
    for round in 1..=2 {
        server.signal(Signal::HUP);
        let told = || server.log.text().matches("the old ones stay in use").count() == round;
        wait_for("the complaint", told);
        assert!(shows(server.public, &second), "round {round}");
        fs::write(path("cert.pem"), "no certificate").unwrap();
    }
    assert!(server.log.text().contains(&path("cert.pem")), "the file is named");
    server.terminate();
    let (code, log) = server.exit();
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn the_start_warns_of_a_key_file_that_others_can_read_and_of_payment_by_button() {
    let _running = beside_others();
    let site = Site::started_before().sections("[pages]\ndemo_payment = true\n");
    let keys = site.data.join("keys.json");
    let mode = |mode| fs::set_permissions(&keys, fs::Permissions::from_mode(mode)).unwrap();
    for (given, warned) in [(0o640, true), (0o604, true), (0o600, false)] {
        mode(given);
        let server = site.start();
        let log = server.log.text();
        let advice = format!("run: chmod 600 {}", keys.display());
        assert_eq!(log.contains(&advice), warned, "{given:o}: {log}");
        wait_for("the warning", || server.log.text().contains("pages.demo_payment is on"));
    }
}
