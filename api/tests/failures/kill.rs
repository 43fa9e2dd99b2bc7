//! `kill -9` at random points under load, again and again.

use std::thread::sleep;

use crate::{Dice, audit::audit, beside_others, crowd::Crowd, seed, site::Site};

const CYCLES: u32 = 6;

#[test]
fn what_was_acknowledged_survives_being_killed_under_load() {
    let _running = beside_others();
    let seed = seed("kill");
    let (mut dice, mut crowd) = (Dice(seed), Crowd::new(seed));
    let site = Site::new();
    for cycle in 0..CYCLES {
        let server = site.start();
        audit(&server, &mut crowd);
        let before = crowd.len();
        crowd.shop(&server.door(), || {
            sleep(dice.pause(900));
            server.kill();
        });
        eprintln!("cycle {cycle}: {} shoppers came", crowd.len() - before);
    }
    let server = site.start();
    audit(&server, &mut crowd);
    assert!(crowd.len() > 100, "hardly any load: {} shoppers", crowd.len());
    let sold = crowd.shoppers().filter(|s| s.purchase.as_ref().is_some_and(|p| p.id.is_some()));
    assert!(sold.count() > 10, "hardly anybody bought");
}
