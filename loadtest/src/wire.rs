//! The HTTP contract as the crowd understands it.
//!
//! Owns the JSON shapes of `docs/API.md` and nothing else: written from the document, not shared
//! with the server, so that a slip in the server's wire format shows here. Fields the crowd does
//! not use are left out, and unknown fields are ignored because the contract may grow.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// State of a place in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PlaceState {
    Lobby,
    Waiting,
    Ready,
    Admitted,
    SoldOut,
    Closed,
}

/// What entering and polling answer.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Place {
    pub(crate) state: PlaceState,
    pub(crate) number: Option<u64>,
    pub(crate) position: Option<u64>,
    pub(crate) serving: Option<u64>,
    pub(crate) eta_seconds: Option<Eta>,
    pub(crate) poll_after_ms: Option<u64>,
    pub(crate) pass: Option<String>,
    /// Only on enter: the token that proves the place.
    pub(crate) ticket: Option<String>,
}

/// How long a wait is estimated to be, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(crate) struct Eta {
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// State of a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PurchaseState {
    Held,
    Paying,
    Confirmed,
    Released,
    Expired,
    Refunded,
}

/// What a purchase and its changes answer.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Purchase {
    #[serde(rename = "purchase")]
    pub(crate) id: String,
    pub(crate) state: PurchaseState,
    pub(crate) items: Vec<Item>,
}

impl Purchase {
    /// Units of all its items together.
    pub(crate) fn units(&self) -> u64 {
        self.items.iter().map(|item| item.quantity).sum()
    }
}

/// One line of a purchase.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Item {
    pub(crate) sku: String,
    pub(crate) quantity: u64,
}

/// The body of a purchase.
#[derive(Debug, Serialize)]
pub(crate) struct PurchaseRequest {
    pub(crate) items: [Item; 1],
}

/// The problem document (RFC 9457), as far as the crowd reads it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Problem {
    /// The stable code; empty when the body was no problem document.
    #[serde(default)]
    pub(crate) code: String,
}

/// The public status of a sale.
#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    pub(crate) offers: Vec<StatusOffer>,
    pub(crate) serving: Option<u64>,
    pub(crate) line_length: Option<u64>,
    /// The pace the gate is set to.
    pub(crate) admission_per_second: Option<f64>,
}

/// How the line stands, by the operator's statistics.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Standing {
    /// Numbers issued.
    entered: Option<u64>,
    /// Places that left the line before they were called.
    departed: Option<u64>,
    pub(crate) serving: Option<u64>,
    pub(crate) line_length: Option<u64>,
    pub(crate) active_sessions: Option<u64>,
}

impl Standing {
    /// People called to the gate so far: entered, and neither in line nor gone before.
    pub(crate) fn let_in(&self) -> Option<u64> {
        Some(self.entered?.saturating_sub(self.departed?).saturating_sub(self.line_length?))
    }
}

/// An offer in the public status.
#[derive(Debug, Deserialize)]
pub(crate) struct StatusOffer {
    pub(crate) sku: String,
    pub(crate) total: u64,
    pub(crate) available: u64,
}

/// The rules of an existing sale that the audit goes by.
#[derive(Debug, Deserialize)]
pub(crate) struct SaleRules {
    pub(crate) admission_per_second: f64,
    pub(crate) idle_seconds: u64,
    pub(crate) hold_seconds: u64,
    pub(crate) claim_window_seconds: u64,
}

/// Where an offer's units are, by the operator's statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Units {
    pub(crate) total: u64,
    pub(crate) available: u64,
    pub(crate) held: u64,
    pub(crate) paying: u64,
    pub(crate) sold: u64,
    #[serde(default)]
    pub(crate) stranded: u64,
}

impl Units {
    /// The units that are somewhere; must equal `total`.
    pub(crate) fn accounted(&self) -> u64 {
        self.available + self.held + self.paying + self.sold + self.stranded
    }
}

/// Finds the units of `sku` in a statistics document.
///
/// The contract names the words (`available`, `held`, `paying`, `sold`) but not where in the
/// document they stand, so the first object carrying them is taken: one marked with the sku, or
/// standing under the sku as key, or, with a single offer, any.
pub(crate) fn find_units(document: &Value, sku: &str) -> Option<Units> {
    match document {
        Value::Object(fields) => {
            let marked = fields.get("sku").is_none_or(|value| value.as_str() == Some(sku));
            if marked && let Ok(units) = Units::deserialize(document) {
                return Some(units);
            }
            fields
                .get(sku)
                .and_then(|value| find_units(value, sku))
                .or_else(|| fields.values().find_map(|value| find_units(value, sku)))
        }
        Value::Array(values) => values.iter().find_map(|value| find_units(value, sku)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// The body that creates a sale: the `[[sale]]` table as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct SaleRequest {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) order: &'static str,
    pub(crate) identity: &'static str,
    pub(crate) rejoin: &'static str,
    pub(crate) admission_per_second: f64,
    pub(crate) active_max: u64,
    pub(crate) claim_window_seconds: u64,
    pub(crate) session_seconds: u64,
    pub(crate) idle_seconds: u64,
    pub(crate) hold_seconds: u64,
    pub(crate) per_shopper_max: u64,
    pub(crate) offers: [OfferRequest; 1],
}

/// The one offer of a created sale.
#[derive(Debug, Serialize)]
pub(crate) struct OfferRequest {
    pub(crate) sku: String,
    pub(crate) total: u64,
    pub(crate) price: u64,
    pub(crate) currency: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn units_are_found_wherever_the_statistics_keep_them() {
        let units = json!({"total": 9, "available": 4, "held": 2, "paying": 1, "sold": 2});
        let mut marked = units.clone();
        marked["sku"] = json!("a");
        for document in [
            json!({"offers": [marked]}),
            json!({"stock": {"a": units}}),
            json!({"sale": "s", "stock": [units]}),
        ] {
            let found = find_units(&document, "a").unwrap();
            assert_eq!((found.sold, found.accounted()), (2, 9));
        }
        assert_eq!(find_units(&json!({"offers": [marked]}), "b"), None);
    }

    #[test]
    fn whoever_is_neither_in_line_nor_gone_was_let_in() {
        let standing: Standing = serde_json::from_value(json!({
            "sale": "s", "epoch": 1, "entered": 100, "line_length": 60, "departed": 5,
            "serving": 37, "offers": []
        }))
        .unwrap();
        assert_eq!(standing.let_in(), Some(35));
        assert_eq!(Standing::default().let_in(), None);
    }

    #[test]
    fn a_place_parses_with_nulls_and_with_fields_the_crowd_does_not_know() {
        let place: Place = serde_json::from_value(json!({
            "sale": "s", "state": "sold_out", "number": null, "position": 0, "ahead": 0,
            "serving": 7, "line_length": 3, "eta_seconds": null, "poll_after_ms": 500,
            "expires_at": "2026-01-01T00:00:00Z", "pass": null, "pass_expires_at": null,
            "message": null, "later": 1
        }))
        .unwrap();
        assert_eq!(place.state, PlaceState::SoldOut);
        assert_eq!(place.ticket, None);
    }
}
