//! nginx and `HAProxy` as the files of `config/cluster` have them.
//!
//! Owns what is put in place of addresses and paths. Each replacement must be found, so that a file that
//! was changed is not tested by something else.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Child,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use testkit::peer::{Program, wait_until_up};

use crate::nodes::Nodes;

/// Killed, it would leave its workers behind.
const NGINX: Program = Program { command: "nginx", package: "nginx", end: "TERM" };
const HAPROXY: Program = Program { command: "haproxy", package: "haproxy", end: "KILL" };

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Haproxy,
}

pub(crate) const KINDS: [Kind; 2] = [Kind::Nginx, Kind::Haproxy];

/// Where a balancer finds a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backend {
    pub(crate) public: SocketAddr,
    /// Where it asks for health, if it does.
    pub(crate) ops: SocketAddr,
}

/// The nodes as backends.
pub(crate) fn backends(nodes: &Nodes) -> [Backend; 3] {
    std::array::from_fn(|index| {
        let node = &nodes.each[index];
        Backend { public: node.public, ops: node.ops }
    })
}

/// A running balancer.
#[derive(Debug)]
pub(crate) struct Balancer {
    child: Child,
    pub(crate) public: SocketAddr,
    _folder: TempDir,
}

impl Balancer {
    /// Starts one and waits until it listens.
    pub(crate) fn start(kind: Kind, backends: &[Backend; 3]) -> Self {
        let folder = TempDir::new().unwrap();
        // Neither can pick a port by itself.
        let public = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = folder.path().join("config");
        let (program, arguments) = match kind {
            Kind::Nginx => (NGINX, &["-g", "daemon off;", "-c"][..]),
            Kind::Haproxy => (HAPROXY, &["-db", "-f"][..]),
        };
        let text = match kind {
            Kind::Nginx => nginx(public, backends, folder.path()),
            Kind::Haproxy => haproxy(public, backends),
        };
        fs::write(&config, text).unwrap();
        let log = folder.path().join("log");
        let mut command = program.dying_with_us().unwrap();
        command.args(arguments).arg(&config).stdout(File::create(&log).unwrap());
        command.stderr(File::options().append(true).open(&log).unwrap());
        let mut child = command.spawn().unwrap();
        wait_until_up(&mut child, &log, || TcpStream::connect(public).is_ok()).unwrap();
        Self { child, public, _folder: folder }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        // Asked rather than killed, so that nginx takes its workers along.
        // An error says that it has ended already.
        if kill_process(Pid::from_child(&self.child), Signal::TERM).is_ok() {
            drop(self.child.wait());
        }
    }
}

fn nginx(public: SocketAddr, backends: &[Backend; 3], folder: &Path) -> String {
    let folder = folder.display();
    let mut text = file("nginx.conf");
    replace(&mut text, "listen 80 ", &format!("listen {public} "));
    replace(&mut text, "pid /run/nginx.pid;", &format!("pid {folder}/pid;"));
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths = paths.map(|name| format!("    {name}_temp_path {folder}/{name};\n")).concat();
    replace(&mut text, "http {\n", &format!("http {{\n{paths}"));
    for (backend, name) in backends.iter().zip(1..) {
        let named = format!("server node-{name}:8080 ");
        replace(&mut text, &named, &format!("server {} ", backend.public));
    }
    text
}

fn haproxy(public: SocketAddr, backends: &[Backend; 3]) -> String {
    let mut text = file("haproxy.cfg");
    replace(&mut text, "bind :80\n", &format!("bind {public}\n"));
    // It refuses to start without descriptors for all, which a test has no right to.
    replace(&mut text, "maxconn 32768\n", "maxconn 256\n");
    // All nodes are on one address here, so each has a port of its own.
    replace(&mut text, "check port 9090 ", "check ");
    for (backend, name) in backends.iter().zip(1..) {
        let Backend { public, ops } = backend;
        let named = format!("server node-{name} node-{name}:8080\n");
        let mut parts = text.splitn(2, &named);
        let (before, after) = (parts.next().unwrap(), parts.next().expect("a checked server"));
        let checked = format!("server node-{name} {public} port {}\n", ops.port());
        text = format!("{before}{checked}{after}");
        replace(&mut text, &format!("node-{name}:8080"), &public.to_string());
    }
    text
}

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/cluster").join(name);
    fs::read_to_string(path).unwrap()
}

fn replace(text: &mut String, what: &str, with: &str) {
    assert!(text.contains(what), "{what:?} is not in the file any more");
    *text = text.replace(what, with);
}
