//! A page that is not there, or not now.

use askama::Template;

use super::{frame::ShopFrame, pages, to, words::AccountWords};
use crate::format::Phrase;

/// What is shown in place of a page: it does not exist, is somebody else's, or cannot be had now.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "shop/lost.html", whitespace = "minimize")]
pub struct LostPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The answer's status.
    pub status: u16,
    /// The refusal's code; its words are shown if there are any.
    pub code: &'a str,
    /// What the log knows the answer by.
    pub reference: &'a str,
    /// After how many seconds it makes sense to try again, if it does.
    pub retry_seconds: Option<u64>,
}

pages! { LostPage: Elsewhere; }

impl LostPage<'_> {
    fn heading(&self) -> Phrase {
        let words = self.frame.w();
        match self.status {
            404 => words.lost,
            403 => words.forbidden,
            429 | 500.. => words.busy,
            _ => words.not_done,
        }
    }

    fn text(&self) -> &'static str {
        let words = self.frame.w();
        match self.status {
            404 => words.lost_text.0,
            503 | 500 => words.busy_text.0,
            _ => self.frame.refusal(self.code),
        }
    }

    /// Where somebody signs in as what the page takes, and what the link is called.
    fn way_in(&self) -> Option<(String, Phrase)> {
        let words = AccountWords::of(self.frame.page.language);
        let (role, phrase) = match self.code {
            "operator_session_needed" => ("operator", words.sign_in_operator),
            "business_session_needed" => ("business", words.sign_in_seller),
            _ => return None,
        };
        let here = to::encoded(self.frame.here);
        Some((format!("{}?role={role}&return_to={here}", to::SIGN_IN), phrase))
    }

    fn retry(&self) -> Option<String> {
        Some(self.frame.w().retry_after.counted(self.retry_seconds?))
    }
}
