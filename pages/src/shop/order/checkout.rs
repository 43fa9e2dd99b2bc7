//! Paying for what is reserved.

use askama::Template;

use super::parts::{self, Gateway, Line, Sums};
use crate::{
    format::{Html, Moment, Money, Phrase},
    shop::{
        account::{Address, Provider},
        form::{Faults, Field, Tick},
        frame::ShopFrame,
        pages,
        words::{AccountWords, OrderWords},
    },
};

/// Pay for an order. Posts `address` (an address' id, or `new` with `receiver`, `phone`, `zip`, `road`,
/// `detail` and `keeps`), `gateway`, `agrees` and `key`.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/order/checkout.html", whitespace = "minimize")]
pub struct CheckoutPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// Where the form goes.
    pub form: &'a str,
    /// Where the form goes that gives up the reservation.
    pub give_up: &'a str,
    /// What was ordered.
    pub lines: Vec<Line<'a>>,
    /// What it comes to.
    pub sums: Sums<'a>,
    /// Until when the units are reserved.
    pub held_until: Moment,
    /// For how long they were, to draw how much of it is left.
    pub held_seconds: u64,
    /// The addresses to choose from, the default first.
    pub addresses: Vec<Address<'a>>,
    /// Whether the order has its address, which is the one there is to see.
    pub is_fixed: bool,
    /// The one that is chosen: its id, or `new`.
    pub address: Field<'a>,
    /// Of a new address: who receives.
    pub receiver: Field<'a>,
    /// Of a new address: how they can be called.
    pub phone: Field<'a>,
    /// Of a new address: the postal code.
    pub zip: Field<'a>,
    /// Of a new address: province, town, road and number.
    pub road: Field<'a>,
    /// Of a new address: flat, floor or company.
    pub detail: Field<'a>,
    /// Whether a new address is saved.
    pub keeps: Tick<'a>,
    /// Who can take the money.
    pub gateways: &'a [Gateway],
    /// Who does.
    pub gateway: Field<'a>,
    /// Consent to the terms of purchase; needed.
    pub agrees: Tick<'a>,
    /// The code by which the form was refused as a whole.
    pub refusal: Option<&'a str>,
    /// The key of this form: sending it twice pays once.
    pub key: &'a str,
}

/// Where a form leads on to another site.
#[derive(Clone, Copy, Debug)]
pub enum Going<'a> {
    /// To pay.
    Pay {
        /// Who takes the money.
        gateway: Gateway,
        /// How much.
        amount: Money<'a>,
    },
    /// To link an account.
    Link(Provider),
}

/// On to another site. A form is not followed to one, so the answer to it is this page, or a redirect to it,
/// which leads on: by a `Refresh` header of the handler's, or by its button.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "shop/order/go.html", whitespace = "minimize")]
pub struct GoPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// What for.
    pub going: Going<'a>,
    /// Where.
    pub href: &'a str,
}

pages! {
    CheckoutPage: Elsewhere;
    GoPage: Elsewhere;
}

impl CheckoutPage<'_> {
    const fn w(&self) -> &'static OrderWords {
        OrderWords::of(self.frame.page.language)
    }

    fn faults(&self) -> Faults<'_> {
        let faults = Faults::of(self.refusal).and("address", self.address.error);
        let faults = if self.is_new() {
            faults
                .and("receiver", self.receiver.error)
                .and("phone", self.phone.error)
                .and("zip", self.zip.error)
                .and("road", self.road.error)
                .and("detail", self.detail.error)
        } else {
            faults
        };
        faults.and("gateway", self.gateway.error).and("agrees", self.agrees.error)
    }

    fn is_new(&self) -> bool {
        !self.is_fixed && (self.addresses.is_empty() || self.address.value == "new")
    }

    fn is_chosen(&self, address: &Address<'_>, first: bool) -> bool {
        match self.address.value {
            "" => first,
            chosen => chosen == address.address,
        }
    }

    fn is_by(&self, gateway: Gateway, first: bool) -> bool {
        match self.gateway.value {
            "" => first,
            chosen => chosen == gateway.word(),
        }
    }

    fn until(&self) -> Html {
        self.w().held_until.around(&self.frame.when(self.held_until))
    }

    fn left(&self) -> u64 {
        self.held_until.seconds_after(self.frame.now)
    }

    fn lines(&self) -> Html {
        parts::lines(&self.frame, &self.lines)
    }

    fn sums(&self) -> Html {
        parts::sums(&self.frame, &self.sums, false)
    }

    fn pay(&self) -> String {
        self.w().pay.with(self.frame.money(&self.sums.total))
    }
}

impl GoPage<'_> {
    const fn w(&self) -> &'static OrderWords {
        OrderWords::of(self.frame.page.language)
    }

    const fn name(&self) -> Phrase {
        let language = self.frame.page.language;
        match self.going {
            Going::Pay { gateway, .. } => gateway.name(language),
            Going::Link(provider) => provider.name(AccountWords::of(language)),
        }
    }

    const fn button(&self) -> Phrase {
        match self.going {
            Going::Pay { .. } => self.w().go,
            Going::Link(_) => self.w().go_on,
        }
    }

    fn amount(&self) -> Option<String> {
        match &self.going {
            Going::Pay { amount, .. } => Some(self.frame.money(amount)),
            Going::Link(_) => None,
        }
    }
}
