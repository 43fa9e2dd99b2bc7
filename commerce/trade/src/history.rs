//! What a deal has sold, day by day, for its business alone.
//!
//! Owns what counts as sold: orders that are paid. What was given back stands apart. Refuses who bought.
//! Always true: net is what was taken less what was given back.

use std::ops::Range;

use base::{
    calendar::{Calendar, Day},
    cursor::{LIMIT_MAX, Page, Wanted},
    moment::Moment,
    money::{Currency, Money},
};
use identity::ids::BusinessId;
use store::sea_orm::{ConnectionTrait, DbErr};

use crate::{
    deal::{self, Deal},
    ids::DealId,
    order::{self, Total, state::OrderState},
    payment,
};

/// What a deal has sold on one day: by when orders were placed. The last day has those that were placed later
/// too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaySales {
    /// Which day.
    pub day: Day,
    /// Orders that are paid, some of them with a part given back.
    pub orders: i64,
    /// Units of those.
    pub units: i64,
    /// What was taken, for orders that were given back as a whole too.
    pub gross: Money,
    /// What of it was given back, or is about to be.
    pub refunded: Money,
    /// Units of orders that were given back as a whole.
    pub refunded_units: i64,
    /// What is left.
    pub net: Money,
}

/// What the columns of [`DaySales::csv`] are called.
pub const CSV_HEADER: [&str; 8] =
    ["day", "orders", "units", "gross", "refunded", "refunded_units", "net", "currency"];

impl DaySales {
    /// The day as a row of values.
    pub fn csv(&self) -> [String; 8] {
        [
            self.day.to_string(),
            self.orders.to_string(),
            self.units.to_string(),
            self.gross.minor.to_string(),
            self.refunded.minor.to_string(),
            self.refunded_units.to_string(),
            self.net.minor.to_string(),
            self.net.currency.code().to_owned(),
        ]
    }

    fn of(day: Day, totals: &[Total], given_back: i64, currency: Currency) -> Self {
        let mut sales = Self {
            day,
            orders: 0,
            units: 0,
            gross: Money::zero(currency),
            refunded: Money::new(given_back, currency),
            refunded_units: 0,
            net: Money::zero(currency),
        };
        for total in totals {
            if total.state.is_paid() {
                sales.orders += total.orders;
                sales.units += total.units;
                sales.gross.minor += total.minor;
            } else if matches!(total.state, OrderState::Refunding | OrderState::Refunded) {
                sales.refunded_units += total.units;
                sales.gross.minor += total.minor;
                sales.refunded.minor += total.minor;
            }
        }
        sales.net.minor = sales.gross.minor - sales.refunded.minor;
        sales
    }
}

/// What a deal of a business has sold, a row for each of its days; a deal of another business is none.
pub async fn of_deal(
    on: &impl ConnectionTrait,
    business: BusinessId,
    deal: DealId,
    calendar: &Calendar,
) -> Result<Option<Vec<DaySales>>, DbErr> {
    let own = |known: &Deal| known.business == business && known.published_at.is_some();
    let Some(deal) = deal::find(on, deal).await?.filter(own) else { return Ok(None) };
    let hours = deal.terms.hours;
    let last = calendar.day_of(Moment(hours.ends_at().0 - 1));
    let mut day = calendar.day_of(hours.starts_at());
    let mut days = Vec::new();
    // A deal lasts a day at most, so it has two days at most.
    while day <= last {
        days.push(on_day(on, &deal, calendar, day, day == last).await?);
        day = day.plus(1);
    }
    Ok(Some(days))
}

/// What each deal of a business has sold that opened within a time, all its days together under the day
/// on which it opened, the last to open first.
pub async fn of_business(
    on: &impl ConnectionTrait,
    business: BusinessId,
    calendar: &Calendar,
    opened: Range<Moment>,
    wanted: Wanted,
) -> Result<Page<(Deal, DaySales)>, DbErr> {
    let page = deal::opening_within(on, business, opened, wanted).await?;
    Ok(Page { items: of_deals(on, calendar, page.items).await?, next: page.next })
}

/// What each of some deals has sold, all its days together under the day on which it opens.
pub async fn of_deals(
    on: &impl ConnectionTrait,
    calendar: &Calendar,
    deals: Vec<Deal>,
) -> Result<Vec<(Deal, DaySales)>, DbErr> {
    let ids: Vec<DealId> = deals.iter().map(|deal| deal.id).collect();
    let totals = order::totals_of(on, &ids).await?;
    let mut all = Vec::with_capacity(deals.len());
    for deal in deals {
        let totals = totals.get(&deal.id).map_or(&[][..], Vec::as_slice);
        let given_back = part_of(on, deal.id, totals, |_| true).await?;
        let day = calendar.day_of(deal.terms.hours.starts_at());
        let sales = DaySales::of(day, totals, given_back, deal.terms.price.currency);
        all.push((deal, sales));
    }
    Ok(all)
}

async fn on_day(
    on: &impl ConnectionTrait,
    deal: &Deal,
    calendar: &Calendar,
    day: Day,
    is_last: bool,
) -> Result<DaySales, DbErr> {
    // What was reserved in time may be ordered a little after the last hour, on the next day.
    let end = if is_last { Moment(i64::MAX) } else { calendar.start_of(day.plus(1)) };
    let within = calendar.start_of(day)..end;
    let totals = order::totals(on, deal.id, within.clone()).await?;
    let is_within = |at: Moment| within.contains(&at);
    let given_back = part_of(on, deal.id, &totals, is_within).await?;
    Ok(DaySales::of(day, &totals, given_back, deal.terms.price.currency))
}

/// What was given back of orders that were placed at some time, and that are still paid in part.
async fn part_of(
    on: &impl ConnectionTrait,
    deal: DealId,
    totals: &[Total],
    is_within: impl Fn(Moment) -> bool,
) -> Result<i64, DbErr> {
    let has_parts = totals.iter().any(|total| total.state == OrderState::PartRefunded);
    let mut given_back = 0;
    let mut wanted = has_parts.then(|| Wanted::new(LIMIT_MAX, None)).flatten();
    while let Some(page) = wanted {
        let page = order::of_deal(on, deal, &[OrderState::PartRefunded], page).await?;
        let those = page.items.iter().filter(|order| is_within(order.placed_at));
        let ids: Vec<_> = those.map(|order| order.id).collect();
        given_back += payment::back_of(on, &ids).await?;
        wanted = page.next.and_then(|next| Wanted::new(LIMIT_MAX, Some(next)));
    }
    Ok(given_back)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_back_stands_apart_and_what_was_never_paid_counts_for_nothing() {
        let total = |state, orders, units| Total { state, orders, units, minor: units * 1_000 };
        let totals = [
            total(OrderState::Paid, 2, 4),
            total(OrderState::PartRefunded, 1, 2),
            total(OrderState::Refunded, 1, 5),
            total(OrderState::Cancelled, 7, 9),
            total(OrderState::Waiting, 1, 1),
        ];
        let day: Day = "2024-05-24".parse().unwrap();
        let sales = DaySales::of(day, &totals, 500, Currency::KRW);
        assert_eq!(
            sales.csv(),
            ["2024-05-24", "3", "6", "11000", "5500", "5", "5500", "KRW"].map(str::to_owned)
        );
        assert_eq!(CSV_HEADER.len(), sales.csv().len());
    }
}
