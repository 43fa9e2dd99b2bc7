//! One node: its configuration, its process, and every way to end it.
//!
//! Owns the child; it is gone when the [`Node`] is dropped, and when we are. Ports are found once and
//! kept over restarts, so that a crowd finds the node again where it was.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, ExitStatus, Stdio},
    rc::Rc,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use testkit::{peer::dying_with_us, ports};

use super::{
    http::{Client, Request},
    namespace::Namespace,
};
use crate::{
    failure::Failure,
    process::{self, Call},
};

/// Keys of a service that lives for a minute on this machine.
pub(super) const OPERATOR_KEY: &str = "crowd-operator-0123456789abcdefghijklmnop";
pub(super) const BACKEND_KEY: &str = "crowd-backend-0123456789abcdefghijklmnopq";
/// The same on all nodes, so that each knows the others' tickets and passes.
const SECRET: &str = "crowd-secret-0123456789abcdefghijklmnopqrs";

/// From the start of the program to its first line, and from there to being ready.
const START_MAX: Duration = Duration::from_secs(30);
/// A drain takes up to 15 seconds by default.
const STOP_MAX: Duration = Duration::from_secs(25);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A node that is up answers within this, busy as it may be.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Where a node runs and finds the store.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) store: SocketAddr,
    /// Its own network, if it has one.
    pub(super) namespace: Option<Rc<Namespace>>,
}

/// A node, running or not.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) public: SocketAddr,
    ops: SocketAddr,
    program: PathBuf,
    namespace: Option<Rc<Namespace>>,
    directory: PathBuf,
    child: Option<Child>,
}

impl Node {
    /// A node at its place, not yet started; everything of it is in `directory`.
    pub(super) fn new(
        name: String,
        program: PathBuf,
        directory: PathBuf,
        place: Place,
    ) -> Result<Self, Failure> {
        let Place { store, namespace } = place;
        let host = namespace.as_deref().map_or(Ipv4Addr::LOCALHOST, Namespace::node);
        // In a network of the node's own every port is free.
        let address = || SocketAddr::new(host.into(), ports::free());
        let (public, ops) = (address(), address());
        let config = format!(
            "[server]\nlisten = \"{public}\"\nops_listen = \"{ops}\"\nnode = \"{name}\"\n\
             [limits]\nexempt = [\"0.0.0.0/0\"]\n[arbiter]\nkind = \"redis\"\n[redis]\nurl = \"redis://{store}\"\n\
             [keys]\noperator = \"{OPERATOR_KEY}\"\nbackend = \"{BACKEND_KEY}\"\nsecret = \"{SECRET}\"\n"
        );
        let path = directory.join("rushgate.toml");
        fs::create_dir_all(&directory)
            .and_then(|()| fs::write(&path, config))
            .map_err(|source| disk(&path, source))?;
        Ok(Self { name, public, ops, program, namespace, directory, child: None })
    }

    /// Starts it and waits until it listens, though it may not be ready.
    pub(super) fn start(&mut self) -> Result<(), Failure> {
        let log = self.log();
        let not_started = |source| Failure::NotStarted { call: self.spelled("serve"), source };
        let errors = File::options().create(true).append(true).open(&log);
        let errors = errors.map_err(|source| disk(&log, source))?;
        let call = match &self.namespace {
            Some(namespace) => namespace.call(&self.program),
            None => dying_with_us(&self.program, "KILL"),
        };
        let mut child = call
            .map_err(not_started)?
            .args([
                "serve".as_ref(),
                "--config".as_ref(),
                self.directory.join("rushgate.toml").as_os_str(),
            ])
            .args(["--data".as_ref(), self.data().as_os_str()])
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .map_err(not_started)?;
        let output = child.stdout.take();
        self.child = Some(child);
        let (say, hear) = mpsc::sync_channel(1);
        // The thread ends with the node, whose output it holds.
        thread::spawn(move || {
            let mut lines = output.map(BufReader::new).into_iter().flat_map(BufReader::lines);
            drop(say.send(lines.next().and_then(Result::ok)));
            lines.for_each(drop);
        });
        match hear.recv_timeout(START_MAX) {
            Ok(Some(line)) if line.contains("listening") => Ok(()),
            _ => Err(self.failed("serve", "did not come up")),
        }
    }

    /// Waits until it is ready: recovered, and the store at hand.
    pub(super) fn wait_ready(&self) -> Result<(), Failure> {
        let mut client = Client::new(self.ops, ANSWER_MAX);
        let started = process::now();
        loop {
            let answer = client.ask(&Request::get("/readyz"));
            if answer.as_ref().is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            if started.elapsed() >= START_MAX {
                let told = answer.map(|answer| String::from_utf8_lossy(&answer.body).into_owned());
                return Err(self.failed("serve", &format!("is not ready: {told:?}")));
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// `kill -9`, and the end of the process.
    pub(super) fn kill(&mut self) -> Result<(), Failure> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let killed = child.kill().and_then(|()| child.wait().map(drop));
        killed.map_err(|_| self.failed("serve", "cannot be killed"))
    }

    /// SIGTERM, and the end of the process: it must finish what it took on and exit with zero.
    pub(super) fn stop(&mut self) -> Result<(), Failure> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        // One that has ended already is found so below.
        let _ended = kill_process(Pid::from_child(&child), Signal::TERM);
        let status = wait(&mut child, process::now());
        match status {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.failed("serve", &format!("stopped with {status}"))),
            None => {
                drop(child.kill().and_then(|()| child.wait()));
                Err(self.failed("serve", &format!("did not stop within {STOP_MAX:?}")))
            }
        }
    }

    /// Has the stopped node's data audited.
    pub(super) fn verify(&self) -> Result<(), Failure> {
        let data = self.data();
        let output =
            Call::new(&self.program).args(["verify".as_ref(), "--data".as_ref(), data.as_os_str()]);
        output.read().map(drop)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn spelled(&self, verb: &str) -> String {
        format!("rushgate {verb}, node {}", self.name)
    }

    fn failed(&self, verb: &str, what: &str) -> Failure {
        let what = format!("{what}; see {}", self.log().display());
        Failure::Unexpected { call: self.spelled(verb), what }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Err(failure) = self.kill() {
            println!("{failure}");
        }
    }
}

fn wait(child: &mut Child, since: Instant) -> Option<ExitStatus> {
    while since.elapsed() < STOP_MAX {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        thread::sleep(LOOK_EVERY);
    }
    None
}

fn disk(path: &Path, source: io::Error) -> Failure {
    Failure::Disk { path: path.to_owned(), source }
}
