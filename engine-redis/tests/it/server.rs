//! A private Redis, and nodes that use it.
//!
//! Owns the server's process, directory and socket. A machine without `redis-server` fails the tests:
//! a suite that was left out proves nothing.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use engine::{
    clock::Millis,
    codec::Binary as _,
    command::{Ask, Command},
    id::{Epoch, EventId, NodeName, SaleTag},
    record::{Change, Record},
    sale::Sale,
    spec::SaleSpec,
    stream::Point,
    world::World,
};
use engine_redis::{
    Batch, Decision, Entry, Facts, NodeNote, Quorum, QuorumAnswer, Rebuild, Standing, Store,
    StoreError, StoreOptions,
};
use fred::{
    clients::Client,
    interfaces::ClientLike as _,
    types::{Builder, ClusterHash, CustomCommand, Value, config::Config},
};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use testkit::wall_clock::WallClock;

use crate::support;

/// How long a call may take in most tests: never reached by a server that runs.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// A running server; dropping it kills it.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    directory: TempDir,
    options: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Server {
    /// A server that forgets everything when it ends.
    pub(super) fn start() -> Self {
        Self::start_with(&["--appendonly", "no"])
    }

    pub(super) fn start_with(options: &[&str]) -> Self {
        Self::start_in(options, Vec::new())
    }

    /// A server that goes by a clock of its own.
    pub(super) fn start_under(clock: &WallClock) -> Self {
        Self::start_in(&["--appendonly", "no"], clock.environment().into())
    }

    fn start_in(options: &[&str], environment: Vec<(&'static str, String)>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let options: Vec<_> = options.iter().map(|&option| option.to_owned()).collect();
        let child = spawn(directory.path(), &options, &environment);
        let server = Self { child, directory, options, environment };
        server.wait_until_up();
        server
    }

    /// Kills the server and starts another in its place, with what is on the disk.
    pub(super) fn restart(&mut self) {
        self.kill();
        self.child = spawn(self.directory.path(), &self.options, &self.environment);
        self.wait_until_up();
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().expect("a child to kill");
        self.child.wait().expect("a child to wait for");
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a child");
    }

    pub(super) fn url(&self) -> String {
        format!("redis+unix://{}", self.directory.path().join("socket").display())
    }

    pub(super) async fn store(&self, prefix: &str, deadline: Duration) -> Store {
        let (url, prefix) = (self.url(), prefix.to_owned());
        let options = StoreOptions { url, connections: 2, deadline, replicas: None, prefix };
        Store::connect(&options).await.expect("a server that runs is connected to")
    }

    /// A connection for what no arbiter would ask.
    pub(super) async fn raw(&self) -> Raw {
        let config = Config::from_url(&self.url()).expect("a good URL");
        let client = Builder::from_config(config).build().expect("a client");
        client.init().await.expect("a server that runs");
        Raw(client)
    }

    fn wait_until_up(&self) {
        let socket = self.directory.path().join("socket");
        for _ in 0..1_000 {
            if is_answering(&socket) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        unreachable!("the server does not come up within 10 s");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that a test has killed already is gone.
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }
}

fn spawn(directory: &Path, options: &[String], environment: &[(&str, String)]) -> Child {
    testkit::redis::server()
        .dying_with_us()
        .expect("the server is installed")
        .args(["--port", "0", "--databases", "1", "--save", ""])
        .args(options)
        .arg("--unixsocket")
        .arg(directory.join("socket"))
        .arg("--dir")
        .arg(directory)
        .envs(environment.iter().cloned())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts")
}

fn is_answering(socket: &Path) -> bool {
    let mut answer = [0; 7];
    UnixStream::connect(socket)
        .and_then(|mut stream| {
            stream.write_all(b"PING\r\n")?;
            stream.read_exact(&mut answer)
        })
        .is_ok_and(|()| &answer == b"+PONG\r\n")
}

/// A plain connection.
#[derive(Debug)]
pub(super) struct Raw(Client);

impl Raw {
    pub(super) async fn call(&self, command: &[&str]) -> Value {
        let named = CustomCommand::new(command[0], ClusterHash::FirstKey, false);
        let arguments: Vec<Value> = command[1..].iter().map(|part| Value::from(*part)).collect();
        self.0.custom(named, arguments).await.expect("a command that the server knows")
    }

    /// Sets a field of a hash to bytes.
    pub(super) async fn put(&self, key: &str, field: &str, bytes: &[u8]) {
        let set = CustomCommand::new("HSET", ClusterHash::FirstKey, false);
        let arguments = vec![Value::from(key), Value::from(field), Value::from(bytes)];
        drop(self.0.custom::<Value, _>(set, arguments).await.expect("a hash"));
    }

    /// All that a sale's keys hold, but for the stream and for what does not follow from the facts.
    pub(super) async fn dump(&self, keys: &[String]) -> BTreeMap<String, String> {
        let mut dump = BTreeMap::new();
        for key in keys {
            let name = key.rsplit(':').next().unwrap_or_default();
            let call = match name {
                "line" | "sessions" | "due" => vec!["ZRANGE", key, "0", "-1", "WITHSCORES"],
                "ended" => vec!["LRANGE", key, "0", "-1"],
                "kept" | "kept_holds" | "facts" | "nodes" | "quorum" | "snapshot"
                | "snapshot_next" => continue,
                _ => vec!["HGETALL", key],
            };
            let flat = flatten(self.call(&call).await);
            if name == "ended" {
                let items = flat.iter().enumerate();
                dump.extend(
                    items.map(|(at, item)| {
                        (format!("{name} {at}"), item.escape_ascii().to_string())
                    }),
                );
                continue;
            }
            for pair in flat.chunks(2) {
                let (field, value) = (pair[0].escape_ascii().to_string(), pair[1].escape_ascii());
                let own = [
                    "clock_offset",
                    "called_at",
                    "joined_seq",
                    "loader",
                    "loaded_at",
                    "delivery",
                    "delivery_until",
                    "present",
                    "base_epoch",
                    "base_seq",
                    "base_chain",
                    "epoch",
                ];
                if name != "meta" || !own.contains(&field.as_str()) {
                    dump.insert(format!("{name} {field}"), value.to_string());
                }
            }
        }
        dump
    }
}

/// A list of values as bytes.
fn flatten(value: Value) -> Vec<Vec<u8>> {
    let bytes = |item: &Value| item.as_bytes().expect("bytes").to_vec();
    if let Value::Array(items) = value { items.iter().map(bytes).collect() } else { Vec::new() }
}

/// A node: the arbiter, and the world that follows from the stream.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: NodeName,
    pub(super) store: Store,
    pub(super) sale: SaleTag,
    pub(super) epoch: Epoch,
    pub(super) point: Point,
    /// The latest time of any fact.
    pub(super) at: Millis,
    pub(super) world: World,
}

impl Node {
    /// A node named `a` that makes the sale and loads it.
    pub(super) async fn creating(store: Store, spec: SaleSpec) -> Self {
        let (sale, at, mut world) = (spec.name.tag(), support::START, World::default());
        let author = support::author();
        let (epoch, told, spec) = (Epoch(1), EventId(0), Box::new(spec));
        world.apply(&Record::Created { author, epoch, told, spec, replay: None }, at);
        let (name, epoch, point) = (name("a"), Epoch(0), Point::START);
        let mut node = Self { name, store, sale, epoch, point, at, world };
        node.reload().await;
        node
    }

    /// A second node, named `b`, with the same knowledge.
    pub(super) fn beside(&self, store: Store) -> Self {
        Self { name: name("b"), store, ..self.clone() }
    }

    pub(super) fn sale(&self) -> &Sale {
        self.world.sale(self.sale).expect("the sale is there")
    }

    /// Writes the sale into the store under the next epoch.
    pub(super) async fn reload(&mut self) {
        self.epoch = Epoch(self.epoch.0 + 1);
        self.load_with(&self.store).await.expect("a higher epoch is taken");
    }

    /// Writes the sale into a store as it stands.
    pub(super) async fn load_with(&self, store: &Store) -> Result<(), StoreError> {
        let (last, epoch, members) = (&self.point, self.epoch, &self.members());
        let (sale, at, entries) = (self.sale(), self.at, &[]);
        store.load(&Rebuild { sale, at, epoch, last, base: last, entries, members }).await
    }

    /// The members, all of whom know each other.
    fn members(&self) -> Vec<(NodeName, Standing)> {
        self.sale().members().nodes().map(|node| (node.clone(), Standing::Known)).collect()
    }

    /// Writes the sale under a granted epoch, with the entries that others may not have.
    pub(super) async fn rebuild(&mut self, epoch: Epoch, base: &Point, entries: &[Entry]) {
        self.epoch = epoch;
        let (sale, at, last, members) = (self.sale(), self.at, &self.point, &self.members());
        let rebuild = Rebuild { sale, at, epoch, last, base, entries, members };
        self.store.load(&rebuild).await.expect("a granted epoch is taken");
    }

    /// A node's word at the quorum, that was in touch until the loss.
    pub(super) async fn quorum(&self, wait_ms: u64) -> Result<QuorumAnswer, StoreError> {
        self.quorum_after(wait_ms, Some(50)).await
    }

    pub(super) async fn quorum_after(
        &self,
        wait_ms: u64,
        out_of_touch_ms: Option<u64>,
    ) -> Result<QuorumAnswer, StoreError> {
        let members: Vec<_> = self.sale().members().nodes().cloned().collect();
        let (sale, node, point, members) = (self.sale, &self.name, &self.point, &members);
        let is_known = true;
        let quorum = Quorum { sale, node, point, members, is_known, out_of_touch_ms, wait_ms };
        self.store.quorum(&quorum).await
    }

    /// Appends an operator's change that was decided at `after`.
    pub(super) async fn append(&self, after: &Point, change: &Change) -> Result<Facts, StoreError> {
        let changed = changed(self.sale, change);
        self.store.append(Some(&self.name), self.epoch, after, &changed, self.sale()).await
    }

    /// Serves beside `other`, which knows it then.
    pub(super) async fn join(&mut self, other: &mut Self) {
        self.decide(&[]).await;
        while self.decide(&[]).await.is_joining {
            other.decide(&[]).await;
        }
        other.decide(&[]).await;
        assert_eq!(self.point, other.point);
    }

    pub(super) async fn try_decide(
        &mut self,
        commands: &[Command],
        stalled: bool,
    ) -> Result<Decision, StoreError> {
        self.batch(&[], commands, stalled).await
    }

    /// Tells notes, and asks nothing.
    pub(super) async fn tell(&mut self, notes: &[NodeNote<'_>]) -> Decision {
        self.batch(notes, &[], false).await.expect("a store that agrees decides")
    }

    async fn batch(
        &mut self,
        notes: &[NodeNote<'_>],
        commands: &[Command],
        stalled: bool,
    ) -> Result<Decision, StoreError> {
        let (sale, node, epoch, after) = (self.sale, &self.name, self.epoch, &self.point);
        let (journaled, now, asks) = (after, None, &asks(commands));
        let batch = Batch { sale, node, epoch, after, stalled, notes, asks, journaled, now };
        let decision = self.store.decide(&batch).await?;
        self.follow(&decision.facts);
        Ok(decision)
    }

    pub(super) async fn decide(&mut self, commands: &[Command]) -> Decision {
        self.try_decide(commands, false).await.expect("a store that agrees decides")
    }

    /// Applies facts, which go on where this node stands.
    pub(super) fn follow(&mut self, facts: &Facts) {
        for entry in &facts.entries {
            assert_eq!(entry.point.seq, self.point.seq + 1, "entries come without a gap");
            assert!(entry.at >= self.at, "time never runs backwards");
            for record in &entry.records {
                self.world.apply(record, entry.at);
            }
            (self.point, self.at) = (entry.point, entry.at);
        }
    }
}

/// What the store is asked: the sale goes beside it.
pub(super) fn asks(commands: &[Command]) -> Vec<Ask> {
    let ask = |command: &Command| match command {
        Command::Ask(_, ask) => ask.clone(),
        Command::Operate(_) | Command::Note(..) => unreachable!("not for the store: {command:?}"),
    };
    commands.iter().map(ask).collect()
}

/// The fact of a change.
pub(super) fn changed(sale: SaleTag, change: &Change) -> Record {
    let change = Box::new(change.clone());
    Record::Changed { sale, author: support::author(), change, replay: None }
}

pub(super) fn name(text: &str) -> NodeName {
    NodeName::parse(text).expect("a good name")
}

#[expect(single_use_lifetimes, reason = "an argument's `impl` cannot leave it out")]
pub(super) fn encoded<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<u8> {
    let mut out = Vec::new();
    records.into_iter().for_each(|record| record.encode(&mut out));
    out
}

/// Runs a test that needs a runtime.
pub(super) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(test)
}
