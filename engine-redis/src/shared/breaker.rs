//! Shards that do not answer: left alone for a while, and asked aside whether they are back.
//!
//! Owns what is known of each shard's health. A turn of the scribe waits for its calls, so a shard that
//! says nothing would stop the sales of all others for as long as a call may take, again and again. Here
//! that happens once: after a failure a shard is called again only when a probe, for which no turn waits,
//! was answered.

use std::{collections::BTreeMap, time::Duration};

use engine::clock::Millis;
use tokio::{task::JoinHandle, time::Instant};

use crate::store::{Shard, Store, StoreError};

/// The shortest and the longest wait before a shard that failed is asked again. The longest is what a
/// promoted replica waits for: who has a cluster's slots is asked before each probe.
const PAUSE: Duration = Duration::from_millis(25);
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// The breakers of all shards; before the first connection the one of [`Shard::default`].
#[derive(Debug, Default)]
pub(super) struct Breakers(BTreeMap<Shard, Breaker>);

/// One shard's.
#[derive(Debug, Default)]
struct Breaker {
    state: State,
    /// Failures since the last answer to a call.
    failures: u32,
    /// What the last failure was; none when the last call was answered.
    why: Option<String>,
    /// Since when every call was answered.
    since: Option<Millis>,
}

/// ```text
///   Closed ──failed──▶ Open ──pause over──▶ Probing ──answered──▶ Closed
///                        ◀──────────failed──────┘
/// ```
#[derive(Debug, Default)]
enum State {
    /// It is called.
    #[default]
    Closed,
    Open {
        until: Instant,
    },
    Probing(JoinHandle<Result<(), StoreError>>),
}

impl Breakers {
    /// Whether a shard is not to be called.
    pub(super) fn is_open(&self, shard: &Shard) -> bool {
        self.0.get(shard).is_some_and(|breaker| !matches!(breaker.state, State::Closed))
    }

    pub(super) fn is_any_open(&self) -> bool {
        self.0.keys().any(|shard| self.is_open(shard))
    }

    pub(super) fn failed(&mut self, shard: Shard, error: &StoreError) {
        self.0.entry(shard).or_default().failed(error);
    }

    /// A shard answered a call.
    pub(super) fn answered(&mut self, shard: Shard, at: Millis) {
        let breaker = self.0.entry(shard).or_default();
        if breaker.why.is_some() || breaker.since.is_none() {
            *breaker = Breaker { since: Some(at), ..Breaker::default() };
        }
    }

    /// Since when a shard has answered every call; `at` when it has not.
    pub(super) fn answered_since(&self, shard: &Shard, at: Millis) -> Millis {
        self.steady_since(shard).unwrap_or(at)
    }

    /// Since when a shard has answered every call; `None` when it has not.
    pub(super) fn steady_since(&self, shard: &Shard) -> Option<Millis> {
        self.0.get(shard).filter(|breaker| breaker.why.is_none())?.since
    }

    pub(super) fn troubles(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter_map(|(shard, breaker)| {
            let why = breaker.why.as_ref()?;
            let is_only = *shard == Shard::default();
            Some(if is_only { why.clone() } else { format!("{shard}: {why}") })
        })
    }

    /// Forgets shards that have nothing any more that is asked for.
    pub(super) fn keep(&mut self, is_used: impl Fn(&Shard) -> bool) {
        self.0.retain(|shard, _| is_used(shard));
    }

    /// Sends probes that are due and hears what came of those that were sent. Without a store, which
    /// means that nothing was connected to yet, the next connection is the probe.
    pub(super) async fn tend(&mut self, store: Option<&Store>) {
        for (shard, breaker) in &mut self.0 {
            match &mut breaker.state {
                State::Open { until } if Instant::now() >= *until => {
                    breaker.state = store.map_or(State::Closed, |store| {
                        let (store, shard) = (store.clone(), shard.clone());
                        State::Probing(tokio::spawn(async move { store.probe(&shard).await }))
                    });
                }
                State::Probing(probe) if probe.is_finished() => match probe.await {
                    Ok(Err(error)) => breaker.failed(&error),
                    Ok(Ok(())) | Err(_) => breaker.state = State::Closed,
                },
                State::Closed | State::Open { .. } | State::Probing(_) => {}
            }
        }
    }
}

impl Breaker {
    fn failed(&mut self, error: &StoreError) {
        let pause = PAUSE.saturating_mul(1 << self.failures.min(10)).min(PAUSE_MAX);
        self.failures = self.failures.saturating_add(1);
        self.state = State::Open { until: Instant::now() + pause };
        self.why = Some(error.to_string());
    }
}
