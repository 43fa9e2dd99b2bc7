//! A payment, the provider and the engine as they are, and what becomes of each call between them.

use std::time::Duration;

use base::money::{Currency, Money};

use super::*;

pub(super) const DUE: i64 = 31_000;

pub(super) const fn won(minor: i64) -> Money {
    Money::new(minor, Currency::KRW)
}

pub(super) const HOLD: Duration = Duration::from_mins(10);
const UNTIL: Duration = Duration::from_mins(15);

/// What becomes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Answered,
    /// It never left.
    Unsent,
    /// It never arrived.
    Lost,
    /// It had its effect, and the answer was lost.
    Unanswered,
    /// It has its effect so many milliseconds later.
    Late(u64),
    /// The process ends before it leaves, or after it had its effect.
    Killed {
        has_left: bool,
    },
    /// The provider refuses it; what arrived before may still have its effect.
    Refused,
}

/// The provider, as its own books have it.
#[derive(Clone, Debug, Default)]
pub(super) struct Provider {
    /// Which preparation is the newest, and until when it can be paid.
    tid: u32,
    pub(super) until: Moment,
    pub(super) is_reserved: bool,
    /// It gives a payment up by itself only, in its time.
    pub(super) cannot_void: bool,
    /// By which preparations money was taken.
    pub(super) takings: Vec<u32>,
    /// What each of them took.
    pub(super) price: i64,
    pub(super) back: i64,
    ours: i64,
    late: Vec<(Moment, Ask)>,
}

impl Provider {
    pub(super) fn taken(&self) -> i64 {
        self.price * i64::try_from(self.takings.len()).unwrap()
    }

    /// An effect, and what is answered.
    fn serve(&mut self, ask: Ask, now: Moment) -> Heard {
        match ask {
            Ask::Ready => {
                (self.tid, self.until) = (self.tid + 1, now.after(UNTIL));
                let (tid, page) = (format!("T{}", self.tid), "page".to_owned());
                Heard::Ready { tid, page, until: self.until }
            }
            // A card may be charged as long as something is reserved on it.
            Ask::Approve if self.is_reserved && !self.takings.contains(&self.tid) => {
                self.takings.push(self.tid);
                self.is_reserved = false;
                Heard::Taken { minor: self.price }
            }
            Ask::GiveBack { minor, before, .. }
                if before == self.back && minor <= self.taken() - self.back =>
            {
                (self.back, self.ours) = (self.back + minor, self.ours + minor);
                Heard::GivenBack { minor: self.back }
            }
            Ask::LookUp if self.taken() > 0 => {
                let (minor, back) = (self.taken(), self.back);
                Heard::Found(Found::Taken { minor, back, ours: self.ours })
            }
            Ask::LookUp => Heard::Found(Found::Open),
            Ask::Void if self.taken() == 0 => {
                self.is_reserved &= self.cannot_void;
                Heard::Voided
            }
            Ask::Approve | Ask::GiveBack { .. } | Ask::Void => refused(),
            Ask::Pay | Ask::Confirm | Ask::Release | Ask::TakeBack => {
                unreachable!("the engine is asked for these")
            }
        }
    }

    fn serve_late(&mut self, now: Moment) {
        let (due, later): (Vec<_>, Vec<_>) = self.late.drain(..).partition(|(at, _)| *at <= now);
        self.late = later;
        // A preparation that is late is of no use to anybody.
        for (at, ask) in due.into_iter().filter(|(_, ask)| *ask != Ask::Ready) {
            self.serve(ask, at);
        }
    }
}

fn refused() -> Heard {
    Heard::Refused { code: "not_now".to_owned() }
}

/// The engine's hold.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    pub(super) units: Units,
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

pub(super) struct Story {
    pub(super) payment: Payment,
    pub(super) provider: Provider,
    pub(super) hold: Hold,
    pub(super) now: Moment,
    pub(super) refunds: Vec<RefundId>,
    steps: Vec<(Step, Moment)>,
    /// Whether the engine's word has arrived that the hold ran out.
    has_seen: bool,
}

impl Story {
    pub(super) fn new() -> Self {
        let now = Moment(1_000_000);
        let hold = Hold { units: Units::Held, expires: now.after(HOLD) };
        let (payment, provider) =
            (Payment::new(won(DUE)), Provider { price: DUE, ..Provider::default() });
        let (refunds, steps) = (Vec::new(), Vec::new());
        Self { payment, provider, hold, now, refunds, steps, has_seen: false }
    }

    /// Up to where the shopper is at the provider.
    pub(super) fn made_ready() -> Self {
        let mut story = Self::new();
        story.call(Ask::Ready, Fate::Answered);
        story
    }

    /// Up to where the shopper is back.
    pub(super) fn agreed() -> Self {
        let mut story = Self::made_ready();
        story.apply(&Step::Returned(Return::Agreed { proof: "pg".to_owned() }));
        story
    }

    pub(super) fn apply(&mut self, step: &Step) {
        self.steps.push((step.clone(), self.now));
        self.payment.apply(step, self.now);
    }

    /// The payment that its steps come to.
    pub(super) fn replayed(&self) -> Payment {
        let mut payment = Payment::new(won(DUE));
        self.steps.iter().for_each(|(step, at)| payment.apply(step, *at));
        payment
    }

    pub(super) fn pass(&mut self, until: Moment) {
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

    pub(super) fn call(&mut self, ask: Ask, fate: Fate) {
        let is_engine = matches!(ask, Ask::Pay | Ask::Confirm | Ask::Release | Ask::TakeBack);
        self.apply(&Step::Asked(ask));
        let asked = self.payment.steps();
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
            // A first refusal is for good; what is refused later may have been done by an earlier call.
            Fate::Refused if ask == Ask::Approve && self.provider.late.is_empty() => {
                if self.provider.taken() == 0 {
                    self.provider.is_reserved = false;
                }
                refused()
            }
            Fate::Refused if matches!(ask, Ask::Approve | Ask::GiveBack { .. } | Ask::Void) => {
                refused()
            }
            Fate::Answered | Fate::Late(_) | Fate::Refused => serve(self),
        };
        // The shopper is sent there, and agrees.
        self.provider.is_reserved |= matches!(heard, Heard::Ready { .. });
        self.apply(&Step::Heard { asked, heard });
    }

    /// Has a look-up answered with this.
    pub(super) fn say(&mut self, found: Found) {
        self.apply(&Step::Asked(Ask::LookUp));
        let asked = self.payment.steps();
        self.apply(&Step::Heard { asked, heard: Heard::Found(found) });
    }

    /// Does what is next; answers whether that was nothing.
    pub(super) fn advance(&mut self, fates: &mut impl Iterator<Item = Fate>) -> Option<Next> {
        self.pass(self.now.after(Duration::from_millis(50)));
        match next(&self.payment, self.now) {
            Next::Ask(ask) => self.call(ask, fates.next().unwrap_or(Fate::Answered)),
            Next::Wait(at) => self.pass(at),
            end @ (Next::Done | Next::Doubt(_)) if self.provider.late.is_empty() => {
                return Some(end);
            }
            Next::Done | Next::Doubt(_) => self.pass(self.now.after(LATE)),
        }
        None
    }

    /// Goes on until nothing is left to do.
    pub(super) fn run(&mut self, fates: &mut impl Iterator<Item = Fate>) -> Next {
        let end = (0..500).find_map(|_| self.advance(fates));
        end.unwrap_or_else(|| panic!("it never comes to an end: {:?}", self.payment))
    }

    pub(super) fn run_well(&mut self) -> Next {
        self.run(&mut std::iter::empty())
    }

    pub(super) fn want_back(&mut self, minor: i64) -> RefundId {
        let refund = RefundId::new(self.now);
        self.refunds.push(refund);
        self.apply(&Step::RefundWanted { refund, minor, restocks: true, withholds: false });
        refund
    }
}
