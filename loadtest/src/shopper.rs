//! One shopper: enter, wait, buy.
//!
//! Owns a visit from the intended arrival to its end, and the record of it. Each step notes what
//! it asks before it asks, and what was acknowledged after; see [`crate::ledger`]. What happens
//! after admission is in [`buy`]; each other way of waiting has a file of its own.
//!
//! ```text
//! enter ─▶ waiting ──poll──▶ admitted ─▶ purchase ─▶ held ─▶ paying ─▶ confirmed
//!   ▲  └────▶ leaves, falls silent, no-show │  ▲        └──▶ released, abandoned
//!   └─ refresh: same key, same number       └──┘ sold out for now: holds may come back
//! ```

mod bot;
mod buy;
mod no_show;
mod tabs;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use tokio::sync::watch as signal;

use crate::client::{Call, Heard};
use crate::clock::Stamp;
use crate::ledger::{Entry, EstimatedWait, Leaving, Outcome, Record};
use crate::plan::{Manner, Plan, STREAM_SHOPPERS};
use crate::rng::Rng;
use crate::run::{Insistence, Run, Settled};
use crate::wire::{Place, PlaceState};

/// When the server does not say when to poll again.
const POLL_AFTER_MS_DEFAULT: u64 = 1_000;
/// Only a bot polls faster than this, whatever the server says.
const POLL_AFTER_MS_MIN: u64 = 50;
/// The longest wait between polls, so that a slip in the hint cannot end a run.
const POLL_AFTER_MS_MAX: u64 = 30_000;

/// Lives one visit, until its end or until `stop` turns true, and returns what is known.
pub(crate) async fn live(
    run: Arc<Run>,
    index: usize,
    plan: Plan,
    seed: u64,
    mut stop: signal::Receiver<bool>,
) -> Record {
    let key = format!("{}-{index}", run.nonce);
    let rng = Rng::split(seed, STREAM_SHOPPERS + index as u64);
    let record = Record::new(index, plan);
    let positions = vec![None; run.client.nodes().len()];
    let mut shopper = Shopper { run, rng, key, record, positions, seen: None, refusals: 0 };
    tokio::select! {
        () = shopper.visit() => {}
        // A dropped sender means the run is over as well.
        _ = stop.wait_for(|stopped| *stopped) => {}
    }
    shopper.record
}

/// A visit in progress.
struct Shopper {
    run: Arc<Run>,
    rng: Rng,
    /// The `Idempotency-Key` of entering; purchases derive theirs from it.
    key: String,
    record: Record,
    /// The last position that each node showed and when, which its next may not exceed.
    positions: Vec<Option<(u64, Stamp)>>,
    /// The last place shown.
    seen: Option<Place>,
    /// Purchases refused so far.
    refusals: u32,
}

impl Shopper {
    async fn visit(&mut self) {
        self.run.measures.arrived.add_one();
        let entered = match self.record.plan.manner {
            Manner::Tabs { tabs } => self.enter_from(tabs).await,
            Manner::Stay
            | Manner::Refresh { .. }
            | Manner::Leave { .. }
            | Manner::FallSilent { .. }
            | Manner::NoShow
            | Manner::Watch
            | Manner::Hammer { .. } => self.enter().await,
        };
        self.record.outcome = match (entered, self.record.plan.manner) {
            (Err(outcome), _) => outcome,
            (Ok(()), Manner::Hammer { every }) => self.hammer(every).await,
            (Ok(()), _) => self.wait_and_buy().await,
        };
    }

    /// The moment this shopper was to come.
    fn arrival(&self) -> Stamp {
        Stamp::default().after(self.record.plan.arrival)
    }

    /// Insists on `call`, meant to leave at `intended`, as patiently as this shopper is.
    async fn insist(&mut self, call: &Call, intended: Option<Stamp>) -> Settled {
        let how = Insistence { intended, ..self.patience() };
        let run = Arc::clone(&self.run);
        run.insist_as(call, how, &mut self.rng).await
    }

    /// People wait as long as they are asked to; bots do not.
    fn patience(&self) -> Insistence {
        match self.record.plan.manner {
            Manner::Hammer { every } => Insistence { intended: None, retry_after_max: every },
            Manner::Stay
            | Manner::Refresh { .. }
            | Manner::Tabs { .. }
            | Manner::Leave { .. }
            | Manner::FallSilent { .. }
            | Manner::NoShow
            | Manner::Watch => Insistence::default(),
        }
    }

    fn enter_call(&self) -> Call {
        Call::post(self.run.path("/enter"), "", self.key.as_str())
    }

    async fn enter(&mut self) -> Result<(), Outcome> {
        let run = Arc::clone(&self.run);
        let (call, arrival) = (self.enter_call(), self.arrival());
        let sample = run.witness.sample();
        let settled = self.insist(&call, Some(arrival)).await;
        let (place, number) = self.entered(&call, &settled)?;
        // After a lost answer this may be a replay of what was true then; only a first answer is
        // news that the others' places can be held against.
        if settled.sent == settled.answer.sent {
            if self.record.plan.is_bot() {
                run.witness.bot(number, &place, &sample, settled.answer.heard());
            } else {
                run.witness.place(number, &place, &sample, settled.answer.heard());
            }
        }
        self.show(place, settled.answer.heard());
        Ok(())
    }

    /// Notes the place that entering gave.
    fn entered(&mut self, call: &Call, settled: &Settled) -> Result<(Place, u64), Outcome> {
        let Settled { answer, sent } = settled;
        let place = match (answer.status, answer.parse::<Place>()) {
            (200 | 202, Some(place)) => place,
            (409, _) if answer.code() == "sold_out" => return Err(Outcome::SoldOut),
            (409, _) if answer.code() == "sale_not_open" => return Err(Outcome::Closed),
            _ => {
                self.run.unexpected(call, answer);
                return Err(Outcome::Refused);
            }
        };
        self.run.measures.enter.record(self.arrival(), answer.done);
        let (Some(number), Some(ticket)) = (place.number, place.ticket.clone()) else {
            self.run.unexpected(call, answer);
            return Err(Outcome::Refused);
        };
        let (acked, serving) = (answer.done, place.serving);
        self.record.entry = Some(Entry { sent: *sent, acked, number, ticket, serving });
        if place.state == PlaceState::Waiting && *sent == answer.sent {
            let at = answer.done;
            self.record.estimated = place.eta_seconds.map(|eta| EstimatedWait { at, eta });
        }
        Ok((place, number))
    }

    /// Takes `place`, told as `heard`, for what is known from now on.
    fn show(&mut self, place: Place, heard: Heard) {
        self.record.heard = heard.done;
        if place.state == PlaceState::Admitted && self.record.admitted.is_none() {
            self.record.admitted = Some(heard.done);
            self.run.measures.admitted.add_one();
        }
        if let Some(position) = place.position {
            self.positions[heard.node.0] = Some((position, heard.done));
        }
        self.seen = Some(place);
    }

    /// Waits until something ends the visit. Passes that run out send the shopper back to wait.
    async fn wait_and_buy(&mut self) -> Outcome {
        let mut polls = 0;
        loop {
            let (state, pass) = self
                .seen
                .as_ref()
                .map_or((PlaceState::Waiting, None), |place| (place.state, place.pass.clone()));
            let admitted = state == PlaceState::Admitted;
            if let Some(outcome) = self.deviate(polls, admitted).await {
                return outcome;
            }
            match state {
                PlaceState::Closed => return Outcome::Closed,
                PlaceState::SoldOut if self.run.market.is_gone() => return Outcome::SoldOut,
                PlaceState::Admitted => {
                    if let Some(pass) = pass
                        && let Some(outcome) = self.buy(&pass).await
                    {
                        return outcome;
                    }
                }
                PlaceState::SoldOut
                | PlaceState::Lobby
                | PlaceState::Waiting
                | PlaceState::Ready => {}
            }
            if let Err(outcome) = self.hear().await {
                return outcome;
            }
            polls += 1;
        }
    }

    /// Learns the place again, the way this shopper does.
    async fn hear(&mut self) -> Result<(), Outcome> {
        match self.record.plan.manner {
            Manner::Tabs { tabs } => self.poll_from(tabs).await,
            Manner::Watch => self.watch().await,
            Manner::NoShow => self.stay_away().await,
            Manner::Stay
            | Manner::Refresh { .. }
            | Manner::Leave { .. }
            | Manner::FallSilent { .. }
            | Manner::Hammer { .. } => {
                let intended = self.next_poll().await;
                self.poll(intended).await
            }
        }
    }

    /// Does what sets this shopper apart, when its time has come.
    async fn deviate(&mut self, polls: u64, admitted: bool) -> Option<Outcome> {
        match self.record.plan.manner {
            Manner::Refresh { times } if times > 0 => {
                self.record.plan.manner = Manner::Refresh { times: times - 1 };
                if admitted || self.rng.chance(50) {
                    self.refresh().await;
                    return None;
                }
                let at_once = self.run.clock.now();
                self.poll(at_once).await.err()
            }
            Manner::Leave { polls: after } if polls >= after || admitted => {
                Some(self.leave().await)
            }
            Manner::FallSilent { polls: after } if polls >= after || admitted => {
                Some(Outcome::FellSilent)
            }
            Manner::NoShow if admitted => Some(Outcome::NoShow),
            Manner::Stay
            | Manner::Refresh { .. }
            | Manner::Tabs { .. }
            | Manner::Leave { .. }
            | Manner::FallSilent { .. }
            | Manner::NoShow
            | Manner::Watch
            | Manner::Hammer { .. } => None,
        }
    }

    /// Waits as long as the server asked and returns the moment that was meant.
    async fn next_poll(&mut self) -> Stamp {
        let asked = self.seen.as_ref().and_then(|place| place.poll_after_ms);
        let asked = asked.unwrap_or(POLL_AFTER_MS_DEFAULT);
        let pause = Duration::from_millis(asked.clamp(POLL_AFTER_MS_MIN, POLL_AFTER_MS_MAX));
        let intended = self.run.clock.now().after(pause);
        self.run.pacer.until(intended).await;
        intended
    }

    /// Asks for the position once.
    async fn poll(&mut self, intended: Stamp) -> Result<(), Outcome> {
        let run = Arc::clone(&self.run);
        let (number, call) = self.position_call();
        let sample = run.witness.sample();
        let Settled { answer, .. } = self.insist(&call, Some(intended)).await;
        run.measures.position.record(intended, answer.done);
        match (answer.status, answer.parse::<Place>()) {
            (200, Some(place)) => {
                run.witness.place(number, &place, &sample, answer.heard());
                self.check_position(number, &place, answer.heard());
                self.show(place, answer.heard());
                Ok(())
            }
            (410, _) => {
                self.record.gone = Some(answer.code());
                Err(Outcome::Expired)
            }
            _ => {
                run.unexpected(&call, &answer);
                Err(Outcome::Refused)
            }
        }
    }

    fn position_call(&self) -> (u64, Call) {
        let entry = self.record.entry.as_ref();
        let (number, ticket) = entry.map_or((0, ""), |entry| (entry.number, &entry.ticket));
        (number, Call::get(self.run.path("/position"), ticket))
    }

    /// Holds `place` against the positions that were known when it was asked for: a node's own may
    /// not have been lower; another's may, by as much as this node is behind.
    fn check_position(&self, number: u64, place: &Place, heard: Heard) {
        let in_line =
            matches!(place.state, PlaceState::Waiting | PlaceState::Ready | PlaceState::Admitted);
        let Some(now) = place.position.filter(|_| in_line) else { return };
        let witness = &self.run.witness;
        if let Some((before, _)) = self.positions[heard.node.0] {
            witness
                .position
                .check(now <= before, || format!("number {number} was at {before}, then at {now}"));
        }
        let lower = |(before, at): &(u64, Stamp)| *before < now && *at < heard.sent;
        if let Some((_, at)) = self.positions.iter().flatten().copied().filter(lower).min() {
            witness.risen(at, heard);
        }
    }

    /// Enters again with the same key: the place must be the same.
    async fn refresh(&mut self) {
        let call = self.enter_call();
        let Settled { answer, .. } = self.insist(&call, None).await;
        self.check_number(&call, &answer);
    }

    /// Holds the answer of an entry with this shopper's key against the number it has.
    fn check_number(&self, call: &Call, answer: &crate::client::Answer) {
        let Some(entry) = self.record.entry.as_ref() else { return };
        match (answer.status, answer.parse::<Place>()) {
            (200 | 202, Some(again)) => {
                self.run.witness.number.check(again.number == Some(entry.number), || {
                    format!("key {} had {}, then {:?}", self.key, entry.number, again.number)
                });
            }
            _ => self.run.unexpected(call, answer),
        }
    }

    async fn leave(&mut self) -> Outcome {
        self.record.leaving = Leaving::Sent;
        let (_, mut call) = self.position_call();
        call.method = Method::POST;
        call.path = self.run.path("/leave");
        let Settled { answer, .. } = self.insist(&call, None).await;
        match answer.status {
            204 => self.record.leaving = Leaving::Acknowledged,
            // Already out of the line: there is nothing left to leave.
            410 => self.record.gone = Some(answer.code()),
            _ => self.run.unexpected(&call, &answer),
        }
        Outcome::Left
    }
}
