//! One's own pages, and how one signs in.

use askama::Template;

use super::Provider;
use crate::{
    Moment,
    format::Html,
    shop::{
        form::{Faults, Field},
        frame::ShopFrame,
        pages,
        words::AccountWords,
    },
};

/// The way to one's own pages.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/account/me.html", whitespace = "minimize")]
pub struct MePage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// One's address, if there is one.
    pub email: Option<&'a str>,
    /// Whether one has shown to read it.
    pub is_verified: bool,
}

/// An account elsewhere with which one signs in.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// Its id.
    pub link: &'a str,
    /// Where.
    pub provider: Provider,
    /// Since when.
    pub since: Moment,
    /// Whether there is another way to sign in, so that it can be taken away.
    pub can_go: bool,
}

/// A device on which one is signed in.
#[derive(Clone, Copy, Debug)]
pub struct SessionRow<'a> {
    /// Its id.
    pub session: &'a str,
    /// What the device is called; empty if it did not say.
    pub device: &'a str,
    /// When it was last used.
    pub seen_at: Moment,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

/// What one is called, and how one signs in. Posts `name` and `phone`; to `email` below it `email`, as long as
/// none was verified; to `password`
/// `current_password` and `new_password`; to `links` `provider`, which is answered by a
/// [`super::super::GoPage`], as a form is not followed to another site; to `links/{link}/remove` and `sessions/{session}/end`
/// nothing.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/account/profile.html", whitespace = "minimize")]
pub struct ProfilePage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// One's address, if there is one.
    pub email: Option<&'a str>,
    /// Whether one has shown to read it.
    pub is_verified: bool,
    /// The one that is to take its place, or the first one.
    pub new_email: Field<'a>,
    /// What one is called.
    pub name: Field<'a>,
    /// How one can be called.
    pub phone: Field<'a>,
    /// Whether there is a password.
    pub has_password: bool,
    /// The password as it is, never shown.
    pub current_password: Field<'a>,
    /// The one that is to take its place, never shown.
    pub new_password: Field<'a>,
    /// Accounts elsewhere.
    pub links: Vec<Link<'a>>,
    /// Where one can link an account.
    pub providers: &'a [Provider],
    /// Where one is signed in.
    pub sessions: Vec<SessionRow<'a>>,
    /// The code by which a form was refused as a whole.
    pub refusal: Option<&'a str>,
}

pages! {
    MePage: Me;
    ProfilePage: Me;
}

impl MePage<'_> {
    const fn w(&self) -> &'static AccountWords {
        AccountWords::of(self.frame.page.language)
    }

    fn name(&self) -> String {
        match self.frame.person() {
            Some(person) if !person.name.is_empty() => person.name.to_owned(),
            _ => self.w().unnamed.to_string(),
        }
    }
}

impl ProfilePage<'_> {
    const fn w(&self) -> &'static AccountWords {
        AccountWords::of(self.frame.page.language)
    }

    fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal)
            .and("name", self.name.error)
            .and("phone", self.phone.error)
            .and("email", self.new_email.error)
            .and("current_password", self.current_password.error)
            .and("new_password", self.new_password.error)
    }

    /// Providers that are not linked yet.
    fn linkable(&self) -> Vec<Provider> {
        let is_linked = |provider: &Provider| self.links.iter().any(|l| l.provider == *provider);
        self.providers.iter().copied().filter(|provider| !is_linked(provider)).collect()
    }

    fn seen(&self, session: &SessionRow<'_>) -> Html {
        self.w().seen_at.around(&self.frame.when(session.seen_at))
    }

    fn device(&self, session: &SessionRow<'_>) -> String {
        match session.device {
            "" => self.w().unknown_device.to_string(),
            device => device.to_owned(),
        }
    }
}
