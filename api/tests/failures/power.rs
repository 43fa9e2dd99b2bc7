//! The power is cut under load: what was synced is all there is.

use std::thread::sleep;

use crate::{Dice, audit::audit, beside_others, crowd::Crowd, loop_fs::LoopFs, seed, site::Site};

const CYCLES: u32 = 6;

#[test]
fn what_was_acknowledged_survives_a_power_cut() {
    let _running = beside_others();
    let seed = seed("power");
    let (mut dice, mut crowd) = (Dice(seed), Crowd::new(seed));
    let mut disk = LoopFs::new(96);
    let site = Site::at(disk.path().join("deep/data"));
    for cycle in 0..CYCLES {
        let server = site.start();
        audit(&server, &mut crowd);
        let before = crowd.len();
        crowd.shop(&server.door(), || {
            // At least one write must follow the cut for the server to notice it.
            sleep(dice.pause(800));
            disk.cut_power();
            // A process that cannot sync must not go on as if nothing had happened.
            let (code, log) = server.exit();
            assert_eq!(code, Some(3), "{log}");
            assert!(log.contains("journal failed, stopping"), "{log}");
        });
        eprintln!("cycle {cycle}: {} shoppers came", crowd.len() - before);
        disk.reboot();
    }
    let server = site.start();
    audit(&server, &mut crowd);
    assert!(crowd.len() > 100, "hardly any load: {} shoppers", crowd.len());
    server.kill();
}
