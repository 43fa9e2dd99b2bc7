//! What is sent to the double, and how it refuses.

use hyper::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    Asked,
    server::{self, Reply},
};

#[derive(Debug, Deserialize)]
pub(super) struct Ready {
    pub(super) cid: String,
    pub(super) partner_order_id: String,
    pub(super) partner_user_id: String,
    pub(super) item_name: String,
    pub(super) item_code: Option<String>,
    pub(super) quantity: i64,
    pub(super) total_amount: i64,
    pub(super) tax_free_amount: i64,
    pub(super) vat_amount: Option<i64>,
    pub(super) approval_url: String,
    pub(super) cancel_url: String,
    pub(super) fail_url: String,
    pub(super) payment_method_type: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Approve {
    pub(super) cid: String,
    pub(super) tid: String,
    pub(super) partner_order_id: String,
    pub(super) partner_user_id: String,
    pub(super) pg_token: String,
    pub(super) payload: Option<String>,
    pub(super) total_amount: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the protocol's names")]
pub(super) struct Cancel {
    pub(super) cid: String,
    pub(super) tid: String,
    pub(super) cancel_amount: i64,
    pub(super) cancel_tax_free_amount: i64,
    pub(super) cancel_vat_amount: Option<i64>,
    pub(super) cancel_available_amount: Option<i64>,
    pub(super) payload: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Look {
    pub(super) cid: String,
    pub(super) tid: String,
}

/// Reads a body; a field that is missing or of another type is a wrong parameter.
pub(super) fn read<T: DeserializeOwned>(asked: &Asked) -> Result<T, Refusal> {
    asked.body_as().map_err(|_| Refusal::PARAMETER)
}

/// An error as `KakaoPay` tells it: a status, a negative code and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    code: i32,
    message: &'static str,
}

impl Refusal {
    const fn bad(code: i32, message: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message }
    }

    pub(super) const UNAVAILABLE: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: -1,
        message: "the service is temporarily unavailable",
    };
    pub(super) const KEY: Self =
        Self { status: StatusCode::UNAUTHORIZED, code: -401, message: "wrong secret key" };
    pub(super) const PARAMETER: Self = Self::bad(-2, "invalid parameter");
    pub(super) const NOT_AUTHENTICATED: Self =
        Self::bad(-701, "the shopper has not authenticated the payment");
    pub(super) const DONE: Self = Self::bad(-702, "payment is already done");
    pub(super) const ORDER: Self = Self::bad(-706, "partner_order_id does not match");
    pub(super) const USER: Self = Self::bad(-707, "partner_user_id does not match");
    pub(super) const TOKEN: Self = Self::bad(-708, "invalid pg_token");
    pub(super) const TOO_MUCH: Self = Self::bad(-710, "more than can be cancelled");
    pub(super) const UNKNOWN: Self = Self::bad(-721, "no such tid");
    pub(super) const AMOUNT: Self = Self::bad(-722, "invalid amount");
    pub(super) const EXPIRED: Self = Self::bad(-723, "the time to pay is over");
    pub(super) const ENDED: Self = Self::bad(-780, "approval failed: the payment has ended");

    pub(super) fn reply(self) -> Reply {
        let body = json!({
            "error_code": self.code,
            "error_message": self.message,
            "extras": { "method_result_code": self.code.to_string(), "method_result_message": self.message },
        });
        server::json(self.status, &body)
    }
}
