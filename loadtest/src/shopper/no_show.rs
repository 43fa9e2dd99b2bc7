//! Called, and not there.
//!
//! Owns the way to be called without claiming: a poll of a called place is its claim, so near the
//! front a no-show looks at the sale's public status instead, where `serving` tells everyone how
//! far the gate has come.

use std::time::Duration;

use super::Shopper;
use crate::client::Call;
use crate::ledger::Outcome;
use crate::wire::Status;

/// A wait estimated to be longer than this is no danger of claiming by mistake.
const FAR_SECONDS: f64 = 10.0;
/// Between looks at the public status, which is at most a second old.
const LOOK_EVERY: Duration = Duration::from_millis(500);

impl Shopper {
    /// Polls while the turn is far, then watches it come and pass.
    pub(super) async fn stay_away(&mut self) -> Result<(), Outcome> {
        let eta = self.seen.as_ref().and_then(|place| place.eta_seconds);
        if eta.is_some_and(|eta| eta.min > FAR_SECONDS) {
            let intended = self.next_poll().await;
            return self.poll(intended).await;
        }
        let number = self.record.entry.as_ref().map_or(0, |entry| entry.number);
        let call = Call::get(self.run.path(""), "");
        loop {
            let intended = self.run.clock.now().after(LOOK_EVERY);
            self.run.pacer.until(intended).await;
            let answer = self.insist(&call, Some(intended)).await.answer;
            let serving = answer.parse::<Status>().and_then(|status| status.serving);
            if serving.is_some_and(|serving| serving >= number) {
                self.record.called = Some(answer.done);
                return Err(Outcome::NoShow);
            }
            if self.run.market.is_gone() {
                return Err(Outcome::SoldOut);
            }
        }
    }
}
