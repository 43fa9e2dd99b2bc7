//! What a mail is about, and the parts that it has in every language.

use std::fmt;

use askama::Template;

/// What a mail is about.
#[derive(Clone, Copy)]
pub enum Mail<'a> {
    /// Somebody is to show that they read the address.
    VerifyEmail {
        /// Where they do.
        link: &'a str,
        /// For how many hours it holds.
        hours: u64,
    },
    /// Somebody is to choose another password.
    ResetPassword {
        /// Where they do.
        link: &'a str,
        /// For how many minutes it holds.
        minutes: u64,
    },
    /// The account was linked with one elsewhere.
    Linked {
        /// Where that is, by the name that people know.
        provider: &'a str,
        /// Where its owner sees all links.
        link: &'a str,
    },
    /// A business may sell.
    BusinessApproved {
        /// Its name.
        company: &'a str,
        /// Where it sells.
        link: &'a str,
    },
    /// A business was refused.
    BusinessRejected {
        /// Its name.
        company: &'a str,
        /// Why, in an operator's words; the tax service's verdict if `None`.
        reason: Option<&'a str>,
        /// Where it applies again.
        link: &'a str,
    },
    /// A business may sell no longer.
    BusinessSuspended {
        /// Its name.
        company: &'a str,
        /// Why, in an operator's words; the tax service's verdict if `None`.
        reason: Option<&'a str>,
        /// Where it sees how it stands.
        link: &'a str,
    },
}

impl fmt::Debug for Mail<'_> {
    /// Links of mails open accounts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mail(…)")
    }
}

/// A mail in words.
#[derive(Clone, PartialEq, Eq)]
pub struct MailText {
    /// The subject.
    pub subject: String,
    /// The text, for everybody.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

impl fmt::Debug for MailText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailText(…)")
    }
}

/// A mail's parts, each in words.
#[derive(Template)]
#[template(path = "mail.html")]
pub(super) struct Parts<'a> {
    pub(super) lang: &'static str,
    pub(super) shop: &'a str,
    pub(super) subject: String,
    pub(super) lines: Vec<String>,
    pub(super) action: Option<Action<'a>>,
    pub(super) notes: Vec<&'static str>,
}

/// The one thing to do.
pub(super) struct Action<'a> {
    pub(super) label: &'static str,
    pub(super) link: &'a str,
}
