//! The protocol's bodies, as far as the shop uses them.

use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize)]
pub(super) struct Ready<'a> {
    pub(super) cid: &'a str,
    pub(super) partner_order_id: &'a str,
    pub(super) partner_user_id: &'a str,
    pub(super) item_name: &'a str,
    pub(super) quantity: u32,
    pub(super) total_amount: i64,
    pub(super) tax_free_amount: i64,
    pub(super) approval_url: &'a str,
    pub(super) cancel_url: &'a str,
    pub(super) fail_url: &'a str,
}

#[derive(Debug, Deserialize)]
pub(super) struct Readied {
    pub(super) tid: String,
    pub(super) next_redirect_pc_url: String,
}

#[derive(Serialize)]
pub(super) struct Approve<'a> {
    pub(super) cid: &'a str,
    pub(super) tid: &'a str,
    pub(super) partner_order_id: &'a str,
    pub(super) partner_user_id: &'a str,
    pub(super) pg_token: &'a str,
    /// The provider refuses another amount than that of `ready`.
    pub(super) total_amount: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Approved {
    pub(super) payment_method_type: String,
    pub(super) amount: Amount,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Amount {
    pub(super) total: i64,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the protocol's names")]
pub(super) struct Cancel<'a> {
    pub(super) cid: &'a str,
    pub(super) tid: &'a str,
    pub(super) cancel_amount: i64,
    pub(super) cancel_tax_free_amount: i64,
    /// What can be given back, this call included.
    pub(super) cancel_available_amount: i64,
    /// The refund, by which the call is known in later answers.
    pub(super) payload: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Look<'a> {
    pub(super) cid: &'a str,
    pub(super) tid: &'a str,
}

#[derive(Debug, Deserialize)]
pub(super) struct Looked {
    pub(super) status: String,
    pub(super) amount: Option<Amount>,
    pub(super) canceled_amount: Option<Amount>,
    pub(super) payment_method_type: Option<String>,
    #[serde(default)]
    pub(super) payment_action_details: Vec<Action>,
}

/// A movement of money.
#[derive(Debug, Deserialize)]
pub(super) struct Action {
    pub(super) amount: i64,
    pub(super) payment_action_type: String,
    pub(super) payload: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Refused {
    pub(super) error_code: i64,
}
