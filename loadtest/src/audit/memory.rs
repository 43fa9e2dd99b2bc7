//! Rules about remembering: what was acknowledged is still so, whatever happened since.

use std::collections::HashMap;
use std::time::Duration;

use super::verdict::{Broken, Verdict};
use crate::ledger::{Leaving, Ledger, Record, TicketAnswer};

/// Every acknowledged ticket still answers with its number, or is gone for a reason.
pub(super) fn tickets_are_remembered(ledger: &Ledger) -> Verdict {
    let mut broken = Broken::default();
    let answers: HashMap<usize, &TicketAnswer> =
        ledger.tickets.iter().map(|answer| (answer.index, answer)).collect();
    let (mut kept, mut gone) = (0_u64, 0_u64);
    for record in &ledger.records {
        let Some(entry) = record.entry.as_ref() else { continue };
        let (index, number) = (record.index, entry.number);
        if let Some(code) = record.gone.as_deref() {
            broken.check(may_be_gone(ledger, record, code, None), || {
                format!("shopper {index}, number {number}, was told {code} while waiting")
            });
        }
        let Some(answer) = answers.get(&index) else {
            broken.note(format!("shopper {index}, number {number}, was not asked"));
            continue;
        };
        match answer.status {
            200 => {
                kept += 1;
                broken.check(answer.number == Some(number), || {
                    format!("shopper {index} had {number}, now has {:?}", answer.number)
                });
                broken.check(record.leaving != Leaving::Acknowledged, || {
                    format!("shopper {index} left, yet number {number} still stands")
                });
            }
            410 => {
                gone += 1;
                let code = &answer.code;
                broken.check(may_be_gone(ledger, record, code, Some(answer)), || {
                    format!("shopper {index}, number {number}, never left, is gone: {code}")
                });
            }
            0 => broken.note(format!("shopper {index}, number {number}: no answer")),
            status => broken.note(format!(
                "shopper {index}, number {number}, is answered {status} {}",
                answer.code
            )),
        }
    }
    let seen = format!("{kept} tickets kept, {gone} gone with a reason");
    Verdict::new("every acknowledged ticket is remembered", seen, broken)
}

/// A place ends by leaving, by having been called or let in (the claim window or the session runs
/// out), or by silence for longer than the sale allows: the claim window, for a place whose turn
/// has come since. `after` is the answer that said so at the end of the run; `None` for a 410 in
/// the middle of a visit, where there was no silence.
fn may_be_gone(ledger: &Ledger, record: &Record, code: &str, after: Option<&TicketAnswer>) -> bool {
    let silence = after.map_or(Duration::ZERO, |answer| answer.at.since(record.heard));
    let number = record.entry.as_ref().map_or(u64::MAX, |entry| entry.number);
    let patience = if number <= ledger.serving {
        ledger.idle_seconds.min(ledger.claim_window_seconds)
    } else {
        ledger.idle_seconds
    };
    let silent = silence >= Duration::from_secs(patience);
    let called = record.admitted.is_some() || record.called.is_some();
    match code {
        "ticket_left" => record.leaving != Leaving::No,
        "ticket_expired" => record.leaving != Leaving::No || called || silent,
        _ => false,
    }
}

/// Every acknowledged purchase is still what it was acknowledged to be.
pub(super) fn purchases_are_remembered(ledger: &Ledger) -> Verdict {
    let mut broken = Broken::default();
    let answers: HashMap<usize, _> =
        ledger.purchases.iter().map(|answer| (answer.index, answer)).collect();
    let mut owners: HashMap<&str, usize> = HashMap::new();
    for record in &ledger.records {
        let Some(bought) = record.purchase.as_ref() else { continue };
        let (index, id) = (record.index, bought.id.as_str());
        if let Some(other) = owners.insert(id, index) {
            broken.note(format!("purchase {id} was sold to shoppers {other} and {index}"));
        }
        let Some(answer) = answers.get(&index) else {
            broken.note(format!("purchase {id} was not asked for"));
            continue;
        };
        let Some(state) = answer.state else {
            let known = bought.known;
            broken.note(format!("purchase {id}, {known:?}, is answered {}", answer.status));
            continue;
        };
        broken.check(bought.allows(state), || {
            format!("purchase {id} was {:?}, now is {state:?}", bought.known)
        });
        broken.check(answer.id == id && answer.units == bought.units, || {
            let (units, now) = (bought.units, answer.units);
            format!("purchase {id} of {units} answers as {} of {now}", answer.id)
        });
    }
    let seen = format!("{} purchases", owners.len());
    Verdict::new("every acknowledged purchase is remembered", seen, broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::sample::honest;
    use crate::clock::Stamp;
    use crate::wire::PurchaseState;

    fn waiting(ledger: &mut Ledger, index: usize) {
        ledger.records[index].admitted = None;
    }

    fn answer_gone(ledger: &mut Ledger, index: usize, code: &str) {
        code.clone_into(&mut ledger.tickets[index].code);
        (ledger.tickets[index].status, ledger.tickets[index].number) = (410, None);
    }

    #[test]
    fn a_forgotten_ticket_is_seen() {
        for status in [0, 401, 404] {
            let mut ledger = honest(5, 5);
            ledger.tickets[7].status = status;
            assert!(!tickets_are_remembered(&ledger).ok, "{status}");
        }
        let mut ledger = honest(5, 5);
        ledger.tickets.pop();
        assert!(!tickets_are_remembered(&ledger).ok, "not asked is not remembered");
    }

    #[test]
    fn a_ticket_with_another_number_is_seen() {
        let mut ledger = honest(5, 5);
        ledger.tickets[7].number = Some(99);
        assert!(!tickets_are_remembered(&ledger).ok);
    }

    #[test]
    fn a_ticket_gone_without_a_reason_is_seen() {
        let mut ledger = honest(5, 5);
        waiting(&mut ledger, 7);
        answer_gone(&mut ledger, 7, "ticket_expired");
        assert!(!tickets_are_remembered(&ledger).ok, "it had been heard a moment before");
        ledger.tickets[7].at = ledger.records[7].heard.after(Duration::from_secs(100));
        assert!(tickets_are_remembered(&ledger).ok, "but a silent one may expire");
        answer_gone(&mut ledger, 7, "ticket_left");
        assert!(!tickets_are_remembered(&ledger).ok, "it never left");
        ledger.records[7].leaving = Leaving::Acknowledged;
        assert!(tickets_are_remembered(&ledger).ok);
    }

    #[test]
    fn a_silent_ticket_whose_turn_came_may_go_after_the_claim_window() {
        let mut ledger = honest(5, 5);
        waiting(&mut ledger, 7);
        answer_gone(&mut ledger, 7, "ticket_expired");
        ledger.tickets[7].at = ledger.records[7].heard.after(Duration::from_mins(1));
        assert!(!tickets_are_remembered(&ledger).ok, "its turn had not come");
        ledger.serving = 8;
        assert!(tickets_are_remembered(&ledger).ok);
        ledger.tickets[7].at = ledger.records[7].heard.after(Duration::from_secs(59));
        assert!(!tickets_are_remembered(&ledger).ok, "the claim window had not passed");
    }

    #[test]
    fn a_ticket_that_stands_after_leaving_is_seen() {
        let mut ledger = honest(5, 5);
        ledger.records[7].leaving = Leaving::Acknowledged;
        assert!(!tickets_are_remembered(&ledger).ok);
        ledger.records[7].leaving = Leaving::Sent;
        assert!(tickets_are_remembered(&ledger).ok, "unless leaving was never acknowledged");
    }

    #[test]
    fn being_sent_away_while_polling_is_seen() {
        let mut ledger = honest(5, 5);
        waiting(&mut ledger, 7);
        ledger.tickets[7].at = Stamp(u64::MAX);
        answer_gone(&mut ledger, 7, "ticket_expired");
        ledger.records[7].gone = Some("ticket_expired".to_owned());
        assert!(!tickets_are_remembered(&ledger).ok);
    }

    #[test]
    fn a_forgotten_or_changed_purchase_is_seen() {
        let mut ledger = honest(5, 5);
        (ledger.purchases[2].status, ledger.purchases[2].state) = (404, None);
        assert!(!purchases_are_remembered(&ledger).ok, "forgotten");

        let mut ledger = honest(5, 5);
        ledger.purchases[2].state = Some(PurchaseState::Held);
        assert!(!purchases_are_remembered(&ledger).ok, "confirmed became held");

        let mut ledger = honest(5, 5);
        ledger.purchases[2].units = 2;
        assert!(!purchases_are_remembered(&ledger).ok, "more units");
    }

    #[test]
    fn a_purchase_sold_to_two_is_seen() {
        let mut ledger = honest(5, 5);
        let id = ledger.records[1].purchase.as_ref().unwrap().id.clone();
        ledger.records[2].purchase.as_mut().unwrap().id = id;
        assert!(!purchases_are_remembered(&ledger).ok);
    }
}
