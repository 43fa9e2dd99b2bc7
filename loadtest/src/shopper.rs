//! One shopper: enter, wait, buy.
//!
//! Owns a visit from the intended arrival to its end, and the record of it. Each step notes what
//! it asks before it asks, and what was acknowledged after; see [`crate::ledger`]. What happens
//! after admission is in [`buy`].
//!
//! ```text
//! enter ─▶ waiting ──poll──▶ admitted ─▶ purchase ─▶ held ─▶ paying ─▶ confirmed
//!   ▲  └────▶ leaves, falls silent          │  ▲        └──▶ released, abandoned
//!   └─ refresh: same key, same number       └──┘ sold out for now: holds may come back
//! ```

mod buy;

use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use tokio::sync::watch;

use crate::client::Call;
use crate::ledger::{Entry, Leaving, Outcome, Record};
use crate::rng::Rng;
use crate::run::{Run, Settled};
use crate::scenario::{Manner, Plan, STREAM_SHOPPERS};
use crate::wire::{Place, PlaceState};

/// When the server does not say when to poll again.
const POLL_AFTER_MS_DEFAULT: u64 = 1_000;
/// Nobody polls faster than this, whatever the server says.
const POLL_AFTER_MS_MIN: u64 = 50;
/// Nobody waits longer than this between polls, so that a slip in the hint cannot end a run.
const POLL_AFTER_MS_MAX: u64 = 30_000;

/// Lives one visit, until its end or until `stop` turns true, and returns what is known.
pub(crate) async fn live(
    run: Arc<Run>,
    index: usize,
    plan: Plan,
    seed: u64,
    mut stop: watch::Receiver<bool>,
) -> Record {
    let key = format!("{}-{index}", run.nonce);
    let rng = Rng::split(seed, STREAM_SHOPPERS + index as u64);
    let record = Record::new(index, plan);
    let mut shopper = Shopper { run, rng, key, record, position: None, seen: None, refusals: 0 };
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
    /// The last position shown, which the next may not exceed.
    position: Option<u64>,
    /// The last place shown.
    seen: Option<Place>,
    /// Purchases refused so far.
    refusals: u32,
}

impl Shopper {
    async fn visit(&mut self) {
        self.record.outcome = match self.enter().await {
            Ok(()) => self.wait_and_buy().await,
            Err(outcome) => outcome,
        };
    }

    async fn enter(&mut self) -> Result<(), Outcome> {
        let run = Arc::clone(&self.run);
        run.measures.arrived.add_one();
        let call = Call::post(run.path("/enter"), "", self.key.as_str());
        let sample = run.witness.sample();
        let Settled { answer, sent } = run.insist(&call, &mut self.rng).await;
        let place = match (answer.status, answer.parse::<Place>()) {
            (200 | 202, Some(place)) => place,
            (409, _) if answer.code() == "sold_out" => return Err(Outcome::SoldOut),
            (409, _) if answer.code() == "sale_not_open" => return Err(Outcome::Closed),
            _ => {
                run.unexpected(&call, &answer);
                return Err(Outcome::Refused);
            }
        };
        let intended = crate::clock::Stamp::default().after(self.record.plan.arrival);
        run.measures.enter.record(intended, answer.done);
        let (Some(number), Some(ticket)) = (place.number, place.ticket.clone()) else {
            run.unexpected(&call, &answer);
            return Err(Outcome::Refused);
        };
        // After a lost answer this may be a replay of what was true then; only a first answer is
        // news that the others' places can be held against.
        if sent == answer.sent {
            run.witness.place(number, &place, sample);
        }
        self.record.entry = Some(Entry { sent, acked: answer.done, number, ticket });
        self.record.heard = answer.done;
        self.position = place.position;
        self.seen = Some(place);
        Ok(())
    }

    /// Polls until something ends the visit. Passes that run out send the shopper back to poll.
    async fn wait_and_buy(&mut self) -> Outcome {
        let mut polls = 0;
        loop {
            let (state, pass) = self
                .seen
                .as_ref()
                .map_or((PlaceState::Waiting, None), |place| (place.state, place.pass.clone()));
            let admitted = state == PlaceState::Admitted;
            if admitted && self.record.admitted.is_none() {
                self.record.admitted = Some(self.record.heard);
                self.run.measures.admitted.add_one();
            }
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
            if let Err(outcome) = self.poll().await {
                return outcome;
            }
            polls += 1;
        }
    }

    /// Does what sets this shopper apart, when its time has come.
    async fn deviate(&mut self, polls: u64, admitted: bool) -> Option<Outcome> {
        if let Some(after) = self.record.plan.refresh_after
            && (polls >= after || admitted)
        {
            self.record.plan.refresh_after = None;
            self.refresh().await;
        }
        match self.record.plan.manner {
            Manner::Leave { polls: after } if polls >= after || admitted => {
                Some(self.leave().await)
            }
            Manner::FallSilent { polls: after } if polls >= after || admitted => {
                Some(Outcome::FellSilent)
            }
            Manner::Stay | Manner::Leave { .. } | Manner::FallSilent { .. } => None,
        }
    }

    /// Waits as long as the server asked, then asks for the position.
    async fn poll(&mut self) -> Result<(), Outcome> {
        let run = Arc::clone(&self.run);
        let asked = self.seen.as_ref().and_then(|place| place.poll_after_ms);
        let asked = asked.unwrap_or(POLL_AFTER_MS_DEFAULT);
        let pause = Duration::from_millis(asked.clamp(POLL_AFTER_MS_MIN, POLL_AFTER_MS_MAX));
        let intended = run.clock.now().after(pause);
        run.clock.until(intended).await;

        let (number, call) = self.position_call();
        let sample = run.witness.sample();
        let Settled { answer, .. } = run.insist(&call, &mut self.rng).await;
        run.measures.position.record(intended, answer.done);
        match (answer.status, answer.parse::<Place>()) {
            (200, Some(place)) => {
                run.witness.place(number, &place, sample);
                self.check_position(number, &place);
                self.record.heard = answer.done;
                self.seen = Some(place);
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

    fn check_position(&mut self, number: u64, place: &Place) {
        if !matches!(place.state, PlaceState::Waiting | PlaceState::Ready | PlaceState::Admitted) {
            return;
        }
        if let (Some(before), Some(now)) = (self.position, place.position) {
            self.run
                .witness
                .position
                .check(now <= before, || format!("number {number} was at {before}, then at {now}"));
        }
        self.position = place.position.or(self.position);
    }

    /// Enters again with the same key: the place must be the same.
    async fn refresh(&mut self) {
        let run = Arc::clone(&self.run);
        let call = Call::post(run.path("/enter"), "", self.key.as_str());
        let Settled { answer, .. } = run.insist(&call, &mut self.rng).await;
        let Some(entry) = self.record.entry.as_ref() else { return };
        match (answer.status, answer.parse::<Place>()) {
            (200 | 202, Some(again)) => {
                run.witness.number.check(again.number == Some(entry.number), || {
                    format!("key {} had {}, then {:?}", self.key, entry.number, again.number)
                });
            }
            _ => run.unexpected(&call, &answer),
        }
    }

    async fn leave(&mut self) -> Outcome {
        let run = Arc::clone(&self.run);
        self.record.leaving = Leaving::Sent;
        let (_, mut call) = self.position_call();
        call.method = Method::POST;
        call.path = run.path("/leave");
        let Settled { answer, .. } = run.insist(&call, &mut self.rng).await;
        match answer.status {
            204 => self.record.leaving = Leaving::Acknowledged,
            // Already out of the line: there is nothing left to leave.
            410 => self.record.gone = Some(answer.code()),
            _ => run.unexpected(&call, &answer),
        }
        Outcome::Left
    }
}
