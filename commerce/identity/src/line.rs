//! Text that people read on one line.

use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_normalization::UnicodeNormalization as _;

/// A text without the space around it, in Unicode's composed form. What has more than `chars_max`
/// characters, breaks into lines, or holds characters that show nothing is `None`; nothing at all is not.
pub fn line(text: &str, chars_max: usize) -> Option<String> {
    let line: String = text.trim().nfc().collect();
    (line.chars().count() <= chars_max && line.chars().all(is_seen)).then_some(line)
}

/// The characters of a text that can be seen, in Unicode's composed form.
pub(crate) fn seen(text: &str) -> impl Iterator<Item = char> {
    text.trim().nfc().filter(|character| is_seen(*character))
}

fn is_seen(character: char) -> bool {
    use GeneralCategory::{
        Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, Surrogate, Unassigned,
    };
    // The fillers of Hangul count as letters and show nothing.
    let is_filler = matches!(character, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    let category = get_general_category(character);
    !is_filler
        && !matches!(
            category,
            Control
                | Format
                | LineSeparator
                | ParagraphSeparator
                | PrivateUse
                | Surrogate
                | Unassigned
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_be_seen() {
        assert_eq!(line(" 가\u{1100}\u{1161} ", 2).as_deref(), Some("가가"));
        assert_eq!(line("  ", 2).as_deref(), Some(""));
        let bad = ["abcd", "a\nb", "\u{3164}", "\u{200b}", "a\u{202e}", "a\u{2028}b", "\u{0}"];
        for bad in bad {
            assert_eq!(line(bad, 3), None, "{bad:?}");
        }
        assert_eq!(seen(" a\u{0}b\nc\u{200b} ").collect::<String>(), "abc");
    }
}
