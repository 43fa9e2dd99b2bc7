//! Several nodes over one store, started together.
//!
//! Owns all that runs and everything it writes, in one directory. Dropping it ends it all.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{
    fault::Fault,
    link::{self, Link},
    namespace::Namespace,
    node::{Node, Place},
    store::Store,
};
use crate::{failure::Failure, project::Project};

/// The service.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) nodes: Vec<Node>,
    pub(super) store: Store,
    /// The first node's way to the store, where it is to be cut.
    pub(super) link: Option<Link>,
}

impl Cluster {
    /// Starts `count` nodes with what `fault` needs, and waits until all are ready.
    pub(super) fn start(
        project: &Project,
        count: u32,
        fault: Fault,
        directory: &Path,
    ) -> Result<Self, Failure> {
        let disk = |source| Failure::Disk { path: directory.to_owned(), source };
        let redis = |source| Failure::NotStarted { call: "redis-server".to_owned(), source };
        let files = directory.join("redis");
        fs::create_dir_all(&files).map_err(disk)?;
        let namespace = if fault == Fault::Partition { link::namespace() } else { None };
        let more = namespace.as_deref().map(Namespace::store);
        let mut store = Store::start(&files, more).map_err(redis)?;
        if fault == Fault::Failover {
            store.replicate(&files).map_err(redis)?;
        }
        let link = (fault == Fault::Partition).then(|| Link::to(store.address, namespace));
        let link = link.transpose().map_err(disk)?;
        let program = project.release_binary("rushgate");
        let mut nodes = (1..=count)
            .map(|number| {
                let name = format!("node-{number}");
                let way = link.as_ref().filter(|_| number == 1);
                let place = Place {
                    store: way.map_or(store.address, |link| link.way_to(store.address)),
                    namespace: way.and_then(Link::namespace),
                };
                Node::new(name.clone(), program.clone(), directory.join(name), place)
            })
            .collect::<Result<Vec<_>, _>>()?;
        nodes.iter_mut().try_for_each(Node::start)?;
        nodes.iter().try_for_each(Node::wait_ready)?;
        Ok(Self { nodes, store, link })
    }

    /// Where shoppers come.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.public).collect()
    }

    /// Stops all nodes in good order and has the data of each audited; what went wrong, by node.
    pub(super) fn close(mut self) -> Vec<Result<(), Failure>> {
        let nodes = self.nodes.iter_mut();
        nodes.map(|node| node.stop().and_then(|()| node.verify())).collect()
    }
}

/// An empty directory for a run.
pub(super) fn fresh(directory: PathBuf) -> Result<PathBuf, Failure> {
    let cleared = match fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => fs::create_dir_all(&directory),
    };
    match cleared {
        Ok(()) => Ok(directory),
        Err(source) => Err(Failure::Disk { path: directory, source }),
    }
}
