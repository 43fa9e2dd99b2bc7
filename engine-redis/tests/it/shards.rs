//! A private cluster: three masters, each with a replica if it is to fail over by itself.
//!
//! Owns the servers' processes and their slots. Shards are told by their place, 0 to 2; a sale is on the
//! shard whose master has its keys.

use engine::view::SaleView;
use testkit::redis::{AppendFsync, Redis, Reply};

use super::serving::{eventually, ports};

/// How long a server may say nothing before the others think of it as gone.
const NODE_TIMEOUT_MS: &str = "2000";

#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) masters: [Redis; 3],
    ports: [u16; 3],
    /// None, or the replica of each master.
    pub(super) replicas: Vec<Redis>,
    pub(super) url: String,
}

impl Cluster {
    /// Three masters without replicas.
    pub(super) async fn start() -> Self {
        let all: [u16; 6] = ports();
        let masters = [0, 1, 2].map(|index| serve(all[index], all[index + 3]));
        for (index, master) in masters.iter().enumerate() {
            call(master, &format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1));
            let (first, last) = (index * 16_384 / 3, (index + 1) * 16_384 / 3 - 1);
            call(master, &format!("CLUSTER ADDSLOTSRANGE {first} {last}"));
        }
        for index in [1, 2] {
            let (port, bus) = (all[index], all[index + 3]);
            call(&masters[0], &format!("CLUSTER MEET 127.0.0.1 {port} {bus}"));
        }
        let url = format!("redis-cluster://127.0.0.1:{}", all[0]);
        let ports = [all[0], all[1], all[2]];
        let cluster = Self { masters, ports, replicas: Vec::new(), url };
        cluster.is_whole().await;
        cluster
    }

    /// Three masters, each with a replica that follows.
    pub(super) async fn with_replicas() -> Self {
        let mut cluster = Self::start().await;
        let all: [u16; 6] = ports();
        for index in 0..3 {
            let (port, bus) = (all[index], all[index + 3]);
            let replica = serve(port, bus);
            call(&cluster.masters[0], &format!("CLUSTER MEET 127.0.0.1 {port} {bus}"));
            let master = cluster.id(index);
            eventually("a replica that knows its master", async || {
                text(call(&replica, "CLUSTER NODES")).contains(&master).then_some(())
            })
            .await;
            call(&replica, &format!("CLUSTER REPLICATE {master}"));
            cluster.replicas.push(replica);
        }
        for replica in &cluster.replicas {
            eventually("a replica that follows", async || {
                let said = text(call(replica, "INFO replication"));
                said.contains("master_link_status:up").then_some(())
            })
            .await;
        }
        eventually("masters that know all replicas", async || {
            let knows_all = |master| {
                let nodes = text(call(master, "CLUSTER NODES"));
                nodes.lines().filter(|line| line.contains("slave")).count() == 3
            };
            cluster.masters.iter().all(knows_all).then_some(())
        })
        .await;
        cluster.is_whole().await;
        cluster
    }

    async fn is_whole(&self) {
        eventually("a cluster of three", async || {
            let whole = |master| {
                let said = text(call(master, "CLUSTER INFO"));
                said.contains("cluster_state:ok") && said.contains("cluster_size:3")
            };
            self.masters.iter().all(whole).then_some(())
        })
        .await;
    }

    /// What the cluster calls a master.
    fn id(&self, shard: usize) -> String {
        text(call(&self.masters[shard], "CLUSTER MYID"))
    }

    /// Which shards have a key that matches.
    pub(super) fn holders(&self, pattern: &str) -> Vec<usize> {
        let has = |index: &usize| {
            let found = call(&self.masters[*index], &format!("KEYS {pattern}"));
            matches!(found, Reply::List(keys) if !keys.is_empty())
        };
        (0..3).filter(has).collect()
    }
}

/// A slot on its way to another shard.
#[derive(Debug)]
pub(super) struct Migration<'a> {
    cluster: &'a Cluster,
    slot: i64,
    from: usize,
    to: usize,
}

impl<'a> Migration<'a> {
    /// Begins to move the slot of a key.
    pub(super) fn begin(cluster: &'a Cluster, key: &str, from: usize, to: usize) -> Self {
        let slot = call(&cluster.masters[from], &format!("CLUSTER KEYSLOT {key}"));
        let Reply::Integer(slot) = slot else { unreachable!("no slot: {slot:?}") };
        let (source, target) = (cluster.id(from), cluster.id(to));
        call(&cluster.masters[to], &format!("CLUSTER SETSLOT {slot} IMPORTING {source}"));
        call(&cluster.masters[from], &format!("CLUSTER SETSLOT {slot} MIGRATING {target}"));
        Self { cluster, slot, from, to }
    }

    /// Moves a key; false when none is left.
    pub(super) fn take_one(&mut self) -> bool {
        self.take_one_but("")
    }

    /// Moves a key, but never this one; false when no other is left.
    pub(super) fn take_one_but(&mut self, kept: &str) -> bool {
        let Self { cluster, slot, from, to } = self;
        let keys = call(&cluster.masters[*from], &format!("CLUSTER GETKEYSINSLOT {slot} 2"));
        let Reply::List(keys) = keys else { unreachable!("no keys: {keys:?}") };
        let other = keys.into_iter().find(|key| *key != Reply::bulk(kept));
        let Some(Reply::Bulk(key)) = other else { return false };
        let port = cluster.ports[*to].to_string();
        let head: [&[u8]; 7] =
            [b"MIGRATE", b"127.0.0.1", port.as_bytes(), &key, b"0", b"5000", b"REPLACE"];
        let mut link = cluster.masters[*from].link().expect("a connection");
        link.call(&head).expect("a key that moves");
        true
    }

    /// Breaks the move off: what is at the new shard is lost to the slot.
    pub(super) fn break_off(self) {
        for shard in [self.from, self.to] {
            let stable = format!("CLUSTER SETSLOT {} STABLE", self.slot);
            call(&self.cluster.masters[shard], &stable);
        }
    }

    /// Gives the slot to its new shard, which learns of it first.
    pub(super) fn finish(self) {
        let Self { cluster, slot, from, to } = self;
        let (target, third) = (cluster.id(to), 3 - from - to);
        for index in [to, from, third] {
            call(&cluster.masters[index], &format!("CLUSTER SETSLOT {slot} NODE {target}"));
        }
    }
}

fn serve(port: u16, bus: u16) -> Redis {
    let (port, bus) = (port.to_string(), bus.to_string());
    let options = ["--port", &port, "--cluster-port", &bus, "--bind", "127.0.0.1"];
    let cluster = ["--cluster-enabled", "yes", "--cluster-node-timeout", NODE_TIMEOUT_MS];
    // Otherwise all shards stop when one is gone.
    let partial = ["--cluster-require-full-coverage", "no"];
    // However long a replica has heard nothing: it is better than none.
    let replica = ["--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0"];
    let options = [&options[..], &cluster, &partial, &replica].concat();
    Redis::start_with(&std::env::temp_dir(), AppendFsync::Off, &options).expect("a server")
}

/// The key of a sale's scalars.
pub(super) fn meta(sale: &SaleView) -> String {
    format!("own:{{{:016x}}}:meta", sale.tag().0)
}

/// The epoch of a sale's stream.
pub(super) fn epoch(server: &Redis, sale: &SaleView) -> String {
    text(call(server, &format!("HGET {} epoch", meta(sale))))
}

pub(super) fn call(server: &Redis, command: &str) -> Reply {
    let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
    server.link().expect("a connection").call(&words).expect("an answer")
}

pub(super) fn text(reply: Reply) -> String {
    let Reply::Bulk(bytes) = reply else { unreachable!("no text: {reply:?}") };
    String::from_utf8(bytes).expect("text")
}
