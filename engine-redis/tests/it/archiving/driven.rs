//! The arbiter of a node that has packed sales, driven turn by turn.

use std::{sync::Arc, thread, time::Duration};

use engine::{
    arbiter::{Arbiter as _, Decided, Moment, archive_file::ArchiveFiles},
    clock::{Clock as _, SystemClock},
    command::{Command, Reply},
    disk::{Disk, sim::SimDisk},
    hold::{HoldState, Step},
    id::{HoldId, NodeName},
    limits::SEGMENT_BYTES,
    recovery,
    world::World,
};
use engine_redis::{SharedArbiter, SharedOptions};
use tokio::{runtime::Handle, task::spawn_blocking};

use super::{
    super::{
        server::{Server, name, run},
        serving::{Serving, shared},
    },
    large,
    loss::{impatient, impatient_and_archived},
    step,
};
use crate::support::{self, settle};

/// As many turns as any node needs to connect and to read on.
const TURNS: usize = 400;

struct Driven {
    arbiter: SharedArbiter,
    clock: SystemClock,
    decided: Decided,
    /// Where it would write files.
    _disk: Arc<dyn Disk>,
}

impl Driven {
    /// Goes on from what a disk has, as after a start from a snapshot: archived sales are packed.
    fn start(disk: &SimDisk, options: impl FnOnce(&World) -> SharedOptions) -> Self {
        let (disk, clock): (Arc<dyn Disk>, _) = (Arc::new(disk.copy()), SystemClock::start());
        let recovered = recovery::recover(&disk, SEGMENT_BYTES, &clock);
        let (world, ..) = recovered.expect("a sound journal");
        let world = World::from_bytes(&world.to_bytes()).expect("its own byte form");
        let (options, files) = (options(&world), ArchiveFiles::new(&disk));
        let arbiter = SharedArbiter::new(world, options, files).expect("a runtime");
        Self { arbiter, clock, decided: Decided::default(), _disk: disk }
    }

    fn turn(&mut self, commands: &[Command]) -> &[Reply] {
        let now = Moment { at: self.clock.now(), ..Moment::default() };
        self.arbiter.decide_into(&mut self.decided, now, &mut commands.iter());
        thread::sleep(Duration::from_millis(5));
        &self.decided.replies
    }
}

/// A member of the archived sale by its whole name.
fn member(world: &World, node: &str) -> NodeName {
    let sale = world.archived_sale(support::tag()).expect("archived");
    let found = sale.members().nodes().find(|found| found.is_of(&name(node))).cloned();
    found.expect("a member")
}

#[test]
fn a_turn_that_reads_on_in_a_large_packed_sale_unpacks_nothing_itself() {
    let server = Server::start();
    run(async {
        let [a, b] = large::packed(&server).await;
        let disk = b.stop();
        step(&a, 1, Step::Refund).await;
        let url = server.url();
        let turns = spawn_blocking(move || {
            let tag = support::tag();
            let mut node = Driven::start(&disk, |_| shared("late", &url));
            for _ in 0..TURNS {
                node.turn(&[]);
                assert!(node.arbiter.world().sale(tag).is_none(), "it is packed");
            }
            assert_eq!(node.arbiter.wants_unpacked(), Some(tag));
            // As the scribe has it done on another thread.
            let unpacked = node.arbiter.world().archived_sale(tag).expect("archived");
            node.arbiter.warm_up(unpacked, node.clock.now());
            assert_eq!(node.arbiter.wants_unpacked(), None);
            for _ in 0..TURNS {
                node.turn(&[]);
            }
            let sale = node.arbiter.world().sale(tag).expect("unpacked");
            assert_eq!(sale.hold(HoldId(1)).map(|hold| hold.state), Some(HoldState::Refunded));
        });
        turns.await.expect("no panic");
        a.stop();
    });
}

#[test]
fn a_refund_waits_for_no_member_that_went_before_the_loss_though_the_node_was_started_again() {
    let server = Server::start();
    run(async {
        let nodes = impatient_and_archived(&server).await;
        large::are_packed(&nodes.each_ref()).await;
        // Packed, they part from nothing.
        let [disk, _] = nodes.map(Serving::stop);
        let (raw, options) = (server.raw().await, impatient(&server, "a"));
        let runtime = Handle::current();
        let turns = spawn_blocking(move || {
            let mut node =
                Driven::start(&disk, |world| SharedOptions { node: member(world, "a"), ..options });
            for _ in 0..TURNS {
                node.turn(&[]);
            }
            runtime.block_on(raw.call(&["FLUSHALL"]));
            // In much less time than a missing node is remembered.
            let is_refunded = |replies: &[Reply]| matches!(replies, [Reply::Settle(Ok(_))]);
            let refund = [settle(1, Step::Refund, None)];
            // What is done beside the turns goes on in those in which nothing is asked.
            let is_told = (0..TURNS).any(|_| {
                node.turn(&[]);
                is_refunded(node.turn(&refund))
            });
            assert!(is_told, "{:?}", node.arbiter.peers().expect("of many").troubles());
        });
        turns.await.expect("no panic");
    });
}
