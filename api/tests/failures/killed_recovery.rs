//! Killed while it recovers, over and over: recovery may stop anywhere and start again.

use std::thread::sleep;

use crate::{
    Dice, audit::audit, beside_others, crowd::Crowd, damage::Journal, seed, seeded, site::Site,
};

/// Kills at up to 60 ms after the start: before, in and after the reading of the journal.
const KILLS: u32 = 40;

#[test]
fn being_killed_during_recovery_is_harmless() {
    let _running = beside_others();
    let seed = seed("killed_recovery");
    let (mut dice, mut crowd) = (Dice(seed), Crowd::new(seed));
    let site = Site::new();
    let server = site.start();
    crowd.shop(&server.door(), || {
        sleep(std::time::Duration::from_millis(500));
        server.kill();
    });
    for kill in 0..KILLS {
        if kill % 4 == 0 {
            // Something to mend: half a batch behind the end.
            Journal::last(&site.data).tear();
        }
        let mut child = site.spawn();
        sleep(dice.pause(60));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let server = site.start();
    audit(&server, &mut crowd);
}

#[test]
fn recovery_from_a_snapshot_may_be_killed_too() {
    const ENTRIES: u64 = 30_000;
    let _running = beside_others();
    let mut dice = Dice(seed("killed_recovery, snapshot"));
    let site = Site::new();
    seeded::seed(&site.data, ENTRIES, 1);
    for _ in 0..KILLS / 2 {
        let mut child = site.spawn();
        sleep(dice.pause(60));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let server = site.start();
    assert_eq!(server.stats()["entered"].as_u64(), Some(ENTRIES));
    assert!(server.log.text().contains("from_snapshot=true"), "{}", server.log.text());
}
