//! Nodes come together over a store that is not what it was, and learn who of them writes it anew.
//!
//! A node asks every 100 ms, with the last entry it has journaled. Asking is what makes it present.

use fred::types::Value;

use super::{
    Keys, RedisArbiter, StoreError, Writes,
    answer::{self, Items},
    bytes, number,
};
use crate::{
    id::{Epoch, NodeName, SaleTag},
    stream::Point,
};

/// A node's word that it is there, and how far it has come.
#[derive(Clone, Copy, Debug)]
pub struct Quorum<'a> {
    /// Which sale.
    pub sale: SaleTag,
    /// Which node.
    pub node: &'a NodeName,
    /// The last entry it has, after it has read what the store still had.
    pub point: &'a Point,
    /// Who serves the sale, as this node knows it. That of the node that came furthest counts: the
    /// others know less of who joined and parted.
    pub members: &'a [NodeName],
    /// How long those who are not there are waited for.
    pub wait_ms: u64,
}

/// What a node is told to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuorumAnswer {
    /// The sale is open: serve on. A node that has another history learns so from its next call.
    Open {
        /// The stream's epoch.
        epoch: Epoch,
    },
    /// Another node is writing the sale: ask again.
    Loading {
        /// Under which epoch.
        epoch: Epoch,
        /// How long ago its last part came. A load that stands still is given up by the library.
        age_ms: u64,
    },
    /// Others are waited for, or another node is to write the sale: ask again.
    Wait {
        /// Who is there.
        present: Vec<NodeName>,
    },
    /// This node is to write the sale from its own world.
    Rebuild {
        /// Under this epoch, higher than any that was seen.
        epoch: Epoch,
        /// How far the one came that came least far: entries behind it are worth writing along.
        base_seq: u64,
        /// Who serves the sale and did not come.
        missing: Vec<NodeName>,
    },
}

impl RedisArbiter {
    /// Says that a node is there, and asks what it is to do.
    pub async fn quorum(&self, quorum: &Quorum<'_>) -> Result<QuorumAnswer, StoreError> {
        let mut arguments = vec![Value::from(quorum.node.as_str())];
        arguments.extend(answer::point_arguments(quorum.point));
        arguments.extend([bytes(&self.loader), number(quorum.wait_ms)]);
        arguments.extend(quorum.members.iter().map(|node| Value::from(node.as_str())));
        let keys = Keys::Of(quorum.sale);
        let mut items = answer::accepted(self.call("quorum", keys, arguments, Writes::Yes).await?)?;
        Ok(match items.text()?.as_str() {
            "open" => QuorumAnswer::Open { epoch: items.epoch()? },
            "loading" => QuorumAnswer::Loading { epoch: items.epoch()?, age_ms: items.integer()? },
            "wait" => QuorumAnswer::Wait { present: names(items)? },
            "rebuild" => {
                let (epoch, base_seq) = (items.epoch()?, items.integer()?);
                QuorumAnswer::Rebuild { epoch, base_seq, missing: names(items)? }
            }
            _ => return Err(StoreError::Reply("a quorum that came to nothing known")),
        })
    }
}

/// The names of nodes, to the end of an answer.
fn names(mut items: Items) -> Result<Vec<NodeName>, StoreError> {
    let mut names = Vec::new();
    while !items.is_empty() {
        let name = NodeName::parse(&items.text()?);
        names.push(name.ok_or(StoreError::Reply("a name that is none"))?);
    }
    Ok(names)
}
