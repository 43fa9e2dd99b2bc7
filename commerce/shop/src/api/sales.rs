//! What a business has sold, and what its hours cost.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{
        Method, Response, StatusCode,
        header::{ACCEPT, CONTENT_DISPOSITION, HeaderValue},
    },
};
use base::{
    calendar::{Calendar, Day},
    cursor::{LIMIT_MAX, Page, Wanted},
    moment::Moment,
};
use bytes::Bytes;
use identity::ids::BusinessId;
use store::Db;
use trade::{
    deal::{self, Deal, DecideRefusal},
    history::{self, CSV_HEADER, DaySales},
    ids::{DealId, SlotId},
    rental,
    slot::{self, Slot},
};
use web::respond::{self, Cache};

use crate::{
    answer::{Answer, json},
    authority::Merchant,
    input::Listed,
    refusal::{Fault, Refusal},
    routes::Routes,
    typed::Faults,
    visit::Visit,
    wire::{
        List,
        sales::{InvoiceObject, SalesList, SalesObject, SumsObject, between},
    },
};

/// The longest period that is added up at once, in days.
const PERIOD_DAYS_MAX: i64 = 366;
/// The period that is shown unless another one is asked for, in days before today.
const PERIOD_DAYS: i64 = 90;
/// How far ahead hours are booked, so that deals that are to come are in it.
const AHEAD_DAYS: u16 = 7;
const DAY_MS: i64 = 24 * 3_600_000;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.on(Method::GET, "/v1/me/business/sales", sales).on(
        Method::GET,
        "/v1/me/business/rent",
        rent,
    )
}

/// The days of which sales are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Period {
    pub(crate) from: Day,
    pub(crate) to: Day,
}

impl Period {
    fn read(listed: &Listed, calendar: &Calendar, now: Moment) -> Result<Self, Refusal> {
        let mut faults = Faults::default();
        let mut day = |name: &str, other: Day| match listed.parameter(name) {
            None | Some("") => Some(other),
            Some(text) => faults.note(text.parse().map_err(|_| no_day(name))),
        };
        let from = day("from", calendar.day_of(Moment(now.0 - PERIOD_DAYS * DAY_MS)));
        let to = day("to", calendar.day_of(now).plus(AHEAD_DAYS));
        let (Some(from), Some(to)) = (from, to) else { return Err(faults.refusal()) };
        let period = Self { from, to };
        let within = between(calendar, from, to);
        let days = (within.end.0 - within.start.0) / DAY_MS;
        if to < from || days > PERIOD_DAYS_MAX + 1 {
            return Err(Refusal::field(
                "to",
                "period_invalid",
                "기간은 시작한 날부터 1년까지입니다.",
                "the last day is not before the first, and a year after it at most",
            ));
        }
        Ok(period)
    }
}

fn no_day(field: &str) -> Fault {
    Fault::new(
        field,
        "day_invalid",
        "날짜를 2026-12-01처럼 적어 주세요.",
        "a day such as 2026-12-01",
    )
}

/// Sales of a business: a row for each day of one deal, or for each deal that opened in a period.
async fn sales(visit: Visit, by: Merchant, listed: Listed) -> Answer {
    listed.only(&["deal", "from", "to"])?;
    let (db, selling) = (visit.db()?, visit.shop().selling()?);
    let calendar = &selling.policy.calendar;
    let deal: Option<DealId> = match listed.parameter("deal").filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| DecideRefusal::Unknown)?),
    };
    let period = Period::read(&listed, calendar, db.now())?;
    if let Some(deal) = deal {
        let (deal, mut days) = of_deal(db, calendar, by.business.id, deal).await?;
        // Without a period, all its days.
        let given = |name| listed.parameter(name).is_some_and(|text| !text.is_empty());
        days.retain(|sales| {
            (!given("from") || sales.day >= period.from) && (!given("to") || sales.day <= period.to)
        });
        let rows: Vec<(Deal, DaySales)> =
            days.into_iter().map(|sales| (deal.clone(), sales)).collect();
        return Ok(answered(&visit, None, &Page { items: rows, next: None }, None));
    }
    let all = of_period(db, calendar, by.business.id, period).await?;
    if wants_csv(&visit) {
        return Ok(csv(&all));
    }
    let totals = sum(&all);
    let within = between(calendar, period.from, period.to);
    let on = db.read();
    let page = history::of_business(&on, by.business.id, calendar, within, listed.wanted).await?;
    Ok(answered(&visit, Some(period), &page, totals.as_ref()))
}

/// What a deal of a business has sold.
pub(crate) async fn of_deal(
    db: &Db,
    calendar: &Calendar,
    business: BusinessId,
    id: DealId,
) -> Result<(Deal, Vec<DaySales>), Refusal> {
    let on = db.read();
    let days = history::of_deal(&on, business, id, calendar).await?;
    let days = days.ok_or(DecideRefusal::Unknown)?;
    let deal = deal::find(&on, id).await?.ok_or(DecideRefusal::Unknown)?;
    Ok((deal, days))
}

/// What each deal has sold that opened in a period.
pub(crate) async fn of_period(
    db: &Db,
    calendar: &Calendar,
    business: BusinessId,
    period: Period,
) -> Result<Vec<(Deal, DaySales)>, Refusal> {
    let (on, within) = (db.read(), between(calendar, period.from, period.to));
    let (mut all, mut wanted) = (Vec::new(), Wanted::new(LIMIT_MAX, None));
    while let Some(page) = wanted {
        let page = history::of_business(&on, business, calendar, within.clone(), page).await?;
        all.extend(page.items);
        wanted = page.next.and_then(|next| Wanted::new(LIMIT_MAX, Some(next)));
    }
    Ok(all)
}

/// Sales together; `None` of none.
pub(crate) fn sum(rows: &[(Deal, DaySales)]) -> Option<DaySales> {
    let ((_, first), others) = rows.split_first()?;
    let mut sums = first.clone();
    for (_, sales) in others {
        sums.orders += sales.orders;
        sums.units += sales.units;
        sums.refunded_units += sales.refunded_units;
        sums.gross.minor += sales.gross.minor;
        sums.refunded.minor += sales.refunded.minor;
        sums.net.minor += sales.net.minor;
    }
    Some(sums)
}

fn answered(
    visit: &Visit,
    period: Option<Period>,
    page: &Page<(Deal, DaySales)>,
    totals: Option<&DaySales>,
) -> Response<Body> {
    if wants_csv(visit) {
        return csv(&page.items);
    }
    let own = sum(&page.items);
    let nothing = nothing();
    let totals = totals.or(own.as_ref()).unwrap_or(&nothing);
    json(&SalesList {
        from: period.map(|period| period.from.to_string()),
        to: period.map(|period| period.to.to_string()),
        totals: SumsObject::of(totals),
        items: page.items.iter().map(|(deal, sales)| SalesObject::of(deal, sales)).collect(),
        next_cursor: page.next.map(base::cursor::Cursor::encode),
    })
}

/// Sales of nothing.
pub(crate) fn nothing() -> DaySales {
    let zero = base::money::Money::zero(base::money::Currency::KRW);
    let day = Calendar::default().day_of(Moment(0));
    DaySales { day, orders: 0, units: 0, gross: zero, refunded: zero, refunded_units: 0, net: zero }
}

/// Whether a table is asked for rather than JSON.
fn wants_csv(visit: &Visit) -> bool {
    let mut all = visit.headers().get_all(ACCEPT).iter();
    all.any(|value| value.to_str().is_ok_and(|value| value.contains("text/csv")))
}

const CSV: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8");
const ATTACHED: HeaderValue = HeaderValue::from_static("attachment; filename=\"sales.csv\"");

/// Sales as a table, for spreadsheets.
pub(crate) fn csv(rows: &[(Deal, DaySales)]) -> Response<Body> {
    let mut text = String::from("deal,title,");
    text.push_str(&CSV_HEADER.join(","));
    text.push_str("\r\n");
    for (deal, sales) in rows {
        let values = [deal.id.to_string(), deal.terms.title.clone()].into_iter().chain(sales.csv());
        let values: Vec<String> = values.map(|value| cell(&value)).collect();
        text.push_str(&values.join(","));
        text.push_str("\r\n");
    }
    let mut response = respond::bytes(StatusCode::OK, CSV, Cache::NoStore, Bytes::from(text));
    response.headers_mut().insert(CONTENT_DISPOSITION, ATTACHED);
    response
}

/// A cell. What a spreadsheet would take for a formula is a text; amounts are figures and stay so.
fn cell(value: &str) -> String {
    let is_figure = value.parse::<i64>().is_ok();
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_figure;
    let value = if is_formula { format!("'{value}") } else { value.to_owned() };
    if value.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value
    }
}

async fn rent(visit: Visit, by: Merchant, listed: Listed) -> Answer {
    listed.only(&[])?;
    let on = visit.db()?.read();
    let page = rental::list(&on, by.business.id, listed.wanted).await?;
    let slots = slot::find_many(&on, page.items.iter().map(|invoice| invoice.slot)).await?;
    let slots: BTreeMap<SlotId, Slot> = slots.into_iter().map(|slot| (slot.id, slot)).collect();
    let object = |invoice: rental::Invoice| InvoiceObject::of(&invoice, slots.get(&invoice.slot));
    Ok(json(&List::of(page, object)))
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_title_is_no_formula_and_breaks_no_row() {
        assert_eq!(cell("수분 미스트, \"봄\""), "\"수분 미스트, \"\"봄\"\"\"");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("-100"), "-100", "an amount");
        assert_eq!(cell("-100+2"), "'-100+2");
    }
}
