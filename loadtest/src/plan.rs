//! What each shopper will do, decided before the first socket opens.
//!
//! Owns behaviours and habits, and the draw that turns them into one [`Plan`] a shopper, all from
//! the seed. Refuses to know when shoppers come ([`crate::arrivals`]) and how a plan is carried
//! out ([`crate::shopper`]).

use std::time::Duration;

use crate::arrivals::Arrivals;
use crate::rng::Rng;

/// The stream of the seed that decides plans; streams above are the shoppers' own.
const STREAM_PLANS: u64 = 0;
/// The stream of the seed that decides when the server dies.
const STREAM_KILLS: u64 = 1;
/// The stream of the seed that decides arrivals.
const STREAM_ARRIVALS: u64 = 2;
/// The first stream that belongs to a shopper.
pub(crate) const STREAM_SHOPPERS: u64 = 16;

/// The longest time to think: the tail of a wide lognormal has no end.
const THINK_MAX: Duration = Duration::from_mins(10);
/// How often a refresher enters again or asks again at once.
const REFRESHES_MAX: u64 = 3;
/// Tabs of a shopper with several.
pub(crate) const TABS: u8 = 3;
/// Between two requests of a bot.
pub(crate) const BOT_EVERY: Duration = Duration::from_millis(10);

/// A way to shop, as scenario files name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Polls as asked, then buys by the habits.
    Patient,
    /// Like patient, but enters again with its key or polls again at once.
    Refresher,
    /// Enters and polls from several tabs at once, with one key.
    SeveralTabs {
        /// How many.
        tabs: u8,
    },
    /// Leaves the line after a poll or two.
    Leaver,
    /// Stops polling after a poll or two, without a word.
    Silent,
    /// Waits until called and never claims.
    NoShow,
    /// Polls as asked, buys one unit and always pays.
    BuyerPays,
    /// Polls as asked, reserves a unit and never pays.
    BuyerAbandons,
    /// Asks as fast as it likes, enters over and over, tries to buy without a pass.
    Bot {
        /// Between two of its requests.
        every: Duration,
    },
    /// Waits on the event stream instead of polling.
    SseWatcher,
}

/// How long a shopper thinks before buying, and again before paying.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Think {
    /// Anything between the two, alike.
    Between(Duration, Duration),
    /// Lognormal: half think shorter than `median`; `sigma` is the spread of the logarithm.
    Lognormal { median: Duration, sigma: f64 },
}

impl Default for Think {
    fn default() -> Self {
        Self::Between(Duration::from_millis(20), Duration::from_millis(250))
    }
}

impl Think {
    fn draw(self, rng: &mut Rng) -> Duration {
        match self {
            Self::Between(low, high) => low + high.saturating_sub(low).mul_f64(rng.unit()),
            Self::Lognormal { median, sigma } => {
                let factor = (sigma * rng.normal()).exp();
                Duration::try_from_secs_f64(median.as_secs_f64() * factor)
                    .map_or(THINK_MAX, |thought| thought.min(THINK_MAX))
            }
        }
    }
}

/// Shoppers of one behaviour, and how many of them for the others' weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    pub(crate) behaviour: Behaviour,
    pub(crate) weight: u32,
    pub(crate) think: Think,
}

/// How many in a hundred of those who buy by habit do what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    /// Want two units.
    pub(crate) pairs: u32,
    /// Give the hold up instead of paying.
    pub(crate) releasers: u32,
    /// Never pay, so the hold expires.
    pub(crate) abandoners: u32,
    /// Send the same purchase twice.
    pub(crate) double_clickers: u32,
}

impl Default for Habits {
    fn default() -> Self {
        Self { pairs: 10, releasers: 5, abandoners: 5, double_clickers: 5 }
    }
}

/// How a shopper waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Polls until let in.
    Stay,
    /// Enters again with the same key, or polls again at once, so many times.
    Refresh { times: u64 },
    /// The same from so many tabs at once.
    Tabs { tabs: u8 },
    /// Leaves after so many polls, or when let in before.
    Leave { polls: u64 },
    /// Stops polling after so many polls, or when let in before.
    FallSilent { polls: u64 },
    /// Waits until called, then does nothing.
    NoShow,
    /// Waits on the event stream.
    Watch,
    /// Hammers.
    Hammer { every: Duration },
}

/// How a shopper's hold ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The backend takes the money.
    Confirm,
    /// The shopper gives the units back.
    Release,
    /// Nothing: the hold runs out.
    Abandon,
}

/// What one shopper will do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// From the start of the run to the intended arrival.
    pub(crate) arrival: Duration,
    pub(crate) manner: Manner,
    pub(crate) ending: Ending,
    pub(crate) units: u64,
    pub(crate) double_click: bool,
    /// Between being let in and buying.
    pub(crate) choosing: Duration,
    /// Between hold and payment.
    pub(crate) payment: Duration,
}

impl Plan {
    /// True when this shopper means to keep what they buy.
    pub(crate) fn wants_to_buy(&self) -> bool {
        let waits = match self.manner {
            Manner::Stay
            | Manner::Refresh { .. }
            | Manner::Tabs { .. }
            | Manner::Watch
            | Manner::Hammer { .. } => true,
            Manner::Leave { .. } | Manner::FallSilent { .. } | Manner::NoShow => false,
        };
        waits && self.ending == Ending::Confirm
    }

    /// True for a bot.
    pub(crate) fn is_bot(&self) -> bool {
        matches!(self.manner, Manner::Hammer { .. })
    }
}

/// Plans for everyone who comes within `window`, by arrival.
pub(crate) fn plans(
    seed: u64,
    arrivals: &Arrivals,
    window: Duration,
    groups: &[Group],
    habits: Habits,
) -> Vec<Plan> {
    let moments = arrivals.moments(&mut Rng::split(seed, STREAM_ARRIVALS), window);
    let mut rng = Rng::split(seed, STREAM_PLANS);
    moments
        .into_iter()
        .map(|arrival| plan(arrival, pick(groups, &mut rng), habits, &mut rng))
        .collect()
}

/// One of the groups, by weight.
fn pick(groups: &[Group], rng: &mut Rng) -> Group {
    let all = groups.iter().map(|group| u64::from(group.weight)).sum();
    let mut roll = rng.below(all);
    for group in groups {
        match roll.checked_sub(u64::from(group.weight)) {
            Some(rest) => roll = rest,
            None => return *group,
        }
    }
    unreachable!("a scenario's weights are checked to be positive in all")
}

fn plan(arrival: Duration, group: Group, habits: Habits, rng: &mut Rng) -> Plan {
    let polls = rng.below(3);
    let manner = match group.behaviour {
        Behaviour::Patient | Behaviour::BuyerPays | Behaviour::BuyerAbandons => Manner::Stay,
        Behaviour::Refresher => Manner::Refresh { times: rng.between(1, REFRESHES_MAX) },
        Behaviour::SeveralTabs { tabs } => Manner::Tabs { tabs },
        Behaviour::Leaver => Manner::Leave { polls },
        Behaviour::Silent => Manner::FallSilent { polls },
        Behaviour::NoShow => Manner::NoShow,
        Behaviour::Bot { every } => Manner::Hammer { every },
        Behaviour::SseWatcher => Manner::Watch,
    };
    let by_habit = match rng.below(100) {
        roll if roll < u64::from(habits.releasers) => Ending::Release,
        roll if roll < u64::from(habits.releasers + habits.abandoners) => Ending::Abandon,
        _ => Ending::Confirm,
    };
    let (pair, double_click) = (rng.chance(habits.pairs), rng.chance(habits.double_clickers));
    let (ending, has_habits) = match group.behaviour {
        Behaviour::BuyerPays | Behaviour::Bot { .. } => (Ending::Confirm, false),
        Behaviour::BuyerAbandons => (Ending::Abandon, false),
        Behaviour::Patient
        | Behaviour::Refresher
        | Behaviour::SeveralTabs { .. }
        | Behaviour::Leaver
        | Behaviour::Silent
        | Behaviour::NoShow
        | Behaviour::SseWatcher => (by_habit, true),
    };
    Plan {
        arrival,
        manner,
        ending,
        units: if has_habits && pair { 2 } else { 1 },
        double_click: has_habits && double_click,
        choosing: group.think.draw(rng),
        payment: group.think.draw(rng),
    }
}

/// `count` moments to kill the server, one in each equal part of the middle of the run.
///
/// The middle is 10–85 % of the arrival window: traffic has begun, and arrivals still come in
/// afterwards to show that the restarted server serves.
pub(crate) fn kill_moments(seed: u64, count: u32, over: Duration) -> Vec<Duration> {
    let mut rng = Rng::split(seed, STREAM_KILLS);
    let (begin, span) = (over.mul_f64(0.10), over.mul_f64(0.75));
    (0..count)
        .map(|i| {
            let part = span / count;
            let micros = u64::try_from(part.as_micros()).unwrap_or(u64::MAX);
            begin + part * i + Duration::from_micros(rng.below(micros))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn crowd(seed: u64, shoppers: usize, groups: &[Group]) -> Vec<Plan> {
        plans(seed, &Arrivals::crowd(shoppers, SECOND), SECOND, groups, Habits::default())
    }

    fn group(behaviour: Behaviour, weight: u32) -> Group {
        Group { behaviour, weight, think: Think::default() }
    }

    #[test]
    fn the_seed_fixes_every_plan() {
        let groups = [group(Behaviour::Patient, 1), group(Behaviour::Leaver, 1)];
        let (first, again) = (crowd(9, 500, &groups), crowd(9, 500, &groups));
        assert_eq!(format!("{first:?}"), format!("{again:?}"));
        assert_ne!(format!("{first:?}"), format!("{:?}", crowd(10, 500, &groups)));
    }

    #[test]
    fn behaviours_appear_by_weight_and_habits_by_percent() {
        let groups = [
            group(Behaviour::Patient, 6),
            group(Behaviour::NoShow, 3),
            group(Behaviour::SseWatcher, 1),
        ];
        let crowd = crowd(1, 10_000, &groups);
        let share = |test: fn(&Plan) -> bool| crowd.iter().filter(|plan| test(plan)).count();
        let no_shows = share(|plan| plan.manner == Manner::NoShow);
        let watchers = share(|plan| plan.manner == Manner::Watch);
        let pairs = share(|plan| plan.units == 2);
        assert!((2_800..3_200).contains(&no_shows), "{no_shows}");
        assert!((850..1_150).contains(&watchers), "{watchers}");
        assert!((850..1_150).contains(&pairs), "{pairs}");
    }

    #[test]
    fn who_is_said_to_pay_pays_and_who_is_said_not_to_does_not() {
        let pays = crowd(2, 300, &[group(Behaviour::BuyerPays, 1)]);
        assert!(pays.iter().all(|plan| plan.wants_to_buy() && plan.units == 1));
        let abandons = crowd(2, 300, &[group(Behaviour::BuyerAbandons, 1)]);
        assert!(abandons.iter().all(|plan| plan.ending == Ending::Abandon));
    }

    #[test]
    fn thinking_keeps_its_bounds_and_its_median() {
        let mut rng = Rng::new(8);
        let (low, high) = (SECOND, SECOND * 2);
        let between = (0..500).map(|_| Think::Between(low, high).draw(&mut rng));
        assert!(between.into_iter().all(|thought| (low..=high).contains(&thought)));
        let think = Think::Lognormal { median: SECOND, sigma: 1.0 };
        let shorter = (0..2_000).filter(|_| think.draw(&mut rng) < SECOND).count();
        assert!((900..1_100).contains(&shorter), "{shorter}");
        let wild = Think::Lognormal { median: THINK_MAX, sigma: 50.0 };
        assert!((0..100).all(|_| wild.draw(&mut rng) <= THINK_MAX));
    }

    #[test]
    fn kills_fall_in_the_middle_of_the_run_one_after_another() {
        let over = Duration::from_secs(20);
        let moments = kill_moments(4, 5, over);
        assert_eq!(moments.len(), 5);
        assert!(moments.is_sorted());
        assert!(moments[0] >= Duration::from_secs(2) && moments[4] < Duration::from_secs(17));
    }
}
