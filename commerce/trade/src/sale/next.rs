//! What is to be done about a sale. Pure: what is wanted, what stands and the time say it.

use std::time::Duration;

use base::moment::Moment;

use super::model::{Act, Live, Standing, Version, Wanted};

/// How long before it opens a sale is made. The engine has room for some thousand at once.
pub(super) const MADE_BEFORE: Duration = Duration::from_hours(7 * 24);

/// How long after its end a sale is archived: payments that were under way are over by then.
pub(super) const ARCHIVED_AFTER: Duration = Duration::from_hours(1);

/// How soon a sale that another node may have made is looked for again when its deal is over.
pub(super) const LOOKED_FOR_AFTER: Duration = Duration::from_mins(1);

/// The same as a share of the time since the deal was over.
const LOOKED_FOR_SHARE: u32 = 8;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// One step, and then to look again.
    Do(Act),
    /// Nothing until then.
    Wait(Moment),
    /// As many units as this are sold or reserved: the deal has them too.
    HaveStock(u64),
    /// Nothing any more.
    Done,
    /// The sale opened at another price than the deal has: it sells nothing more at that price.
    OtherPrice(Version),
}

pub(super) fn next(wanted: &Wanted, standing: &Standing, now: Moment) -> Next {
    let is_over = now >= wanted.over_at;
    match standing {
        Standing::Absent if is_over => Next::Done,
        Standing::Unheard if is_over => look_for(wanted, now),
        Standing::Absent | Standing::Unheard => {
            let at = wanted.opens_at.before(MADE_BEFORE);
            if now < at { Next::Wait(at) } else { Next::Do(Act::Create) }
        }
        Standing::Archived => Next::Done,
        Standing::Live(live) if is_over => at_the_end(wanted, live, now),
        Standing::Live(live) => while_it_runs(wanted, live),
    }
}

/// A deal that was called off may have a sale that another node has just made. It is looked for, until it
/// would have closed by itself: otherwise it would open.
fn look_for(wanted: &Wanted, now: Moment) -> Next {
    let was_too_early = wanted.over_at < wanted.opens_at.before(MADE_BEFORE);
    if was_too_early || now >= wanted.closes_at {
        return Next::Done;
    }
    let pause = now.since(wanted.over_at) / LOOKED_FOR_SHARE;
    Next::Wait(now.after(pause.max(LOOKED_FOR_AFTER)).min(wanted.closes_at))
}

fn at_the_end(wanted: &Wanted, live: &Live, now: Moment) -> Next {
    let archive_at = wanted.over_at.after(ARCHIVED_AFTER);
    if !live.is_closed {
        Next::Do(Act::Close(live.version))
    } else if now < archive_at {
        Next::Wait(archive_at)
    } else {
        Next::Do(Act::Archive(live.version))
    }
}

fn while_it_runs(wanted: &Wanted, live: &Live) -> Next {
    // First, whatever else there is to do: a pause is somebody's way to stop what goes wrong.
    if wanted.is_paused && !live.is_paused {
        return Next::Do(Act::Pause(live.version));
    }
    if live.price != Some(wanted.price) {
        // Once it is closed it can be deleted and made again, unless somebody has bought in it.
        let sells = live.has_opened && !live.is_closed;
        let delete = Next::Do(Act::Delete(live.version));
        return if sells { Next::OtherPrice(live.version) } else { delete };
    }
    let says_the_same = live.title == wanted.title
        && live.opens_at == Some(wanted.opens_at)
        && live.closes_at == Some(wanted.closes_at)
        && live.per_shopper_max == wanted.per_shopper_max;
    if !says_the_same {
        return Next::Do(Act::Update(live.version));
    }
    if live.is_paused && !wanted.is_paused {
        return Next::Do(Act::Resume(live.version));
    }
    let stock = u64::from(wanted.stock);
    if stock > live.stock {
        return Next::Do(Act::Restock(live.version, units(stock - live.stock)));
    }
    let too_many = live.stock - stock;
    match too_many.min(live.available) {
        0 if too_many > 0 => Next::HaveStock(live.stock),
        0 => Next::Wait(wanted.over_at),
        go => Next::Do(Act::Restock(live.version, -units(go))),
    }
}

fn units(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use base::money::{Currency, Money};

    use super::*;

    const OPENS: Moment = Moment(100 * 24 * 3_600_000);
    const CLOSES: Moment = Moment(OPENS.0 + 3 * 3_600_000);
    const VERSION: Version = Version { epoch: 1, changes: 7 };

    fn wanted() -> Wanted {
        Wanted {
            title: "Mist".to_owned(),
            opens_at: OPENS,
            closes_at: CLOSES,
            price: Money::new(14_499, Currency::KRW),
            stock: 500,
            per_shopper_max: 2,
            is_paused: false,
            over_at: CLOSES,
        }
    }

    fn live() -> Live {
        let wanted = wanted();
        Live {
            version: VERSION,
            title: wanted.title,
            opens_at: Some(OPENS),
            closes_at: Some(CLOSES),
            price: Some(wanted.price),
            stock: 500,
            available: 400,
            per_shopper_max: 2,
            is_paused: false,
            has_opened: false,
            is_closed: false,
        }
    }

    fn of(wanted: &Wanted, live: Live) -> Next {
        next(wanted, &Standing::Live(live), OPENS)
    }

    #[test]
    fn a_sale_is_made_a_week_ahead_and_not_when_it_is_over() {
        let absent = |now| next(&wanted(), &Standing::Absent, now);
        let made_at = OPENS.before(MADE_BEFORE);
        assert_eq!(absent(Moment(made_at.0 - 1)), Next::Wait(made_at));
        assert_eq!(absent(made_at), Next::Do(Act::Create));
        assert_eq!(absent(Moment(CLOSES.0 - 1)), Next::Do(Act::Create));
        assert_eq!(absent(CLOSES), Next::Done);
        let cancelled = Wanted { over_at: Moment(1), ..wanted() };
        assert_eq!(next(&cancelled, &Standing::Absent, OPENS), Next::Done);
    }

    #[test]
    fn a_sale_that_another_node_may_have_made_is_looked_for_until_its_end() {
        let unheard = |wanted: &Wanted, now| next(wanted, &Standing::Unheard, now);
        assert_eq!(unheard(&wanted(), OPENS), Next::Do(Act::Create), "as if there were none");
        let off = Wanted { over_at: Moment(OPENS.0 - 3_600_000), ..wanted() };
        let minutes = |minutes: u64| off.over_at.after(Duration::from_mins(minutes));
        assert_eq!(unheard(&off, minutes(0)), Next::Wait(minutes(1)));
        assert_eq!(unheard(&off, minutes(80)), Next::Wait(minutes(90)));
        assert_eq!(unheard(&off, Moment(CLOSES.0 - 1)), Next::Wait(CLOSES));
        assert_eq!(unheard(&off, CLOSES), Next::Done);
        let early = Wanted { over_at: Moment(OPENS.before(MADE_BEFORE).0 - 1), ..wanted() };
        assert_eq!(unheard(&early, early.over_at), Next::Done, "none was made yet");
    }

    #[test]
    fn a_sale_that_agrees_is_left_alone_until_its_end() {
        assert_eq!(of(&wanted(), live()), Next::Wait(CLOSES));
        let opened = Live { has_opened: true, ..live() };
        assert_eq!(of(&wanted(), opened), Next::Wait(CLOSES));
    }

    #[test]
    fn a_price_changes_before_the_opening_alone() {
        let other = Wanted { price: Money::new(9_000, Currency::KRW), ..wanted() };
        assert_eq!(of(&other, live()), Next::Do(Act::Delete(VERSION)));
        assert_eq!(of(&wanted(), Live { price: None, ..live() }), Next::Do(Act::Delete(VERSION)));
    }

    #[test]
    fn a_sale_at_another_price_is_closed_and_then_made_again() {
        let other = Wanted { price: Money::new(9_000, Currency::KRW), ..wanted() };
        let opened = Live { has_opened: true, ..live() };
        assert_eq!(of(&other, opened.clone()), Next::OtherPrice(VERSION));
        let closed = Live { is_closed: true, ..opened };
        assert_eq!(of(&other, closed), Next::Do(Act::Delete(VERSION)));
    }

    #[test]
    fn a_pause_comes_before_anything_else() {
        let paused = Wanted {
            is_paused: true,
            price: Money::new(9_000, Currency::KRW),
            title: "Balm".to_owned(),
            stock: 700,
            ..wanted()
        };
        for has_opened in [false, true] {
            let live = Live { has_opened, ..live() };
            assert_eq!(of(&paused, live), Next::Do(Act::Pause(VERSION)));
        }
    }

    #[test]
    fn what_differs_is_brought_to_what_is_wanted() {
        let title = Wanted { title: "Balm".to_owned(), ..wanted() };
        assert_eq!(of(&title, live()), Next::Do(Act::Update(VERSION)));
        let limit = Wanted { per_shopper_max: 3, ..wanted() };
        assert_eq!(of(&limit, live()), Next::Do(Act::Update(VERSION)));
        let paused = Wanted { is_paused: true, ..wanted() };
        assert_eq!(of(&paused, live()), Next::Do(Act::Pause(VERSION)));
        let halted = Live { is_paused: true, ..live() };
        assert_eq!(of(&paused, halted.clone()), Next::Wait(CLOSES));
        assert_eq!(of(&wanted(), halted), Next::Do(Act::Resume(VERSION)));
    }

    #[test]
    fn units_come_and_as_many_go_as_nobody_has() {
        let stock = |stock| of(&Wanted { stock, ..wanted() }, live());
        assert_eq!(stock(600), Next::Do(Act::Restock(VERSION, 100)));
        assert_eq!(stock(200), Next::Do(Act::Restock(VERSION, -300)));
        assert_eq!(stock(50), Next::Do(Act::Restock(VERSION, -400)));
        let rest = Live { stock: 100, available: 0, ..live() };
        let fewer = Wanted { stock: 50, ..wanted() };
        assert_eq!(of(&fewer, rest), Next::HaveStock(100));
    }

    #[test]
    fn a_sale_that_is_over_is_closed_and_later_archived() {
        let early = Wanted { over_at: Moment(OPENS.0 - 1), ..wanted() };
        assert_eq!(of(&early, live()), Next::Do(Act::Close(VERSION)));
        let closed = Live { is_closed: true, ..live() };
        let archive_at = early.over_at.after(ARCHIVED_AFTER);
        assert_eq!(of(&early, closed.clone()), Next::Wait(archive_at));
        let late = |standing| next(&early, &standing, archive_at);
        assert_eq!(late(Standing::Live(closed)), Next::Do(Act::Archive(VERSION)));
        assert_eq!(late(Standing::Archived), Next::Done);
    }
}
