//! How long no one could enter.
//!
//! Owns one prober for each node: it enters under a new key every 100 ms, the probers in turn, repeats
//! under the same key until it gets a place, and leaves the line again, so that it takes nothing from the
//! crowd. What counts is the longest time without any acknowledged entry, at one node and
//! anywhere.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::http::{Client, Request};
use crate::process;

/// Between two entries at one node.
const EVERY: Duration = Duration::from_millis(100);
/// Before an entry that was refused or lost is tried again.
const AGAIN: Duration = Duration::from_millis(25);
/// An answer that takes longer is none.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// The probers at work.
#[derive(Debug)]
pub(super) struct Probe {
    stop: Arc<AtomicBool>,
    probers: Vec<JoinHandle<Probed>>,
}

/// What one of them found, or all together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Probed {
    /// When entries were acknowledged, from the beginning.
    pub(super) acknowledged: Vec<Duration>,
    /// Answers 429 and 503.
    pub(super) refused: u64,
    /// How long the slowest of them took.
    pub(super) slowest_refusal: Duration,
    /// Requests that were not answered, or could not be sent.
    pub(super) lost: u64,
}

impl Probe {
    /// Begins at nodes that serve `sale`; times count from `begun`.
    pub(super) fn start(nodes: &[SocketAddr], sale: &str, begun: Instant) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let share = u32::try_from(nodes.len()).unwrap_or(1).max(1);
        let probers = (0_u32..).zip(nodes.iter().copied()).map(|(index, node)| {
            let (stop, sale) = (Arc::clone(&stop), sale.to_owned());
            thread::spawn(move || {
                thread::sleep(EVERY / share * index);
                probe(node, index, &sale, begun, &stop)
            })
        });
        Self { probers: probers.collect(), stop }
    }

    /// Ends it; what was found at each node.
    pub(super) fn finish(self) -> Vec<Probed> {
        self.stop.store(true, Ordering::Release);
        self.probers.into_iter().map(|prober| prober.join().unwrap_or_default()).collect()
    }
}

impl Probed {
    /// All together.
    pub(super) fn all(probed: &[Self]) -> Self {
        let mut acknowledged: Vec<Duration> =
            probed.iter().flat_map(|one| one.acknowledged.iter().copied()).collect();
        acknowledged.sort_unstable();
        let sum = |count: fn(&Self) -> u64| probed.iter().map(count).sum();
        let slowest_refusal =
            probed.iter().map(|one| one.slowest_refusal).max().unwrap_or_default();
        let (refused, lost) = (sum(|one| one.refused), sum(|one| one.lost));
        Self { acknowledged, refused, slowest_refusal, lost }
    }

    /// How long after `moment` the first entry was acknowledged.
    pub(super) fn back_after(&self, moment: Duration) -> Option<Duration> {
        let mut later = self.acknowledged.iter().filter_map(|at| at.checked_sub(moment));
        later.next()
    }

    /// The longest time between two acknowledged entries, and when it began.
    pub(super) fn longest_gap(&self) -> (Duration, Duration) {
        let gaps =
            self.acknowledged.windows(2).map(|pair| (pair[1].saturating_sub(pair[0]), pair[0]));
        gaps.max().unwrap_or_default()
    }
}

fn probe(node: SocketAddr, index: u32, sale: &str, begun: Instant, stop: &AtomicBool) -> Probed {
    let mut found = Probed::default();
    let mut client = Client::new(node, ANSWER_MAX);
    let enter = format!("/v1/sales/{sale}/enter");
    let leave = format!("/v1/sales/{sale}/leave");
    for count in 0_u64.. {
        let key = format!("one-entry-of-the-probe-{index}-{count}");
        let ticket = loop {
            if stop.load(Ordering::Acquire) {
                return found;
            }
            let asked = process::now();
            let answer = client.ask(&Request { key: &key, ..Request::post(&enter) });
            match answer.map(|answer| (answer.status, answer)) {
                Ok((200 | 202, answer)) => break answer.text("ticket").unwrap_or_default(),
                Ok((429 | 503, _)) => {
                    found.refused += 1;
                    found.slowest_refusal = found.slowest_refusal.max(asked.elapsed());
                }
                // Sold out or closed: there are no more entries.
                Ok(_) => return found,
                Err(_) => found.lost += 1,
            }
            thread::sleep(AGAIN);
        };
        found.acknowledged.push(begun.elapsed());
        // Whether it is heard or not: the place is not claimed either way.
        drop(client.ask(&Request { bearer: &ticket, ..Request::post(&leave) }));
        thread::sleep(EVERY);
    }
    found
}

/// Waits until all nodes serve `sale`, looking often; false when `is_over` says so first.
pub(super) fn wait_for_sale<E>(
    nodes: &[SocketAddr],
    sale: &str,
    mut is_over: impl FnMut() -> Result<bool, E>,
) -> Result<Option<Instant>, E> {
    let path = format!("/v1/sales/{sale}");
    let mut clients: Vec<Client> =
        nodes.iter().map(|node| Client::new(*node, ANSWER_MAX)).collect();
    loop {
        let serves = |client: &mut Client| {
            client.ask(&Request::get(&path)).is_ok_and(|answer| answer.status == 200)
        };
        if clients.iter_mut().all(serves) {
            return Ok(Some(process::now()));
        }
        if is_over()? {
            return Ok(None);
        }
        thread::sleep(AGAIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probed(acknowledged_ms: &[u64]) -> Probed {
        let acknowledged = acknowledged_ms.iter().copied().map(Duration::from_millis).collect();
        Probed { acknowledged, refused: 1, slowest_refusal: Duration::ZERO, lost: 2 }
    }

    #[test]
    fn a_gap_at_one_node_is_none_where_another_lets_people_in() {
        let (first, second) = (probed(&[100, 200, 900]), probed(&[150, 600, 950]));
        let ms = |(gap, from): (Duration, Duration)| (gap.as_millis(), from.as_millis());
        assert_eq!(ms(first.longest_gap()), (700, 200));
        let all = Probed::all(&[first, second]);
        assert_eq!((ms(all.longest_gap()), all.refused, all.lost), ((400, 200), 2, 4));
        assert_eq!(ms(probed(&[5]).longest_gap()), (0, 0));
        let back = |ms| all.back_after(Duration::from_millis(ms)).map(|after| after.as_millis());
        assert_eq!((back(200), back(201), back(951)), (Some(0), Some(399), None));
    }
}
