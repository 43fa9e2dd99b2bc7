//! What an audit carries through a pruning that the sales themselves do not know: what this node had acknowledged
//! and the others left behind, and sales that are half taken over.

use engine::{
    arbiter::LocalArbiter,
    certificate,
    codec::Binary as _,
    command::{Ask, Command},
    hold::Step,
    id::{Epoch, HoldId, Number, OfferIndex, ShopperKey},
    record::{Record, Stood},
    sale::{Settler, TicketRef},
    spec::SaleSpec,
    stream::Point,
};

use super::{Writing, certified, recovered, replayed, snapshot};
use crate::support::{create, key, name, spec};

const SALE: &str = "shared";

/// A shopper comes to the sale first and buys; what was asked for it.
fn buy(shopper: u128) -> [Command; 3] {
    let (sale, epoch, shopper) = (name(SALE).tag(), Epoch(1), ShopperKey(shopper));
    let pass = TicketRef { epoch, number: Number(1), shopper };
    let (items, replay) = ([(OfferIndex(0), 1)].into_iter().collect(), key(shopper.0, 7));
    let (hold, step, by) = (HoldId(1), Step::Confirm, Settler::Backend);
    [
        Command::Ask(sale, Ask::Enter { shopper, replay: None }),
        Command::Ask(sale, Ask::Purchase { pass, items, replay }),
        Command::Ask(sale, Ask::Settle { epoch, hold, step, by, replay: None }),
    ]
}

/// The sale as the others have it, in whose history another shopper came first.
fn of_the_others(writing: &Writing) -> Vec<u8> {
    let mut others = LocalArbiter::default();
    others.decide(writing.at, &[create(SaleSpec { name: name(SALE), ..spec(&[5]) })]);
    others.decide(writing.at, &buy(2_000_000));
    let mut bytes = Vec::new();
    others.world().sale(name(SALE).tag()).expect("made").encode(&mut bytes);
    bytes
}

impl Writing {
    /// Journals a part of the sale as the others have it.
    fn take_over(&mut self, bytes: &[u8], is_first: bool, is_last: bool) {
        self.at = self.at.after(1);
        let stood = is_last.then_some(Stood { at: self.at, point: Point::START });
        let (sale, bytes) = (name(SALE).tag(), bytes.to_vec());
        let mut payload = Vec::new();
        Record::Adopted { sale, is_first, bytes, stood }.encode(&mut payload);
        self.journal.reserve(payload.len()).expect("room");
        self.journal.append(self.at, Epoch(1), 1, &payload).expect("a sound disk");
    }

    /// Prunes up to about here.
    fn prune(&mut self, context: &str) {
        let at_most = self.journal.point().sequence;
        for _ in 0..3 {
            self.seal(name("a").tag(), 1);
            snapshot(&self.disk);
        }
        let before = recovered(&self.disk, context).0;
        let pruned = certificate::prune(&self.disk).expect("two snapshots");
        assert!(pruned.segments > 0 && pruned.point.sequence > at_most, "{context}");
        assert_eq!(recovered(&self.disk, context).0, before, "{context}");
    }
}

#[test]
fn what_was_left_behind_is_told_after_any_pruning_also_in_the_middle_of_a_take_over() {
    let mut writing = Writing::new();
    writing.make("a");
    writing.make(SALE);
    for command in buy(1_000_000) {
        writing.decide(&command);
    }
    let bytes = of_the_others(&writing);
    let (front, back) = bytes.split_at(bytes.len() / 2);
    writing.take_over(front, true, false);
    let half = writing.disk;

    // By the whole journal, and by one that is pruned between the parts and behind them.
    let mut left = Vec::new();
    for prunes in [false, true] {
        let disk = half.copy();
        let mut writing = Writing::reopened(&disk);
        if prunes {
            writing.prune("between the parts");
            assert_eq!(certified(&disk, "half taken over").left_behind, []);
        }
        writing.take_over(back, false, true);
        left.push(certified(&disk, "taken over").left_behind);
        if prunes {
            writing.prune("behind it");
            left.push(certified(&disk, "pruned again").left_behind);
        } else {
            assert_eq!(replayed(&disk), recovered(&disk, "not pruned").0);
        }
    }
    let [whole, between, behind] = &left[..] else { unreachable!("three audits") };
    assert_eq!(whole.len(), 1, "{whole:?}");
    assert_eq!(whole[0].places, [(Number(1), ShopperKey(1_000_000))]);
    assert_eq!(whole[0].holds.len(), 1);
    assert_eq!((between, behind), (whole, whole));
}
