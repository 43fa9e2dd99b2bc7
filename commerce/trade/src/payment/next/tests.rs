//! Payments against a provider and an engine that answer late, twice over, or not at all.

mod decided;
mod story;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    ids::RefundId,
    order::state::{Ending, OrderState},
    payment::{
        Found, Heard, Seen, Step,
        state::{LATE, SILENT_MAX},
    },
};
use story::{DUE, Fate, HOLD, Story, won};

#[test]
fn a_payment_that_goes_well_is_asked_for_once_and_in_order() {
    let mut story = Story::agreed();
    let mut asked = Vec::new();
    while let Next::Ask(ask) = next(&story.payment, story.now) {
        asked.push(ask);
        story.call(ask, Fate::Answered);
    }
    assert_eq!(asked, [Ask::Pay, Ask::Approve, Ask::Confirm]);
    assert_eq!(story.payment.state(), OrderState::Paid);
}

#[test]
fn nothing_is_taken_for_units_whose_time_ran_out_and_nothing_stays_reserved() {
    let mut story = Story::agreed();
    story.pass(story.now.after(HOLD));
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!((story.provider.taken(), story.payment.state()), (0, OrderState::Cancelled));
    assert!(!story.provider.is_reserved);
}

#[test]
fn whoever_does_not_come_back_has_the_units_until_the_provider_gave_up() {
    let mut story = Story::made_ready();
    assert_eq!(story.payment.state(), OrderState::Paying);
    story.call(Ask::Pay, Fate::Answered);
    while story.payment.units == Units::Paying {
        story.advance(&mut std::iter::empty());
    }
    assert!(story.now >= story.provider.until.after(LATE));
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!(story.payment.state(), OrderState::Cancelled);
}

#[test]
fn an_approval_without_an_answer_is_looked_up_and_not_asked_for_again() {
    let mut story = Story::agreed();
    story.call(Ask::Pay, Fate::Answered);
    story.call(Ask::Approve, Fate::Killed { has_left: true });
    assert_eq!(next(&story.payment, story.now), Next::Ask(Ask::LookUp));
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!((story.provider.taken(), story.payment.state()), (DUE, OrderState::Paid));
}

#[test]
fn a_refusal_of_a_second_approval_is_no_proof_that_the_first_one_failed() {
    let mut story = Story::agreed();
    story.call(Ask::Pay, Fate::Answered);
    story.call(Ask::Approve, Fate::Late(3_000));
    // Not there yet when it is looked for; refused when it is asked for again; there at last.
    let fates = [Fate::Answered, Fate::Refused];
    story.pass(story.now.after(Duration::from_secs(2)));
    assert_eq!(story.run(&mut fates.into_iter()), Next::Done);
    assert_eq!((story.provider.taken(), story.payment.state()), (DUE, OrderState::Paid));
}

#[test]
fn a_driver_that_was_stopped_before_its_call_left_is_found_out_a_day_later() {
    let mut story = Story::agreed();
    story.provider.cannot_void = true;
    story.call(Ask::Pay, Fate::Answered);
    story.pass(story.provider.until.before(Duration::from_secs(1)));
    story.call(Ask::Approve, Fate::Late(20 * 60_000));
    story.pass(story.now.after(Duration::from_mins(3)));
    while story.payment.state() != OrderState::Cancelled {
        story.advance(&mut std::iter::empty());
    }
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!((story.provider.taken(), story.provider.back), (DUE, DUE), "it came, and went back");
    assert_eq!(story.payment.state(), OrderState::Refunded);
}

#[test]
fn money_for_units_that_are_gone_is_given_back_without_anybody_asking() {
    let mut story = Story::agreed();
    story.call(Ask::Pay, Fate::Answered);
    story.call(Ask::Approve, Fate::Answered);
    story.hold.units = Units::Released;
    story.apply(&Step::Seen(Seen::Released));
    assert_eq!(story.payment.state(), OrderState::Owed);
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!((story.provider.back, story.payment.state()), (DUE, OrderState::Refunded));
}

#[test]
fn refunds_in_parts_come_to_the_whole_and_the_last_takes_the_units_back() {
    let mut story = Story::agreed();
    story.run_well();
    let first = story.want_back(10_001);
    story.run_well();
    assert_eq!(story.payment.state(), OrderState::PartRefunded);
    assert_eq!(story.payment.refundable(), won(DUE - 10_001));
    let second = story.want_back(story.payment.refundable().minor);
    assert!(story.payment.is_given(first) && !story.payment.is_given(second));
    story.run_well();
    assert!(story.payment.is_given(second));
    assert_eq!((story.provider.back, story.payment.state()), (DUE, OrderState::Refunded));
}

#[test]
fn units_whose_money_is_back_go_back_only_if_the_last_refund_says_so() {
    let mut story = Story::agreed();
    story.run_well();
    story.want_back(10_001);
    let last = DUE - 10_001;
    let refund = RefundId::new(story.now);
    story.apply(&Step::RefundWanted { refund, minor: last, restocks: false, withholds: false });
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!((story.hold.units, story.payment.state()), (Units::Confirmed, OrderState::Refunded));
    // What the provider's staff gives back says nothing of goods that may be on their way.
    let mut story = Story::agreed();
    story.run_well();
    story.provider.back = DUE;
    story.apply(&Step::LookUpWanted);
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!((story.hold.units, story.payment.state()), (Units::Confirmed, OrderState::Refunded));
}

#[test]
fn what_is_given_up_before_it_began_gives_its_units_back_and_asks_no_provider() {
    let mut story = Story::new();
    story.apply(&Step::Returned(Return::Cancelled));
    assert_eq!(next(&story.payment, story.now), Next::Ask(Ask::Release));
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!(story.payment.ending(), Some(Ending::GivenUp));
    let mut story = Story::made_ready();
    story.apply(&Step::Seen(Seen::Expired));
    assert_eq!(story.payment.ending(), Some(Ending::Expired));
}

#[test]
fn a_refund_that_began_at_the_provider_counts_beside_those_that_began_here() {
    let mut story = Story::agreed();
    story.run_well();
    story.provider.back = 300;
    story.apply(&Step::LookUpWanted);
    story.run_well();
    assert_eq!(story.payment.back_elsewhere(), won(300));
    assert_eq!((story.payment.back(), story.payment.refundable()), (won(300), won(DUE - 300)));
    let refund = story.want_back(500);
    story.run_well();
    assert!(story.payment.is_given(refund));
    assert_eq!(story.provider.back, 800);
}

#[test]
fn a_refund_that_another_one_overtook_is_given_all_the_same() {
    let mut story = Story::agreed();
    story.run_well();
    let refund = story.want_back(500);
    // Staff were faster, and gave back more than was wanted here.
    story.provider.back = 600;
    let next = next(&story.payment, story.now);
    assert_eq!(next, Next::Ask(Ask::GiveBack { refund: Some(refund), minor: 500, before: 0 }));
    assert_eq!(story.run_well(), Next::Done);
    assert!(story.payment.is_given(refund));
    assert_eq!(story.provider.back, 1_100);
}

#[test]
fn the_whole_that_is_wanted_is_given_when_some_of_it_was_given_elsewhere() {
    let mut story = Story::agreed();
    story.run_well();
    let refund = story.want_back(DUE);
    story.provider.back = 300;
    assert_eq!(story.run_well(), Next::Done);
    assert!(story.payment.is_given(refund));
    assert_eq!((story.provider.back, story.payment.state()), (DUE, OrderState::Refunded));
}

#[test]
fn a_look_up_that_is_wanted_during_another_one_is_made_after_it() {
    let mut story = Story::agreed();
    story.run_well();
    story.apply(&Step::Asked(Ask::LookUp));
    let found = Found::Taken { minor: DUE, back: 0, ours: 0 };
    let asked = story.payment.steps();
    story.apply(&Step::LookUpWanted);
    story.apply(&Step::Heard { asked, heard: Heard::Found(found) });
    assert_eq!(next(&story.payment, story.now), Next::Ask(Ask::LookUp));
}

#[test]
fn what_a_driver_hears_that_lost_its_lease_is_asked_for_again_and_changes_nothing_else() {
    let mut story = Story::agreed();
    story.call(Ask::Pay, Fate::Answered);
    story.apply(&Step::Asked(Ask::Approve));
    let lost = story.payment.steps();
    story.apply(&Step::Asked(Ask::LookUp));
    story.apply(&Step::Heard { asked: lost, heard: Heard::Refused { code: "no".to_owned() } });
    let asked = story.payment.steps() - 1;
    story.apply(&Step::Heard { asked, heard: Heard::Found(Found::Open) });
    assert_eq!(next(&story.payment, story.now), Next::Ask(Ask::LookUp));
    assert_eq!(story.payment.state(), OrderState::Paying);
}

#[test]
fn units_that_are_back_stay_so_whatever_is_heard_late() {
    let mut story = Story::agreed();
    story.run_well();
    story.hold.units = Units::Refunded;
    story.apply(&Step::Seen(Seen::TakenBack));
    story.apply(&Step::Seen(Seen::Confirmed));
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!((story.provider.back, story.payment.state()), (DUE, OrderState::Refunded));
}

#[test]
fn nobody_puts_a_call_off_by_coming_back_again_and_again() {
    let mut story = Story::agreed();
    story.call(Ask::Pay, Fate::Answered);
    story.call(Ask::Approve, Fate::Lost);
    story.now = story.now.after(Duration::from_millis(1_001));
    story.apply(&Step::Returned(Return::Cancelled));
    assert_eq!(next(&story.payment, story.now), Next::Ask(Ask::LookUp));
}

#[test]
fn a_contradiction_is_asked_for_again_before_it_goes_to_a_person_who_can_have_it_asked_again() {
    let mut story = Story::agreed();
    story.run_well();
    story.apply(&Step::LookUpWanted);
    // One stale answer.
    story.say(Found::Open);
    assert_eq!(story.run_well(), Next::Done);
    story.apply(&Step::LookUpWanted);
    let doubt = loop {
        match next(&story.payment, story.now) {
            Next::Ask(_) => story.say(Found::Open),
            Next::Wait(at) => story.pass(at),
            end @ (Next::Done | Next::Doubt(_)) => break end,
        }
    };
    assert_eq!(doubt, Next::Doubt(Doubt::Vanished));
    story.apply(&Step::Resolved);
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!(story.payment.state(), OrderState::Paid);
}

#[test]
fn a_bank_that_refuses_all_night_gives_back_in_the_morning() {
    let mut story = Story::agreed();
    story.run_well();
    let refund = story.want_back(700);
    let night = story.now.after(Duration::from_hours(3));
    while story.now < night {
        assert!(!matches!(next(&story.payment, story.now), Next::Done | Next::Doubt(_)));
        story.advance(&mut std::iter::repeat(Fate::Refused));
    }
    assert_eq!(story.run_well(), Next::Done);
    assert!(story.payment.is_given(refund));
    assert_eq!(story.provider.back, 700);
}

#[test]
fn a_bank_that_never_answers_is_asked_less_and_less_often_and_then_a_person_looks() {
    let mut story = Story::agreed();
    story.run_well();
    let refund = story.want_back(700);
    let (begun, mut calls) = (story.now, 0);
    let end = loop {
        let ask = next(&story.payment, story.now);
        let is_back = matches!(ask, Next::Ask(Ask::GiveBack { .. }));
        calls += u32::from(is_back);
        // Only look-ups are answered.
        let fate = if is_back { Fate::Lost } else { Fate::Answered };
        if let Some(end) = story.advance(&mut std::iter::once(fate)) {
            break end;
        }
    };
    assert_eq!((end, calls), (Next::Doubt(Doubt::NotGivenBack), 10));
    assert!(story.now > begun.after(Duration::from_hours(8)));
    story.apply(&Step::Resolved);
    assert_eq!(story.run_well(), Next::Done);
    assert!(story.payment.is_given(refund));
}

#[test]
fn calls_that_never_get_an_answer_go_to_a_person_after_half_a_day_whoever_is_asked() {
    for (fate, mut story) in [Fate::Lost, Fate::Unsent].into_iter().flat_map(|fate| {
        // The keeper of the units, after the money was taken; the provider, for a look-up and for a repayment.
        let mut taken = Story::agreed();
        taken.call(Ask::Pay, Fate::Answered);
        taken.call(Ask::Approve, Fate::Answered);
        let mut looked_up = Story::made_ready();
        looked_up.apply(&Step::LookUpWanted);
        let mut given_back = Story::agreed();
        given_back.run_well();
        given_back.want_back(700);
        [(fate, taken), (fate, looked_up), (fate, given_back)]
    }) {
        let (begun, mut calls) = (story.now, 0);
        let end = loop {
            calls += u32::from(matches!(next(&story.payment, story.now), Next::Ask(_)));
            if let Some(end) = story.advance(&mut std::iter::once(fate)) {
                break end;
            }
            assert!(calls < 400, "it never comes to an end: {:?}", story.payment);
        };
        assert_eq!(end, Next::Doubt(Doubt::NoAnswer), "{fate:?}: {:?}", story.payment);
        let took = story.now.since(begun);
        assert!((SILENT_MAX..SILENT_MAX * 2).contains(&took), "{took:?}");
        // An answer counts from then on.
        story.apply(&Step::Resolved);
        assert_eq!(story.run_well(), Next::Done);
    }
}

#[test]
fn the_rest_that_a_provider_gives_back_puts_no_units_on_sale_that_a_part_did_not() {
    let mut story = Story::agreed();
    story.run_well();
    story.want_back(10_001);
    story.run_well();
    // The goods were shipped meanwhile.
    story.provider.back = DUE;
    story.apply(&Step::LookUpWanted);
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!((story.hold.units, story.payment.state()), (Units::Confirmed, OrderState::Refunded));
}

#[test]
fn whoever_gave_up_is_not_charged_for_what_another_window_does() {
    let mut story = Story::made_ready();
    story.apply(&Step::Returned(Return::Failed));
    story.apply(&Step::Returned(Return::Cancelled));
    story.apply(&Step::Returned(Return::Agreed { proof: "pg".to_owned() }));
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!((story.provider.taken(), story.payment.state()), (0, OrderState::Cancelled));
}

#[test]
fn steps_are_read_as_they_were_written() {
    let heard = |heard| Step::Heard { asked: 4, heard };
    let refund = RefundId::new(Moment(0));
    let steps = [
        Step::Asked(Ask::GiveBack { refund: Some(refund), minor: 5, before: 7 }),
        heard(Heard::Ready { tid: "T1".to_owned(), page: "p".to_owned(), until: Moment(9) }),
        heard(Heard::Found(Found::Taken { minor: 1, back: 1, ours: 0 })),
        Step::Returned(Return::Agreed { proof: "pg".to_owned() }),
        Step::RefundWanted { refund, minor: 3, restocks: true, withholds: true },
        Step::Resolved,
        Step::Decided(Decision::UnitsGone),
    ];
    for step in steps {
        let text = serde_json::to_string(&step).unwrap();
        assert_eq!(serde_json::from_str::<Step>(&text).unwrap(), step, "{text}");
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Answered),
        1 => Just(Fate::Unsent),
        1 => Just(Fate::Lost),
        1 => Just(Fate::Unanswered),
        1 => (1..100_000_u64).prop_map(Fate::Late),
        1 => any::<bool>().prop_map(|has_left| Fate::Killed { has_left }),
        1 => Just(Fate::Refused),
    ]
}

fn returned() -> impl Strategy<Value = Option<Return>> {
    let agreed = Return::Agreed { proof: "pg".to_owned() };
    prop_oneof![
        5 => Just(Some(agreed)),
        1 => Just(Some(Return::Cancelled)),
        1 => Just(Some(Return::Failed)),
        1 => Just(None),
    ]
}

proptest! {
    #[test]
    fn money_is_taken_at_most_once_and_ends_with_units_or_back_whatever_happens(
        fates in prop::collection::vec(fate(), 0..40),
        returned in returned(),
        returns_after_ms in 0..1_200_000_u64,
        wants in prop::collection::vec((1..DUE, 0..2_000_i64), 0..4),
    ) {
        let mut story = Story::new();
        let mut fates = fates.into_iter();
        while story.payment.ready == Readiness::NotYet && story.payment.units == Units::Held {
            story.advance(&mut fates);
        }
        story.pass(story.now.after(Duration::from_millis(returns_after_ms)));
        if let Some(way) = returned {
            story.apply(&Step::Returned(way));
        }
        prop_assert_eq!(story.run(&mut fates), Next::Done);
        for (want, elsewhere) in wants {
            let minor = want.min(story.payment.refundable().minor);
            if minor > 0 && story.payment.units == Units::Confirmed {
                story.want_back(minor);
                let left = story.provider.taken() - story.provider.back;
                story.provider.back += elsewhere.min(left);
                story.apply(&Step::LookUpWanted);
                prop_assert_eq!(story.run(&mut fates), Next::Done);
            }
        }
        let replayed = story.replayed();
        let Story { payment, provider, hold, refunds, .. } = story;
        prop_assert_eq!(&replayed, &payment, "the steps say all");
        prop_assert!(provider.takings.len() <= 1, "{:?}", provider.takings);
        prop_assert_eq!(payment.taken(), won(provider.taken()), "the books agree with the provider's");
        prop_assert_eq!(payment.back(), won(provider.back));
        prop_assert_eq!(payment.units, hold.units, "and with the engine's");
        prop_assert!(refunds.iter().all(|refund| payment.is_given(*refund)));
        let net = provider.taken() - provider.back;
        if hold.units == Units::Confirmed {
            // What went back at the provider alone says nothing of goods that may be on their way.
            prop_assert!(net > 0 || payment.state() == OrderState::Refunded);
        } else {
            prop_assert_eq!(net, 0, "no units, no money");
            prop_assert!(!provider.is_reserved);
        }
    }
}
