//! The disk refuses a sync or a write: the process stops at once and acknowledges nothing more.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use crate::{
    audit::audit,
    beside_others,
    client::{Answer, Call},
    crowd::Crowd,
    seed,
    shopper::Shopper,
    site::Site,
    wait_for,
};

fn is_success(answer: &io::Result<Answer>) -> bool {
    answer.as_ref().is_ok_and(|answer| answer.status < 300)
}

/// One shopper after the other until the fault; each is a batch of its own.
fn one_by_one(fault: &str) {
    let _running = beside_others();
    let mut site = Site::started_before();
    let mut crowd = Crowd::new(seed(fault));
    site.inject(fault);
    let server = site.start();
    let mut client = server.client();
    let shoppers = &mut crowd.workers[0].shoppers;
    loop {
        shoppers.push(Shopper::new(format!("{fault}-{}", shoppers.len())));
        let answer = shoppers.last_mut().unwrap().enter(&mut client);
        if !is_success(&answer) {
            eprintln!("{} entries, then {answer:?}", shoppers.len() - 1);
            break;
        }
        assert!(shoppers.len() < 60, "the fault has not come: {fault}");
    }
    assert!(shoppers.len() > 2, "the fault came too early");
    // Whoever asks while it stops is not told that anything was done.
    for at in 0..3 {
        let key = format!("late-for-the-sync-error-{at}");
        let call = Call { key: Some(&key), ..Call::post("/v1/sales/demo/enter") };
        assert!(!is_success(&server.client().send(&call)));
    }
    let (code, log) = server.exit();
    assert_eq!(code, Some(3), "{log}");
    assert!(log.contains("journal failed, stopping: the journal is poisoned"), "{log}");

    site.wrap(&[]);
    let server = site.start();
    let issued = server.stats()["entered"].as_u64().unwrap();
    let known = crowd.shoppers().filter(|shopper| shopper.number.is_some()).count() as u64;
    assert!((known..=known + 1).contains(&issued), "{known} acknowledged, {issued} there");
    audit(&server, &mut crowd);
}

#[test]
fn a_failed_sync_stops_the_process() {
    one_by_one("fdatasync:error=EIO:when=12");
}

#[test]
fn a_failed_write_stops_the_process() {
    one_by_one("pwrite64:error=EIO:when=12");
}

#[test]
fn a_failed_sync_under_load_loses_nothing_acknowledged() {
    let _running = beside_others();
    let mut site = Site::started_before();
    let mut crowd = Crowd::new(seed("failed sync under load"));
    site.inject("fdatasync:error=EIO:when=150");
    let server = site.start();
    crowd.shop(&server.door(), || {
        let (code, log) = server.exit();
        assert_eq!(code, Some(3), "{log}");
    });
    site.wrap(&[]);
    let server = site.start();
    audit(&server, &mut crowd);
    assert!(crowd.len() > 50);
}

#[test]
fn a_journal_that_fails_while_the_server_drains_is_still_told() {
    let _running = beside_others();
    let mut site = Site::started_before();
    // The failing sync takes a second: time enough to be told to stop in the middle of it.
    site.inject("fdatasync:error=EIO:delay_exit=1000000:when=12");
    let server = site.start();
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = server.client();
            while is_success(&{
                let at = answered.fetch_add(1, Ordering::Relaxed);
                Shopper::new(format!("draining-{at}")).enter(&mut client)
            }) {}
        });
        let mut seen = usize::MAX;
        wait_for("the slow sync", || {
            thread::sleep(Duration::from_millis(300));
            let now = answered.load(Ordering::Relaxed);
            now > 2 && std::mem::replace(&mut seen, now) == now
        });
        server.terminate();
    });
    let (code, log) = server.exit();
    assert_eq!(code, Some(3), "{log}");
    assert!(log.contains("journal failed, stopping"), "{log}");
}
