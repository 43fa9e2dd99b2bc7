//! Orders of a seller's deals on the wire: what has to go where, and what comes back.

use serde::Serialize;
use trade::{
    fulfilment::{Parcel, ReturnRequest, ReturnState, Shipment, ShipmentState},
    order::{Order, state::OrderState},
};
use web::fields::Fields;

use super::{read, time};
use crate::{input::Object, refusal::Refusal};

/// An order of a seller's deal. Who gets it stands in it only while the seller has to know.
#[derive(Debug, Serialize)]
pub(crate) struct SoldObject {
    order: String,
    number: String,
    deal: String,
    lines: Vec<SoldLine>,
    amount: i64,
    currency: String,
    state: &'static str,
    shipment: Option<ShipmentPart>,
    returns: Vec<ReturnObject>,
    receiver: Option<ReceiverObject>,
    placed_at: String,
}

#[derive(Debug, Serialize)]
struct SoldLine {
    sku: String,
    name: String,
    quantity: u32,
}

#[derive(Debug, Serialize)]
struct ShipmentPart {
    state: &'static str,
    carrier: Option<String>,
    tracking: Option<String>,
    prepared_at: String,
    shipped_at: Option<String>,
    delivered_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct ReceiverObject {
    receiver: String,
    phone: String,
    zip: String,
    road: String,
    detail: String,
}

/// Goods that somebody wants to send back.
#[derive(Debug, Serialize)]
pub(crate) struct ReturnObject {
    #[serde(rename = "return")]
    id: String,
    order: String,
    state: &'static str,
    reason: String,
    asked_at: String,
}

impl ReturnObject {
    pub(crate) fn of(request: &ReturnRequest) -> Self {
        Self {
            id: request.id.to_string(),
            order: request.order.to_string(),
            state: request.state.code(),
            reason: request.reason.clone(),
            asked_at: time(request.asked_at),
        }
    }
}

/// An order with where its goods are.
#[derive(Debug)]
pub(crate) struct Sold {
    pub(crate) order: Order,
    pub(crate) shipment: Option<Shipment>,
    pub(crate) returns: Vec<ReturnRequest>,
}

impl Sold {
    /// Whether the seller has to know who gets the goods: they are paid and did not arrive, or come back.
    pub(crate) fn has_receiver(&self) -> bool {
        is_for_seller(self.order.state, self.shipment.as_ref(), &self.returns)
    }
}

fn is_for_seller(
    state: OrderState,
    shipment: Option<&Shipment>,
    returns: &[ReturnRequest],
) -> bool {
    let has_arrived = shipment.is_some_and(|known| known.state == ShipmentState::Delivered);
    let comes_back = returns.iter().any(|one| one.state == ReturnState::Open);
    state.is_paid() && (!has_arrived || comes_back)
}

impl SoldObject {
    pub(crate) fn of(sold: &Sold) -> Self {
        let Sold { order, shipment, returns } = sold;
        let line = |line: &trade::order::Line| SoldLine {
            sku: line.sku.clone(),
            name: line.name.clone(),
            quantity: line.quantity,
        };
        let postal = Some(&order.postal).filter(|_| sold.has_receiver());
        Self {
            order: order.id.to_string(),
            number: order.number.clone(),
            deal: order.deal.to_string(),
            lines: order.lines.iter().map(line).collect(),
            amount: order.total.minor,
            currency: order.total.currency.code().to_owned(),
            state: order.state.code(),
            shipment: shipment.as_ref().map(ShipmentPart::of),
            returns: returns.iter().map(ReturnObject::of).collect(),
            receiver: postal.map(|postal| ReceiverObject {
                receiver: postal.receiver().to_owned(),
                phone: postal.phone().grouped(),
                zip: postal.zip().to_owned(),
                road: postal.road().to_owned(),
                detail: postal.detail().to_owned(),
            }),
            placed_at: time(order.placed_at),
        }
    }
}

impl ShipmentPart {
    fn of(shipment: &Shipment) -> Self {
        let parcel = shipment.parcel.as_ref();
        Self {
            state: shipment.state.code(),
            carrier: parcel.map(|parcel| parcel.carrier().to_owned()),
            tracking: parcel.map(|parcel| parcel.tracking().to_owned()),
            prepared_at: time(shipment.prepared_at),
            shipped_at: shipment.shipped_at.map(time),
            delivered_at: shipment.delivered_at.map(time),
        }
    }
}

/// `POST …/ship`.
#[derive(Debug)]
pub(crate) struct ShipRequest {
    carrier: String,
    tracking: String,
}

impl Object for ShipRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let carrier = read::text(fields, "carrier");
        let tracking = read::text(fields, "tracking");
        Some(Self { carrier: carrier?, tracking: tracking? })
    }
}

impl ShipRequest {
    pub(crate) fn parcel(&self) -> Result<Parcel, Refusal> {
        parcel(&self.carrier, &self.tracking)
    }
}

/// What a carrier calls the goods, as it is typed.
pub(crate) fn parcel(carrier: &str, tracking: &str) -> Result<Parcel, Refusal> {
    Parcel::parse(carrier, tracking).ok_or_else(|| {
        Refusal::field(
            "tracking",
            "parcel_invalid",
            "택배사 이름과 송장 번호를 각각 40자 안으로 적어 주세요.",
            "a carrier of 1 to 40 characters, and a number of as many letters, digits and hyphens",
        )
    })
}

/// What becomes of goods that come back: nothing said means that they are not sold again.
#[derive(Debug)]
pub(crate) struct TakeBackRequest {
    pub(crate) restocks: bool,
}

impl Object for TakeBackRequest {
    const MAY_BE_ABSENT: bool = true;

    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        Some(Self { restocks: fields.bool("restocks").unwrap_or(false) })
    }
}
