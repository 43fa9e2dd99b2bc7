//! What the crowd knows: every acknowledgement it was given.
//!
//! Owns the records the audit judges the server by. A shopper notes an *intention* before the
//! request leaves and an *acknowledgement* after its answer arrived, so a record cut off at any
//! point still says exactly what is known, what is unknown, and nothing more.

use serde::Serialize;

use crate::client::NodeId;
use crate::clock::Stamp;
use crate::plan::Plan;
use crate::wire::{Eta, PurchaseState, Units};

/// How a shopper's visit ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Still waiting, retrying or paying when the run ended.
    #[default]
    Unfinished,
    Bought,
    Released,
    Abandoned,
    Left,
    FellSilent,
    /// Was called and did not claim.
    NoShow,
    SoldOut,
    Closed,
    /// The place or the pass ran out (410, 401).
    Expired,
    /// The hold ran out before the payment was begun.
    HoldLost,
    /// An answer outside the contract ended the visit.
    Refused,
}

/// An acknowledged place.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The earliest attempt that may have caused it.
    pub(crate) sent: Stamp,
    /// When its acknowledgement had arrived.
    pub(crate) acked: Stamp,
    pub(crate) number: u64,
    pub(crate) ticket: String,
    /// How far the gate had come when the place was given, as the answer told: no less than it had
    /// when this was sent, whichever node answered, for the place was numbered after that.
    pub(crate) serving: Option<u64>,
}

/// A wait as the server first estimated it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EstimatedWait {
    /// When the shopper was told.
    pub(crate) at: Stamp,
    pub(crate) eta: Eta,
}

/// What is known of leaving.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Leaving {
    #[default]
    No,
    /// Asked, not acknowledged.
    Sent,
    Acknowledged,
}

/// An acknowledged purchase.
#[derive(Clone, Debug)]
pub(crate) struct Bought {
    pub(crate) id: String,
    pub(crate) units: u64,
    /// The last state that was acknowledged.
    pub(crate) known: PurchaseState,
    /// A change asked for and not acknowledged.
    pub(crate) asked: Option<PurchaseState>,
}

impl Bought {
    /// True when the server may answer `state` for it without contradicting an acknowledgement.
    ///
    /// Only a hold ends by itself; `paying` ends by the payment's answer alone.
    pub(crate) fn allows(&self, state: PurchaseState) -> bool {
        let expired = self.known == PurchaseState::Held && state == PurchaseState::Expired;
        state == self.known || Some(state) == self.asked || expired
    }
}

/// One shopper's part of the ledger.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Which shopper, by arrival.
    pub(crate) index: usize,
    pub(crate) plan: Plan,
    pub(crate) entry: Option<Entry>,
    pub(crate) estimated: Option<EstimatedWait>,
    /// When the shopper was known to be called, for those who do not claim.
    pub(crate) called: Option<Stamp>,
    /// When the shopper was first seen admitted.
    pub(crate) admitted: Option<Stamp>,
    /// When the server last answered this shopper while waiting.
    pub(crate) heard: Stamp,
    pub(crate) leaving: Leaving,
    /// The code of a 410 that ended the visit.
    pub(crate) gone: Option<String>,
    pub(crate) purchase: Option<Bought>,
    pub(crate) outcome: Outcome,
}

impl Record {
    /// A shopper who has not been heard of yet.
    pub(crate) fn new(index: usize, plan: Plan) -> Self {
        Self {
            index,
            plan,
            entry: None,
            estimated: None,
            called: None,
            admitted: None,
            heard: Stamp::default(),
            leaving: Leaving::No,
            gone: None,
            purchase: None,
            outcome: Outcome::Unfinished,
        }
    }
}

/// One reading of the stock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StockRead {
    /// Who was asked.
    pub(crate) node: NodeId,
    pub(crate) at: Stamp,
    /// Units whose confirmation this node had acknowledged before it was asked.
    pub(crate) confirmed_before: u64,
    /// Where every unit is, by the operator's statistics, when they answered.
    pub(crate) units: Option<Units>,
    /// `total` and `available` of the public status, when it answered; may be a second old.
    pub(crate) public: Option<(u64, u64)>,
    /// The pace the gate was set to, when the public status told.
    pub(crate) allowed_per_second: Option<f64>,
}

/// What a ticket answered after the run.
#[derive(Clone, Debug)]
pub(crate) struct TicketAnswer {
    pub(crate) index: usize,
    pub(crate) at: Stamp,
    /// 0 when nothing answered.
    pub(crate) status: u16,
    pub(crate) number: Option<u64>,
    pub(crate) code: String,
}

/// What a purchase answered after the run.
#[derive(Clone, Debug)]
pub(crate) struct PurchaseAnswer {
    pub(crate) index: usize,
    /// 0 when nothing answered.
    pub(crate) status: u16,
    pub(crate) id: String,
    pub(crate) state: Option<PurchaseState>,
    pub(crate) units: u64,
}

/// Everything the audit looks at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    /// Units put on sale.
    pub(crate) stock: u64,
    /// Units an existing sale had sold before the run.
    pub(crate) sold_before: u64,
    /// How long the sale lets a waiting ticket be silent, in seconds.
    pub(crate) idle_seconds: u64,
    /// How long it lets a called ticket be silent, in seconds.
    pub(crate) claim_window_seconds: u64,
    /// The pace the gate was set to at the beginning.
    pub(crate) admission_per_second: f64,
    /// Just before the run put the sale up; `None` for one that stood already.
    pub(crate) opened: Option<Stamp>,
    /// How many nodes serve the sale.
    pub(crate) nodes: usize,
    /// How far the gate had come when all tickets had been asked for.
    pub(crate) serving: u64,
    /// By arrival: `records[i].index == i`.
    pub(crate) records: Vec<Record>,
    /// In the order they were taken; the last of each node was taken after the crowd had stopped.
    pub(crate) reads: Vec<StockRead>,
    pub(crate) tickets: Vec<TicketAnswer>,
    pub(crate) purchases: Vec<PurchaseAnswer>,
}

impl Ledger {
    /// Units whose confirmation was acknowledged.
    pub(crate) fn confirmed_units(&self) -> u64 {
        self.bought().filter(|b| b.known == PurchaseState::Confirmed).map(|b| b.units).sum()
    }

    /// Units whose confirmation was asked for and never answered.
    pub(crate) fn unknown_units(&self) -> u64 {
        self.bought().filter(|b| b.asked == Some(PurchaseState::Confirmed)).map(|b| b.units).sum()
    }

    /// The last reading of each node.
    pub(crate) fn last_reads(&self) -> impl Iterator<Item = Option<&StockRead>> {
        (0..self.nodes).map(|node| self.reads.iter().rfind(|read| read.node == NodeId(node)))
    }

    fn bought(&self) -> impl Iterator<Item = &Bought> {
        self.records.iter().filter_map(|record| record.purchase.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PurchaseState::{Confirmed, Expired, Held, Paying, Released};

    fn bought(known: PurchaseState, asked: Option<PurchaseState>) -> Bought {
        Bought { id: "p".to_owned(), units: 1, known, asked }
    }

    #[test]
    fn a_purchase_may_only_be_where_acknowledgements_leave_it() {
        assert!(bought(Held, None).allows(Expired));
        assert!(!bought(Held, None).allows(Confirmed));
        assert!(bought(Held, Some(Paying)).allows(Paying));
        assert!(!bought(Paying, None).allows(Expired), "paying ends by the payment's answer only");
        assert!(bought(Paying, Some(Confirmed)).allows(Confirmed));
        assert!(!bought(Confirmed, None).allows(Released));
        assert!(!bought(Released, None).allows(Held));
    }
}
