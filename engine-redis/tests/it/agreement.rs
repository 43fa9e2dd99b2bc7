//! What nodes of one sale have in common: all that was decided, on their disks and in their views.

use std::{sync::Arc, time::Duration};

use engine::{
    certificate,
    clock::{ManualClock, Millis},
    codec::Binary as _,
    disk::{Disk, sim::SimDisk},
    id::SaleTag,
    journal::{self, Extent},
    limits::SEGMENT_BYTES,
    record::{Change, Record},
    recovery,
    stock::Counts,
    stream::Point,
};
use engine_redis::Snapshot;

use super::{
    server::name,
    serving::{OFFER, Serving, in_time, until},
};
use crate::support::{self, SALE};

/// So many nodes, named from `a` on, of which the first made the sale and all have it.
pub(super) async fn together<const COUNT: usize>(url: &str, units: u64) -> [Serving; COUNT] {
    let mut names = 'a'..;
    let nodes = [(); COUNT].map(|()| {
        let name = names.next().expect("few");
        Serving::start(&name.to_string(), url)
    });
    nodes[0].create(SALE, units).await;
    for node in &nodes {
        node.serves(SALE).await;
    }
    nodes
}

/// Waits until all nodes have come equally far, and holds what they have against each other.
pub(super) async fn agree(nodes: &[&Serving]) {
    let all = || nodes.iter().map(|node| journaled(&node.disk)).collect::<Vec<_>>();
    let even = async {
        loop {
            let all = all();
            if all.iter().all(|(point, _)| *point == all[0].0) {
                return all;
            }
            // Often read, the journals would take the processors from those who write them.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let points = || all().into_iter().map(|(point, _)| point).collect::<Vec<_>>();
    let all = in_time(even, || format!("all come equally far: {:?}", points())).await;
    assert!(all.iter().all(|(_, bytes)| *bytes == all[0].1), "equal histories, equal sales");
    let available = shown(nodes[0]).available;
    until("all show the same, and a permit for each unit", || {
        nodes.iter().all(|node| {
            shown(node) == shown(nodes[0])
                && node.view().line().issued() == nodes[0].view().line().issued()
                && node.view().stock().permits(OFFER) == available.cast_signed()
        })
    })
    .await;
}

/// The sale as a disk has it: how far it was followed, and its byte form.
pub(super) fn journaled(disk: &SimDisk) -> (Point, Vec<u8>) {
    journaled_of(disk, support::tag())
}

/// The same of another sale.
pub(super) fn journaled_of(disk: &SimDisk, tag: SaleTag) -> (Point, Vec<u8>) {
    let copy: Arc<dyn Disk> = Arc::new(disk.copy());
    let (world, ..) = recovery::recover(&copy, SEGMENT_BYTES, &ManualClock::at(Millis(0)))
        .expect("a journal that can be read");
    let mut bytes = Vec::new();
    world.sale(tag).expect("the sale is known").encode(&mut bytes);
    (*world.point(tag).expect("it is followed"), bytes)
}

/// A sale as a node has journaled it, as it is put beside the stream: with the time of its last fact, which
/// the node's own clock may be ahead of.
pub(super) fn snapshot_of(disk: &SimDisk, tag: SaleTag) -> Snapshot {
    let disk = disk.copy();
    let (point, bytes) = journaled_of(&disk, tag);
    let mut last = Millis(0);
    let mut each = |batch: journal::Batch<'_>| {
        recovery::each_record(&batch, |record, at| {
            if record.sale() == tag && matches!(record, Record::Followed { .. }) {
                last = at;
            }
        })
    };
    journal::read_all(&disk, None, Extent::Everything, &mut each).expect("a sound journal");
    Snapshot { point, at: last, bytes }
}

pub(super) fn shown(node: &Serving) -> Counts {
    node.view().stock().counts(OFFER).expect("an offer")
}

/// Ends nodes in good order and audits what their disks have.
pub(super) fn part(nodes: impl IntoIterator<Item = Serving>) {
    for node in nodes {
        certify(&node.stop());
    }
}

/// Audits what a disk has.
pub(super) fn certify(disk: &SimDisk) {
    let certificate = certificate::certify(&disk.copy()).expect("a journal that can be read");
    assert_eq!(certificate.violations, [""; 0]);
}

/// What a node said when it came back: units that it had promised, and units that are for sale again.
pub(super) fn returned(peer: &Serving, node: &str) -> Option<(Vec<u64>, Vec<u64>)> {
    peer.view().settings().audit.iter().find_map(|entry| match &entry.change {
        Some(Change::Returned { node: who, promised, released }) if who.is_of(&name(node)) => {
            Some((promised.clone(), released.clone()))
        }
        _ => None,
    })
}
