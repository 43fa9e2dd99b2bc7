//! Shoppers who behave: they enter, poll, buy and pay at moments fixed before.
//!
//! Owns the open loop and its latencies, each from the moment a request is sent: a shopper does
//! not hold the next one up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::client::{Answer, Call, Client, NodeId};
use crate::clock::{Clock, Stamp};
use crate::measure::{Latency, Percentiles};
use crate::rng::Rng;
use crate::run::Run;
use crate::wire::{Item, Place, Purchase, PurchaseRequest};

/// Shoppers who come each second, each of whom enters, buys and pays.
const SHOPPERS_PER_SECOND: u32 = 20;
/// Positions asked for each second, by shoppers who came before.
const POLLS_PER_SECOND: u32 = 200;
/// Tickets to poll with.
const TICKETS_MAX: usize = 64;
/// The room is open to all, so nobody waits for long.
const ADMITTED_MAX: Duration = Duration::from_secs(10);
/// Between looks meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Failures are told apart by call and answer; no more kinds than this are kept.
const FAILURES_MAX: usize = 32;

/// What the honest shoppers of one half saw.
pub(super) struct Honest {
    enter: Latency,
    position: Latency,
    purchase: Latency,
    pay: Latency,
    confirm: Latency,
    failed: Mutex<BTreeMap<String, u64>>,
    tickets: Mutex<Vec<String>>,
}

impl Honest {
    fn new(slice: Duration, tickets: Vec<String>) -> Self {
        let latency = || Latency::new(slice);
        Self {
            enter: latency(),
            position: latency(),
            purchase: latency(),
            pay: latency(),
            confirm: latency(),
            failed: Mutex::default(),
            tickets: Mutex::new(tickets),
        }
    }

    /// Shops for so long and waits for the last answer. `tickets` are those of shoppers who came
    /// before: their places are asked for until there are new ones.
    pub(super) async fn shop(
        run: &Arc<Run>,
        half: &str,
        time: Duration,
        tickets: Vec<String>,
        rng: &mut Rng,
    ) -> Result<Arc<Self>, String> {
        let seen = Arc::new(Self::new(time, tickets));
        // One shopper before, so that there is a place to ask for from the first moment. A server
        // that lets nobody in any more is what an attack is to find out, and no reason to stop.
        if let Err(failure) = visit(run, &seen, format!("{half}-first"), rng.next()).await {
            if seen.tickets().is_empty() {
                return Err(failure);
            }
            seen.fail(failure);
        }
        let begin = run.clock.now().after(Duration::from_millis(100));
        let end = begin.after(time);
        let polling = tokio::spawn(poll(Arc::clone(run), Arc::clone(&seen), begin, end));
        let mut shoppers = JoinSet::new();
        let mut moment = begin;
        for index in 0_u64.. {
            if moment >= end {
                break;
            }
            run.pacer.until(moment).await;
            let (run, seen, key) = (Arc::clone(run), Arc::clone(&seen), format!("{half}-{index}"));
            let choice = rng.next();
            shoppers.spawn(async move {
                if let Err(failure) = visit(&run, &seen, key, choice).await {
                    seen.fail(failure);
                }
            });
            moment = moment.after(every(SHOPPERS_PER_SECOND));
        }
        shoppers.join_all().await;
        polling.await.map_err(|error| format!("the polls failed: {error}"))?;
        Ok(seen)
    }

    /// One shopper who enters, buys and pays; the error says what was refused.
    pub(super) async fn shop_once(run: &Run, key: &str, rng: &mut Rng) -> Result<(), String> {
        let seen = Self::new(Duration::from_secs(1), Vec::new());
        visit(run, &seen, key.to_owned(), rng.next()).await
    }

    /// Latencies by call, always in the same order.
    pub(super) fn latencies(&self) -> [(&'static str, Percentiles); 5] {
        [
            ("enter", self.enter.percentiles()),
            ("position", self.position.percentiles()),
            ("purchase", self.purchase.percentiles()),
            ("pay", self.pay.percentiles()),
            ("confirm", self.confirm.percentiles()),
        ]
    }

    pub(super) fn failed(&self) -> BTreeMap<String, u64> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The tickets of those who came.
    pub(super) fn tickets(&self) -> Vec<String> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, ticket: String) {
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        if tickets.len() < TICKETS_MAX {
            tickets.push(ticket);
        }
    }

    fn fail(&self, what: String) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.len() < FAILURES_MAX || failed.contains_key(&what) {
            *failed.entry(what).or_default() += 1;
        }
    }
}

/// Sends one request once and records how long its answer took; an error names what came instead.
async fn timed(run: &Run, latency: &Latency, call: &Call, what: &str) -> Result<Answer, String> {
    let answer =
        run.client.send(call, NodeId(0)).await.map_err(|error| format!("{what}: {error}"))?;
    latency.record(answer.begun, answer.done);
    match answer.status {
        200..=202 => Ok(answer),
        status => Err(format!("{what}: {status} {}", answer.code())),
    }
}

/// Enters, buys one unit, pays for it.
async fn visit(run: &Run, seen: &Honest, key: String, choice: u64) -> Result<(), String> {
    let secret = format!("{}-{key}-{choice:016x}{choice:016x}", run.nonce);
    let enter = Call::post(run.path("/enter"), "", secret.clone());
    let place = timed(run, &seen.enter, &enter, "enter").await?.parse::<Place>();
    let place = place.ok_or("enter: the answer is no place")?;
    let ticket = place.ticket.ok_or("enter: the answer has no ticket")?;
    let pass = if let Some(pass) = place.pass {
        pass
    } else {
        let position = run.path("/position");
        admitted(&run.client, run.clock, &position, &ticket).await?
    };
    seen.keep(ticket);

    let items = [Item { sku: run.sku.clone(), quantity: 1 }];
    let buy = Call::post(run.path("/purchase"), &pass, format!("{secret}-buy"));
    let buy = buy.json(&PurchaseRequest { items });
    let bought = timed(run, &seen.purchase, &buy, "purchase").await?.parse::<Purchase>();
    let id = bought.ok_or("purchase: the answer is no purchase")?.id;
    let step = |step| {
        let path = run.path(&format!("/purchases/{id}/{step}"));
        Call::post(path, &run.backend_key, "")
    };
    timed(run, &seen.pay, &step("pay"), "pay").await?;
    timed(run, &seen.confirm, &step("confirm"), "confirm").await.map(drop)
}

/// Waits to be let in and returns the pass.
pub(super) async fn admitted(
    client: &Client,
    clock: Clock,
    position: &str,
    ticket: &str,
) -> Result<String, String> {
    let call = Call::get(position, ticket);
    let (node, deadline) = (NodeId(0), clock.now().after(ADMITTED_MAX));
    while clock.now() < deadline {
        let answer = client.send(&call, node).await.map_err(|error| format!("wait: {error}"))?;
        if let Some(pass) = answer.parse::<Place>().and_then(|place| place.pass) {
            return Ok(pass);
        }
        clock.until(clock.now().after(LOOK_EVERY)).await;
    }
    Err(format!("wait: not admitted within {ADMITTED_MAX:?}, though the room is open"))
}

/// Asks for positions until `end`.
async fn poll(run: Arc<Run>, seen: Arc<Honest>, begin: Stamp, end: Stamp) {
    let mut polls = JoinSet::new();
    let mut moment = begin;
    for index in 0_usize.. {
        if moment >= end {
            break;
        }
        run.pacer.until(moment).await;
        let ticket = {
            let tickets = seen.tickets.lock().unwrap_or_else(PoisonError::into_inner);
            tickets.get(index % tickets.len().max(1)).cloned()
        };
        let (run, seen) = (Arc::clone(&run), Arc::clone(&seen));
        polls.spawn(async move {
            let call = Call::get(run.path("/position"), &ticket.unwrap_or_default());
            if let Err(failure) = timed(&run, &seen.position, &call, "position").await {
                seen.fail(failure);
            }
        });
        while polls.try_join_next().is_some() {}
        moment = moment.after(every(POLLS_PER_SECOND));
    }
    polls.join_all().await;
}

/// Between a moment and the next of so many a second.
fn every(per_second: u32) -> Duration {
    Duration::from_secs(1) / per_second
}
