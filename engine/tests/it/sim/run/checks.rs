//! What must be so after every turn, and at the end.

use engine::{
    command::{Ask, Command},
    id::OfferIndex,
};

use super::{Simulation, Waiting, names};
use crate::sim::{node::Node, sink::Sink};

impl Simulation {
    pub(super) fn check(&mut self) {
        let buys =
            |waiting: &Waiting| matches!(waiting.command, Command::Ask(_, Ask::Purchase { .. }));
        let buying = self.waiting.iter().any(buys);
        for spec in &self.specs {
            let view = self.node.view(spec.name.as_str());
            let sale = self.node.world().sale(view.tag()).expect("never deleted");
            for (counts, offer) in sale.counts().iter().zip(&sale.spec().offers) {
                assert_eq!(counts.total(), offer.total, "every unit is somewhere");
            }
            for (counts, offer) in view.counts().zip(&view.settings().spec.offers) {
                assert_eq!(counts.total(), offer.total, "every unit is seen somewhere");
            }
            for (counts, offer) in view.counts().zip(0..).filter(|_| !buying) {
                let available = i64::try_from(counts.available).expect("small");
                assert_eq!(view.stock().permits(OfferIndex(offer)), available, "a permit each");
            }
            let active = u64::from(sale.spec().active_max);
            assert!(sale.active_sessions() <= active, "active sessions ≤ cap");
        }
        if self.figures.turns.is_multiple_of(8) {
            self.check_everything();
        }
    }

    pub(super) fn check_everything(&mut self) {
        self.merchant.check(self.node.world());
        for spec in &self.specs {
            let view = self.node.view(spec.name.as_str());
            self.shadow.check(&view, self.node.world());
        }
    }

    /// After the faults: nothing is owed to anybody, and every unsold unit can be bought.
    pub(super) fn check_end(&mut self) {
        assert!(self.waiting.is_empty(), "everything accepted completes");
        assert_eq!(self.node.registry().outbox_lag(), 0, "the sinks were told everything");
        assert!(self.node.registry().dead_letters().is_empty());
        for spec in &self.specs {
            let view = self.node.view(spec.name.as_str());
            for (counts, offer) in view.counts().zip(0..) {
                let offer = OfferIndex(offer);
                assert_eq!((counts.held, counts.paying), (0, 0), "nothing is in flight");
                let sellable = i64::try_from(counts.available).expect("small");
                assert_eq!(view.stock().permits(offer), sellable, "unsold is sellable");
            }
            let sale = self.node.world().sale(view.tag()).expect("never deleted");
            assert_eq!(sale.active_sessions(), 0, "every slot is free again");
            for hold in sale.holds() {
                for sink in &self.sinks[..self.configured] {
                    sink.check_order(&spec.name, hold.id, hold.state);
                }
            }
        }
        self.check_everything();
        self.check_journal();
    }

    /// The journal alone gives the same world, with or without a snapshot, and passes the audit.
    fn check_journal(&mut self) {
        let (audit, replayed) = crate::audit::of_journal(&self.disk);
        audit.check_against(self.node.world());
        self.sinks.iter().for_each(|sink| sink.check(&audit));
        assert_eq!(replayed.hash(), self.node.world().hash(), "full replay is the live world");
        self.snapshot();
        let sinks = names(&self.sinks[..self.configured]);
        let again = Node::start_for(&self.disk, &self.clock, &sinks).expect("a sound disk");
        assert_eq!(again.world().hash(), replayed.hash(), "snapshot and tail are full replay");
        self.trace.update(&replayed.hash());
        self.figures.facts = audit.facts();
        self.figures.acknowledged = self.shadow.acknowledged;
        let sum = |of: fn(&Sink) -> u64| self.sinks.iter().map(of).sum();
        self.figures.delivered = sum(|sink| sink.taken);
        self.figures.letters = sum(|sink| sink.letters);
        self.figures.leaves = sum(|sink| sink.leaves);
        (self.figures.archived, self.figures.deleted) =
            (self.merchant.archived, self.merchant.deleted);
    }
}
