//! What the businesses of the demo sell, and when.
//!
//! Each deal is on for some hours and comes again two days after it began, each an hour or two after the one
//! before. So at any moment some are open, some are to come and some are over, and when each of them is on
//! follows from the clock alone: a demo that starts again days later, or is copied, has the same.

use base::moment::Moment;
use serde::Deserialize;

/// All of it, as data.
const CATALOGUE: &str = include_str!("catalogue.json");

const HOUR_MS: i64 = 3_600_000;

/// How long after its beginning a deal comes again.
const CYCLE_MS: i64 = 48 * HOUR_MS;

/// From one deal of the catalogue to the next.
const STEP_MS: i64 = 2 * HOUR_MS;

/// How long ago a deal may have ended that is shown, and how far ahead one is announced.
const ENDED_MS: i64 = 10 * HOUR_MS;
const AHEAD_MS: i64 = 26 * HOUR_MS;

/// What is sold, and by whom.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Catalogue {
    pub(super) businesses: Vec<Shopkeeper>,
    pub(super) deals: Vec<Item>,
}

/// Somebody who sells. The company exists nowhere.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shopkeeper {
    /// What stands before the `@` of their address.
    pub(super) account: String,
    pub(super) name: String,
    pub(super) number: String,
    pub(super) representative: String,
    pub(super) phone: String,
}

/// Something that is sold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Item {
    /// Whose it is, by its place among the businesses.
    pub(super) business: usize,
    pub(super) category: String,
    /// The name of its picture.
    pub(super) picture: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) price: i64,
    pub(super) discount_percent: i64,
    pub(super) stock: i64,
    pub(super) per_shopper_max: i64,
    /// For how many hours it is on.
    pub(super) hours: i64,
}

/// A deal of the catalogue at one of its times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned<'a> {
    pub(super) item: &'a Item,
    pub(super) opens_at: Moment,
    pub(super) closes_at: Moment,
}

impl Planned<'_> {
    /// How many units it begins with when it is made now. One that should have been on for hours has few left.
    pub(super) fn stock(&self, now: Moment) -> i64 {
        if !(self.opens_at..self.closes_at).contains(&now) {
            return self.item.stock;
        }
        let all = self.closes_at.0 - self.opens_at.0;
        let left = self.closes_at.0 - now.0;
        let (all, left) = (all / 60_000, left / 60_000);
        (self.item.stock * left / all * left / all).max(2).min(self.item.stock)
    }
}

impl Catalogue {
    /// The catalogue that is built in.
    pub(super) fn built_in() -> Self {
        serde_json::from_str(CATALOGUE)
            .unwrap_or_else(|error| unreachable!("the demo's catalogue: {error}"))
    }

    /// The deals around a moment: first those that are open, then those to come, then those that are over.
    pub(super) fn around(&self, now: Moment) -> Vec<Planned<'_>> {
        let mut all: Vec<Planned<'_>> = Vec::new();
        for (item, place) in self.deals.iter().zip(0_i64..) {
            let length = item.hours * HOUR_MS;
            // The first time whose end is not too long ago.
            let from = now.0 - ENDED_MS - length - place * STEP_MS;
            let cycle = from.div_euclid(CYCLE_MS) + 1;
            let opens_at = cycle * CYCLE_MS + place * STEP_MS;
            if opens_at <= now.0 + AHEAD_MS {
                let closes_at = Moment(opens_at + length);
                all.push(Planned { item, opens_at: Moment(opens_at), closes_at });
            }
        }
        all.sort_by_key(|planned| {
            let is_over = planned.closes_at <= now;
            (is_over, planned.opens_at > now, planned.opens_at)
        });
        all
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::demo::pictures;

    #[test]
    fn at_any_hour_some_deals_are_open_some_to_come_and_some_over() {
        let catalogue = Catalogue::built_in();
        for hour in 0..96 {
            let now = Moment(1_796_000_400_000 + hour * HOUR_MS + 17);
            let around = catalogue.around(now);
            let open = around.iter().filter(|one| one.opens_at <= now && now < one.closes_at);
            let least = open.clone().map(|one| one.stock(now)).min();
            assert!(least.is_some_and(|units| units <= 34), "{hour}: {least:?}");
            let (open, over) =
                (open.count(), around.iter().filter(|one| one.closes_at <= now).count());
            let coming = around.len() - open - over;
            assert!((16..=24).contains(&around.len()), "{hour}: {}", around.len());
            assert!(open >= 3 && over >= 3 && coming >= 8, "{hour}: {open} {coming} {over}");
            let (opens, day) = (around.iter().map(|one| one.opens_at), 24 * HOUR_MS);
            assert!(opens.min().is_some_and(|first| first.0 > now.0 - day), "{hour}");
            assert!(around.iter().all(|one| one.opens_at.0 % HOUR_MS == 0));
        }
    }

    #[test]
    fn an_hour_later_the_deals_are_at_the_same_times() {
        let catalogue = Catalogue::built_in();
        let now = Moment(1_796_000_400_000);
        let at = |now| -> BTreeSet<_> {
            let around = catalogue.around(now);
            around.iter().map(|one| (one.item.title.as_str(), one.opens_at)).collect()
        };
        let (first, second) = (at(now), at(Moment(now.0 + HOUR_MS)));
        assert!(first.intersection(&second).count() >= first.len() - 2);
    }

    #[test]
    fn everything_on_sale_has_a_title_of_its_own_a_picture_and_a_seller() {
        let catalogue = Catalogue::built_in();
        let titles: BTreeSet<_> = catalogue.deals.iter().map(|item| &item.title).collect();
        assert_eq!(titles.len(), catalogue.deals.len());
        for item in &catalogue.deals {
            assert!(item.business < catalogue.businesses.len(), "{}", item.title);
            assert!(pictures::of(&item.picture).is_some(), "{}", item.picture);
            assert!((4..=12).contains(&item.hours), "{}", item.title);
        }
    }
}
