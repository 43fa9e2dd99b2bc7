//! SIGTERM under load: what was asked is answered, streams say when to come back, the exit is 0.

use std::{
    io::{BufReader, Read as _, Write as _},
    thread::{self, sleep},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    audit::audit,
    beside_others,
    client::{Call, connect, read_answer},
    crowd::Crowd,
    seed,
    shopper::Shopper,
    site::Site,
};

/// Requests that wait for one slow sync when the signal comes.
const WAITING: usize = 40;

#[test]
fn every_request_under_way_at_sigterm_is_answered() {
    let _running = beside_others();
    let mut site = Site::started_before();
    // Every sync takes 300 ms, so that all of these requests are waiting for one.
    site.inject("fdatasync:delay_exit=300000");
    let server = site.start();
    let mut shoppers: Vec<_> = (0..WAITING).map(|at| Shopper::new(format!("w-{at}"))).collect();
    let mut sockets: Vec<_> = shoppers.iter().map(|_| connect(server.public).unwrap()).collect();
    for (socket, shopper) in sockets.iter_mut().zip(&shoppers) {
        let call = Call { key: Some(&shopper.key), ..Call::post("/v1/sales/demo/enter") };
        socket.write_all(&call.bytes()).unwrap();
    }
    sleep(Duration::from_millis(50));
    let told = Instant::now();
    server.terminate();
    for (socket, shopper) in sockets.into_iter().zip(&mut shoppers) {
        let answer = read_answer(&mut BufReader::new(socket)).unwrap();
        assert!(matches!(answer.status, 200 | 202), "{answer:?}");
        shopper.number = answer.json()["number"].as_u64();
        shopper.ticket = answer.text("ticket");
    }
    let (code, log) = server.exit();
    assert_eq!(code, Some(0), "{log}");
    assert!(told.elapsed() < Duration::from_secs(5), "took {:?}", told.elapsed());

    site.wrap(&[]);
    let server = site.start();
    let mut crowd = Crowd::new(seed("stop"));
    crowd.workers[0].shoppers = shoppers;
    audit(&server, &mut crowd);
}

#[test]
fn a_stop_under_load_loses_nothing_and_leaves_a_whole_journal() {
    let _running = beside_others();
    let mut crowd = Crowd::new(seed("stop under load"));
    let site = Site::new();
    for _ in 0..3 {
        let server = site.start();
        let told = crowd.shop(&server.door(), || {
            sleep(Duration::from_millis(400));
            let told = Instant::now();
            server.terminate();
            let (code, log) = server.exit();
            assert_eq!(code, Some(0), "{log}");
            told
        });
        assert!(told.elapsed() < Duration::from_secs(5), "took {:?}", told.elapsed());
    }
    let server = site.start();
    assert!(server.log.text().contains("truncated_bytes=0"), "{}", server.log.text());
    audit(&server, &mut crowd);
}

#[test]
fn a_stop_right_after_the_start_is_a_clean_one() {
    let _running = beside_others();
    let site = Site::new();
    for _ in 0..10 {
        let server = site.start();
        server.terminate();
        let (code, log) = server.exit();
        assert_eq!(code, Some(0), "{log}");
    }
}

#[test]
fn streams_end_with_a_retry_hint_and_a_hung_client_does_not_hold_the_exit() {
    let _running = beside_others();
    let site = Site::new().server_option("drain_timeout_ms = 1500");
    let server = site.start();
    let operator = server.operator.clone();
    let pause = Call { bearer: Some(&operator), ..Call::post("/v1/admin/sales/demo/pause") };
    assert!(server.client().ask(&pause).status < 300, "nobody is to be called");
    let mut shopper = Shopper::new("watcher".to_owned());
    shopper.enter(&mut server.client()).unwrap();
    let mut stream = connect(server.public).unwrap();
    let call = Call { bearer: Some(&shopper.ticket), ..Call::get("/v1/sales/demo/stream") };
    stream.write_all(&call.bytes()).unwrap();
    let watcher = thread::spawn(move || {
        let mut text = String::new();
        stream.read_to_string(&mut text).map(|_| text)
    });
    let mut hung = connect(server.public).unwrap();
    let half = "POST /v1/sales/demo/enter HTTP/1.1\r\nHost: shop\r\nContent-Length: 100\r\n\r\n{";
    hung.write_all(half.as_bytes()).unwrap();
    sleep(Duration::from_millis(700));

    let told = Instant::now();
    server.terminate();
    let text = watcher.join().unwrap().unwrap();
    let (_, events) = text.split_once("\r\n\r\n").unwrap();
    assert!(events.contains("event: place"), "{text}");
    // The first hint opens the stream; the last says when to come back.
    let hints = crate::watchers::hints(events);
    assert_eq!(hints.len(), 2, "{text}");
    assert!(events.ends_with("0\r\n\r\n"), "the stream did not end cleanly: {text:?}");
    assert!(told.elapsed() < Duration::from_secs(1), "streams end at once: {:?}", told.elapsed());
    let (code, log) = server.exit();
    assert_eq!(code, Some(0), "{log}");
    let took = told.elapsed();
    assert!(took > Duration::from_secs(1) && took < Duration::from_secs(4), "took {took:?}");
}
