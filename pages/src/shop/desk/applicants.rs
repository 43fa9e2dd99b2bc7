//! Who may sell.

use askama::Template;

use super::{Tab, tabs};
use crate::{
    Moment,
    shop::{
        business::{BusinessState, Company, Verdict},
        form::Faults,
        frame::ShopFrame,
        pages,
        words::{BusinessWords, DeskWords},
    },
};

/// A business that applied.
#[derive(Clone, Copy, Debug)]
pub struct ApplicantRow<'a> {
    /// Its id.
    pub business: &'a str,
    /// What it says of itself.
    pub company: Company<'a>,
    /// How it stands.
    pub state: BusinessState,
    /// What the tax service said last, and when.
    pub verdict: Option<(Verdict, Moment)>,
    /// When it applied.
    pub applied_at: Moment,
    /// Why it was turned down or suspended.
    pub reason: Option<&'a str>,
    /// Whether it can be approved now: the verdict is active and of the last day.
    pub can_approve: bool,
}

/// Who may sell. Posts `seen`, which is the time of the application in milliseconds, so that a decision
/// is about what was seen, and `reason`, where one is needed, to `businesses/{business}/approve`, `reject`,
/// `suspend` and `reinstate`.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/desk/applicants.html", whitespace = "minimize")]
pub struct ApplicantsPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The state of those that are listed: `pending`, `approved`, `suspended` or `rejected`.
    pub showing: &'a str,
    /// Those, the first to apply first.
    pub rows: Vec<ApplicantRow<'a>>,
    /// The code by which the last form was refused.
    pub refusal: Option<&'a str>,
    /// The address of the next page, if there are more.
    pub next: Option<&'a str>,
}

pages! { ApplicantsPage: Elsewhere, "applicants"; }

impl ApplicantsPage<'_> {
    const fn w(&self) -> &'static DeskWords {
        DeskWords::of(self.frame.page.language)
    }

    const fn b(&self) -> &'static BusinessWords {
        BusinessWords::of(self.frame.page.language)
    }

    const fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal)
    }

    fn tabs(&self) -> Vec<Tab> {
        let words = self.w();
        let all = [
            ("pending", words.pending),
            ("approved", words.approved),
            ("suspended", words.suspended),
            ("rejected", words.rejected),
        ];
        tabs("businesses", self.showing, &all)
    }
}

impl ApplicantRow<'_> {
    const fn name(&self) -> &str {
        self.company.name
    }

    fn is_pending(&self) -> bool {
        self.state == BusinessState::Pending
    }

    fn is_approved(&self) -> bool {
        self.state == BusinessState::Approved
    }

    fn is_suspended(&self) -> bool {
        self.state == BusinessState::Suspended
    }
}
