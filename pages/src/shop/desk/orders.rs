//! Everybody's orders.

use askama::Template;

use crate::{
    Money,
    format::{Html, Moment},
    shop::{
        frame::ShopFrame,
        order::{OrderState, Parcel},
        pages, to,
        words::DeskWords,
    },
};

/// An order as operators see it: nothing personal, the account's id in its place.
#[derive(Clone, Copy, Debug)]
pub struct OrderRow<'a> {
    /// Its id.
    pub order: &'a str,
    /// Its number, as people read it.
    pub number: &'a str,
    /// The id of the account that it belongs to.
    pub account: &'a str,
    /// When it was placed.
    pub placed_at: Moment,
    /// What was ordered.
    pub title: &'a str,
    /// How many units.
    pub quantity: u64,
    /// What it comes to.
    pub total: Money<'a>,
    /// How it stands.
    pub state: OrderState,
    /// Where its parcel is, if it is paid.
    pub parcel: Option<Parcel<'a>>,
}

/// Everybody's orders, narrowed down by the field `q` of the address.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/desk/orders.html", whitespace = "minimize")]
pub struct OrdersDeskPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The order's number or the account's id that was looked for; empty if none.
    pub q: &'a str,
    /// The orders, newest first.
    pub rows: Vec<OrderRow<'a>>,
    /// The address of the next page, if there are more.
    pub next: Option<&'a str>,
}

pages! { OrdersDeskPage: Elsewhere, "orders"; }

impl OrdersDeskPage<'_> {
    const fn w(&self) -> &'static DeskWords {
        DeskWords::of(self.frame.page.language)
    }
}

impl OrderRow<'_> {
    const fn title(&self) -> &str {
        self.title
    }

    fn tag(&self, frame: &ShopFrame<'_>) -> Html {
        self.state.tag(self.parcel.as_ref(), frame.page.language)
    }

    fn href(&self) -> String {
        format!("{}/orders/{}", to::DESK, self.order)
    }
}
