//! The calls over HTTP at full throttle: ours, a bare hyper, nginx and the classic design in turns.

use super::{
    child::Served,
    compare::{CLASSIC, Comparison, Contender, HYPER, NGINX, OURS, Side},
    drive::{Extent, Load},
    scene::{CONNECTIONS_READING, admitted, enter, keyed, position, purchase},
    session::Bench,
};
use crate::failure::Failure;

pub(super) const POSITION: &str = "position";
pub(super) const PIPELINED: &str = "position, pipelined";
pub(super) const SOLD_OUT: &str = "sold out";
pub(super) const ENTER: &str = "enter";
pub(super) const ENTER_KEYED: &str = "enter with a key";
pub(super) const PURCHASE: &str = "purchase, one hot SKU";

/// Requests on their way together on one connection when they are pipelined.
const DEPTH: u32 = 16;
/// Purchases of one turn, on a server of its own: fewer than the 65,536 orders after which the
/// outbox refuses more when the order log, which shares the disk, falls behind.
pub(super) const PURCHASES: u64 = 60_000;
/// Requests before the first turn.
const WARM_UP: u64 = 5_000;
/// Shoppers who find nothing left.
const LATE: u64 = 1_000;

/// Places in a long line, one request at a time and pipelined.
pub(super) fn positions(bench: &Bench) -> Result<Vec<Comparison>, Failure> {
    let server = bench.serve("positions")?;
    let waiting = bench.sizes.waiting;
    bench.say(&format!("{waiting} shoppers enter the line"));
    let tickets = bench.driver.collect(&server, &enter("queue"), waiting, "ticket")?;
    let load = position(tickets);
    let (ceiling, answer) = bench.ceiling_beside(&server, &load)?;
    let nginx = bench.nginx_for(&answer)?;
    let classic = bench.classic("no", waiting)?;
    let one = |name, server, load: &Load| Contender { name, server, load: load.clone() };
    let mut contenders = vec![one(OURS, &server, &load), one(HYPER, &ceiling, &load)];
    contenders.extend(classic.iter().map(|(classic, tickets)| {
        one(CLASSIC, classic, &Load { lines: Some(tickets.clone()), ..load.clone() })
    }));
    contenders.extend(nginx.iter().map(|nginx| one(NGINX, nginx, &load)));
    let mut measured = vec![bench.in_turns(POSITION, &contenders)?];
    for one in &mut contenders {
        one.load.depth = DEPTH;
    }
    measured.push(bench.in_turns(PIPELINED, &contenders)?);
    Ok(measured)
}

/// Refusals when nothing is left.
pub(super) fn refusals(bench: &Bench) -> Result<Vec<Comparison>, Failure> {
    let server = bench.serve("refusals")?;
    let late = bench.driver.collect(&server, &admitted("gone"), LATE, "pass")?;
    let load = Load { status: 409, connections: CONNECTIONS_READING, ..purchase("gone", late) };
    let (ceiling, _) = bench.ceiling_beside(&server, &load)?;
    let ours = Contender { name: OURS, server: &server, load: load.clone() };
    let hyper = Contender { name: HYPER, server: &ceiling, load };
    Ok(vec![bench.in_turns(SOLD_OUT, &[ours, hyper])?])
}

/// Entries, each durable before it is answered.
pub(super) fn entries(bench: &Bench) -> Result<Vec<Comparison>, Failure> {
    let server = bench.serve("entries")?;
    let classic = bench.classic("always", 0)?;
    let mut measured = Vec::new();
    for (name, load) in [(ENTER, enter("door")), (ENTER_KEYED, keyed(enter("door")))] {
        let (ceiling, _) = bench.ceiling_beside(&server, &load)?;
        let one = |name, server| Contender { name, server, load: load.clone() };
        let mut contenders = vec![one(OURS, &server), one(HYPER, &ceiling)];
        contenders.extend(classic.iter().map(|(classic, _)| one(CLASSIC, classic)));
        measured.push(bench.in_turns(name, &contenders)?);
    }
    Ok(measured)
}

/// Purchases, with a fresh server for each turn of ours.
pub(super) fn purchases(bench: &Bench) -> Result<Vec<Comparison>, Failure> {
    let mut sides = vec![Side::new(OURS), Side::new(HYPER)];
    let mut measured = Vec::new();
    for turn in 0..bench.sizes.pairs {
        let server = bench.serve(&format!("hot-{turn}"))?;
        let load = bench.buyers(&server)?;
        let ceiling = bench.ceiling_for(&bench.driver.show(&server, &load)?)?;
        let ours = bench.driver.run(&server, &load, Extent::Requests(PURCHASES))?;
        drop(server);
        let theirs = bench.driver.run(&ceiling, &load, Extent::Requests(PURCHASES * 2))?;
        sides[0].turns.push(ours);
        sides[1].turns.push(theirs);
        bench.say_turn(PURCHASE, &sides);
        measured.push(load);
    }
    let Some(load) = measured.first() else { return Ok(Vec::new()) };
    Ok(vec![Comparison::new(PURCHASE, load, sides)?])
}

impl Bench {
    /// Purchases of shoppers who are let in for it, one each: each purchase verifies another pass.
    pub(super) fn buyers(&self, server: &Served) -> Result<Load, Failure> {
        let passes = self.driver.collect(server, &admitted("hot"), PURCHASES, "pass")?;
        Ok(purchase("hot", passes))
    }

    /// A bare hyper that gives the answer most get: the first to enter an empty room is let in, so
    /// some requests go before the one that is copied.
    fn ceiling_beside(
        &self,
        server: &Served,
        load: &Load,
    ) -> Result<(Served, super::drive::Shown), Failure> {
        self.driver.run(server, load, Extent::Requests(WARM_UP))?;
        let answer = self.driver.show(server, load)?;
        Ok((self.ceiling_for(&answer)?, answer))
    }
}
