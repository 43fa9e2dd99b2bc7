//! Shoppers, the shop's backend and an operator: each knows only what it was told.

use engine::{
    clock::Millis,
    command::{Ask, Command, Note, Operation, Reply, Terms},
    hold::{HoldState, Step},
    id::{Epoch, HoldId, OfferIndex, SaleTag, ShopperKey},
    record::{Change, ReplayKey},
    sale::{Settler, TicketRef},
    spec::{SaleSpec, SpecPatch},
    standing::Standing,
};

use super::{chance::Chance, node::Node, shadow::Shadow};
use crate::support::{self, author};

/// One shopper and what it is about to do.
#[derive(Clone, Debug)]
pub(crate) struct Shopper {
    pub(crate) key: ShopperKey,
    pub(crate) sale: usize,
    place: Option<TicketRef>,
    /// What had no answer, or a busy one, and is asked again with the same key.
    retry: Option<Command>,
    /// The last purchase that was answered well, to be asked again out of the blue.
    bought: Option<Command>,
    holds: Vec<HoldId>,
    keys_used: u64,
    /// Something asked before may have happened.
    pub(crate) unsure: bool,
}

impl Shopper {
    pub(crate) fn new(key: u128, sale: usize) -> Self {
        Self {
            key: ShopperKey(key),
            sale,
            place: None,
            retry: None,
            bought: None,
            holds: Vec::new(),
            keys_used: 0,
            unsure: false,
        }
    }

    /// What the shopper asks next, if anything.
    pub(crate) fn act(
        &mut self,
        node: &Node,
        spec: &SaleSpec,
        shadow: &mut Shadow,
        at: Millis,
        chance: &mut Chance,
    ) -> Option<Command> {
        if self.retry.is_some() {
            return self.retry.clone();
        }
        let sale = spec.name.tag();
        let Some(ticket) = self.place else { return Some(self.enter(sale, chance)) };
        match shadow.standing(&node.view(spec.name.as_str()), ticket, at) {
            Standing::Waiting { .. } | Standing::SoldOut { .. } | Standing::Closed { .. } => {
                match chance.below(100) {
                    0..4 => Some(Command::Ask(sale, Ask::Leave { ticket })),
                    4..10 => Some(self.enter(sale, chance)),
                    _ => None,
                }
            }
            Standing::Called { .. } => {
                chance.hits(800).then_some(Command::Ask(sale, Ask::Claim { ticket }))
            }
            Standing::Admitted { .. } => self.shop(spec, ticket, chance),
            Standing::Left | Standing::Expired => {
                self.place = None;
                None
            }
            Standing::Unknown => unreachable!("the shadow refuses it"),
        }
    }

    fn enter(&mut self, sale: SaleTag, chance: &mut Chance) -> Command {
        let replay = chance.hits(600).then(|| self.fresh_key());
        Command::Ask(sale, Ask::Enter { shopper: self.key, replay })
    }

    fn shop(&mut self, spec: &SaleSpec, pass: TicketRef, chance: &mut Chance) -> Option<Command> {
        let sale = spec.name.tag();
        match chance.below(100) {
            0..40 => {
                let lines = 1 + chance.below(3);
                let offers = spec.offers.len() as u64;
                let mut line = || {
                    let offer = u16::try_from(chance.below(offers)).expect("few offers");
                    (OfferIndex(offer), 1 + u32::try_from(chance.below(2)).expect("small"))
                };
                let items = (0..lines).map(|_| line()).collect();
                let replay = self.fresh_key();
                Some(Command::Ask(sale, Ask::Purchase { pass, items, replay }))
            }
            40..55 => self.bought.clone(),
            55..62 => {
                let (hold, by) = (*chance.pick(&self.holds)?, Settler::Shopper(self.key));
                let replay = chance.hits(500).then(|| self.fresh_key());
                Some(Command::Ask(
                    sale,
                    Ask::Settle { epoch: Epoch(1), hold, step: Step::Release, by, replay },
                ))
            }
            62..68 => Some(Command::Ask(sale, Ask::Leave { ticket: pass })),
            68..72 => Some(self.enter(sale, chance)),
            72..74 => {
                Some(Command::Ask(sale, Ask::EndSession { epoch: pass.epoch, number: pass.number }))
            }
            _ => None,
        }
    }

    fn fresh_key(&mut self) -> ReplayKey {
        self.keys_used += 1;
        let key = (self.key.0 << 32) | u128::from(self.keys_used);
        ReplayKey { key, body: key ^ 0xb0d7 }
    }

    /// What the shopper still waits to be answered.
    pub(crate) fn retry(&self) -> Option<Command> {
        self.retry.clone()
    }

    /// The answer came; `None` if it never will, or was only that the engine is busy.
    pub(crate) fn hear(&mut self, command: &Command, reply: Option<&Reply>) {
        self.unsure = reply.is_none();
        self.retry = reply.is_none().then(|| command.clone());
        match reply {
            Some(Reply::Entry(Ok(entry))) => {
                let (epoch, number) = (entry.epoch, entry.answer.number);
                self.place = Some(TicketRef { epoch, number, shopper: self.key });
            }
            Some(Reply::Purchase(Ok(made))) => {
                self.holds.push(made.hold.id);
                self.bought = Some(command.clone());
            }
            _ => {}
        }
    }
}

/// The backend speaks for the payment provider: it moves holds on, in its own time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backend {
    retry: Option<Command>,
    keys_used: u64,
}

impl Backend {
    /// The next step of some hold; with `closing`, only what ends payments.
    pub(crate) fn act(
        &mut self,
        shadow: &Shadow,
        chance: &mut Chance,
        closing: bool,
    ) -> Option<Command> {
        if self.retry.is_some() {
            return self.retry.clone();
        }
        let wanted = |state| match state {
            HoldState::Paying => true,
            HoldState::Held | HoldState::Confirmed => !closing,
            HoldState::Released | HoldState::Expired | HoldState::Refunded => false,
        };
        let open: Vec<_> = shadow.holds().filter(|(_, hold)| wanted(hold.state)).collect();
        let (sale, hold) = chance.pick(&open)?;
        let step = match (hold.state, chance.below(10)) {
            (HoldState::Held, 0..5) => Step::Pay,
            (HoldState::Held, 7) | (HoldState::Paying, 0..3) => Step::Release,
            (HoldState::Held, 5..7) | (HoldState::Paying, _) => Step::Confirm,
            (HoldState::Confirmed, 0..2) => Step::Refund,
            _ => return None,
        };
        self.keys_used += 1;
        let key = (0xbac << 100) | u128::from(self.keys_used);
        let replay = chance.hits(500).then_some(ReplayKey { key, body: key });
        let by = Settler::Backend;
        Some(Command::Ask(*sale, Ask::Settle { epoch: Epoch(1), hold: hold.id, step, by, replay }))
    }

    pub(crate) fn hear(&mut self, command: &Command, reply: Option<&Reply>) {
        self.retry = reply.is_none().then(|| command.clone());
    }
}

/// What an operator does now and then.
pub(crate) fn operate(spec: &SaleSpec, chance: &mut Chance) -> Command {
    let sale = spec.name.tag();
    let offer = OfferIndex(u16::try_from(chance.below(spec.offers.len() as u64)).expect("few"));
    let wanted = match chance.below(13) {
        0 => Change::Pause,
        1..4 => Change::Resume,
        4 => Change::Drain,
        5 => Change::Open,
        6 | 7 => {
            Change::Restock { offer, units: 1 + i64::try_from(chance.below(3)).expect("small") }
        }
        8 => Change::Restock { offer, units: -1 },
        9 => {
            let admission_milli_per_second = 2_000 + chance.below(60_000);
            Change::Rate { admission_milli_per_second }
        }
        10 => {
            let refund_restocks = Some(!spec.refund_restocks);
            Change::Update { patch: SpecPatch { refund_restocks, ..SpecPatch::default() } }
        }
        11 => Change::Message { text: "soon ".repeat(200) },
        _ => {
            let sink = support::sink(["shop", "webhook"][usize::from(chance.hits(500))]);
            return Command::Note(sale, Note::Requeue { author: author(), sink, events: None });
        }
    };
    Command::Operate(Operation::Change {
        sale,
        author: author(),
        change: Box::new(wanted),
        terms: Terms::default(),
    })
}
