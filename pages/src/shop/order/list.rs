//! One's orders.

use askama::Template;

use super::parts::{OrderState, Parcel};
use crate::{
    format::{Html, Moment, Money},
    shop::{frame::ShopFrame, pages, value::Picture, words::OrderWords},
};

/// An order in a list.
#[derive(Clone, Copy, Debug)]
pub struct OrderCard<'a> {
    /// Its id.
    pub order: &'a str,
    /// Its number, as people read it.
    pub number: &'a str,
    /// When it was placed.
    pub placed_at: Moment,
    /// What was ordered.
    pub title: &'a str,
    /// Its picture, if there is one.
    pub picture: Option<Picture<'a>>,
    /// How many units.
    pub quantity: u64,
    /// What it comes to.
    pub total: Money<'a>,
    /// How it stands.
    pub state: OrderState,
    /// Where its parcel is, if it is paid.
    pub parcel: Option<Parcel<'a>>,
    /// Until when it can be paid, if it can.
    pub pay_until: Option<Moment>,
}

/// One's orders.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/order/list.html", whitespace = "minimize")]
pub struct OrdersPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The orders, newest first.
    pub orders: Vec<OrderCard<'a>>,
    /// The address of the next page, if there are more.
    pub next: Option<&'a str>,
}

pages! { OrdersPage: Orders; }

impl OrdersPage<'_> {
    const fn w(&self) -> &'static OrderWords {
        OrderWords::of(self.frame.page.language)
    }
}

impl OrderCard<'_> {
    const fn title(&self) -> &str {
        self.title
    }

    fn tag(&self, frame: &ShopFrame<'_>) -> Html {
        self.state.tag(self.parcel.as_ref(), frame.page.language)
    }

    fn pay_by(&self, frame: &ShopFrame<'_>) -> Option<Html> {
        let words = OrderWords::of(frame.page.language);
        Some(words.pay_until.around(&frame.when(self.pay_until?)))
    }
}
