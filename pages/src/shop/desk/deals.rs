//! Which deals take place.

use askama::Template;

use super::{Tab, tabs};
use crate::shop::{
    form::Faults, frame::ShopFrame, pages, store::DealCard, value::DealState, words::DeskWords,
};

/// A deal as operators see it.
#[derive(Clone, Copy, Debug)]
pub struct DealRow<'a> {
    /// The deal.
    pub card: DealCard<'a>,
    /// Whose it is.
    pub company: &'a str,
    /// Units that are paid.
    pub sold: u64,
    /// Units that are reserved.
    pub held: u64,
    /// How many people are let in a second.
    pub rate: u64,
}

/// Which deals take place. Posts to `deals/{deal}/approve`, `pause` and `resume` nothing, to `reject`
/// and `cancel` `reason`, to `rate` `per_second`.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/desk/deals.html", whitespace = "minimize")]
pub struct DealsDeskPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The state of those that are listed: `pending`, `open`, `scheduled` or `all`.
    pub showing: &'a str,
    /// Those.
    pub rows: Vec<DealRow<'a>>,
    /// The code by which the last form was refused.
    pub refusal: Option<&'a str>,
    /// The address of the next page, if there are more.
    pub next: Option<&'a str>,
}

pages! { DealsDeskPage: Elsewhere, "deals"; }

impl DealsDeskPage<'_> {
    const fn w(&self) -> &'static DeskWords {
        DeskWords::of(self.frame.page.language)
    }

    const fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal)
    }

    fn tabs(&self) -> Vec<Tab> {
        let words = self.w();
        let all = [
            ("pending", words.deals_pending),
            ("open", words.deals_open),
            ("scheduled", words.deals_coming),
            ("all", words.all),
        ];
        tabs("deals", self.showing, &all)
    }
}

impl DealRow<'_> {
    const fn company(&self) -> &str {
        self.company
    }

    fn is_pending(&self) -> bool {
        self.card.state == DealState::Pending
    }

    const fn is_running(&self) -> bool {
        matches!(self.card.state, DealState::Open | DealState::Paused | DealState::SoldOut)
    }

    fn is_paused(&self) -> bool {
        self.card.state == DealState::Paused
    }

    fn can_be_cancelled(&self) -> bool {
        self.is_running() || self.card.state == DealState::Scheduled
    }
}
