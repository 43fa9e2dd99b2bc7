//! Which news one gets and how; and how one leaves.

use askama::Template;

use crate::shop::{
    form::{Faults, Field, Tick},
    frame::ShopFrame,
    pages,
    value::Category,
    words::AccountWords,
};

/// Which news one gets, and how. Posts `category`, once for each that is ticked, `keywords`, divided by
/// commas, `mail` and `push`.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/account/alerts.html", whitespace = "minimize")]
pub struct AlertsPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The categories whose new deals one is told of.
    pub categories: &'a [Category],
    /// Words in the titles of deals that one is told of, divided by commas.
    pub keywords: Field<'a>,
    /// How many hours before its start one is told of a saved deal.
    pub hours: &'a [u64],
    /// Whether news comes by mail.
    pub by_mail: bool,
    /// Whether it can: one has shown to read one's address.
    pub can_mail: bool,
    /// Whether news is pushed to one's devices.
    pub by_push: bool,
    /// How many devices take it.
    pub devices: u64,
    /// The code by which the form was refused as a whole.
    pub refusal: Option<&'a str>,
}

/// Leave for good. Posts `password` and `agrees`.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/account/withdraw.html", whitespace = "minimize")]
pub struct WithdrawPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// Orders that are not finished: there is no leaving before.
    pub open_orders: u64,
    /// Whether one sells: there is no leaving before that is over.
    pub is_selling: bool,
    /// Whether there is a password to ask for.
    pub has_password: bool,
    /// The password, never shown.
    pub password: Field<'a>,
    /// That one knows.
    pub agrees: Tick<'a>,
    /// The code by which the form was refused as a whole.
    pub refusal: Option<&'a str>,
    /// Where one's data can be had, if it can.
    pub export: Option<&'a str>,
}

pages! {
    AlertsPage: Me;
    WithdrawPage: Me;
}

impl AlertsPage<'_> {
    const fn w(&self) -> &'static AccountWords {
        AccountWords::of(self.frame.page.language)
    }

    fn is_chosen(&self, category: Category) -> bool {
        self.categories.contains(&category)
    }

    fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal).and("keywords", self.keywords.error)
    }

    fn times(&self) -> String {
        let times: Vec<String> =
            self.hours.iter().map(|&hours| self.w().hours_before.counted(hours)).collect();
        times.join(", ")
    }
}

impl WithdrawPage<'_> {
    const fn w(&self) -> &'static AccountWords {
        AccountWords::of(self.frame.page.language)
    }

    const fn can_leave(&self) -> bool {
        self.open_orders == 0 && !self.is_selling
    }

    fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal)
            .and("password", self.password.error)
            .and("agrees", self.agrees.error)
    }
}
