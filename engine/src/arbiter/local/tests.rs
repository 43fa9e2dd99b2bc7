//! Archived sales that are unpacked, and packed again.

use super::*;
use crate::{
    command::{Note, Terms},
    hold::Step,
    id::{EventId, HoldId, SaleName, SinkName},
    limits::{PACKED_AT_ONCE_MAX, REPLAY_TTL_MS, WARM_MS, WARM_SALES_FEW, WARM_SALES_MAX},
    outbox::SinkSet,
    record::{Author, Change},
    sale::Settler,
    shared_bytes::SharedBytes,
    spec::{SaleSpec, tests::spec},
};

const START: Millis = Millis(1_000_000);

fn only() -> SinkSet {
    SinkSet::only(SinkName::parse("log").expect("a good name"))
}

fn tag(index: usize) -> SaleTag {
    SaleName::parse(&format!("sale-{index}")).unwrap().tag()
}

fn author() -> Author {
    Author { name: "test".to_owned() }
}

fn change(index: usize, change: Change) -> Command {
    let (sale, author, change) = (tag(index), author(), Box::new(change));
    Command::Operate(Operation::Change { sale, author, change, terms: Terms::default() })
}

fn settle(index: usize, step: Step) -> Command {
    let (epoch, hold, by) = (Epoch(1), HoldId(1), Settler::Backend);
    Command::Ask(tag(index), Ask::Settle { epoch, hold, step, by, replay: None })
}

fn delivered(index: usize, event: u64) -> Command {
    Command::Note(tag(index), Note::Delivered { by: only(), events: vec![EventId(event)] })
}

/// The creation of a sale, with the key that belongs to `key`.
fn creation(index: usize, key: usize) -> Command {
    let spec = Box::new(spec(&format!("sale-{index}")));
    let replay = Some(ReplayKey { key: key as u128, body: index as u128 });
    Command::Operate(Operation::Create { author: author(), spec, replay })
}

/// A sale in which a unit was bought, archived.
fn archive_one(arbiter: &mut LocalArbiter, index: usize, at: Millis) {
    let shopper = ShopperKey(index as u128 + 1);
    let pass = TicketRef { epoch: Epoch(1), number: Number(1), shopper };
    let replay = ReplayKey { key: 1, body: 1 };
    let items = [(OfferIndex(0), 1)].into_iter().collect();
    let made = creation(index, index);
    let all = [
        made,
        Command::Ask(tag(index), Ask::Enter { shopper, replay: None }),
        Command::Ask(tag(index), Ask::Purchase { pass, items, replay }),
        settle(index, Step::Confirm),
        delivered(index, 1),
        delivered(index, 2),
        change(index, Change::Close),
        change(index, Change::Archive { digest: [0; 32] }),
    ];
    for command in all {
        let replies = arbiter.decide(at, [&command]).replies;
        assert!(!matches!(replies[0], Reply::Changed(Err(_))), "{command:?}: {replies:?}");
    }
}

#[test]
fn archived_sales_with_events_that_wait_are_few_and_the_others_wait_for_them() {
    let mut arbiter = LocalArbiter::default();
    let count = WARM_SALES_MAX + 2;
    for index in 0..count {
        let at = START.after(index as u64);
        archive_one(&mut arbiter, index, at);
        arbiter.freeze(at);
    }
    arbiter.freeze(START.after(2 * WARM_MS));
    assert_eq!(arbiter.world().sales().len(), 0, "all are packed");
    let at = START.after(3 * WARM_MS);
    let refunds: Vec<_> = (0..count).map(|index| settle(index, Step::Refund)).collect();
    let replies = arbiter.decide(at, &refunds).replies;
    let refused = Reply::Settle(Err(SettleRefusal::Stalled));
    let done = replies.iter().take_while(|reply| **reply != refused).count();
    assert_eq!(done, WARM_SALES_MAX);
    assert!(replies[done..].iter().all(|reply| *reply == refused));
    // The sink refuses one event of every sale for good.
    let letter = |index| {
        let note = Note::DeadLetter { by: only(), event: EventId(3), why: "no".to_owned() };
        Command::Note(tag(index), note)
    };
    arbiter.decide(at, &(0..count).map(letter).collect::<Vec<_>>());
    let later = at.after(WARM_MS);
    assert_eq!(arbiter.freeze(later).len(), 0, "an operator has to see to each");
    assert_eq!(arbiter.decide(later, [&settle(done, Step::Refund)]).replies, [refused]);
    let full = change(done, Change::Delete);
    let refused = Reply::Changed(Err(ChangeRefusal::SalesFull));
    assert_eq!(arbiter.decide(later, [&full]).replies, [refused]);
    arbiter.decide(later, [&delivered(0, 3)]);
    assert_eq!(arbiter.freeze(later.after(WARM_MS)).len(), 1);
    let told = arbiter.decide(later, [&settle(done, Step::Refund)]).replies;
    assert!(matches!(told[0], Reply::Settle(Ok(_))), "{told:?}");
}

#[test]
fn of_many_archived_sales_that_are_unpacked_those_that_rest_are_packed_in_the_next_turn() {
    let mut arbiter = LocalArbiter::default();
    (0..=WARM_SALES_FEW).for_each(|index| archive_one(&mut arbiter, index, START));
    assert_eq!(arbiter.freeze(START).len(), 0, "they were asked for just now");
    assert_eq!(arbiter.freeze(START.after(1)).len(), WARM_SALES_FEW + 1);
}

#[test]
fn the_key_that_made_an_archived_sale_is_known_for_a_day_packed_or_not() {
    let mut arbiter = LocalArbiter::default();
    archive_one(&mut arbiter, 1, START);
    let ask = |arbiter: &mut LocalArbiter, at, command: Command| {
        let mut replies = arbiter.decide(at, [&command]).replies;
        let Some(Reply::Changed(changed)) = replies.pop() else { panic!("{replies:?}") };
        changed
    };
    let warm = ask(&mut arbiter, START, creation(1, 1)).expect("the same");
    assert!(warm.replayed && warm.answer.is_some());
    let at = START.after(WARM_MS);
    assert_eq!(arbiter.freeze(at).len(), 1);
    let read = World::from_bytes(&arbiter.world().to_bytes()).expect("its own form");
    let day = START.after(REPLAY_TTL_MS);
    for mut arbiter in [arbiter, LocalArbiter::new(read)] {
        assert_eq!(ask(&mut arbiter, at, creation(1, 1)).as_ref(), Ok(&warm));
        let other_name = ask(&mut arbiter, at, creation(2, 1));
        assert_eq!(other_name, Err(ChangeRefusal::OtherBody), "it makes no second sale");
        assert_eq!(ask(&mut arbiter, day, creation(1, 1)), Err(ChangeRefusal::NameTaken));
        assert!(ask(&mut arbiter, day, creation(2, 1)).is_ok_and(|made| !made.replayed));
        assert_eq!(arbiter.world().sales().len(), 1, "nothing was unpacked for it");
    }
}

#[test]
fn a_large_archived_sale_is_packed_elsewhere_and_what_concerns_it_waits_for_that() {
    let mut arbiter = LocalArbiter::default();
    let count = PACKED_AT_ONCE_MAX / 2 + 1;
    let spec = Box::new(SaleSpec { active_max: 1_000_000, ..spec("sale-1") });
    let ask = |ask| Command::Ask(tag(1), ask);
    let mut all =
        vec![Command::Operate(Operation::Create { author: author(), spec, replay: None })];
    for serial in 1..=count as u64 {
        let shopper = ShopperKey(serial.into());
        all.push(ask(Ask::Enter { shopper, replay: None }));
    }
    arbiter.decide(START, &all);
    let at = START.after(10_000);
    (1..=10).for_each(|second| drop(arbiter.decide(START.after(second * 1_000), &[])));
    let mut all = Vec::new();
    for serial in 1..=count as u64 {
        let (shopper, number) = (ShopperKey(serial.into()), Number(serial));
        let pass = TicketRef { epoch: Epoch(1), number, shopper };
        let replay = ReplayKey { key: u128::from(serial) << 32, body: 1 };
        let items = [(OfferIndex(0), 1)].into_iter().collect();
        all.push(ask(Ask::Claim { ticket: pass }));
        all.push(ask(Ask::Purchase { pass, items, replay }));
        let (epoch, hold, by, replay) = (Epoch(1), HoldId(serial), Settler::Backend, None);
        all.push(ask(Ask::Settle { epoch, hold, step: Step::Confirm, by, replay }));
        all.push(delivered(1, 2 * serial - 1));
        all.push(delivered(1, 2 * serial));
    }
    all.push(change(1, Change::Close));
    all.push(change(1, Change::Archive { digest: [0; 32] }));
    let replies = arbiter.decide(at, &all).replies;
    assert!(matches!(replies.last(), Some(Reply::Changed(Ok(_)))), "{:?}", replies.last());
    let (at, hash) = (at.after(WARM_MS), arbiter.world().hash());

    assert_eq!(arbiter.freeze(at).len(), 0);
    let resting = arbiter.rest(at).expect("nothing concerns it");
    let waits = [settle(1, Step::Refund), change(1, Change::Delete)];
    assert_eq!(arbiter.decide(at, &waits).replies, [Reply::NotYet, Reply::NotYet]);
    let again = arbiter.decide(at, [&creation(1, 7)]).replies;
    assert_eq!(again, [Reply::Changed(Err(ChangeRefusal::NameTaken))]);
    assert_eq!((arbiter.world().archived_sales(), arbiter.world().live_sales()), (1, 0));
    let packed = Packed::of(&resting);
    arbiter.set_packed(packed.clone());
    assert_eq!(arbiter.world().hash(), hash, "cold or warm is the same state");

    let other = SharedBytes::new(packed.bytes());
    assert!(!arbiter.world().may_warm_up(tag(1), &other), "unpacked from other bytes");
    assert!(arbiter.world().may_warm_up(tag(1), packed.bytes()));
    arbiter.warm_up(resting, at);
    assert_eq!(arbiter.world().hash(), hash);
    arbiter.set_time(3_600_000, false);
    let stepped = arbiter.decide(at, &[]).records;
    assert!(matches!(stepped[..], [Record::ClockSet { .. }]), "its clock, too: {stepped:?}");
    let refunded = arbiter.decide(at, [&settle(1, Step::Refund)]).replies;
    assert!(matches!(refunded[0], Reply::Settle(Ok(_))), "{refunded:?}");
}

#[test]
fn an_archived_sale_keeps_its_orders_and_sheds_what_came_to_nothing_a_day_before() {
    let ask = |ask| Command::Ask(tag(1), ask);
    let pass = |number: u64| {
        let (number, shopper) = (Number(number), ShopperKey(number.into()));
        TicketRef { epoch: Epoch(1), number, shopper }
    };
    let bought = |number: u64| {
        let replay = ReplayKey { key: u128::from(number) << 32, body: 1 };
        let items = [(OfferIndex(0), 1)].into_iter().collect();
        [
            ask(Ask::Enter { shopper: pass(number).shopper, replay: None }),
            ask(Ask::Purchase { pass: pass(number), items, replay }),
        ]
    };
    let keyed = |hold, step, key| {
        let (epoch, hold, by) = (Epoch(1), HoldId(hold), Settler::Backend);
        let replay = Some(ReplayKey { key, body: 1 });
        ask(Ask::Settle { epoch, hold, step, by, replay })
    };
    let archived = |late_ms| {
        let mut arbiter = LocalArbiter::default();
        arbiter.decide(START, &[creation(1, 1)]);
        for command in (1..=2).flat_map(bought) {
            arbiter.decide(START, [&command]);
        }
        let steps = [keyed(1, Step::Confirm, 11), keyed(2, Step::Release, 12)];
        arbiter.decide(START, &steps);
        arbiter.decide(START, &[change(1, Change::Pause), delivered(1, 1), delivered(1, 2)]);
        arbiter.decide(START, &[delivered(1, 3), delivered(1, 4), change(1, Change::Close)]);
        let archival = change(1, Change::Archive { digest: [0; 32] });
        let told = arbiter.decide(START.after(late_ms), [&archival]).replies;
        assert!(matches!(told[0], Reply::Changed(Ok(_))), "{told:?}");
        arbiter
    };
    let ids = |sale: &Sale| sale.holds().map(|hold| hold.id.0).collect::<Vec<_>>();

    let mut soon = archived(REPLAY_TTL_MS - 1);
    let sale = soon.world().sale(tag(1)).expect("warm");
    assert_eq!((ids(sale), sale.hold_answers().count()), (vec![1, 2], 4));
    let repeated = soon.decide(START.after(REPLAY_TTL_MS - 1), [&keyed(2, Step::Release, 12)]);
    assert!(matches!(&repeated.replies[0], Reply::Settle(Ok(told)) if told.replayed));

    let mut late = archived(REPLAY_TTL_MS);
    let sale = late.world().sale(tag(1)).expect("warm");
    assert_eq!(
        (ids(sale), sale.hold_answers().count(), sale.made().is_some()),
        (vec![1], 0, false)
    );
    assert_eq!((sale.ended_holds().len(), sale.last_hold()), (0, HoldId(2)));
    let read = World::from_bytes(&late.world().to_bytes()).expect("its own form");
    assert_eq!(read.hash(), late.world().hash());
    let told = late.decide(START.after(REPLAY_TTL_MS), [&settle(1, Step::Refund)]).replies;
    assert!(matches!(told[0], Reply::Settle(Ok(_))), "{told:?}");
}
