//! What operators look into and decide: deals, orders, payments, goods that come back, tasks, rents.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use base::cursor::{Page, Wanted};
use commons::{
    audit::{self, Actor},
    ids::Person,
    label::Label,
    subject::Subject,
};
use identity::{account::Live, ids::BusinessId};
use store::{Failure, Id, Tx, task::Dead};
use trade::{
    deal::{self, Decider, Search, Sorted},
    fulfilment::{self, Decision},
    ids::{DealId, InvoiceId, OrderId, PaymentId, ReturnId},
    order::{self, Order},
    payment, refund, rental, till,
};
use web::respond::{self, Cache};

use super::fulfilment::decided;
use crate::{
    acting::live,
    answer::{Answer, json},
    authority::Operator,
    input::{Json, Listed},
    refusal::{DoneRefusal, Refusal, done},
    routes::Routes,
    visit::Visit,
    wire::{
        List,
        desk::{
            DeadTaskObject, DealRowObject, DecideRequest, DoubtObject, EntryObject,
            GiveBackRequest, InvoiceRowObject, OrderFile, OrderFileObject, OrderRowObject,
            ReasonRequest, RefundRowObject, TaskRequest, noted,
        },
        fulfilment::{ReturnObject, TakeBackRequest},
    },
};

/// How many tasks that gave up are shown. More of them have one cause.
pub(crate) const DEAD_SHOWN_MAX: u32 = 100;

/// What the audit is asked about, by name.
const SUBJECTS: [(&str, Label); 6] = [
    ("deal", deal::SUBJECT),
    ("order", ORDER),
    ("payment", PAYMENT),
    ("return", RETURN),
    ("invoice", INVOICE),
    ("operator", OPERATOR),
];
const ORDER: Label = Label::new("order");
const PAYMENT: Label = Label::new("payment");
const RETURN: Label = Label::new("return");
const INVOICE: Label = Label::new("invoice");
/// What an operator does to something that has no id, such as a task.
const OPERATOR: Label = Label::new("operator");

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .on(Method::GET, "/v1/admin/deals", deals)
        .on(Method::POST, "/v1/admin/deals/{deal}/pause", pause)
        .on(Method::POST, "/v1/admin/deals/{deal}/resume", resume)
        .on(Method::POST, "/v1/admin/deals/{deal}/close", close)
        .on(Method::POST, "/v1/admin/deals/{deal}/cancel", cancel)
        .on(Method::GET, "/v1/admin/orders", orders)
        .on(Method::GET, "/v1/admin/orders/{order}", show_order)
        .on(Method::POST, "/v1/admin/orders/{order}/refunds", give_back)
        .on(Method::GET, "/v1/admin/doubts", doubts)
        .on(Method::POST, "/v1/admin/payments/{payment}/resolve", resolve)
        .on(Method::POST, "/v1/admin/payments/{payment}/look-up", look_up)
        .on(Method::POST, "/v1/admin/payments/{payment}/decide", decide)
        .on(Method::GET, "/v1/admin/returns", returns)
        .on(Method::POST, "/v1/admin/returns/{return}/accept", accept)
        .on(Method::POST, "/v1/admin/returns/{return}/refuse", refuse)
        .on(Method::GET, "/v1/admin/dead-tasks", dead_tasks)
        .on(Method::POST, "/v1/admin/dead-tasks/revive", revive)
        .on(Method::POST, "/v1/admin/dead-tasks/dismiss", dismiss)
        .on(Method::GET, "/v1/admin/audit", entries)
        .on(Method::GET, "/v1/admin/businesses/{business}/invoices", invoices)
        .on(Method::POST, "/v1/admin/invoices/{invoice}/settle", settle)
}

async fn deals(visit: Visit, _: Operator, listed: Listed) -> Answer {
    listed.only(&["ended"])?;
    let is_over = match listed.parameter("ended") {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => {
            return Err(Refusal::field(
                "ended",
                "ended_invalid",
                "true, false 가운데 하나여야 합니다.",
                "true or false",
            ));
        }
    };
    let db = visit.db()?;
    let search = Search { is_over, sorted: Sorted::Latest, ..Search::default() };
    let page = deal::search(&db.read(), &search, db.now(), listed.wanted).await?;
    let stock = &visit.shop().selling()?.stock;
    Ok(json(&List::of(page, |one| {
        DealRowObject::of(&one, stock.counts(one.id).as_ref(), db.now())
    })))
}

async fn shown_deal(visit: &Visit, id: DealId) -> Answer {
    let (db, selling) = (visit.db()?, visit.shop().selling()?);
    let found = deal::find(&db.read(), id).await?;
    let found = found.ok_or(DoneRefusal::Decide(deal::DecideRefusal::Unknown))?;
    Ok(json(&DealRowObject::of(&found, selling.stock.counts(id).as_ref(), db.now())))
}

/// What an operator decides about a deal.
#[derive(Debug)]
pub(crate) enum OfDeal {
    /// Nobody is let in for now.
    Pause,
    /// The pause ends.
    Resume,
    /// It ends before its time.
    Close(deal::Reason),
    /// It is called off, and all that was paid is given back.
    Cancel(deal::Reason),
}

/// Has an operator decide about a deal.
pub(crate) async fn decide_deal(
    visit: &Visit,
    by: &Operator,
    id: DealId,
    what: OfDeal,
) -> Result<(), Refusal> {
    let decided = visit.db()?.write(async |tx| {
        let live = live(tx, by.session.account).await?;
        let by = Decider::Operator(&live);
        let decided = match &what {
            OfDeal::Pause => deal::pause(tx, by, id).await,
            OfDeal::Resume => deal::resume(tx, by, id).await,
            OfDeal::Close(reason) => deal::close(tx, by, id, reason).await,
            OfDeal::Cancel(reason) => deal::cancel(tx, by, id, reason).await,
        };
        done(decided, DoneRefusal::Decide)
    });
    Ok(decided.await?)
}

async fn pause(visit: Visit, by: Operator, (): ()) -> Answer {
    let id = visit.captured("deal")?;
    decide_deal(&visit, &by, id, OfDeal::Pause).await?;
    shown_deal(&visit, id).await
}

async fn resume(visit: Visit, by: Operator, (): ()) -> Answer {
    let id = visit.captured("deal")?;
    decide_deal(&visit, &by, id, OfDeal::Resume).await?;
    shown_deal(&visit, id).await
}

async fn close(visit: Visit, by: Operator, input: Json<ReasonRequest>) -> Answer {
    let id = visit.captured("deal")?;
    decide_deal(&visit, &by, id, OfDeal::Close(input.value.of_deal()?)).await?;
    shown_deal(&visit, id).await
}

async fn cancel(visit: Visit, by: Operator, input: Json<ReasonRequest>) -> Answer {
    let id = visit.captured("deal")?;
    decide_deal(&visit, &by, id, OfDeal::Cancel(input.value.of_deal()?)).await?;
    shown_deal(&visit, id).await
}

/// The order of a number, or the orders of an account.
async fn orders(visit: Visit, _: Operator, listed: Listed) -> Answer {
    listed.only(&["q"])?;
    let page =
        found_orders(&visit, listed.parameter("q").unwrap_or_default(), listed.wanted).await?;
    Ok(json(&List::of(page, |order| OrderRowObject::of(&order))))
}

/// The orders that somebody looks for by an order's number or id, or an account's id.
pub(crate) async fn found_orders(
    visit: &Visit,
    text: &str,
    wanted: Wanted,
) -> Result<Page<Order>, Refusal> {
    let (reader, text) = (visit.db()?.read(), text.trim());
    if let Some(order) = order::by_number(&reader, text).await? {
        return Ok(Page { items: vec![order], next: None });
    }
    let Ok(id) = text.parse::<Id>() else { return Ok(Page { items: Vec::new(), next: None }) };
    if let Some(order) = order::find_any(&reader, OrderId(id)).await? {
        return Ok(Page { items: vec![order], next: None });
    }
    Ok(order::of_account(&reader, identity::ids::AccountId(id), wanted).await?)
}

async fn show_order(visit: Visit, _: Operator, (): ()) -> Answer {
    let id = visit.captured("order")?;
    Ok(json(&OrderFileObject::of(&file(&visit, id).await?)))
}

/// Everything that is known of an order.
pub(crate) async fn file(visit: &Visit, id: OrderId) -> Result<OrderFile, Refusal> {
    let reader = visit.db()?.read();
    let order = order::find_any(&reader, id).await?.ok_or(DoneRefusal::OrderUnknown)?;
    let payment = payment::of_order(&reader, id).await?.ok_or(DoneRefusal::OrderUnknown)?;
    let story = payment::story(&reader, payment.id).await?;
    Ok(OrderFile {
        order,
        refunds: refund::of_order(&reader, id).await?,
        returns: fulfilment::returns_of(&reader, id).await?,
        story: story.iter().map(|(at, step)| (*at, step.name())).collect(),
        payment,
    })
}

async fn give_back(visit: Visit, by: Operator, input: Json<GiveBackRequest>) -> Answer {
    let id: OrderId = visit.captured("order")?;
    refunded(&visit, &by, id, &input.value).await?;
    let given = refund::of_order(&visit.db()?.read(), id).await?;
    let last = given.last().map(RefundRowObject::of).ok_or(Refusal::Internal)?;
    Ok(respond::json(StatusCode::CREATED, Cache::NoStore, &last))
}

/// Has an operator give money of an order back.
pub(crate) async fn refunded(
    visit: &Visit,
    by: &Operator,
    id: OrderId,
    asked: &GiveBackRequest,
) -> Result<(), Refusal> {
    let known = order::find_any(&visit.db()?.read(), id).await?.ok_or(DoneRefusal::OrderUnknown)?;
    let amount = asked.amount.map(|minor| base::money::Money::new(minor, known.total.currency));
    let part = match (amount, &asked.lines) {
        (Some(amount), _) => refund::Part::Amount(amount),
        (None, Some(lines)) => refund::Part::Lines(lines),
        (None, None) => refund::Part::Rest,
    };
    let wish = refund::Wish { part, reason: &asked.reason, restocks: asked.restocks };
    let given = visit.db()?.write(async |tx| {
        let live = live(tx, by.session.account).await?;
        let given = done(refund::by_operator(tx, &live, id, &wish).await, DoneRefusal::Refund)?;
        let detail = [("refund", given.to_string())];
        note(tx, &live, Label::new("order.refunded"), (ORDER, id.0), detail).await
    });
    Ok(given.await?)
}

async fn doubts(visit: Visit, _: Operator, listed: Listed) -> Answer {
    listed.only(&[])?;
    let page = payment::desk(&visit.db()?.read(), listed.wanted).await?;
    Ok(json(&List::of(page, |one| DoubtObject::of(&one))))
}

async fn resolve(visit: Visit, by: Operator, input: Json<ReasonRequest>) -> Answer {
    let id = visit.captured("payment")?;
    resolved(&visit, &by, id, &input.value.noted()?).await?;
    Ok(respond::no_content())
}

/// Has a payment asked for again whose doubt an operator has looked at.
pub(crate) async fn resolved(
    visit: &Visit,
    by: &Operator,
    id: PaymentId,
    reason: &str,
) -> Result<(), Refusal> {
    let written = visit.db()?.write(async |tx| {
        let live = live(tx, by.session.account).await?;
        done(till::resolve(tx, id).await, DoneRefusal::Desk)?;
        let detail = [("reason", reason.to_owned())];
        note(tx, &live, Label::new("payment.resolved"), (PAYMENT, id.0), detail).await
    });
    Ok(written.await?)
}

async fn look_up(visit: Visit, by: Operator, (): ()) -> Answer {
    let id = visit.captured("payment")?;
    looked_up(&visit, &by, id).await?;
    Ok(respond::no_content())
}

/// Has the provider say how a payment stands.
pub(crate) async fn looked_up(visit: &Visit, by: &Operator, id: PaymentId) -> Result<(), Refusal> {
    let written = visit.db()?.write(async |tx| {
        let live = live(tx, by.session.account).await?;
        done(till::look_up(tx, id).await, DoneRefusal::Desk)?;
        note(tx, &live, Label::new("payment.looked_up"), (PAYMENT, id.0), []).await
    });
    Ok(written.await?)
}

async fn decide(visit: Visit, by: Operator, input: Json<DecideRequest>) -> Answer {
    let id = visit.captured("payment")?;
    decide_doubt(&visit, &by, id, input.value.decision, &input.value.reason).await?;
    Ok(respond::no_content())
}

/// Has an operator decide about a doubt that asking again does not clear.
pub(crate) async fn decide_doubt(
    visit: &Visit,
    by: &Operator,
    id: PaymentId,
    decision: payment::Decision,
    reason: &str,
) -> Result<(), Refusal> {
    let written = visit.db()?.write(async |tx| {
        let live = live(tx, by.session.account).await?;
        done(till::decide(tx, &live, id, decision, reason).await, DoneRefusal::Doubt)
    });
    Ok(written.await?)
}

async fn returns(visit: Visit, _: Operator, listed: Listed) -> Answer {
    listed.only(&[])?;
    let page = fulfilment::open_returns(&visit.db()?.read(), listed.wanted).await?;
    Ok(json(&List::of(page, |one| ReturnObject::of(&one))))
}

async fn accept(visit: Visit, by: Operator, input: Json<TakeBackRequest>) -> Answer {
    let id = visit.captured("return")?;
    take_back(&visit, &by, id, Decision::Accept, input.value.restocks).await?;
    Ok(respond::no_content())
}

async fn refuse(visit: Visit, by: Operator, (): ()) -> Answer {
    let id = visit.captured("return")?;
    take_back(&visit, &by, id, Decision::Refuse, false).await?;
    Ok(respond::no_content())
}

/// Has an operator decide about goods that somebody wants to send back.
pub(crate) async fn take_back(
    visit: &Visit,
    by: &Operator,
    id: ReturnId,
    decision: Decision,
    restocks: bool,
) -> Result<(), Refusal> {
    let written = visit.db()?.write(async |tx| {
        let live = live(tx, by.session.account).await?;
        decided(tx, live.id(), id, decision, restocks).await?;
        let action = match decision {
            Decision::Accept => Label::new("return.accepted"),
            Decision::Refuse => Label::new("return.refused"),
        };
        note(tx, &live, action, (RETURN, id.0), []).await
    });
    Ok(written.await?)
}

async fn dead_tasks(visit: Visit, _: Operator, (): ()) -> Answer {
    let all: Vec<Dead> = visit.db()?.read().dead_tasks(DEAD_SHOWN_MAX).await?;
    Ok(json(&List::whole(all.iter().map(DeadTaskObject::of).collect())))
}

async fn revive(visit: Visit, by: Operator, input: Json<TaskRequest>) -> Answer {
    let TaskRequest { kind, key, reason } = &input.value;
    settle_task(&visit, &by, (kind, key), &noted(reason)?, Fate::Again).await?;
    Ok(respond::no_content())
}

async fn dismiss(visit: Visit, by: Operator, input: Json<TaskRequest>) -> Answer {
    let TaskRequest { kind, key, reason } = &input.value;
    settle_task(&visit, &by, (kind, key), &noted(reason)?, Fate::Never).await?;
    Ok(respond::no_content())
}

/// What becomes of a task that gave up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// It is tried again.
    Again,
    /// It is never done.
    Never,
}

/// Has an operator decide about a task that gave up.
pub(crate) async fn settle_task(
    visit: &Visit,
    by: &Operator,
    (kind, key): (&str, &str),
    reason: &str,
    fate: Fate,
) -> Result<(), Refusal> {
    let written = visit.db()?.write(async |tx| {
        let live = live(tx, by.session.account).await?;
        let (was_there, action) = match fate {
            Fate::Again => (tx.revive(kind, key).await?, Label::new("task.revived")),
            Fate::Never => (tx.dismiss(kind, key).await?, Label::new("task.dismissed")),
        };
        if !was_there {
            return store::refused(DoneRefusal::TaskUnknown.into());
        }
        let detail =
            [("kind", kind.to_owned()), ("key", key.to_owned()), ("reason", reason.to_owned())];
        note(tx, &live, action, (OPERATOR, live.id().0), detail).await
    });
    Ok(written.await?)
}

/// What was done to a subject; without one, everything, the latest first.
async fn entries(visit: Visit, _: Operator, listed: Listed) -> Answer {
    listed.only(&["kind", "id"])?;
    let reader = visit.db()?.read();
    let subject = match (listed.parameter("kind"), listed.parameter("id")) {
        (None, None) => None,
        (kind, id) => Some(subject_of(kind, id).ok_or_else(wrong_subject)?),
    };
    let page = match &subject {
        None => audit::all(&reader, listed.wanted).await?,
        Some(subject) => audit::of_subject(&reader, subject, listed.wanted).await?,
    };
    Ok(json(&List::of(page, |entry| EntryObject::of(&entry))))
}

fn subject_of(kind: Option<&str>, id: Option<&str>) -> Option<Subject> {
    let (_, kind) = SUBJECTS.into_iter().find(|(name, _)| Some(*name) == kind)?;
    Some(Subject::new(kind, id?.parse().ok()?))
}

fn wrong_subject() -> Refusal {
    Refusal::field(
        "kind",
        "subject_unknown",
        "deal, order, payment, return, invoice, operator 가운데 하나와 그 id여야 합니다.",
        "deal, order, payment, return, invoice or operator, and its `id`",
    )
}

async fn invoices(visit: Visit, _: Operator, listed: Listed) -> Answer {
    listed.only(&[])?;
    let business: BusinessId = visit.captured("business")?;
    let page = rental::list(&visit.db()?.read(), business, listed.wanted).await?;
    Ok(json(&List::of(page, |invoice| InvoiceRowObject::of(&invoice))))
}

async fn settle(visit: Visit, by: Operator, (): ()) -> Answer {
    let id: InvoiceId = visit.captured("invoice")?;
    let written = visit.db()?.write(async |tx| {
        let live = live(tx, by.session.account).await?;
        done(rental::settle(tx, &live, id).await, DoneRefusal::Settle)?;
        note(tx, &live, Label::new("invoice.paid"), (INVOICE, id.0), []).await
    });
    written.await?;
    let found = rental::find(&visit.db()?.read(), id).await?;
    let found = found.ok_or(DoneRefusal::Settle(rental::SettleRefusal::Unknown))?;
    Ok(json(&InvoiceRowObject::of(&found)))
}

/// Notes what an operator does.
async fn note<const N: usize>(
    tx: &Tx,
    by: &Live,
    action: Label,
    (kind, id): (Label, Id),
    detail: [(&str, String); N],
) -> Result<(), Failure<Refusal>> {
    let actor = Actor { person: Some(Person(by.id().0)), role: OPERATOR };
    let detail: BTreeMap<String, String> =
        detail.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let subject = Subject::new(kind, id);
    let new = audit::New { actor: &actor, action, subject: &subject, detail: &detail };
    audit::note(tx, &new).await?;
    Ok(())
}
