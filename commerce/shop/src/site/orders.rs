//! One's orders: the list, one of them, and how its payment came out.

use std::time::Duration;

use axum::http::Method;
use base::{
    cursor::{Cursor, LIMIT_DEFAULT, Wanted},
    id::Id,
    moment::Moment,
    money::Money,
};
use pages::shop::{
    Allowed, Field, OrderCard, OrderPage, OrderState as Shown, OrdersPage, Outcome, Parcel, Refund,
    ResultPage, Step, StepKind, StepState, to,
};
use store::{Failure, Refusing as _, kept};
use trade::{
    deal, fulfilment,
    fulfilment::{Shipment, ShipmentState},
    order::{
        self, Order,
        state::{Ending, OrderState, Units},
    },
    payment::{self, Found, Heard, Kept},
    refund::{self, Part, Wish},
    till,
};
use web::respond;

use super::{
    around::Around,
    business::moment,
    checkout,
    forms::{Wrong, done, page, refused},
    goods::{Basket, gateway, money},
};
use crate::{
    acting::live,
    answer::Answer,
    authority::Shopper,
    buying,
    input::{Form, Pairs},
    refusal::{Fault, Refusal},
    routes::Routes,
    visit::Visit,
};

/// For how long goods can be asked back for after they have arrived.
const RETURN_WITHIN: Duration = Duration::from_hours(7 * 24);
/// The most units that a form offers to choose from.
const UNITS_SHOWN_MAX: u32 = 100;

/// Why people want their money back: what the form says, and what is noted.
const REASONS: [(&str, &str); 5] = [
    ("changed_mind", "마음이 바뀌었습니다"),
    ("defective", "상품에 문제가 있습니다"),
    ("wrong_item", "다른 상품이 왔습니다"),
    ("late", "너무 늦게 왔습니다"),
    ("other", "다른 이유"),
];

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, to::ORDERS, list)
        .page(Method::GET, "/shop/orders/{order}", show)
        .page(Method::GET, "/shop/orders/{order}/result", result)
        .page(Method::POST, "/shop/orders/{order}/cancel", cancel)
        .page(Method::POST, "/shop/orders/{order}/refund", want_back)
        .page(Method::POST, "/shop/orders/{order}/return", send_back)
        .page(Method::POST, "/shop/orders/{order}/received", received)
}

const fn state_of(state: OrderState) -> Shown {
    match state {
        OrderState::Waiting => Shown::Waiting,
        OrderState::Paying => Shown::Paying,
        OrderState::Confirming | OrderState::Cancelling => Shown::Confirming,
        OrderState::Paid => Shown::Paid,
        OrderState::PartRefunded => Shown::PartRefunded,
        OrderState::Refunding | OrderState::Owed => Shown::Refunding,
        OrderState::Refunded => Shown::Refunded,
        OrderState::Cancelled => Shown::Cancelled,
        OrderState::Doubt => Shown::Doubt,
    }
}

async fn list(visit: Visit, by: Shopper, asked: Pairs) -> Answer {
    let around = Around::of(&visit, Some(&by.session)).await?;
    let reader = visit.db()?.read();
    let after = asked.get("after").and_then(Cursor::decode);
    let wanted = Wanted::new(LIMIT_DEFAULT, after).unwrap_or_default();
    let all = order::of_account(&reader, by.account(), wanted).await?;
    let texts: Vec<(String, String)> =
        all.items.iter().map(|order| (order.id.to_string(), order.title())).collect();
    let cards = all.items.iter().zip(&texts).map(|(order, (id, title))| OrderCard {
        order: id,
        number: &order.number,
        placed_at: moment(order.placed_at),
        title,
        picture: None,
        quantity: u64::from(order.units()),
        total: money(&order.total),
        state: state_of(order.state),
        parcel: None,
        pay_until: (order.state == OrderState::Waiting).then(|| moment(order.pay_by)),
    });
    let next = all.next.map(|next| format!("{}?after={}", to::ORDERS, next.encode()));
    let html =
        OrdersPage { frame: around.frame(), orders: cards.collect(), next: next.as_deref() }.html();
    Ok(page(html))
}

/// An order with all that its page needs.
struct Seen {
    order: Order,
    kept: Kept,
    times: Times,
    shipment: Option<Shipment>,
    refunds: Vec<refund::Refund>,
    has_open_return: bool,
    basket: Basket,
}

/// When something happened to a payment.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    begun: Option<Moment>,
    came_back: Option<Moment>,
    taken: Option<Moment>,
    released: Option<Moment>,
    back: Option<Moment>,
}

impl Times {
    fn of(story: &[(Moment, payment::Step)]) -> Self {
        let mut times = Self::default();
        for (at, step) in story {
            let heard =
                if let payment::Step::Heard { heard, .. } = step { Some(heard) } else { None };
            let is_gone = matches!(
                step,
                payment::Step::Seen(payment::Seen::Released | payment::Seen::Expired)
            );
            if matches!(heard, Some(Heard::GivenBack { .. })) {
                // The last one counts.
                times.back = Some(*at);
            }
            let slot = if matches!(step, payment::Step::Returned(_)) {
                &mut times.came_back
            } else if is_gone || matches!(heard, Some(Heard::Released)) {
                &mut times.released
            } else if matches!(heard, Some(Heard::Ready { .. })) {
                &mut times.begun
            } else if matches!(heard, Some(Heard::Taken { .. } | Heard::Found(Found::Taken { .. })))
            {
                &mut times.taken
            } else {
                continue;
            };
            slot.get_or_insert(*at);
        }
        times
    }
}

async fn seen(visit: &Visit, by: &Shopper) -> Result<Seen, Refusal> {
    let order = buying::own(visit, by.account()).await?;
    let reader = visit.db()?.read();
    let kept = payment::of_order(&reader, order.id).await?.ok_or(Refusal::Internal)?;
    let times = Times::of(&payment::story(&reader, kept.id).await?);
    let shipment = fulfilment::of_order(&reader, order.id).await?;
    let refunds = refund::of_order(&reader, order.id).await?;
    let returns = fulfilment::returns_of(&reader, order.id).await?;
    let is_open = |one: &fulfilment::ReturnRequest| one.state == fulfilment::ReturnState::Open;
    let deal = deal::find(&reader, order.deal).await?;
    let basket = Basket::of_order(&order, deal.as_ref());
    let has_open_return = returns.iter().any(is_open);
    Ok(Seen { order, kept, times, shipment, refunds, has_open_return, basket })
}

async fn show(visit: Visit, by: Shopper, _: Pairs) -> Answer {
    let seen = seen(&visit, &by).await?;
    seen.answer(&visit, &by, None, &Wrong::default()).await
}

impl Seen {
    /// Where the goods are.
    fn parcel(&self) -> Option<Parcel<'_>> {
        let shipment = self.shipment.as_ref().filter(|_| self.order.state.is_paid())?;
        let parcel = shipment.parcel.as_ref();
        Some(match shipment.state {
            ShipmentState::Preparing => Parcel::Preparing,
            ShipmentState::Shipped => Parcel::Sent {
                carrier: parcel.map_or("", fulfilment::Parcel::carrier),
                number: parcel.map_or("", fulfilment::Parcel::tracking),
                track: None,
            },
            ShipmentState::Delivered => Parcel::Delivered,
        })
    }

    fn shipment_state(&self) -> Option<ShipmentState> {
        self.shipment.as_ref().map(|shipment| shipment.state)
    }

    /// Until when it can be paid, if it can.
    fn pay_until(&self, now: Moment) -> Option<Moment> {
        let is_open = self.kept.payment.page(now).is_some();
        if self.order.state == OrderState::Waiting {
            return Some(self.order.pay_by);
        }
        let until = self.kept.payment.lasts_until();
        until.filter(|_| is_open && self.order.state == OrderState::Paying)
    }

    /// What is given back for one unit, for two, and so on; the last takes the rest.
    fn amounts(&self) -> Vec<Money> {
        let left = self.kept.payment.refundable();
        let [line] = self.order.lines.as_slice() else { return vec![left] };
        if left.minor <= 0 || line.unit.minor <= 0 {
            return Vec::new();
        }
        let units = (left.minor + line.unit.minor - 1) / line.unit.minor;
        let units = u32::try_from(units).unwrap_or(1).min(line.quantity).min(UNITS_SHOWN_MAX);
        let amount = |count: u32| {
            let part = line.unit.times(count).map_or(left.minor, |part| part.minor);
            let is_last = count == units;
            Money::new(if is_last { left.minor } else { part.min(left.minor) }, left.currency)
        };
        (1..=units).map(amount).collect()
    }

    fn can_refund(&self) -> bool {
        let has_left = self.shipment_state().is_some_and(|state| state != ShipmentState::Preparing);
        self.order.state.is_paid() && !has_left
    }

    /// Until when the goods can be asked back for, if they can.
    fn return_until(&self, now: Moment) -> Option<Moment> {
        let delivered = self.shipment.as_ref()?.delivered_at?;
        let until = delivered.after(RETURN_WITHIN);
        (self.order.state.is_paid() && now < until && !self.has_open_return).then_some(until)
    }

    fn steps(&self) -> Vec<Step> {
        let of = |kind, state, at: Option<Moment>| Step { kind, state, at: at.map(moment) };
        let is_done = |kind, at| of(kind, StepState::Done, at);
        let (times, order) = (&self.times, &self.order);
        let mut steps = vec![is_done(StepKind::Reserved, Some(order.placed_at))];
        if times.begun.is_some() && times.taken.is_none() {
            steps.push(is_done(StepKind::Asked, times.begun));
        }
        match order.state {
            OrderState::Cancelled => {
                let is_expired = order.ending == Some(Ending::Expired);
                let kind = if is_expired { StepKind::Expired } else { StepKind::Cancelled };
                steps.push(is_done(kind, times.released));
            }
            OrderState::Confirming | OrderState::Cancelling | OrderState::Doubt => {
                steps.push(of(StepKind::Approved, StepState::Now, times.came_back));
                steps.push(of(StepKind::Confirmed, StepState::Todo, None));
            }
            OrderState::Paying if times.came_back.is_some() => {
                steps.push(of(StepKind::Approved, StepState::Now, times.came_back));
                steps.push(of(StepKind::Confirmed, StepState::Todo, None));
            }
            OrderState::Waiting | OrderState::Paying => {}
            OrderState::Paid | OrderState::PartRefunded => {
                steps.push(is_done(StepKind::Paid, times.taken));
                steps.extend(self.on_their_way());
            }
            OrderState::Refunding | OrderState::Owed | OrderState::Refunded => {
                steps.push(is_done(StepKind::Paid, times.taken));
                let asked = self.refunds.last().map(|refund| refund.wanted_at);
                if asked.is_some() {
                    steps.push(is_done(StepKind::RefundAsked, asked));
                }
                let is_back = order.state == OrderState::Refunded;
                let state = if is_back { StepState::Done } else { StepState::Now };
                steps.push(of(StepKind::Refunded, state, times.back));
            }
        }
        steps
    }

    fn on_their_way(&self) -> [Step; 3] {
        let shipment = self.shipment.as_ref();
        let reached = match shipment.map(|shipment| shipment.state) {
            None | Some(ShipmentState::Preparing) => 0,
            Some(ShipmentState::Shipped) => 1,
            Some(ShipmentState::Delivered) => 3,
        };
        let at = [
            shipment.map(|shipment| shipment.prepared_at),
            shipment.and_then(|shipment| shipment.shipped_at),
            shipment.and_then(|shipment| shipment.delivered_at),
        ];
        let kinds = [StepKind::Preparing, StepKind::Sent, StepKind::Delivered];
        let mut place = 0;
        kinds.map(|kind| {
            let state = match place {
                _ if place < reached => StepState::Done,
                _ if place == reached => StepState::Now,
                _ => StepState::Todo,
            };
            let step = Step { kind, state, at: at.get(place).copied().flatten().map(moment) };
            place += 1;
            step
        })
    }

    async fn answer(
        &self,
        visit: &Visit,
        by: &Shopper,
        typed: Option<&Form>,
        wrong: &Wrong,
    ) -> Answer {
        let around = Around::of(visit, Some(&by.session)).await?;
        let now = visit.db()?.now();
        let (id, key) = (self.order.id.to_string(), Id::new(now).to_string());
        let amounts = self.amounts();
        let amounts = || amounts.iter().map(money).collect::<Vec<_>>();
        let return_until = self.return_until(now);
        let allowed = Allowed {
            pay_until: self.pay_until(now).map(moment),
            can_cancel: self.pay_until(now).is_some(),
            refund_amounts: if self.can_refund() { amounts() } else { Vec::new() },
            return_amount: return_until.and_then(|_| amounts().pop()),
            return_until: return_until.map(moment),
            can_confirm: self.order.state.is_paid()
                && self.shipment_state() == Some(ShipmentState::Shipped),
        };
        let paid = self.kept.provider.zip(self.times.taken);
        let postal = checkout::Shown::of(String::new(), &self.order.postal, false);
        let refunds = self.refunds.iter().map(|refund| Refund {
            amount: money(&refund.amount),
            at: moment(refund.wanted_at),
            is_done: refund.is_given,
        });
        let field =
            |name| Field { value: typed.map_or("", |form| form.get(name)), error: wrong.at(name) };
        let html = OrderPage {
            frame: around.frame(),
            order: &id,
            number: &self.order.number,
            placed_at: moment(self.order.placed_at),
            state: state_of(self.order.state),
            parcel: self.parcel(),
            steps: self.steps(),
            lines: self.basket.lines(),
            sums: self.basket.sums(),
            paid: paid.map(|(provider, at)| (gateway(provider), moment(at))),
            receipt: None,
            address: Some(postal.address()),
            refunds: refunds.collect(),
            allowed,
            quantity: field("quantity"),
            reason: field("reason"),
            return_reason: field("return_reason"),
            refusal: wrong.code,
            key: &key,
        }
        .html();
        let is_right = wrong.code.is_none() && wrong.fields.is_empty();
        Ok(if is_right { page(html) } else { refused(wrong.status, html) })
    }

    /// How the payment came out; `None` if that is not what the order is about.
    fn outcome(&self, now: Moment) -> Option<Outcome> {
        let is_gone = self.kept.payment.units() == Units::Released;
        Some(match self.order.state {
            OrderState::Paid | OrderState::PartRefunded => Outcome::Paid,
            OrderState::Owed => Outcome::Owed,
            OrderState::Refunding | OrderState::Refunded if is_gone => Outcome::Owed,
            OrderState::Cancelled => match self.order.ending {
                Some(Ending::Expired) => Outcome::Expired,
                Some(Ending::Failed) => Outcome::Failed,
                Some(Ending::GivenUp) | None => Outcome::Cancelled,
            },
            OrderState::Confirming | OrderState::Cancelling | OrderState::Doubt => {
                Outcome::Confirming
            }
            OrderState::Paying if self.kept.payment.page(now).is_none() => Outcome::Confirming,
            OrderState::Waiting
            | OrderState::Paying
            | OrderState::Refunding
            | OrderState::Refunded => return None,
        })
    }
}

async fn result(visit: Visit, by: Shopper, _: Pairs) -> Answer {
    let seen = seen(&visit, &by).await?;
    let id = seen.order.id.to_string();
    let known = seen.outcome(visit.db()?.now()).zip(seen.kept.provider);
    let Some((outcome, provider)) = known else {
        return Ok(respond::see_other(&to::order(&id)));
    };
    let around = Around::of(&visit, Some(&by.session)).await?;
    let (deal, title) = (seen.order.deal.to_string(), seen.order.title());
    let shown = ResultPage {
        frame: around.frame(),
        order: &id,
        number: &seen.order.number,
        deal: &deal,
        title: &title,
        quantity: u64::from(seen.order.units()),
        amount: money(&seen.order.total),
        gateway: gateway(provider),
        outcome,
        steps: seen.steps(),
        held_until: None,
    };
    Ok(respond::refreshed(page(shown.html()), shown.refresh_seconds()))
}

async fn cancel(visit: Visit, by: Shopper, _: Form) -> Answer {
    let seen = seen(&visit, &by).await?;
    let id = seen.order.id;
    let given_up = visit.db()?.write(async |tx| {
        let live = live(tx, by.account()).await?;
        till::cancel(tx, &live, id).await.refusing(Refusal::from)
    });
    match given_up.await.map_err(Refusal::from) {
        Ok(()) => Ok(done(&visit, "order_cancelled", &to::order(&id.to_string()))),
        Err(refusal) => seen.answer(&visit, &by, None, &Wrong::of(refusal)?).await,
    }
}

fn required(field: &str, code: &'static str) -> Refusal {
    Refusal::Invalid(vec![Fault::new(field, code, "비워 둘 수 없습니다.", "this is needed")])
}

/// How many units a form is about.
fn count(form: &Form, field: &str) -> Result<u32, Refusal> {
    let count = form.get(field).parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| required(field, "quantity_invalid"))
}

/// Why somebody wants what a form is about.
fn why(form: &Form, field: &str) -> Result<&'static str, Refusal> {
    let why = REASONS.iter().find(|(word, _)| *word == form.get(field));
    why.map(|(_, why)| *why).ok_or_else(|| required(field, "required"))
}

async fn want_back(visit: Visit, by: Shopper, form: Form) -> Answer {
    let seen = seen(&visit, &by).await?;
    match wanted_back(&visit, &by, &seen, &form).await {
        Ok(()) => Ok(done(&visit, "refund_asked", &to::order(&seen.order.id.to_string()))),
        Err(refusal) => seen.answer(&visit, &by, Some(&form), &Wrong::of(refusal)?).await,
    }
}

/// Wants money back, once for each form.
async fn wanted_back(visit: &Visit, by: &Shopper, seen: &Seen, form: &Form) -> Result<(), Refusal> {
    let (count, reason) = (count(form, "quantity")?, why(form, "reason")?);
    let lines = [(0, count)];
    let is_all = usize::try_from(count).is_ok_and(|count| count >= seen.amounts().len());
    let part = if is_all { Part::Rest } else { Part::Lines(&lines) };
    let wish = Wish { part, reason, restocks: true };
    let order = seen.order.id;
    let work = async |tx: &store::Tx| {
        let live = live(tx, by.account()).await?;
        refund::by_owner(tx, &live, order, &wish).await.refusing(Refusal::from)?;
        Ok::<_, Failure<Refusal>>(kept::Answer { status: 303, location: None, body: Vec::new() })
    };
    let digest = *blake3::hash(format!("{order} {count} {reason}").as_bytes()).as_bytes();
    let route = "/shop/orders/{order}/refund";
    match kept::Request::new(&by.account(), route, form.get("key"), digest) {
        None => visit.db()?.write(work).await.map(drop)?,
        Some(request) => match visit.db()?.once(&request, work).await? {
            kept::Once::Done(_) | kept::Once::Replayed(_) => {}
            kept::Once::Mismatch => return Err(Refusal::IdempotencyMismatch),
        },
    }
    Ok(())
}

async fn send_back(visit: Visit, by: Shopper, form: Form) -> Answer {
    let seen = seen(&visit, &by).await?;
    let order = seen.order.id;
    let asked = async {
        let reason = why(&form, "return_reason")?;
        let written = visit.db()?.write(async |tx| {
            let live = live(tx, by.account()).await?;
            fulfilment::ask_return(tx, &live, order, reason).await.refusing(Refusal::from)
        });
        Ok::<_, Refusal>(written.await?)
    };
    match asked.await {
        Ok(_) => Ok(done(&visit, "return_asked", &to::order(&order.to_string()))),
        Err(refusal) => seen.answer(&visit, &by, Some(&form), &Wrong::of(refusal)?).await,
    }
}

async fn received(visit: Visit, by: Shopper, _: Form) -> Answer {
    let order = buying::own(&visit, by.account()).await?.id;
    let arrived = visit.db()?.write(async |tx| {
        live(tx, by.account()).await?;
        fulfilment::deliver(tx, order).await.refusing(Refusal::from)
    });
    arrived.await.map_err(Refusal::from)?;
    Ok(done(&visit, "order_received", &to::order(&order.to_string())))
}
