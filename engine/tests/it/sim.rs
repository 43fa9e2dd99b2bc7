//! The whole engine under a seed: crowds, power cuts, failed syncs, full disks and bad sinks.
//!
//! One seed decides everything: who asks what, how time passes, where the power is cut and what the
//! cut leaves. A [`shadow`] remembers whatever was acknowledged, over all lives of the node, [dues] whatever
//! a sink must be shown, and an [audit](crate::audit) reads the journal itself. A seed that fails is in the panic:
//! `RUSHGATE_SIM_SEED=7 cargo test -p engine --test it sim` runs it alone, and
//! `RUSHGATE_SIM_SEEDS=5000` runs more of them.
//!
//! # Bugs planted
//!
//! Each was put into the engine by hand, alone, and taken out again. *sale* is the state machine,
//! *crash* the cut at every change, *threads* the real engine, *permits* the scribe's own rules.
//!
//! | planted | caught by |
//! |---|---|
//! | answer although the append failed | sim, crash |
//! | publish before the sync | sim |
//! | departures, or entries' answers, not journaled | sim, crash |
//! | a number given again after recovery | sim, crash |
//! | time runs back after recovery | sim |
//! | a batch that met a full disk is refused and forgotten | sim |
//! | the same, refused and yet finished later | sim |
//! | expired units not freed | sim, sale, crash |
//! | expiry gives no permits back | sim |
//! | a refused purchase keeps its permit | sim |
//! | a refund's permits follow a later policy | sim, permits |
//! | paying holds expire | sim, sale, crash |
//! | no limit per shopper; decoding forgets what was taken | sim, sale |
//! | the gate spends no budget | sim, sale, threads |
//! | half the sessions don't count against the cap | sim, sale, crash |
//! | the watermark passes one too many | sim, sale |
//! | a waiting place can be claimed | sale |
//! | a rejoin at the tail keeps the old place too | sim, sale |
//! | positions after a restart are one too high | sim |
//! | later events overtake a dead letter | sim |
//! | a requeue does not go back for its events | sim |
//! | events stay back behind a dead letter that was taken after all | sim, permits |
//! | an event is acknowledged for a sink that was put in, and not shown to it | sim |
//! | a delivery takes all earlier events with it | sim, sale |
//! | a key on its way, or answered, is not known to its twin | threads, permits |
//! | a busy refusal leaves its key marked | permits |
//! | the idle sweep always begins with the same sale | permits |

mod chance;
mod crowd;
mod dues;
pub(crate) mod node;
mod run;
pub(crate) mod shadow;
mod side;
mod sink;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use self::run::{Figures, simulate};

const SEEDS: u64 = 60;
const TURNS: u64 = 700;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs a seed, naming it when it fails.
#[expect(clippy::print_stderr, reason = "names the seed beside the panic")]
fn run(seed: u64) -> Figures {
    match catch_unwind(AssertUnwindSafe(|| simulate(seed, TURNS))) {
        Ok(figures) => figures,
        Err(panic) => {
            eprintln!("simulation failed: RUSHGATE_SIM_SEED={seed}");
            resume_unwind(panic)
        }
    }
}

#[test]
fn what_was_acknowledged_holds_through_every_fault() {
    let seeds = match number("RUSHGATE_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("RUSHGATE_SIM_SEEDS").unwrap_or(SEEDS),
    };
    let mut total = Figures::default();
    for seed in seeds {
        let figures = run(seed);
        assert_eq!(figures.trace, run(seed).trace, "seed {seed} did not run twice the same");
        total.add(&figures);
    }
    assert!(total.turns < 10_000 || total.leaves > 20, "sinks come and go: {total:?}");
    assert!(total.turns < 10_000 || total.archived > 20, "sales are archived: {total:?}");
    println!("{total:?}");
}
