//! What of a fact, or of a part of a state, does not follow from the rest.

/// What does not follow, if anything does not.
pub(super) type Refused = Result<(), &'static str>;

pub(super) fn check(follows: bool, what: &'static str) -> Refused {
    if follows { Ok(()) } else { Err(what) }
}
