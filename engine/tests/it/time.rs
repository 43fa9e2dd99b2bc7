//! What the two clocks bring about: a wall clock that is stepped, an outage, and ends that are due in a
//! crowd.

use engine::{
    arbiter::LocalArbiter,
    clock::Millis,
    command::{Ask, Command, Reply},
    hold::{HoldState, Step},
    id::{Epoch, Number},
    limits::SWEEP_RECORDS_MAX,
    record::Change,
    sale::{Phase, PlaceRefusal, SettleRefusal},
    spec::{SaleSpec, SpecPatch},
};

use crate::support::{START, change, create, enter, key, purchase, settle, spec, tag, ticket};

fn sale(spec: SaleSpec) -> LocalArbiter {
    let mut arbiter = LocalArbiter::default();
    arbiter.decide(START, &[create(spec)]);
    arbiter
}

fn phase(arbiter: &LocalArbiter, at: Millis) -> Phase {
    arbiter.world().sale(tag()).expect("made").phase(at)
}

#[test]
fn a_schedule_goes_by_the_wall_clock_and_a_hold_by_the_other() {
    let hour = 3_600_000;
    let mut arbiter = sale(spec(&[5]));
    let patch = SpecPatch { closes_at: Some(Some(START.after(hour))), ..SpecPatch::default() };
    arbiter.decide(START, &[change(Change::Update { patch })]);
    arbiter.decide(START, &[enter(1, None)]);
    arbiter.decide(START, &[purchase(ticket(1, 1), 1, key(1, 1))]);

    arbiter.set_time(i64::try_from(hour).expect("small"), false);
    arbiter.decide(START.after(1), &[]);
    assert_eq!(phase(&arbiter, START.after(1)), Phase::Closed);
    let hold = arbiter.world().sale(tag()).expect("made").holds().next().expect("made").state;
    assert_eq!(hold, HoldState::Held, "an hour on the wall is no time to a hold");

    arbiter.set_time(0, false);
    arbiter.decide(START.after(2), &[]);
    assert_eq!(phase(&arbiter, START.after(2)), Phase::Open);
}

/// Shopper 1 was let in and is gone, and shopper 2 is called.
fn with_called() -> LocalArbiter {
    let mut arbiter = sale(SaleSpec { active_max: 1, ..spec(&[5]) });
    arbiter.decide(START, &[enter(1, None), enter(2, None)]);
    arbiter.decide(
        START,
        &[Command::Ask(tag(), Ask::EndSession { epoch: Epoch(1), number: Number(1) })],
    );
    arbiter.decide(START.after(1_000), &[]);
    arbiter
}

fn claim_late(after_outage: bool) -> Reply {
    let mut arbiter = with_called();
    let late = START.after(86_400_000);
    arbiter.set_time(0, after_outage);
    arbiter.decide(late, &[]);
    let claim = Command::Ask(tag(), Ask::Claim { ticket: ticket(2, 2) });
    arbiter.decide(late.after(500), &[claim]).replies.remove(0)
}

#[test]
fn a_call_that_could_not_be_claimed_in_an_outage_can_be_claimed_after_it() {
    assert!(matches!(claim_late(true), Reply::Claim(Ok(_))));
    assert!(matches!(claim_late(false), Reply::Claim(Err(PlaceRefusal::NotCalled(_)))));
}

#[test]
fn of_a_crowd_of_holds_that_end_together_none_is_paid_late_and_the_next_turn_follows_at_once() {
    let count = SWEEP_RECORDS_MAX as u64 / 2 + 10;
    let mut arbiter = sale(SaleSpec { active_max: 10_000, ..spec(&[10_000]) });
    let rate = Change::Rate { admission_milli_per_second: 1_000_000_000 };
    arbiter.decide(START, &[change(rate)]);
    let entries: Vec<Command> = (1..=count).map(|who| enter(u128::from(who), None)).collect();
    let at = START.after(10_000);
    arbiter.decide(at, &entries);
    let buy = |who| purchase(ticket(who, u128::from(who)), 1, key(u128::from(who), 0));
    let decided = arbiter.decide(at, &(1..=count).map(buy).collect::<Vec<_>>());
    assert!(decided.replies.iter().all(|reply| matches!(reply, Reply::Purchase(Ok(_)))));

    let over = at.after(spec(&[1]).hold_ms);
    let decided = arbiter.decide(over, &[settle(count, Step::Pay, None)]);
    let refused = SettleRefusal::WrongState(HoldState::Expired);
    assert_eq!(decided.replies, [Reply::Settle(Err(refused))]);
    assert!(decided.is_more_due);
    let decided = arbiter.decide(over, &[]);
    assert!(!decided.is_more_due);
    let held = arbiter.world().sale(tag()).expect("made").counts()[0].held;
    assert_eq!(held, 0);
}
