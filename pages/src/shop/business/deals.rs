//! One's own deals.

use askama::Template;

use crate::{
    Moment, Money,
    shop::{frame::ShopFrame, pages, store::DealCard, value::DealState, words::BusinessWords},
};

/// A deal of one's own.
#[derive(Clone, Copy, Debug)]
pub struct OwnDeal<'a> {
    /// The deal.
    pub card: DealCard<'a>,
    /// Units that were paid.
    pub sold: u64,
    /// What they brought.
    pub revenue: Money<'a>,
    /// Why it was turned down, in an operator's words.
    pub reason: Option<&'a str>,
}

/// One's own deals. Posts nothing to `deals/{deal}/withdraw`.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/business/deals.html", whitespace = "minimize")]
pub struct OwnDealsPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The deals, the last to open first.
    pub deals: Vec<OwnDeal<'a>>,
    /// Whether one may sell: no deal is registered without.
    pub may_sell: bool,
    /// The address of the next page, if there are more.
    pub next: Option<&'a str>,
}

pages! { OwnDealsPage: Elsewhere, "deals"; }

impl OwnDealsPage<'_> {
    const fn w(&self) -> &'static BusinessWords {
        BusinessWords::of(self.frame.page.language)
    }
}

impl OwnDeal<'_> {
    const fn can_change(&self) -> bool {
        matches!(
            self.card.state,
            DealState::Pending | DealState::Rejected | DealState::Scheduled | DealState::Open
        )
    }

    const fn can_withdraw(&self) -> bool {
        matches!(self.card.state, DealState::Pending | DealState::Scheduled)
    }

    const fn has_sold(&self) -> bool {
        !matches!(self.card.state, DealState::Pending | DealState::Rejected | DealState::Scheduled)
    }

    /// Whether there is more to see of it than its terms.
    const fn can_watch(&self) -> bool {
        !matches!(self.card.state, DealState::Pending | DealState::Rejected)
    }

    fn why(&self, words: &BusinessWords) -> Option<String> {
        Some(words.reason_is.with(self.reason?))
    }

    const fn opens(&self) -> Moment {
        self.card.opens_at
    }
}
