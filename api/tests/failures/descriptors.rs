//! Out of file descriptors: who is in is served, the log says why others wait, nobody spins.

use std::{net::TcpStream, thread::sleep, time::Duration};

use crate::{alone, client::Call, shopper::Shopper, site::Site, wait_for};

/// Clients that take all the descriptors there are, and more.
const IDLE_CLIENTS: usize = 400;

#[test]
fn a_process_with_few_descriptors_goes_on_serving() {
    let _measuring = alone();
    // Nobody is cut for idling while this looks on.
    let mut site = Site::new().server_option("header_timeout_ms = 60000");
    site.wrap(&["sh", "-c", "ulimit -n 256; exec \"$0\" \"$@\""]);
    let server = site.start();
    let mut client = server.client();
    let mut shopper = Shopper::new("early".to_owned());
    shopper.enter(&mut client).unwrap();

    let idle: Vec<_> = (0..IDLE_CLIENTS).map(|_| TcpStream::connect(server.public)).collect();
    assert!(idle.iter().all(Result::is_ok), "the backlog holds them");
    // Either answer is fine: taken in and kept, or refused; a silent spin is not.
    sleep(Duration::from_millis(500));
    let before = server.cpu_ticks();
    for _ in 0..20 {
        shopper.poll(&mut client).unwrap();
        sleep(Duration::from_millis(100));
    }
    let ticks = server.cpu_ticks() - before;
    assert!(ticks < 60, "{ticks} hundredths of a second of work in two seconds of nothing");
    Shopper::new("meanwhile".to_owned()).enter(&mut client).unwrap();
    let log = server.log.text();
    assert!(log.contains("descriptors") || log.contains("cannot accept new connections"), "{log}");
    assert!(log.lines().count() < 200, "a flood of log lines: {}", log.lines().count());

    drop(idle);
    wait_for("new connections to be served", || {
        let answer = server.client().send(&Call::get("/v1/sales/demo"));
        answer.is_ok_and(|answer| answer.status == 200)
    });
    server.terminate();
    let (code, log) = server.exit();
    assert_eq!(code, Some(0), "{log}");
}
