//! One payment: its states, and what moves it from one to the next.

use base::moment::Moment;

use self::amount::Amount;
use super::wire::{Approve, Ready, Refusal};
use crate::{limits::KAKAOPAY_TTL, token};

mod amount;
mod answer;

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
    fail_url: String,
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
    pub(super) fn begin(ready: &Ready, now: Moment) -> Result<Self, Refusal> {
        let texts = [&ready.partner_order_id, &ready.partner_user_id, &ready.item_name];
        let is_text = |text: &&String| (1..=TEXT_CHARS_MAX).contains(&text.chars().count());
        let urls = [&ready.approval_url, &ready.cancel_url, &ready.fail_url];
        let is_url = |url: &&String| url.starts_with("http://") || url.starts_with("https://");
        if ready.cid.len() != 10 || !texts.iter().all(is_text) || !urls.iter().all(is_url) {
            return Err(Refusal::PARAMETER);
        }
        let only = ready.payment_method_type.clone();
        if ready.quantity < 1
            || only.as_deref().is_some_and(|only| !["CARD", "MONEY"].contains(&only))
        {
            return Err(Refusal::PARAMETER);
        }
        let amount = Amount::of(ready.total_amount, ready.tax_free_amount, ready.vat_amount)
            .ok_or(Refusal::AMOUNT)?;
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
            return (choice == "back").then(|| self.back());
        }
        let method = match choice {
            "card" => Method::Card,
            "money" => Method::Money,
            "cancel" => {
                self.state = State::Quit;
                return Some(self.back());
            }
            "fail" => {
                self.state = State::NotAuthenticated;
                return Some(self.back());
            }
            _ => return None,
        };
        if !self.allows(method) {
            return None;
        }
        self.state = State::Authenticated;
        self.method = Some(method);
        self.pg_token.get_or_insert_with(|| token::random(20));
        Some(self.back())
    }

    /// Where the browser goes from here.
    fn back(&self) -> String {
        match (&self.pg_token, self.state) {
            (_, State::Quit) => self.cancel_url.clone(),
            (None, _) | (_, State::NotAuthenticated) => self.fail_url.clone(),
            (Some(pg_token), _) => {
                let mark = if self.approval_url.contains('?') { '&' } else { '?' };
                format!("{}{mark}pg_token={pg_token}", self.approval_url)
            }
        }
    }

    /// Captures the money, once.
    pub(super) fn approve(&mut self, approve: &Approve, now: Moment) -> Result<String, Refusal> {
        match self.state(now) {
            State::Authenticated => {}
            State::Ready | State::Open => return Err(Refusal::NOT_AUTHENTICATED),
            State::Paid | State::PartReturned | State::Returned => return Err(Refusal::DONE),
            State::Failed => return Err(Refusal::EXPIRED),
            State::NotAuthenticated | State::Quit => return Err(Refusal::ENDED),
        }
        if approve.partner_order_id != self.order {
            return Err(Refusal::ORDER);
        }
        if approve.partner_user_id != self.user {
            return Err(Refusal::USER);
        }
        if self.pg_token.as_deref() != Some(&approve.pg_token) {
            return Err(Refusal::TOKEN);
        }
        if approve.total_amount.is_some_and(|said| said != self.total) {
            return Err(Refusal::AMOUNT);
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
    ) -> Result<Action, Refusal> {
        if payload.as_ref().is_some_and(|payload| payload.chars().count() > PAYLOAD_CHARS_MAX) {
            return Err(Refusal::PARAMETER);
        }
        let left = self.available();
        let mut amount = Amount::of(amount, tax_free, vat).ok_or(Refusal::AMOUNT)?;
        if amount.total > left.total || amount.tax_free > left.tax_free {
            return Err(Refusal::TOO_MUCH);
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

    fn returned(&self) -> Amount {
        let captured =
            self.approval.as_ref().map_or_else(Amount::default, |approval| approval.amount);
        captured.less(self.available())
    }
}

fn new_aid() -> String {
    format!("A{}", token::random(19))
}
