//! What operators see and decide, on the wire.

use commons::audit::Entry;
use serde::Serialize;
use store::task::Dead;
use trade::{
    deal::{Counts, Deal, Reason},
    fulfilment::ReturnRequest,
    order::Order,
    payment::{Decision, Doubtful, Kept},
    refund::Refund,
    rental::Invoice,
};
use web::{fields::Fields, node::Node};

use super::{fulfilment::ReturnObject, read, time};
use crate::{input::Object, refusal::Refusal};

/// A deal, as operators see it.
#[derive(Debug, Serialize)]
pub(crate) struct DealRowObject {
    deal: String,
    business: String,
    title: String,
    state: &'static str,
    opens_at: String,
    closes_at: String,
    sale_price: i64,
    currency: String,
    stock: u32,
    available: u64,
    reserved: u64,
    sold: u64,
    reason: Option<String>,
}

impl DealRowObject {
    pub(crate) fn of(deal: &Deal, counts: Option<&Counts>, now: base::moment::Moment) -> Self {
        let price = deal.terms.unit_price();
        Self {
            deal: deal.id.to_string(),
            business: deal.business.to_string(),
            title: deal.terms.title.clone(),
            state: deal.state(counts, now).code(),
            opens_at: time(deal.terms.hours.starts_at()),
            closes_at: time(deal.over_at),
            sale_price: price.minor,
            currency: price.currency.code().to_owned(),
            stock: deal.terms.stock,
            available: counts.map_or(0, |counts| counts.available),
            reserved: counts.map_or(0, |counts| counts.reserved),
            sold: counts.map_or(0, |counts| counts.sold),
            reason: deal.reason.clone(),
        }
    }
}

/// An order, as operators see it: nothing personal, the account's id in its place.
#[derive(Debug, Serialize)]
pub(crate) struct OrderRowObject {
    order: String,
    number: String,
    account: String,
    deal: String,
    title: String,
    quantity: u32,
    amount: i64,
    currency: String,
    state: &'static str,
    placed_at: String,
}

impl OrderRowObject {
    pub(crate) fn of(order: &Order) -> Self {
        Self {
            order: order.id.to_string(),
            number: order.number.clone(),
            account: order.account.to_string(),
            deal: order.deal.to_string(),
            title: order.title(),
            quantity: order.units(),
            amount: order.total.minor,
            currency: order.total.currency.code().to_owned(),
            state: order.state.code(),
            placed_at: time(order.placed_at),
        }
    }
}

/// An order with its money.
#[derive(Debug, Serialize)]
pub(crate) struct OrderFileObject {
    #[serde(flatten)]
    order: OrderRowObject,
    payment: String,
    refundable: i64,
    refunded: i64,
    doubt: Option<&'static str>,
    refunds: Vec<RefundRowObject>,
    returns: Vec<ReturnObject>,
    story: Vec<StepObject>,
}

/// A step of a payment.
#[derive(Debug, Serialize)]
struct StepObject {
    at: String,
    step: String,
}

/// Money that somebody wants given back.
#[derive(Debug, Serialize)]
pub(crate) struct RefundRowObject {
    refund: String,
    amount: i64,
    currency: String,
    given: bool,
    wanted_by: String,
    reason: String,
    wanted_at: String,
}

impl RefundRowObject {
    pub(crate) fn of(refund: &Refund) -> Self {
        Self {
            refund: refund.id.to_string(),
            amount: refund.amount.minor,
            currency: refund.amount.currency.code().to_owned(),
            given: refund.is_given,
            wanted_by: refund.wanted_by.to_string(),
            reason: refund.reason.clone(),
            wanted_at: time(refund.wanted_at),
        }
    }
}

/// Everything that is known of an order.
#[derive(Debug)]
pub(crate) struct OrderFile {
    pub(crate) order: Order,
    pub(crate) payment: Kept,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) returns: Vec<ReturnRequest>,
    pub(crate) story: Vec<(base::moment::Moment, &'static str)>,
}

impl OrderFileObject {
    pub(crate) fn of(file: &OrderFile) -> Self {
        let step = |(at, step): &(base::moment::Moment, &'static str)| StepObject {
            at: time(*at),
            step: (*step).to_owned(),
        };
        let payment = &file.payment.payment;
        Self {
            order: OrderRowObject::of(&file.order),
            payment: file.payment.id.to_string(),
            refundable: payment.refundable().minor,
            refunded: payment.back().minor,
            doubt: payment.doubt().map(trade::payment::Doubt::code),
            refunds: file.refunds.iter().map(RefundRowObject::of).collect(),
            returns: file.returns.iter().map(ReturnObject::of).collect(),
            story: file.story.iter().map(step).collect(),
        }
    }
}

/// A payment that a person has to look at.
#[derive(Debug, Serialize)]
pub(crate) struct DoubtObject {
    payment: String,
    order: String,
    doubt: &'static str,
    since: String,
}

impl DoubtObject {
    pub(crate) fn of(doubtful: &Doubtful) -> Self {
        Self {
            payment: doubtful.payment.to_string(),
            order: doubtful.order.to_string(),
            doubt: doubtful.doubt.code(),
            since: time(doubtful.since),
        }
    }
}

/// A task that gave up.
#[derive(Debug, Serialize)]
pub(crate) struct DeadTaskObject {
    kind: String,
    key: String,
    attempts: i64,
    trouble: Option<String>,
    at: String,
}

impl DeadTaskObject {
    pub(crate) fn of(task: &Dead) -> Self {
        Self {
            kind: task.kind.clone(),
            key: task.key.clone(),
            attempts: task.attempts,
            trouble: task.trouble.clone(),
            at: time(task.at),
        }
    }
}

/// What somebody did.
#[derive(Debug, Serialize)]
pub(crate) struct EntryObject {
    action: String,
    by: Option<String>,
    role: String,
    subject_kind: String,
    subject: String,
    detail: commons::audit::Detail,
    at: String,
}

impl EntryObject {
    pub(crate) fn of(entry: &Entry) -> Self {
        Self {
            action: entry.action.to_string(),
            by: entry.actor.person.map(|person| person.to_string()),
            role: entry.actor.role.to_string(),
            subject_kind: entry.subject.kind.to_string(),
            subject: entry.subject.id.to_string(),
            detail: entry.detail.clone(),
            at: time(entry.at()),
        }
    }
}

/// What hours cost a business.
#[derive(Debug, Serialize)]
pub(crate) struct InvoiceRowObject {
    invoice: String,
    business: String,
    hours: u32,
    amount: i64,
    currency: String,
    state: &'static str,
    issued_at: String,
    settled_at: Option<String>,
}

impl InvoiceRowObject {
    pub(crate) fn of(invoice: &Invoice) -> Self {
        Self {
            invoice: invoice.id.to_string(),
            business: invoice.business.to_string(),
            hours: invoice.hours,
            amount: invoice.amount.minor,
            currency: invoice.amount.currency.code().to_owned(),
            state: invoice.state.code(),
            issued_at: time(invoice.issued_at),
            settled_at: invoice.settled_at.map(time),
        }
    }
}

/// A body with a reason in it.
#[derive(Debug)]
pub(crate) struct ReasonRequest(String);

impl Object for ReasonRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        Some(Self(read::text(fields, "reason")?))
    }
}

impl ReasonRequest {
    /// A reason that shoppers and the business read.
    pub(crate) fn of_deal(&self) -> Result<Reason, Refusal> {
        deal_reason(&self.0)
    }

    /// A reason that the audit keeps.
    pub(crate) fn noted(&self) -> Result<String, Refusal> {
        noted(&self.0)
    }
}

/// A reason that shoppers and the business read.
pub(crate) fn deal_reason(text: &str) -> Result<Reason, Refusal> {
    Reason::parse(text).ok_or_else(wrong_reason)
}

/// A reason that the audit keeps.
pub(crate) fn noted(text: &str) -> Result<String, Refusal> {
    identity::business::Reason::parse(text).map(|_| text.trim().to_owned()).ok_or_else(wrong_reason)
}

fn wrong_reason() -> Refusal {
    Refusal::field(
        "reason",
        "reason_invalid",
        "이유를 200자 안으로 적어 주세요.",
        "a reason of 1 to 200 characters on one line",
    )
}

/// `POST /v1/admin/orders/{order}/refunds`: an amount, or units of lines, or else all that is left.
#[derive(Debug)]
pub(crate) struct GiveBackRequest {
    pub(crate) amount: Option<i64>,
    pub(crate) lines: Option<Vec<(u16, u32)>>,
    pub(crate) reason: String,
    pub(crate) restocks: bool,
}

impl Object for GiveBackRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let amount = fields.integer("amount", 1..=base::money::MINOR_MAX);
        let lines = lines(fields);
        if amount.is_some() && lines.is_some() {
            fields.note("lines", "both", "`amount`, or `lines`, or neither");
        }
        let restocks = fields.bool("restocks").unwrap_or(false);
        let reason = read::text(fields, "reason")?;
        Some(Self { amount, lines, reason, restocks })
    }
}

/// Each line's place in the order, from 0, and how many units of it.
fn lines(fields: &mut Fields<'_, '_>) -> Option<Vec<(u16, u32)>> {
    let all: Vec<(String, &Node)> = fields.list("lines")?;
    let mut read = Vec::with_capacity(all.len());
    for (path, node) in all {
        let mut line = Fields::open(&path, node, fields.problems());
        let position = line.integer("line", 0..=u16::MAX);
        let position = line.required("line", "the place of a line, from 0", position);
        let quantity = line.integer("quantity", 1..=u32::MAX);
        let quantity = line.required("quantity", "how many units", quantity);
        line.finish();
        read.extend(position.zip(quantity));
    }
    Some(read)
}

/// What an operator decides about a payment in doubt, and why.
#[derive(Debug)]
pub(crate) struct DecideRequest {
    pub(crate) decision: Decision,
    pub(crate) reason: String,
}

/// The decisions by their names.
const DECISIONS: [(&str, Decision); 3] =
    [("accept", Decision::Accept), ("undo", Decision::Undo), ("units_gone", Decision::UnitsGone)];

impl Object for DecideRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let decision = fields.word("decision", &DECISIONS);
        let decision = fields.required("decision", "accept, undo, units_gone", decision);
        let reason = read::text(fields, "reason");
        Some(Self { decision: decision?, reason: reason? })
    }
}

/// A task that gave up, and why it is left alone.
#[derive(Debug)]
pub(crate) struct TaskRequest {
    pub(crate) kind: String,
    pub(crate) key: String,
    pub(crate) reason: String,
}

impl Object for TaskRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let kind = read::text(fields, "kind");
        let key = read::text(fields, "key");
        let reason = read::text(fields, "reason");
        Some(Self { kind: kind?, key: key?, reason: reason? })
    }
}
