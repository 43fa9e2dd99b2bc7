//! Phone numbers of South Korea.
//!
//! A number is kept as its digits, and shown in the groups that people read it in.

use std::fmt;

store::refusals! {
    /// Why a text is not taken for a phone number.
    pub PhoneRefusal {
        /// Something else than digits and what people put between them.
        NoNumber = "phone_no_number": "a phone number has digits, with spaces or hyphens between them",
        /// It begins as no number does here.
        UnknownPrefix = "phone_prefix_unknown":
            "the number begins with no Korean prefix, such as 010, 02, 031 or 070",
        /// Digits are missing, or there are too many.
        WrongLength = "phone_length_wrong": "the number has too few or too many digits",
    }
}

/// Digits that a number without its area code may begin with and how many follow: `1588-0000`.
const SERVICE_DIGITS: usize = 8;

/// A Korean phone number.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(String);

impl Phone {
    /// Reads a number as people write it: `010-1234-5678`, `02) 123 4567`, `+82 10 1234 5678`.
    pub fn parse(text: &str) -> Result<Self, PhoneRefusal> {
        let text = text.trim();
        let (text, is_international) = match text.strip_prefix("+82") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        if !text.chars().all(|c| c.is_ascii_digit() || " -.()".contains(c)) {
            return Err(PhoneRefusal::NoNumber);
        }
        let mut digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if digits.is_empty() {
            return Err(PhoneRefusal::NoNumber);
        }
        // From abroad the zero is left out, or put in brackets.
        if is_international && !digits.starts_with('0') {
            digits.insert(0, '0');
        }
        let allowed = lengths(&digits).ok_or(PhoneRefusal::UnknownPrefix)?;
        if !allowed.contains(&digits.len()) {
            return Err(PhoneRefusal::WrongLength);
        }
        Ok(Self(digits))
    }

    /// What an account kept.
    pub(crate) const fn kept(digits: String) -> Self {
        Self(digits)
    }

    /// The digits.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// Whether it is that of a mobile phone, which messages can be sent to.
    pub fn is_mobile(&self) -> bool {
        is_mobile(&self.0)
    }

    /// As people read it: `010-1234-5678`.
    pub fn grouped(&self) -> String {
        let digits = &self.0;
        let area = prefix_digits(digits);
        let last = digits.len() - 4;
        let groups = [&digits[..area], &digits[area..last], &digits[last..]];
        groups.into_iter().filter(|group| !group.is_empty()).collect::<Vec<_>>().join("-")
    }
}

impl fmt::Debug for Phone {
    /// A number is personal, and debug output ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

/// How many digits a number with this beginning has; `None` if numbers begin otherwise.
fn lengths(digits: &str) -> Option<std::ops::RangeInclusive<usize>> {
    let two = digits.get(..2).unwrap_or_default();
    let three = digits.get(..3).unwrap_or_default();
    Some(match three {
        "010" | "070" => 11..=11,
        _ if is_mobile(digits) => 10..=11,
        "080" => 10..=11,
        "050" if matches!(digits.as_bytes().get(3), Some(b'2'..=b'8')) => 11..=12,
        _ if two == "02" => 9..=10,
        "031" | "032" | "033" | "041" | "042" | "043" | "044" | "051" | "052" | "053" | "054"
        | "055" | "061" | "062" | "063" | "064" => 10..=11,
        _ if matches!(two, "15" | "16" | "18") => SERVICE_DIGITS..=SERVICE_DIGITS,
        _ => return None,
    })
}

fn is_mobile(digits: &str) -> bool {
    ["010", "011", "016", "017", "018", "019"].iter().any(|prefix| digits.starts_with(prefix))
}

/// How many digits stand before the number itself.
fn prefix_digits(digits: &str) -> usize {
    match digits.as_bytes() {
        [b'0', b'2', ..] => 2,
        [b'0', b'5', b'0', ..] => 4,
        [b'0', ..] => 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_however_it_is_written() {
        for (text, grouped) in [
            ("010-1234-5678", "010-1234-5678"),
            (" 01012345678 ", "010-1234-5678"),
            ("+82 10 1234 5678", "010-1234-5678"),
            ("+82 (0)10-1234-5678", "010-1234-5678"),
            ("011-123-4567", "011-123-4567"),
            ("02) 123-4567", "02-123-4567"),
            ("02.1234.5678", "02-1234-5678"),
            ("031 123 4567", "031-123-4567"),
            ("064-1234-5678", "064-1234-5678"),
            ("070-1234-5678", "070-1234-5678"),
            ("080-123-4567", "080-123-4567"),
            ("0505-123-4567", "0505-123-4567"),
            ("0503-1234-5678", "0503-1234-5678"),
            ("1588-1234", "1588-1234"),
        ] {
            assert_eq!(Phone::parse(text).unwrap().grouped(), grouped, "{text}");
        }
        assert!(Phone::parse("016-123-4567").unwrap().is_mobile());
        assert!(!Phone::parse("02-123-4567").unwrap().is_mobile());
    }

    #[test]
    fn what_is_no_number_here_says_why() {
        use PhoneRefusal::{NoNumber, UnknownPrefix, WrongLength};
        for (text, refusal) in [
            ("", NoNumber),
            (" - ", NoNumber),
            ("call me", NoNumber),
            ("010-1234-567o", NoNumber),
            ("+1 212 555 0100", NoNumber),
            ("０１０12345678", NoNumber),
            ("010-1234-567", WrongLength),
            ("010-1234-56789", WrongLength),
            ("070-123-4567", WrongLength),
            ("02-123-456", WrongLength),
            ("02-1234-56789", WrongLength),
            ("031-123-456", WrongLength),
            ("1588-12345", WrongLength),
            ("1", UnknownPrefix),
            ("0", UnknownPrefix),
            ("050-1234-5678", UnknownPrefix),
            ("034-123-4567", UnknownPrefix),
            ("099-1234-5678", UnknownPrefix),
            ("1234-5678", UnknownPrefix),
        ] {
            assert_eq!(Phone::parse(text), Err(refusal), "{text}");
        }
    }
}
