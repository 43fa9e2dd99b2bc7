//! Signing up and signing in.

use askama::Template;

use crate::{
    format::{Html, Phrase},
    shop::{
        form::{Faults, Field, Tick},
        frame::ShopFrame,
        pages, to,
        words::AccountWords,
    },
};

/// Where somebody can have an account that they sign in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Kakao.
    Kakao,
    /// Google.
    Google,
}

impl Provider {
    /// Its word in addresses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kakao => "kakao",
            Self::Google => "google",
        }
    }

    pub(crate) const fn name(self, words: &AccountWords) -> Phrase {
        match self {
            Self::Kakao => words.kakao,
            Self::Google => words.google,
        }
    }
}

/// What somebody signs in for: a session has one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// To shop.
    Shopper,
    /// To sell.
    Business,
    /// To run the platform.
    Operator,
}

impl Audience {
    /// The value of the form's field `role`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Shopper => "shopper",
            Self::Business => "business",
            Self::Operator => "operator",
        }
    }
}

/// Make an account. Posts `email`, `password`, `name`, `agrees_terms`, `agrees_privacy`, `wants_news`
/// and `return_to` to [`to::SIGN_UP`].
#[derive(Clone, Debug, Template)]
#[template(path = "shop/account/sign-up.html", whitespace = "minimize")]
pub struct SignUpPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The address.
    pub email: Field<'a>,
    /// The password; what was typed is never shown.
    pub password: Field<'a>,
    /// What the person is called.
    pub name: Field<'a>,
    /// Consent to the terms; needed.
    pub agrees_terms: Tick<'a>,
    /// Consent to the use of data; needed.
    pub agrees_privacy: Tick<'a>,
    /// Whether to send news by mail.
    pub wants_news: Tick<'a>,
    /// The code by which the form was refused as a whole.
    pub refusal: Option<&'a str>,
    /// The path to go to afterwards; empty for the home page.
    pub return_to: &'a str,
    /// Where one can sign in with another account.
    pub providers: &'a [Provider],
}

/// Sign in. Posts `email`, `password`, `role` and `return_to` to [`to::SIGN_IN`].
#[derive(Clone, Debug, Template)]
#[template(path = "shop/account/sign-in.html", whitespace = "minimize")]
pub struct SignInPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// What for.
    pub audience: Audience,
    /// The address.
    pub email: Field<'a>,
    /// The password; what was typed is never shown.
    pub password: Field<'a>,
    /// The code by which the form was refused as a whole, such as `credentials_wrong`.
    pub refusal: Option<&'a str>,
    /// The path to go to afterwards; empty for the home page.
    pub return_to: &'a str,
    /// Where one can sign in with another account.
    pub providers: &'a [Provider],
}

pages! {
    SignUpPage: Elsewhere;
    SignInPage: Elsewhere;
}

impl SignUpPage<'_> {
    const fn w(&self) -> &'static AccountWords {
        AccountWords::of(self.frame.page.language)
    }

    fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal)
            .and("email", self.email.error)
            .and("password", self.password.error)
            .and("name", self.name.error)
            .and("agrees_terms", self.agrees_terms.error)
            .and("agrees_privacy", self.agrees_privacy.error)
    }

    fn ways(&self) -> Html {
        ways(&self.frame, self.providers, Audience::Shopper, self.return_to)
    }
}

impl SignInPage<'_> {
    const fn w(&self) -> &'static AccountWords {
        AccountWords::of(self.frame.page.language)
    }

    fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal).and("email", self.email.error).and("password", self.password.error)
    }

    fn heading(&self) -> (Phrase, Phrase) {
        let words = self.w();
        match self.audience {
            Audience::Shopper => (words.sign_in, words.sign_in_say),
            Audience::Business => (words.sign_in_seller, words.sign_in_seller_say),
            Audience::Operator => (words.sign_in_operator, words.sign_in_operator_say),
        }
    }

    fn ways(&self) -> Html {
        ways(&self.frame, self.providers, self.audience, self.return_to)
    }

    /// The sign-in for the other thing that most people come for.
    const fn elsewhere(&self) -> (Audience, Phrase) {
        match self.audience {
            Audience::Shopper => (Audience::Business, self.w().as_seller),
            Audience::Business | Audience::Operator => (Audience::Shopper, self.w().as_shopper),
        }
    }
}

/// Links to other places where one can sign in. A link and no form: a browser does not follow a form
/// to another site.
#[derive(Template)]
#[template(path = "shop/account/ways.html", whitespace = "minimize")]
struct Ways<'a> {
    w: &'static AccountWords,
    providers: &'a [Provider],
    query: String,
}

fn ways(frame: &ShopFrame<'_>, providers: &[Provider], role: Audience, return_to: &str) -> Html {
    if providers.is_empty() {
        return Html::default();
    }
    let mut query = format!("?role={}", role.word());
    if !return_to.is_empty() {
        query.push_str("&return_to=");
        query.push_str(&to::encoded(return_to));
    }
    crate::frame::part(&Ways { w: AccountWords::of(frame.page.language), providers, query })
}
