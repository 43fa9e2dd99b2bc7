//! Judging the server by what it acknowledged.
//!
//! Owns the verdicts. Each rule is a pure function of the [`Ledger`] (or of the [`Witness`]'s
//! findings), so that a hand-made ledger can show each of them failing; none of them talks to the
//! server. A broken rule says what was seen, with examples.

mod bots;
mod eta;
mod memory;
mod order;
mod pace;
mod stock;
mod verdict;

use std::time::Duration;

use crate::ledger::Ledger;
use crate::server::Kill;
use crate::witness::{Findings, Lag, Witness};

use verdict::Broken;

pub use verdict::Verdict;

/// Every verdict about a finished run.
pub(crate) fn audit(ledger: &Ledger, witness: &Witness, hammered: u64) -> Vec<Verdict> {
    let mut verdicts = vec![
        stock::sold_within_stock(ledger),
        stock::sold_is_what_was_confirmed(ledger),
        stock::sold_out_when_wanted(ledger),
        stock::units_add_up(ledger),
        order::numbers_are_unique(ledger),
        order::numbers_follow_acknowledgements(ledger),
        pace::admissions_keep_the_pace(ledger),
        live("no one waits after a later number was let in", &witness.overtaken),
        live("serving never goes back and covers everyone let in", &witness.serving),
        live("a shown position never rises", &witness.position),
        live("a place keeps its number, on polls and re-entry", &witness.number),
        memory::tickets_are_remembered(ledger),
        memory::purchases_are_remembered(ledger),
        live("the same purchase key gives the same bytes", &witness.replay),
        live("every answer is one the contract allows", &witness.contract),
    ];
    if ledger.records.iter().any(|record| record.plan.is_bot()) {
        verdicts.push(bots::gain_nothing(ledger, &witness.bots, hammered));
    }
    verdicts
}

/// How far estimated waits were off, for the report and as a rule.
pub(crate) use eta::{Foresight, foresight, waits_were_as_estimated};
/// How well orders agree, for the report.
pub(crate) use order::{Agreement, agreement};

/// The server really was killed as often as asked, each time under traffic.
pub(crate) fn kills(asked: u32, kills: &[Kill], trouble: Option<&str>) -> Verdict {
    let mut broken = Broken::default();
    broken.check(kills.len() == asked as usize, || {
        format!("{asked} kills were asked for, {} happened", kills.len())
    });
    if let Some(trouble) = trouble {
        broken.note(trouble.to_owned());
    }
    for (index, kill) in kills.iter().enumerate() {
        broken.check(kill.answered > 0, || {
            format!("nothing was answered between kill {index} and the one before")
        });
    }
    let in_flight: usize = kills.iter().map(|kill| kill.in_flight).sum();
    let seen = format!("{} kills, {in_flight} requests cut off", kills.len());
    Verdict::new("the server was killed in the middle of traffic", seen, broken)
}

/// No node was seen further behind another than `limit`.
pub(crate) fn nodes_keep_up(lag: &Lag, limit: Duration) -> Verdict {
    let mut broken = Broken::default();
    let Lag { answers, behind, max_ms, .. } = *lag;
    broken.check(max_ms <= limit.as_secs_f64() * 1e3, || {
        format!("a node told what another had told differently {max_ms:.0} ms before it was asked")
    });
    let seen = format!("{answers} answers, {behind} behind, by {max_ms:.0} ms at the most");
    Verdict::new("nodes keep up with one another within the limit", seen, broken)
}

fn live(rule: &'static str, findings: &Findings) -> Verdict {
    let (checked, count) = (findings.checked(), findings.broken());
    let seen = format!("{checked} checks, {count} broken");
    Verdict::new(rule, seen, Broken { count, examples: findings.examples() })
}

/// Hand-made ledgers for the rules' own tests.
#[cfg(test)]
mod sample {
    use std::time::Duration;

    use crate::client::NodeId;
    use crate::clock::Stamp;
    use crate::ledger::{
        Bought, Entry, Ledger, Outcome, PurchaseAnswer, Record, StockRead, TicketAnswer,
    };
    use crate::plan::{Ending, Manner, Plan};
    use crate::wire::{PurchaseState, Units};

    fn record(index: usize) -> Record {
        let at = index as u64 * 1_000;
        let plan = Plan {
            arrival: Duration::from_nanos(at),
            manner: Manner::Stay,
            ending: Ending::Confirm,
            units: 1,
            double_click: false,
            choosing: Duration::ZERO,
            payment: Duration::ZERO,
        };
        let mut record = Record::new(index, plan);
        let (sent, acked) = (Stamp(at), Stamp(at + 500));
        let ticket = format!("t{index}");
        let number = index as u64 + 1;
        record.entry = Some(Entry { sent, acked, number, ticket, serving: Some(number) });
        record.admitted = Some(Stamp(at + 600));
        record.heard = Stamp(at + 600);
        record
    }

    /// `stock` shoppers buy a unit each, `more` find it sold out, and the server agrees.
    pub(super) fn honest(stock: usize, more: usize) -> Ledger {
        let mut ledger = Ledger {
            stock: stock as u64,
            idle_seconds: 100,
            claim_window_seconds: 60,
            nodes: 1,
            // Arrivals are a microsecond apart and let in at once.
            admission_per_second: 1e6,
            opened: Some(Stamp(0)),
            ..Ledger::default()
        };
        for index in 0..stock + more {
            let mut record = record(index);
            let at = Stamp(1_000_000);
            let number = Some(index as u64 + 1);
            record.outcome = Outcome::SoldOut;
            if index < stock {
                let id = format!("p{index}");
                let known = PurchaseState::Confirmed;
                record.purchase = Some(Bought { id: id.clone(), units: 1, known, asked: None });
                record.outcome = Outcome::Bought;
                let state = Some(known);
                ledger.purchases.push(PurchaseAnswer { index, status: 200, id, state, units: 1 });
            }
            ledger.records.push(record);
            let code = String::new();
            ledger.tickets.push(TicketAnswer { index, at, status: 200, number, code });
        }
        let total = stock as u64;
        for sold in [total / 2, total] {
            let available = total - sold;
            let units = Units { total, available, held: 0, paying: 0, sold, stranded: 0 };
            ledger.reads.push(StockRead {
                node: NodeId(0),
                at: Stamp(900_000 + sold),
                confirmed_before: sold,
                units: Some(units),
                public: Some((total, available)),
                allowed_per_second: None,
            });
        }
        ledger
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stamp;

    #[test]
    fn an_honest_run_passes_every_rule() {
        let verdicts = audit(&sample::honest(10, 30), &Witness::default(), 0);
        assert!(verdicts.iter().all(|verdict| verdict.ok), "{verdicts:#?}");
    }

    #[test]
    fn kills_that_did_not_happen_or_met_no_traffic_fail() {
        let kill = |answered| Kill { at: Stamp(1), back: Stamp(2), in_flight: 3, answered };
        assert!(kills(2, &[kill(5), kill(5)], None).ok);
        assert!(!kills(2, &[kill(5)], None).ok);
        assert!(!kills(1, &[kill(0)], None).ok);
        assert!(!kills(1, &[kill(5)], Some("did not come back")).ok);
    }

    #[test]
    fn a_node_too_far_behind_fails() {
        let lag = Lag { answers: 9, behind: 1, risen_positions: 0, max_ms: 1_500.0 };
        assert!(nodes_keep_up(&lag, Duration::from_secs(2)).ok);
        assert!(!nodes_keep_up(&lag, Duration::from_secs(1)).ok);
    }

    #[test]
    fn a_finding_made_during_the_run_fails_the_audit() {
        let witness = Witness::default();
        witness.position.broke(|| "number 7 was at 3, then at 5".to_owned());
        let verdicts = audit(&sample::honest(3, 3), &witness, 0);
        let failed: Vec<_> = verdicts.iter().filter(|verdict| !verdict.ok).collect();
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].examples, ["number 7 was at 3, then at 5"]);
    }
}
