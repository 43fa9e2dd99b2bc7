//! Payments against a provider and an engine that answer late, twice over, or not at all.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    ids::RefundId,
    order::state::OrderState,
    payment::{Found, Heard, Return, Seen, Step, state::LATE},
};

const DUE: i64 = 31_000;
const UNTIL: Duration = Duration::from_mins(15);
const HOLD: Duration = Duration::from_mins(10);

/// What becomes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    /// It never left.
    Unsent,
    /// It never arrived.
    Lost,
    /// It had its effect, and the answer was lost.
    Unanswered,
    /// It has its effect later, in which it is the only one of its kind.
    Late(u64),
    /// The process ends before it leaves, or after it had its effect.
    Killed {
        has_left: bool,
    },
    Refused,
}

/// The provider, as its own books have it.
#[derive(Clone, Debug, Default)]
struct Provider {
    until: Moment,
    taken: i64,
    takings: u32,
    back: i64,
    /// Calls under way.
    late: Vec<(Moment, Ask)>,
}

impl Provider {
    /// An effect, and what is answered.
    fn serve(&mut self, ask: Ask, now: Moment) -> Heard {
        let refused = Heard::Refused { code: "not_now".to_owned() };
        match ask {
            Ask::Ready => {
                self.until = now.after(UNTIL);
                Heard::Ready { tid: "T1".to_owned(), until: self.until }
            }
            Ask::Approve if self.taken == 0 && now < self.until.after(LATE) => {
                self.taken = DUE;
                self.takings += 1;
                Heard::Taken { minor: DUE }
            }
            Ask::GiveBack { minor, before } if before == self.back => {
                self.back += minor;
                Heard::GivenBack { minor: self.back }
            }
            Ask::LookUp if self.taken > 0 => {
                Heard::Found(Found::Taken { minor: self.taken, back: self.back })
            }
            Ask::LookUp => Heard::Found(Found::Open),
            Ask::Approve | Ask::GiveBack { .. } => refused,
            Ask::Pay | Ask::Confirm | Ask::Release | Ask::TakeBack => {
                unreachable!("the engine is asked for these")
            }
        }
    }

    fn serve_late(&mut self, now: Moment) {
        let (due, later): (Vec<_>, Vec<_>) = self.late.drain(..).partition(|(at, _)| *at <= now);
        self.late = later;
        for (at, ask) in due {
            self.serve(ask, at);
        }
    }
}

/// The engine's hold.
#[derive(Clone, Debug)]
struct Hold {
    units: Units,
    expires: Moment,
}

impl Hold {
    fn serve(&mut self, ask: Ask) -> Heard {
        self.units = match (ask, self.units) {
            (Ask::Pay, Units::Held) => Units::Paying,
            (Ask::Confirm, Units::Held | Units::Paying) => Units::Confirmed,
            (Ask::Release, Units::Held | Units::Paying) => Units::Released,
            (Ask::TakeBack, Units::Confirmed) => Units::Refunded,
            (_, units) => units,
        };
        match self.units {
            Units::Paying => Heard::Paying,
            Units::Confirmed => Heard::Confirmed,
            Units::Released => Heard::Released,
            Units::Refunded => Heard::TakenBack,
            Units::Held => unreachable!("every call moves a hold"),
        }
    }
}

struct Story {
    payment: Payment,
    provider: Provider,
    hold: Hold,
    now: Moment,
    /// Whether the engine's word has arrived that the hold ran out.
    has_seen: bool,
}

impl Story {
    fn new() -> Self {
        let now = Moment(1_000_000);
        let hold = Hold { units: Units::Held, expires: now.after(HOLD) };
        let (payment, provider) = (Payment::new(DUE, now), Provider::default());
        Self { payment, provider, hold, now, has_seen: false }
    }

    fn apply(&mut self, step: &Step) {
        self.payment.apply(step, self.now);
    }

    fn pass(&mut self, until: Moment) {
        self.now = until.max(self.now);
        self.provider.serve_late(self.now);
        if self.hold.units == Units::Held && self.now >= self.hold.expires {
            self.hold.units = Units::Released;
        }
        if self.hold.units == Units::Released && !self.has_seen {
            self.has_seen = true;
            self.apply(&Step::Seen(Seen::Released));
        }
    }

    fn call(&mut self, ask: Ask, fate: Fate) {
        let is_engine = matches!(ask, Ask::Pay | Ask::Confirm | Ask::Release | Ask::TakeBack);
        self.apply(&Step::Asked(ask));
        let serve = |story: &mut Self| {
            if is_engine { story.hold.serve(ask) } else { story.provider.serve(ask, story.now) }
        };
        let heard = match fate {
            Fate::Unsent => Heard::Unsent,
            Fate::Lost => Heard::Silence,
            Fate::Unanswered => {
                serve(self);
                Heard::Silence
            }
            Fate::Late(ms) if !is_engine => {
                let at = self.now.after(Duration::from_millis(ms));
                self.provider.late.push((at, ask));
                Heard::Silence
            }
            Fate::Killed { has_left } => {
                if has_left {
                    serve(self);
                }
                return;
            }
            Fate::Refused if ask == Ask::Approve && self.provider.taken == 0 => {
                // A provider that refuses for good does not take it later.
                self.provider.until = Moment(0);
                self.provider.late.clear();
                Heard::Refused { code: "wrong_password".to_owned() }
            }
            Fate::Answered | Fate::Late(_) | Fate::Refused => serve(self),
        };
        self.apply(&Step::Heard(heard));
    }

    /// Goes on until nothing is left to do.
    fn run(&mut self, fates: &mut impl Iterator<Item = Fate>) -> Next {
        for _ in 0..500 {
            self.pass(self.now.after(Duration::from_millis(50)));
            match next(&self.payment, self.now) {
                Next::Ask(ask) => self.call(ask, fates.next().unwrap_or(Fate::Answered)),
                Next::Wait(at) => self.pass(at),
                end @ (Next::Done | Next::Doubt(_)) if self.provider.late.is_empty() => return end,
                Next::Done | Next::Doubt(_) => self.pass(self.now.after(LATE)),
            }
        }
        panic!("it never comes to an end: {:?}", self.payment);
    }

    /// Up to where the shopper is at the provider.
    fn made_ready() -> Self {
        let mut story = Self::new();
        story.call(Ask::Ready, Fate::Answered);
        story
    }

    fn agreed() -> Self {
        let mut story = Self::made_ready();
        story.apply(&Step::Returned(Return::Agreed { proof: "pg".to_owned() }));
        story
    }

    fn run_well(&mut self) -> Next {
        self.run(&mut std::iter::empty())
    }

    fn want_back(&mut self, minor: i64) -> RefundId {
        let refund = RefundId::new(self.now);
        self.apply(&Step::RefundWanted { refund, minor });
        refund
    }
}

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
fn nothing_is_taken_for_units_whose_time_ran_out() {
    let mut story = Story::agreed();
    story.pass(story.now.after(HOLD));
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!((story.provider.takings, story.payment.state()), (0, OrderState::Cancelled));
}

#[test]
fn whoever_does_not_come_back_has_the_units_until_the_provider_gave_up() {
    let mut story = Story::made_ready();
    assert_eq!(story.payment.state(), OrderState::Paying);
    story.call(Ask::Pay, Fate::Answered);
    assert_eq!(story.run_well(), Next::Done);
    assert!(story.now >= story.provider.until.after(LATE));
    assert_eq!(story.payment.state(), OrderState::Cancelled);
}

#[test]
fn an_approval_without_an_answer_is_looked_up_and_not_asked_for_again() {
    let mut story = Story::agreed();
    story.call(Ask::Pay, Fate::Answered);
    story.call(Ask::Approve, Fate::Killed { has_left: true });
    assert_eq!(next(&story.payment, story.now), Next::Ask(Ask::LookUp));
    assert_eq!(story.run_well(), Next::Done);
    assert_eq!((story.provider.takings, story.payment.state()), (1, OrderState::Paid));
}

#[test]
fn a_refusal_of_a_second_approval_is_no_proof_that_the_first_one_failed() {
    let mut story = Story::agreed();
    story.call(Ask::Pay, Fate::Answered);
    story.call(Ask::Approve, Fate::Late(3_000));
    // Not there yet when it is looked for, but when it is asked for again.
    let fates = [Fate::Answered, Fate::Late(1)];
    story.pass(story.now.after(Duration::from_secs(2)));
    assert_eq!(story.run(&mut fates.into_iter()), Next::Done);
    assert_eq!((story.provider.takings, story.payment.state()), (1, OrderState::Paid));
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
    assert_eq!(story.payment.refundable(), DUE - 10_001);
    let second = story.want_back(story.payment.refundable());
    assert!(story.payment.is_given(first) && !story.payment.is_given(second));
    story.run_well();
    assert!(story.payment.is_given(second));
    assert_eq!((story.provider.back, story.payment.state()), (DUE, OrderState::Refunded));
}

#[test]
fn a_refund_that_began_at_the_provider_counts_beside_those_that_began_here() {
    let mut story = Story::agreed();
    story.run_well();
    story.provider.back = 300;
    story.apply(&Step::LookUpWanted);
    story.run_well();
    assert_eq!((story.payment.back(), story.payment.refundable()), (300, DUE - 300));
    let refund = story.want_back(500);
    story.run_well();
    assert!(story.payment.is_given(refund));
    assert_eq!(story.provider.back, 800);
}

#[test]
fn contradictions_go_to_a_person_and_nothing_is_asked_any_more() {
    let taken = |minor, back| Step::Heard(Heard::Found(Found::Taken { minor, back }));
    let cases = [
        (taken(DUE - 1, 0), Doubt::Amount),
        (taken(DUE, DUE + 1), Doubt::Back),
        (Step::Seen(Seen::Confirmed), Doubt::Unpaid),
    ];
    for (step, doubt) in cases {
        let mut story = Story::made_ready();
        story.apply(&step);
        assert_eq!(next(&story.payment, story.now), Next::Doubt(doubt), "{step:?}");
    }
    let mut story = Story::agreed();
    story.run_well();
    story.apply(&Step::Heard(Heard::Found(Found::Over)));
    assert_eq!(next(&story.payment, story.now), Next::Doubt(Doubt::Vanished));
}

#[test]
fn steps_are_read_as_they_were_written() {
    let steps = [
        Step::Asked(Ask::GiveBack { minor: 5, before: 7 }),
        Step::Heard(Heard::Ready { tid: "T1".to_owned(), until: Moment(9) }),
        Step::Heard(Heard::Found(Found::Taken { minor: 1, back: 0 })),
        Step::Returned(Return::Agreed { proof: "pg".to_owned() }),
        Step::RefundWanted { refund: RefundId::new(Moment(0)), minor: 3 },
    ];
    for step in steps {
        let text = serde_json::to_string(&step).unwrap();
        assert_eq!(serde_json::from_str::<Step>(&text).unwrap(), step, "{text}");
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        3 => Just(Fate::Answered),
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
        wants in prop::collection::vec(1..DUE, 0..4),
    ) {
        let mut story = Story::made_ready();
        story.pass(story.now.after(Duration::from_millis(returns_after_ms)));
        story.payment.returned = returned;
        let mut fates = fates.into_iter();
        prop_assert_eq!(story.run(&mut fates), Next::Done);
        for want in wants {
            let minor = want.min(story.payment.refundable());
            if minor > 0 {
                story.want_back(minor);
                prop_assert_eq!(story.run(&mut fates), Next::Done);
            }
        }
        let Story { payment, provider, hold, .. } = story;
        prop_assert!(provider.takings <= 1);
        prop_assert_eq!(payment.taken(), provider.taken, "the books agree with the provider's");
        prop_assert_eq!(payment.back(), provider.back);
        prop_assert_eq!(payment.units, hold.units, "and with the engine's");
        let wanted: i64 = payment.wanted.iter().map(|refund| refund.minor).sum();
        let net = provider.taken - provider.back;
        if hold.units == Units::Confirmed {
            prop_assert!(net > 0 && provider.back == wanted);
        } else {
            prop_assert_eq!(net, 0, "no units, no money");
        }
    }
}
