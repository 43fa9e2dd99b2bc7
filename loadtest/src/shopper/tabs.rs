//! One shopper, several tabs: the same key at the same moment, and one place.
//!
//! Owns the sending at once and the comparing of the answers. Tabs that overlap may be answered
//! in any order, so each is held against what was known before any of them asked.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::Shopper;
use crate::client::Call;
use crate::clock::Stamp;
use crate::ledger::Outcome;
use crate::run::{Insistence, Settled};
use crate::wire::Place;

impl Shopper {
    /// Enters from each tab at once.
    pub(super) async fn enter_from(&mut self, tabs: u8) -> Result<(), Outcome> {
        let (call, arrival) = (self.enter_call(), self.arrival());
        let mut all = self.at_once(&call, tabs, arrival).await;
        all.sort_unstable_by_key(|settled| settled.answer.done);
        let Some(mut first) = all.first().cloned() else { return Err(Outcome::Refused) };
        // Any of them may have made the place; the first answer acknowledged it.
        first.sent = all.iter().map(|settled| settled.sent).min().unwrap_or(first.sent);
        let (place, _number) = self.entered(&call, &first)?;
        for other in all.iter().skip(1) {
            self.check_number(&call, &other.answer);
        }
        self.show(place, first.answer.heard());
        Ok(())
    }

    /// Polls from each tab at once, when the server asked to.
    pub(super) async fn poll_from(&mut self, tabs: u8) -> Result<(), Outcome> {
        let intended = self.next_poll().await;
        let run = Arc::clone(&self.run);
        let (number, call) = self.position_call();
        let sample = run.witness.sample();
        let all = self.at_once(&call, tabs, intended).await;
        let mut places = Vec::new();
        for Settled { answer, .. } in &all {
            run.measures.position.record(intended, answer.done);
            match (answer.status, answer.parse::<Place>()) {
                (200, Some(place)) => {
                    run.witness.place(number, &place, &sample, answer.heard());
                    self.check_position(number, &place, answer.heard());
                    places.push((answer.heard(), place));
                }
                (410, _) => {
                    self.record.gone = Some(answer.code());
                    return Err(Outcome::Expired);
                }
                _ => {
                    run.unexpected(&call, answer);
                    return Err(Outcome::Refused);
                }
            }
        }
        // What is furthest ahead is what the next answers are held against.
        places.sort_by_key(|(heard, place)| (place.position, heard.done));
        for (heard, place) in places.into_iter().rev() {
            self.show(place, heard);
        }
        Ok(())
    }

    async fn at_once(&mut self, call: &Call, tabs: u8, intended: Stamp) -> Vec<Settled> {
        let mut asking = JoinSet::new();
        for _ in 0..tabs {
            let how = Insistence { intended: Some(intended), ..self.patience() };
            let (run, call, mut rng) = (Arc::clone(&self.run), call.clone(), self.rng.clone());
            self.rng.next();
            asking.spawn(async move { run.insist_as(&call, how, &mut rng).await });
        }
        asking.join_all().await
    }
}
