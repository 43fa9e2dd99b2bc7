//! Who decides when several nodes serve one sale: a library of functions in Redis.
//!
//! Owns the connections and the calls. A call takes a batch of commands to the sale's shard, where it
//! is decided, and brings back what every node needs: the facts since the last that this node knows,
//! its own among them. Nothing is kept here about a sale; the caller's world is the memory, and the
//! [`Point`] it has come to goes with every call.
//!
//! A call that failed with [`StoreError::Unavailable`] may have been decided. The next call with the
//! same point brings the facts either way, so nothing is lost and nothing is decided twice that has a
//! key or names a place. No call is repeated here.

mod answer;
mod commands;
mod error;
mod hints;
mod library;
mod notes;
mod parts;
mod presence;
mod quorum;
mod sales;
mod servers;
mod snapshot;
mod verdict;

use std::time::Duration;

use engine::{
    clock::Millis,
    codec::Binary as _,
    command::Ask,
    id::{Epoch, NodeName, SaleTag},
    record::Record,
    sale::Sale,
    stream::Point,
};
use fred::{
    clients::{Client, Pool},
    interfaces::{ClientLike as _, FunctionInterface as _},
    types::{ClusterHash, CustomCommand, Value, config::Options},
};
use tokio::time::timeout;

use self::servers::Servers;
pub use self::{
    answer::{Decision, Entry, Facts},
    error::StoreError,
    hints::Hints,
    library::REVISION,
    notes::NodeNote,
    presence::Heard,
    quorum::{Present, Quorum, QuorumAnswer},
    servers::Shard,
    snapshot::Snapshot,
    verdict::{HoldTold, Placed, Verdict},
};

/// The oldest server whose functions do what the library needs.
const SERVER_MAJOR_MIN: u64 = 7;

/// How Redis is reached.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// `redis://`, `rediss://` for TLS, `redis-cluster://`, `redis-sentinel://` and `redis+unix://`,
    /// with user and password of the ACL before the host.
    pub url: String,
    /// Connections kept open to each server, at least 1.
    pub connections: usize,
    /// How long a call may take before its outcome counts as unknown.
    pub deadline: Duration,
    /// Replicas that must have a decision before it counts; `None` waits for none.
    pub replicas: Option<Replicas>,
    /// What every key begins with, so that others can use the same Redis. No braces: those of the
    /// sale's tag choose the shard.
    pub prefix: String,
}

/// How many replicas have to have a decision, and how long that may take (`WAIT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replicas {
    /// At least 1.
    pub count: u32,
    /// What is not there by then counts as unknown.
    pub timeout: Duration,
}

/// The arbiter of many nodes.
#[derive(Clone, Debug)]
pub struct RedisArbiter {
    servers: Servers,
    deadline: Duration,
    replicas: Option<Replicas>,
    prefix: String,
    /// What this arbiter's loads are told from others by.
    loader: [u8; 16],
}

/// A batch for one sale.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Which sale.
    pub sale: SaleTag,
    /// Which node sends it. One that does not serve joins with it, and is told so until all others have
    /// journaled that.
    pub node: &'a NodeName,
    /// The epoch this node believes the sale's stream is in.
    pub epoch: Epoch,
    /// The last entry of the stream that this node has.
    pub after: &'a Point,
    /// Whether new holds are refused, because this node's backend does not keep up.
    pub stalled: bool,
    /// What the node itself tells, taken before the commands. A node that parts itself asks nothing.
    pub notes: &'a [NodeNote<'a>],
    /// What shoppers and the backend ask; none is a tick.
    pub asks: &'a [Ask],
    /// The last entry that this node has journaled: no later than `after`.
    pub journaled: &'a Point,
    /// What this node takes the sale's time to be: a wall clock of the store's that leaps ahead moves
    /// it no further. `None` sets no bound.
    pub now: Option<Millis>,
}

impl Batch<'_> {
    /// The batch as arguments of a call.
    fn arguments(&self) -> Vec<Value> {
        let mut arguments = vec![number(self.epoch.0)];
        arguments.extend(answer::point_arguments(self.after));
        arguments.push(number(u64::from(self.stalled)));
        arguments.push(Value::from(self.node.as_str()));
        arguments.push(bytes(&notes::joined(self.sale, self.node)));
        arguments.push(bytes(&notes::encode(self.sale, self.notes)));
        arguments.push(bytes(&commands::encode(self.asks)));
        arguments.push(self.now.map_or_else(|| Value::from(""), |now| number(now.0)));
        arguments.extend([number(self.journaled.epoch.0), number(self.journaled.seq)]);
        arguments
    }
}

/// What the store is to note about a node when a sale is rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It serves, and the others have yet to hear of it.
    Joining,
    /// It serves, and all members know.
    Known,
    /// It serves no more, and may come back and speak for the sale.
    Silent,
}

/// A sale to be written into the store.
#[derive(Clone, Copy, Debug)]
pub struct Rebuild<'a> {
    /// The sale as this node knows it.
    pub sale: &'a Sale,
    /// The latest time of any fact in it; the store's time goes on from there.
    pub at: Millis,
    /// The new epoch of its stream, higher than any before.
    pub epoch: Epoch,
    /// Where the stream ends for this node.
    pub last: &'a Point,
    /// The place right before `entries`; `last` when there are none.
    pub base: &'a Point,
    /// Entries that other nodes may not have, in their order up to `last`.
    pub entries: &'a [Entry],
    /// Who serves it, and who may come back that does not.
    pub members: &'a [(NodeName, Standing)],
}

impl RedisArbiter {
    /// Connects, checks the server and loads the library where it is missing or older.
    pub async fn connect(options: &StoreOptions) -> Result<Self, StoreError> {
        if options.prefix.contains(['{', '}']) || options.connections == 0 {
            let why = "a prefix without braces and at least one connection are needed";
            return Err(StoreError::Unusable(why.to_owned()));
        }
        let servers = Servers::new(options)?;
        let (deadline, prefix, replicas) =
            (options.deadline, options.prefix.clone(), options.replicas);
        let arbiter = Self { servers, deadline, replicas, prefix, loader: random()? };
        match arbiter.connect_all().await {
            Ok(()) => Ok(arbiter),
            Err(error) => {
                arbiter.close().await;
                Err(error)
            }
        }
    }

    /// Closes the connections. Without it they try for ever to come back.
    pub async fn close(&self) {
        self.servers.close().await;
    }

    /// What a server that was connected to needs before it is called.
    async fn prepare(&self, pool: &Pool) -> Result<(), StoreError> {
        check_server(pool)?;
        self.load_into(pool).await
    }

    /// Loads the library into the server that a sale is on, unless it has it in this or a later revision.
    /// Nodes of different builds share the later one: within a library's name its bytes never change.
    pub async fn load_library(&self, sale: SaleTag) -> Result<(), StoreError> {
        self.load_into(&Box::pin(self.pool(&self.key(sale, "meta"))).await?).await
    }

    async fn load_into(&self, pool: &Pool) -> Result<(), StoreError> {
        match self.revision_of(pool).await {
            Ok(found) if found >= REVISION => return Ok(()),
            Ok(_) | Err(StoreError::LibraryMissing) => {}
            Err(other) => return Err(other),
        }
        let options = call_options(self.deadline);
        let pool_with = pool.with_options(&options);
        self.within(Box::pin(pool_with.function_load::<Value, _>(true, library::SOURCE))).await?;
        match self.revision_of(pool).await? {
            found if found >= REVISION => Ok(()),
            found => Err(StoreError::LibraryOther { found }),
        }
    }

    /// The library's revision in a server.
    async fn revision_of(&self, pool: &Pool) -> Result<u64, StoreError> {
        let call = self.call_on(pool.next(), "version", Keys::None, Vec::new(), Writes::No);
        call.await?.as_u64().ok_or(StoreError::Reply("a revision that is no number"))
    }

    /// Decides a batch, and brings the facts since the point this node had.
    pub async fn decide(&self, batch: &Batch<'_>) -> Result<Decision, StoreError> {
        let arguments = batch.arguments();
        // One connection: replicas are waited for by what was written on it before.
        let pool = Box::pin(self.pool(&self.key(batch.sale, "meta"))).await?;
        let client = pool.next();
        let keys = Keys::Of(batch.sale);
        let call = Box::pin(self.call_on(client, "decide", keys, arguments, Writes::Yes));
        let asks = !batch.asks.is_empty() || !batch.notes.is_empty();
        let Some(replicas) = self.replicas.filter(|_| asks) else {
            return answer::decision(call.await?, batch.asks);
        };
        let (value, present) = tokio::join!(call, Box::pin(self.wait(client, replicas)));
        let mut decision = answer::decision(value?, batch.asks)?;
        decision.replicated = present.is_ok_and(|present| present >= u64::from(replicas.count));
        Ok(decision)
    }

    /// Decides batches that ask nothing, of sales on one server: as [`Self::decide`] for each, in one call.
    /// `None` for a sale at which the function failed, which a call of its own finds out about.
    pub async fn decide_each(
        &self,
        batches: &[Batch<'_>],
    ) -> Result<Vec<Option<Result<Decision, StoreError>>>, StoreError> {
        let (mut keys, mut arguments) = (Vec::new(), Vec::new());
        for batch in batches {
            keys.extend(self.keys(batch.sale).map(Value::from));
            arguments.extend(batch.arguments());
        }
        let Some(first) = batches.first() else { return Ok(Vec::new()) };
        let pool = Box::pin(self.pool(&self.key(first.sale, "meta"))).await?;
        let call = self.call_with(pool.next(), "decide_each", keys, arguments, Writes::Yes);
        let answers = Box::pin(call).await?.into_array();
        if answers.len() != batches.len() {
            return Err(StoreError::Reply("more or fewer answers than sales"));
        }
        let read = |(answer, batch): (Value, &Batch<'_>)| {
            let is_failed = answer.is_null() || answer.array_len() == Some(0);
            (!is_failed).then(|| answer::decision(answer, batch.asks))
        };
        Ok(answers.into_iter().zip(batches).map(read).collect())
    }

    /// Whether sales may be on one server and yet not to be asked for in one call.
    pub fn is_cluster(&self) -> bool {
        self.servers.is_cluster()
    }

    /// How many replicas have all that was written on a connection.
    async fn wait(&self, client: &Client, replicas: Replicas) -> Result<u64, StoreError> {
        let timeout = u64::try_from(replicas.timeout.as_millis()).unwrap_or(u64::MAX);
        let command = CustomCommand::new_static("WAIT", ClusterHash::FirstKey, false);
        let arguments = vec![number(replicas.count), number(timeout)];
        let options = call_options(self.deadline + replicas.timeout);
        let answer = client.with_options(&options).custom::<u64, _>(command, arguments).await;
        answer.map_err(StoreError::of_call)
    }

    /// Appends the fact of an operator's change that this node decided on its own world, if the stream
    /// still ends at `after`; otherwise [`StoreError::Moved`] says to read on and decide again. To be read on
    /// by a batch, not by [`Self::facts`]: it joins if the node was parted, and who does not serve changes
    /// nothing. `node` is this one if a caller is told that it was done: then all others have to know
    /// that it serves. `sale` is that world's.
    pub async fn append(
        &self,
        node: Option<&NodeName>,
        epoch: Epoch,
        after: &Point,
        changed: &Record,
        sale: &Sale,
    ) -> Result<Facts, StoreError> {
        let Record::Changed { change, .. } = changed else {
            unreachable!("only changes are decided here: {changed:?}");
        };
        let effects = parts::effects(change, sale);
        let mut records = Vec::new();
        changed.encode(&mut records);
        let mut arguments = vec![number(epoch.0)];
        arguments.extend(answer::point_arguments(after));
        arguments.extend([Value::from(node.map_or("", NodeName::as_str)), bytes(&records)]);
        arguments.extend(effects);
        let value = self.call("append", Keys::Of(sale.tag()), arguments, Writes::Yes).await?;
        answer::facts(value)
    }

    /// Entries after a point, at most `count`.
    pub async fn facts(
        &self,
        sale: SaleTag,
        after: &Point,
        count: u32,
    ) -> Result<Facts, StoreError> {
        let mut arguments: Vec<Value> = answer::point_arguments(after).into();
        arguments.push(number(count));
        let value = self.call("facts", Keys::Of(sale), arguments, Writes::No).await?;
        answer::facts(value)
    }

    /// Writes a sale into the store under a higher epoch, in place of what was there: nothing, a sale
    /// that was deleted, or one that lost its server. The last part opens it; a load that failed is
    /// begun again under a yet higher epoch.
    pub async fn load(&self, rebuild: &Rebuild<'_>) -> Result<(), StoreError> {
        for part in parts::of(rebuild) {
            let mut arguments = vec![number(rebuild.epoch.0), bytes(&self.loader)];
            arguments.extend(part);
            let keys = Keys::Of(rebuild.sale.tag());
            let value = self.call("load", keys, arguments, Writes::Yes).await?;
            answer::nothing(value)?;
        }
        Ok(())
    }

    /// The keys of a sale, in the order the library names them. The braces keep them on one shard.
    pub fn keys(&self, sale: SaleTag) -> [String; library::KEYS.len()] {
        library::KEYS.map(|key| self.key(sale, key))
    }

    fn key(&self, sale: SaleTag, name: &str) -> String {
        format!("{}:{{{:016x}}}:{name}", self.prefix, sale.0)
    }

    async fn call(
        &self,
        function: &str,
        keys: Keys,
        arguments: Vec<Value>,
        writes: Writes,
    ) -> Result<Value, StoreError> {
        let sale = match keys {
            Keys::Of(sale) | Keys::Heard(sale, _) => sale,
            Keys::None => unreachable!("a call without keys says which server it goes to"),
        };
        let pool = Box::pin(self.pool(&self.key(sale, "meta"))).await?;
        self.call_on(pool.next(), function, keys, arguments, writes).await
    }

    /// Calls a function. As a custom command, for the client would hold a connection up until an
    /// `FCALL` of its own is answered, while calls for other sales wait.
    async fn call_on(
        &self,
        client: &Client,
        function: &str,
        keys: Keys,
        arguments: Vec<Value>,
        writes: Writes,
    ) -> Result<Value, StoreError> {
        let keys: Vec<Value> = match keys {
            Keys::Of(sale) => self.keys(sale).map(Value::from).into(),
            Keys::Heard(sale, period) => {
                let names = [format!("heard:{period}"), "heard:next".to_owned()];
                names.map(|name| Value::from(self.key(sale, &name))).into()
            }
            Keys::None => Vec::new(),
        };
        self.call_with(client, function, keys, arguments, writes).await
    }

    async fn call_with(
        &self,
        client: &Client,
        function: &str,
        keys: Vec<Value>,
        arguments: Vec<Value>,
        writes: Writes,
    ) -> Result<Value, StoreError> {
        let name = Value::from(format!("{}_{function}", library::NAME));
        let command = match writes {
            Writes::Yes => "FCALL",
            Writes::No => "FCALL_RO",
        };
        let head = [name, number(keys.len() as u64)];
        let all: Vec<Value> = head.into_iter().chain(keys).chain(arguments).collect();
        let command = CustomCommand::new_static(command, ClusterHash::FirstKey, false);
        let client = client.with_options(&call_options(self.deadline));
        self.within(Box::pin(client.custom(command, all))).await
    }

    /// The answer, if it comes in time.
    fn within<T>(
        &self,
        answer: impl Future<Output = Result<T, fred::error::Error>>,
    ) -> impl Future<Output = Result<T, StoreError>> {
        let answer = within(self.deadline, answer);
        async move {
            let answer = answer.await;
            if matches!(answer, Err(StoreError::Unavailable(_) | StoreError::Elsewhere(_))) {
                self.servers.doubt();
            }
            answer
        }
    }
}

fn check_server(pool: &Pool) -> Result<(), StoreError> {
    match pool.next().server_version() {
        Some(version) if version.major >= SERVER_MAJOR_MIN => Ok(()),
        Some(version) => Err(StoreError::ServerTooOld(version.to_string())),
        None => Err(StoreError::Reply("a server that does not say its version")),
    }
}

fn call_options(deadline: Duration) -> Options {
    Options {
        max_attempts: Some(1),
        timeout: Some(deadline),
        fail_fast: true,
        ..Options::default()
    }
}

/// The answer, if it comes in time.
fn within<T>(
    deadline: Duration,
    answer: impl Future<Output = Result<T, fred::error::Error>>,
) -> impl Future<Output = Result<T, StoreError>> {
    // The client's calls are of 20 KiB each, which everything above would carry along.
    let answer = Box::pin(answer);
    async move {
        match timeout(deadline, answer).await {
            Ok(answer) => answer.map_err(StoreError::of_call),
            Err(_) => Err(StoreError::Unavailable("no answer within the deadline".to_owned())),
        }
    }
}

/// Which keys a call names.
#[derive(Clone, Copy, Debug)]
enum Keys {
    Of(SaleTag),
    /// What nodes heard in a period, and a place to put it together.
    Heard(SaleTag, u64),
    None,
}

/// Whether a call may write.
#[derive(Clone, Copy, Debug)]
enum Writes {
    Yes,
    No,
}

fn number(number: impl Into<u64>) -> Value {
    Value::from(number.into().to_string())
}

/// What tells one writer from another.
fn random() -> Result<[u8; 16], StoreError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| StoreError::Reply("no random numbers"))?;
    Ok(random)
}

fn bytes(bytes: &[u8]) -> Value {
    Value::from(bytes)
}
