//! Waiting on the event stream.
//!
//! Owns one watcher's stream and its return after a break. Events pass the same rules as polls. An
//! event may have been on its way since the stream was opened, so it is held against what was
//! known then, and, since a stream keeps its order, against the events before it.

use std::sync::Arc;
use std::time::Duration;

use super::Shopper;
use crate::client::{Event, Heard, Stream};
use crate::clock::Stamp;
use crate::ledger::Outcome;
use crate::wire::{Place, PlaceState, Problem};
use crate::witness::Sample;

/// When the server does not say when to come back.
const RETRY_DEFAULT: Duration = Duration::from_secs(2);
/// The longest break before a watcher comes back.
const RETRY_MAX: Duration = Duration::from_secs(20);
/// How often a watcher of a sold-out sale asks itself whether units may still come back.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How a stream ended.
enum End {
    /// The place is one to act on.
    Place,
    /// It broke off.
    Broken,
    Visit(Outcome),
}

impl Shopper {
    /// Watches until the place is one to act on.
    pub(super) async fn watch(&mut self) -> Result<(), Outcome> {
        let mut intended = self.run.clock.now();
        loop {
            let retry = match self.open().await? {
                Err(retry_after) => retry_after,
                Ok((mut stream, sample)) => {
                    match self.listen(&mut stream, &sample, intended).await {
                        End::Place => return Ok(()),
                        End::Visit(outcome) => return Err(outcome),
                        End::Broken => stream.retry(),
                    }
                }
            };
            let retry = retry.unwrap_or(RETRY_DEFAULT).min(RETRY_MAX);
            let jitter = Duration::from_millis(self.rng.below(250));
            intended = self.run.clock.now().after(retry + jitter);
            self.run.pacer.until(intended).await;
        }
    }

    /// Opens the stream. The inner error says how long the server wants to be left alone.
    async fn open(&mut self) -> Result<Result<(Stream, Sample), Option<Duration>>, Outcome> {
        let run = Arc::clone(&self.run);
        let (_, mut call) = self.position_call();
        call.path = run.path("/stream");
        let sample = run.witness.sample();
        let node = run.client.any(&mut self.rng);
        let refused = match run.client.open(&call, node).await {
            Ok(Ok(stream)) => {
                run.measures.answered.add_one();
                return Ok(Ok((stream, sample)));
            }
            Ok(Err(refused)) => refused,
            Err(_lost) => {
                run.measures.unanswered.add_one();
                return Ok(Err(Some(Duration::from_millis(250))));
            }
        };
        run.measures.answered.add_one();
        match refused.status {
            429 | 502 | 503 => {
                run.measures.pushed_back.add_one();
                Ok(Err(refused.retry_after))
            }
            410 => {
                self.record.gone = Some(refused.code());
                Err(Outcome::Expired)
            }
            _ => {
                run.unexpected(&call, &refused);
                Err(Outcome::Refused)
            }
        }
    }

    async fn listen(&mut self, stream: &mut Stream, sample: &Sample, intended: Stamp) -> End {
        let run = Arc::clone(&self.run);
        let mut serving = None;
        let mut is_first = true;
        loop {
            let event = tokio::select! {
                event = run.client.next(stream) => event,
                () = self.all_gone() => return End::Visit(Outcome::SoldOut),
            };
            let Some((event, at)) = event else { return End::Broken };
            if std::mem::take(&mut is_first) {
                run.measures.stream.record(intended, at);
            }
            if let Some(end) = self.take_event(&event, stream.heard(at), sample, &mut serving) {
                return end;
            }
        }
    }

    /// Returns when the last place said sold out and nothing can come back on sale.
    async fn all_gone(&self) {
        let sold_out = self.seen.as_ref().is_some_and(|seen| seen.state == PlaceState::SoldOut);
        while !(sold_out && self.run.market.is_gone()) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn take_event(
        &mut self,
        event: &Event,
        heard: Heard,
        sample: &Sample,
        serving: &mut Option<u64>,
    ) -> Option<End> {
        let run = Arc::clone(&self.run);
        let number = self.record.entry.as_ref().map_or(0, |entry| entry.number);
        if event.name == "gone" {
            let code = serde_json::from_str::<Problem>(&event.data).unwrap_or_default().code;
            self.record.gone = Some(code);
            return Some(End::Visit(Outcome::Expired));
        }
        let place = serde_json::from_str::<Place>(&event.data);
        let Ok(place) = place.map_err(|error| {
            run.witness.contract.broke(|| format!("event {:?}: {error}", event.name));
        }) else {
            return Some(End::Visit(Outcome::Refused));
        };
        run.witness.place(number, &place, sample, heard);
        run.witness.serving.check(place.serving >= *serving, || {
            format!("stream of {number} showed serving {serving:?}, then {:?}", place.serving)
        });
        *serving = place.serving;
        self.check_position(number, &place, heard);
        let state = place.state;
        self.show(place, heard);
        matches!(state, PlaceState::Admitted | PlaceState::Closed).then_some(End::Place)
    }
}
