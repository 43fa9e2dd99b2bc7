//! One kind of request at a fixed rate, open loop.
//!
//! Owns the preparation (a sale, places to ask for), the thread that sends and the result. The
//! moments are a grid fixed before the start: request `i` is meant to leave `i / rate` seconds
//! after it. The sending thread writes to the sockets itself, so that between the intended moment
//! and the system call there is nothing but its own wake-up; answers are read by the runtime, in
//! [`socket`].
//!
//! ```text
//! sending thread ── write ──▶ sockets ◀── read ── one task a socket ─▶ latency, statuses
//!        ▲                                              │
//!        └────────────────── free sockets ◀─────────────┘
//! ```
//!
//! A request that finds no socket free waits, and that wait counts twice: in its latency, which
//! runs from the intended moment, and in the schedule error, which withholds the figures.

mod socket;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;

use crate::admin;
use crate::cli::{self, PaceCall};
use crate::client::{Call, Dial};
use crate::clock::{Clock, Stamp};
use crate::flash_sale::{prepare, random, start_server};
use crate::measure::{Latency, Percentiles};
use crate::pacer;
use crate::report::Schedule;
use crate::rng::Rng;
use crate::run::Run;
use crate::server::Server;
use crate::timeline::slice_for;
use crate::wire::Place;

use socket::Sockets;

/// From the last preparation to the first request.
const LEAD: Duration = Duration::from_millis(200);
/// Entries on their way at once while the places are made.
const ENTERING: u64 = 1_000;
/// How often the end of the last answers is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(10);

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
    let seed = match scenario.seed {
        Some(seed) => seed,
        None => u64::from(random()?),
    };
    let owned = scenario.target.spawn;
    let server = if owned { Some(start_server(&scenario, &options.common).await?) } else { None };
    let run = Arc::new(prepare(&scenario, &options.common, seed, server.as_ref())?);
    admin::prepare_sale(&run, &scenario).await?;
    let tickets = tickets(&run, options.tickets).await?;

    let target = &scenario.target;
    let url = server.as_ref().map_or_else(|| target.url.clone(), url_of);
    let dial = Dial::new(&url, target.http, target.source_addresses)?;
    let sockets = Arc::new(Sockets::open(dial, target.connections, run.clock).await?);
    sockets.listen();
    let requests = requests(&run, options.call, tickets);
    let count = count(options.rate, options.seconds);
    let schedule = Arc::new(Latency::new(slice_for(options.seconds)));

    let sending = Sending {
        clock: run.clock,
        begin: run.clock.now().after(LEAD),
        rate: options.rate,
        count,
        sockets: Arc::clone(&sockets),
        schedule: Arc::clone(&schedule),
        requests,
        patience: target.timeout,
    };
    let end = sending.end();
    let sent = on_own_thread(sending).await?;
    let deadline = end.max(run.clock.now()).after(target.timeout);
    while sockets.tally().outcomes() < sent && run.clock.now() < deadline {
        tokio::time::sleep(LOOK_EVERY).await;
    }

    let tally = sockets.tally();
    let answered = tally.statuses.values().sum();
    let fine = [200, 202].iter().filter_map(|status| tally.statuses.get(status)).sum::<u64>();
    Ok(PaceReport {
        passed: sent == count && fine == count,
        call: match options.call {
            PaceCall::Position => "position",
            PaceCall::Enter => "enter",
        },
        server: run.client.address(),
        per_second: options.rate,
        seconds: options.seconds.as_secs_f64(),
        connections: target.connections,
        source_addresses: target.source_addresses,
        sent,
        answered,
        unanswered: count - answered,
        waited_for_socket: sockets.waited(),
        schedule: Schedule::new(schedule.percentiles(), scenario.schedule_error_p99_max),
        latency: sockets.latency(),
        statuses: tally.statuses,
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

/// The bytes of each request, made before it is due.
struct Requests {
    call: PaceCall,
    /// Everything that is the same each time, up to the part that is not.
    head: String,
    /// What is put behind it: tickets in turn, or the beginning of a key.
    parts: Vec<String>,
}

fn requests(run: &Run, call: PaceCall, tickets: Vec<String>) -> Requests {
    let host = run.client.address();
    match call {
        PaceCall::Position => Requests {
            call,
            head: format!(
                "GET {} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer ",
                run.path("/position")
            ),
            parts: tickets,
        },
        PaceCall::Enter => Requests {
            call,
            head: format!(
                "POST {} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\nidempotency-key: ",
                run.path("/enter")
            ),
            parts: vec![format!("{}-pace-", run.nonce)],
        },
    }
}

impl Requests {
    /// Writes request `index` into `bytes`.
    fn write(&self, index: u64, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.extend_from_slice(self.head.as_bytes());
        let turn = usize::try_from(index).unwrap_or(usize::MAX) % self.parts.len();
        bytes.extend_from_slice(self.parts[turn].as_bytes());
        if self.call == PaceCall::Enter {
            bytes.extend_from_slice(index.to_string().as_bytes());
        }
        bytes.extend_from_slice(b"\r\n\r\n");
    }
}

/// All the sending thread needs.
struct Sending {
    clock: Clock,
    begin: Stamp,
    rate: u64,
    count: u64,
    sockets: Arc<Sockets>,
    schedule: Arc<Latency>,
    requests: Requests,
    /// With no socket free for so long, the server is gone and sending stops.
    patience: Duration,
}

impl Sending {
    /// When request `index` is meant to leave. From the index, so that no error adds up.
    fn intended(&self, index: u64) -> Stamp {
        let nanos = u128::from(index) * 1_000_000_000 / u128::from(self.rate);
        self.begin.after(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    fn end(&self) -> Stamp {
        self.intended(self.count)
    }

    /// Sends everything and returns how many were sent.
    fn send(&self) -> u64 {
        pacer::sharpen();
        let mut bytes = Vec::new();
        for index in 0..self.count {
            self.requests.write(index, &mut bytes);
            let intended = self.intended(index);
            pacer::sleep_until(self.clock, intended);
            let Some(socket) = self.sockets.free(self.patience) else { return index };
            self.schedule.record(intended, self.clock.now());
            self.sockets.write(socket, intended, &bytes);
        }
        self.count
    }
}

async fn on_own_thread(sending: Sending) -> Result<u64, String> {
    let (done, sent) = tokio::sync::oneshot::channel();
    thread::Builder::new()
        .name("loadtest-pace".to_owned())
        .spawn(move || {
            // Nobody listens when the run was given up meanwhile.
            let _unheard = done.send(sending.send());
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

    #[test]
    fn requests_take_the_tickets_in_turn_and_keys_never_repeat() {
        let parts = vec!["t0".to_owned(), "t1".to_owned()];
        let position = Requests { call: PaceCall::Position, head: "H ".to_owned(), parts };
        let mut bytes = Vec::new();
        position.write(3, &mut bytes);
        assert_eq!(bytes, b"H t1\r\n\r\n");
        let parts = vec!["k-".to_owned()];
        let enter = Requests { call: PaceCall::Enter, head: "H ".to_owned(), parts };
        enter.write(3, &mut bytes);
        assert_eq!(bytes, b"H k-3\r\n\r\n");
    }
}
