//! Orders on the wire.

use base::money::Money;
use serde::Serialize;
use trade::{
    fulfilment::{ReturnRequest, ReturnState, Shipment, ShipmentState},
    gateway::{Method, Provider},
    order::{
        Line, Order,
        state::{Ending, OrderState},
    },
    payment::{Kept, Named},
    refund::Refund,
};
use web::{fields::Fields, node::Node};

use super::{
    address::{AddressRequest, PostalObject},
    read, time,
};
use crate::input::Object;

/// How many units a request may name. A deal sells far fewer to one shopper, which the engine says.
const QUANTITY_MAX: u32 = 1_000_000;

/// The providers by their names.
pub(crate) const GATEWAYS: [(&str, Provider); 2] =
    [("kakaopay", Provider::KakaoPay), ("card", Provider::Card)];

/// The name of a provider.
pub(crate) fn gateway_word(provider: Provider) -> &'static str {
    GATEWAYS.iter().find(|(_, known)| *known == provider).map_or("", |(word, _)| word)
}

/// The name of a state.
pub(crate) const fn state_word(state: OrderState) -> &'static str {
    match state {
        OrderState::Waiting => "waiting",
        OrderState::Paying => "paying",
        OrderState::Confirming => "confirming",
        OrderState::Paid => "paid",
        OrderState::PartRefunded => "part_refunded",
        OrderState::Refunding => "refunding",
        OrderState::Cancelled => "cancelled",
        OrderState::Cancelling => "cancelling",
        OrderState::Owed => "owed",
        OrderState::Refunded => "refunded",
        OrderState::Doubt => "doubt",
    }
}

const fn ending_word(ending: Ending) -> &'static str {
    match ending {
        Ending::Expired => "expired",
        Ending::GivenUp => "given_up",
        Ending::Failed => "failed",
    }
}

const fn method_word(method: Method) -> &'static str {
    match method {
        Method::Card => "card",
        Method::Money => "money",
    }
}

/// An order, as its buyer sees it in a list.
#[derive(Debug, Serialize)]
pub(crate) struct OrderObject {
    order: String,
    number: String,
    deal: String,
    state: &'static str,
    ending: Option<&'static str>,
    amount: i64,
    currency: String,
    refunded: i64,
    lines: Vec<LineObject>,
    payment: Option<PaymentPart>,
    placed_at: String,
    expires_at: Option<String>,
}

/// Goods of one kind in an order.
#[derive(Debug, Serialize)]
struct LineObject {
    sku: String,
    name: String,
    quantity: u32,
    unit_price: i64,
    amount: i64,
}

/// Who takes the money of an order.
#[derive(Debug, Serialize)]
struct PaymentPart {
    payment: String,
    gateway: &'static str,
    method: Option<&'static str>,
}

impl LineObject {
    fn of(line: &Line) -> Self {
        let amount = line.unit.times(line.quantity).map_or(0, |amount| amount.minor);
        Self {
            sku: line.sku.clone(),
            name: line.name.clone(),
            quantity: line.quantity,
            unit_price: line.unit.minor,
            amount,
        }
    }
}

impl OrderObject {
    /// An order with what is known of its payment.
    pub(crate) fn of(order: &Order, paid: Option<&Named>) -> Self {
        let payment = paid.and_then(|paid| {
            Some(PaymentPart {
                payment: paid.payment.to_string(),
                gateway: gateway_word(paid.provider?),
                method: paid.method.map(method_word),
            })
        });
        Self {
            order: order.id.to_string(),
            number: order.number.clone(),
            deal: order.deal.to_string(),
            state: state_word(order.state),
            ending: order.ending.map(ending_word),
            amount: order.total.minor,
            currency: order.total.currency.code().to_owned(),
            refunded: paid.map_or(0, |paid| paid.back),
            lines: order.lines.iter().map(LineObject::of).collect(),
            payment,
            placed_at: time(order.placed_at),
            expires_at: order.state.is_pending().then(|| time(order.pay_by)),
        }
    }
}

/// An order with everything that belongs to it.
#[derive(Debug, Serialize)]
pub(crate) struct OrderDetail {
    #[serde(flatten)]
    order: OrderObject,
    refundable: i64,
    address: PostalObject,
    shipment: Option<ShipmentObject>,
    refunds: Vec<RefundObject>,
    returns: Vec<ReturnObject>,
}

/// What belongs to an order.
#[derive(Debug)]
pub(crate) struct Belonging<'a> {
    pub(crate) payment: &'a Kept,
    pub(crate) shipment: Option<&'a Shipment>,
    pub(crate) refunds: &'a [Refund],
    pub(crate) returns: &'a [ReturnRequest],
}

impl OrderDetail {
    pub(crate) fn of(order: &Order, with: &Belonging<'_>) -> Self {
        let payment = &with.payment.payment;
        let named = Named {
            payment: with.payment.id,
            order: order.id,
            provider: with.payment.provider,
            method: with.payment.method,
            back: payment.back().minor,
        };
        Self {
            order: OrderObject::of(order, Some(&named)),
            refundable: payment.refundable().minor,
            address: PostalObject::of(&order.postal),
            shipment: with.shipment.map(ShipmentObject::of),
            refunds: with.refunds.iter().map(RefundObject::of).collect(),
            returns: with.returns.iter().map(ReturnObject::of).collect(),
        }
    }
}

/// Goods on their way.
#[derive(Debug, Serialize)]
struct ShipmentObject {
    state: &'static str,
    carrier: Option<String>,
    tracking: Option<String>,
    prepared_at: String,
    shipped_at: Option<String>,
    delivered_at: Option<String>,
}

impl ShipmentObject {
    fn of(shipment: &Shipment) -> Self {
        let parcel = shipment.parcel.as_ref();
        Self {
            state: match shipment.state {
                ShipmentState::Preparing => "preparing",
                ShipmentState::Shipped => "shipped",
                ShipmentState::Delivered => "delivered",
            },
            carrier: parcel.map(|parcel| parcel.carrier().to_owned()),
            tracking: parcel.map(|parcel| parcel.tracking().to_owned()),
            prepared_at: time(shipment.prepared_at),
            shipped_at: shipment.shipped_at.map(time),
            delivered_at: shipment.delivered_at.map(time),
        }
    }
}

/// Money that is given back.
#[derive(Debug, Serialize)]
pub(crate) struct RefundObject {
    refund: String,
    amount: i64,
    currency: String,
    state: &'static str,
    reason: String,
    wanted_at: String,
}

impl RefundObject {
    pub(crate) fn of(refund: &Refund) -> Self {
        Self {
            refund: refund.id.to_string(),
            amount: refund.amount.minor,
            currency: refund.amount.currency.code().to_owned(),
            state: if refund.is_given { "given" } else { "under_way" },
            reason: refund.reason.clone(),
            wanted_at: time(refund.wanted_at),
        }
    }
}

/// Goods that somebody wants to send back.
#[derive(Debug, Serialize)]
pub(crate) struct ReturnObject {
    #[serde(rename = "return")]
    id: String,
    state: &'static str,
    reason: String,
    asked_at: String,
}

impl ReturnObject {
    pub(crate) fn of(request: &ReturnRequest) -> Self {
        Self {
            id: request.id.to_string(),
            state: match request.state {
                ReturnState::Open => "open",
                ReturnState::Accepted => "accepted",
                ReturnState::Refused => "refused",
            },
            reason: request.reason.clone(),
            asked_at: time(request.asked_at),
        }
    }
}

/// Where a shopper pays.
#[derive(Debug, Serialize)]
pub(crate) struct PaymentObject {
    payment: String,
    redirect_url: String,
    expires_at: Option<String>,
}

impl PaymentObject {
    pub(crate) fn of(kept: &Kept, page: &str) -> Self {
        Self {
            payment: kept.id.to_string(),
            redirect_url: page.to_owned(),
            expires_at: kept.payment.lasts_until().map(time),
        }
    }
}

/// What somebody wants to order: units that a pass admits to, or that are held already.
pub(crate) struct OrderRequest {
    pub(crate) deal: String,
    pub(crate) of: Source,
    pub(crate) address: Place,
}

/// Where the units come from.
pub(crate) enum Source {
    /// From an admission.
    Pass {
        /// The pass; empty if none was sent.
        pass: String,
        quantity: u32,
    },
    /// From a purchase in the room.
    Purchase(String),
}

/// Where the goods go.
pub(crate) enum Place {
    /// To an address of the account.
    Known(String),
    /// To this one.
    Typed(AddressRequest),
}

impl std::fmt::Debug for OrderRequest {
    /// A pass is a secret, an address personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OrderRequest").field("deal", &self.deal).finish_non_exhaustive()
    }
}

impl Object for OrderRequest {
    /// What a client believes to pay is not looked at: the price is the deal's.
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        for believed in ["amount", "total_amount", "totalAmount"] {
            fields.take(believed);
        }
        let deal = read::text(fields, "deal");
        let purchase = read::optional(fields, "purchase");
        let pass = read::optional_secret(fields, "pass");
        let quantity = fields.integer("quantity", 1..=QUANTITY_MAX);
        let address = place(fields);
        let of = if let Some(purchase) = purchase {
            Some(Source::Purchase(purchase))
        } else {
            let allowed = format!("a whole number from 1 to {QUANTITY_MAX}");
            let quantity = fields.required("quantity", &allowed, quantity);
            quantity.map(|quantity| Source::Pass { pass: pass.unwrap_or_default(), quantity })
        };
        Some(Self { deal: deal?, of: of?, address: address? })
    }
}

/// An address' id, or a new one.
fn place(fields: &mut Fields<'_, '_>) -> Option<Place> {
    const ALLOWED: &str = "an address' id, or an object with an address";
    if fields.is_table("address") {
        let mut typed = fields.table("address");
        let address = AddressRequest::read(&mut typed);
        typed.finish();
        return address.map(Place::Typed);
    }
    let known = fields.read("address", ALLOWED, Node::as_text);
    fields.required("address", ALLOWED, known).map(|id| Place::Known(id.to_owned()))
}

/// How somebody wants to pay.
#[derive(Debug)]
pub(crate) struct PaymentRequest {
    pub(crate) gateway: Provider,
}

impl Object for PaymentRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let gateway = fields.word("gateway", &GATEWAYS);
        let gateway = fields.required("gateway", "kakaopay, card", gateway)?;
        Some(Self { gateway })
    }
}

/// What somebody wants back.
#[derive(Debug)]
pub(crate) struct RefundRequest {
    pub(crate) amount: Option<i64>,
    /// Kinds of goods, each with how many.
    pub(crate) lines: Vec<(String, u32)>,
    pub(crate) reason: String,
}

impl Object for RefundRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let amount = if fields.is_null("amount") {
            fields.take("amount");
            None
        } else {
            fields.integer("amount", 1..=base::money::MINOR_MAX)
        };
        let lines = if fields.is_null("lines") {
            fields.take("lines");
            Some(Vec::new())
        } else {
            lines(fields)
        };
        let reason = read::text(fields, "reason");
        if amount.is_some() && lines.as_ref().is_some_and(|lines| !lines.is_empty()) {
            fields.note("lines", "an amount beside them", "either lines or an amount");
            return None;
        }
        Some(Self { amount, lines: lines?, reason: reason? })
    }
}

fn lines(fields: &mut Fields<'_, '_>) -> Option<Vec<(String, u32)>> {
    let Some(nodes) = fields.list("lines") else {
        return (!fields.has_problem("lines")).then(Vec::new);
    };
    let mut all = Some(Vec::new());
    for (path, node) in nodes {
        let mut line = Fields::open(&path, node, fields.problems());
        let sku = read::text(&mut line, "sku");
        let quantity = line.integer("quantity", 1..=QUANTITY_MAX);
        let allowed = format!("a whole number from 1 to {QUANTITY_MAX}");
        let quantity = line.required("quantity", &allowed, quantity);
        line.finish();
        all = all.zip(sku.zip(quantity)).map(|(mut all, one)| {
            all.push(one);
            all
        });
    }
    all
}

/// Why somebody wants to send goods back.
#[derive(Debug)]
pub(crate) struct ReturnWish {
    pub(crate) reason: String,
}

impl Object for ReturnWish {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        Some(Self { reason: read::text(fields, "reason")? })
    }
}

/// The amount of a refund in an order's currency.
pub(crate) const fn amount_of(order: &Order, minor: i64) -> Money {
    Money::new(minor, order.total.currency)
}
