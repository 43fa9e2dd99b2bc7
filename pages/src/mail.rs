//! Mails about an account: from plain values to a subject, a text and the same as HTML.
//!
//! Every mail has one shape: some lines, perhaps one link, and notes. A mail brings no style and no picture
//! along, so it looks the same in every program, and opening one tells nobody.

use askama::Template as _;

use crate::Language;

mod model;
mod words;

use self::model::Action;
pub use self::model::{Mail, MailText};

impl Mail<'_> {
    /// The mail in a language, from a shop of this name.
    pub fn text(&self, language: Language, shop: &str) -> MailText {
        let parts = match language {
            Language::Korean => words::korean(self, shop),
            Language::English => words::english(self, shop),
        };
        let mut paragraphs = parts.lines.clone();
        if let Some(Action { label, link }) = &parts.action {
            paragraphs.push(format!("{label}:\n{link}"));
        }
        paragraphs.extend(parts.notes.iter().map(|note| (*note).to_owned()));
        paragraphs.push(format!("— {shop}"));
        let html = parts.render().unwrap_or_else(|error| unreachable!("a mail: {error}"));
        MailText { text: paragraphs.join("\n\n") + "\n", html, subject: parts.subject }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://shop.example/verify?token=a.b-c&x=1";

    fn all() -> [Mail<'static>; 6] {
        let (company, reason) = ("하나 <Trading>", Some("the papers do not fit"));
        [
            Mail::VerifyEmail { link: LINK, hours: 24 },
            Mail::ResetPassword { link: LINK, minutes: 60 },
            Mail::Linked { provider: "Kakao", link: LINK },
            Mail::BusinessApproved { company, link: LINK },
            Mail::BusinessRejected { company, reason, link: LINK },
            Mail::BusinessSuspended { company, reason: None, link: LINK },
        ]
    }

    #[test]
    fn every_mail_says_in_both_languages_who_sends_it_and_what_to_do() {
        for language in [Language::Korean, Language::English] {
            let mut subjects = Vec::new();
            for mail in all() {
                let MailText { subject, text, html } = mail.text(language, "Rush & Co");
                assert!(text.split_whitespace().any(|word| word == LINK), "{text}");
                assert!(text.contains("Rush & Co") && html.contains("Rush &#38; Co"), "{html}");
                assert!(html.contains(r#"href="https://shop.example/verify?token=a.b-c&#38;x=1""#));
                assert!(!html.contains("<Trading>"), "a name is escaped: {html}");
                assert!(!text.contains("&#"), "a text is not: {text}");
                assert!(!subject.contains('\n') && !subjects.contains(&subject), "{subject}");
                let is_korean = subject.chars().any(|c| ('가'..='힣').contains(&c));
                assert_eq!(is_korean, language == Language::Korean, "{subject}");
                subjects.push(subject);
            }
        }
    }

    #[test]
    fn a_refusal_says_why() {
        for language in [Language::Korean, Language::English] {
            let [.., rejected, suspended] = all().map(|mail| mail.text(language, "Shop").text);
            assert!(rejected.contains("the papers do not fit"), "{rejected}");
            let of_the_tax_service = match language {
                Language::Korean => "국세청",
                Language::English => "tax service",
            };
            assert!(suspended.contains(of_the_tax_service), "{suspended}");
        }
    }
}
