//! A refusal as a page: what happened, in words, and a way on.

use askama::Template;

use crate::{Frame, Language, frame};

/// A refusal.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "problem.html", whitespace = "minimize")]
pub struct ProblemPage<'a> {
    /// What is around it.
    pub frame: Frame<'a>,
    /// The answer's status.
    pub status: u16,
    /// The refusal's code.
    pub code: &'a str,
    /// The address of the way on.
    pub back: &'a str,
    /// Whether that is a room; the list of sales else.
    pub is_room: bool,
    /// After how many seconds the page is asked for again by itself.
    pub refresh_seconds: Option<u64>,
    /// What the log knows the answer by.
    pub reference: &'a str,
}

impl ProblemPage<'_> {
    /// The page as HTML.
    pub fn html(&self) -> String {
        frame::html(self)
    }

    fn heading(&self) -> &'static str {
        let words = self.frame.words();
        match self.status {
            404 => words.not_found,
            500.. => words.busy,
            _ => words.refused,
        }
    }

    fn text(&self) -> &'static str {
        let words = self.frame.words();
        words.problem(self.code).unwrap_or(words.unknown_refusal)
    }
}

/// What a problem's code means to a person; `None` for what is no code.
pub fn words_of(language: Language, code: &str) -> Option<&'static str> {
    language.words().problem(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_in_the_readers_language_with_a_way_on() {
        let frame = Frame { language: Language::Korean, here: "/s/demo" };
        let refused = ProblemPage {
            frame,
            status: 403,
            code: "forbidden",
            back: "/s/demo",
            is_room: true,
            refresh_seconds: None,
            reference: "1f-2",
        };
        let html = refused.html();
        assert!(html.contains("<html lang=\"ko\">") && html.contains("href=\"/s/demo\""));
        assert!(html.contains("처리하지 않았습니다") && html.contains("1f-2"), "{html}");
        assert!(!html.contains("data-renew"), "nothing to ask for again");
        let frame = Frame { language: Language::English, here: "/s/demo" };
        let lost = ProblemPage {
            frame,
            status: 404,
            code: "not_found",
            back: "/",
            is_room: false,
            ..refused
        };
        let html = lost.html();
        assert!(html.contains("<a class=\"btn\" href=\"/\">"), "{html}");
        assert!(html.contains("<h1>Page not found</h1>"), "{html}");
        let busy = ProblemPage {
            frame,
            status: 503,
            code: "overloaded",
            refresh_seconds: Some(15),
            ..refused
        };
        let html = busy.html();
        assert!(
            html.contains("data-renew=\"15\"") && html.contains("/s/demo?refresh=off"),
            "{html}"
        );
    }
}
