//! The operations listener.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use api::server::ServerOptions;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::read_to_close;

#[tokio::test]
async fn health_readiness_and_metrics_are_served() {
    let exposition = api::metrics::install().unwrap();
    let ready = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&ready);
    let readiness = move || {
        let reason = || vec!["the journal is not writable".to_owned()];
        if asked.load(Ordering::Relaxed) { Ok(()) } else { Err(reason()) }
    };
    let options = ServerOptions::at(([127, 0, 0, 1], 0).into());
    let refresh = Arc::new(|| {
        metrics::counter!(api::metrics::ENTER_TOTAL, "sale" => "demo").absolute(3);
        "a_figure 7\n".to_owned()
    });
    let server = api::ops::start(options, exposition, refresh, readiness).unwrap();
    let get = async |path: &str| {
        let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        read_to_close(&mut stream).await
    };

    assert!(get("/healthz").await.starts_with("HTTP/1.1 200 "));
    assert!(get("/readyz").await.starts_with("HTTP/1.1 200 "));
    let metrics = get("/metrics").await;
    assert!(metrics.contains(r#"rushgate_enter_total{sale="demo"} 3"#), "{metrics}");
    assert!(metrics.ends_with("\na_figure 7\n"), "{metrics}");
    assert!(get("/v1/sales").await.starts_with("HTTP/1.1 404 "));

    ready.store(false, Ordering::Relaxed);
    let answer = get("/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains(r#""reasons":["the journal is not writable"]"#), "{answer}");
}
