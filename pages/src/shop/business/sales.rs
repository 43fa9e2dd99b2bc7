//! What was sold, and what the hours cost.

use askama::Template;

use crate::{
    Money,
    format::{Html, Moment, Phrase},
    shop::{frame::ShopFrame, pages, text, value, value::DealState, words::BusinessWords},
};

/// A month that can be looked at.
#[derive(Clone, Copy, Debug)]
pub struct Month<'a> {
    /// Its word in the address, such as `2026-11`.
    pub word: &'a str,
    /// Any moment of it.
    pub at: Moment,
    /// Whether it is the one that is shown.
    pub is_shown: bool,
}

/// What the sales of a period come to.
#[derive(Clone, Copy, Debug)]
pub struct SalesTotals<'a> {
    /// Deals.
    pub deals: u64,
    /// Units that were paid.
    pub units: u64,
    /// What was paid for them.
    pub amount: Money<'a>,
    /// Units that were given back.
    pub refunded_units: u64,
    /// What was given back for them.
    pub refunded: Money<'a>,
    /// What is left.
    pub net: Money<'a>,
}

/// The sales of a deal.
#[derive(Clone, Copy, Debug)]
pub struct SaleRow<'a> {
    /// The deal's id.
    pub deal: &'a str,
    /// What was sold.
    pub title: &'a str,
    /// When it opened.
    pub opens_at: Moment,
    /// When it closed.
    pub closes_at: Moment,
    /// How it stands.
    pub state: DealState,
    /// Units that were paid.
    pub units: u64,
    /// What was paid for them.
    pub amount: Money<'a>,
    /// Units that were given back.
    pub refunded_units: u64,
}

/// The sales of a period.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/business/sales.html", whitespace = "minimize")]
pub struct SalesPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The months to choose from: the field `month` of the address.
    pub months: Vec<Month<'a>>,
    /// What they come to.
    pub totals: SalesTotals<'a>,
    /// By deal.
    pub rows: Vec<SaleRow<'a>>,
    /// Where the same is had as CSV.
    pub csv: &'a str,
    /// The address of the next page, if there are more.
    pub next: Option<&'a str>,
}

/// How an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvoiceState {
    /// It has to be paid.
    Due,
    /// It was paid.
    Paid,
    /// It need not be paid.
    Waived,
    /// The deal came to nothing before.
    Cancelled,
}

/// An invoice for the hours of a deal.
#[derive(Clone, Copy, Debug)]
pub struct Invoice<'a> {
    /// Its number, as people read it.
    pub number: &'a str,
    /// What was sold.
    pub title: &'a str,
    /// When the deal opens.
    pub opens_at: Moment,
    /// When it closes.
    pub closes_at: Moment,
    /// How much.
    pub amount: Money<'a>,
    /// How it stands.
    pub state: InvoiceState,
    /// Until when it is to be paid.
    pub due_at: Moment,
}

/// What the hours of one's deals cost.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/business/invoices.html", whitespace = "minimize")]
pub struct InvoicesPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The invoices, newest first.
    pub invoices: Vec<Invoice<'a>>,
    /// What is due in all.
    pub due: Money<'a>,
    /// What an hour costs.
    pub rent: Money<'a>,
    /// The address of the next page, if there are more.
    pub next: Option<&'a str>,
}

pages! {
    SalesPage: Elsewhere, "sales";
    InvoicesPage: Elsewhere, "invoices";
}

impl SalesPage<'_> {
    const fn w(&self) -> &'static BusinessWords {
        BusinessWords::of(self.frame.page.language)
    }

    fn month(&self, month: &Month<'_>) -> String {
        text::month(month.at, self.frame.page.language)
    }
}

impl SaleRow<'_> {
    const fn title(&self) -> &str {
        self.title
    }
}

impl InvoicesPage<'_> {
    const fn w(&self) -> &'static BusinessWords {
        BusinessWords::of(self.frame.page.language)
    }

    fn say(&self) -> String {
        self.w().register_say.with(self.frame.money(&self.rent))
    }
}

impl Invoice<'_> {
    const fn title(&self) -> &str {
        self.title
    }

    fn tag(&self, words: &BusinessWords) -> Html {
        let (class, phrase): (_, Phrase) = match self.state {
            InvoiceState::Due => ("warn", words.inv_due),
            InvoiceState::Paid => ("", words.inv_paid),
            InvoiceState::Waived => ("", words.inv_waived),
            InvoiceState::Cancelled => ("", words.inv_cancelled),
        };
        value::tag(class, &phrase)
    }

    fn due_on(&self, frame: &ShopFrame<'_>) -> Option<String> {
        let words = BusinessWords::of(frame.page.language);
        let is_due = self.state == InvoiceState::Due;
        is_due.then(|| words.due_on.with(frame.on(self.due_at)))
    }
}
