//! Nodes come together over a store that is not what it was, and learn which of them rewrites it.
//!
//! A node asks every 100 ms, with the last entry it has journaled. Asking is what makes it present.

use engine::{
    id::{Epoch, HoldId, NodeName, Number, SaleTag},
    stream::Point,
};
use fred::types::Value;

use super::{
    Store, StoreError,
    answer::{self, Items},
    call::{Keys, Writes, bytes, number},
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
    /// Whether all members know this node, as far as it knows.
    pub is_known: bool,
    /// Milliseconds for which it had been out of touch with the store when it noticed the loss; `None`
    /// when that was too long to know who else served, or it does not know how long.
    pub out_of_touch_ms: Option<u64>,
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
    /// Of those who are there, no node was in touch with the store until the loss, so others may have
    /// served since that none of them knows. An operator has to say that none did.
    Unsure {
        /// Who is there.
        present: Vec<NodeName>,
    },
    /// This node is to write the sale from its own world.
    Rebuild {
        /// Under this epoch, higher than any that was seen.
        epoch: Epoch,
        /// Who serves the sale and did not come.
        missing: Vec<NodeName>,
        /// The last number of a place and of a hold that the store gave out, by what is left in it.
        given: (Number, HoldId),
        /// Who is there, this node among them.
        present: Vec<Present>,
    },
}

/// A node that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Its name.
    pub node: NodeName,
    /// How far it has come.
    pub point: Point,
    /// Whether all members know it.
    pub is_known: bool,
    /// For how long it had been out of touch, if it knows who served.
    pub out_of_touch_ms: Option<u64>,
    /// Whether the store has another history than this node.
    pub is_forked: bool,
}

impl Store {
    /// Has nodes that know a sale come together for it if the store lost it; answers how many connections of the
    /// sale's server heard that.
    pub async fn summon(&self, sale: SaleTag) -> Result<u64, StoreError> {
        let summoned = self.call("summon", Keys::Of(sale), Vec::new(), Writes::Yes).await?;
        answer::accepted(summoned)?.integer()
    }

    /// Says that a node is there, and asks what it is to do.
    pub async fn quorum(&self, quorum: &Quorum<'_>) -> Result<QuorumAnswer, StoreError> {
        let mut arguments = vec![Value::from(quorum.node.as_str())];
        arguments.extend([bytes(&self.loader), number(quorum.wait_ms)]);
        arguments.extend(answer::point_arguments(quorum.point));
        arguments.push(number(u64::from(quorum.is_known)));
        arguments.push(quorum.out_of_touch_ms.map_or_else(|| Value::from("-"), number));
        arguments.extend(quorum.members.iter().map(|node| Value::from(node.as_str())));
        let keys = Keys::Of(quorum.sale);
        let mut items = answer::accepted(self.call("quorum", keys, arguments, Writes::Yes).await?)?;
        Ok(match items.text()?.as_str() {
            "open" => QuorumAnswer::Open { epoch: items.epoch()? },
            "loading" => QuorumAnswer::Loading { epoch: items.epoch()?, age_ms: items.integer()? },
            "wait" => QuorumAnswer::Wait { present: names(items)? },
            "unsure" => QuorumAnswer::Unsure { present: names(items)? },
            "rebuild" => {
                let epoch = items.epoch()?;
                let given = (Number(items.integer()?), HoldId(items.integer()?));
                let count = items.integer()?;
                let missing = (0..count).map(|_| name(&mut items)).collect::<Result<_, _>>()?;
                QuorumAnswer::Rebuild { epoch, missing, given, present: all_present(items)? }
            }
            _ => return Err(StoreError::Reply("a quorum that came to nothing known")),
        })
    }
}

/// The names of nodes, to the end of an answer.
fn names(mut items: Items) -> Result<Vec<NodeName>, StoreError> {
    let mut names = Vec::new();
    while !items.is_empty() {
        names.push(name(&mut items)?);
    }
    Ok(names)
}

fn name(items: &mut Items) -> Result<NodeName, StoreError> {
    NodeName::parse_member(&items.text()?).ok_or(StoreError::Reply("a name that is none"))
}

/// Who is there, to the end of an answer.
fn all_present(mut items: Items) -> Result<Vec<Present>, StoreError> {
    let mut present = Vec::new();
    while !items.is_empty() {
        present.push(Present {
            node: name(&mut items)?,
            point: items.point()?,
            is_known: items.text()? == "1",
            out_of_touch_ms: items.text()?.parse().ok(),
            is_forked: items.text()? == "1",
        });
    }
    Ok(present)
}
