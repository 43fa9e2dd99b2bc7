//! The list of sales: a timetable, with what is open now at its head.

use std::cmp::Reverse;

use askama::Template;

use crate::{
    Frame, Money,
    format::{self, Moment},
    frame,
    sale::SaleState,
};

/// The home page.
#[derive(Clone, Debug, Template)]
#[template(path = "home.html", whitespace = "minimize")]
pub struct HomePage<'a> {
    /// What is around it.
    pub frame: Frame<'a>,
    /// The sales to list.
    pub sales: Vec<SaleCard<'a>>,
    /// The name of the last of them by name, if there are more behind it.
    pub more_after: Option<&'a str>,
}

/// One sale in the list.
#[derive(Clone, Debug)]
pub struct SaleCard<'a> {
    /// The sale's name.
    pub sale: &'a str,
    /// What people read above the room.
    pub title: &'a str,
    /// What it is at.
    pub state: SaleState,
    /// When it opens, if it has not.
    pub opens_at: Option<Moment>,
    /// The lowest price.
    pub price: Money<'a>,
    /// Units free to buy, over all offers.
    pub available: u64,
    /// Units, over all offers.
    pub total: u64,
    /// People in line.
    pub line_length: u64,
}

impl HomePage<'_> {
    /// The page as HTML.
    pub fn html(&self) -> String {
        frame::html(self)
    }

    /// What is open, then what comes in the order of time, then what is over.
    fn in_order(&self) -> Vec<&SaleCard<'_>> {
        let mut sales: Vec<_> = self.sales.iter().collect();
        let when = |sale: &&SaleCard<'_>| (Reverse(sale.is_open()), sale.is_over(), sale.opens_at);
        sales.sort_by_key(when);
        sales
    }

    fn hour(&self, sale: &SaleCard<'_>) -> String {
        let words = self.frame.words();
        match (sale.state, sale.opens_at) {
            (SaleState::Coming, Some(at)) => at.hour_and_day(self.frame.language).to_string(),
            (SaleState::Coming, None) => words.hour_soon.to_owned(),
            (SaleState::Open | SaleState::Draining, _) => words.hour_now.to_owned(),
            (SaleState::SoldOut | SaleState::Closed, _) => words.hour_past.to_owned(),
        }
    }

    fn in_line(&self, people: u64) -> String {
        match people {
            0 => self.frame.words().no_line.to_owned(),
            _ => self.frame.words().in_line.with(format::count(people)),
        }
    }
}

impl SaleCard<'_> {
    const fn is_open(&self) -> bool {
        matches!(self.state, SaleState::Open | SaleState::Draining)
    }

    const fn is_over(&self) -> bool {
        matches!(self.state, SaleState::SoldOut | SaleState::Closed)
    }

    const fn has_ruler(&self) -> bool {
        !self.is_over() && self.total > 0
    }

    /// Its place in the timetable.
    const fn when(&self) -> &'static str {
        match self.state {
            SaleState::Open | SaleState::Draining => "now",
            SaleState::Coming => "soon",
            SaleState::SoldOut | SaleState::Closed => "past",
        }
    }
}
