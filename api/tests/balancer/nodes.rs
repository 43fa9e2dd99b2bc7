//! Three nodes of the program under test, each with its own process and journal, and a Redis where they
//! decide together.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
};

use serde_json::Value;
use tempfile::TempDir;
use testkit::redis::{AppendFsync, Redis};

use crate::ask;

const PROGRAM: &str = env!("CARGO_BIN_EXE_rushgate");

pub(crate) const OPERATOR: &str = "an-operator-of-tests";

/// The same for all: whoever entered at one node polls at another.
const KEYS: &str = r#"
[keys]
secret = "0123456789abcdef0123456789abcdef"
operator = "an-operator-of-tests"
backend = "a-backend-of-tests"
"#;

/// The sales, each with rules of its own: nothing in them runs out by time, and only at the second does
/// the pace leave people waiting.
const SALES: [(&str, &str); 3] = [
    ("demo", "admission_per_second = 1000.0\nactive_max = 100000"),
    ("slow", "admission_per_second = 0.001\nidle_seconds = 86400"),
    ("known", "identity = \"header\""),
];

fn sale((id, rules): (&str, &str)) -> String {
    format!(
        "[[sale]]\nid = \"{id}\"\n{rules}\n[[sale.offer]]\nsku = \"sneaker-42\"\ntotal = 1000\n\
         price = 1000\ncurrency = \"EUR\"\n"
    )
}

/// One node; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Node {
    child: Child,
    pub(crate) public: SocketAddr,
    pub(crate) ops: SocketAddr,
    log: PathBuf,
}

impl Node {
    fn start(name: &str, folder: &TempDir, more: &str) -> Self {
        let at = |end: &str| folder.path().join(format!("{name}{end}"));
        let server = "[server]\ntrusted_proxies = [\"127.0.0.0/8\"]";
        let sales = SALES.map(sale).concat();
        let config = format!("{server}\nnode = \"{name}\"\n{more}{KEYS}{sales}");
        fs::write(at(".toml"), config).unwrap();
        let log = at(".log");
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]);
        command.arg("--config").arg(at(".toml")).arg("--data").arg(at(""));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("{name}: {}", fs::read_to_string(&log).unwrap()));
        let address = |key: &str| said[key].as_str().unwrap().parse().unwrap();
        Self { public: address("public"), ops: address("ops"), child, log }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        // One that was killed before is gone.
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }

    /// How many requests of a route this node has answered.
    pub(crate) fn answered(&self, route: &str) -> u64 {
        let metrics = ask::of(self.ops).get("/metrics").body;
        let of_route = |line: &&str| {
            line.starts_with("rushgate_http_request_seconds_count{")
                && line.contains(&format!("route=\"{route}\""))
        };
        let count = |line: &str| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
        metrics.lines().filter(of_route).map(count).sum()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            let from = log.len().saturating_sub(2_000);
            eprintln!("{} said:\n{}", self.log.display(), log.get(from..).unwrap_or_default());
        }
    }
}

/// The three of them.
#[derive(Debug)]
pub(crate) struct Nodes {
    pub(crate) each: Vec<Node>,
    pub(crate) redis: Redis,
    _folder: TempDir,
}

impl Nodes {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let redis = Redis::start(AppendFsync::Everysec).unwrap();
        let url = format!("redis+unix://{}", redis.socket().display());
        let more = format!("[arbiter]\nkind = \"redis\"\n[redis]\nurl = \"{url}\"\n");
        let names = ["node-1", "node-2", "node-3"];
        let each = names.iter().map(|name| Node::start(name, &folder, &more)).collect();
        Self { each, redis, _folder: folder }
    }

    /// How many requests of a route were answered by each.
    pub(crate) fn answered(&self, route: &str) -> Vec<u64> {
        self.each.iter().map(|node| node.answered(route)).collect()
    }
}
