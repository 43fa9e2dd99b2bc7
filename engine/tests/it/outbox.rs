//! What outboxes hold, over several sales and over their lives, and what full ones do to purchases.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test that calls it")]

use engine::{
    arbiter::LocalArbiter,
    clock::Millis,
    command::{Ask, Changed, Command, Note, Reply},
    hold::Step,
    id::{Epoch, EventId, HoldId, Number, OfferIndex, SaleName, SaleTag, ShopperKey},
    limits::{
        BATCH_COMMANDS_MAX, OUTBOX_COMMON_EVENTS_MAX, OUTBOX_SALE_EVENTS_MAX, OUTBOX_SALE_SHARE,
    },
    record::{Change, Record, ReplayKey},
    sale::{ChangeRefusal, InUse, PurchaseRefusal, Settler, TicketRef},
    spec::SaleSpec,
    world::World,
};

use crate::support::{self, SALE, change};

const SHOPPER: ShopperKey = ShopperKey(7);

/// A sale in which nothing runs out by time or at a shopper's limit.
fn spec() -> SaleSpec {
    let day_ms = 86_400_000;
    SaleSpec {
        claim_window_ms: day_ms,
        session_ms: day_ms,
        idle_ms: day_ms,
        hold_ms: day_ms,
        per_shopper_max: 1_000_000,
        ..support::spec(&[1_000_000])
    }
}

fn purchase(key: u64) -> Command {
    purchase_in(SALE, key)
}

fn purchase_in(sale: &str, key: u64) -> Command {
    Command::Ask(
        support::name(sale).tag(),
        Ask::Purchase {
            pass: TicketRef { epoch: Epoch(1), number: Number(1), shopper: SHOPPER },
            items: vec![(OfferIndex(0), 1)].into(),
            replay: ReplayKey { key: key.into(), body: 0 },
        },
    )
}

/// Buys once for each key; the refusals, in order.
fn buy(arbiter: &mut LocalArbiter, keys: impl Iterator<Item = u64>) -> Vec<PurchaseRefusal> {
    buy_in(arbiter, SALE, keys)
}

fn buy_in(
    arbiter: &mut LocalArbiter,
    sale: &str,
    keys: impl Iterator<Item = u64>,
) -> Vec<PurchaseRefusal> {
    let commands: Vec<Command> = keys.map(|key| purchase_in(sale, key)).collect();
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
    arbiter.decide(Millis(1_000), &[support::create(spec())]);
    let enter = Command::Ask(spec().name.tag(), Ask::Enter { shopper: SHOPPER, replay: None });
    arbiter.decide(Millis(2_000), &[enter]);

    let full = OUTBOX_SALE_EVENTS_MAX as u64;
    assert_eq!(buy(&mut arbiter, 0..full), []);
    assert_eq!(buy(&mut arbiter, full..full + 2), [PurchaseRefusal::Stalled; 2]);
    // A repeat of a purchase that was made is no new hold.
    assert_eq!(buy(&mut arbiter, 5..6), []);

    let sale = spec().name.tag();
    let delivered = Command::Note(
        sale,
        Note::Delivered { by: support::only(), events: (1..=3).map(EventId).collect() },
    );
    assert_eq!(arbiter.decide(Millis(2_000), &[delivered]).replies, [Reply::Noted(3)]);
    let refusals = buy(&mut arbiter, full..full + 4);
    assert_eq!(refusals, [PurchaseRefusal::Stalled], "three are accepted again");
}

#[test]
fn a_sale_that_outruns_its_sink_stalls_itself_and_every_other_keeps_its_share() {
    let mut arbiter = LocalArbiter::default();
    let sales = ["one", "two", "three"];
    for name in sales {
        arbiter.decide(Millis(1_000), &[create(name)]);
    }
    for name in sales {
        let sale = support::name(name).tag();
        arbiter.decide(
            Millis(2_000),
            &[Command::Ask(sale, Ask::Enter { shopper: SHOPPER, replay: None })],
        );
    }
    let (full, stalled) = (OUTBOX_SALE_EVENTS_MAX as u64, [PurchaseRefusal::Stalled]);
    assert_eq!(buy_in(&mut arbiter, "one", 0..=full), stalled);
    assert_eq!(buy_in(&mut arbiter, "two", 0..=full), stalled, "up to its own bound");
    assert_eq!(arbiter.world().undelivered(), OUTBOX_COMMON_EVENTS_MAX);
    let share = OUTBOX_SALE_SHARE as u64;
    assert_eq!(buy_in(&mut arbiter, "three", 0..=share), stalled, "after its share");

    let delivered = Command::Note(
        support::name("one").tag(),
        Note::Delivered { by: support::only(), events: (1..=share + 1).map(EventId).collect() },
    );
    arbiter.decide(Millis(2_000), &[delivered]);
    assert_eq!(buy_in(&mut arbiter, "three", share..=share), [], "there is room in common again");
}

fn create(name: &str) -> Command {
    support::create(SaleSpec { name: support::name(name), ..spec() })
}

/// Facts that were decided at one time.
type Facts = (Millis, Vec<Record>);

/// The facts of a sale in which somebody buys three times and pays once, batch by batch; the sink
/// takes some events and refuses one.
fn story(name: &str) -> Vec<Facts> {
    let sale = SaleName::parse(name).unwrap().tag();
    let pass = TicketRef { epoch: Epoch(1), number: Number(1), shopper: SHOPPER };
    let buy = |key| {
        let (items, replay) = (vec![(OfferIndex(0), 1)].into(), ReplayKey { key, body: 0 });
        Command::Ask(sale, Ask::Purchase { pass, items, replay })
    };
    let (by, replay, hold) = (Settler::Backend, None, HoldId(1));
    let commands = [
        create(name),
        Command::Ask(sale, Ask::Enter { shopper: SHOPPER, replay: None }),
        buy(1),
        buy(2),
        Command::Ask(sale, Ask::Settle { epoch: Epoch(1), hold, step: Step::Pay, by, replay }),
        Command::Note(sale, Note::Delivered { by: support::only(), events: vec![EventId(2)] }),
        buy(3),
        Command::Note(
            sale,
            Note::DeadLetter { by: support::only(), event: EventId(1), why: "no".to_owned() },
        ),
    ];
    let mut arbiter = LocalArbiter::default();
    // A second apart: the gate lets nobody in at the moment it is made.
    let times = (1..).map(|second: u64| Millis(second * 1_000));
    times.zip(commands).map(|(at, command)| (at, arbiter.decide(at, &[command]).records)).collect()
}

fn world(batches: &[&Facts]) -> World {
    let mut world = World::default();
    for (at, records) in batches {
        for record in records {
            world.apply(record, *at);
        }
    }
    world
}

#[test]
fn the_facts_of_sales_interleaved_in_any_way_give_equal_worlds() {
    let (one, two) = (story("one"), story("two"));
    let after: Vec<_> = one.iter().chain(&two).collect();
    let by_turns: Vec<_> = one.iter().zip(&two).flat_map(|(one, two)| [two, one]).collect();
    let (after, by_turns) = (world(&after), world(&by_turns));
    assert_eq!(after.undelivered(), 6, "three of each sale");
    assert_eq!(after.hash(), by_turns.hash());
    let carried = World::from_bytes(&by_turns.to_bytes()).unwrap();
    assert_eq!((carried.undelivered(), carried.hash()), (6, by_turns.hash()));
}

#[test]
fn events_delivered_twice_or_never_made_are_passed_over() {
    let story = story("one");
    let batches: Vec<_> = story.iter().collect();
    let mut world = world(&batches);
    let sale = SaleName::parse("one").unwrap().tag();
    let delivered = Record::Delivered {
        sale,
        by: support::only(),
        events: [1, 2, 3, 99].map(EventId).to_vec(),
    };
    world.apply(&delivered, Millis(9_000));
    assert_eq!(world.undelivered(), 1);
    let hash = world.hash();
    world.apply(&delivered, Millis(9_000));
    assert_eq!((world.undelivered(), world.hash()), (1, hash));
}

/// Which of the first ten events the sink may still say it took.
fn waiting(arbiter: &mut LocalArbiter, sale: SaleTag) -> Vec<u64> {
    let taken = |event: &u64| {
        let delivered = Command::Note(
            sale,
            Note::Delivered { by: support::only(), events: vec![EventId(*event)] },
        );
        arbiter.decide(Millis(60_000), &[delivered]).replies == [Reply::Noted(1)]
    };
    (1..=10).filter(taken).collect()
}

#[test]
fn a_sale_made_again_counts_its_events_on_and_goes_only_when_all_are_delivered() {
    let sale = spec().name.tag();
    let (mut arbiter, mut at) = (LocalArbiter::default(), Millis(0));
    let mut decide = |command: Command| {
        at = at.after(1_000);
        arbiter.decide(at, &[command]).replies.remove(0)
    };
    let enter = Command::Ask(sale, Ask::Enter { shopper: SHOPPER, replay: None });
    let (by, replay, hold) = (Settler::Backend, None, HoldId(1));
    let release =
        Command::Ask(sale, Ask::Settle { epoch: Epoch(1), hold, step: Step::Release, by, replay });
    let delivered = Command::Note(
        sale,
        Note::Delivered { by: support::only(), events: [1, 2].map(EventId).to_vec() },
    );

    decide(create(SALE));
    decide(enter.clone());
    decide(purchase(1));
    decide(release);
    decide(change(Change::Close));
    let undelivered = InUse { undelivered: 2, ..InUse::default() };
    assert_eq!(
        decide(change(Change::Delete)),
        Reply::Changed(Err(ChangeRefusal::InUse(undelivered)))
    );
    assert_eq!(decide(delivered.clone()), Reply::Noted(2));
    let deleted = Changed { answer: None, replayed: false };
    assert_eq!(decide(change(Change::Delete)), Reply::Changed(Ok(deleted)));
    assert_eq!(decide(delivered), Reply::Noted(0), "of a sale that is gone");

    decide(create(SALE));
    decide(enter);
    let pass = TicketRef { epoch: Epoch(2), number: Number(1), shopper: SHOPPER };
    let (items, replay) = (vec![(OfferIndex(0), 1)].into(), ReplayKey { key: 1, body: 0 });
    decide(Command::Ask(sale, Ask::Purchase { pass, items, replay }));
    assert_eq!(waiting(&mut arbiter, sale), [3]);
}
