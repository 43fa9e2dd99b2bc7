//! One payment: its states, its amounts, and what is answered about it.

use base::moment::Moment;
use jiff::{
    Timestamp,
    tz::{TimeZone, offset},
};
use serde_json::{Value, json};

use super::wire::{Approve, Fault, Ready};
use crate::{limits::KAKAOPAY_TTL, token};

/// The longest id or name that `KakaoPay` takes, in characters.
const TEXT_CHARS_MAX: usize = 100;
const PAYLOAD_CHARS_MAX: usize = 200;

/// How the shopper pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A card kept at `KakaoPay`.
    Card,
    /// `KakaoPay` money.
    Money,
}

impl Method {
    pub(super) const fn choice(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Money => "money",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Card => "CARD",
            Self::Money => "MONEY",
        }
    }
}

/// The states that this double shows, by their names in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// `READY`: nobody has opened the page.
    Ready,
    /// `OPEN_PAYMENT`: the page is open.
    Open,
    /// `AUTH_PASSWORD`: authenticated, to be approved by the shop.
    Authenticated,
    /// `SUCCESS_PAYMENT`: approved.
    Paid,
    /// `PART_CANCEL_PAYMENT`: a part was returned.
    PartReturned,
    /// `CANCEL_PAYMENT`: everything was returned.
    Returned,
    /// `FAIL_AUTH_PASSWORD`: the shopper could not authenticate.
    NotAuthenticated,
    /// `QUIT_PAYMENT`: the shopper gave up.
    Quit,
    /// `FAIL_PAYMENT`: the time was over.
    Failed,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::Open => "OPEN_PAYMENT",
            Self::Authenticated => "AUTH_PASSWORD",
            Self::Paid => "SUCCESS_PAYMENT",
            Self::PartReturned => "PART_CANCEL_PAYMENT",
            Self::Returned => "CANCEL_PAYMENT",
            Self::NotAuthenticated => "FAIL_AUTH_PASSWORD",
            Self::Quit => "QUIT_PAYMENT",
            Self::Failed => "FAIL_PAYMENT",
        }
    }

    /// Whether the shopper can still pay, or the shop still approve.
    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Ready | Self::Open | Self::Authenticated)
    }
}

/// An amount with its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) total: i64,
    tax_free: i64,
    vat: i64,
}

impl Amount {
    /// A tax that is not told is an eleventh of what is taxed, rounded half up.
    fn of(total: i64, tax_free: i64, vat: Option<i64>) -> Option<Self> {
        if total <= 0 || tax_free < 0 || tax_free > total {
            return None;
        }
        let taxed = total - tax_free;
        let vat = vat.unwrap_or((taxed * 2 + 11) / 22);
        (0..=taxed).contains(&vat).then_some(Self { total, tax_free, vat })
    }

    const fn less(self, other: Self) -> Self {
        Self {
            total: self.total - other.total,
            tax_free: self.tax_free - other.tax_free,
            vat: self.vat - other.vat,
        }
    }

    fn json(self) -> Value {
        let Self { total, tax_free, vat } = self;
        json!({
            "total": total, "tax_free": tax_free, "vat": vat, "point": 0, "discount": 0,
            "green_deposit": 0,
        })
    }
}

/// A movement of money.
#[derive(Clone, Debug)]
pub(super) struct Action {
    aid: String,
    amount: Amount,
    at: Moment,
    payload: Option<String>,
}

#[derive(Debug)]
pub(super) struct Payment {
    pub(super) cid: String,
    pub(super) order: String,
    user: String,
    pub(super) item_name: String,
    item_code: Option<String>,
    pub(super) quantity: i64,
    pub(super) total: i64,
    amount: Amount,
    approval_url: String,
    cancel_url: String,
    pub(super) fail_url: String,
    /// What the shop allows, if it does not allow all.
    only: Option<String>,
    created: Moment,
    state: State,
    method: Option<Method>,
    pg_token: Option<String>,
    approval: Option<Action>,
    returns: Vec<Action>,
}

impl Payment {
    pub(super) fn begin(ready: &Ready, now: Moment) -> Result<Self, Fault> {
        let texts = [&ready.partner_order_id, &ready.partner_user_id, &ready.item_name];
        let is_text = |text: &&String| (1..=TEXT_CHARS_MAX).contains(&text.chars().count());
        let urls = [&ready.approval_url, &ready.cancel_url, &ready.fail_url];
        let is_url = |url: &&String| url.starts_with("http://") || url.starts_with("https://");
        if ready.cid.len() != 10 || !texts.iter().all(is_text) || !urls.iter().all(is_url) {
            return Err(Fault::PARAMETER);
        }
        let only = ready.payment_method_type.clone();
        if ready.quantity < 1
            || only.as_deref().is_some_and(|only| !["CARD", "MONEY"].contains(&only))
        {
            return Err(Fault::PARAMETER);
        }
        let amount = Amount::of(ready.total_amount, ready.tax_free_amount, ready.vat_amount)
            .ok_or(Fault::AMOUNT)?;
        Ok(Self {
            cid: ready.cid.clone(),
            order: ready.partner_order_id.clone(),
            user: ready.partner_user_id.clone(),
            item_name: ready.item_name.clone(),
            item_code: ready.item_code.clone(),
            quantity: ready.quantity,
            total: amount.total,
            amount,
            approval_url: ready.approval_url.clone(),
            cancel_url: ready.cancel_url.clone(),
            fail_url: ready.fail_url.clone(),
            only,
            created: now,
            state: State::Ready,
            method: None,
            pg_token: None,
            approval: None,
            returns: Vec::new(),
        })
    }

    /// Its state now: 15 minutes after `ready` what is still open has failed.
    pub(super) fn state(&self, now: Moment) -> State {
        if self.state.is_open() && now.since(self.created) >= KAKAOPAY_TTL {
            return State::Failed;
        }
        self.state
    }

    pub(super) fn allows(&self, method: Method) -> bool {
        self.only.as_deref().is_none_or(|only| only == method.name())
    }

    /// The shopper looks at the page.
    pub(super) fn look(&mut self, now: Moment) {
        if self.state(now) == State::Ready {
            self.state = State::Open;
        }
    }

    /// The shopper presses a button; says where the browser goes.
    pub(super) fn choose(&mut self, choice: &str, now: Moment) -> Option<String> {
        if !self.state(now).is_open() {
            // Whatever is pressed: it is over.
            return (choice == "fail").then(|| self.fail_url.clone());
        }
        let method = match choice {
            "card" => Method::Card,
            "money" => Method::Money,
            "cancel" => {
                self.state = State::Quit;
                return Some(self.cancel_url.clone());
            }
            "fail" => {
                self.state = State::NotAuthenticated;
                return Some(self.fail_url.clone());
            }
            _ => return None,
        };
        if !self.allows(method) {
            return None;
        }
        self.state = State::Authenticated;
        self.method = Some(method);
        let pg_token = self.pg_token.get_or_insert_with(|| token::random(20));
        let mark = if self.approval_url.contains('?') { '&' } else { '?' };
        Some(format!("{}{mark}pg_token={pg_token}", self.approval_url))
    }

    /// Captures the money, once.
    pub(super) fn approve(&mut self, approve: &Approve, now: Moment) -> Result<String, Fault> {
        match self.state(now) {
            State::Authenticated => {}
            State::Ready | State::Open => return Err(Fault::NOT_AUTHENTICATED),
            State::Paid | State::PartReturned | State::Returned => return Err(Fault::DONE),
            State::Failed => return Err(Fault::EXPIRED),
            State::NotAuthenticated | State::Quit => return Err(Fault::ENDED),
        }
        if approve.partner_order_id != self.order {
            return Err(Fault::ORDER);
        }
        if approve.partner_user_id != self.user {
            return Err(Fault::USER);
        }
        if self.pg_token.as_deref() != Some(&approve.pg_token) {
            return Err(Fault::TOKEN);
        }
        if approve.total_amount.is_some_and(|said| said != self.total) {
            return Err(Fault::AMOUNT);
        }
        let aid = new_aid();
        let payload = approve.payload.clone();
        self.approval = Some(Action { aid: aid.clone(), amount: self.amount, at: now, payload });
        self.state = State::Paid;
        Ok(aid)
    }

    /// What can still be returned.
    pub(super) fn available(&self) -> Amount {
        let captured =
            self.approval.as_ref().map_or_else(Amount::default, |approval| approval.amount);
        self.returns.iter().fold(captured, |left, action| left.less(action.amount))
    }

    /// Returns money. Asked twice, it returns twice: the protocol has no key against that.
    pub(super) fn cancel(
        &mut self,
        amount: i64,
        tax_free: i64,
        vat: Option<i64>,
        now: Moment,
        payload: Option<String>,
    ) -> Result<Action, Fault> {
        if payload.as_ref().is_some_and(|payload| payload.chars().count() > PAYLOAD_CHARS_MAX) {
            return Err(Fault::PARAMETER);
        }
        let left = self.available();
        let mut amount = Amount::of(amount, tax_free, vat).ok_or(Fault::AMOUNT)?;
        if amount.total > left.total || amount.tax_free > left.tax_free {
            return Err(Fault::TOO_MUCH);
        }
        // The last return takes what is left of the tax, so that nothing stays behind.
        if amount.total == left.total || amount.vat > left.vat {
            amount.vat = left.vat;
        }
        let action = Action { aid: new_aid(), amount, at: now, payload };
        self.returns.push(action.clone());
        let is_all = self.available().total == 0;
        self.state = if is_all { State::Returned } else { State::PartReturned };
        Ok(action)
    }

    pub(super) fn begun(&self, tid: &str, page: &str) -> Value {
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

    pub(super) fn approved(&self, tid: &str, aid: &str) -> Value {
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

    pub(super) fn cancelled(&self, tid: &str, action: &Action, now: Moment) -> Value {
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

    pub(super) fn looked_up(&self, tid: &str, now: Moment) -> Value {
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

    fn returned(&self) -> Amount {
        let captured =
            self.approval.as_ref().map_or_else(Amount::default, |approval| approval.amount);
        captured.less(self.available())
    }
}

fn new_aid() -> String {
    format!("A{}", token::random(19))
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
    fn a_tax_that_is_not_told_is_an_eleventh_rounded_half_up() {
        let vat = |total, free| Amount::of(total, free, None).map(|amount| amount.vat);
        assert_eq!(vat(31_000, 0), Some(2_818));
        assert_eq!(vat(31_000, 31_000), Some(0));
        assert_eq!(vat(6, 0), Some(1));
        assert_eq!(vat(5, 0), Some(0));
        assert_eq!(vat(5, 6), None);
        assert_eq!(Amount::of(100, 0, Some(101)), None);
    }

    #[test]
    fn times_are_those_of_korea() {
        assert_eq!(local(Moment(1_716_217_200_000)), "2024-05-21T00:00:00");
    }
}
