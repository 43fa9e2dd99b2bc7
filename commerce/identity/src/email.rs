//! E-mail addresses, as far as a shop needs to understand them.

use std::fmt;

use crate::limits::EMAIL_BYTES_MAX;

/// An address that a mail can be sent to.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    text: String,
    key: String,
}

impl Email {
    /// Reads an address: a mailbox of visible ASCII, one `@`, and a host with a dot in it, which may be
    /// written in any script. Whether anybody reads what is sent there only a mail can tell.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (mailbox, host) = text.rsplit_once('@')?;
        let is_mailbox = !mailbox.is_empty()
            && mailbox
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b",;:<>()[]\\\"@".contains(&byte));
        let ascii = idna::domain_to_ascii_cow(host.as_bytes(), idna::AsciiDenyList::URL).ok()?;
        let is_host = ascii.contains('.') && ascii.split('.').all(|label| !label.is_empty());
        // Mailboxes that differ in case alone are one in practice.
        let key = format!("{}@{ascii}", mailbox.to_ascii_lowercase());
        let fits = text.len() <= EMAIL_BYTES_MAX && key.len() <= EMAIL_BYTES_MAX;
        (is_mailbox && is_host && fits).then(|| Self { text: text.to_owned(), key })
    }

    /// As its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As addresses are compared: in lower case, the host in its ASCII form.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Debug for Email {
    /// An address is personal, and debug output ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_mailbox_and_a_host() {
        for good in ["kim@shop.example", " a.b+c@d.example ", "kim@예시.example", "x@a.b.example"]
        {
            assert!(Email::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "kim",
            "@shop.example",
            "kim@",
            "kim@shop",
            "a@b@c.example",
            "a b@c.example",
            "a@c..example",
            "a@.example",
            "a@example.",
            "a,b@c.example",
            "a\n@c.example",
            "김@shop.example",
            "a@b c.example",
            "a@[1.2.3.4]",
            "\u{212a}im@shop.example",
        ] {
            assert!(Email::parse(bad).is_none(), "{bad}");
        }
        let long = format!("{}@shop.example", "k".repeat(EMAIL_BYTES_MAX));
        assert!(Email::parse(&long).is_none());
    }

    #[test]
    fn one_mailbox_has_one_key() {
        let key = |text| Email::parse(text).unwrap().key().to_owned();
        assert_eq!(key("Kim@Shop.Example"), key("kim@shop.example"));
        assert_eq!(key("kim@예시.example"), key("kim@xn--vv4b11d.example"));
        assert_eq!(key("kim@예시.example"), key("kim@\u{110b}\u{1168}\u{1109}\u{1175}.example"));
    }
}
