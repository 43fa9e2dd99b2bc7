//! An order, and what can be done with it.

use askama::Template;

use super::parts::{self, Gateway, Line, OrderState, Parcel, Refund, Step, Sums};
use crate::{
    format::{Html, Moment, Money, Phrase},
    shop::{
        account::Address,
        form::{Choice, Faults, Field, Input},
        frame::ShopFrame,
        pages,
        words::OrderWords,
    },
};

/// What the visitor can do with an order now.
#[derive(Clone, Debug, Default)]
pub struct Allowed<'a> {
    /// Pay it, until then.
    pub pay_until: Option<Moment>,
    /// Give up the reservation.
    pub can_cancel: bool,
    /// Have units given back before they are sent: the amounts for one unit, for two, and so on.
    pub refund_amounts: Vec<Money<'a>>,
    /// Return all of it after delivery: what is given back then.
    pub return_amount: Option<Money<'a>>,
    /// Until when it can be returned.
    pub return_until: Option<Moment>,
    /// Say that it has arrived.
    pub can_confirm: bool,
}

/// An order. Posts to `cancel` below it `key`, to `refund` `quantity`, `reason` and `key`, to `return`
/// `return_reason` and `key`, to `received` nothing.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/order/detail.html", whitespace = "minimize")]
pub struct OrderPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// Its id.
    pub order: &'a str,
    /// Its number, as people read it.
    pub number: &'a str,
    /// When it was placed.
    pub placed_at: Moment,
    /// How it stands.
    pub state: OrderState,
    /// Where its parcel is, if it is paid.
    pub parcel: Option<Parcel<'a>>,
    /// What was done, and what is to come.
    pub steps: Vec<Step>,
    /// What was ordered.
    pub lines: Vec<Line<'a>>,
    /// What it comes to.
    pub sums: Sums<'a>,
    /// Who took the money, and when, if somebody did.
    pub paid: Option<(Gateway, Moment)>,
    /// Where the provider shows its receipt, if it does.
    pub receipt: Option<&'a str>,
    /// Where the parcel goes, once that is known.
    pub address: Option<Address<'a>>,
    /// What was given back, or is being.
    pub refunds: Vec<Refund<'a>>,
    /// What can be done now.
    pub allowed: Allowed<'a>,
    /// How many units to give back.
    pub quantity: Field<'a>,
    /// Why.
    pub reason: Field<'a>,
    /// Why it is returned.
    pub return_reason: Field<'a>,
    /// The code by which a form was refused as a whole.
    pub refusal: Option<&'a str>,
    /// The key of the forms: sending one twice does it once.
    pub key: &'a str,
}

pages! { OrderPage: Orders; }

impl OrderPage<'_> {
    const fn w(&self) -> &'static OrderWords {
        OrderWords::of(self.frame.page.language)
    }

    fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal)
            .and("quantity", self.quantity.error)
            .and("reason", self.reason.error)
            .and("return_reason", self.return_reason.error)
    }

    const fn heading(&self) -> Phrase {
        self.state.heading(self.parcel.as_ref(), self.w())
    }

    const fn text(&self) -> Option<Phrase> {
        match self.state {
            OrderState::Cancelled => Some(self.w().t_cancelled),
            OrderState::Refunding => Some(self.w().t_refunding),
            OrderState::Doubt => Some(self.w().t_doubt),
            OrderState::Waiting
            | OrderState::Paying
            | OrderState::Confirming
            | OrderState::Paid
            | OrderState::PartRefunded
            | OrderState::Refunded => None,
        }
    }

    fn tag(&self) -> Html {
        self.state.tag(self.parcel.as_ref(), self.frame.page.language)
    }

    fn trail(&self) -> Html {
        parts::trail(&self.frame, &self.steps)
    }

    fn lines(&self) -> Html {
        parts::lines(&self.frame, &self.lines)
    }

    fn sums(&self) -> Html {
        parts::sums(&self.frame, &self.sums, true)
    }

    fn paid_with(&self, gateway: Gateway, at: Moment) -> Html {
        let name = gateway.name(self.frame.page.language);
        Phrase(self.w().paid_with.0).around_both(name, &self.frame.stamp(at))
    }

    fn provider(&self) -> Phrase {
        let gateway = self.paid.map_or(Gateway::Card, |(gateway, _)| gateway);
        gateway.name(self.frame.page.language)
    }

    /// Units with what is given back for them.
    fn amounts(&self, amounts: &[Money<'_>]) -> Vec<Choice> {
        let choice = |(at, amount): (usize, &Money<'_>)| {
            let units = at + 1;
            let label = self.w().refund_choice.with_both(units, self.frame.money(amount));
            Choice { value: units.to_string(), label }
        };
        amounts.iter().enumerate().rev().map(choice).collect()
    }

    fn refund_units(&self) -> Input<'_> {
        let choices = self.amounts(&self.allowed.refund_amounts);
        self.frame.input("quantity", &self.w().refund_units, &self.quantity).choices(choices)
    }

    /// What a return comes to: goods are taken back all together.
    fn return_whole(&self) -> Option<String> {
        let amount = self.allowed.return_amount.as_ref()?;
        Some(self.w().give_back_whole.with(self.frame.money(amount)))
    }

    fn reasons(&self, all: bool) -> Vec<Choice> {
        let words = self.w();
        let before = [("changed_mind", words.changed_mind), ("other", words.other)];
        let after = [
            ("changed_mind", words.changed_mind),
            ("defective", words.defective),
            ("wrong_item", words.wrong_item),
            ("late", words.late),
            ("other", words.other),
        ];
        let reasons: &[(&str, Phrase)] = if all { &after } else { &before };
        let choice = |(value, label): &(&str, Phrase)| Choice {
            value: (*value).to_owned(),
            label: label.to_string(),
        };
        reasons.iter().map(choice).collect()
    }

    fn refund_reason(&self) -> Input<'_> {
        let choices = self.reasons(false);
        self.frame.input("reason", &self.w().reason, &self.reason).choices(choices)
    }

    fn return_reason(&self) -> Input<'_> {
        let choices = self.reasons(true);
        self.frame.input("return_reason", &self.w().reason, &self.return_reason).choices(choices)
    }

    fn return_say(&self) -> Option<String> {
        Some(self.w().give_back_say.with(self.frame.on(self.allowed.return_until?)))
    }

    fn is_idle(&self) -> bool {
        let allowed = &self.allowed;
        allowed.pay_until.is_none()
            && !allowed.can_cancel
            && !allowed.can_confirm
            && allowed.refund_amounts.is_empty()
            && allowed.return_amount.is_none()
    }
}
