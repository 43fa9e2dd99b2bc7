//! A store behind TLS, with user and password: trusted by the authority that `SSL_CERT_FILE` names, and
//! by no other.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::json;
use tempfile::TempDir;
use testkit::{
    ports,
    redis::{AppendFsync, Redis},
};
use tokio::time::{Duration, Instant, sleep};

use crate::{
    client::{PATIENCE, get, post},
    process::{CONFIG, Server},
    wall::Wall,
};

/// An authority of its own, and what it says of `localhost`, as files of the directory.
pub(crate) fn authority(dir: &Path) {
    let (key, own) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    // Told apart by name, as real ones are.
    params.distinguished_name.push(DnType::CommonName, dir.display().to_string());
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(dir.join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let server = server.signed_by(&own, &Issuer::new(params, key)).unwrap();
    std::fs::write(dir.join("server.pem"), server.pem()).unwrap();
    std::fs::write(dir.join("server.key"), own.serialize_pem()).unwrap();
}

/// A server that the directory's authority vouches for, with one user; and its port.
fn store(dir: &Path) -> (Redis, u16) {
    let port = ports::free();
    let file = |name: &str| dir.join(name).display().to_string();
    let (ca, cert, key) = (file("ca.pem"), file("server.pem"), file("server.key"));
    let tls = ["--tls-port", &port.to_string(), "--tls-auth-clients", "no", "--bind", "127.0.0.1"]
        .map(str::to_owned);
    let files = ["--tls-ca-cert-file", &ca, "--tls-cert-file", &cert, "--tls-key-file", &key];
    let all: Vec<&str> = tls.iter().map(String::as_str).chain(files).collect();
    let redis = Redis::start_with(&std::env::temp_dir(), AppendFsync::Off, &all).unwrap();
    let mut link = redis.link().unwrap();
    link.call(&[b"ACL", b"SETUSER", b"shop", b"on", b">pass word", b"~*", b"+@all"]).unwrap();
    link.call(&[b"ACL", b"SETUSER", b"default", b"off"]).unwrap();
    (redis, port)
}

fn serve(dir: &Path, port: u16, user: &str, ca: &Path) -> Server {
    let environment = [
        ("RUSHGATE__ARBITER__KIND", "redis".to_owned()),
        ("RUSHGATE__REDIS__URL", format!("rediss://{user}@localhost:{port}")),
        ("RUSHGATE__REDIS__PREFIX", "own".to_owned()),
        ("RUSHGATE__SERVER__NODE", "a".to_owned()),
        ("RUSHGATE__KEYS__SECRET", "the secret of all nodes in this run".to_owned()),
        ("SSL_CERT_FILE", ca.display().to_string()),
    ];
    Server::start_in(dir, CONFIG, &environment)
}

#[tokio::test]
async fn a_store_that_the_authority_vouches_for_is_used_with_user_and_password() {
    let dir = TempDir::new().unwrap();
    authority(dir.path());
    let (_redis, port) = store(dir.path());
    let server = serve(dir.path(), port, "shop:pass%20word", &dir.path().join("ca.pem"));
    let wall = Wall::on(&server, json!({})).await;
    wall.tell(post(wall.path("enter")).key("enter-over-a-tls-store")).await.is(200);
    server.ops.tell(get("/readyz")).await.is(200);
}

/// Serves over a store that is not to be used, and says why.
async fn refused(user: &str, is_trusted: bool, why: &str) {
    let (dir, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    authority(dir.path());
    authority(other.path());
    let (_redis, port) = store(dir.path());
    let trusted = if is_trusted { dir.path() } else { other.path() };
    let server = serve(dir.path(), port, user, &trusted.join("ca.pem"));
    let table = json!({ "id": "launch", "title": "A launch", "admission_per_second": 1, "active_max": 1,
        "offers": [{ "sku": "a", "total": 1, "price": 1, "currency": "KRW" }] });
    let create = post("/v1/admin/sales").bearer(&server.operator).json(&table);
    server.client.tell(create).await.refuses(503, "arbiter_unavailable");
    let started = Instant::now();
    loop {
        let told = server.ops.tell(get("/readyz")).await.text();
        if told.contains(why) {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "{told}; log: {}", server.log());
        sleep(Duration::from_millis(20)).await;
    }
    let log = server.log();
    for password in ["pass%20word", "pass word"] {
        assert!(!log.contains(password), "the password is in the log: {log}");
    }
}

#[tokio::test]
async fn a_store_that_another_authority_vouches_for_is_told_nothing() {
    refused("shop:pass%20word", false, "UnknownIssuer").await;
}

#[tokio::test]
async fn a_password_that_is_wrong_is_said_to_be() {
    refused("shop:wrong", true, "WRONGPASS").await;
}
