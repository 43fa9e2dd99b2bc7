//! One node of many, whose Redis decides, beside the classic design.
//!
//! Each side has a Redis of its own. Whose answers are equally durable is compared: a node answers when
//! its own journal is synced and trusts no Redis that was restarted, so its Redis needs no file; the
//! classic has what it answered in Redis' file alone, which must be synced before the answer. Both are
//! measured with the other's setting beside, so that nothing hides in the choice.

use std::{thread, time::Duration};

use super::{
    child::Served,
    compare::{CLASSIC, Comparison, Contender, OURS, Side, Span},
    drive::{Extent, Load},
    scene::{enter, position},
    session::Bench,
};
use crate::{failure::Failure, process};

const ENTER: &str = "enter";
const POSITION: &str = "position";
const OURS_ALWAYS: &str = "ours, `always`";
const CLASSIC_OFF: &str = "classic, no file";

/// How long a Redis is watched without polls.
const QUIET: Duration = Duration::from_secs(1);
/// Requests before the first turn.
const WARM_UP: u64 = 5_000;
/// How often, and how many times, a new node is asked whether its sales are there.
const ASK_EVERY: Duration = Duration::from_millis(100);
const ASKED_MAX: usize = 100;

/// What was found.
#[derive(Debug)]
pub(super) struct Nodes {
    pub(super) enters: Comparison,
    pub(super) positions: Comparison,
    /// What each side's Redis had to do while positions were asked for.
    pub(super) commands: Vec<Polled>,
}

/// One side's Redis.
#[derive(Debug)]
pub(super) struct Polled {
    pub(super) name: &'static str,
    pub(super) turns: Vec<Commands>,
}

/// Commands of a Redis in one turn, those of its functions with them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Commands {
    /// A second, without polls.
    pub(super) quiet: f64,
    /// Polls a second, and commands a second meanwhile.
    pub(super) polls: f64,
    pub(super) polled: f64,
}

impl Nodes {
    /// A side's commands under polls over those without, turn by turn.
    pub(super) fn commands_ratio(&self, name: &str) -> Option<Span> {
        let side = self.commands.iter().find(|side| side.name == name)?;
        Span::of(side.turns.iter().map(|turn| turn.polled / turn.quiet))
    }
}

/// `None` without a Redis, which has been said.
pub(super) fn measure(bench: &Bench) -> Result<Option<Nodes>, Failure> {
    let Some(enters) = entries(bench)? else { return Ok(None) };
    let Some((positions, commands)) = polls(bench)? else { return Ok(None) };
    Ok(Some(Nodes { enters, positions, commands }))
}

fn entries(bench: &Bench) -> Result<Option<Comparison>, Failure> {
    let load = enter("door");
    let mut sides = Vec::new();
    for (name, appendfsync, is_ours) in [
        (OURS, "off", true),
        (CLASSIC, "always", false),
        (OURS_ALWAYS, "always", true),
        (CLASSIC_OFF, "off", false),
    ] {
        let served = if is_ours {
            bench.serve_node(&format!("node-{appendfsync}"), appendfsync)?
        } else {
            bench.classic(appendfsync, 0)?.map(|(served, _)| served)
        };
        let Some(served) = served else { return Ok(None) };
        bench.open_up(&served, &load)?;
        sides.push((name, served));
    }
    let contender = |(name, server)| Contender { name, server, load: load.clone() };
    let contenders: Vec<_> =
        sides.iter().map(|(name, server)| contender((*name, server))).collect();
    bench.in_turns(ENTER, &contenders).map(Some)
}

fn polls(bench: &Bench) -> Result<Option<(Comparison, Vec<Polled>)>, Failure> {
    let Some(node) = bench.serve_node("node-polls", "off")? else { return Ok(None) };
    let waiting = bench.sizes.waiting;
    bench.open_up(&node, &enter("door"))?;
    bench.say(&format!("{waiting} shoppers enter the line"));
    let tickets = bench.driver.collect(&node, &enter("queue"), waiting, "ticket")?;
    let Some((classic, classic_tickets)) = bench.classic("off", waiting)? else {
        return Ok(None);
    };
    let contenders =
        [(OURS, &node, position(tickets)), (CLASSIC, &classic, position(classic_tickets))];
    let mut sides = contenders.each_ref().map(|(name, ..)| Side::new(name));
    let mut commands = contenders.each_ref().map(|(name, ..)| Polled { name, turns: Vec::new() });
    for _ in 0..bench.sizes.pairs {
        for ((_, server, load), (side, polled)) in
            contenders.iter().zip(sides.iter_mut().zip(&mut commands))
        {
            let quiet = commands_during(server, || {
                thread::sleep(QUIET);
                Ok(())
            })?;
            let extent = Extent::Seconds(bench.sizes.seconds);
            let meanwhile = commands_during(server, || {
                side.turns.push(bench.driver.run(server, load, extent)?);
                Ok(())
            })?;
            let polls = side.turns.last().map_or(f64::NAN, |report| report.rps);
            polled.turns.push(Commands { quiet, polls, polled: meanwhile });
        }
        bench.say_turn(POSITION, &sides);
    }
    let positions = Comparison::new(POSITION, &contenders[0].2, sides.into())?;
    Ok(Some((positions, commands.into())))
}

/// Commands a second that a server's Redis does while something else is done.
fn commands_during(
    server: &Served,
    work: impl FnOnce() -> Result<(), Failure>,
) -> Result<f64, Failure> {
    let (before, begun) = (server.redis_commands(0)?, process::now());
    work()?;
    // The first question is among the commands, the second is not yet.
    let done = server.redis_commands(1)? - before;
    Ok(done / begun.elapsed().as_secs_f64())
}

impl Bench {
    /// Waits until a new server takes this load, and warms it up.
    fn open_up(&self, server: &Served, load: &Load) -> Result<(), Failure> {
        for _ in 0..ASKED_MAX {
            let status = self.driver.show(server, load)?.status;
            // The first to enter an empty room is let in at once.
            if status == load.status || status == 200 {
                break;
            }
            thread::sleep(ASK_EVERY);
        }
        self.driver.run(server, load, Extent::Requests(WARM_UP)).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_are_held_against_the_same_turn_without() {
        let turn = |quiet, polled| Commands { quiet, polls: 100_000.0, polled };
        let turns = vec![turn(100.0, 100.0), turn(100.0, 110.0), turn(100.0, 90.0)];
        let load = enter("door");
        let empty = || Comparison::new("a", &load, Vec::new()).unwrap();
        let commands = vec![Polled { name: OURS, turns }];
        let nodes = Nodes { enters: empty(), positions: empty(), commands };
        let span = nodes.commands_ratio(OURS).unwrap();
        assert!((span.median - 1.0).abs() < 1e-9 && (span.most - 1.1).abs() < 1e-9, "{span:?}");
        assert_eq!(nodes.commands_ratio(CLASSIC), None);
    }
}
