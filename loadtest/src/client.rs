//! HTTP/1.1 or HTTP/2 over a bounded pool of kept-alive connections.
//!
//! Owns sockets: at most `connections` at once, whatever the crowd's size, so that twenty
//! thousand shoppers fit a modest file-descriptor limit. Waiting for a connection is part of the
//! latency a shopper sees, because latency is measured from the intended moment by the caller.
//! With HTTP/2 `connections` bounds the requests at once, which share a thirty-second as many
//! sockets. How a socket is opened is in [`dial`], the sockets to one node are in [`node`], event
//! streams are in [`stream`].
//!
//! Several nodes may serve one sale. The caller says which of them to ask, and [`Client::any`] and
//! [`Client::another`] choose as a load balancer would; the bound on sockets is for all nodes together.
//!
//! It never repeats a request by itself. A failure says whether the request may have reached the
//! server, since that is what decides what a retry means; see [`crate::run::Run::insist`].

mod call;
mod connection;
mod dial;
mod node;
mod stream;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::HeaderMap;
use hyper::header::RETRY_AFTER;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::clock::{Clock, Stamp};
use crate::rng::Rng;
use crate::wire::Problem;

use node::Node;

pub(crate) use call::Call;
pub(crate) use connection::{Connection, Http, authority};
pub(crate) use dial::{Dial, raise_socket_limit};
pub(crate) use node::{NODES_MAX, NodeId};
pub(crate) use stream::{Event, Stream};

/// Answers are small JSON documents; more is a server gone wrong, not data.
const BODY_BYTES_MAX: usize = 1 << 20;

/// A complete answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Who answered.
    pub(crate) node: NodeId,
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// What the server asked for in `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
    /// When this attempt got its turn in the pool: what came before was the generator's wait.
    pub(crate) begun: Stamp,
    /// Just before the first byte was handed to the socket.
    pub(crate) sent: Stamp,
    /// When the whole answer had arrived.
    pub(crate) done: Stamp,
}

/// When and by whom something was told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) node: NodeId,
    /// When it was asked for: what was known to the node then, it must tell.
    pub(crate) sent: Stamp,
    pub(crate) done: Stamp,
}

impl Answer {
    /// When and by whom it was given.
    pub(crate) fn heard(&self) -> Heard {
        Heard { node: self.node, sent: self.sent, done: self.done }
    }

    /// The body as `T`, if it is one.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The problem's stable code; empty when the body is no problem document.
    pub(crate) fn code(&self) -> String {
        self.parse::<Problem>().unwrap_or_default().code
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct CallError {
    /// When the attempt got its turn in the pool.
    pub(crate) begun: Stamp,
    /// When it left, after which it may have been acted on: repeating it is safe only under its
    /// key. `None` when it never left, and repeating is always safe.
    pub(crate) sent: Option<Stamp>,
    cause: String,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.sent.is_some() { "no answer" } else { "not sent" };
        write!(f, "{what}: {}", self.cause)
    }
}

/// The pool.
pub(crate) struct Client {
    /// At least one.
    nodes: Vec<Node>,
    clock: Clock,
    timeout: Duration,
    connections: usize,
    /// One permit per request in progress, to any node; fair, so that no request starves.
    permits: Semaphore,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("nodes", &self.address()).finish_non_exhaustive()
    }
}

impl Client {
    /// A pool for what `dials` reach: one node each, and one at the least.
    pub(crate) fn new(
        dials: Vec<Dial>,
        clock: Clock,
        connections: usize,
        timeout: Duration,
    ) -> Self {
        assert!((1..=NODES_MAX).contains(&dials.len()), "the scenario names the nodes");
        let connections = connections.max(1);
        Self {
            nodes: dials.into_iter().map(|dial| Node::new(dial, connections)).collect(),
            clock,
            timeout,
            connections,
            permits: Semaphore::new(connections),
        }
    }

    /// Where requests go.
    pub(crate) fn address(&self) -> String {
        let addresses: Vec<String> = self.nodes.iter().map(Node::address).collect();
        addresses.join(", ")
    }

    /// Where requests to `node` go.
    pub(crate) fn address_of(&self, node: NodeId) -> String {
        self.nodes[node.0].address()
    }

    /// Every node.
    pub(crate) fn nodes(&self) -> impl ExactSizeIterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId)
    }

    /// A node for the next request. With one node nothing is drawn.
    pub(crate) fn any(&self, rng: &mut Rng) -> NodeId {
        NodeId(choose(self.nodes.len(), rng))
    }

    /// A node other than `failed`, if there is one.
    pub(crate) fn another(&self, failed: NodeId, rng: &mut Rng) -> NodeId {
        let others = self.nodes.len() - 1;
        if others == 0 {
            return failed;
        }
        NodeId((failed.0 + 1 + choose(others, rng)) % self.nodes.len())
    }

    /// Requests that hold a connection at this moment.
    pub(crate) fn in_flight(&self) -> usize {
        self.connections - self.permits.available_permits()
    }

    /// Sends `call` to `node` once and reads the whole answer.
    pub(crate) async fn send(&self, call: &Call, node: NodeId) -> Result<Answer, CallError> {
        let to = &self.nodes[node.0];
        // The semaphore is never closed: without a permit the request simply would not wait.
        let _permit = self.permits.acquire().await.ok();
        let begun = self.clock.now();
        let not_sent = |cause: String| CallError { begun, sent: None, cause };
        let connecting = tokio::time::timeout(self.timeout, to.connection());
        let mut connection = match connecting.await {
            Ok(connection) => connection.map_err(not_sent)?,
            Err(_elapsed) => return Err(not_sent("connecting timed out".to_owned())),
        };
        let request = to.request(call).map_err(|e| not_sent(e.to_string()))?;

        let sent = self.clock.now();
        let unknown = |cause: String| CallError { begun, sent: Some(sent), cause };
        let exchange = async {
            let response = connection.send(request).await.map_err(|e| e.to_string())?;
            let status = response.status().as_u16();
            let retry_after = retry_after(response.headers());
            let body = Limited::new(response.into_body(), BODY_BYTES_MAX);
            let body = body.collect().await.map_err(|e| e.to_string())?.to_bytes();
            Ok::<_, String>((status, retry_after, body))
        };
        let (status, retry_after, body) = tokio::time::timeout(self.timeout, exchange)
            .await
            .map_err(|_elapsed| unknown(format!("none within {:?}", self.timeout)))?
            .map_err(unknown)?;
        let done = self.clock.now();
        to.keep(connection);
        Ok(Answer { node, status, body, retry_after, begun, sent, done })
    }
}

/// One of so many; of one, nothing is drawn.
fn choose(among: usize, rng: &mut Rng) -> usize {
    if among == 1 {
        return 0;
    }
    usize::try_from(rng.below(among as u64)).unwrap_or(0)
}

/// `Retry-After` in whole seconds, the only form the contract uses.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_to_any_node_and_after_a_failure_to_any_other() {
        let dial = || Dial::new("http://127.0.0.1:1", Http::One, 1).unwrap();
        let client = |nodes: usize| {
            let dials = (0..nodes).map(|_| dial()).collect();
            Client::new(dials, Clock::start(), 1, Duration::from_secs(1))
        };
        let (three, mut rng) = (client(3), Rng::new(5));
        let mut asked = [0; 3];
        for _ in 0..3_000 {
            let node = three.any(&mut rng);
            asked[node.0] += 1;
            assert_ne!(three.another(node, &mut rng), node);
        }
        assert!(asked.iter().all(|count| (900..1_100).contains(count)), "{asked:?}");

        let (one, mut untouched) = (client(1), Rng::new(5));
        assert_eq!(one.another(one.any(&mut untouched), &mut untouched), NodeId(0));
        assert_eq!(untouched.next(), Rng::new(5).next(), "one node takes nothing from the seed");
    }
}
