//! The whole engine under a seed: crowds, power cuts, failed syncs, full disks and bad sinks.
//!
//! One seed decides everything: who asks what, how time passes, where the power is cut and what the
//! cut leaves. A [`shadow`] remembers whatever was acknowledged, over all lives of the node, and an
//! [audit](crate::audit) reads the journal itself. A seed that fails is in the panic:
//! `RUSHGATE_SIM_SEED=7 cargo test -p engine --test it sim` runs it alone, and
//! `RUSHGATE_SIM_SEEDS=5000` runs more of them.

mod chance;
mod crowd;
mod node;
mod run;
mod shadow;
mod sink;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use self::run::{Figures, simulate};

const SEEDS: u64 = 60;
const TURNS: u64 = 700;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs a seed, naming it when it fails.
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
    println!("{total:?}");
}
