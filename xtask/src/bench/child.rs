//! A server under measurement: started, watched from `/proc` and, if it is a Redis, asked; killed.
//!
//! Owns the child: dropping kills it with SIGKILL, which is also how recovery is provoked. All
//! servers say where they listen in their first line on standard output, and which processes work
//! for them; those end with them.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
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
pub(crate) struct Served {
    child: Child,
    name: String,
    /// Processes whose processor time is its own.
    helpers: Vec<u32>,
    /// The Redis it asks: its process, which is among the helpers, and the socket, if it has a name.
    redis: Option<(u32, Option<PathBuf>)>,
    /// What that runs in, when it was started apart. Ended after the server.
    store: Option<Box<Self>>,
    /// Where it listens.
    pub(crate) address: String,
    /// From its start to its first line.
    pub(super) started_in: Duration,
}

impl Served {
    /// Starts a server and waits for its first line; what it logs goes to `log`.
    pub(crate) fn start(program: &Path, args: &[String], log: &Path) -> Result<Self, Failure> {
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
        let mut served = Self {
            child,
            name: name.clone(),
            helpers: Vec::new(),
            redis: None,
            store: None,
            address: String::new(),
            started_in: Duration::ZERO,
        };
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
        served.helpers = helpers(&line);
        served.redis = redis(&line);
        Ok(served)
    }

    /// With a Redis that was started apart, whose processor time is the server's own from now on.
    pub(super) fn beside(mut self, store: Self) -> Self {
        self.redis.clone_from(&store.redis);
        self.helpers.extend(store.redis.as_ref().map(|(pid, _)| *pid));
        self.store = Some(Box::new(store));
        self
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Processor time it and its helpers have used, in seconds.
    pub(super) fn cpu_seconds(&self) -> Result<f64, Failure> {
        let mut total = 0.0;
        for &pid in [self.pid()].iter().chain(&self.helpers) {
            total += self.cpu_seconds_of(pid)?;
        }
        Ok(total)
    }

    /// Of that, its Redis's; 0 without one.
    pub(super) fn redis_cpu_seconds(&self) -> Result<f64, Failure> {
        self.redis.as_ref().map_or(Ok(0.0), |(pid, _)| self.cpu_seconds_of(*pid))
    }

    fn cpu_seconds_of(&self, pid: u32) -> Result<f64, Failure> {
        let ticks = ticks(&read(pid, "stat")?).ok_or_else(|| self.failed("no times in stat"))?;
        Ok(ticks / TICKS_PER_SECOND)
    }

    /// Commands that its Redis has done, without the questions for them, of which there were `asked`.
    pub(super) fn redis_commands(&self, asked: u32) -> Result<f64, Failure> {
        let socket = self.redis.as_ref().and_then(|(_, socket)| socket.as_ref());
        let socket = socket.ok_or_else(|| self.failed("its Redis has no name"))?;
        let done = commands_done(socket);
        let done = done.map_err(|source| Failure::Disk { path: socket.clone(), source })?;
        Ok(done - f64::from(asked))
    }

    /// Memory it holds in RAM, in bytes.
    pub(super) fn resident_bytes(&self) -> Result<f64, Failure> {
        let status = read(self.pid(), "status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()).map(str::parse::<f64>);
        match kib {
            Some(Ok(kib)) => Ok(kib * 1024.0),
            _ => Err(self.failed("no VmRSS")),
        }
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

/// The processes named in a first line: the Redis of one peer, the workers of another.
fn helpers(line: &Value) -> Vec<u32> {
    let workers = line["worker_pids"].as_array().into_iter().flatten();
    let pids = workers.chain(line.get("redis_pid")).filter_map(Value::as_u64);
    pids.filter_map(|pid| u32::try_from(pid).ok()).collect()
}

/// The Redis named in a first line.
fn redis(line: &Value) -> Option<(u32, Option<PathBuf>)> {
    let pid = u32::try_from(line["redis_pid"].as_u64()?).ok()?;
    Some((pid, line["redis_socket"].as_str().map(PathBuf::from)))
}

/// What a Redis at a socket says of the commands it has done.
fn commands_done(socket: &Path) -> io::Result<f64> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(b"INFO stats\r\n")?;
    let mut lines = BufReader::new(stream).lines();
    loop {
        let line = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
        if let Some(count) = line.strip_prefix("total_commands_processed:") {
            return count.trim().parse().map_err(io::Error::other);
        }
    }
}

fn read(pid: u32, file: &str) -> Result<String, Failure> {
    let path = Path::new("/proc").join(pid.to_string()).join(file);
    fs::read_to_string(&path).map_err(|source| Failure::Disk { path, source })
}

/// proc(5): fields 14 and 15 of `stat` are utime and stime; the name, field 2, may hold spaces.
fn ticks(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut times = after_name.split_whitespace().skip(11).map(str::parse::<f64>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0";
        assert_eq!(ticks(stat), Some(200.0));
        assert_eq!(ticks("42 (short) S 1"), None);
    }

    #[test]
    fn a_peer_names_those_who_work_for_it() {
        let line = |text: &str| helpers(&serde_json::from_str(text).unwrap());
        assert_eq!(line(r#"{"public":"a:1"}"#), [0; 0]);
        assert_eq!(line(r#"{"public":"a:1","redis_pid":7}"#), [7]);
        assert_eq!(line(r#"{"nginx_pid":6,"worker_pids":[8,9]}"#), [8, 9]);
        let of = |text: &str| redis(&serde_json::from_str(text).unwrap());
        assert_eq!(of(r#"{"public":"a:1"}"#), None);
        assert_eq!(of(r#"{"redis_pid":7,"redis_socket":null}"#), Some((7, None)));
        let named = Some((7, Some(PathBuf::from("/a/b"))));
        assert_eq!(of(r#"{"redis_pid":7,"redis_socket":"/a/b"}"#), named);
    }
}
