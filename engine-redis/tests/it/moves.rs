//! Random sales, and what random shoppers, backends and operators do to them.

use engine::{
    hold::Step,
    spec::{IdentityMode, Rejoin, SaleSpec},
};
use proptest::prelude::*;

use crate::support;

const SHOPPERS: u8 = 4;

#[derive(Clone, Debug)]
pub(super) enum Action {
    Enter { who: u8, key: Option<(u8, u8)> },
    Leave { place: Place },
    Claim { place: Place },
    Purchase { place: Place, items: Vec<(u16, u32)>, key: (u8, u8) },
    Settle { hold: Which, step: Step, by: Option<u8>, key: Option<(u8, u8)> },
    End { number: u64, epoch: u32 },
    Idle { numbers: Vec<u64> },
}

/// A hold.
#[derive(Clone, Debug)]
pub(super) enum Which {
    /// So many before the latest.
    Latest(u64),
    /// Any number.
    Any(u64),
}

/// The place a ticket names.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// The latest that the shopper was given.
    Own(u8),
    /// One that is called or let in.
    Session(u8),
    /// Any, and perhaps nobody's, somebody else's or an earlier sale's.
    Any { who: u8, number: u64, epoch: u32 },
}

#[derive(Clone, Debug)]
pub(super) enum Move {
    Batch {
        actions: Vec<Action>,
        stalled: bool,
    },
    Wait {
        ms: u64,
    },
    Operator(Operator),
    /// The store is wiped and a node writes it again.
    Rebuild,
    /// The sale is closed, what is open in it ends, and it is archived.
    Archive,
}

#[derive(Clone, Debug)]
pub(super) enum Operator {
    Pause,
    Resume,
    Drain,
    Open,
    Close,
    Rate(u64),
    Restock(u16, i64),
    Update { session_ms: u64, limit: u32, overbook: Option<u32>, rejoin: Rejoin },
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        3 => (0..SHOPPERS).prop_map(Place::Own),
        4 => (0..SHOPPERS).prop_map(Place::Session),
        1 => (0..SHOPPERS, 0..12_u64, 1..3_u32)
            .prop_map(|(who, number, epoch)| Place::Any { who, number, epoch }),
    ]
}

fn key() -> impl Strategy<Value = (u8, u8)> {
    (0..12_u8, prop_oneof![6 => Just(0_u8), 1 => Just(1)])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Pay),
        3 => Just(Step::Confirm),
        1 => Just(Step::Release),
        1 => Just(Step::Expire),
        1 => Just(Step::Refund),
    ]
}

fn hold() -> impl Strategy<Value = Which> {
    prop_oneof![
        6 => (0..3_u64).prop_map(Which::Latest),
        1 => prop_oneof![0..9_u64, Just(u64::MAX)].prop_map(Which::Any),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let items = prop::collection::vec((0..3_u16, 1..3_u32), 1..4);
    prop_oneof![
        6 => (0..SHOPPERS, prop::option::of(key())).prop_map(|(who, key)| Action::Enter { who, key }),
        1 => place().prop_map(|place| Action::Leave { place }),
        3 => place().prop_map(|place| Action::Claim { place }),
        5 => (place(), items, key())
            .prop_map(|(place, items, key)| Action::Purchase { place, items, key }),
        5 => (hold(), step(), prop::option::weighted(0.2, 0..SHOPPERS), prop::option::of(key()))
            .prop_map(|(hold, step, by, key)| Action::Settle { hold, step, by, key }),
        1 => (0..10_u64, 1..3_u32).prop_map(|(number, epoch)| Action::End { number, epoch }),
        1 => prop::collection::btree_set(1..14_u64, 0..4)
            .prop_map(|numbers| Action::Idle { numbers: numbers.into_iter().collect() }),
    ]
}

fn operator() -> impl Strategy<Value = Operator> {
    prop_oneof![
        1 => Just(Operator::Pause),
        2 => Just(Operator::Resume),
        1 => Just(Operator::Drain),
        2 => Just(Operator::Open),
        1 => Just(Operator::Close),
        2 => (1..2_000_000_u64).prop_map(Operator::Rate),
        2 => (0..2_u16, -3..6_i64).prop_map(|(offer, units)| Operator::Restock(offer, units)),
        1 => (1_000..9_000_u64, 1..12_u32, prop::option::of(1..3_000_u32), rejoin()).prop_map(
            |(session_ms, limit, overbook, rejoin)| {
                Operator::Update { session_ms, limit, overbook, rejoin }
            }
        ),
    ]
}

fn rejoin() -> impl Strategy<Value = Rejoin> {
    prop_oneof![Just(Rejoin::Keep), Just(Rejoin::Tail)]
}

pub(super) fn moves() -> impl Strategy<Value = Vec<Move>> {
    let batch = (prop::collection::vec(action(), 0..9), prop::bool::weighted(0.05));
    let wait = prop::sample::select(vec![1_u64, 60, 240, 999, 1_000, 2_500, 7_000, 86_400_000]);
    let one = prop_oneof![
        60 => batch.prop_map(|(actions, stalled)| Move::Batch { actions, stalled }),
        25 => wait.prop_map(|ms| Move::Wait { ms }),
        10 => operator().prop_map(Move::Operator),
        5 => Just(Move::Rebuild),
        1 => Just(Move::Archive),
    ];
    prop::collection::vec(one, 1..60)
}

pub(super) fn spec() -> impl Strategy<Value = SaleSpec> {
    let totals = prop::collection::vec(0..14_u64, 1..3);
    let rate = prop_oneof![Just(1_u64), Just(1_500), Just(40_000), Just(1_000_000_000)];
    let pace = (rate, 1..5_u32, prop::option::of(1..3_000_u32));
    let times = (1_000..4_000_u64, 1_000..9_000_u64, 1_000..6_000_u64);
    let identity = prop_oneof![3 => Just(IdentityMode::Header), 1 => Just(IdentityMode::Invite)];
    let policy = (rejoin(), 1..12_u32, any::<bool>(), identity);
    (totals, pace, times, policy).prop_map(
        |(totals, (rate, active, overbook), (claim, session, hold), policy)| {
            let (rejoin, limit, restocks, identity) = policy;
            SaleSpec {
                identity,
                rejoin,
                admission_milli_per_second: rate,
                active_max: active,
                claim_window_ms: claim,
                session_ms: session,
                hold_ms: hold,
                per_shopper_max: limit,
                overbook_milli: overbook,
                refund_restocks: restocks,
                ..support::spec(&totals)
            }
        },
    )
}
