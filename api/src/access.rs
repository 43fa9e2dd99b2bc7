//! The access log: one event for a request, of those that are worth one.
//!
//! ```text
//! answered or abandoned ─▶ why is it worth an event? ─▶ has this second room for more of these?
//!                            │ no: most polls             │ no: counted, told once a second
//!                            ▼                            ▼
//!                          nothing                      event of the target `access`
//! ```
//!
//! Faults of ours (5xx), slow answers and refusals that a crowd does not meet in its course are
//! always worth one; of everything else a sample is. Each kind has a bound of its own a second, so
//! that no storm fills a disk or hides another kind. An event has the route's pattern and never the
//! path, and neither tokens, keys, cookies nor bodies.

use std::cell::Cell;
use std::time::Duration;

use engine::sync::{AtomicU64, Ordering};
use hyper::{Method, Response, StatusCode};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::exchange::Exchange;
use crate::mount;
use crate::route::{LABELS, MOUNTED};
use crate::server::Body;

/// The events' target, for `log.filter`.
macro_rules! target {
    () => {
        "access"
    };
}

/// How often it is told what was left out.
const TELL: Duration = Duration::from_secs(1);

/// What is worth an event.
#[derive(Clone, Copy, Debug)]
pub struct AccessOptions {
    /// One in so many requests is, whatever became of it; 0: only those that always are.
    pub sample: u32,
    /// An answer that took so long always is.
    pub slow: Duration,
    /// Events of one kind in a second.
    pub per_second: u32,
}

/// Why a request is worth an event; each has a bound of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// Answered 5xx.
    Fault,
    /// Answered late, or given up late.
    Slow,
    /// Refused, and not by what a crowd meets in its course.
    Refused,
    /// By chance.
    Sample,
}

const WHYS: [Why; 4] = [Why::Fault, Why::Slow, Why::Refused, Why::Sample];

impl Why {
    const fn name(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Slow => "slow",
            Self::Refused => "refused",
            Self::Sample => "sample",
        }
    }
}

thread_local! {
    /// Requests of this thread until the next sample.
    static UNTIL_SAMPLE: Cell<u32> = const { Cell::new(0) };
}

/// The access log of one listener.
#[derive(Debug)]
pub struct AccessLog {
    options: AccessOptions,
    started: Instant,
    budgets: [Budget; WHYS.len()],
}

/// What became of a request.
struct Ending<'a> {
    /// `None`: its client went away.
    response: Option<&'a Response<Body>>,
    took: Duration,
}

impl AccessLog {
    /// A log as configured.
    pub fn new(options: AccessOptions) -> Self {
        let budgets = std::array::from_fn(|_| Budget::default());
        Self { options, started: Instant::now(), budgets }
    }

    /// Takes note of an answer.
    pub fn answered(&self, exchange: &Exchange, response: &Response<Body>, took: Duration) {
        self.note(exchange, &Ending { response: Some(response), took });
    }

    /// Takes note of a request whose client is gone.
    pub fn abandoned(&self, exchange: &Exchange) {
        self.note(exchange, &Ending { response: None, took: exchange.started.elapsed() });
    }

    fn note(&self, exchange: &Exchange, ending: &Ending<'_>) {
        let Some(why) = self.why(ending) else { return };
        if !tracing::enabled!(target: target!(), tracing::Level::INFO) {
            return;
        }
        let budget = &self.budgets[why as usize];
        if budget.take(self.options.per_second, self.started.elapsed().as_secs()) {
            write(exchange, ending, why);
        }
    }

    fn why(&self, ending: &Ending<'_>) -> Option<Why> {
        let sampled = self.is_sampled();
        let status = ending.response.map(Response::status);
        if status.is_some_and(|status| status.is_server_error()) {
            Some(Why::Fault)
        } else if ending.took >= self.options.slow {
            Some(Why::Slow)
        } else if status.is_some_and(is_remarkable) {
            Some(Why::Refused)
        } else {
            sampled.then_some(Why::Sample)
        }
    }

    fn is_sampled(&self) -> bool {
        let sample = self.options.sample;
        if sample == 0 {
            return false;
        }
        let left = UNTIL_SAMPLE.get();
        UNTIL_SAMPLE.set(if left == 0 { sample - 1 } else { left - 1 });
        left == 0
    }

    /// Tells how many events were left out, for as long as the process runs.
    pub async fn tell_left_out(&self) {
        let mut tick = interval(TELL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            for (why, budget) in WHYS.iter().zip(&self.budgets) {
                let left_out = budget.take_left_out();
                if left_out > 0 {
                    let why = why.name();
                    tracing::info!(target: target!(), why, left_out, "more requests like these");
                }
            }
        }
    }
}

/// A refusal that says something of who asks. A crowd meets a sold-out sale, an end of its places
/// and a limit by the thousand, and a browser asks for icons that are not there.
fn is_remarkable(status: StatusCode) -> bool {
    let is_usual = matches!(
        status,
        StatusCode::NOT_FOUND
            | StatusCode::CONFLICT
            | StatusCode::GONE
            | StatusCode::TOO_MANY_REQUESTS
    );
    status.is_client_error() && !is_usual
}

fn write(exchange: &Exchange, ending: &Ending<'_>, why: Why) {
    let response = ending.response;
    let bytes = if exchange.method == Method::HEAD {
        Some(0)
    } else {
        response.and_then(|response| response.body().len())
    };
    let micros = u32::try_from(ending.took.as_micros()).unwrap_or(u32::MAX);
    tracing::info!(
        target: target!(),
        request_id = %exchange.id,
        trace_id = exchange.trace.map(tracing::field::display),
        client = exchange.client.map(tracing::field::display),
        method = name_of(&exchange.method),
        route = label(exchange, response),
        status = response.map(|response| response.status().as_u16()),
        code = response.and_then(|response| response.body().code()),
        bytes,
        ms = f64::from(micros) / 1_000.0,
        why = why.name(),
        "{}",
        if response.is_some() { "answered" } else { "abandoned" },
    );
}

/// The pattern of the route.
fn label<'a>(exchange: &Exchange, response: Option<&'a Response<Body>>) -> &'a str {
    match exchange.route {
        Some(MOUNTED) => response.map_or(mount::UNLABELLED, mount::label),
        Some(route) => LABELS.get(route).copied().unwrap_or("unmatched"),
        None => "unmatched",
    }
}

/// The method, if it is one of HTTP's own: another may be as long as a head.
fn name_of(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS
        | Method::CONNECT
        | Method::TRACE => method.as_str(),
        _ => "other",
    }
}

/// How many events of one kind this second has had.
#[derive(Debug, Default)]
struct Budget {
    /// The second in the upper half, its events in the lower.
    state: AtomicU64,
    left_out: AtomicU64,
}

const SECOND_BITS: u32 = 32;

// ORDERING: Relaxed throughout; counts stand alone.
impl Budget {
    /// Takes room for one event of the second `now`, if there is any.
    fn take(&self, per_second: u32, now: u64) -> bool {
        let counted = |state: u64| {
            let (second, events) = (state >> SECOND_BITS, state & u64::from(u32::MAX));
            // One that comes late from the second before counts in this one.
            let (second, events) = if second < now { (now, 0) } else { (second, events) };
            (events < u64::from(per_second)).then_some(second << SECOND_BITS | (events + 1))
        };
        let has_room =
            self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted).is_ok();
        if !has_room {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        has_room
    }

    fn take_left_out(&self) -> u64 {
        self.left_out.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(sample: u32) -> AccessLog {
        AccessLog::new(AccessOptions { sample, slow: Duration::from_secs(1), per_second: 10 })
    }

    fn why(log: &AccessLog, status: Option<u16>, took_ms: u64) -> Option<Why> {
        let response = status.map(|status| {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response
        });
        let took = Duration::from_millis(took_ms);
        log.why(&Ending { response: response.as_ref(), took })
    }

    #[test]
    fn faults_slow_answers_and_odd_refusals_are_always_worth_an_event() {
        let log = log(0);
        for status in [500, 503] {
            assert_eq!(why(&log, Some(status), 2_000), Some(Why::Fault));
        }
        for status in [Some(200), Some(409), None] {
            assert_eq!(why(&log, status, 1_000), Some(Why::Slow));
            assert_eq!(why(&log, status, 999), None);
        }
        for status in [400, 401, 403, 405, 408, 413, 422] {
            assert_eq!(why(&log, Some(status), 1), Some(Why::Refused), "{status}");
        }
        for status in [201, 204, 303, 304, 404, 409, 410, 429] {
            assert_eq!(why(&log, Some(status), 1), None, "{status}");
        }
    }

    #[test]
    fn a_sample_is_one_in_so_many() {
        for (sample, expected) in [(1, 1_000), (10, 100), (1_000, 1)] {
            let log = log(sample);
            std::thread::spawn(move || {
                let sampled = (0..1_000).filter(|_| why(&log, Some(200), 1).is_some()).count();
                assert_eq!(sampled, expected);
            })
            .join()
            .unwrap();
        }
    }

    #[test]
    fn a_second_has_room_for_its_number_of_events_and_counts_the_rest() {
        let budget = Budget::default();
        for second in [0, 1, 7] {
            let taken = (0..25).filter(|_| budget.take(10, second)).count();
            assert_eq!((taken, budget.take_left_out(), budget.take_left_out()), (10, 15, 0));
        }
        assert!(!budget.take(10, 6), "the clock of another thread may be a little behind");
        assert!(!Budget::default().take(0, 3));
    }
}
