//! A server under measurement: started, watched from `/proc`, killed.
//!
//! Owns the child: dropping kills it with SIGKILL, which is also how recovery is provoked. Both
//! servers say where they listen in their first line on standard output.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{failure::Failure, process};

/// Long enough to recover a journal of millions on a busy machine.
const START_MAX: Duration = Duration::from_mins(2);

/// Clock ticks per second in `/proc`: `USER_HZ`, 100 on every architecture we run on.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running server.
#[derive(Debug)]
pub(super) struct Served {
    child: Child,
    name: String,
    /// Where it listens.
    pub(super) address: String,
    /// From its start to its first line.
    pub(super) started_in: Duration,
}

impl Served {
    /// Starts a server and waits for its first line; what it logs goes to `log`.
    pub(super) fn start(program: &Path, args: &[String], log: &Path) -> Result<Self, Failure> {
        let name = program.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let failed = |what: &str| Failure::Unexpected { call: name.clone(), what: what.to_owned() };
        let errors =
            File::create(log).map_err(|source| Failure::Disk { path: log.to_owned(), source })?;
        let begun = process::now();
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .map_err(|source| Failure::NotStarted { call: name.clone(), source })?;
        let output = child.stdout.take();
        let mut served =
            Self { child, name: name.clone(), address: String::new(), started_in: Duration::ZERO };
        let (say, hear) = mpsc::sync_channel(1);
        // The thread ends with the server, whose output it holds.
        thread::spawn(move || {
            let mut lines = output.map(BufReader::new).into_iter().flat_map(BufReader::lines);
            drop(say.send(lines.next().and_then(Result::ok)));
            lines.for_each(drop);
        });
        let line = hear.recv_timeout(START_MAX).map_err(|_| failed("said nothing"))?;
        served.started_in = begun.elapsed();
        let line = line.ok_or_else(|| failed(&format!("stopped; see {}", log.display())))?;
        let line: Value = serde_json::from_str(&line).map_err(|e| failed(&e.to_string()))?;
        let address = line["public"].as_str().ok_or_else(|| failed("did not say where"))?;
        address.clone_into(&mut served.address);
        Ok(served)
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Processor time it has used, in seconds.
    pub(super) fn cpu_seconds(&self) -> Result<f64, Failure> {
        let stat = self.read("stat")?;
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        // proc(5): fields 14 and 15 are utime and stime; the name is field 2.
        let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
        let ticks: Result<Vec<f64>, _> = ticks.collect();
        let ticks = ticks.map_err(|e| self.failed(&e.to_string()))?;
        Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
    }

    /// Memory it holds in RAM, in bytes.
    pub(super) fn resident_bytes(&self) -> Result<f64, Failure> {
        let status = self.read("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()).map(str::parse::<f64>);
        match kib {
            Some(Ok(kib)) => Ok(kib * 1024.0),
            _ => Err(self.failed("no VmRSS")),
        }
    }

    fn read(&self, file: &str) -> Result<String, Failure> {
        let path = Path::new("/proc").join(self.child.id().to_string()).join(file);
        fs::read_to_string(&path).map_err(|source| Failure::Disk { path, source })
    }

    fn failed(&self, what: &str) -> Failure {
        Failure::Unexpected { call: self.name.clone(), what: what.to_owned() }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait().map(drop)) {
            println!("could not kill {}: {error}", self.name);
        }
    }
}
