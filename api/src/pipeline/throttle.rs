//! The one pause that concerns the whole sink.
//!
//! Two kinds of trouble are kept apart. An event that is refused, or that the sink fails at, waits
//! by itself, and the others go on. A sink that does not answer concerns all events: [`Throttle`] pauses all of them and then
//! lets one event at a time try, until one is answered. Time and chance come in as arguments.

use std::time::Duration;

use tokio::time::Instant;

/// The longest pause a sink can ask for: an hour's `Retry-After` must not stop the orders so long
/// after the sink is back.
pub(super) const ASKED_PAUSE_MAX: Duration = Duration::from_mins(1);

/// Whether the sink is answering, and until when it is left alone if not.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    /// Failures in a row with no answer between them; each round of attempts counts once.
    stalls: u32,
    round: u64,
    paused_until: Option<Instant>,
}

impl Throttle {
    /// The round an attempt that begins now belongs to.
    pub(super) fn round(&self) -> u64 {
        self.round
    }

    /// How many calls may be under way at `now`: none, one to find out, or all of `batches_max`.
    pub(super) fn batches(&self, now: Instant, batches_max: usize) -> usize {
        match self.paused_until {
            Some(until) if now < until => 0,
            _ if self.stalls > 0 => 1,
            _ => batches_max,
        }
    }

    /// An attempt of `round` was not answered. Attempts that fail together are one failure.
    pub(super) fn stalled(
        &mut self,
        round: u64,
        now: Instant,
        asked: Option<Duration>,
        delay: impl FnOnce(u32) -> Duration,
    ) {
        if round != self.round {
            return;
        }
        self.round += 1;
        self.stalls = self.stalls.saturating_add(1);
        let asked = asked.unwrap_or(Duration::ZERO).min(ASKED_PAUSE_MAX);
        self.paused_until = Some(now + delay(self.stalls).max(asked));
    }

    /// An attempt was answered, whatever the answer.
    pub(super) fn flows(&mut self) {
        (self.stalls, self.paused_until) = (0, None);
    }

    /// Whether the last word was that the sink does not answer.
    pub(super) fn is_stalled(&self) -> bool {
        self.stalls > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outbound::Backoff;

    const BACKOFF: Backoff =
        Backoff { first: Duration::from_millis(200), max: Duration::from_secs(30) };

    #[test]
    fn a_whole_round_of_failures_counts_once_and_then_one_attempt_finds_out() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        let round = throttle.round();
        for _ in 0..32 {
            throttle.stalled(round, now, None, |stalls| BACKOFF.delay(stalls, 0));
        }
        assert_eq!(throttle.stalls, 1);
        assert_eq!(throttle.batches(now, 32), 0);
        let later = now + Duration::from_millis(200);
        assert_eq!(throttle.batches(later, 32), 1);
        throttle.flows();
        assert_eq!(throttle.batches(later, 32), 32);
    }

    #[test]
    fn a_late_failure_of_a_round_that_was_answered_since_stalls_nothing() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        throttle.stalled(0, now, None, |stalls| BACKOFF.delay(stalls, 0));
        throttle.flows();
        throttle.stalled(0, now, None, |stalls| BACKOFF.delay(stalls, 0));
        assert!(!throttle.is_stalled());
        assert_eq!(throttle.batches(now, 32), 32);
    }

    #[test]
    fn a_sink_can_ask_for_a_longer_pause_but_not_for_an_hour() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        let hour = Some(Duration::from_hours(1));
        throttle.stalled(0, now, hour, |stalls| BACKOFF.delay(stalls, 0));
        assert_eq!(throttle.paused_until, Some(now + ASKED_PAUSE_MAX));
    }
}
