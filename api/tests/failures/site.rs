//! A server process with its data directory and configuration, and every way to end it.
//!
//! Owns the child: whatever a test does, the process is gone when the [`Server`] is dropped.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    PATIENCE,
    client::{Answer, Call, Client},
    wait_for,
};

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_rushgate");

/// The sale of most tests: nothing in it runs out by time, and one of its offers sells out.
fn demo() -> String {
    let rules = "title = \"Failures\"\nadmission_per_second = 400.0\nactive_max = 100000\n\
        claim_window_seconds = 86400\nsession_seconds = 86400\nidle_seconds = 86400\n\
        per_shopper_max = 2\n";
    sale("demo", rules) + &offer("scarce", 150, 1_000) + &offer("plenty", 1_000_000, 10)
}

/// A sale whose holds stay, as a section of the configuration; its offers come behind it.
pub(crate) fn sale(id: &str, rules: &str) -> String {
    format!("[[sale]]\nid = \"{id}\"\nhold_seconds = 86400\n{rules}")
}

pub(crate) fn offer(sku: &str, total: u64, price: u64) -> String {
    format!(
        "[[sale.offer]]\nsku = \"{sku}\"\ntotal = {total}\nprice = {price}\ncurrency = \"EUR\"\n"
    )
}

/// Where a server lives across its restarts.
#[derive(Debug)]
pub(crate) struct Site {
    /// The journal's directory.
    pub(crate) data: PathBuf,
    scratch: TempDir,
    /// More lines of the `[server]` section.
    server: String,
    /// More sections.
    sections: String,
    /// What the program is started by, as `strace` and its options.
    wrapper: Vec<String>,
}

impl Site {
    /// On the file system that temporary files are on.
    pub(crate) fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let data = scratch.path().join("data");
        let (server, sections) = (String::new(), String::new());
        Self { data, scratch, server, sections, wrapper: Vec::new() }
    }

    /// With the data elsewhere.
    pub(crate) fn at(data: PathBuf) -> Self {
        Self { data, ..Self::new() }
    }

    /// With a journal already, as faults are for its batches.
    pub(crate) fn started_before() -> Self {
        let site = Self::new();
        site.start().kill();
        site
    }

    /// Adds a line to the `[server]` section.
    pub(crate) fn server_option(mut self, line: &str) -> Self {
        self.server = format!("{}{line}\n", self.server);
        self
    }

    /// Adds sections to the configuration, sales included.
    pub(crate) fn sections(mut self, text: &str) -> Self {
        self.sections.push_str(text);
        self
    }

    /// Starts the program by another one from now on; nothing undoes it.
    pub(crate) fn wrap(&mut self, words: &[&str]) {
        self.wrapper = words.iter().map(|word| (*word).to_owned()).collect();
    }

    /// Has `strace` tamper with a system call from now on: the call, and what is done to it.
    pub(crate) fn inject(&mut self, fault: &str) {
        let call = fault.split(':').next().unwrap();
        let (trace, inject) = (format!("trace={call}"), format!("inject={fault}"));
        // The kernel filters, so that other calls cost what they always do.
        let strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null"];
        self.wrap(&[&strace[..], &["-e", &trace, "-e", &inject, "--"]].concat());
    }

    /// Starts the program, without waiting for anything.
    pub(crate) fn spawn(&self) -> Child {
        let config = self.scratch.path().join("rushgate.toml");
        let Self { server, sections, .. } = self;
        let addresses = "listen = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"\n";
        let text = format!("[server]\n{addresses}{server}{sections}{}", demo());
        fs::write(&config, text).unwrap();
        let mut words = self.wrapper.iter().map(String::as_str).chain([PROGRAM]);
        let first = words.next().unwrap();
        let mut command = Command::new(first);
        command.args(words).arg("serve").arg("--config").arg(config).arg("--data").arg(&self.data);
        // A group of its own, so that a wrapper and the program end together.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap_or_else(|error| panic!("cannot start {first}: {error}"))
    }

    /// Starts the program and waits until it listens.
    pub(crate) fn start(&self) -> Server {
        let mut child = self.spawn();
        let log = Log::of(&mut child);
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        let addr = |name: &str| said[name].as_str().and_then(|text| text.parse().ok());
        let (Some(public), Some(ops)) = (addr("public"), addr("ops")) else {
            let status = child.wait();
            panic!("did not start: {status:?}\n{}", log.text());
        };
        // What it found is logged before it listens, and read by another thread.
        wait_for("the log", || log.text().contains("recovered"));
        let file = fs::read(self.data.join("keys.json")).unwrap();
        let keys: Value = serde_json::from_slice(&file).unwrap();
        let key = |name: &str| keys[name].as_str().unwrap().to_owned();
        let (operator, backend) = (key("operator"), key("backend"));
        Server { child, public, ops, operator, backend, log }
    }

    /// Starts the program, which is to refuse; answers its exit code and what it said.
    pub(crate) fn start_refused(&self) -> (Option<i32>, String) {
        let mut child = self.spawn();
        let log = Log::of(&mut child);
        let status = wait(&mut child, &log);
        (status.code(), log.text())
    }
}

/// What a process wrote to standard error.
#[derive(Clone, Debug)]
pub(crate) struct Log(Arc<Mutex<String>>);

impl Log {
    fn of(child: &mut Child) -> Self {
        let log = Self(Arc::default());
        let (mut pipe, kept) = (child.stderr.take().unwrap(), log.clone());
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut chunk) {
                kept.0.lock().unwrap().push_str(&String::from_utf8_lossy(&chunk[..count]));
            }
        });
        log
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

/// What a crowd needs to know of a server; outlives it.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) public: SocketAddr,
    pub(crate) backend: String,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) public: SocketAddr,
    ops: SocketAddr,
    pub(crate) operator: String,
    pub(crate) backend: String,
    pub(crate) log: Log,
}

impl Server {
    pub(crate) fn client(&self) -> Client {
        Client::new(self.public)
    }

    pub(crate) fn door(&self) -> Door {
        Door { public: self.public, backend: self.backend.clone() }
    }

    /// The operator's figures of the sale.
    pub(crate) fn stats(&self) -> Value {
        let path = "/v1/admin/sales/demo/stats";
        let call = Call { bearer: Some(&self.operator), ..Call::get(path) };
        let answer = self.client().ask(&call);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Asks the operations listener.
    pub(crate) fn operations(&self, path: &str) -> Answer {
        Client::new(self.ops).ask(&Call::get(path))
    }

    /// The program's own process, which a wrapper is the parent of.
    pub(crate) fn pid(&self) -> u32 {
        let own = self.child.id();
        let children = format!("/proc/{own}/task/{own}/children");
        let children = fs::read_to_string(children).unwrap_or_default();
        let first = children.split_whitespace().next();
        first.map_or(own, |pid| pid.parse().unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// `kill -9`, and the end of the process.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// SIGTERM, without waiting.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits until the process ends by itself; answers its exit code and log.
    pub(crate) fn exit(mut self) -> (Option<i32>, String) {
        let status = wait(&mut self.child, &self.log);
        (status.code(), self.log.text())
    }

    /// Kilobytes of memory in use.
    pub(crate) fn resident_kb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Clock ticks (hundredths of a second) the process has spent on a processor.
    pub(crate) fn cpu_ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let behind_name = stat.rsplit(')').next().unwrap();
        let field = |at: usize| behind_name.split_whitespace().nth(at).unwrap();
        field(11).parse::<u64>().unwrap() + field(12).parse::<u64>().unwrap()
    }

    fn end(&mut self) {
        let group = Pid::from_child(&self.child);
        // An error says that it has ended already, and was waited for.
        if kill_process_group(group, Signal::KILL).is_ok() {
            drop(self.child.wait());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
        if thread::panicking() {
            let log = self.log.text();
            let from = log.len().saturating_sub(4_000);
            eprintln!("the server said:\n{}", log.get(from..).unwrap_or_default());
        }
    }
}

fn wait(child: &mut Child, log: &Log) -> ExitStatus {
    let mut ended = None;
    wait_for(&format!("the end of the process, which says:\n{}", log.text()), || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    // What it said last is still in the pipe.
    thread::sleep(Duration::from_millis(50));
    ended.unwrap()
}

const _: () = assert!(PATIENCE.as_secs() >= 20, "a drain takes up to 15 seconds");
