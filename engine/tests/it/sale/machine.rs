//! The state machine: which commands come, and what is compared after each batch.

use engine::{
    arbiter::LocalArbiter,
    clock::Millis,
    codec::Binary as _,
    command::{Ask, Command, Note, Operation, Reply, Terms},
    hold::{HoldState, Step},
    id::{Epoch, EventId, HoldId, Number, OfferIndex, ShopperKey},
    record::{Change, EntryStanding, Record, ReplayKey},
    sale::{Sale, Settler, TicketRef, Version},
    spec::{IdentityMode, Rejoin, SaleSpec, SpecPatch},
    world::World,
};
use proptest::{
    collection::{btree_set, vec},
    option,
    prelude::*,
    sample::select,
};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::model::{Model, Room};
use crate::{
    audit::Audit,
    support::{self, START, asked, author, create, spec, tag},
};

/// A batch, and how long after the one before it is decided.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    wait_ms: u64,
    commands: Vec<Command>,
}

/// The model and what it said to the last batch.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    model: Model,
    replies: Vec<Reply>,
}

impl Reference {
    fn turn(&mut self, turn: &Turn) {
        let at = self.model.at.after(turn.wait_ms);
        self.replies = self.model.turn(at, &turn.commands);
    }
}

impl ReferenceStateMachine for Reference {
    type State = Self;
    type Transition = Turn;

    fn init_state() -> BoxedStrategy<Self> {
        let made = specs().prop_map(|spec| {
            let mut reference = Self { model: Model::new(START), replies: Vec::new() };
            reference.turn(&Turn { wait_ms: 0, commands: vec![create(spec)] });
            reference
        });
        made.boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Turn> {
        let wait_ms = prop_oneof![
            20 => 0_u64..300,
            6 => 1_000_u64..12_000,
            1 => Just(24 * 60 * 60 * 1_000),
        ];
        let commands = vec(commands(&state.model), 1..6);
        (wait_ms, commands).prop_map(|(wait_ms, commands)| Turn { wait_ms, commands }).boxed()
    }

    fn apply(mut state: Self, turn: &Turn) -> Self {
        state.turn(turn);
        state
    }
}

fn specs() -> impl Strategy<Value = SaleSpec> {
    let schedule = (
        option::weighted(0.1, Just(START.after(3_000))),
        option::weighted(0.1, Just(START.after(90_000))),
    );
    let room =
        (1_u32..6, prop_oneof![500_u64..5_000, 5_000_u64..5_000_000], option::of(500_u32..3_000));
    let identity = prop_oneof![3 => Just(IdentityMode::Header), 1 => Just(IdentityMode::Invite)];
    let policy = (1_u32..7, any::<bool>(), any::<bool>(), 0_u64..7, 0_u64..4, identity);
    (schedule, room, policy).prop_map(|((opens_at, closes_at), room, policy)| {
        let (active_max, admission_milli_per_second, overbook_milli) = room;
        let (per_shopper_max, refund_restocks, tail, first, second, identity) = policy;
        SaleSpec {
            opens_at,
            closes_at,
            identity,
            rejoin: if tail { Rejoin::Tail } else { Rejoin::Keep },
            active_max,
            admission_milli_per_second,
            overbook_milli,
            per_shopper_max,
            refund_restocks,
            claim_window_ms: 3_000,
            session_ms: 15_000,
            hold_ms: 5_000,
            ..spec(&[first, second])
        }
    })
}

/// Keys of one route: few, so that they repeat, with the same body and with another.
fn keys(route: u128) -> impl Strategy<Value = ReplayKey> {
    (0_u128..6, prop_oneof![5 => Just(0_u128), 1 => Just(1)])
        .prop_map(move |(key, body)| ReplayKey { key: route * 100 + key, body })
}

/// Mostly tickets that were given out, sometimes made-up ones.
fn tickets(room: Option<&Room>) -> BoxedStrategy<TicketRef> {
    let made_up = (1_u32..4, 0_u64..9, 1_u128..6).prop_map(|(epoch, number, shopper)| TicketRef {
        epoch: Epoch(epoch),
        number: Number(number),
        shopper: ShopperKey(shopper),
    });
    let given = |room: &Room| {
        let ticket = |(number, (shopper, _)): (u64, &(ShopperKey, _))| TicketRef {
            epoch: room.epoch,
            number: Number(number),
            shopper: *shopper,
        };
        (1..).zip(&room.places).map(ticket).collect::<Vec<_>>()
    };
    let given = room.map(given).unwrap_or_default();
    let live =
        |ticket: &&TicketRef| room.is_some_and(|room| room.sessions.contains_key(&ticket.number));
    let let_in: Vec<TicketRef> = given.iter().filter(live).copied().collect();
    match (given.is_empty(), let_in.is_empty()) {
        (true, _) => made_up.boxed(),
        (false, true) => prop_oneof![8 => select(given), 1 => made_up].boxed(),
        (false, false) => {
            prop_oneof![4 => select(given), 8 => select(let_in), 1 => made_up].boxed()
        }
    }
}

fn commands(model: &Model) -> BoxedStrategy<Command> {
    let room = model.room.as_ref();
    let sale = tag();
    let shoppers = (1_u128..6).prop_map(ShopperKey);
    let numbers = (0_u64..9).prop_map(Number);
    let enter = (shoppers.clone(), option::of(keys(1)))
        .prop_map(move |(shopper, replay)| Command::Ask(sale, Ask::Enter { shopper, replay }));
    let leave = tickets(room).prop_map(move |ticket| Command::Ask(sale, Ask::Leave { ticket }));
    let claim = tickets(room).prop_map(move |ticket| Command::Ask(sale, Ask::Claim { ticket }));
    let items = vec(((0_u16..5).prop_map(|o| OfferIndex(o * 2 % 5 % 3)), 1_u32..3), 1..4);
    let purchase = (tickets(room), items, keys(2)).prop_map(move |(pass, items, replay)| {
        let items = items.into();
        Command::Ask(sale, Ask::Purchase { pass, items, replay })
    });
    let steps = select(vec![Step::Pay, Step::Confirm, Step::Release, Step::Refund]);
    let by = prop_oneof![3 => Just(Settler::Backend), 1 => shoppers.prop_map(Settler::Shopper)];
    let holds = room.map_or(1, |room| room.holds_made + 1);
    // Mostly of the sale as it is; now and then of one that was deleted or is yet to come.
    let current = room.map_or(1, |room| room.epoch.0);
    let epochs = prop_oneof![9 => Just(current), 1 => 1_u32..3].prop_map(Epoch);
    let settle = ((1..holds + 1).prop_map(HoldId), steps, by, option::of(keys(3)), epochs)
        .prop_map(move |(hold, step, by, replay, epoch)| {
            Command::Ask(sale, Ask::Settle { epoch, hold, step, by, replay })
        });
    let end = (1_u32..3, numbers.clone()).prop_map(move |(epoch, number)| {
        Command::Ask(sale, Ask::EndSession { epoch: Epoch(epoch), number })
    });
    let idle = btree_set(numbers, 1..4).prop_map(move |numbers| {
        Command::Ask(sale, Ask::Idle { numbers: numbers.into_iter().collect() })
    });
    let events = model.events.iter().map(|(event, _)| *event).chain([EventId(99_999)]);
    let events: Vec<EventId> = events.collect();
    let all = events.clone();
    let sinks = support::sinks();
    let taker = (0..2_usize).prop_map(move |index| support::taker(index, &sinks));
    let some = prop_oneof![
        btree_set(select(events.clone()), 1..4).prop_map(|events| events.into_iter().collect()),
        Just(all),
    ];
    let delivered = (taker.clone(), some)
        .prop_map(move |(by, events)| Command::Note(sale, Note::Delivered { by, events }));
    let letter = (taker, select(events)).prop_map(move |(by, event)| {
        Command::Note(sale, Note::DeadLetter { by, event, why: "no such SKU".to_owned() })
    });
    let requeue = select(sinks.to_vec()).prop_map(move |sink| {
        Command::Note(sale, Note::Requeue { author: author(), sink, events: None })
    });
    prop_oneof![
        12 => enter,
        3 => leave,
        5 => claim,
        14 => purchase,
        14 => settle,
        1 => end,
        1 => idle,
        4 => delivered,
        1 => letter,
        1 => requeue,
        1 => (specs(), option::of(keys(4))).prop_map(|(spec, replay)| created(spec, replay)),
        6 => (changes(), terms(room)).prop_map(|(change, terms)| asked(change, terms)),
    ]
    .boxed()
}

fn created(spec: SaleSpec, replay: Option<ReplayKey>) -> Command {
    Command::Operate(Operation::Create { author: author(), spec: Box::new(spec), replay })
}

/// Some fields, mostly as a sale may have them.
fn patches() -> impl Strategy<Value = SpecPatch> {
    let schedule = (
        option::weighted(0.1, option::of(Just(START.after(3_000)))),
        option::weighted(0.1, option::of(Just(START.after(90_000)))),
    );
    let room = (option::of(0_u32..6), option::of(500_u64..5_000_000));
    let policy = (option::of(option::of(500_u32..3_000)), option::of(1_u32..7));
    let rest = (option::of(any::<bool>()), option::of(any::<bool>()), option::of(5_u64..30));
    (schedule, room, policy, rest).prop_map(|((opens_at, closes_at), room, policy, rest)| {
        let (refund_restocks, tail, session) = rest;
        SpecPatch {
            opens_at,
            closes_at,
            rejoin: tail.map(|tail| if tail { Rejoin::Tail } else { Rejoin::Keep }),
            active_max: room.0,
            admission_milli_per_second: room.1,
            overbook_milli: policy.0,
            per_shopper_max: policy.1,
            refund_restocks,
            session_ms: session.map(|seconds| seconds * 1_000),
            ..SpecPatch::default()
        }
    })
}

/// Mostly none; otherwise a key, or the version that the sale is at or was.
fn terms(room: Option<&Room>) -> impl Strategy<Value = Terms> + use<> {
    let (epoch, changes) = room.map_or((Epoch(1), 0), |room| (room.epoch, room.changes));
    let versions = (0_u64..2, any::<bool>()).prop_map(move |(behind, two)| {
        let version = |changes| Version { epoch, changes };
        let first = version(changes.saturating_sub(behind));
        let also = two.then(|| version(changes + 7));
        [first].into_iter().chain(also).collect()
    });
    (option::weighted(0.4, keys(4)), option::weighted(0.2, versions))
        .prop_map(|(replay, versions)| Terms { replay, versions, facts: None })
}

fn changes() -> BoxedStrategy<Change> {
    let restock = (0_u16..3, -3_i64..4)
        .prop_map(|(offer, units)| Change::Restock { offer: OfferIndex(offer), units });
    let rate =
        (500_u64..50_000).prop_map(|milli| Change::Rate { admission_milli_per_second: milli });
    let update = patches().prop_map(|patch| Change::Update { patch });
    let plain = vec![
        Change::Pause,
        Change::Resume,
        Change::Resume,
        Change::Drain,
        Change::Open,
        Change::Open,
        Change::Close,
        Change::Delete,
        Change::Delete,
        Change::Message { text: "soon".to_owned() },
    ];
    prop_oneof![6 => select(plain), 3 => restock, 1 => rate, 1 => update].boxed()
}

/// The arbiter, and three other readers of its records.
#[derive(Debug)]
pub(crate) struct Tested {
    arbiter: LocalArbiter,
    history: Vec<(Record, Millis)>,
    audit: Audit,
    /// Follows by applying, and is encoded and decoded before each batch.
    follower: World,
    now: Millis,
}

impl Tested {
    fn turn(&mut self, turn: &Turn) -> Vec<Reply> {
        self.now = self.now.after(turn.wait_ms);
        let decided = self.arbiter.decide(self.now, &turn.commands);
        self.follower = World::from_bytes(&self.follower.to_bytes()).expect("its own bytes");
        for record in &decided.records {
            self.audit.read(record, self.now);
            self.follower.apply(record, self.now);
            self.history.push((record.clone(), self.now));
        }
        decided.replies
    }
}

/// An estimate is no rule: the model makes none.
fn without_estimate(mut reply: Reply) -> Reply {
    if let Reply::Entry(Ok(entry)) = &mut reply
        && let EntryStanding::Waiting { eta, .. } = &mut entry.answer.standing
    {
        *eta = None;
    }
    reply
}

impl StateMachineTest for Tested {
    type SystemUnderTest = Self;
    type Reference = Reference;

    fn init_test(reference: &Reference) -> Self {
        let made = reference.model.room.as_ref().expect("made first").spec.clone();
        let mut tested = Self {
            arbiter: LocalArbiter::default(),
            history: Vec::new(),
            audit: Audit::default(),
            follower: World::default(),
            now: START,
        };
        tested.turn(&Turn { wait_ms: 0, commands: vec![create(made)] });
        tested
    }

    fn apply(mut tested: Self, reference: &Reference, turn: Turn) -> Self {
        let replies = tested.turn(&turn);
        let replies: Vec<Reply> = replies.into_iter().map(without_estimate).collect();
        assert_eq!(replies, reference.replies, "replies to {:?}", turn.commands);
        // What was read back decides as what was never written.
        if turn.commands.len() == 1 {
            let bytes = tested.arbiter.world().to_bytes();
            tested.arbiter = LocalArbiter::new(World::from_bytes(&bytes).expect("its own bytes"));
        }
        tested
    }

    fn check_invariants(tested: &Self, reference: &Reference) {
        let world = tested.arbiter.world();
        assert_eq!(tested.follower.hash(), world.hash(), "equal records, equal world");
        tested.audit.check_against(world);
        compare(world, &reference.model);
        if let Some(sale) = world.sale(tag()) {
            let mut bytes = Vec::new();
            sale.encode(&mut bytes);
            let restored = Sale::restored(&bytes, tested.now).map(drop);
            assert_eq!(restored, Ok(()), "a sale that came about is taken for one");
        }
    }

    fn teardown(tested: Self, _: Reference) {
        let mut replayed = World::default();
        tested.history.iter().for_each(|(record, at)| replayed.apply(record, *at));
        assert_eq!(replayed.hash(), tested.arbiter.world().hash(), "replay from scratch");
    }
}

/// The whole state, as far as anybody can see it.
fn compare(world: &World, model: &Model) {
    let (Some(sale), Some(room)) = (world.sale(tag()), &model.room) else {
        assert_eq!(world.sale(tag()).is_some(), model.room.is_some(), "whether there is a sale");
        return;
    };
    assert_eq!(sale.spec(), &room.spec);
    assert_eq!(sale.version().changes, room.changes);
    assert_eq!((sale.epoch(), sale.controls()), (room.epoch, &room.controls));
    assert_eq!(sale.phase(model.at), room.phase(model.at));
    assert!(sale.places().eq(room.places.iter().map(|(_, state)| *state)));
    assert!(sale.sessions().eq(room.sessions.values()), "sessions: {:?}", room.sessions);
    assert!(sale.holds().map(|hold| &**hold).eq(&room.holds), "holds: {:?}", room.holds);
    assert_eq!(sale.gate().watermark().0, room.watermark);
    for (counts, offer) in sale.counts().iter().zip(0..) {
        let units = |state| room.units(OfferIndex(offer), state);
        let offer = usize::from(offer);
        assert_eq!(counts.available, room.available[offer]);
        assert_eq!(
            (counts.held, counts.paying),
            (units(HoldState::Held), units(HoldState::Paying))
        );
        assert_eq!(counts.sold, units(HoldState::Confirmed) + room.gone[offer]);
        assert_eq!(counts.total(), room.spec.offers[offer].total);
    }
}

/// A failure prints its whole input, shrunk; nothing is kept in files. `PROPTEST_CASES` and
/// `PROPTEST_RNG_SEED` override.
fn config() -> ProptestConfig {
    let base = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { base.cases } else { 96 };
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 4_000, ..base }
}

prop_state_machine! {
    #![proptest_config(config())]

    #[test]
    fn a_sale_decides_as_its_model(sequential 1..80 => Tested);
}
