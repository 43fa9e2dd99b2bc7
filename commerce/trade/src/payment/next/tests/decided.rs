//! What goes to a person, and what comes of what they decide.

use super::*;

#[test]
fn other_amounts_and_unpaid_units_go_to_a_person_and_nothing_is_asked_any_more() {
    let mut story = Story::made_ready();
    story.apply(&Step::LookUpWanted);
    story.say(Found::Taken { minor: DUE - 1, back: 0, ours: 0 });
    assert_eq!(next(&story.payment, story.now), Next::Doubt(Doubt::Amount));
    let mut story = Story::made_ready();
    story.apply(&Step::Seen(Seen::Confirmed));
    assert_eq!(next(&story.payment, story.now), Next::Doubt(Doubt::Unpaid));
    assert_eq!(story.payment.doubt(), Some(Doubt::Unpaid), "the desk shows it");
    // An approval without an answer may have paid for them.
    let mut story = Story::agreed();
    story.call(Ask::Pay, Fate::Answered);
    story.call(Ask::Approve, Fate::Unanswered);
    story.hold.units = Units::Confirmed;
    story.apply(&Step::Seen(Seen::Confirmed));
    assert_eq!(story.payment.doubt(), None);
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!(story.payment.state(), OrderState::Paid);
}

/// A payment of which the provider says that it took another amount.
fn of_another_amount() -> Story {
    let mut story = Story::agreed();
    story.call(Ask::Pay, Fate::Answered);
    story.apply(&Step::Asked(Ask::Approve));
    let asked = story.payment.steps();
    story.provider.takings.push(1);
    story.provider.price = DUE - 1_000;
    story.apply(&Step::Heard { asked, heard: Heard::Taken { minor: DUE - 1_000 } });
    assert_eq!(next(&story.payment, story.now), Next::Doubt(Doubt::Amount));
    story
}

#[test]
fn another_amount_is_accepted_or_given_back_as_a_person_decides() {
    let mut story = of_another_amount();
    assert!(!can_decide(&story.payment, Decision::UnitsGone, story.now));
    story.apply(&Step::Decided(Decision::Accept));
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!(story.payment.state(), OrderState::Paid);
    // It stays accepted.
    story.apply(&Step::LookUpWanted);
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!(story.payment.refundable(), won(DUE - 1_000));
    // Another one still is another one.
    story.provider.price = DUE;
    story.apply(&Step::LookUpWanted);
    assert_eq!(story.run_well(), Next::Doubt(Doubt::Amount));

    let mut story = of_another_amount();
    story.apply(&Step::Decided(Decision::Undo));
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!((story.hold.units, story.payment.state()), (Units::Released, OrderState::Refunded));
    assert_eq!(story.provider.back, DUE - 1_000);

    // The person gave it back at the provider.
    let mut story = of_another_amount();
    story.provider.back = DUE - 1_000;
    story.apply(&Step::Decided(Decision::Accept));
    story.apply(&Step::LookUpWanted);
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!((story.hold.units, story.payment.state()), (Units::Released, OrderState::Refunded));
}

#[test]
fn units_that_nobody_paid_stay_or_go_back_as_a_person_decides() {
    for begin in [Story::new, Story::made_ready, Story::agreed] {
        let sold = || {
            let mut story = begin();
            story.hold.units = Units::Confirmed;
            story.apply(&Step::Seen(Seen::Confirmed));
            story.apply(&Step::Resolved);
            assert_eq!(story.run_well(), Next::Doubt(Doubt::Unpaid));
            assert_eq!(story.payment.doubt(), Some(Doubt::Unpaid), "the desk shows it");
            story
        };
        let mut story = sold();
        story.apply(&Step::Decided(Decision::Accept));
        assert_eq!(story.run_well(), Next::Done);
        assert_eq!(
            (story.hold.units, story.payment.state()),
            (Units::Confirmed, OrderState::Cancelled)
        );
        let mut story = sold();
        story.apply(&Step::Decided(Decision::Undo));
        assert_eq!(story.run_well(), Next::Done);
        assert_eq!(
            (story.hold.units, story.payment.state()),
            (Units::Refunded, OrderState::Cancelled)
        );
        assert!(!story.provider.is_reserved);
        // Taken back in the engine before anybody decided.
        let mut story = sold();
        story.hold.units = Units::Refunded;
        story.apply(&Step::Seen(Seen::TakenBack));
        story.apply(&Step::Decided(Decision::Accept));
        assert_eq!(story.run_well(), Next::Done);
        assert_eq!(story.payment.state(), OrderState::Cancelled);
    }
}

#[test]
fn money_for_units_that_the_keeper_does_not_know_any_more_goes_back_if_a_person_says_so() {
    let mut story = Story::agreed();
    story.call(Ask::Pay, Fate::Answered);
    story.call(Ask::Approve, Fate::Answered);
    while story.advance(&mut std::iter::once(Fate::Unsent)).is_none() {}
    assert_eq!(story.payment.doubt(), Some(Doubt::NoAnswer));
    assert!(!can_decide(&story.payment, Decision::Accept, story.now));
    assert!(can_decide(&story.payment, Decision::UnitsGone, story.now));
    story.apply(&Step::Decided(Decision::UnitsGone));
    story.hold.units = Units::Released;
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!((story.provider.back, story.payment.state()), (DUE, OrderState::Refunded));
}
