//! Everything that is known of an order, and giving its money back.

use axum::http::Method;
use base::{
    id::Id,
    money::{Currency, Money},
};
use pages::shop::{Field, FilePage, FileRefund, FileReturn, GiveBackForm, Kept, ReturnState, to};
use trade::{
    deal, fulfilment,
    ids::OrderId,
    order::Order,
    refund,
};

use super::{
    super::{
        around::Around,
        business::moment,
        forms::{Keyed, Wrong, done},
        goods::{Basket, faces, gateway, money, parcel, state_of},
    },
    doubts::kind,
};
use crate::{
    answer::Answer,
    api::desk::{file, refund_in},
    authority::Operator,
    input::{Form, Pairs},
    refusal::{Fault, Refusal},
    routes::Routes,
    typed::{Faults, amount},
    visit::Visit,
    wire::desk::{GiveBackRequest, OrderFile, noted},
};

const GIVE_BACK: &str = "/shop/desk/orders/{order}/give-back";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, "/shop/desk/orders/{order}", show)
        .page(Method::POST, GIVE_BACK, give_back)
}

async fn show(visit: Visit, by: Operator, _: Pairs) -> Answer {
    let id: OrderId = visit.captured("order")?;
    let file = file(&visit, id).await?;
    shown(&visit, &by, &file, &Form::default(), &Wrong::default()).await
}

async fn shown(
    visit: &Visit,
    by: &Operator,
    file: &OrderFile,
    typed: &Form,
    wrong: &Wrong,
) -> Answer {
    let around = Around::of(visit, Some(&by.session)).await?;
    let db = visit.db()?;
    let (reader, order) = (db.read(), &file.order);
    let payment = &file.payment.payment;
    let shipment = fulfilment::of_order(&reader, order.id).await?;
    let left = refund::units_left(&reader, order).await?;
    let deal = deal::find(&reader, order.deal).await?;
    let face = faces(visit, [order.deal]).await?.remove(&order.deal);
    let basket = Basket::of_order(order, deal.as_ref()).pictured(face);
    let ids = [order.id.to_string(), order.account.to_string(), file.payment.id.to_string()];
    let [id, account, payment_id] = &ids;
    let key = Id::new(db.now()).to_string();
    let field = |name| Field { value: typed.get(name), error: wrong.at(name) };
    let kept = order.lines.iter().zip(&left).zip(0_usize..).map(|((line, units), place)| Kept {
        title: &line.name,
        units: *units,
        typed: typed.get(&units_field(place)),
    });
    let html = FilePage {
        frame: around.frame(),
        order: id,
        number: &order.number,
        account,
        payment: payment_id,
        placed_at: moment(order.placed_at),
        state: state_of(order.state),
        parcel: parcel(order.state, shipment.as_ref()),
        doubt: payment.doubt().map(kind),
        gateway: file.payment.provider.map(gateway),
        total: money(&order.total),
        taken: money(&payment.taken()),
        back: money(&payment.back()),
        left: money(&givable(file)),
        lines: basket.lines(),
        kept: kept.collect(),
        refunds: refunds(file),
        returns: returns(file),
        records: file.story.iter().map(|(at, step)| (moment(*at), *step)).collect(),
        form: GiveBackForm {
            part: typed.get("part"),
            amount: field("amount"),
            units_error: wrong.at("units"),
            reason: field("reason"),
            restocks: typed.has("restocks"),
        },
        refusal: wrong.code,
        key: &key,
    }
    .html();
    Ok(wrong.answer(html))
}

/// What can be given back now: nothing of an order that is not paid.
fn givable(file: &OrderFile) -> Money {
    let left = file.payment.payment.refundable();
    if file.order.state.is_paid() { left } else { Money::zero(left.currency) }
}

fn refunds(file: &OrderFile) -> Vec<FileRefund<'_>> {
    let refund = |one| {
        let refund::Refund { amount, reason, wanted_at, is_given, .. }: &refund::Refund = one;
        FileRefund { amount: money(amount), at: moment(*wanted_at), reason, is_done: *is_given }
    };
    file.refunds.iter().map(refund).collect()
}

fn returns(file: &OrderFile) -> Vec<FileReturn<'_>> {
    let request = |one| {
        let fulfilment::ReturnRequest { reason, state, asked_at, .. }: &fulfilment::ReturnRequest =
            one;
        let state = match state {
            fulfilment::ReturnState::Open => ReturnState::Open,
            fulfilment::ReturnState::Accepted => ReturnState::Accepted,
            fulfilment::ReturnState::Refused => ReturnState::Refused,
        };
        FileReturn { at: moment(*asked_at), reason, state }
    };
    file.returns.iter().map(request).collect()
}

/// The field of how many units of a line are given back.
fn units_field(place: usize) -> String {
    format!("units-{place}")
}

async fn give_back(visit: Visit, by: Operator, form: Form) -> Answer {
    let id: OrderId = visit.captured("order")?;
    let known = file(&visit, id).await?;
    match given_back(&visit, &by, &known.order, &form).await {
        Ok(()) => Ok(done(&visit, "given_back", &format!("{}/orders/{id}", to::DESK))),
        Err(refusal) => shown(&visit, &by, &known, &form, &Wrong::of(refusal)?).await,
    }
}

/// Gives back what the form says, once for each form.
async fn given_back(
    visit: &Visit,
    by: &Operator,
    order: &Order,
    form: &Form,
) -> Result<(), Refusal> {
    let asked = asked(order, form)?;
    let said = format!("{} {asked:?}", order.id);
    let (account, key) = (by.session.account, form.get("key"));
    let keyed = Keyed { by: account, route: GIVE_BACK, key, said: &said };
    keyed.once(visit, async |tx: &store::Tx| refund_in(tx, account, order.id, &asked).await).await
}

/// What a form says, or what is wrong with each field.
fn asked(order: &Order, form: &Form) -> Result<GiveBackRequest, Refusal> {
    let mut faults = Faults::default();
    let part = form.get("part");
    let minor = (part == "amount").then(|| faults.note(money_typed(form, order.total.currency)));
    let lines = (part == "units").then(|| faults.note(units_typed(form, order)));
    let reason = match noted(form.get("reason")) {
        Ok(reason) => Some(reason),
        Err(Refusal::Invalid(all)) => {
            faults.add(all);
            None
        }
        Err(other) => return Err(other),
    };
    match reason {
        Some(reason) if faults.are_none() => Ok(GiveBackRequest {
            amount: minor.flatten(),
            lines: lines.flatten(),
            reason,
            restocks: form.has("restocks"),
        }),
        Some(_) | None => Err(faults.refusal()),
    }
}

fn money_typed(form: &Form, currency: Currency) -> Result<i64, Fault> {
    amount(form.get("amount"), currency).ok_or_else(|| {
        let words = ("금액을 숫자로 적어 주세요.", "an amount in digits, such as 31,000");
        Fault::new("amount", "amount_invalid", words.0, words.1)
    })
}

/// How many units of which lines; a line of which nothing is said stays.
fn units_typed(form: &Form, order: &Order) -> Result<Vec<(u16, u32)>, Fault> {
    let wrong = || {
        let words = ("수량을 숫자로 적어 주세요.", "how many units, in digits");
        Fault::new("units", "units_invalid", words.0, words.1)
    };
    let mut lines = Vec::with_capacity(order.lines.len());
    for (place, _) in (0_u16..).zip(&order.lines) {
        match form.get(&units_field(place.into())).trim() {
            "" | "0" => {}
            typed => lines.push((place, typed.parse().map_err(|_| wrong())?)),
        }
    }
    if lines.is_empty() { Err(wrong()) } else { Ok(lines) }
}
