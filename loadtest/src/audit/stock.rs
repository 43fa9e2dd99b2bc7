//! Rules about units: none sold twice, none lost.

use std::collections::BTreeMap;

use super::verdict::{Broken, Verdict};
use crate::ledger::{Ledger, Outcome, StockRead};
use crate::wire::PurchaseState;

/// Sold never exceeds the stock, by the server's count or by the crowd's.
pub(super) fn sold_within_stock(ledger: &Ledger) -> Verdict {
    let mut broken = Broken::default();
    let confirmed = ledger.confirmed_units();
    let on_sale = ledger.stock.saturating_sub(ledger.sold_before);
    broken.check(confirmed <= on_sale, || {
        format!("{confirmed} units were acknowledged as confirmed, {on_sale} were on sale")
    });
    let mut sold_max = 0;
    for read in &ledger.reads {
        if let Some(units) = read.units {
            sold_max = sold_max.max(units.sold);
            broken.check(units.sold <= ledger.stock, || {
                format!("the server counted {} sold at {:?}", units.sold, read.at)
            });
            broken.check(units.total == ledger.stock, || {
                format!("the server's total became {} at {:?}", units.total, read.at)
            });
        }
        if let Some((total, available)) = read.public {
            broken.check(available <= total && total == ledger.stock, || {
                format!("the public status showed {available} of {total} at {:?}", read.at)
            });
        }
    }
    let seen = format!("stock {}, confirmed {confirmed}, server's most {sold_max}", ledger.stock);
    Verdict::new("no more is sold than exists", seen, broken)
}

/// The sold count is the crowd's confirmed count, and no node forgets a sale that it knew of. In the
/// end all nodes count the same.
pub(super) fn sold_is_what_was_confirmed(ledger: &Ledger) -> Verdict {
    let mut broken = Broken::default();
    let mut sold_before = BTreeMap::new();
    for read in &ledger.reads {
        let Some(units) = read.units else { continue };
        let before = sold_before.insert(read.node, units.sold).unwrap_or(ledger.sold_before);
        broken.check(units.sold >= before, || {
            format!("sold went back from {before} to {} at {:?}", units.sold, read.at)
        });
        let confirmed = ledger.sold_before + read.confirmed_before;
        broken.check(units.sold >= confirmed, || {
            format!("{} sold at {:?}, {confirmed} were confirmed before", units.sold, read.at)
        });
    }

    let (certain, unknown) = (ledger.confirmed_units(), ledger.unknown_units());
    let mut told = Vec::new();
    for last in ledger.last_reads() {
        let sold = last.and_then(server_sold).map(|sold| sold.saturating_sub(ledger.sold_before));
        let Some(sold) = sold else {
            broken.note("the server did not tell its stock at the end".to_owned());
            continue;
        };
        told.push(sold);
        let possible = certain..=certain + unknown;
        broken.check(possible.contains(&sold), || {
            format!("the server sold {sold}, acknowledged {certain} (+ {unknown} unknown)")
        });
        // Purchases answered one by one settle what the acknowledgements left unknown.
        let answered: u64 = ledger
            .purchases
            .iter()
            .filter(|answer| answer.state == Some(PurchaseState::Confirmed))
            .map(|answer| answer.units)
            .sum();
        broken.check(answered == sold, || {
            format!("the server sold {sold}, its purchases say {answered}")
        });
    }
    told.dedup();
    let sold: Vec<String> = told.iter().map(u64::to_string).collect();
    let sold = if sold.is_empty() { "?".to_owned() } else { sold.join(" or ") };
    let seen = format!("server {sold}, acknowledged {certain}, unknown {unknown}");
    Verdict::new("the sold count is what was confirmed", seen, broken)
}

/// What the server sold, when it can be told: without the operator's view, available units alone
/// say it only once nothing can be held, which the final reading is.
fn server_sold(read: &StockRead) -> Option<u64> {
    match (read.units, read.public) {
        (Some(units), _) => Some(units.sold),
        (None, Some((total, available))) => total.checked_sub(available),
        (None, None) => None,
    }
}

/// No one who wants a unit goes without while one is left.
pub(super) fn sold_out_when_wanted(ledger: &Ledger) -> Verdict {
    let mut broken = Broken::default();
    let all = || ledger.sold_before + ledger.confirmed_units();
    let sold = ledger.last_reads().flatten().filter_map(server_sold).max().unwrap_or_else(all);
    let unmet = ledger.records.iter().filter(|record| {
        let went_without = match record.outcome {
            Outcome::SoldOut | Outcome::Unfinished | Outcome::Closed => true,
            Outcome::Bought
            | Outcome::Released
            | Outcome::Abandoned
            | Outcome::Left
            | Outcome::FellSilent
            | Outcome::NoShow
            | Outcome::Expired
            | Outcome::HoldLost
            | Outcome::Refused => false,
        };
        went_without && record.plan.wants_to_buy()
    });
    let unmet: Vec<_> = unmet.collect();
    let left = ledger.stock.saturating_sub(sold);
    if left > 0 {
        for record in &unmet {
            let outcome = record.outcome;
            let index = record.index;
            broken.note(format!("shopper {index} ended {outcome:?} with {left} units left"));
        }
    }
    let seen = format!("{left} units left, {} shoppers went without", unmet.len());
    Verdict::new("everything is sold when demand allows", seen, broken)
}

/// available + held + paying + sold = total, whenever read.
pub(super) fn units_add_up(ledger: &Ledger) -> Verdict {
    let mut broken = Broken::default();
    let mut count = 0_u64;
    for read in &ledger.reads {
        let Some(units) = read.units else { continue };
        count += 1;
        broken.check(units.accounted() == units.total, || format!("{units:?} at {:?}", read.at));
    }
    let mut seen = format!("{count} readings");
    if count == 0 {
        seen.push_str(" (the operator's statistics did not answer; not checked)");
    }
    Verdict::new("available + held + paying + sold = total", seen, broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::sample::honest;
    use crate::client::NodeId;
    use crate::ledger::Bought;

    #[test]
    fn overselling_is_seen_in_the_acknowledgements() {
        let mut ledger = honest(10, 5);
        let id = "p99".to_owned();
        ledger.records[12].purchase =
            Some(Bought { id, units: 1, known: PurchaseState::Confirmed, asked: None });
        assert!(!sold_within_stock(&ledger).ok);
        assert!(!sold_is_what_was_confirmed(&ledger).ok, "and the server's count disagrees");
    }

    #[test]
    fn overselling_is_seen_in_the_servers_count() {
        let mut ledger = honest(10, 5);
        ledger.reads[1].units.as_mut().unwrap().sold = 11;
        let verdict = sold_within_stock(&ledger);
        assert!(!verdict.ok);
        assert!(verdict.examples[0].contains("11 sold"), "{verdict:?}");
    }

    #[test]
    fn what_was_sold_before_the_run_is_not_the_runs() {
        let mut ledger = honest(10, 5);
        ledger.stock += 4;
        ledger.sold_before = 4;
        for read in &mut ledger.reads {
            let units = read.units.as_mut().unwrap();
            (units.total, units.sold) = (14, units.sold + 4);
            read.public = read.public.map(|(total, available)| (total + 4, available));
        }
        let rules = [sold_within_stock, sold_is_what_was_confirmed, sold_out_when_wanted];
        assert!(rules.iter().all(|rule| rule(&ledger).ok));
        ledger.sold_before = 5;
        assert!(!sold_within_stock(&ledger).ok && !sold_is_what_was_confirmed(&ledger).ok);
    }

    #[test]
    fn a_forgotten_sale_is_seen() {
        let mut ledger = honest(10, 5);
        let units = ledger.reads[1].units.as_mut().unwrap();
        (units.sold, units.available) = (9, 1);
        assert!(!sold_is_what_was_confirmed(&ledger).ok);
    }

    #[test]
    fn a_sold_count_that_goes_back_is_seen() {
        let mut ledger = honest(10, 5);
        let mut early = ledger.reads[1];
        early.confirmed_before = 0;
        ledger.reads[0] = ledger.reads[1];
        let units = early.units.as_mut().unwrap();
        (units.sold, units.available) = (8, 2);
        ledger.reads.insert(1, early);
        assert!(!sold_is_what_was_confirmed(&ledger).ok);
    }

    #[test]
    fn each_node_is_held_to_its_own_count_and_all_to_one_in_the_end() {
        let mut ledger = honest(10, 5);
        ledger.nodes = 2;
        let (half, all) = (ledger.reads[0], ledger.reads[1]);
        let other = |read: StockRead| StockRead { node: NodeId(1), confirmed_before: 0, ..read };
        ledger.reads = vec![half, all, other(half)];
        assert!(!sold_is_what_was_confirmed(&ledger).ok, "the second still counts the half");
        ledger.reads.push(other(all));
        assert!(sold_is_what_was_confirmed(&ledger).ok, "it was only a moment behind the first");
        ledger.reads.insert(2, half);
        assert!(!sold_is_what_was_confirmed(&ledger).ok, "the first went back");
    }

    #[test]
    fn an_unanswered_confirmation_may_count_either_way() {
        let mut ledger = honest(10, 5);
        let bought = ledger.records[3].purchase.as_mut().unwrap();
        (bought.known, bought.asked) = (PurchaseState::Paying, Some(PurchaseState::Confirmed));
        assert!(sold_is_what_was_confirmed(&ledger).ok);
    }

    #[test]
    fn a_unit_left_while_someone_went_without_is_seen() {
        let mut ledger = honest(10, 5);
        let units = ledger.reads[1].units.as_mut().unwrap();
        (units.sold, units.available) = (9, 1);
        assert!(!sold_out_when_wanted(&ledger).ok);
        ledger.records.truncate(10);
        assert!(sold_out_when_wanted(&ledger).ok, "but not when everyone has theirs");
    }

    #[test]
    fn a_lost_unit_is_seen() {
        let mut ledger = honest(10, 5);
        ledger.reads[0].units.as_mut().unwrap().available -= 1;
        assert!(!units_add_up(&ledger).ok);
    }
}
