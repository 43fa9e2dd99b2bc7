//! What all shoppers of one run share, and how they retry.
//!
//! Owns the retry rule of the crowd: a request is repeated under the same key until it has a
//! definite answer. 429 and 503 wait as long as the server asks; a lost connection or an answer
//! that means a broken server backs off with jitter. With several nodes the first attempt goes to
//! any of them and each further one to another, as behind a load balancer. There is no attempt limit
//! because the run's deadline ends everything.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::client::{Answer, Call, Client};
use crate::clock::{Clock, Stamp};
use crate::measure::Measures;
use crate::pacer::Pacer;
use crate::rng::Rng;
use crate::witness::Witness;

/// First wait after a lost connection.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
/// Longest wait after a lost connection: short, so that a restarted server meets its crowd.
const BACKOFF_MAX: Duration = Duration::from_secs(1);
/// Longest `Retry-After` that is obeyed; more would outlast the run.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(20);

/// A definite answer and the earliest attempt that may have caused it.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub(crate) answer: Answer,
    pub(crate) sent: Stamp,
}

/// How a request is insisted on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Insistence {
    /// When it should leave: how much later the first attempt begins is the schedule error.
    /// `None` for a request that nothing but another answer brought about.
    pub(crate) intended: Option<Stamp>,
    /// The longest `Retry-After` that is obeyed.
    pub(crate) retry_after_max: Duration,
}

impl Default for Insistence {
    fn default() -> Self {
        Self { intended: None, retry_after_max: RETRY_AFTER_MAX }
    }
}

/// What the crowd is told about the stock while it shops.
#[derive(Debug, Default)]
pub(crate) struct Market {
    available: AtomicU64,
    gone: AtomicBool,
}

impl Market {
    /// Publishes a reading. `gone` is for ever: nothing will come back on sale.
    pub(crate) fn publish(&self, available: u64, gone: bool) {
        self.available.store(available, Ordering::Relaxed);
        self.gone.fetch_or(gone, Ordering::Relaxed);
    }

    /// True when every unit is sold.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// Units on sale at the last reading. A hint: it may be stale.
    pub(crate) fn available(&self) -> u64 {
        self.available.load(Ordering::Relaxed)
    }
}

/// The run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) client: Client,
    pub(crate) clock: Clock,
    pub(crate) pacer: Pacer,
    pub(crate) measures: Measures,
    pub(crate) witness: Witness,
    pub(crate) market: Market,
    /// Set when a killed server did not come back: nothing more can be learnt.
    pub(crate) server_lost: AtomicBool,
    pub(crate) sale: String,
    /// What is on sale.
    pub(crate) sku: String,
    pub(crate) operator_key: String,
    pub(crate) backend_key: String,
    /// Unique to the run, so that keys of two runs never meet on one server.
    pub(crate) nonce: String,
}

impl Run {
    /// The path of this sale, with `rest` behind it.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/sales/{}{rest}", self.sale)
    }

    /// Repeats `call` until it has a definite answer. Ends only with one, or when dropped.
    pub(crate) async fn insist(&self, call: &Call, rng: &mut Rng) -> Settled {
        self.insist_as(call, Insistence::default(), rng).await
    }

    /// The same, paced and patient as told.
    pub(crate) async fn insist_as(
        &self,
        call: &Call,
        mut how: Insistence,
        rng: &mut Rng,
    ) -> Settled {
        let mut earliest: Option<Stamp> = None;
        let mut backoff = BACKOFF_MIN;
        let mut node = self.client.any(rng);
        loop {
            let attempt = self.client.send(call, node).await;
            let begun = attempt.as_ref().map_or_else(|error| error.begun, |answer| answer.begun);
            if let Some(intended) = how.intended.take() {
                self.measures.schedule.record(intended, begun);
            }
            match attempt {
                Ok(answer) => {
                    self.measures.answered.add_one();
                    let sent = *earliest.get_or_insert(answer.sent);
                    let Some(wait) = self.wait_before_repeat(call, &answer, backoff) else {
                        return Settled { answer, sent };
                    };
                    // Too many requests: refused at the door, so this attempt did nothing.
                    if answer.status == 429 && sent == answer.sent {
                        earliest = None;
                    }
                    jittered_sleep(wait.min(how.retry_after_max), rng).await;
                }
                Err(error) => {
                    self.measures.unanswered.add_one();
                    earliest = earliest.or(error.sent);
                    jittered_sleep(backoff.min(how.retry_after_max), rng).await;
                }
            }
            backoff = (backoff * 2).min(BACKOFF_MAX);
            node = self.client.another(node, rng);
        }
    }

    /// How long to wait before asking again; `None` when the answer stands.
    fn wait_before_repeat(
        &self,
        call: &Call,
        answer: &Answer,
        backoff: Duration,
    ) -> Option<Duration> {
        match answer.status {
            429 | 503 => {
                self.measures.pushed_back.add_one();
                self.witness.contract.check(answer.retry_after.is_some(), || {
                    format!("{} without Retry-After on {}", answer.status, call.path)
                });
                Some(answer.retry_after.unwrap_or(backoff))
            }
            // A gateway found no server behind it.
            502 => {
                self.measures.pushed_back.add_one();
                Some(answer.retry_after.unwrap_or(backoff))
            }
            500..=599 => {
                self.unexpected(call, answer);
                Some(backoff)
            }
            _ => None,
        }
    }

    /// Notes an answer the contract does not allow here.
    pub(crate) fn unexpected(&self, call: &Call, answer: &Answer) {
        self.witness.contract.broke(|| {
            let body: String = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
            format!("{} {} answered {}: {body}", call.method, call.path, answer.status)
        });
    }
}

/// Sleeps between one and one and a half times `wait`, so that a crowd turned away together does
/// not come back together.
async fn jittered_sleep(wait: Duration, rng: &mut Rng) {
    let extra = u64::try_from(wait.as_micros() / 2).unwrap_or(u64::MAX);
    tokio::time::sleep(wait + Duration::from_micros(rng.between(0, extra))).await;
}
