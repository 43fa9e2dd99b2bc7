//! SIGTERM while the mounted service is at work.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    client::Told,
    server::{Bounds, Server},
    sockets::{CLOSE, Socket},
};

#[tokio::test(flavor = "multi_thread")]
async fn requests_finish_sockets_get_a_close_and_the_process_ends_well() {
    let server = Server::start(Bounds::default());
    let addr = server.addr;
    let mut socket = Socket::open(addr, "/echo").await;
    let slow = tokio::spawn(async move { Told::get(addr, "/slow/1500").await });
    sleep(Duration::from_millis(300)).await;
    let started = Instant::now();
    server.terminate();
    let (kind, reason) = socket.hear().await.unwrap();
    assert_eq!((kind, &reason[..2]), (CLOSE, &1_001_u16.to_be_bytes()[..]));
    assert_eq!(socket.hear().await, None, "and the connection ends");
    let told = slow.await.unwrap();
    assert_eq!((told.status, told.body.as_str()), (200, "slow"));
    tokio::task::spawn_blocking(|| server.ended_well()).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_whose_service_says_no_goodbye_is_cut_when_the_grace_is_over() {
    let server = Server::start(Bounds { drain_timeout_ms: 1_000, ..Bounds::default() });
    let mut socket = Socket::open(server.addr, "/deaf").await;
    socket.say(b"hello?").await;
    let started = Instant::now();
    server.terminate();
    assert_eq!(socket.hear().await, None);
    assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());
    tokio::task::spawn_blocking(|| server.ended_well()).await.unwrap();
}
