//! Which server a call goes to, and the connections to it.
//!
//! ```text
//!   key ─▶ slot ─▶ owners (CLUSTER SLOTS) ─▶ Shard ─▶ Pool
//!                  one server, or the one that sentinels name: the only Shard
//! ```
//!
//! Each shard of a cluster has connections of its own. The client's cluster mode is not used: it writes
//! to nobody while it tries to reach a server that is gone, so that a dead shard would stop the sales of
//! all others. Connections go to masters only; whoever is one no more says so, and the owners are read
//! again after any call that failed.
//!
//! A server has the library once it is connected to. Refuses to know what is called.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use engine::limits::SALES_MAX;
use fred::{
    clients::{Client, Pool},
    interfaces::ClientLike as _,
    types::{
        Builder, ClusterHash, CustomCommand, Value,
        config::{Config, ReconnectPolicy, Server, ServerConfig},
    },
};
use tokio::{task::JoinSet, time::Instant};

use super::{
    StoreError, StoreOptions,
    call::{call_options, within},
};

/// First and last slot of each range, and the master that has them.
pub(super) type Owners = Vec<(u16, u16, Server)>;

/// How often, at most, a cluster is asked who has which slots.
const OWNERS_EVERY: Duration = Duration::from_millis(100);

/// A server of the store that sales are on: the only one, or the one that has some of a cluster's slots.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard(pub(super) Option<Server>);

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(server) => write!(f, "{}:{}", server.host, server.port),
            None => f.write_str("the store"),
        }
    }
}

/// The servers of a store; clones share their connections.
#[derive(Clone, Debug)]
pub(super) struct Servers {
    builder: Builder,
    /// The same for a connection that ends when it is lost.
    listener: Builder,
    /// Connections to each.
    connections: usize,
    deadline: Duration,
    /// Who is asked first for the owners of a cluster's slots; empty without a cluster.
    seeds: Vec<Server>,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) owners: Owners,
    /// Whether the owners may have changed.
    is_doubted: bool,
    read_at: Option<Instant>,
    pub(super) pools: BTreeMap<Shard, Pool>,
}

impl Servers {
    pub(super) fn new(options: &StoreOptions) -> Result<Self, StoreError> {
        let config = Config::from_url(&options.url).map_err(StoreError::unusable)?;
        let seeds = match &config.server {
            ServerConfig::Clustered { hosts, .. } => hosts.clone(),
            ServerConfig::Centralized { .. }
            | ServerConfig::Unix { .. }
            | ServerConfig::Sentinel { .. } => Vec::new(),
        };
        let mut builder = Builder::from_config(config);
        let mut listener = builder.clone();
        listener
            .with_connection_config(|connection| {
                connection.connection_timeout = options.deadline;
                connection.internal_command_timeout = options.deadline;
            })
            .with_performance_config(|config| config.broadcast_channel_capacity = SALES_MAX);
        // One attempt: a call that may have been decided is not sent again behind the caller's back.
        builder
            .with_connection_config(|connection| {
                connection.connection_timeout = options.deadline;
                connection.internal_command_timeout = options.deadline;
                connection.max_command_attempts = 1;
                connection.unresponsive.max_timeout = Some(options.deadline * 4);
                connection.unresponsive.interval = options.deadline;
            })
            .set_policy(ReconnectPolicy::new_exponential(0, 20, 1_000, 2));
        let (connections, deadline) = (options.connections, options.deadline);
        Ok(Self { builder, listener, connections, deadline, seeds, known: Arc::default() })
    }

    /// A client to listen with, not connected yet. What is published at one server of a cluster is heard at
    /// all of them; each `turn` tries another.
    pub(super) fn listener(&self, turn: usize) -> Result<Client, StoreError> {
        let mut builder = self.listener.clone();
        if self.is_cluster() {
            let owners = self.with(|known| known.owners.clone());
            let mut servers: Vec<Server> = owners.into_iter().map(|range| range.2).collect();
            servers.dedup();
            let all = if servers.is_empty() { &self.seeds } else { &servers };
            let server = all[turn % all.len()].clone();
            builder.with_config(|config| config.server = ServerConfig::Centralized { server });
        }
        builder.build().map_err(StoreError::unusable)
    }

    pub(super) fn is_cluster(&self) -> bool {
        !self.seeds.is_empty()
    }

    /// Says that a call failed: the owners of slots may be others now.
    pub(super) fn doubt(&self) {
        self.with(|known| known.is_doubted = true);
    }

    /// The shard that has a slot; in a cluster none in particular while no shard has it.
    pub(super) fn shard(&self, slot: u16) -> Shard {
        self.with(|known| Shard(owner_of(&known.owners, slot).cloned()))
    }

    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn build(&self, server: Option<&Server>) -> Result<Pool, StoreError> {
        let mut builder = self.builder.clone();
        if let Some(server) = server {
            let server = server.clone();
            builder.with_config(|config| config.server = ServerConfig::Centralized { server });
        }
        builder.build_pool(self.connections).map_err(StoreError::unusable)
    }

    /// New connections to a server; none stay behind when they cannot be had.
    pub(super) async fn connect(&self, server: Option<&Server>) -> Result<Pool, StoreError> {
        let pool = self.build(server)?;
        match within(self.deadline, pool.init()).await {
            Ok(_) => Ok(pool),
            Err(error) => {
                quit(pool, self.deadline).await;
                Err(error)
            }
        }
    }

    /// Reads who has which slots, and drops the connections to servers that have none.
    pub(super) async fn read_owners(&self) -> Result<(), StoreError> {
        let open = self.with(|known| {
            (known.is_doubted, known.read_at) = (false, Some(Instant::now()));
            known.pools.clone()
        });
        let deadline = self.deadline;
        let mut asked = JoinSet::new();
        for (shard, pool) in open {
            let Shard(Some(server)) = shard else { continue };
            asked.spawn(async move { owners(&pool, &server, deadline).await });
        }
        if let Ok(owners) = first(asked).await {
            self.take(owners);
            return Ok(());
        }
        let mut asked = JoinSet::new();
        for server in self.seeds.clone() {
            let seed = Self { connections: 1, ..self.clone() };
            asked.spawn(async move {
                let pool = seed.connect(Some(&server)).await?;
                let owners = owners(&pool, &server, deadline).await;
                quit(pool, deadline).await;
                owners
            });
        }
        let found = first(asked).await;
        found.map(|owners| self.take(owners)).inspect_err(|_| self.doubt())
    }

    fn take(&self, owners: Owners) {
        let left: Vec<Pool> = self.with(|known| {
            known.owners = owners;
            let has =
                |shard: &Shard| known.owners.iter().any(|range| shard.0.as_ref() == Some(&range.2));
            let (kept, left) =
                std::mem::take(&mut known.pools).into_iter().partition(|(shard, _)| has(shard));
            known.pools = kept;
            let left: BTreeMap<Shard, Pool> = left;
            left.into_values().collect()
        });
        for pool in left {
            tokio::spawn(quit(pool, self.deadline));
        }
    }

    /// Reads the owners again if they are in doubt and were not read just now.
    pub(super) async fn refresh(&self) -> Result<(), StoreError> {
        let is_due = self.with(|known| {
            let lately = known.read_at.is_some_and(|at| at.elapsed() < OWNERS_EVERY);
            known.is_doubted && !lately
        });
        if self.is_cluster() && is_due { self.read_owners().await } else { Ok(()) }
    }

    /// Closes all connections.
    pub(super) async fn close(&self) {
        let pools = self.with(|known| std::mem::take(&mut known.pools));
        let mut closing = JoinSet::new();
        for pool in pools.into_values() {
            closing.spawn(quit(pool, self.deadline));
        }
        closing.join_all().await;
    }
}

impl Shard {
    pub(super) fn of(server: &Server) -> Self {
        Self(Some(server.clone()))
    }
}

/// What the first says that says something; the others go on by themselves, and are not heard.
async fn first(mut asked: JoinSet<Result<Owners, StoreError>>) -> Result<Owners, StoreError> {
    let mut last = StoreError::Reply("no server of a cluster");
    while let Some(answer) = asked.join_next().await {
        match answer {
            Ok(Ok(owners)) => {
                asked.detach_all();
                return Ok(owners);
            }
            Ok(Err(error)) => last = error,
            Err(_) => {}
        }
    }
    Err(last)
}

/// The slot that a key is in, of a cluster.
pub(super) fn slot(key: &str) -> u16 {
    fred::util::redis_keyslot(key.as_bytes())
}

/// Closes connections. Without it they try for ever to come back.
pub(super) async fn quit(pool: Pool, deadline: Duration) {
    // A server that does not answer is left as it is: no one waits for this answer.
    drop(within(deadline, pool.quit()).await);
}

/// Who has which slots, as `server` knows it.
async fn owners(pool: &Pool, server: &Server, deadline: Duration) -> Result<Owners, StoreError> {
    let command = CustomCommand::new_static("CLUSTER", ClusterHash::FirstKey, false);
    let options = call_options(deadline);
    let client = pool.with_options(&options);
    let ranges: Value = within(deadline, Box::pin(client.custom(command, vec!["SLOTS"]))).await?;
    let Value::Array(ranges) = ranges else { return Err(StoreError::Reply("slots of no cluster")) };
    let owners: Result<Owners, _> = ranges.into_iter().map(|range| owner(range, server)).collect();
    owners.map(in_order)
}

/// By their slots, as [`owner_of`] wants them.
fn in_order(mut owners: Owners) -> Owners {
    owners.sort_by_key(|(first, ..)| *first);
    owners
}

/// Who has a slot. Asked for thousands of sales in a turn, and a cluster may have thousands of ranges.
fn owner_of(owners: &Owners, slot: u16) -> Option<&Server> {
    let behind = owners.partition_point(|(first, ..)| *first <= slot);
    let (_, last, server) = owners.get(behind.checked_sub(1)?)?;
    (slot <= *last).then_some(server)
}

/// One range: its first and last slot, its master, and its replicas, which are passed over.
fn owner(range: Value, told_by: &Server) -> Result<(u16, u16, Server), StoreError> {
    let bad = StoreError::Reply("a range of slots that is none");
    let integer = |value: &Value| value.as_u64().and_then(|number| u16::try_from(number).ok());
    let Value::Array(range) = range else { return Err(bad) };
    let [first, last, Value::Array(master), ..] = range.as_slice() else { return Err(bad) };
    let [host, port, ..] = master.as_slice() else { return Err(bad) };
    let (Some(first), Some(last), Some(port)) = (integer(first), integer(last), integer(port))
    else {
        return Err(bad);
    };
    let host = host.as_str().filter(|host| !host.is_empty());
    // A server that was not told its own address leaves it out.
    let host = host.map_or_else(|| told_by.host.to_string(), |host| host.to_string());
    Ok((first, last, Server::new(host, port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_its_ranges_whatever_the_order_that_a_server_tells_them_in() {
        let server = |port| Server::new("one", port);
        let owners =
            vec![(9, 9, server(3)), (0, 4, server(1)), (5, 6, server(2)), (11, 20, server(1))];
        let owners = in_order(owners);
        let ports = (0..=21).map(|slot| owner_of(&owners, slot).map_or(0, |server| server.port));
        let expected = [1, 1, 1, 1, 1, 2, 2, 0, 0, 3, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0];
        assert_eq!(ports.collect::<Vec<_>>(), expected);
        assert!(owner_of(&Owners::new(), 3).is_none());
    }

    #[test]
    fn a_range_names_its_master_or_leaves_out_the_host_that_was_asked() {
        let asked = Server::new("one", 7000);
        let node = |host: Value, port: i64| Value::Array(vec![host, port.into(), "id".into()]);
        let range = |node| Value::Array(vec![0.into(), 5_460.into(), node, Value::Null]);
        let named = owner(range(node("two".into(), 7001)), &asked);
        assert_eq!(named, Ok((0, 5_460, Server::new("two", 7001))));
        for unnamed in [Value::Null, "".into()] {
            let unnamed = owner(range(node(unnamed, 7001)), &asked);
            assert_eq!(unnamed, Ok((0, 5_460, Server::new("one", 7001))));
        }
        for wrong in [Value::Null, range(Value::Null), range(node("two".into(), 70_000))] {
            assert!(matches!(owner(wrong, &asked), Err(StoreError::Reply(_))));
        }
    }
}
