//! Calling `drive`: what is sent, how long, and what came of it.

use std::{cell::Cell, collections::BTreeMap, fs, path::PathBuf};

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
    /// What the answers must be.
    pub(super) status: u16,
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
        let call = self.call(server, load)?.args(extent).args(more);
        let before = server.cpu_seconds()?;
        let report = call.read_json()?;
        let used = server.cpu_seconds()? - before;
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
        Ok(Call::new(&self.program)
            .args(["--address", &server.address])
            .args(["--connections".to_owned(), load.connections.to_string()])
            .args(["--serial-from".to_owned(), (serial * SERIALS_PER_CALL).to_string()])
            .args(["--template".into(), template.into_os_string()])
            .args(lines))
    }
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
    fn an_answer_is_read_without_what_hyper_adds() {
        let answer = "HTTP/1.1 202 Accepted\r\ncontent-type: a/b\r\ncontent-length: 2\r\n\
                      date: now\r\n\r\n{}";
        let shown = shown(answer).unwrap();
        assert_eq!((shown.status, shown.body.as_str()), (202, "{}"));
        assert_eq!(shown.headers, ["content-type: a/b"]);
    }
}
