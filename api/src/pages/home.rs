//! The list of sales.

use std::fmt::Write as _;

use engine::clock::Millis;

use super::frame::{Frame, count, escape, money, page, time};
use super::words::{Language, Words};
use crate::wire::SaleState;

/// The home page's contents.
#[derive(Clone, Debug)]
pub struct HomePage<'a> {
    /// The language to speak.
    pub language: Language,
    /// The nonce of the inline style.
    pub nonce: &'a str,
    /// The sales to list.
    pub sales: Vec<SaleCard<'a>>,
    /// The name of the last of them, if there are more behind it.
    pub more_after: Option<&'a str>,
}

/// One sale in the list.
#[derive(Clone, Debug)]
pub struct SaleCard<'a> {
    /// The sale's name.
    pub sale: &'a str,
    /// What people read above the room.
    pub title: &'a str,
    /// What it is at.
    pub state: SaleState,
    /// When it opens, if it has not.
    pub opens_at: Option<Millis>,
    /// The lowest price, in minor units.
    pub price: i64,
    /// ISO 4217.
    pub currency: &'a str,
    /// Units free to buy, over all offers.
    pub available: u64,
    /// Units, over all offers.
    pub total: u64,
    /// People in line.
    pub line_length: u64,
}

/// Renders `/`.
pub fn home(contents: &HomePage<'_>) -> String {
    let words = contents.language.words();
    let mut body = format!("<h1>{}</h1>", words.sales);
    if contents.sales.is_empty() {
        body.push_str("<p class=\"card soft\">");
        body.push_str(words.no_sales);
        body.push_str("</p>");
    }
    for sale in &contents.sales {
        body.push_str(&card(contents.language, sale));
    }
    if let Some(after) = contents.more_after {
        let (after, more) = (escape(after), words.more_sales);
        let written = write!(body, "<p><a href=\"/?after={after}\">{more}</a></p>");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    let frame = Frame {
        language: contents.language,
        nonce: contents.nonce,
        title: words.sales,
        refresh_seconds: None,
        reload_seconds: None,
        script: None,
    };
    page(&frame, &body)
}

fn card(language: Language, sale: &SaleCard<'_>) -> String {
    let words = language.words();
    let left = words.left.replace("{n}", &count(sale.available));
    let left = left.replace("{m}", &count(sale.total));
    let in_line = in_line(words, sale.line_length);
    let mut opens = String::new();
    if let (SaleState::Coming, Some(at)) = (sale.state, sale.opens_at) {
        let text = words.opens.replace("{n}", &time(at));
        let written = write!(opens, "<p class=\"soft\">{text}</p>");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    format!(
        "<section class=\"card\"><div class=\"row\"><h2>{title}</h2>{badge}</div>\
         <p class=\"price\">{price}</p><p class=\"soft\">{left}<br>{in_line}</p>{opens}\
         <p><a class=\"button\" href=\"/s/{name}\">{to_room}</a></p></section>",
        title = escape(sale.title),
        badge = badge(words, sale.state),
        price = money(language, sale.price, sale.currency),
        name = escape(sale.sale),
        to_room = words.to_room,
    )
}

/// How many people are in line, in words.
pub(super) fn in_line(words: &Words, people: u64) -> String {
    match people {
        0 => words.no_line.to_owned(),
        _ => words.in_line.replace("{n}", &count(people)),
    }
}

pub(super) fn badge(words: &Words, state: SaleState) -> String {
    let class = match state {
        SaleState::Open => "badge open",
        SaleState::SoldOut | SaleState::Closed => "badge over",
        SaleState::Coming | SaleState::Draining => "badge soft",
    };
    format!("<span class=\"{class}\">{}</span>", words.state(state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_escaped_and_the_language_is_said() {
        let contents = HomePage {
            language: Language::Korean,
            nonce: "n0nce",
            sales: vec![SaleCard {
                sale: "demo",
                title: "<b>Drop</b>",
                state: SaleState::Open,
                opens_at: None,
                price: 99_000,
                currency: "KRW",
                available: 998,
                total: 1_000,
                line_length: 12,
            }],
            more_after: Some("demo"),
        };
        let html = home(&contents);
        assert!(html.contains("<html lang=\"ko\">"));
        assert!(html.contains("&lt;b&gt;Drop") && !html.contains("<b>Drop"));
        assert!(html.contains("1,000개 중 998개 남음"));
        assert!(!html.contains("fetch("), "nothing to poll");
    }
}
