//! What a slot is.

use base::{
    calendar::{Calendar, DAY_HOURS, Day},
    moment::Moment,
};
use identity::ids::BusinessId;

use crate::{
    ids::{DealId, SlotId},
    rental::Plan,
};

/// How long an hour is.
pub(super) const HOUR_MS: i64 = 3_600_000;

/// How the platform gives its hours away.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its days.
    pub calendar: Calendar,
    /// How many deals an hour can have.
    pub capacity: u32,
    /// How many hours a slot has at least.
    pub hours_min: u32,
    /// What they cost.
    pub plan: Plan,
}

/// Whole hours one after the other, of a day or across its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    starts_at: Moment,
    ends_at: Moment,
}

impl Hours {
    /// The hours between two moments.
    ///
    /// # Errors
    ///
    /// As [`HoursRefusal`] says.
    pub fn between(
        policy: &Policy,
        starts_at: Moment,
        ends_at: Moment,
    ) -> Result<Self, HoursRefusal> {
        let calendar = &policy.calendar;
        if !calendar.is_whole_hour(starts_at) || !calendar.is_whole_hour(ends_at) {
            return Err(HoursRefusal::NotWhole);
        }
        if ends_at <= starts_at {
            return Err(HoursRefusal::OutOfOrder);
        }
        let hours = Self { starts_at, ends_at };
        if ends_at.since(starts_at).as_secs() > u64::from(DAY_HOURS) * 3_600 {
            return Err(HoursRefusal::TooMany);
        }
        if hours.count() < policy.hours_min {
            return Err(HoursRefusal::TooFew);
        }
        Ok(hours)
    }

    /// The hours of a day from one to another, which may be 24. An end before the start is the next day's.
    ///
    /// # Errors
    ///
    /// As [`HoursRefusal`] says.
    pub fn of_day(policy: &Policy, day: Day, start: u8, end: u8) -> Result<Self, HoursRefusal> {
        let last = if end < start { day.plus(1) } else { day };
        let starts_at = Some(start).filter(|start| *start < DAY_HOURS);
        let starts_at = starts_at.and_then(|start| policy.calendar.at_hour(day, start));
        match starts_at.zip(policy.calendar.at_hour(last, end)) {
            Some((starts_at, ends_at)) => Self::between(policy, starts_at, ends_at),
            None => Err(HoursRefusal::NotWhole),
        }
    }

    /// Hours that were booked.
    pub(crate) const fn kept(starts_at: Moment, ends_at: Moment) -> Self {
        Self { starts_at, ends_at }
    }

    /// When the first begins.
    pub const fn starts_at(self) -> Moment {
        self.starts_at
    }

    /// When the last ends.
    pub const fn ends_at(self) -> Moment {
        self.ends_at
    }

    /// How many they are.
    pub fn count(self) -> u32 {
        u32::try_from(self.starts().count()).unwrap_or(u32::MAX)
    }

    /// When each begins.
    pub(super) fn starts(self) -> impl Iterator<Item = Moment> {
        let next = |at: &Moment| Some(Moment(at.0 + HOUR_MS));
        std::iter::successors(Some(self.starts_at), next)
            .take_while(move |at| *at < self.ends_at)
            .take(usize::from(DAY_HOURS) + 1)
    }
}

/// Hours that a deal has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its id.
    pub id: SlotId,
    /// Whose it is.
    pub business: BusinessId,
    /// For which deal.
    pub deal: DealId,
    /// Which hours.
    pub hours: Hours,
    /// When it was booked.
    pub booked_at: Moment,
    /// When it was freed, before it began.
    pub freed_at: Option<Moment>,
}

store::refusals! {
    /// Why two moments are not hours that can be booked.
    pub HoursRefusal {
        /// One of them is not on the hour.
        NotWhole = "hours_not_whole": "a deal begins and ends on the hour, from 00:00 to 24:00",
        /// The end is not after the start.
        OutOfOrder = "hours_out_of_order": "a deal ends after it begins",
        /// They are fewer than the platform gives.
        TooFew = "hours_too_few": "the hours are fewer than the platform's minimum",
        /// They are more than a day.
        TooMany = "hours_too_many": "a deal lasts 24 hours at most",
    }
}

store::refusals! {
    /// Why hours were not booked.
    pub BookRefusal {
        /// Another deal has one of them.
        Taken = "slot_taken": "another deal has booked one of these hours",
        /// They have begun.
        Past = "slot_past": "the hours have begun",
        /// They are too far ahead.
        TooFarAhead = "slot_too_far_ahead": "hours are booked a year ahead at most",
        /// The deal has hours.
        HasSlot = "slot_booked": "the deal has booked its hours",
    }
}

#[cfg(test)]
mod tests {
    use base::money::{Currency, Money};

    use super::*;

    fn policy() -> Policy {
        let plan = Plan::per_hour(Money::new(10_000, Currency::KRW)).unwrap();
        Policy { calendar: Calendar::default(), capacity: 1, hours_min: 2, plan }
    }

    fn of_day(start: u8, end: u8) -> Result<u32, HoursRefusal> {
        Hours::of_day(&policy(), "2024-05-24".parse().unwrap(), start, end).map(Hours::count)
    }

    #[test]
    fn hours_end_at_24_or_on_the_next_day() {
        assert_eq!(of_day(12, 15), Ok(3));
        assert_eq!(of_day(22, 24), Ok(2));
        assert_eq!(of_day(22, 2), Ok(4));
        assert_eq!(of_day(0, 24), Ok(24));
        assert_eq!(of_day(22, 0), Ok(2), "00:00 of the next day is 24:00");
    }

    #[test]
    fn hours_are_whole_in_order_and_enough() {
        assert_eq!(of_day(12, 13), Err(HoursRefusal::TooFew));
        assert_eq!(of_day(12, 12), Err(HoursRefusal::OutOfOrder));
        assert_eq!(of_day(24, 2), Err(HoursRefusal::NotWhole));
        assert_eq!(of_day(12, 25), Err(HoursRefusal::NotWhole));
        let policy = policy();
        let midnight = policy.calendar.start_of("2024-05-24".parse().unwrap());
        let later = |ms: i64| Moment(midnight.0 + ms);
        let between = |start, end| Hours::between(&policy, start, end).map(Hours::count);
        assert_eq!(between(midnight, later(2 * HOUR_MS)), Ok(2));
        assert_eq!(between(later(1), later(2 * HOUR_MS)), Err(HoursRefusal::NotWhole));
        assert_eq!(between(midnight, later(HOUR_MS * 5 / 2)), Err(HoursRefusal::NotWhole));
        assert_eq!(between(later(HOUR_MS), midnight), Err(HoursRefusal::OutOfOrder));
        assert_eq!(between(midnight, later(25 * HOUR_MS)), Err(HoursRefusal::TooMany));
        assert_eq!(between(midnight, Moment(0)), Err(HoursRefusal::OutOfOrder));
    }
}
