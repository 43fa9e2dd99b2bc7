//! Polls and entries beside a busy shop, over those of the engine alone.
//!
//! Both servers have the same sales. One has the shop too, whose storefront is read and where people sign
//! up all the time, each with a password to hash, rows to write and a mail to send. The client that keeps
//! it busy runs on the same cores and counts as the shop's. Each turn is at two servers that were started
//! for it, as in [`super::sales`].

use std::{thread, time::Duration};

use super::{
    compare::{Comparison, OURS, Side},
    drive::{Extent, Load, Report, Schedule},
    sales::ALONE,
    scene::{enter, position},
    session::Bench,
};
use crate::{bench::child::Served, failure::Failure};

pub(super) const POSITION: &str = "position, beside a busy shop";
pub(super) const ENTER: &str = "enter, beside a busy shop";

/// What the shop's server is told beyond the sales.
const SHOP: &str = "[shop]\nenabled = true\nslot_capacity = 20\n\
     [doubles]\nlisten = \"127.0.0.1:0\"\ncatalogue = true\n";
/// Shoppers whose positions are asked for, more in each turn. A longer line costs a position the same.
const WAITING: u64 = 100_000;
/// Requests before the first turn.
const WARM_UP: u64 = 5_000;
/// What goes on in the shop: storefronts a second, and people who sign up.
const PAGES: f64 = 50.0;
const SIGN_UPS: f64 = 2.0;
/// Of them, the share that must be answered: a shop that stands still is not busy.
const ANSWERED_MIN: f64 = 0.9;
/// Before a turn, so that the shop is busy when it begins.
const LEAD: Duration = Duration::from_millis(500);
/// Seconds after which somebody gives up.
const PATIENCE: f64 = 5.0;
/// The goods of the catalogue are made after the server listens.
const STOCKING: Duration = Duration::from_secs(6);

/// What shoppers notice, at the servers of two directories.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Comparison>, Failure> {
    let [shop, alone] = ["busy-shop", "no-shop"].map(|name| bench.scratch.join(name));
    let new = || [Side::new(OURS), Side::new(ALONE)];
    let (mut positions, mut entries) = (new(), new());
    let door = enter("door");
    let mut load = door.clone();
    // Goods and pictures are made once.
    let first = bench.serve_with(&shop, SHOP)?;
    thread::sleep(STOCKING);
    drop(first);
    for turn in 0..2 * bench.sizes.pairs {
        let both = [bench.serve_with(&shop, SHOP)?, bench.serve_with(&alone, "")?];
        for side in [turn % 2, 1 - turn % 2] {
            let server = &both[side];
            load = position(bench.driver.collect(server, &enter("queue"), WAITING, "ticket")?);
            bench.driver.run(server, &door, Extent::Requests(WARM_UP))?;
            for (load, sides) in [(&load, &mut positions), (&door, &mut entries)] {
                let report =
                    if side == 0 { busy(bench, server, load)? } else { run(bench, server, load)? };
                sides[side].turns.push(report);
            }
        }
        bench.say_turn(POSITION, &positions);
        bench.say_turn(ENTER, &entries);
    }
    Ok(vec![
        Comparison::new(POSITION, &load, positions.into())?,
        Comparison::new(ENTER, &door, entries.into())?,
    ])
}

fn run(bench: &Bench, server: &Served, load: &Load) -> Result<Report, Failure> {
    bench.driver.run(server, load, Extent::Seconds(bench.sizes.seconds))
}

/// As [`run`], while the server's shop is busy.
fn busy(bench: &Bench, server: &Served, load: &Load) -> Result<Report, Failure> {
    let visitors = [(storefront(), PAGES, "pages"), (sign_up(), SIGN_UPS, "sign-ups")];
    thread::scope(|scope| {
        let visitors = visitors.map(|(visit, rate, name)| {
            let seconds = bench.sizes.seconds + LEAD.as_secs_f64();
            let schedule = Schedule { rate, seconds, seed: 7, deadline: PATIENCE };
            let driver = bench.driver.beside(name);
            (name, scope.spawn(move || driver?.keep(server, &visit, schedule)))
        });
        thread::sleep(LEAD);
        let report = run(bench, server, load)?;
        for (name, visitor) in visitors {
            let kept = visitor.join().map_err(|_| unexpected(name, "ended early"))??;
            bench.say(&format!(
                "  {name}: {:.0} of {:.0}/s answered, p99 {:.0} ms",
                kept.good_rps, kept.offered_rps, kept.p99_ms
            ));
            if kept.good_rps < kept.offered_rps * ANSWERED_MIN {
                return Err(unexpected(name, &format!("{:?}", kept.outcomes)));
            }
        }
        Ok(report)
    })
}

/// The page that most of a shop's visitors see.
fn storefront() -> Load {
    Load {
        template: "GET /shop HTTP/1.1\r\nhost: bench\r\naccept-language: ko\r\n\r\n".to_owned(),
        lines: None,
        connections: 16,
        depth: 1,
        status: 200,
        core: None,
    }
}

/// Somebody new.
fn sign_up() -> Load {
    // A serial is written with sixteen digits.
    let body = |serial: &str| {
        format!(
            r#"{{"email":"s{serial}@shop.example","password":"a password of the bench","name":"Bench"}}"#
        )
    };
    let length = body("0123456789abcdef").len();
    Load {
        template: format!(
            "POST /v1/accounts HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{}",
            body("{serial}")
        ),
        status: 201,
        ..storefront()
    }
}

fn unexpected(name: &str, what: &str) -> Failure {
    Failure::Unexpected { call: name.to_owned(), what: what.to_owned() }
}
