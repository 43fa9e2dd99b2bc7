//! A refusal as a page: what happened, in words, and a way on.

use super::frame::{Frame, escape, page};
use super::refusals::said;
use super::words::Language;

/// Seconds after which a page that could not be had for the moment is asked for again.
const RETRY_SECONDS: u64 = 5;

/// The page's contents.
#[derive(Clone, Copy, Debug)]
pub struct ProblemPage<'a> {
    /// The language to speak.
    pub language: Language,
    /// The nonce of the inline style.
    pub nonce: &'a str,
    /// The refusal's code.
    pub code: &'a str,
    /// The sale whose room is the way on; the list of sales without one.
    pub room: Option<&'a str>,
    /// Whether the page asks again by itself.
    pub retries: bool,
    /// What the log knows the answer by.
    pub reference: &'a str,
}

/// Renders a refusal.
pub fn problem(contents: &ProblemPage<'_>) -> String {
    let words = contents.language.words();
    let text = said(contents.language, contents.code).unwrap_or(words.refused);
    let (address, link) = match contents.room {
        Some(sale) => (format!("/s/{}", escape(sale)), words.back_to_room),
        None => ("/".to_owned(), words.to_sales),
    };
    let heading = if contents.code == "not_found" { words.not_found } else { words.refused };
    let refresh = if contents.retries {
        format!("<p class=\"soft\">{}</p>", words.asks_again)
    } else {
        String::new()
    };
    let body = format!(
        "<h1>{heading}</h1><section class=\"card\"><p role=\"alert\">{text}</p>{refresh}\
         <p><a class=\"button\" href=\"{address}\">{link}</a></p></section>\
         <p class=\"soft\">{reference}</p>",
        reference = words.reference.replace("{n}", &escape(contents.reference)),
    );
    let frame = Frame {
        language: contents.language,
        nonce: contents.nonce,
        title: heading,
        refresh_seconds: None,
        reload_seconds: contents.retries.then_some(RETRY_SECONDS),
        script: None,
    };
    page(&frame, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(language: Language, code: &str) -> ProblemPage<'_> {
        let (nonce, reference) = ("n", "1f-2");
        ProblemPage { language, nonce, code, room: Some("demo"), retries: false, reference }
    }

    #[test]
    fn a_refusal_is_told_in_the_readers_language_with_a_way_on() {
        let html = problem(&contents(Language::Korean, "forbidden"));
        assert!(html.contains("<html lang=\"ko\">") && html.contains("href=\"/s/demo\""));
        assert!(html.contains("처리하지 않았습니다") && html.contains("1f-2"));
        assert!(!html.contains("http-equiv"), "nothing to ask for again");
        let lost = ProblemPage { room: None, ..contents(Language::English, "not_found") };
        let html = problem(&lost);
        assert!(html.contains("<a class=\"button\" href=\"/\">"));
        assert!(html.contains("<h1>Page not found</h1>"));
        let busy = ProblemPage { retries: true, ..contents(Language::English, "overloaded") };
        assert!(problem(&busy).contains("http-equiv=\"refresh\" content=\"5\""));
    }
}
