//! Sales that another program wrote: whatever the bytes are, they are refused or can be worked with.

use std::sync::OnceLock;

use engine::{
    arbiter::LocalArbiter,
    clock::Millis,
    codec::Binary as _,
    command::{Ask, Command, Note, Terms},
    hold::Step,
    id::{Epoch, EventId, HoldId, NodeName, Number, OfferIndex, ShopperKey},
    record::{Change, Record, Stood},
    sale::{Sale, TicketRef},
    spec::{Rejoin, SaleSpec},
    stream::Point,
    world::World,
};
use proptest::{collection::vec, prelude::*};

use crate::support::{
    self, START, asked, change, create, enter, key, purchase, settle, tag, ticket,
};

/// When the sale of these tests stands as [`written`] has it.
const NOW: Millis = Millis(START.0 + 40_000);

/// A sale with something of everything in it, and its byte form.
fn written() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let mut bytes = Vec::new();
        busy().sale(tag()).expect("it was made").encode(&mut bytes);
        bytes
    })
}

fn busy() -> World {
    let spec = SaleSpec {
        rejoin: Rejoin::Tail,
        active_max: 12,
        refund_restocks: false,
        per_shopper_max: 6,
        ..support::spec(&[40, 9])
    };
    let mut arbiter = LocalArbiter::default();
    let mut at = START;
    let mut turn = |commands: &[Command]| {
        arbiter.decide(at, commands);
        at = at.after(1_000);
    };
    turn(&[create(spec)]);
    let crowd: Vec<Command> = (1..=30).map(|who| enter(who, Some(key(who, 1)))).collect();
    turn(&crowd);
    let buys: Vec<Command> =
        (1..=9).map(|who| purchase(pass(who), 2, key(100 + u128::from(who), 1))).collect();
    turn(&buys);
    turn(&[settle(1, Step::Pay, Some(key(201, 1))), settle(2, Step::Confirm, None)]);
    turn(&[settle(3, Step::Confirm, None), settle(4, Step::Release, Some(key(204, 1)))]);
    turn(&[settle(3, Step::Refund, None), settle(5, Step::Pay, None)]);
    turn(&[Command::Ask(tag(), Ask::Idle { numbers: vec![Number(28), Number(30)] })]);
    turn(&[Command::Ask(tag(), Ask::Leave { ticket: ticket(27, 27) }), enter(26, None)]);
    let events = vec![EventId(1), EventId(2)];
    turn(&[Command::Note(tag(), Note::Delivered { by: support::only(), events })]);
    let (event, why) = (EventId(3), "no such SKU".to_owned());
    turn(&[Command::Note(tag(), Note::DeadLetter { by: support::only(), event, why })]);
    let terms = Terms { replay: Some(key(301, 1)), ..Terms::default() };
    turn(&[asked(Change::Message { text: "soon".to_owned() }, terms)]);
    turn(&[change(Change::Restock { offer: OfferIndex(0), units: -3 })]);
    let mut world = arbiter.world().clone();
    let (sale, after) = (tag(), 40);
    let node = |name| NodeName::parse(name).expect("a good name");
    for name in ["a", "b", "c"] {
        world.apply(&Record::Joined { sale, node: node(name) }, at);
    }
    world.apply(&Record::Parted { sale, node: node("c") }, at);
    let (missing, stranded) = (vec![node("b")], vec![5, 1]);
    let (skipped, skipped_holds) = (3, 2);
    let epoch = Epoch(2);
    let rebuilt = Record::Rebuilt { sale, epoch, after, missing, stranded, skipped, skipped_holds };
    world.apply(&rebuilt, at);
    assert!(at <= NOW, "it stands so before it is read");
    world
}

fn pass(who: u64) -> TicketRef {
    ticket(who, who.into())
}

/// What is done to a byte form.
#[derive(Clone, Debug)]
enum Damage {
    Bits(usize, u8),
    /// A number in the place of another.
    Number(usize, u64),
    Cut(usize, usize),
    /// Some bytes once more.
    Twice(usize, usize),
    End(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = || 0..written().len();
    let numbers = prop_oneof![
        0_u64..80,
        Just(u64::from(u32::MAX)),
        Just(u64::MAX),
        Just(u64::MAX - 1),
        Just(1 << 53),
        Just(START.0),
        any::<u64>(),
    ];
    prop_oneof![
        4 => (place(), 1_u8..).prop_map(|(at, bits)| Damage::Bits(at, bits)),
        4 => (place(), numbers).prop_map(|(at, number)| Damage::Number(at, number)),
        1 => (place(), 1_usize..64).prop_map(|(at, length)| Damage::Cut(at, length)),
        1 => (place(), 1_usize..64).prop_map(|(at, length)| Damage::Twice(at, length)),
        1 => place().prop_map(Damage::End),
    ]
}

fn damaged(damages: &[Damage]) -> Vec<u8> {
    let mut bytes = written().to_vec();
    for damage in damages {
        let all = bytes.len();
        let within = |at: usize, length: usize| at.min(all)..(at + length).min(all);
        match damage {
            Damage::Bits(at, bits) => {
                if let Some(byte) = bytes.get_mut(*at) {
                    *byte ^= bits;
                }
            }
            Damage::Number(at, number) => {
                let place = within(*at, 8);
                let number = &number.to_le_bytes()[..place.len()];
                bytes[place].copy_from_slice(number);
            }
            Damage::Cut(at, length) => drop(bytes.drain(within(*at, *length))),
            Damage::Twice(at, length) => {
                let place = within(*at, *length);
                let again = bytes[place.clone()].to_vec();
                drop(bytes.splice(place.start..place.start, again));
            }
            Damage::End(at) => bytes.truncate(*at),
        }
    }
    bytes
}

/// Does to a sale what shoppers, the backend, operators and time do.
fn work_with(bytes: &[u8]) {
    let stood = Some(Stood { at: NOW, point: Point::START });
    let (sale, is_first, bytes) = (tag(), true, bytes.to_vec());
    let mut world = World::default();
    world.apply(&Record::Adopted { sale, is_first, bytes, stood }, NOW);
    let Some(epoch) = world.sale(tag()).map(Sale::epoch) else { return };
    let mut arbiter = LocalArbiter::new(world);
    let (mut commands, mut at) = (Vec::new(), NOW);
    for number in 1..40_u64 {
        let shopper = ShopperKey(number.into());
        let pass = TicketRef { epoch, number: Number(number), shopper };
        commands.push(enter(number.into(), Some(key(number.into(), 1))));
        commands.push(Command::Ask(sale, Ask::Claim { ticket: pass }));
        commands.push(purchase(pass, 1, key(100 + u128::from(number), 1)));
        for step in [Step::Pay, Step::Release, Step::Confirm, Step::Refund] {
            let by = engine::sale::Settler::Backend;
            let (hold, replay) = (HoldId(number), Some(key(200 + u128::from(number), 1)));
            commands.push(Command::Ask(sale, Ask::Settle { epoch, hold, step, by, replay }));
        }
        commands.push(Command::Ask(sale, Ask::Idle { numbers: vec![Number(number)] }));
        commands.push(Command::Ask(sale, Ask::EndSession { epoch, number: Number(number) }));
        commands.push(Command::Ask(sale, Ask::Leave { ticket: pass }));
        let (by, events) = (support::only(), vec![EventId(number)]);
        commands.push(Command::Note(sale, Note::Delivered { by, events }));
    }
    let (author, sink) = (support::author(), support::only().sink);
    commands.push(Command::Note(sale, Note::Requeue { author, sink, events: None }));
    for offer in (0..2).map(OfferIndex) {
        commands.push(change(Change::Restock { offer, units: 1 }));
        commands.push(change(Change::Unstrand { offer, units: 1 }));
    }
    commands.extend([Change::Pause, Change::Resume, Change::Close].map(change));
    for batch in commands.chunks(7) {
        arbiter.decide(at, batch);
        at = at.after(500);
    }
    arbiter.set_time(5_000, true);
    for _ in 0..3 {
        at = at.after(24 * 60 * 60 * 1_000);
        arbiter.decide(at, &[change(Change::Delete)]);
    }
    drop(arbiter.world().to_bytes());
}

#[test]
fn a_sale_that_came_about_is_read_back_and_goes_on() {
    Sale::restored(written(), NOW).expect("it is sound");
    work_with(written());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_in_the_place_of_a_sale_end_the_process(damages in vec(damage(), 1..4)) {
        let bytes = damaged(&damages);
        // Whoever takes a sale over refuses one of another name.
        if Sale::restored(&bytes, NOW).is_ok_and(|sale| sale.tag() == tag()) {
            work_with(&bytes);
        }
    }

    #[test]
    fn bytes_at_random_are_no_sale(bytes in vec(any::<u8>(), 0..400)) {
        prop_assert!(Sale::restored(&bytes, NOW).is_err());
    }
}
