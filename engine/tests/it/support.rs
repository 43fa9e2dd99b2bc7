//! Sales, shoppers and keys that the engine's tests share.

use engine::{
    clock::Millis,
    command::{Ask, Command, Entry, Operation, Terms},
    id::{
        Currency, Epoch, HoldId, Number, OfferIndex, SaleName, SaleTag, ShopperKey, SinkName, Sku,
    },
    outbox::{OrderEvent, SinkSet},
    outlet::Offer,
    record::{Author, Change, ReplayKey},
    sale::TicketRef,
    scribe::Watch,
    spec::{IdentityMode, OfferSpec, Rejoin, SaleSpec},
};

/// The name of the sale that most tests run.
pub(crate) const SALE: &str = "launch";

pub(crate) fn tag() -> SaleTag {
    name(SALE).tag()
}

/// The sinks of most tests.
pub(crate) fn sinks() -> [SinkName; 2] {
    ["shop", "webhook"].map(sink)
}

pub(crate) fn sink(name: &str) -> SinkName {
    SinkName::parse(name).expect("a good name")
}

/// One of some sinks, beside the others.
pub(crate) fn taker(index: usize, sinks: &[SinkName]) -> SinkSet {
    let mut others = sinks.to_vec();
    SinkSet { sink: others.remove(index), others }
}

/// The one sink of tests that are not about several.
pub(crate) fn only() -> SinkSet {
    SinkSet::only(sink("log"))
}

/// The event that an offer shows, if it is one of an event.
pub(crate) fn shown(offer: Offer) -> Option<OrderEvent> {
    match offer {
        Offer::Show(event) => Some(event),
        Offer::StartOver(_) => None,
        Offer::Leave(..) => unreachable!("{offer:?} of a sink that is the only one"),
    }
}

pub(crate) fn name(text: &str) -> SaleName {
    SaleName::parse(text).expect("a good name")
}

pub(crate) fn author() -> Author {
    Author { name: "operator:test".to_owned() }
}

/// An open sale with an offer for each of `totals`, and room for everybody.
pub(crate) fn spec(totals: &[u64]) -> SaleSpec {
    let offer = |(index, total): (usize, &u64)| OfferSpec {
        sku: Sku::parse(&format!("SKU-{index}")).expect("a good SKU"),
        total: *total,
        price: 1_000,
        currency: Currency::parse("KRW").expect("a good currency"),
    };
    SaleSpec {
        name: name(SALE),
        title: String::new(),
        opens_at: None,
        closes_at: None,
        identity: IdentityMode::Header,
        rejoin: Rejoin::Keep,
        admission_milli_per_second: 1_000_000,
        active_max: 1_000,
        claim_window_ms: 10_000,
        session_ms: 60_000,
        idle_ms: 30_000,
        hold_ms: 20_000,
        per_shopper_max: 10,
        overbook_milli: None,
        refund_restocks: true,
        offers: totals.iter().enumerate().map(offer).collect(),
    }
}

/// Everybody is let in at once.
pub(crate) fn wide(units: u64) -> SaleSpec {
    SaleSpec { admission_milli_per_second: 1_000_000_000, active_max: 10_000, ..spec(&[units]) }
}

pub(crate) fn create(spec: SaleSpec) -> Command {
    Command::Operate(Operation::Create { author: author(), spec: Box::new(spec), replay: None })
}

pub(crate) fn change(change: Change) -> Command {
    asked(change, Terms::default())
}

/// A change under conditions.
pub(crate) fn asked(change: Change, terms: Terms) -> Command {
    Command::Operate(Operation::Change {
        sale: tag(),
        author: author(),
        change: Box::new(change),
        terms,
    })
}

pub(crate) fn enter(shopper: u128, replay: Option<ReplayKey>) -> Command {
    Command::Ask(tag(), Ask::Enter { shopper: ShopperKey(shopper), replay })
}

pub(crate) fn purchase(pass: TicketRef, units: u32, replay: ReplayKey) -> Command {
    Command::Ask(tag(), Ask::Purchase { pass, items: vec![(OfferIndex(0), units)].into(), replay })
}

/// A key and its body; keys of different routes never meet.
pub(crate) fn key(key: u128, body: u128) -> ReplayKey {
    ReplayKey { key, body }
}

pub(crate) fn ticket(number: u64, shopper: u128) -> TicketRef {
    TicketRef { epoch: Epoch(1), number: Number(number), shopper: ShopperKey(shopper) }
}

/// What an entry's answer is a ticket to.
pub(crate) fn pass_of(entry: &Entry) -> TicketRef {
    let (number, shopper) = (entry.answer.number, entry.answer.shopper);
    TicketRef { epoch: entry.epoch, number, shopper }
}

pub(crate) fn settle(hold: u64, step: engine::hold::Step, replay: Option<ReplayKey>) -> Command {
    let by = engine::sale::Settler::Backend;
    Command::Ask(tag(), Ask::Settle { epoch: Epoch(1), hold: HoldId(hold), step, by, replay })
}

/// The time all tests begin at.
pub(crate) const START: Millis = Millis(1_000_000);

/// Nobody is told of syncs.
#[derive(Debug)]
pub(crate) struct Unwatched;

impl Watch for Unwatched {
    fn syncing(&mut self) {}
    fn synced(&mut self, _records: usize) {}
}
