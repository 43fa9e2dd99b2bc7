//! What a full outbox does to purchases.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test that calls it")]

use engine::{
    arbiter::LocalArbiter,
    clock::Millis,
    command::{Command, Reply},
    id::{Currency, Epoch, EventId, Number, OfferIndex, SaleName, ShopperKey, Sku},
    limits::{BATCH_COMMANDS_MAX, OUTBOX_EVENTS_MAX},
    record::{Author, ReplayKey},
    sale::{PurchaseRefusal, TicketRef},
    spec::{IdentityMode, OfferSpec, Rejoin, SaleSpec},
};

const SHOPPER: ShopperKey = ShopperKey(7);

fn spec() -> SaleSpec {
    let day_ms = 86_400_000;
    SaleSpec {
        name: SaleName::parse("demo").unwrap(),
        title: String::new(),
        opens_at: None,
        closes_at: None,
        identity: IdentityMode::Anonymous,
        rejoin: Rejoin::Keep,
        admission_milli_per_second: 1_000_000,
        active_max: 10,
        claim_window_ms: day_ms,
        session_ms: day_ms,
        idle_ms: day_ms,
        hold_ms: day_ms,
        per_shopper_max: 1_000_000,
        overbook_milli: None,
        refund_restocks: false,
        offers: vec![OfferSpec {
            sku: Sku::parse("a").unwrap(),
            total: 1_000_000,
            price: 1,
            currency: Currency::parse("EUR").unwrap(),
        }],
    }
}

fn purchase(key: u64) -> Command {
    Command::Purchase {
        sale: spec().name.tag(),
        pass: TicketRef { epoch: Epoch(1), number: Number(1), shopper: SHOPPER },
        items: vec![(OfferIndex(0), 1)].into(),
        replay: ReplayKey { key: key.into(), body: 0 },
    }
}

/// Buys once for each key; the refusals, in order.
fn buy(arbiter: &mut LocalArbiter, keys: impl Iterator<Item = u64>) -> Vec<PurchaseRefusal> {
    let commands: Vec<Command> = keys.map(purchase).collect();
    let batches = commands.chunks(BATCH_COMMANDS_MAX);
    let replies = batches.flat_map(|batch| arbiter.decide(Millis(2_000), batch).replies);
    let refusal = |reply| {
        let Reply::Purchase(bought) = reply else { unreachable!("the answer to a purchase") };
        bought.err()
    };
    replies.filter_map(refusal).collect()
}

#[test]
fn a_full_outbox_refuses_new_holds_until_the_sink_takes_some() {
    let mut arbiter = LocalArbiter::default();
    let author = Author { name: "test".to_owned() };
    let create = Command::Create { author, spec: Box::new(spec()) };
    arbiter.decide(Millis(1_000), &[create]);
    let enter = Command::Enter { sale: spec().name.tag(), shopper: SHOPPER, replay: None };
    arbiter.decide(Millis(2_000), &[enter]);

    let full = OUTBOX_EVENTS_MAX as u64;
    assert_eq!(buy(&mut arbiter, 0..full), []);
    assert_eq!(buy(&mut arbiter, full..full + 2), [PurchaseRefusal::Stalled; 2]);
    // A repeat of a purchase that was made is no new hold.
    assert_eq!(buy(&mut arbiter, 5..6), []);

    let sale = spec().name.tag();
    let delivered = Command::Delivered { sale, events: (1..=3).map(EventId).collect() };
    assert_eq!(arbiter.decide(Millis(2_000), &[delivered]).replies, [Reply::Noted(3)]);
    let refusals = buy(&mut arbiter, full..full + 4);
    assert_eq!(refusals, [PurchaseRefusal::Stalled], "three are accepted again");
}
