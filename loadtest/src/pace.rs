//! One kind of request at a fixed rate, open loop.
//!
//! Owns the preparation (a sale, places to ask for, sockets) and the result. The moments are a
//! grid fixed before the start: request `i` is meant to leave `i / rate` seconds after it. One
//! thread does everything from then on.
//!
//! ```text
//! sender ── write ──▶ sockets ── epoll, read ──▶ sender ─▶ schedule error, latency, statuses
//!                        ▲
//!                        └── the runtime replaces those that break
//! ```
//!
//! A request that finds no socket free waits, and that wait counts twice: in its latency, which
//! runs from the intended moment, and in the schedule error, which withholds the figures.

mod sender;
mod socket;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;

use crate::cli::{self, PaceCall};
use crate::client::{Call, Dial};
use crate::flash_sale::{Ready, ready};
use crate::measure::Percentiles;
use crate::report::Schedule;
use crate::rng::Rng;
use crate::run::Run;
use crate::server::{Limits, Server};
use crate::wire::Place;

use sender::{Requests, Sender, Sent};
use socket::Sockets;

/// From the last preparation to the first request.
const LEAD: Duration = Duration::from_millis(200);
/// Entries on their way at once while the places are made.
const ENTERING: u64 = 1_000;

/// What a fixed rate found.
#[derive(Debug, Serialize)]
pub struct PaceReport {
    /// True when every request was sent and answered 200 or 202.
    pub passed: bool,
    call: &'static str,
    server: String,
    per_second: u64,
    seconds: f64,
    connections: usize,
    source_addresses: u8,
    sent: u64,
    answered: u64,
    /// Requests whose connection broke, or that had no answer in time.
    unanswered: u64,
    /// Requests that found no socket free and left late for that.
    waited_for_socket: u64,
    schedule: Schedule,
    /// From the intended moment to the end of the answer.
    latency: Percentiles,
    /// Answers by status.
    statuses: BTreeMap<u16, u64>,
}

impl PaceReport {
    /// True when the figures are the generator's own and not for publishing.
    pub fn is_generator_bound(&self) -> bool {
        self.schedule.generator_bound
    }
}

impl fmt::Display for PaceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, server, per_second, seconds, connections, source_addresses, .. } = self;
        writeln!(
            f,
            "{call} at {server}: {per_second} per second for {seconds:.1} s, {connections} \
             connections from {source_addresses} addresses"
        )?;
        self.schedule.fmt(f)?;
        if !self.schedule.generator_bound {
            let Percentiles { p50_ms, p90_ms, p99_ms, p999_ms, max_ms, .. } = self.latency;
            writeln!(
                f,
                "latency from the intended moment, ms: p50 {p50_ms:.3}, p90 {p90_ms:.3}, p99 \
                 {p99_ms:.3}, p99.9 {p999_ms:.3}, max {max_ms:.3}"
            )?;
        }
        let statuses: Vec<String> =
            self.statuses.iter().map(|(status, count)| format!("{count} × {status}")).collect();
        writeln!(
            f,
            "{} sent, {} of them late for want of a free connection, {} answered ({}), {} unanswered",
            self.sent,
            self.waited_for_socket,
            self.answered,
            statuses.join(", "),
            self.unanswered
        )?;
        let published = if self.schedule.generator_bound { ", generator bound" } else { "" };
        writeln!(f, "{}{published}", if self.passed { "passed" } else { "FAILED" })
    }
}

/// Runs it. An error means that nothing could be measured.
pub(crate) async fn pace(options: &cli::Pace) -> Result<PaceReport, String> {
    let scenario = options.scenario()?;
    let owned = scenario.target.spawn.then_some(Limits::Off);
    let Ready { server, run, .. } = ready(&scenario, &options.common, owned).await?;
    let tickets = tickets(&run, options.tickets).await?;

    let target = &scenario.target;
    let url = server.as_ref().map_or_else(|| target.first_url().to_owned(), url_of);
    let dial = Dial::new(&url, target.http, target.source_addresses)?;
    let sockets = Sockets::open(dial, target.connections, run.clock).await?;
    let count = count(options.rate, options.seconds);
    let host = run.client.address();
    let sender = Sender {
        clock: run.clock,
        begin: run.clock.now().after(LEAD),
        rate: options.rate,
        count,
        requests: match options.call {
            PaceCall::Position => Requests::position(&host, &run.path("/position"), &tickets),
            PaceCall::Enter => {
                Requests::enter(&host, &run.path("/enter"), &format!("{}-pace-", run.nonce))
            }
        },
        sockets,
        patience: target.timeout,
    };
    let Sent { requests: sent, waited_for_socket, schedule, sockets } =
        on_own_thread(sender).await?;

    let statuses = sockets.tally().statuses.clone();
    let answered = statuses.values().sum();
    let fine = [200, 202].iter().filter_map(|status| statuses.get(status)).sum::<u64>();
    Ok(PaceReport {
        passed: sent == count && fine == count,
        call: match options.call {
            PaceCall::Position => "position",
            PaceCall::Enter => "enter",
        },
        server: host,
        per_second: options.rate,
        seconds: options.seconds.as_secs_f64(),
        connections: target.connections,
        source_addresses: target.source_addresses,
        sent,
        answered,
        unanswered: count - answered,
        waited_for_socket,
        schedule: Schedule::new(schedule, scenario.schedule_error_p99_max),
        latency: sockets.latency(),
        statuses,
    })
}

fn url_of(server: &Server) -> String {
    format!("http://{}", server.address())
}

fn count(rate: u64, over: Duration) -> u64 {
    let count = u128::from(rate) * over.as_nanos() / 1_000_000_000;
    u64::try_from(count).unwrap_or(u64::MAX).max(1)
}

/// Enters so many shoppers and returns their tickets.
async fn tickets(run: &Arc<Run>, count: u64) -> Result<Vec<String>, String> {
    let mut tickets = Vec::new();
    for begin in (0..count).step_by(usize::try_from(ENTERING).unwrap_or(1)) {
        let mut entering = JoinSet::new();
        for index in begin..count.min(begin + ENTERING) {
            let run = Arc::clone(run);
            entering.spawn(async move {
                let key = format!("{}-ticket-{index}", run.nonce);
                let call = Call::post(run.path("/enter"), "", key);
                let answer = run.insist(&call, &mut Rng::new(index)).await.answer;
                let ticket = answer.parse::<Place>().and_then(|place| place.ticket);
                ticket.ok_or_else(|| format!("entering was answered {}", answer.status))
            });
        }
        for ticket in entering.join_all().await {
            tickets.push(ticket?);
        }
    }
    Ok(tickets)
}

async fn on_own_thread(sender: Sender) -> Result<Sent, String> {
    let (done, sent) = tokio::sync::oneshot::channel();
    thread::Builder::new()
        .name("loadtest-pace".to_owned())
        .spawn(move || {
            // Nobody listens when the run was given up meanwhile.
            let _unheard = done.send(sender.run());
        })
        .map_err(|error| format!("the sending thread does not start: {error}"))?;
    sent.await.map_err(|_dropped| "the sending thread ended early".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_has_no_error_that_adds_up() {
        assert_eq!(count(20_000, Duration::from_secs(10)), 200_000);
        assert_eq!(count(3, Duration::from_millis(1_500)), 4);
        assert_eq!(count(1, Duration::from_millis(1)), 1);
    }
}
