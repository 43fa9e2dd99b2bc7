//! What every page of the shop has around it, and what it says above the page's own words.

use std::ops::Deref;

use super::{
    form::{Field, Input, Tick, TickBox},
    icons, text,
    words::{self, FrameWords},
};
use crate::{
    Frame, Language,
    format::{self, Html, Moment, Money, Phrase},
};

/// The frame of a page of the shop.
#[derive(Clone, Copy, Debug)]
pub struct ShopFrame<'a> {
    /// What every page has. Its address may have a query, which the link to the other language keeps.
    /// The answer to a refused form has that of the page with the form.
    pub page: Frame<'a>,
    /// When the page is made.
    pub now: Moment,
    /// Who looks at it.
    pub visitor: Visitor<'a>,
    /// What was done, told once.
    pub notice: Option<Notice<'a>>,
    /// Who runs the shop.
    pub merchant: &'a Merchant<'a>,
}

/// Who looks at a page.
#[derive(Clone, Copy, Debug)]
pub enum Visitor<'a> {
    /// Somebody who did not sign in.
    Guest,
    /// Somebody who did.
    Person(Person<'a>),
}

/// Somebody who is signed in.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// What they are called; empty if they did not say.
    pub name: &'a str,
    /// How many of their notifications they have not read.
    pub unread: u64,
    /// Whether they have a business, in whatever state it is.
    pub is_business: bool,
    /// Whether they run the platform.
    pub is_operator: bool,
}

/// What was done, told once at the head of the next page.
#[derive(Clone, Copy, Debug)]
pub struct Notice<'a> {
    /// Its code, such as `address_saved`: the words are the pages'.
    pub code: &'a str,
    /// Whether it went wrong.
    pub is_bad: bool,
}

/// Who runs the shop: what the law wants on every page of it.
#[derive(Clone, Copy, Debug)]
pub struct Merchant<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Who represents it.
    pub representative: &'a str,
    /// Its business registration number.
    pub business_number: &'a str,
    /// The number of its mail-order licence.
    pub mail_order_number: &'a str,
    /// Where it is.
    pub address: &'a str,
    /// Where it is written to.
    pub email: &'a str,
    /// Where it is called.
    pub phone: &'a str,
    /// Whether it is made up: the footer says so.
    pub is_fictional: bool,
}

impl Merchant<'static> {
    /// The made-up company of a demonstration.
    pub const FICTIONAL: Self = Self {
        name: "한빛상점",
        representative: "이가온",
        business_number: "999-00-00016",
        mail_order_number: "2099-없는시-0000",
        address: "없는시 보기구 예시로 1",
        email: "help@shop.example",
        phone: "02-000-0000",
        is_fictional: true,
    };
}

/// Where a page stands in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Home,
    Deals,
    Likes,
    Orders,
    Me,
    Elsewhere,
}

impl<'a> Deref for ShopFrame<'a> {
    type Target = Frame<'a>;

    fn deref(&self) -> &Frame<'a> {
        &self.page
    }
}

impl<'a> ShopFrame<'a> {
    /// The words around the pages.
    pub(crate) const fn w(&self) -> &'static FrameWords {
        FrameWords::of(self.page.language)
    }

    pub(crate) const fn lang(&self) -> Language {
        self.page.language
    }

    pub(crate) const fn person(&self) -> Option<&Person<'a>> {
        match &self.visitor {
            Visitor::Person(person) => Some(person),
            Visitor::Guest => None,
        }
    }

    /// This page in the other language.
    pub(crate) fn other_here(&self) -> String {
        let join = if self.page.here.contains('?') { '&' } else { '?' };
        format!("{}{join}lang={}", self.page.here, self.page.other().tag())
    }

    /// A field of a form.
    pub(crate) fn input<'i>(
        &self,
        name: &'static str,
        label: &Phrase,
        field: &Field<'i>,
    ) -> Input<'i> {
        Input::new(self.page.language, name, *label, *field)
    }

    /// A box to tick.
    pub(crate) const fn tick<'i>(
        &self,
        name: &'static str,
        label: &Phrase,
        tick: &Tick<'i>,
    ) -> TickBox<'i> {
        TickBox::new(self.page.language, name, *label, *tick)
    }

    /// The words for a refusal's code.
    pub(crate) fn refusal(&self, code: &str) -> &'static str {
        words::sentence(self.page.language, code)
    }

    pub(crate) fn money(&self, money: &Money<'_>) -> String {
        money.shown(self.page.language)
    }

    pub(crate) fn units(&self, units: u64) -> String {
        self.w().units.counted(units)
    }

    /// When something was or will be.
    pub(crate) fn when(&self, at: Moment) -> Html {
        text::when(at, self.now, self.page.language)
    }

    /// The day and the hour of something.
    pub(crate) fn stamp(&self, at: Moment) -> Html {
        text::stamp(at, self.now, self.page.language)
    }

    /// The moment of something, to the second.
    pub(crate) fn exactly(&self, at: Moment) -> Html {
        text::exactly(at, self.now, self.page.language)
    }

    /// The day of something.
    pub(crate) fn on(&self, at: Moment) -> String {
        text::short_day(at, self.now, self.page.language)
    }

    /// The hours of a deal, with their day if that is not today.
    pub(crate) fn window(&self, opens: Moment, closes: Moment) -> String {
        let hours = text::hours(opens, closes);
        if text::same_day(opens, self.now) { hours } else { format!("{} {hours}", self.on(opens)) }
    }

    /// A running clock to `at`.
    pub(crate) fn countdown(&self, at: Moment) -> Html {
        let left = at.seconds_after(self.now);
        Html::trusted(format!(
            "<span class=\"clock\" role=\"timer\" data-left=\"{left}\">{}</span>",
            format::clock(left)
        ))
    }

    /// What was done, if something was.
    pub(crate) fn told(&self) -> Option<Told> {
        let notice = self.notice?;
        let text = words::sentence(self.page.language, notice.code);
        words::is_known(notice.code).then_some(Told { text, is_bad: notice.is_bad })
    }
}

/// A notice in words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) text: &'static str,
    pub(crate) is_bad: bool,
}

impl Told {
    pub(crate) fn icon(&self) -> Html {
        if self.is_bad { icons::warning() } else { icons::check() }
    }
}
