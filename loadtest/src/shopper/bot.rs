//! A bot: asks as fast as it likes and obeys nothing.
//!
//! Owns the hammering. Whatever it is told to wait, its next request is meant to leave one period
//! after the last was meant to. Most ask for the place; some enter again with the same key, some
//! try to buy with a ticket in place of a pass. None of this may help it: see
//! [`crate::witness::Witness::bot`]. Once let in, it buys like anyone else.

use std::sync::Arc;
use std::time::Duration;

use super::Shopper;
use crate::client::{Answer, Call};
use crate::clock::Stamp;
use crate::ledger::Outcome;
use crate::wire::{Item, Place, PlaceState, PurchaseRequest};
use crate::witness::Sample;

/// One in so many requests enters again, and one tries to buy.
const TRICK_EVERY: u64 = 8;

impl Shopper {
    /// Hammers until let in, then buys.
    pub(super) async fn hammer(&mut self, every: Duration) -> Outcome {
        let run = Arc::clone(&self.run);
        let mut intended = self.arrival();
        for count in 0_u64.. {
            let seen = self.seen.as_ref().map(|place| (place.state, place.pass.clone()));
            match seen {
                Some((PlaceState::Admitted, Some(pass))) => {
                    if let Some(outcome) = self.buy(&pass).await {
                        return outcome;
                    }
                    intended = run.clock.now();
                }
                Some((PlaceState::Closed, _)) => return Outcome::Closed,
                _ if run.market.is_gone() => return Outcome::SoldOut,
                _ => {}
            }
            intended = intended.after(every);
            run.pacer.until(intended).await;
            let call = match count % TRICK_EVERY {
                2 => self.enter_call(),
                5 => self.theft(count),
                _ => self.position_call().1,
            };
            if let Some(outcome) = self.strike(&call, intended).await {
                return outcome;
            }
        }
        Outcome::Unfinished
    }

    /// A purchase under the ticket, which is no pass.
    fn theft(&self, count: u64) -> Call {
        let ticket = self.record.entry.as_ref().map_or("", |entry| &entry.ticket);
        let item = Item { sku: self.run.sku.clone(), quantity: 1 };
        let key = format!("{}-theft-{count}", self.key);
        let call = Call::post(self.run.path("/purchase"), ticket, key);
        call.json(&PurchaseRequest { items: [item] })
    }

    /// Sends `call` once and judges its answer.
    async fn strike(&mut self, call: &Call, intended: Stamp) -> Option<Outcome> {
        let run = Arc::clone(&self.run);
        let sample = run.witness.sample();
        run.measures.hammered.add_one();
        let node = run.client.any(&mut self.rng);
        let attempt = run.client.send(call, node).await;
        let begun = attempt.as_ref().map_or_else(|error| error.begun, |answer| answer.begun);
        run.measures.schedule.record(intended, begun);
        let Ok(answer) = attempt else {
            run.measures.unanswered.add_one();
            return None;
        };
        run.measures.answered.add_one();
        if call.path.ends_with("/purchase") {
            run.witness.bots.check(!(200..300).contains(&answer.status), || {
                format!("a purchase without a pass was answered {}", answer.status)
            });
        }
        match answer.status {
            429 | 502 | 503 => {
                run.measures.pushed_back.add_one();
                None
            }
            500..=599 => {
                run.unexpected(call, &answer);
                None
            }
            _ if call.path.ends_with("/purchase") => None,
            _ if call.path.ends_with("/enter") => {
                self.check_number(call, &answer);
                None
            }
            _ => self.placed(call, &answer, &sample, intended),
        }
    }

    fn placed(
        &mut self,
        call: &Call,
        answer: &Answer,
        sample: &Sample,
        intended: Stamp,
    ) -> Option<Outcome> {
        let number = self.record.entry.as_ref().map_or(0, |entry| entry.number);
        self.run.measures.position.record(intended, answer.done);
        match (answer.status, answer.parse::<Place>()) {
            (200, Some(place)) => {
                self.run.witness.bot(number, &place, sample, answer.heard());
                self.check_position(number, &place, answer.heard());
                self.show(place, answer.heard());
                None
            }
            (410, _) => {
                self.record.gone = Some(answer.code());
                Some(Outcome::Expired)
            }
            _ => {
                self.run.unexpected(call, answer);
                Some(Outcome::Refused)
            }
        }
    }
}
