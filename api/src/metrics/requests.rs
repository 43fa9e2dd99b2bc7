//! What is noted of every request and connection: handles that are made once and kept.
//!
//! A handle is made when its labels are first seen: finding it in the recorder costs more than
//! recording. Recording an answer is a look into a table, two loads and an add.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use dashmap::DashMap;
use hyper::StatusCode;
use metrics::{Counter, Histogram, counter, histogram};

use super::{
    CONNECTIONS_LOST_TOTAL, HTTP_ABANDONED_TOTAL, HTTP_PROBLEMS_TOTAL, HTTP_REQUEST_SECONDS,
};
use crate::mount;
use crate::route::{LABELS, MOUNTED};
use crate::server::Loss;

/// The statuses that most answers have; the handles of others are looked up.
const STATUSES: [u16; 12] = [200, 201, 202, 204, 303, 400, 401, 404, 409, 410, 429, 503];

/// Pairs of label and status that are kept of a mounted service; what comes beyond counts without its
/// label.
const MOUNTED_SERIES_MAX: usize = 4_096;

/// What the route label says of a request that means no call.
const UNMATCHED: &str = "unmatched";

/// Request times by route and status, and what came to nothing.
#[derive(Clone, Copy)]
pub struct RequestTimes(&'static Handles);

struct Handles {
    times: [[OnceLock<Histogram>; STATUSES.len()]; MOUNTED + 1],
    times_of_others: DashMap<(usize, u16), Histogram>,
    times_of_mounted: DashMap<(Box<str>, u16), Histogram>,
    problems: DashMap<&'static str, Counter>,
    abandoned: [OnceLock<Counter>; MOUNTED + 1],
    losses: [Counter; Loss::ALL.len()],
}

impl fmt::Debug for RequestTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestTimes")
    }
}

impl Default for RequestTimes {
    fn default() -> Self {
        Self::new()
    }
}

impl RequestTimes {
    /// An empty table for the rest of the process; its handles belong to the recorder installed
    /// before. Every request refers to it, and counting who does would cost more than what is
    /// counted.
    pub fn new() -> Self {
        let lost = |loss| counter!(CONNECTIONS_LOST_TOTAL, "reason" => reason(loss));
        Self(Box::leak(Box::new(Handles {
            times: std::array::from_fn(|_| std::array::from_fn(|_| OnceLock::new())),
            times_of_others: DashMap::new(),
            times_of_mounted: DashMap::new(),
            problems: DashMap::new(),
            abandoned: std::array::from_fn(|_| OnceLock::new()),
            losses: Loss::ALL.map(lost),
        })))
    }

    /// Records that the call of this index (`None`: no such path) was answered with `status`, and
    /// how long that took from its head.
    pub fn record(&self, route: Option<usize>, status: StatusCode, time: Duration) {
        let row = row(route);
        let status = status.as_u16();
        let make = || {
            let status = status.to_string();
            histogram!(HTTP_REQUEST_SECONDS, "route" => label(row), "status" => status)
        };
        match STATUSES.iter().position(|&known| known == status) {
            Some(column) => self.0.times[row][column].get_or_init(make).record(time),
            None => self.0.times_of_others.entry((row, status)).or_insert_with(make).record(time),
        }
    }

    /// The same of an answer of the mounted service, whose route has this label.
    pub fn record_mounted(&self, label: &str, status: StatusCode, time: Duration) {
        let known = &self.0.times_of_mounted;
        let key = (Box::from(label), status.as_u16());
        if let Some(times) = known.get(&key) {
            return times.record(time);
        }
        if label == mount::UNLABELLED || known.len() >= MOUNTED_SERIES_MAX {
            return self.record(Some(MOUNTED), status, time);
        }
        let make = || {
            let status = status.as_u16().to_string();
            histogram!(HTTP_REQUEST_SECONDS, "route" => label.to_owned(), "status" => status)
        };
        known.entry(key).or_insert_with(make).record(time);
    }

    /// Counts a problem that was answered.
    pub fn refused(&self, code: &'static str) {
        if let Some(counter) = self.0.problems.get(code) {
            counter.increment(1);
            return;
        }
        let make = || counter!(HTTP_PROBLEMS_TOTAL, "code" => code);
        self.0.problems.entry(code).or_insert_with(make).increment(1);
    }

    /// Counts a request whose client was gone before the answer.
    pub fn abandoned(&self, route: Option<usize>) {
        let row = row(route);
        let make = || counter!(HTTP_ABANDONED_TOTAL, "route" => label(row));
        self.0.abandoned[row].get_or_init(make).increment(1);
    }

    /// Counts a connection that came to nothing.
    pub fn lost(&self, loss: Loss) {
        if let Some(at) = Loss::ALL.iter().position(|&known| known == loss) {
            self.0.losses[at].increment(1);
        }
    }
}

/// The call's row; the last two are for what is no call.
fn row(route: Option<usize>) -> usize {
    route.unwrap_or(LABELS.len()).min(MOUNTED)
}

fn label(row: usize) -> &'static str {
    let of_no_call = if row == MOUNTED { mount::UNLABELLED } else { UNMATCHED };
    LABELS.get(row).copied().unwrap_or(of_no_call)
}

const fn reason(loss: Loss) -> &'static str {
    match loss {
        Loss::Full => "full",
        Loss::PeerFull => "peer_full",
        Loss::Tls => "tls_failed",
        Loss::TlsLate => "tls_late",
        Loss::Malformed => "malformed",
        Loss::HeadLate => "head_late",
        Loss::NotReading => "not_reading",
        Loss::Silent => "silent",
    }
}

#[cfg(test)]
mod tests {
    use metrics::with_local_recorder;
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;
    use crate::route::Route;

    #[test]
    fn each_request_has_its_route_and_its_true_status() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        with_local_recorder(&recorder, || {
            let times = RequestTimes::new();
            let route = Some(Route::Position { sale: "demo" }.index());
            times.record(route, StatusCode::OK, Duration::ZERO);
            times.record(route, StatusCode::OK, Duration::ZERO);
            times.record(None, StatusCode::NOT_FOUND, Duration::ZERO);
            times.record(None, StatusCode::IM_A_TEAPOT, Duration::ZERO);
            times.record(None, StatusCode::IM_A_TEAPOT, Duration::ZERO);
            times.refused("sold_out");
            times.refused("sold_out");
            times.abandoned(route);
            times.lost(Loss::Tls);
        });
        let text = handle.render();
        for line in [
            r#"rushgate_http_request_seconds_count{route="/v1/sales/{sale}/position",status="200"} 2"#,
            r#"rushgate_http_request_seconds_count{route="unmatched",status="404"} 1"#,
            r#"rushgate_http_request_seconds_count{route="unmatched",status="418"} 2"#,
            r#"rushgate_http_problems_total{code="sold_out"} 2"#,
            r#"rushgate_http_abandoned_total{route="/v1/sales/{sale}/position"} 1"#,
            r#"rushgate_connections_lost_total{reason="tls_failed"} 1"#,
            r#"rushgate_connections_lost_total{reason="full"} 0"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("demo") && !text.contains("500"), "{text}");
    }
}
