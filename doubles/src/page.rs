//! The one page that every double with a page shows: what this is about, and what a person can choose.
//! A form without script; the choice is posted to the page's own URL.

use askama::Template;
use hyper::StatusCode;

use crate::{
    Asked,
    server::{Reply, bytes_of},
};

/// The two languages of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Korean,
    English,
}

impl Language {
    /// What the query says, or else the browser's first wish; Korean otherwise.
    pub(crate) fn of(asked: &Asked) -> Self {
        let said = asked.query_value("lang");
        let wish = said.as_deref().or_else(|| asked.header("accept-language")).unwrap_or("ko");
        if wish.trim_start().to_ascii_lowercase().starts_with("en") {
            Self::English
        } else {
            Self::Korean
        }
    }

    /// The text in this language.
    pub(crate) const fn say(self, korean: &'static str, english: &'static str) -> &'static str {
        match self {
            Self::Korean => korean,
            Self::English => english,
        }
    }
}

/// What a page says.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) title: String,
    pub(crate) note: &'static str,
    pub(crate) facts: Vec<(&'static str, String)>,
    /// What is posted, and what its button says.
    pub(crate) choices: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "choice.html")]
struct View<'a> {
    lang: &'a str,
    title: &'a str,
    note: &'a str,
    facts: &'a [(&'static str, String)],
    choices: &'a [(String, String)],
    other_href: &'a str,
    other_lang: &'a str,
    other_label: &'a str,
}

/// What somebody pressed on a page of a payment. Programs post `action` with `approve`, `cancel` or `fail`, which
/// each page has other words for.
pub(crate) fn pressed(asked: &Asked, words: [(&str, &str); 3]) -> String {
    let action = asked.form_value("action");
    let meant = action.and_then(|action| words.into_iter().find(|(word, _)| *word == action));
    let meant = meant.map(|(_, choice)| choice.to_owned());
    meant.or_else(|| asked.form_value("choice")).unwrap_or_default()
}

/// The page for who asked.
pub(crate) fn render(asked: &Asked, language: Language, choice: &Choice) -> Reply {
    let other_lang = language.say("en", "ko");
    let others = form_urlencoded::parse(asked.query.as_bytes()).filter(|(name, _)| name != "lang");
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(others).append_pair("lang", other_lang);
    let view = View {
        lang: language.say("ko", "en"),
        title: &choice.title,
        note: choice.note,
        facts: &choice.facts,
        choices: &choice.choices,
        other_href: &format!("?{}", query.finish()),
        other_lang,
        other_label: language.say("English", "한국어"),
    };
    match view.render() {
        Ok(html) => bytes_of(StatusCode::OK, "text/html; charset=utf-8", html),
        Err(error) => bytes_of(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", error.to_string()),
    }
}

/// The page for somebody who was sent where nothing is.
pub(crate) fn missing(asked: &Asked) -> Reply {
    let language = Language::of(asked);
    let title = language.say("찾을 수 없습니다", "Not found");
    let note = language.say("주소가 잘못되었거나 없는 결제입니다.", "There is no such payment.");
    refusal(asked, StatusCode::NOT_FOUND, title, note, Vec::new())
}

/// The page for somebody whom the shop sent wrongly, with what is wrong, for the shop's programmers.
pub(crate) fn wrong(asked: &Asked, why: &str) -> Reply {
    let language = Language::of(asked);
    let title = language.say("잘못된 요청입니다", "The request is wrong");
    let note = language.say("서비스 설정을 확인해 주세요.", "Please check the service's settings.");
    let facts = vec![(language.say("이유", "Reason"), why.to_owned())];
    refusal(asked, StatusCode::BAD_REQUEST, title, note, facts)
}

fn refusal(
    asked: &Asked,
    status: StatusCode,
    title: &str,
    note: &'static str,
    facts: Vec<(&'static str, String)>,
) -> Reply {
    let choice = Choice { title: title.to_owned(), note, facts, choices: Vec::new() };
    let mut reply = render(asked, Language::of(asked), &choice);
    if reply.status().is_success() {
        *reply.status_mut() = status;
    }
    reply
}

/// Won with separators.
pub(crate) fn won(amount: i64) -> String {
    let digits = amount.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("₩{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn won_have_separators() {
        assert_eq!(
            [0, 999, 1_000, 31_000, 1_234_567].map(won),
            ["₩0", "₩999", "₩1,000", "₩31,000", "₩1,234,567"]
        );
    }
}
