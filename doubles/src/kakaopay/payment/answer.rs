//! What is answered about a payment.

use base::moment::Moment;
use jiff::{
    Timestamp,
    tz::{TimeZone, offset},
};
use serde_json::{Value, json};

use super::{Action, Method, Payment};

impl Payment {
    pub(in crate::kakaopay) fn begun(&self, tid: &str, page: &str) -> Value {
        json!({
            "tid": tid,
            "next_redirect_app_url": page,
            "next_redirect_mobile_url": page,
            "next_redirect_pc_url": page,
            "android_app_scheme": format!("kakaotalk://kakaopay/pg?url={page}"),
            "ios_app_scheme": format!("kakaotalk://kakaopay/pg?url={page}"),
            "created_at": local(self.created),
        })
    }

    /// What every answer about a payment says.
    fn common(&self, tid: &str) -> Value {
        json!({
            "cid": self.cid,
            "tid": tid,
            "partner_order_id": self.order,
            "partner_user_id": self.user,
            "payment_method_type": self.method.map(Method::name),
            "item_name": self.item_name,
            "item_code": self.item_code,
            "quantity": self.quantity,
            "amount": self.amount.json(),
            "created_at": local(self.created),
            "approved_at": self.approval.as_ref().map(|approval| local(approval.at)),
        })
    }

    pub(in crate::kakaopay) fn approved(&self, tid: &str, aid: &str) -> Value {
        let mut answer = self.common(tid);
        answer["aid"] = json!(aid);
        answer["payload"] = json!(self.approval.as_ref().and_then(|a| a.payload.clone()));
        if self.method == Some(Method::Card) {
            answer["card_info"] = json!({
                "kakaopay_purchase_corp": "카카오페이", "kakaopay_purchase_corp_code": "KP",
                "kakaopay_issuer_corp": "카카오뱅크", "kakaopay_issuer_corp_code": "KB",
                "bin": "123456", "card_type": "신용", "install_month": "00",
                "approved_id": &aid[1..9], "card_mid": "123456789", "interest_free_install": "N",
                "installment_type": "CARD_INSTALLMENT", "card_item_code": "",
            });
        }
        answer
    }

    pub(in crate::kakaopay) fn cancelled(&self, tid: &str, action: &Action, now: Moment) -> Value {
        let mut answer = self.common(tid);
        answer["aid"] = json!(action.aid);
        answer["status"] = json!(self.state(now).name());
        answer["approved_cancel_amount"] = action.amount.json();
        answer["canceled_amount"] = self.returned().json();
        answer["cancel_available_amount"] = self.available().json();
        answer["canceled_at"] = json!(local(action.at));
        answer["payload"] = json!(action.payload);
        answer
    }

    pub(in crate::kakaopay) fn looked_up(&self, tid: &str, now: Moment) -> Value {
        let mut answer = self.common(tid);
        answer["status"] = json!(self.state(now).name());
        answer["canceled_amount"] = self.returned().json();
        answer["cancel_available_amount"] = self.available().json();
        answer["canceled_at"] = json!(self.returns.last().map(|action| local(action.at)));
        let of = |action: &Action, kind: &str| {
            json!({
                "aid": action.aid, "amount": action.amount.total, "point_amount": 0,
                "discount_amount": 0, "approved_at": local(action.at),
                "payment_action_type": kind, "payload": action.payload,
            })
        };
        let paid = self.approval.iter().map(|action| of(action, "PAYMENT"));
        let returned = self.returns.iter().map(|action| of(action, "CANCEL"));
        answer["payment_action_details"] = paid.chain(returned).collect();
        answer
    }
}

/// The time in Korea, without a zone, as the protocol has it.
fn local(at: Moment) -> String {
    let korea = TimeZone::fixed(offset(9));
    let at = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(korea);
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_korea() {
        assert_eq!(local(Moment(1_716_217_200_000)), "2024-05-21T00:00:00");
    }
}
