//! The link between one node and the store, where a run is to cut it.
//!
//! Owns the choice between two ways: a network namespace of the node's own, which loses packets as a
//! network does, or a TCP forwarder where namespaces are not to be had. Refuses to choose in silence:
//! why it is the forwarder is printed, and every run's figures name the way.

use std::{io, net::SocketAddr, rc::Rc};

use super::{forwarder::Forwarder, namespace::Namespace};

/// A link that can be cut.
#[derive(Debug)]
pub(super) enum Link {
    Namespace(Rc<Namespace>),
    Forwarder(Forwarder),
}

impl Link {
    /// The link to the store at `store`: through the namespace, if there is one, at whose end of the
    /// link the store listens too.
    pub(super) fn to(store: SocketAddr, namespace: Option<Rc<Namespace>>) -> io::Result<Self> {
        Ok(match namespace {
            Some(namespace) => Self::Namespace(namespace),
            None => Self::Forwarder(Forwarder::start(store)?),
        })
    }

    /// Where the store at `store` is found through it.
    pub(super) fn way_to(&self, store: SocketAddr) -> SocketAddr {
        match self {
            Self::Namespace(namespace) => SocketAddr::new(namespace.store().into(), store.port()),
            Self::Forwarder(forwarder) => forwarder.address,
        }
    }

    /// The namespace that the node runs in.
    pub(super) fn namespace(&self) -> Option<Rc<Namespace>> {
        match self {
            Self::Namespace(namespace) => Some(Rc::clone(namespace)),
            Self::Forwarder(_) => None,
        }
    }

    /// Lets nothing through until [`Self::mend`].
    pub(super) fn cut(&self) -> io::Result<()> {
        match self {
            Self::Namespace(namespace) => namespace.cut(),
            Self::Forwarder(forwarder) => {
                forwarder.cut();
                Ok(())
            }
        }
    }

    /// Lets everything through again.
    pub(super) fn mend(&self) -> io::Result<()> {
        match self {
            Self::Namespace(namespace) => namespace.mend(),
            Self::Forwarder(forwarder) => {
                forwarder.mend();
                Ok(())
            }
        }
    }

    /// What cuts it, as the figures name it.
    pub(super) fn cut_by(&self) -> &'static str {
        match self {
            Self::Namespace(_) => "namespace",
            Self::Forwarder(_) => "forwarder",
        }
    }
}

/// A namespace for a node, if that is possible here; what is in the way is printed.
pub(super) fn namespace() -> Option<Rc<Namespace>> {
    match Namespace::lay() {
        Ok(namespace) => Some(Rc::new(namespace)),
        Err(why) => {
            println!("no network namespace, so a forwarder cuts the link: {why}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_namespace_the_way_leads_through_a_forwarder_and_is_called_so() {
        let store = SocketAddr::from(([127, 0, 0, 1], 9));
        let link = Link::to(store, None).unwrap();
        assert_eq!(link.cut_by(), "forwarder");
        assert!(link.namespace().is_none());
        assert_ne!(link.way_to(store), store);
    }
}
