//! An order event as sinks are told it: the purchase object of the HTTP contract, and what came of
//! it. One JSON object, the same for every sink.

use engine::{hold::HoldState, outbox::OrderEvent};
use serde::Serialize;

use crate::wire::{PurchaseItemObject, PurchaseObject, format_purchase_id, format_time};

#[derive(Debug, Serialize)]
struct Payload<'a> {
    event_id: u64,
    event: &'static str,
    at: String,
    epoch: u32,
    #[serde(flatten)]
    purchase: PurchaseObject<'a>,
}

/// The event's JSON, on one line without its end.
pub(super) fn to_json(order: &OrderEvent) -> Vec<u8> {
    let hold = &order.hold;
    assert_eq!(order.skus.len(), hold.items.len(), "every item has its SKU");
    let items = order.skus.iter().zip(&hold.items).map(|(sku, item)| PurchaseItemObject {
        sku: sku.as_str(),
        quantity: item.quantity,
        price: item.price,
    });
    let payload = Payload {
        event_id: order.id.0,
        event: event_name(hold.state),
        at: format_time(order.at),
        epoch: order.epoch.0,
        purchase: PurchaseObject {
            purchase: &format_purchase_id(order.epoch, hold.id),
            sale: order.sale.as_str(),
            shopper: &format!("{:032x}", hold.shopper.0),
            state: hold.state.into(),
            items: items.collect(),
            amount: hold.amount(),
            currency: order.currency.as_str(),
            expires_at: hold.expires_at,
            created_at: hold.created_at,
        },
    };
    serde_json::to_vec(&payload).expect("plain data has a JSON form")
}

/// The event's id over all sales, `SALE-ID`: what follows the last dash is the number.
pub(super) fn unique_id(order: &OrderEvent) -> String {
    format!("{}-{}", order.sale, order.id.0)
}

/// The event's name, `purchase.` and the state.
pub(super) fn event_name(state: HoldState) -> &'static str {
    match state {
        HoldState::Held => "purchase.held",
        HoldState::Paying => "purchase.paying",
        HoldState::Confirmed => "purchase.confirmed",
        HoldState::Released => "purchase.released",
        HoldState::Expired => "purchase.expired",
        HoldState::Refunded => "purchase.refunded",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use engine::{
        clock::Millis,
        hold::{Hold, HoldItem},
        id::{Currency, Epoch, EventId, HoldId, Number, OfferIndex, SaleName, ShopperKey, Sku},
    };

    use super::*;

    pub(crate) fn event(id: u64) -> OrderEvent {
        let item = HoldItem { offer: OfferIndex(0), quantity: 2, price: 99_000 };
        OrderEvent {
            id: EventId(id),
            at: Millis(1_767_225_600_007),
            sale: SaleName::parse("demo").unwrap(),
            epoch: Epoch(3),
            sale_created_at: Millis(1_767_225_000_000),
            hold: Hold {
                id: HoldId(id + 8),
                number: Number(1),
                shopper: ShopperKey(0xabc),
                state: HoldState::Confirmed,
                items: vec![item].into(),
                created_at: Millis(1_767_225_600_000),
                expires_at: Millis(1_767_225_900_000),
            },
            skus: vec![Sku::parse("sneaker-42").unwrap()],
            currency: Currency::parse("KRW").unwrap(),
        }
    }

    #[test]
    fn an_event_is_told_as_the_document_shows() {
        let json = String::from_utf8(to_json(&event(1))).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"event_id":1,"event":"purchase.confirmed","at":"2026-01-01T00:00:00.007Z","#,
                r#""epoch":3,"purchase":"p3-9","sale":"demo","#,
                r#""shopper":"00000000000000000000000000000abc","state":"confirmed","#,
                r#""items":[{"sku":"sneaker-42","quantity":2,"price":99000}],"amount":198000,"#,
                r#""currency":"KRW","expires_at":"2026-01-01T00:05:00Z","#,
                r#""created_at":"2026-01-01T00:00:00Z"}"#,
            )
        );
    }
}
