//! Words that people give for what they want.

use crate::limits::WISH_REASON_CHARS_MAX;

/// A reason, trimmed; nothing if it says nothing, too much, or what no table keeps.
pub(crate) fn reason(typed: &str) -> Option<&str> {
    let reason = typed.trim();
    let fits = !reason.is_empty() && reason.chars().count() <= WISH_REASON_CHARS_MAX;
    let is_plain = !reason.chars().any(|letter| letter.is_control() && !"\n\r\t".contains(letter));
    (fits && is_plain).then_some(reason)
}
