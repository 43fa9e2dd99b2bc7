//! A merchant who makes one small sale after the other: sells a unit, closes, archives, refunds and deletes.
//!
//! Whatever had no answer is asked again, so that each sale comes to its end through crashes and full disks.

use engine::{
    command::{Ask, Command, Operation, Reply, Terms},
    disk::sim::SimDisk,
    hold::{HoldState, Step},
    id::{Epoch, HoldId, OfferIndex, SaleTag, ShopperKey},
    record::{Change, ReplayKey},
    sale::{ChangeRefusal, Settler, TicketRef},
    spec::SaleSpec,
    world::World,
};

use super::{chance::Chance, node::Node, shadow::leads};
use crate::support::{author, create, name, wide};

const DAY_MS: u64 = 86_400_000;
const SHOPPER: ShopperKey = ShopperKey(0x51de);

/// What is to be done next to the present sale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Make,
    Enter,
    Buy,
    Confirm,
    Close,
    Archive,
    Refund,
    Delete,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Merchant {
    /// Which sale it is.
    count: u128,
    next: Next,
    place: Option<TicketRef>,
    /// The hold as it was told last.
    hold: Option<HoldState>,
    /// The deletion was asked for, so that the sale may be gone.
    may_be_gone: bool,
    pub(crate) archived: u64,
    pub(crate) deleted: u64,
}

impl Merchant {
    fn sale(&self) -> String {
        format!("side-{}", self.count)
    }

    pub(crate) fn tag(&self) -> SaleTag {
        name(&self.sale()).tag()
    }

    /// What the merchant asks next, if anything.
    pub(crate) fn act(
        &mut self,
        node: &Node,
        disk: &SimDisk,
        chance: &mut Chance,
    ) -> Option<Command> {
        let sale = self.tag();
        let replay = ReplayKey { key: self.count << 8 | self.next as u128, body: 1 };
        let settle = |step| {
            Command::Ask(
                sale,
                Ask::Settle {
                    epoch: Epoch(1),
                    hold: HoldId(1),
                    step,
                    by: Settler::Backend,
                    replay: Some(replay),
                },
            )
        };
        let operate = |change| {
            Command::Operate(Operation::Change {
                sale,
                author: author(),
                change: Box::new(change),
                terms: Terms::default(),
            })
        };
        Some(match self.next {
            Next::Make => create(SaleSpec {
                name: name(&self.sale()),
                claim_window_ms: DAY_MS,
                session_ms: DAY_MS,
                idle_ms: DAY_MS,
                hold_ms: DAY_MS,
                ..wide(3)
            }),
            Next::Enter => {
                Command::Ask(sale, Ask::Enter { shopper: SHOPPER, replay: Some(replay) })
            }
            Next::Buy => {
                let items = [(OfferIndex(0), 1)].into_iter().collect();
                Command::Ask(sale, Ask::Purchase { pass: self.place?, items, replay })
            }
            Next::Confirm => settle(Step::Confirm),
            Next::Close => operate(Change::Close),
            Next::Archive => node.archival(disk, &self.sale())?,
            // Sometimes after so long that the sale is packed.
            Next::Refund if chance.hits(900) => return None,
            Next::Refund => settle(Step::Refund),
            Next::Delete => {
                self.may_be_gone = true;
                operate(Change::Delete)
            }
        })
    }

    /// The answer came; `None` if it never will, or was only that the engine is busy.
    pub(crate) fn hear(&mut self, reply: Option<&Reply>) {
        let Some(reply) = reply else { return };
        self.next = match (self.next, reply) {
            (Next::Make, Reply::Changed(Ok(_) | Err(ChangeRefusal::NameTaken))) => Next::Enter,
            (Next::Enter, Reply::Entry(Ok(entry))) => {
                let (epoch, number) = (entry.epoch, entry.answer.number);
                self.place = Some(TicketRef { epoch, number, shopper: SHOPPER });
                Next::Buy
            }
            (Next::Buy, Reply::Purchase(Ok(told))) => {
                self.hold = Some(told.hold.state);
                Next::Confirm
            }
            (Next::Confirm, Reply::Settle(Ok(told))) => {
                self.hold = Some(told.hold.state);
                Next::Close
            }
            (Next::Close, Reply::Changed(Ok(_))) => Next::Archive,
            (Next::Archive, Reply::Changed(Ok(_) | Err(ChangeRefusal::Archived))) => {
                self.archived += 1;
                Next::Refund
            }
            (Next::Refund, Reply::Settle(Ok(told))) => {
                self.hold = Some(told.hold.state);
                Next::Delete
            }
            (Next::Delete, Reply::Changed(Ok(_) | Err(ChangeRefusal::NoSale))) => {
                let (count, archived, deleted) = (self.count + 1, self.archived, self.deleted + 1);
                return *self = Self { count, archived, deleted, ..Self::default() };
            }
            (next, _) => next,
        };
    }

    /// What was told of the present sale is so.
    pub(crate) fn check(&self, world: &World) {
        let tag = self.tag();
        let is_archived = matches!(self.next, Next::Refund | Next::Delete);
        let is_there = world.is_archived(tag) || world.sale(tag).is_some();
        assert!(!is_archived || world.is_archived(tag) || self.may_be_gone, "archived for good");
        let Some(told) = self.hold.filter(|_| is_there || !self.may_be_gone) else { return };
        let archived = world.archived_sale(tag);
        let sale = world.sale(tag).or(archived.as_ref()).expect("made");
        let found = sale.hold(HoldId(1)).expect("bought").state;
        assert!(leads(told, found), "{told:?} became {found:?}");
    }
}
