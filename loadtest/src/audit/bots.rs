//! A bot gains nothing by asking more often: the same order, the same gate, and no purchase without a pass.

use super::verdict::{Broken, Verdict};
use crate::ledger::Ledger;
use crate::witness::Findings;

/// Judges what was seen live, and that no bot has a number below a person's who was acknowledged
/// before the bot asked.
pub(super) fn gain_nothing(ledger: &Ledger, live: &Findings, hammered: u64) -> Verdict {
    let mut broken = Broken { count: live.broken(), examples: live.examples() };
    let entered = || {
        let known = ledger.records.iter();
        known.filter_map(|record| Some((record, record.entry.as_ref()?)))
    };
    let mut people: Vec<_> = entered().filter(|(record, _)| !record.plan.is_bot()).collect();
    let mut bots: Vec<_> = entered().filter(|(record, _)| record.plan.is_bot()).collect();
    people.sort_unstable_by_key(|(_, entry)| entry.acked);
    bots.sort_unstable_by_key(|(_, entry)| entry.sent);

    let mut earlier = people.into_iter().peekable();
    let mut highest = 0;
    for (record, entry) in &bots {
        while let Some((_, person)) = earlier.next_if(|(_, person)| person.acked < entry.sent) {
            highest = highest.max(person.number);
        }
        let (index, number) = (record.index, entry.number);
        broken.check(number > highest, || {
            format!("bot {index} asked after {highest} was acknowledged and got {number}")
        });
    }
    let admitted = bots.iter().filter(|(record, _)| record.admitted.is_some()).count();
    let seen = format!("{} bots, {hammered} requests, {admitted} let in", bots.len());
    Verdict::new("a bot gains nothing by asking more often", seen, broken)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::audit::sample::honest;
    use crate::plan::Manner;

    fn with_bot(index: usize) -> Ledger {
        let mut ledger = honest(5, 5);
        ledger.records[index].plan.manner = Manner::Hammer { every: Duration::from_millis(1) };
        ledger
    }

    #[test]
    fn a_bot_in_its_turn_is_fine() {
        let verdict = gain_nothing(&with_bot(7), &Findings::default(), 100);
        assert!(verdict.ok);
        assert_eq!(verdict.seen, "1 bots, 100 requests, 1 let in");
    }

    #[test]
    fn a_bot_with_a_number_of_someone_before_it_is_seen() {
        let mut ledger = with_bot(7);
        ledger.records[7].entry.as_mut().unwrap().number = 3;
        let verdict = gain_nothing(&ledger, &Findings::default(), 1);
        assert_eq!(verdict.examples, ["bot 7 asked after 7 was acknowledged and got 3"]);
    }

    #[test]
    fn what_was_seen_during_the_run_counts() {
        let live = Findings::default();
        live.broke(|| "a purchase without a pass was answered 201".to_owned());
        assert!(!gain_nothing(&with_bot(7), &live, 1).ok);
    }
}
