//! What a node tells the store beside commands: facts that change no key there, and who parts.
//!
//! | note | byte | then |
//! |---|---:|---|
//! | fact | 1 | record |
//! | part | 2 | milliseconds of silence, the node's name, the record `Parted` |
//!
//! Names and records come with their length (4 bytes) before them.

use engine::{
    codec::Binary as _,
    id::{NodeName, SaleTag},
    record::Record,
};

/// What a node tells beside commands. There is no verdict on it.
#[derive(Clone, Copy, Debug)]
pub enum NodeNote<'a> {
    /// A fact that is true however often it is told: `Delivered`, `DeadLettered` or `Requeued`.
    Fact(&'a Record),
    /// A node serves no more.
    Part {
        /// Which node; nothing happens when it does not serve.
        node: &'a NodeName,
        /// How long it must have been silent, by the store's clock and to half a second; 0: it says
        /// so itself.
        silent_ms: u64,
    },
}

/// The byte form of a batch's notes.
pub(super) fn encode(sale: SaleTag, notes: &[NodeNote<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for note in notes {
        match *note {
            NodeNote::Fact(record) => {
                out.push(1);
                put(&encoded(record), &mut out);
            }
            NodeNote::Part { node, silent_ms } => {
                out.push(2);
                silent_ms.encode(&mut out);
                put(node.as_str().as_bytes(), &mut out);
                put(&encoded(&Record::Parted { sale, node: node.clone() }), &mut out);
            }
        }
    }
    out
}

/// The fact with which a node begins to serve.
pub(super) fn joined(sale: SaleTag, node: &NodeName) -> Vec<u8> {
    encoded(&Record::Joined { sale, node: node.clone() })
}

fn encoded(record: &Record) -> Vec<u8> {
    let mut out = Vec::new();
    record.encode(&mut out);
    out
}

fn put(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(bytes.len()).expect("a record is far shorter");
    length.encode(out);
    out.extend_from_slice(bytes);
}
