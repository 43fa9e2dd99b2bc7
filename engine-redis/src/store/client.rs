//! The store's client: connections to its servers, and calls of the library.
//!
//! Refuses to know what a call decides, and repeats none.

use std::{collections::BTreeSet, time::Duration};

use engine::id::SaleTag;
use fred::{
    clients::{Client, Pool},
    interfaces::{ClientLike as _, FunctionInterface as _},
    types::{ClusterHash, CustomCommand, Value},
};

use super::{
    StoreError, StoreOptions,
    call::{Keys, Writes, call_options, number, random, within},
    library::{self, REVISION},
    options::Replicas,
    servers::{Servers, Shard, quit, slot},
};

/// The oldest server whose functions do what the library needs.
const SERVER_MAJOR_MIN: u64 = 7;

/// The store, as a node reaches it; clones share their connections.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) servers: Servers,
    pub(super) deadline: Duration,
    pub(super) replicas: Option<Replicas>,
    pub(super) prefix: String,
    /// What this client's loads are told from others' by.
    pub(super) loader: [u8; 16],
}

impl Store {
    /// Connects, checks the server and loads the library where it is missing or older.
    pub async fn connect(options: &StoreOptions) -> Result<Self, StoreError> {
        if options.prefix.contains(['{', '}']) || options.connections == 0 {
            let why = "a prefix without braces and at least one connection are needed";
            return Err(StoreError::Unusable(why.to_owned()));
        }
        let servers = Servers::new(options)?;
        let (deadline, prefix, replicas) =
            (options.deadline, options.prefix.clone(), options.replicas);
        let store = Self { servers, deadline, replicas, prefix, loader: random()? };
        match store.connect_all().await {
            Ok(()) => Ok(store),
            Err(error) => {
                store.close().await;
                Err(error)
            }
        }
    }

    /// Connects to every server. One of a cluster that cannot be reached does not keep us from the others.
    pub(super) async fn connect_all(&self) -> Result<(), StoreError> {
        if !self.servers.is_cluster() {
            return self.connected(&Shard::default()).await.map(drop);
        }
        self.servers.read_owners().await?;
        let owners = self.servers.with(|known| known.owners.clone());
        let mut outcome = Err(StoreError::Reply("no server of a cluster"));
        for (_, _, server) in owners {
            let connected = self.connected(&Shard::of(&server)).await;
            if outcome.is_err() {
                outcome = connected.map(drop);
            }
        }
        outcome
    }

    /// Closes the connections. Without it they try for ever to come back.
    pub async fn close(&self) {
        self.servers.close().await;
    }

    /// The shard that a sale is on.
    pub fn shard(&self, sale: SaleTag) -> Shard {
        if !self.servers.is_cluster() {
            return Shard::default();
        }
        self.shard_of_slot(self.slot(sale))
    }

    /// The slot of a cluster that a sale is in, which never changes.
    pub fn slot(&self, sale: SaleTag) -> u16 {
        slot(&self.key(sale, "meta"))
    }

    /// The shard that has a slot now.
    pub fn shard_of_slot(&self, slot: u16) -> Shard {
        self.servers.shard(slot)
    }

    /// The shard that the list of all sales is on.
    pub fn shard_of_sales(&self) -> Shard {
        self.servers.shard(slot(&self.key_of_sales()))
    }

    /// The shard that the list of archived sales is on.
    pub fn shard_of_archived(&self) -> Shard {
        self.servers.shard(slot(&self.key_of_archived()))
    }

    /// Whether sales may be on one server and yet not to be asked for in one call.
    pub fn is_cluster(&self) -> bool {
        self.servers.is_cluster()
    }

    /// Whether a shard answers. Changes nothing.
    pub async fn probe(&self, shard: &Shard) -> Result<(), StoreError> {
        if self.servers.is_cluster() && shard.0.is_none() {
            return self.servers.read_owners().await;
        }
        drop(self.servers.refresh().await);
        let pool = self.connected(shard).await?;
        match self.revision_of(&pool).await {
            // It answers; what it lacks is seen to by whoever calls.
            Ok(_) | Err(StoreError::LibraryMissing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The servers of a cluster that have slots.
    pub fn shards(&self) -> BTreeSet<Shard> {
        self.servers
            .with(|known| known.owners.iter().map(|(.., server)| Shard::of(server)).collect())
    }

    /// Whether a shard answers and is the one that was prepared. One that lacks the library came back empty, and is
    /// given it.
    pub async fn is_as_before(&self, shard: &Shard) -> Result<bool, StoreError> {
        let pool = self.connected(shard).await?;
        match self.revision_of(&pool).await {
            Ok(_) => Ok(true),
            Err(StoreError::LibraryMissing) => self.load_into(&pool).await.map(|()| false),
            Err(error) => Err(error),
        }
    }

    /// Loads the library into the server that a sale is on, unless it has it in this or a later revision.
    /// Nodes of different builds share the later one: within a library's name its bytes never change.
    pub async fn load_library(&self, sale: SaleTag) -> Result<(), StoreError> {
        self.load_into(&Box::pin(self.pool(&self.key(sale, "meta"))).await?).await
    }

    /// What a server that was connected to needs before it is called.
    async fn prepare(&self, pool: &Pool) -> Result<(), StoreError> {
        check_server(pool)?;
        self.load_into(pool).await
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

    /// Connections to the server that has a key's slot.
    pub(super) async fn pool(&self, key: &str) -> Result<Pool, StoreError> {
        // Who cannot be asked for the owners may still be the one that has the slot.
        drop(self.servers.refresh().await);
        let (slot, is_cluster) = (slot(key), self.servers.is_cluster());
        let shard = self.servers.shard(slot);
        if is_cluster && shard.0.is_none() {
            self.servers.doubt();
            return Err(StoreError::Unavailable(format!(
                "no server of the cluster has slot {slot}"
            )));
        }
        self.connected(&shard).await
    }

    async fn connected(&self, shard: &Shard) -> Result<Pool, StoreError> {
        if let Some(pool) = self.servers.with(|known| known.pools.get(shard).cloned()) {
            return Ok(pool);
        }
        let connected = self.servers.connect(shard.0.as_ref()).await;
        let pool = connected.inspect_err(|_| self.servers.doubt())?;
        if let Err(error) = Box::pin(self.prepare(&pool)).await {
            quit(pool, self.deadline).await;
            return Err(error);
        }
        let first = self.servers.with(|known| {
            let first = known.pools.get(shard).cloned();
            if first.is_none() {
                known.pools.insert(shard.clone(), pool.clone());
            }
            first
        });
        let Some(first) = first else { return Ok(pool) };
        // Another call came first.
        quit(pool, self.deadline).await;
        Ok(first)
    }

    /// The keys of a sale, in the order the library names them. The braces keep them on one shard.
    pub fn keys(&self, sale: SaleTag) -> [String; library::KEYS.len()] {
        library::KEYS.map(|key| self.key(sale, key))
    }

    pub(super) fn key(&self, sale: SaleTag, name: &str) -> String {
        format!("{}:{{{:016x}}}:{name}", self.prefix, sale.0)
    }

    pub(super) fn key_of_sales(&self) -> String {
        format!("{}:sales", self.prefix)
    }

    pub(super) fn key_of_archived(&self) -> String {
        format!("{}:archived", self.prefix)
    }

    pub(super) async fn call(
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
    pub(super) async fn call_on(
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

    pub(super) async fn call_with(
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
    pub(super) fn within<T>(
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
