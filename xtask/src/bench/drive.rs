//! Calling `drive`: what is sent, how long, and what came of it.

use std::{cell::Cell, collections::BTreeMap, fs, path::PathBuf};

use serde_json::Value;

use super::child::Served;
use crate::{failure::Failure, process::Call};

/// Share of answers that must have the expected status: the first entrant of an empty room is let
/// in at once, and one may be called while it is measured.
const EXPECTED_MIN: f64 = 0.999;

/// Numbers for `{serial}` that one call may use: no two calls share a key.
const SERIALS_PER_CALL: u64 = 1 << 40;

/// The program and where its files go.
#[derive(Debug)]
pub(super) struct Driver {
    program: PathBuf,
    scratch: PathBuf,
    calls: Cell<u64>,
}

/// What to send.
#[derive(Debug, Clone)]
pub(super) struct Load {
    /// A request with `{line}` and `{serial}` in it.
    pub(super) template: String,
    /// What `{line}` stands for, one a line.
    pub(super) lines: Option<PathBuf>,
    pub(super) connections: u32,
    /// Requests written together on a connection.
    pub(super) depth: u32,
    /// What the answers must be.
    pub(super) status: u16,
    /// The only processor the driver may use; any, if there is none.
    pub(super) core: Option<u32>,
}

/// Requests that become due whatever the server does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    /// Due each second, as independent people come.
    pub(super) rate: f64,
    pub(super) seconds: f64,
    /// Of the moments.
    pub(super) seed: u64,
    /// Seconds after which a request is given up.
    pub(super) deadline: f64,
}

/// What came of a schedule.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// Due, of those sent, of those answered with 2xx before the deadline; each second.
    pub(super) offered_rps: f64,
    pub(super) sent_rps: f64,
    pub(super) good_rps: f64,
    /// From the due moment; what was not done counts as having taken the deadline.
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// How much later than due a request was sent, at the 99th percentile.
    pub(super) sent_late_p99_ms: f64,
    /// Statuses, and `lost`, `late` and `broken` requests, with how many; for the page.
    pub(super) outcomes: BTreeMap<String, f64>,
    /// The worst second's good answers.
    pub(super) good_worst_second: f64,
}

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Extent {
    Seconds(f64),
    Requests(u64),
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Report {
    pub(super) rps: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    /// Bytes of an answer, head and body.
    pub(super) response_bytes: f64,
    /// Processor time of the server for each answer, in microseconds.
    pub(super) cpu_us: f64,
    /// Of that, its Redis's.
    pub(super) redis_cpu_us: f64,
}

/// One answer as it came.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) status: u16,
    /// Without those that every hyper server adds by itself.
    pub(super) headers: Vec<String>,
    pub(super) body: String,
}

impl Driver {
    pub(super) fn new(program: PathBuf, scratch: PathBuf) -> Self {
        Self { program, scratch, calls: Cell::new(0) }
    }

    /// One that sends beside this one, and whose serials are its own. It is asked for once with a name
    /// while this one sends nothing.
    pub(super) fn beside(&self, name: &str) -> Result<Self, Failure> {
        let scratch = self.scratch.join(name);
        let made = fs::create_dir_all(&scratch);
        made.map_err(|source| Failure::Disk { path: scratch.clone(), source })?;
        // The one that is asked goes on behind it.
        let calls = Cell::new(self.calls.replace(self.calls.get() + 1));
        Ok(Self { program: self.program.clone(), scratch, calls })
    }

    /// Sends a load to a server.
    pub(super) fn run(
        &self,
        server: &Served,
        load: &Load,
        extent: Extent,
    ) -> Result<Report, Failure> {
        self.run_with(server, load, extent, &[])
    }

    /// As [`Self::run`]; keeps a text field of the answers in a file.
    pub(super) fn collect(
        &self,
        server: &Served,
        load: &Load,
        requests: u64,
        field: &str,
    ) -> Result<PathBuf, Failure> {
        let path = self.scratch.join(format!("{field}-{}", self.calls.get()));
        let save = ["--save", field, "--save-to"].map(str::to_owned);
        let save = save.into_iter().chain([path.display().to_string()]).collect::<Vec<_>>();
        self.run_with(server, load, Extent::Requests(requests), &save)?;
        Ok(path)
    }

    /// Sends a load by a schedule.
    pub(super) fn keep(
        &self,
        server: &Served,
        load: &Load,
        schedule: Schedule,
    ) -> Result<Kept, Failure> {
        let Schedule { rate, seconds, seed, deadline } = schedule;
        let call = self
            .call(server, load)?
            .args(["--rate".to_owned(), rate.to_string()])
            .args(["--seconds".to_owned(), seconds.to_string()])
            .args(["--seed".to_owned(), seed.to_string()])
            .args(["--deadline".to_owned(), deadline.to_string()]);
        let report = call.read_json()?;
        kept(&report).ok_or_else(|| Failure::Unexpected {
            call: call.spelled(),
            what: format!("something is missing in {report}"),
        })
    }

    fn run_with(
        &self,
        server: &Served,
        load: &Load,
        extent: Extent,
        more: &[String],
    ) -> Result<Report, Failure> {
        let extent = match extent {
            Extent::Seconds(seconds) => ["--seconds".to_owned(), seconds.to_string()],
            Extent::Requests(requests) => ["--requests".to_owned(), requests.to_string()],
        };
        let depth = ["--depth".to_owned(), load.depth.to_string()];
        let call = self.call(server, load)?.args(extent).args(depth).args(more);
        let (before, redis_before) = (server.cpu_seconds()?, server.redis_cpu_seconds()?);
        let report = call.read_json()?;
        let used = server.cpu_seconds()? - before;
        let redis_used = server.redis_cpu_seconds()? - redis_before;
        let unexpected = |what: String| Failure::Unexpected { call: call.spelled(), what };
        let number = |key: &str| {
            report[key].as_f64().ok_or_else(|| unexpected(format!("no {key} in {report}")))
        };
        let sent = number("sent")?;
        let statuses: BTreeMap<String, f64> =
            serde_json::from_value(report["statuses"].clone()).unwrap_or_default();
        let expected = statuses.get(&load.status.to_string()).copied().unwrap_or(0.0);
        if expected < sent * EXPECTED_MIN {
            return Err(unexpected(format!("answers were {statuses:?}, not {}", load.status)));
        }
        Ok(Report {
            rps: number("rps")?,
            p50_us: number("p50_us")?,
            p99_us: number("p99_us")?,
            response_bytes: number("response_bytes")?,
            cpu_us: used * 1e6 / sent,
            redis_cpu_us: redis_used * 1e6 / sent,
        })
    }

    /// Sends one request and reads the answer as it came.
    pub(super) fn show(&self, server: &Served, load: &Load) -> Result<Shown, Failure> {
        let call = self.call(server, load)?.args(["--show"]);
        let answer = String::from_utf8_lossy(&call.read()?).into_owned();
        shown(&answer)
            .ok_or_else(|| Failure::Unexpected { call: call.spelled(), what: answer.clone() })
    }

    fn call(&self, server: &Served, load: &Load) -> Result<Call, Failure> {
        let serial = self.calls.replace(self.calls.get() + 1);
        let template = self.scratch.join("template");
        fs::write(&template, &load.template)
            .map_err(|source| Failure::Disk { path: template.clone(), source })?;
        let lines = load.lines.iter();
        let lines = lines.flat_map(|path| ["--lines".into(), path.clone().into_os_string()]);
        let program = match load.core {
            Some(core) => {
                Call::new("taskset").args(["-c", &core.to_string()]).args([&self.program])
            }
            None => Call::new(&self.program),
        };
        Ok(program
            .args(["--address", &server.address])
            .args(["--connections".to_owned(), load.connections.to_string()])
            .args(["--serial-from".to_owned(), (serial * SERIALS_PER_CALL).to_string()])
            .args(["--template".into(), template.into_os_string()])
            .args(lines))
    }
}

fn kept(report: &Value) -> Option<Kept> {
    let number = |key: &str| report[key].as_f64();
    let statuses = report["statuses"].as_object()?.iter();
    let statuses = statuses.filter_map(|(status, count)| Some((status.clone(), count.as_f64()?)));
    let failed = ["lost", "late", "broken"].into_iter();
    let failed = failed.filter_map(|key| Some((key.to_owned(), number(key)?)));
    let seconds = report["good_each_second"].as_array()?.iter().filter_map(Value::as_f64);
    Some(Kept {
        offered_rps: number("offered_rps")?,
        sent_rps: number("sent_rps")?,
        good_rps: number("good_rps")?,
        p50_ms: number("p50_us")? / 1_000.0,
        p99_ms: number("p99_us")? / 1_000.0,
        sent_late_p99_ms: number("sent_late_p99_us")? / 1_000.0,
        outcomes: statuses.chain(failed).filter(|(_, count)| *count > 0.0).collect(),
        good_worst_second: seconds.fold(f64::INFINITY, f64::min),
    })
}

fn shown(answer: &str) -> Option<Shown> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let added = |line: &str| line.starts_with("content-length:") || line.starts_with("date:");
    let headers = lines.filter(|line| !added(line)).map(str::to_owned).collect();
    Some(Shown { status, headers, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_schedule_names_all_that_became_of_requests() {
        let report = serde_json::json!({
            "offered_rps": 10.0, "sent_rps": 9.0, "good_rps": 5.0, "p50_us": 500, "p99_us": 2_000,
            "sent_late_p99_us": 100, "lost": 2, "late": 0, "broken": 1,
            "statuses": { "202": 5, "503": 1 }, "good_each_second": [3, 2],
        });
        let kept = kept(&report).unwrap();
        let outcomes: Vec<_> = kept.outcomes.keys().map(String::as_str).collect();
        assert_eq!(outcomes, ["202", "503", "broken", "lost"]);
        assert!((kept.p99_ms - 2.0).abs() < f64::EPSILON);
        assert!((kept.good_worst_second - 2.0).abs() < f64::EPSILON);
        assert!(super::kept(&serde_json::json!({ "statuses": {} })).is_none());
    }

    #[test]
    fn an_answer_is_read_without_what_hyper_adds() {
        let answer = "HTTP/1.1 202 Accepted\r\ncontent-type: a/b\r\ncontent-length: 2\r\n\
                      date: now\r\n\r\n{}";
        let shown = shown(answer).unwrap();
        assert_eq!((shown.status, shown.body.as_str()), (202, "{}"));
        assert_eq!(shown.headers, ["content-type: a/b"]);
    }
}
