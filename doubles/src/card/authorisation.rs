//! One payment by card: its states and its amounts.

use std::time::Duration;

use base::moment::Moment;
use serde::Deserialize;
use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::{limits, token};

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The shopper has not decided.
    Pending,
    /// The card's issuer keeps the money for the shop.
    Authorised,
    /// The issuer said no.
    Declined,
    /// The shopper gave up.
    Cancelled,
    /// The time to pay or to capture was over.
    Expired,
    /// The shop gave it back before capturing.
    Voided,
    /// The shop has the money.
    Captured,
    /// A part went back.
    PartRefunded,
    /// All of it went back.
    Refunded,
}

impl State {
    /// Its name in the protocol.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Authorised => "authorised",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Voided => "voided",
            Self::Captured => "captured",
            Self::PartRefunded => "part_refunded",
            Self::Refunded => "refunded",
        }
    }
}

/// What a payment begins with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Begin {
    order: String,
    amount: i64,
    currency: String,
    description: String,
    return_url: String,
    notify_url: Option<String>,
}

/// How much is captured.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    pub(super) amount: i64,
}

/// How much is refunded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refund {
    pub(super) amount: i64,
    /// What was refunded before, as far as the shop knows. Nothing is refunded if it was another amount.
    pub(super) refunded_before: i64,
    /// The shop's id of it.
    pub(super) reference: String,
}

/// A refund that was made.
#[derive(Clone, Debug)]
struct Refunded {
    id: String,
    amount: i64,
    /// The shop's id of it; staff's have none.
    reference: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Authorisation {
    id: String,
    pub(super) order: String,
    pub(super) amount: i64,
    currency: String,
    pub(super) description: String,
    return_url: String,
    pub(super) notify_url: Option<String>,
    created: Moment,
    authorised: Option<Moment>,
    state: State,
    captured: i64,
    refunds: Vec<Refunded>,
}

impl Authorisation {
    pub(super) fn begin(id: &str, begin: Begin, now: Moment) -> Result<Self, Refusal> {
        let Begin { order, amount, currency, description, return_url, notify_url } = begin;
        let is_text = |text: &str| (1..=100).contains(&text.chars().count());
        let is_url = |url: &str| url.starts_with("http://") || url.starts_with("https://");
        let is_right = amount > 0
            && currency == "KRW"
            && is_text(&order)
            && is_text(&description)
            && is_url(&return_url)
            && notify_url.as_deref().is_none_or(is_url);
        if !is_right {
            return Err(Refusal::REQUEST);
        }
        Ok(Self {
            id: id.to_owned(),
            order,
            amount,
            currency,
            description,
            return_url,
            notify_url,
            created: now,
            authorised: None,
            state: State::Pending,
            captured: 0,
            refunds: Vec::new(),
        })
    }

    /// Its state now: what nobody went on with has expired.
    pub(super) fn state(&self, now: Moment) -> State {
        let is_over = |since: Moment, ttl: Duration| now.since(since) >= ttl;
        let authorised = self.authorised.unwrap_or(self.created);
        let is_late = match self.state {
            State::Pending => is_over(self.created, limits::CARD_PENDING_TTL),
            State::Authorised => is_over(authorised, limits::CARD_AUTHORISED_TTL),
            State::Declined
            | State::Cancelled
            | State::Expired
            | State::Voided
            | State::Captured
            | State::PartRefunded
            | State::Refunded => false,
        };
        if is_late { State::Expired } else { self.state }
    }

    /// The shopper presses a button.
    pub(super) fn choose(&mut self, choice: &str, now: Moment) -> Result<(), Refusal> {
        if self.state(now) != State::Pending {
            // The button of an ended payment only leads back.
            return if choice == "back" { Ok(()) } else { Err(Refusal::STATE) };
        }
        self.state = match choice {
            "pay" => State::Authorised,
            "decline" => State::Declined,
            "cancel" => State::Cancelled,
            _ => return Err(Refusal::REQUEST),
        };
        self.authorised = (self.state == State::Authorised).then_some(now);
        Ok(())
    }

    /// Where the browser goes from the page.
    pub(super) fn back(&self, now: Moment) -> String {
        let mark = if self.return_url.contains('?') { '&' } else { '?' };
        let state = self.state(now).name();
        format!("{}{mark}authorisation={}&state={state}", self.return_url, self.id)
    }

    /// Takes the money, or a part of it; the rest is free again.
    pub(super) fn capture(&mut self, amount: i64, now: Moment) -> Result<(), Refusal> {
        if self.state(now) != State::Authorised {
            return Err(Refusal::STATE);
        }
        if amount <= 0 {
            return Err(Refusal::REQUEST);
        }
        if amount > self.amount {
            return Err(Refusal::TOO_MUCH);
        }
        self.captured = amount;
        self.state = State::Captured;
        Ok(())
    }

    /// Gives up what was authorised, or keeps the shopper from paying.
    pub(super) fn void(&mut self, now: Moment) -> Result<(), Refusal> {
        if !matches!(self.state(now), State::Pending | State::Authorised) {
            return Err(Refusal::STATE);
        }
        self.state = State::Voided;
        Ok(())
    }

    /// Returns money.
    pub(super) fn refund(
        &mut self,
        amount: i64,
        reference: Option<String>,
        now: Moment,
    ) -> Result<(), Refusal> {
        if !matches!(self.state(now), State::Captured | State::PartRefunded) {
            return Err(Refusal::STATE);
        }
        if amount <= 0 {
            return Err(Refusal::REQUEST);
        }
        if amount > self.captured - self.refunded() {
            return Err(Refusal::TOO_MUCH);
        }
        let id = format!("ref_{}", token::random(20));
        self.refunds.push(Refunded { id, amount, reference });
        let is_all = self.refunded() == self.captured;
        self.state = if is_all { State::Refunded } else { State::PartRefunded };
        Ok(())
    }

    pub(super) fn refunded(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.amount).sum()
    }

    pub(super) fn json(&self, url: &str, now: Moment) -> Value {
        let refunds = self.refunds.iter().map(|Refunded { id, amount, reference }| {
            json!({ "id": id, "amount": amount, "reference": reference })
        });
        json!({
            "id": self.id,
            "order": self.order,
            "state": self.state(now).name(),
            "amount": self.amount,
            "currency": self.currency,
            "captured": self.captured,
            "refunded": self.refunded(),
            "refunds": refunds.collect::<Vec<_>>(),
            "pay_url": format!("{url}/pay/{}", self.id),
            "created_at_ms": self.created.0,
            "expires_at_ms": self.created.after(limits::CARD_PENDING_TTL).0,
        })
    }
}
