//! The private Redis of a run, and what is done to it.
//!
//! Owns the server that is at the nodes' address and, for a failover, the replica that will be. Redis
//! writes its log before it answers and syncs it at once: a killed one has everything it acknowledged.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    thread,
    time::Duration,
};

use testkit::{
    ports,
    redis::{AppendFsync, Redis, Reply},
};

use crate::process;

/// A replica that is not in step after so long will not be.
const SYNC_MAX: Duration = Duration::from_secs(10);

/// The store.
#[derive(Debug)]
pub(super) struct Store {
    redis: Redis,
    replica: Option<Redis>,
    pub(super) address: SocketAddr,
}

impl Store {
    /// Starts one with its files below `directory`, that listens at `besides` too.
    pub(super) fn start(directory: &Path, besides: Option<Ipv4Addr>) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()));
        let port = address.port().to_string();
        let besides = besides.map(|address| address.to_string());
        let mut more = vec!["--port", &port, "--bind", "127.0.0.1"];
        if let Some(besides) = &besides {
            // Without a password Redis answers only this machine, unless it is told otherwise. The
            // address can be reached only from this machine, though from another network.
            more.extend([besides, "--protected-mode", "no"]);
        }
        let redis = Redis::start_with(directory, AppendFsync::Always, &more)?;
        Ok(Self { redis, replica: None, address })
    }

    /// Gives it a replica that has all it has.
    pub(super) fn replicate(&mut self, directory: &Path) -> io::Result<()> {
        let primary = format!("127.0.0.1 {}", self.address.port());
        let more = ["--bind", "127.0.0.1", "--replicaof", &primary];
        let replica = Redis::start_with(directory, AppendFsync::Always, &more)?;
        let started = process::now();
        while !info(&replica, "replication")?.contains("master_link_status:up") {
            if started.elapsed() >= SYNC_MAX {
                return Err(io::Error::other("the replica did not come into step"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.replica = Some(replica);
        Ok(())
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        self.redis.kill()
    }

    /// Starts it again on its files.
    pub(super) fn start_again(&mut self) -> io::Result<()> {
        self.redis.start_again()
    }

    /// Starts it again with nothing in it.
    pub(super) fn start_empty(&mut self) -> io::Result<()> {
        self.redis.start_empty()
    }

    /// Deletes everything in it.
    pub(super) fn flush(&self) -> io::Result<()> {
        self.redis.link()?.call(&[b"FLUSHALL"]).map(drop)
    }

    pub(super) fn freeze(&self) -> io::Result<()> {
        self.redis.freeze()
    }

    pub(super) fn thaw(&self) -> io::Result<()> {
        self.redis.thaw()
    }

    /// Cuts the replica off, lets the primary go on for `lost`, kills it, and puts the replica in its
    /// place and at its address: what was written in between is gone.
    pub(super) fn fail_over(&mut self, lost: Duration) -> io::Result<()> {
        let missing = || io::Error::other("there is no replica to fail over to");
        let replica = self.replica.take().ok_or_else(missing)?;
        let mut link = replica.link()?;
        link.call(&[b"REPLICAOF", b"NO", b"ONE"])?;
        thread::sleep(lost);
        self.redis.kill()?;
        link.call(&[b"CONFIG", b"SET", b"port", self.address.port().to_string().as_bytes()])?;
        self.redis = replica;
        Ok(())
    }

    /// A part of what it says of itself.
    pub(super) fn info(&self, section: &str) -> io::Result<String> {
        info(&self.redis, section)
    }
}

fn info(redis: &Redis, section: &str) -> io::Result<String> {
    match redis.link()?.call(&[b"INFO", section.as_bytes()])? {
        Reply::Bulk(text) => String::from_utf8(text).map_err(io::Error::other),
        other @ (Reply::Integer(_) | Reply::Nil | Reply::List(_)) => {
            Err(io::Error::other(format!("no information: {other:?}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failover_leads_the_address_to_the_replica_and_loses_the_last_writes() {
        let directory = std::env::temp_dir();
        let mut store = Store::start(&directory, None).unwrap();
        let count = |store: &Store| store.redis.link().unwrap().call(&[b"INCR", b"n"]).unwrap();
        assert_eq!(count(&store), Reply::Integer(1));
        store.replicate(&directory).unwrap();
        let cut = store.replica.as_ref().unwrap().link();
        cut.unwrap().call(&[b"REPLICAOF", b"NO", b"ONE"]).unwrap();
        assert_eq!(count(&store), Reply::Integer(2));
        store.fail_over(Duration::ZERO).unwrap();
        assert_eq!(count(&store), Reply::Integer(2), "the second was lost");
        std::net::TcpStream::connect(store.address).unwrap();
        assert!(
            store.info("server").unwrap().contains(&format!("tcp_port:{}", store.address.port()))
        );
    }
}
