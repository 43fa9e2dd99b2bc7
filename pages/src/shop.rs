//! The shop: what shoppers, sellers and operators see.
//!
//! A page is a struct of plain values with a function `html`. All of them have a [`ShopFrame`]: the
//! language, the visitor, a notice. Where a page leads to stands in [`to`]; the names of a form's
//! fields are those of the struct's fields, unless its documentation says otherwise. Every form is
//! posted to where its page says and answered by a redirect, or by the page again with what was typed
//! and a refusal's code at each [`Field`]. The words for the codes are here: [`sentence`].
//!
//! ```text
//!   shop/base.html ◀── extends ── every page        frame.rs, form.rs, text.rs, icons.rs
//!         ▲
//!   {business,desk}/side.html ◀── extends ── the pages of sellers and operators
//! ```

mod account;
mod business;
mod chart;
mod desk;
mod form;
mod frame;
mod icons;
mod legal;
mod lost;
mod order;
mod store;
mod text;
pub mod to;
mod value;
mod words;

/// Gives each page its `html` and its place in the navigation.
macro_rules! pages {
    ($($page:ident: $section:ident $(, $side:literal)?;)*) => {
        $(impl $page<'_> {
            /// The page as HTML.
            pub fn html(&self) -> String {
                // What people typed may have control characters, which HTML does not allow.
                $crate::format::plain(&$crate::frame::html(self))
            }
            const fn section(&self) -> $crate::shop::frame::Section {
                $crate::shop::frame::Section::$section
            }

            $(const fn side(&self) -> &'static str {
                $side
            })?
        })*
    };
}
use pages;

pub use self::{
    account::{
        Address, AddressPage, AddressesPage, AlertsPage, Audience, Link, MePage, ProfilePage,
        Provider, ResetPage, ResetSetPage, SessionRow, SignInPage, SignUpPage, VerifyPage,
        VerifyState, WithdrawPage,
    },
    business::{
        ApplyPage, BusinessState, Company, CompanyPage, DealForm, DealFormPage, Hour, Invoice,
        InvoiceState, InvoicesPage, Month, OwnDeal, OwnDealsPage, SaleRow, SalesPage, SalesTotals,
        Upload, Verdict, WatchPage,
    },
    desk::{
        ApplicantRow, ApplicantsPage, DeadTask, DealRow, DealsDeskPage, Doubt, DoubtKind,
        DoubtsPage, OrderRow, OrdersDeskPage, RefundRow, RefundState, RefundsPage, TasksPage,
    },
    form::{Field, Tick},
    frame::{Merchant, Notice, Person, ShopFrame, Visitor},
    legal::LegalPage,
    lost::LostPage,
    order::{
        Allowed, CheckoutPage, Gateway, GoPage, Going, Line, OrderCard, OrderPage, OrderState,
        OrdersPage, Outcome, Parcel, Refund, ResultPage, Step, StepKind, StepState, Sums,
    },
    store::{
        DayBar, DealCard, DealListPage, DealPage, Entry, HomePage, InboxPage, LikesPage, News,
        NoticeKind, NoticeRow, Seller, Showing,
    },
    value::{Category, DealState, Picture, Price},
};

/// What a refusal's or a notice's code means to a person; a general sentence for one that is not known.
pub fn sentence(language: crate::Language, code: &str) -> &'static str {
    words::sentence(language, code)
}

/// Whether there are words for a code.
pub fn has_words(code: &str) -> bool {
    words::is_known(code)
}
