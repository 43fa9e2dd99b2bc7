//! The disk is full: writes are refused and told so, reads go on, and it passes by itself.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crate::{
    audit::audit,
    beside_others,
    client::{Answer, Call},
    crowd::Crowd,
    loop_fs::LoopFs,
    seed, seeded,
    shopper::Shopper,
    site::{Server, Site},
    wait_for,
};

/// Bytes an operator's message may have.
const MESSAGE_BYTES: usize = 1_000;

fn enter(server: &Server, key: &str) -> Answer {
    let key = format!("{key}-of-these-shoppers");
    server.client().ask(&Call { key: Some(&key), ..Call::post("/v1/sales/demo/enter") })
}

/// Takes all the room there is.
fn fill(ballast: &Path) {
    let mut file = File::create(ballast).unwrap();
    let mut bytes = 1 << 20;
    while bytes >= 512 {
        if file.write_all(&vec![1; bytes]).is_err() {
            bytes /= 2;
        }
    }
    // What did not fit is the point; what did is on the disk once this returns.
    drop(file.sync_all());
}

/// Writes operator messages until one is refused: the present segment is full then.
fn use_up_the_segment(server: &Server) {
    let full = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = server.client();
                let body = format!("{{\"message\":\"{}\"}}", "x".repeat(MESSAGE_BYTES));
                let path = "/v1/admin/sales/demo/message";
                let bearer = Some(server.operator.as_str());
                while !full.load(Ordering::Relaxed) {
                    let answer = client.ask(&Call { bearer, body: &body, ..Call::post(path) });
                    if answer.status == 503 {
                        assert_eq!(answer.code(), "storage_full", "{answer:?}");
                        full.store(true, Ordering::Relaxed);
                    } else {
                        assert!(matches!(answer.status, 200 | 204), "{answer:?}");
                    }
                }
            });
        }
    });
}

#[test]
fn a_full_disk_refuses_writes_answers_reads_and_passes() {
    let _running = beside_others();
    let mut crowd = Crowd::new(seed("disk full"));
    let disk = LoopFs::new(64);
    let ballast = disk.path().join("ballast");
    // A short first segment is soon full; the next one the program makes takes 16 MiB.
    let site = Site::at(disk.path().join("data"));
    seeded::seed(&site.data, 0, 400_000);
    let server = site.start();
    fill(&ballast);
    crowd.shop(&server.door(), || use_up_the_segment(&server));

    let refused = enter(&server, "refused");
    assert_eq!((refused.status, refused.code().as_str()), (503, "storage_full"), "{refused:?}");
    let retry: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&retry), "{refused:?}");
    let ready = server.operations("/readyz");
    assert_eq!(ready.status, 503, "{ready:?}");
    assert!(String::from_utf8_lossy(&ready.body).contains("disk is full"), "{ready:?}");
    assert_eq!(server.operations("/healthz").status, 200);

    let mut client = server.client();
    for shopper in crowd.shoppers().filter(|shopper| shopper.number.is_some()) {
        shopper.poll(&mut client).unwrap();
    }
    assert_eq!(client.ask(&Call::get("/v1/sales/demo")).status, 200);
    // Still full, and still the same after some time of refusing.
    crowd.shop(&server.door(), || thread::sleep(std::time::Duration::from_millis(500)));
    assert_eq!(enter(&server, "refused").status, 503);
    let directory = fs::read_dir(&site.data).unwrap();
    let left_over = directory.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        Path::new(&name).extension().is_some_and(|kind| kind == "tmp")
    });
    assert!(left_over.count() <= 1, "every attempt leaves a file");

    // A restart does not change that: reads come back, writes are refused.
    server.kill();
    let server = site.start();
    let mut client = server.client();
    for shopper in crowd.shoppers().filter(|shopper| shopper.number.is_some()) {
        shopper.poll(&mut client).unwrap();
    }
    // What little the segment still holds was not tried again.
    use_up_the_segment(&server);
    assert_eq!(enter(&server, "refused").code(), "storage_full");
    assert_eq!(server.operations("/readyz").status, 503);

    fs::remove_file(&ballast).unwrap();
    wait_for("the server to take entries again", || {
        server.client().ask(&Call::get("/v1/sales/demo")).status == 200
            && server.operations("/readyz").status == 200
    });
    crowd.shop(&server.door(), || thread::sleep(std::time::Duration::from_millis(500)));
    let mut worker = Shopper::new("refused".to_owned());
    worker.enter(&mut server.client()).unwrap();
    assert!(worker.number.is_some());
    crowd.workers[0].shoppers.push(worker);
    audit(&server, &mut crowd);
    server.kill();
    let server = site.start();
    audit(&server, &mut crowd);
    server.kill();
}
