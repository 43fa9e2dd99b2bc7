//! Rules of the arbiter that once were broken, each by the shortest batch that breaks it.
#![expect(clippy::panic, reason = "a helper of tests fails the test that calls it")]

use engine::{
    arbiter::LocalArbiter,
    clock::Millis,
    command::{Ask, Changed, Command, Entry, Operation, Reply, Terms},
    hold::{HoldState, Step},
    id::{Epoch, HoldId, Number, SaleTag, ShopperKey},
    limits::{GATE_WALK_PLACES_MAX, REPLAY_TTL_MS, SWEEP_RECORDS_MAX},
    record::{Change, EntryStanding, Record},
    sale::{ChangeRefusal, EntryRefusal, PurchaseRefusal, Sale, SettleRefusal, Settler},
    spec::{IdentityMode, Rejoin, SaleSpec, SpecPatch},
    world::World,
};

use crate::support::{
    self, START, asked, change, create, enter, key, purchase, settle, spec, tag, ticket,
};

fn sale(spec: SaleSpec) -> LocalArbiter {
    let mut arbiter = LocalArbiter::default();
    arbiter.decide(START, &[create(spec)]);
    arbiter
}

/// A sale with shopper 1 admitted at number 1, and hold 1 of one unit.
fn with_hold() -> LocalArbiter {
    let mut arbiter = sale(spec(&[5]));
    arbiter.decide(START, &[enter(1, None)]);
    arbiter.decide(START, &[purchase(ticket(1, 1), 1, key(1, 1))]);
    arbiter
}

fn claim(who: u128) -> Command {
    let number = u64::try_from(who).expect("small");
    Command::Ask(tag(), Ask::Claim { ticket: ticket(number, who) })
}

fn entry(reply: &Reply) -> &Entry {
    let Reply::Entry(Ok(entry)) = reply else { panic!("not an entry: {reply:?}") };
    entry
}

fn held_as(reply: &Reply) -> HoldState {
    let Reply::Settle(Ok(told)) = reply else { panic!("not a step: {reply:?}") };
    told.hold.state
}

/// Buys one unit and gives it up again.
fn buy_and_release(arbiter: &mut LocalArbiter, shopper: u128, round: u64) -> Reply {
    let hold = arbiter.world().sale(tag()).expect("made").last_hold().0 + 1;
    let pass = ticket(u64::try_from(shopper).expect("small"), shopper);
    let bought = purchase(pass, 1, key(shopper << 64 | u128::from(round), 0));
    arbiter.decide(START, &[bought, settle(hold, Step::Release, None)]).replies.remove(0)
}

#[test]
fn one_shopper_makes_holds_up_to_a_bound_and_the_others_go_on() {
    for (per_shopper_max, bound) in [(1, 16), (2, 16), (3, 24)] {
        let mut arbiter = sale(SaleSpec { per_shopper_max, ..spec(&[5]) });
        arbiter.decide(START, &[enter(1, None), enter(2, None)]);
        arbiter.decide(START.after(1_000), &[]);
        arbiter.decide(START.after(1_000), &[1, 2].map(claim));
        for round in 0..bound {
            let bought = buy_and_release(&mut arbiter, 1, round);
            assert!(matches!(bought, Reply::Purchase(Ok(_))), "round {round}: {bought:?}");
        }
        // What a restart brings back counts on.
        let bytes = arbiter.world().to_bytes();
        arbiter = LocalArbiter::new(World::from_bytes(&bytes).expect("its own bytes"));
        let refused = Reply::Purchase(Err(PurchaseRefusal::TooManyHolds));
        assert_eq!(buy_and_release(&mut arbiter, 1, bound), refused);
        assert!(matches!(buy_and_release(&mut arbiter, 2, 0), Reply::Purchase(Ok(_))));
        // A repeat of one that was made is no new hold.
        assert!(matches!(buy_and_release(&mut arbiter, 1, 0), Reply::Purchase(Ok(_))));
    }
}

#[test]
fn a_gate_behind_which_a_crowd_has_left_gets_past_it_in_bounded_steps() {
    let (first, last) = (GATE_WALK_PLACES_MAX, GATE_WALK_PLACES_MAX + 3);
    let mut arbiter = sale(spec(&[5]));
    arbiter.decide(START, &[change(Change::Pause)]);
    let crowd: Vec<_> = (1..=last).map(|who| enter(who.into(), None)).collect();
    arbiter.decide(START, &crowd);
    let numbers = (1..last).map(Number).collect();
    arbiter.decide(START, &[Command::Ask(tag(), Ask::Idle { numbers })]);
    arbiter.decide(START, &[change(Change::Resume)]);
    let gate = |arbiter: &LocalArbiter| {
        let gate = arbiter.world().sale(tag()).expect("made").gate();
        (gate.watermark(), gate.called())
    };
    assert_eq!(gate(&arbiter), (Number(first), 0));
    arbiter.decide(START, &[]);
    assert_eq!(gate(&arbiter), (Number(last), 1));
}

#[test]
fn what_came_to_nothing_is_forgotten_a_day_later_and_an_order_never() {
    let day = START.after(24 * 60 * 60 * 1_000);
    let mut arbiter = sale(spec(&[5]));
    arbiter.decide(START, &[enter(1, None)]);
    assert!(matches!(buy_and_release(&mut arbiter, 1, 1), Reply::Purchase(Ok(_))));
    arbiter.decide(START, &[purchase(ticket(1, 1), 1, key(2, 0)), settle(2, Step::Confirm, None)]);
    let kept = |arbiter: &LocalArbiter| {
        let sale = arbiter.world().sale(tag()).expect("made");
        sale.holds().map(|hold| hold.id.0).collect::<Vec<_>>()
    };
    arbiter.decide(day, &[enter(2, None)]);
    assert_eq!(kept(&arbiter), [1, 2]);
    // The order pipeline can still be told of it.
    let told = arbiter.world().undelivered();
    let decided = arbiter.decide(day, &[purchase(ticket(2, 2), 1, key(3, 0))]);
    assert!(matches!(decided.replies[..], [Reply::Purchase(Ok(_))]), "{decided:?}");
    assert_eq!(kept(&arbiter), [2, 3]);
    assert_eq!(arbiter.world().undelivered(), told + 1);
    let asked = |hold, step| settle(hold, step, None);
    let decided = arbiter.decide(day, &[asked(1, Step::Release), asked(2, Step::Refund)]);
    assert_eq!(decided.replies[0], Reply::Settle(Err(SettleRefusal::NoHold)));
    assert_eq!(held_as(&decided.replies[1]), HoldState::Refunded);
    let bytes = arbiter.world().to_bytes();
    assert_eq!(World::from_bytes(&bytes).expect("its own bytes").hash(), arbiter.world().hash());
}

#[test]
fn simultaneous_entries_with_one_key_have_one_effect() {
    // Anonymous shoppers are random: the key alone tells that these are one.
    let mut arbiter = sale(spec(&[5]));
    let decided = arbiter.decide(START, &[enter(1, Some(key(7, 7))), enter(2, Some(key(7, 7)))]);
    let [first, second] = [0, 1].map(|index| entry(&decided.replies[index]));
    assert_eq!(first.answer, second.answer);
    assert!(second.replayed);
    assert_eq!(arbiter.world().sale(tag()).expect("made").issued().0, 1);
}

#[test]
fn a_refused_simultaneous_entry_has_no_effect() {
    let mut arbiter = sale(spec(&[5]));
    let decided = arbiter.decide(START, &[enter(1, Some(key(7, 7))), enter(2, Some(key(7, 8)))]);
    assert_eq!(decided.replies[1], Reply::Entry(Err(EntryRefusal::OtherBody)));
    assert_eq!(arbiter.world().sale(tag()).expect("made").issued().0, 1);
}

#[test]
fn an_entry_overtaken_by_a_rejoin_is_told_the_later_place_and_its_session() {
    let mut arbiter = sale(SaleSpec { rejoin: Rejoin::Tail, ..spec(&[5]) });
    let decided = arbiter.decide(START, &[enter(1, None), enter(1, None)]);
    let [first, second] = [0, 1].map(|index| entry(&decided.replies[index]));
    assert_eq!(first.answer, second.answer);
    let EntryStanding::Admitted { expires_at, .. } = first.answer.standing else {
        panic!("not admitted: {first:?}");
    };
    assert_eq!(expires_at, START.after(60_000));
}

#[test]
fn an_invitation_is_used_up_by_the_entry_it_was_for() {
    let invited = SaleSpec { identity: IdentityMode::Invite, rejoin: Rejoin::Tail, ..spec(&[5]) };
    let mut arbiter = sale(invited);
    let enter_again = |arbiter: &mut LocalArbiter, replay| {
        arbiter.decide(START, &[enter(1, replay)]).replies.remove(0)
    };
    let first = entry(&enter_again(&mut arbiter, Some(key(1, 1)))).answer.number;
    assert_eq!(entry(&enter_again(&mut arbiter, None)).answer.number, first, "a place is kept");
    let leave = Command::Ask(tag(), Ask::Leave { ticket: ticket(1, 1) });
    assert_eq!(arbiter.decide(START, &[leave]).replies, [Reply::Left(Ok(()))]);
    let refused = Reply::Entry(Err(EntryRefusal::EnteredBefore));
    for replay in [None, Some(key(1, 1)), Some(key(2, 2))] {
        assert_eq!(enter_again(&mut arbiter, replay), refused);
    }
    // What a restart makes of it knows the same.
    let bytes = arbiter.world().to_bytes();
    let world = World::from_bytes(&bytes).expect("what was encoded");
    assert_eq!(enter_again(&mut LocalArbiter::new(world), None), refused);
}

#[test]
fn an_entry_into_a_sale_made_anew_within_the_batch_is_refused() {
    let mut arbiter = sale(spec(&[5]));
    let batch = [enter(1, None), change(Change::Close), change(Change::Delete), create(spec(&[5]))];
    let decided = arbiter.decide(START, &batch);
    assert_eq!(decided.replies[0], Reply::Entry(Err(EntryRefusal::NoSale)));
}

/// As many keys as a client likes are of no use: each is answered the same, and none is kept.
#[test]
fn releasing_again_keeps_no_answer() {
    let mut arbiter = with_hold();
    let release = |key_of| settle(1, Step::Release, Some(key(key_of, 0)));
    assert_eq!(arbiter.decide(START, &[release(9)]).records.len(), 1);
    let before = arbiter.world().hash();
    for again in 10..20 {
        let decided = arbiter.decide(START, &[release(again)]);
        assert_eq!(held_as(&decided.replies[0]), HoldState::Released);
        assert_eq!(decided.records, []);
    }
    assert_eq!(arbiter.world().hash(), before);
}

/// A place that is over is of no use: its ticket is not given again.
#[test]
fn a_key_whose_place_is_over_gives_a_new_place_and_keeps_that() {
    let over = [
        ("left", Command::Ask(tag(), Ask::Leave { ticket: ticket(1, 1) })),
        ("idle", Command::Ask(tag(), Ask::Idle { numbers: vec![Number(1)] })),
        ("unclaimed", change(Change::Resume)),
    ];
    for (how, ends) in over {
        let mut arbiter = sale(spec(&[5]));
        arbiter.decide(START, &[change(Change::Pause)]);
        let again = [enter(1, Some(key(7, 7)))];
        let first = arbiter.decide(START, &again);
        assert_eq!(entry(&first.replies[0]).answer.number, Number(1), "{how}");
        arbiter.decide(START, &[ends]);
        // What is called and not claimed is over after ten seconds.
        let later = START.after(10_000);
        arbiter.decide(later, &[change(Change::Pause)]);
        // Kept with another body, by an answer that no longer counts.
        let told = arbiter.decide(later, &[enter(1, Some(key(7, 8)))]);
        let told = entry(&told.replies[0]);
        assert_eq!((told.answer.number, told.replayed), (Number(2), false), "{how}");
        let other = arbiter.decide(later, &again);
        assert_eq!(other.replies[0], Reply::Entry(Err(EntryRefusal::OtherBody)), "{how}");
        let told_again = arbiter.decide(later.after(9), &[enter(1, Some(key(7, 8)))]);
        let told_again = entry(&told_again.replies[0]);
        assert_eq!((&told_again.answer, told_again.replayed), (&told.answer, true), "{how}");
        let bytes = arbiter.world().to_bytes();
        let mut read = LocalArbiter::new(World::from_bytes(&bytes).expect("its own bytes"));
        let after = read.decide(later.after(9), &[enter(1, Some(key(7, 8)))]);
        assert_eq!(entry(&after.replies[0]).answer, told.answer, "{how}");
    }
}

/// What an entry was told before stays what it was told, whatever its batch brings after it.
#[test]
fn a_repeated_entry_and_one_after_its_place_is_left_in_the_same_batch_have_each_their_place() {
    let mut arbiter = sale(spec(&[5]));
    let again = enter(1, Some(key(7, 7)));
    arbiter.decide(START, &[change(Change::Pause), again.clone()]);
    let leave = Command::Ask(tag(), Ask::Leave { ticket: ticket(1, 1) });
    let decided = arbiter.decide(START, &[again.clone(), leave, again]);
    let told = [0, 2].map(|index| entry(&decided.replies[index]));
    assert_eq!(told.map(|told| told.answer.number), [Number(1), Number(2)]);
    assert_eq!(told.map(|told| told.replayed), [true, false]);
}

#[test]
fn a_shopper_can_give_a_hold_up_and_do_nothing_else_to_it() {
    for step in [Step::Pay, Step::Confirm, Step::Expire, Step::Refund] {
        let mut arbiter = with_hold();
        let by = Settler::Shopper(ShopperKey(1));
        let asked = Command::Ask(
            tag(),
            Ask::Settle { epoch: Epoch(1), hold: HoldId(1), step, by, replay: None },
        );
        let decided = arbiter.decide(START, &[asked]);
        let refused = SettleRefusal::WrongState(HoldState::Held);
        assert_eq!(decided.replies, [Reply::Settle(Err(refused))], "{step:?}");
    }
}

#[test]
fn a_keyed_step_taken_before_is_answered_the_same_for_ever() {
    let mut arbiter = with_hold();
    let again = settle(1, Step::Pay, Some(key(9, 9)));
    let batch = [settle(1, Step::Pay, None), again.clone(), settle(1, Step::Confirm, None), again];
    let decided = arbiter.decide(START, &batch);
    assert_eq!(held_as(&decided.replies[1]), HoldState::Paying);
    assert_eq!(held_as(&decided.replies[3]), HoldState::Paying);
    let other_body = arbiter.decide(START, &[settle(1, Step::Pay, Some(key(9, 10)))]);
    assert_eq!(other_body.replies, [Reply::Settle(Err(SettleRefusal::OtherBody))]);
}

#[test]
fn one_sweep_is_bounded_over_all_sales() {
    let mut arbiter = LocalArbiter::default();
    let fast = || SaleSpec { admission_milli_per_second: 1_000_000_000, ..spec(&[5]) };
    let sales = ["one", "two"].map(support::name);
    for name in sales.clone() {
        arbiter
            .decide(START, &[create(SaleSpec { name: name.clone(), active_max: 9_999, ..fast() })]);
        let into = |shopper| Command::Ask(name.tag(), Ask::Enter { shopper, replay: None });
        let crowd: Vec<_> = (1..=4_000).map(ShopperKey).map(into).collect();
        arbiter.decide(START, &crowd);
    }
    let due = arbiter.decide(START.after(60_000), &[]).records;
    assert_eq!(due.len(), SWEEP_RECORDS_MAX);
    let ended = |tag: SaleTag, due: &[Record]| {
        due.iter()
            .filter(|r| matches!(r, Record::SessionEnded { sale, .. } if *sale == tag))
            .count()
    };
    let rest = arbiter.decide(START.after(60_000), &[]).records;
    for name in sales {
        assert_eq!(ended(name.tag(), &due) + ended(name.tag(), &rest), 4_000);
    }
}

#[test]
fn sessions_under_way_keep_the_length_their_pass_was_signed_for() {
    let mut arbiter = sale(spec(&[5]));
    arbiter.decide(START, &[enter(1, None)]);
    let patch = SpecPatch { session_ms: Some(90_000), ..SpecPatch::default() };
    arbiter.decide(START, &[change(Change::Update { patch })]);
    let session = *arbiter.world().sale(tag()).expect("made").sessions().next().expect("let in");
    assert_eq!(session.deadline, START.after(60_000).whole_second());
}

#[test]
fn a_message_is_bounded() {
    let mut arbiter = sale(spec(&[5]));
    let said = |bytes| change(Change::Message { text: "x".repeat(bytes) });
    let decided = arbiter.decide(Millis(START.0), &[said(1_024), said(1_025)]);
    assert!(matches!(decided.replies[0], Reply::Changed(Ok(_))));
    assert!(matches!(decided.replies[1], Reply::Changed(Err(ChangeRefusal::Spec(_)))));
}

#[test]
fn a_late_repeat_of_a_creation_makes_no_sale_again() {
    let keyed = |body| {
        Command::Operate(Operation::Create {
            author: support::author(),
            spec: Box::new(spec(&[5])),
            replay: Some(key(7, body)),
        })
    };
    let changed = |reply: &Reply| {
        let Reply::Changed(changed) = reply else { panic!("not a change: {reply:?}") };
        changed.clone()
    };
    let mut arbiter = LocalArbiter::default();
    let made = changed(&arbiter.decide(START, &[keyed(1)]).replies[0]).expect("the name is free");
    // More changes with keys than are kept.
    for round in 0..80_u128 {
        let terms = Terms { replay: Some(key(100 + round, 1)), ..Terms::default() };
        arbiter.decide(START, &[asked(Change::Pause, terms)]);
    }
    let again = |arbiter: &mut LocalArbiter, at, body| {
        changed(&arbiter.decide(at, &[keyed(body)]).replies[0])
    };
    let kept = Ok(Changed { replayed: true, ..made.clone() });
    assert_eq!(again(&mut arbiter, START, 1), kept, "no change pushes its answer out");
    arbiter.decide(START, &[change(Change::Delete)]);
    let last = START.after(REPLAY_TTL_MS - 1);
    for at in [START, last] {
        let bytes = arbiter.world().to_bytes();
        arbiter = LocalArbiter::new(World::from_bytes(&bytes).expect("its own bytes"));
        assert_eq!(again(&mut arbiter, at, 1), kept);
        assert_eq!(again(&mut arbiter, at, 2), Err(ChangeRefusal::OtherBody));
        assert!(arbiter.world().sale(tag()).is_none(), "it stays deleted");
    }
    // One that was made since is not taken for it either.
    arbiter.decide(last, &[create(spec(&[9]))]);
    assert_eq!(again(&mut arbiter, last, 1), kept);
    arbiter.decide(last, &[change(Change::Delete)]);
    let anew = again(&mut arbiter, last.after(1), 1).expect("its key is forgotten");
    assert!(!anew.replayed && anew.answer != made.answer);
    assert_eq!(arbiter.world().sale(tag()).map(Sale::epoch), Some(Epoch(3)));
}
