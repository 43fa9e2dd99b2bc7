//! A mail as it was handed in.

use std::{borrow::Cow, fmt};

use mail_parser::MessageParser;

/// One mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Who handed it in, by the envelope.
    pub from: String,
    /// To whom, by the envelope.
    pub to: Vec<String>,
    /// All of it, headers included.
    pub raw: Vec<u8>,
}

impl Mail {
    /// The subject, decoded.
    pub fn subject(&self) -> String {
        let parsed = MessageParser::default().parse(&self.raw);
        parsed.and_then(|mail| mail.subject().map(str::to_owned)).unwrap_or_default()
    }

    /// The text, decoded.
    pub fn text(&self) -> String {
        let parsed = MessageParser::default().parse(&self.raw);
        parsed.and_then(|mail| mail.body_text(0).map(Cow::into_owned)).unwrap_or_default()
    }

    /// The HTML, decoded; nothing if there is none.
    pub fn html(&self) -> Option<String> {
        let parsed = MessageParser::default().parse(&self.raw)?;
        let _first = parsed.html_part(0).filter(|part| part.is_text_html())?;
        parsed.body_html(0).map(Cow::into_owned)
    }

    /// Its own id, by which a repetition is known.
    pub fn message_id(&self) -> String {
        let parsed = MessageParser::default().parse(&self.raw);
        parsed.and_then(|mail| mail.message_id().map(str::to_owned)).unwrap_or_default()
    }

    /// The first link in its text that begins with this.
    pub fn link(&self, beginning: &str) -> Option<String> {
        let text = self.text();
        let link = text.split_whitespace().find(|word| word.starts_with(beginning))?;
        Some(link.to_owned())
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail")
            .field("to", &self.to)
            .field("subject", &self.subject())
            .field("text", &self.text())
            .finish_non_exhaustive()
    }
}
