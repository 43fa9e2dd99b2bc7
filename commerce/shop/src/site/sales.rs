//! A seller's books: what was sold, and what the hours cost.

use std::collections::BTreeMap;

use axum::http::Method;
use base::calendar::{Calendar, Day};
use pages::shop::{Invoice, InvoiceState, InvoicesPage, Month, SaleRow, SalesPage, SalesTotals};
use trade::{
    deal::{self, Deal},
    history,
    ids::{DealId, SlotId},
    rental,
    slot::{self, Slot},
};

use super::{
    around::Around,
    cards::{moment, money, state},
    forms::page,
    store::more,
};
use crate::{
    answer::Answer,
    api::sales::{Period, csv, nothing, of_period, sum},
    authority::Merchant,
    input::{Listed, Pairs},
    routes::Routes,
    visit::Visit,
    wire::sales::between,
};

const SALES: &str = "/shop/business/sales";
const INVOICES: &str = "/shop/business/invoices";

/// How many months can be looked at.
const MONTHS: usize = 13;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, SALES, sales)
        .page(Method::GET, "/shop/business/sales.csv", sales_csv)
        .page(Method::GET, INVOICES, invoices)
}

/// The first and the last day of a month, such as `2026-11`.
fn month(word: &str) -> Option<Period> {
    let from: Day = format!("{word}-01").parse().ok()?;
    let within = |day: &Day| day.to_string().starts_with(word);
    let to = (0..31).map(|days| from.plus(days)).take_while(within).last()?;
    Some(Period { from, to })
}

/// The month of a day.
fn word_of(day: Day) -> String {
    day.to_string().chars().take("2026-11".len()).collect()
}

/// The months that can be looked at, next month's deals first.
fn months(calendar: &Calendar, now: base::moment::Moment) -> Vec<String> {
    let mut day = calendar.day_of(now).plus(31);
    let mut words = Vec::with_capacity(MONTHS);
    while words.len() < MONTHS {
        let word = word_of(day);
        let Some(Period { from, .. }) = month(&word) else { break };
        words.push(word);
        // The day before the first.
        day = calendar.day_of(base::moment::Moment(calendar.start_of(from).0 - 1));
    }
    words
}

/// The month that is asked for; this one if none is.
fn asked(word: Option<&str>, calendar: &Calendar, now: base::moment::Moment) -> (String, Period) {
    let given = word.and_then(|word| Some((word.to_owned(), month(word)?)));
    given.unwrap_or_else(|| {
        let day = calendar.day_of(now);
        let word = word_of(day);
        let period = month(&word).unwrap_or(Period { from: day, to: day });
        (word, period)
    })
}

async fn sales(visit: Visit, by: Merchant, listed: Listed) -> Answer {
    let around = Around::of(&visit, Some(&by.session)).await?;
    let (db, selling) = (visit.db()?, visit.shop().selling()?);
    let (calendar, now) = (&selling.policy.calendar, db.now());
    let (word, period) = asked(listed.parameter("month"), calendar, now);
    let all = of_period(db, calendar, by.business.id, period).await?;
    let total = sum(&all).unwrap_or_else(nothing);
    let within = between(calendar, period.from, period.to);
    let on = db.read();
    let found = history::of_business(&on, by.business.id, calendar, within, listed.wanted).await?;
    let next = found.next.map(|next| more(&listed, SALES, &next.encode()));
    let words = months(calendar, now);
    let months = words.iter().filter_map(|one| {
        let at = moment(calendar.start_of(month(one)?.from));
        Some(Month { word: one, at, is_shown: *one == word })
    });
    let count = |units: i64| u64::try_from(units).unwrap_or_default();
    let ids: Vec<String> = found.items.iter().map(|(deal, _)| deal.id.to_string()).collect();
    let rows = found.items.iter().zip(&ids).map(|((deal, sales), id)| SaleRow {
        deal: id,
        title: &deal.terms.title,
        opens_at: moment(deal.terms.hours.starts_at()),
        closes_at: moment(deal.terms.hours.ends_at()),
        state: state(deal.state(selling.stock.counts(deal.id).as_ref(), now)),
        units: count(sales.units),
        amount: money(sales.gross.minor, &sales.gross),
        refunded_units: count(sales.refunded_units),
    });
    let csv = format!("{SALES}.csv?month={word}");
    let html = SalesPage {
        frame: around.frame(),
        months: months.collect(),
        totals: SalesTotals {
            deals: u64::try_from(all.len()).unwrap_or_default(),
            units: count(total.units),
            amount: money(total.gross.minor, &total.gross),
            refunded_units: count(total.refunded_units),
            refunded: money(total.refunded.minor, &total.gross),
            net: money(total.net.minor, &total.gross),
        },
        rows: rows.collect(),
        csv: &csv,
        next: next.as_deref(),
    }
    .html();
    Ok(page(html))
}

async fn sales_csv(visit: Visit, by: Merchant, asked_for: Pairs) -> Answer {
    let (db, selling) = (visit.db()?, visit.shop().selling()?);
    let calendar = &selling.policy.calendar;
    let (_, period) = asked(asked_for.get("month"), calendar, db.now());
    Ok(csv(&of_period(db, calendar, by.business.id, period).await?))
}

async fn invoices(visit: Visit, by: Merchant, listed: Listed) -> Answer {
    let around = Around::of(&visit, Some(&by.session)).await?;
    let (db, selling) = (visit.db()?, visit.shop().selling()?);
    let on = db.read();
    let found = rental::list(&on, by.business.id, listed.wanted).await?;
    let next = found.next.map(|next| more(&listed, INVOICES, &next.encode()));
    let slots = slot::find_many(&on, found.items.iter().map(|invoice| invoice.slot)).await?;
    let deals = deal::find_many(&on, slots.iter().map(|slot| slot.deal)).await?;
    let slots: BTreeMap<SlotId, Slot> = slots.into_iter().map(|slot| (slot.id, slot)).collect();
    let deals: BTreeMap<DealId, Deal> = deals.into_iter().map(|deal| (deal.id, deal)).collect();
    let numbers: Vec<String> =
        found.items.iter().map(|invoice| number_of(&invoice.id.to_string())).collect();
    let rows = found.items.iter().zip(&numbers).filter_map(|(invoice, number)| {
        let slot = slots.get(&invoice.slot)?;
        Some(Invoice {
            number,
            title: deals.get(&slot.deal).map_or("", |deal| deal.terms.title.as_str()),
            opens_at: moment(slot.hours.starts_at()),
            closes_at: moment(slot.hours.ends_at()),
            amount: money(invoice.amount.minor, &invoice.amount),
            state: match invoice.state {
                rental::InvoiceState::Due => InvoiceState::Due,
                rental::InvoiceState::Paid => InvoiceState::Paid,
                rental::InvoiceState::Void | rental::InvoiceState::Credited => {
                    InvoiceState::Cancelled
                }
            },
            // Rent is paid before the hours begin.
            due_at: moment(slot.hours.starts_at()),
        })
    });
    let rent = selling.policy.plan.hourly();
    let html = InvoicesPage {
        frame: around.frame(),
        invoices: rows.collect(),
        due: money(rental::due(&on, by.business.id).await?, &rent),
        rent: money(rent.minor, &rent),
        next: next.as_deref(),
    }
    .html();
    Ok(page(html))
}

/// An invoice's number as people read it: the part of its id that differs most.
fn number_of(id: &str) -> String {
    let tail = id.len().saturating_sub(8);
    format!("R-{}", id.get(tail..).unwrap_or(id).to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_has_its_days() {
        let days = |word| month(word).map(|one| (one.from.to_string(), one.to.to_string()));
        let texts = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
        assert_eq!(days("2026-11"), texts("2026-11-01", "2026-11-30"));
        assert_eq!(days("2028-02"), texts("2028-02-01", "2028-02-29"));
        assert_eq!(days("2026-13"), None);
        assert_eq!(days("2026-1"), None);
        let noon = base::moment::Moment(1_796_008_887_000);
        let words = months(&Calendar::default(), noon);
        assert_eq!((words[0].as_str(), words[12].as_str()), ("2026-12", "2025-12"));
    }
}
