//! Showing that one reads an address, and replacing a password that was forgotten.

use askama::Template;

use crate::shop::{
    form::{Faults, Field},
    frame::ShopFrame,
    pages,
    words::AccountWords,
};

/// How the verification of an address stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyState<'a> {
    /// A mail was sent.
    Sent,
    /// The link of the mail was opened: the button posts its token.
    Opened {
        /// The token of the link.
        token: &'a str,
    },
    /// It is verified.
    Verified,
    /// The link was used, is too old, or is no such link.
    Invalid,
}

/// Verify one's address. Posts `token` to `verify`, or nothing to `verify/again` for another mail.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/account/verify.html", whitespace = "minimize")]
pub struct VerifyPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The address.
    pub email: &'a str,
    /// How it stands.
    pub state: VerifyState<'a>,
    /// The code by which the form was refused, such as `proof_too_soon`.
    pub refusal: Option<&'a str>,
}

/// Ask for the mail that replaces a password. Posts `email`.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/account/reset.html", whitespace = "minimize")]
pub struct ResetPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The address.
    pub email: Field<'a>,
    /// Whether the form was sent: the page says the same whether there is an account or not.
    pub is_sent: bool,
    /// The code by which the form was refused as a whole.
    pub refusal: Option<&'a str>,
}

/// Set a new password by the link of the mail. Posts `token` and `password`.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/account/reset-set.html", whitespace = "minimize")]
pub struct ResetSetPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The token of the link; nothing can be set with `None`: it was used, or is too old.
    pub token: Option<&'a str>,
    /// The new password; what was typed is never shown.
    pub password: Field<'a>,
    /// The code by which the form was refused as a whole.
    pub refusal: Option<&'a str>,
}

pages! {
    VerifyPage: Elsewhere;
    ResetPage: Elsewhere;
    ResetSetPage: Elsewhere;
}

impl VerifyPage<'_> {
    const fn w(&self) -> &'static AccountWords {
        AccountWords::of(self.frame.page.language)
    }

    const fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal)
    }
}

impl ResetPage<'_> {
    const fn w(&self) -> &'static AccountWords {
        AccountWords::of(self.frame.page.language)
    }

    fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal).and("email", self.email.error)
    }
}

impl ResetSetPage<'_> {
    const fn w(&self) -> &'static AccountWords {
        AccountWords::of(self.frame.page.language)
    }

    fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal).and("password", self.password.error)
    }
}
