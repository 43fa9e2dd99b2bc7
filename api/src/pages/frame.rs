//! What every page has around it, and the one way text gets into HTML.

use std::fmt::Write as _;

use engine::clock::Millis;
use web::currency::minor_digits;

use super::script::LOCAL_TIMES;
use super::style::STYLE;
use super::words::Language;
use crate::wire::format_time;

/// Text made safe between tags and inside double-quoted attributes.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Not allowed in HTML at all; a title can hold none, this is the second wall.
            control if control.is_control() && control != '\n' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The `Content-Security-Policy` of a page whose inline style and script carry `nonce`.
pub fn content_security_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; \
         connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// What the frame needs to know.
pub(super) struct Frame<'a> {
    pub(super) language: Language,
    pub(super) nonce: &'a str,
    pub(super) title: &'a str,
    /// Seconds after which the page reloads where there is no JavaScript.
    pub(super) refresh_seconds: Option<u64>,
    /// Seconds after which it reloads in every browser.
    pub(super) reload_seconds: Option<u64>,
    pub(super) script: Option<&'a str>,
}

/// A whole page around `body`, which is HTML already.
pub(super) fn page(frame: &Frame<'_>, body: &str) -> String {
    let nonce = escape(frame.nonce);
    let (lang, title) = (frame.language.tag(), escape(frame.title));
    let refresh = frame.refresh_seconds.map_or_else(String::new, |seconds| {
        format!("<noscript><meta http-equiv=\"refresh\" content=\"{seconds}\"></noscript>")
    });
    let reload = frame.reload_seconds.map_or_else(String::new, |seconds| {
        format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">")
    });
    let script = frame.script.unwrap_or_default();
    let script = format!("<script nonce=\"{nonce}\">{LOCAL_TIMES}{script}</script>");
    let promise = frame.language.words().promise;
    format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><link rel=\"icon\" href=\"data:,\">\
         <title>{title}</title><style nonce=\"{nonce}\">{STYLE}</style>{refresh}{reload}</head><body>\
         <header><a href=\"/\">Rushgate</a></header><main>{body}</main>\
         <footer>{promise}</footer>{script}</body></html>\n"
    )
}

/// A count with its thousands set apart.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// An amount in minor units as people write it; the code stands for the sign where none is sure.
pub(super) fn money(language: Language, amount: i64, currency: &str) -> String {
    // A sale of an earlier build may have a code that is on no list.
    let decimals = minor_digits(currency).unwrap_or(2);
    let unit = 10_u64.pow(decimals);
    let minor = amount.unsigned_abs();
    let mut shown = String::new();
    if amount < 0 {
        shown.push('−');
    }
    let won_after = language == Language::Korean && currency == "KRW";
    match currency {
        "KRW" if won_after => {}
        "KRW" => shown.push('₩'),
        "USD" => shown.push('$'),
        "EUR" => shown.push('€'),
        "JPY" => shown.push('¥'),
        other => {
            shown.push_str(&escape(other));
            shown.push('\u{a0}');
        }
    }
    shown.push_str(&count(minor / unit));
    if decimals > 0 {
        let width = usize::try_from(decimals).unwrap_or_default();
        let written = write!(shown, ".{:0width$}", minor % unit);
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    if won_after {
        shown.push('원');
    }
    shown
}

/// A time for people and machines: UTC, said so.
pub(super) fn time(at: Millis) -> String {
    let exact = format_time(Millis(at.0 / 1_000 * 1_000));
    let shown = exact.replace('T', " ").replace('Z', " UTC");
    format!("<time datetime=\"{exact}\">{shown}</time>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(
            escape("<script>\"x\" & 'y'\u{0}"),
            "&lt;script&gt;&quot;x&quot; &amp; &#39;y&#39; "
        );
    }

    #[test]
    fn counts_and_money_are_written_for_people() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(100), "100");
        let english = |amount, currency| money(Language::English, amount, currency);
        assert_eq!(english(99_000, "KRW"), "₩99,000");
        assert_eq!(money(Language::Korean, 99_000, "KRW"), "99,000원");
        assert_eq!(english(12_905, "EUR"), "€129.05");
        assert_eq!(english(1_005, "KWD"), "KWD\u{a0}1.005");
    }
}
