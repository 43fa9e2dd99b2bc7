//! What rows hold, as values again. Rows are written from such values alone, so each reads back.

use base::money::{Currency, Discount};
use store::Id;

/// A count.
pub(crate) fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or_else(|_| unreachable!("a row has {number} for a count"))
}

/// A currency.
pub(crate) fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap_or_else(|| unreachable!("a row has {code} for a currency"))
}

/// A discount, or a commission.
pub(crate) fn discount(points: i64) -> Discount {
    let known = u16::try_from(points).ok().and_then(Discount::of_basis_points);
    known.unwrap_or_else(|| unreachable!("a row has {points} for a discount"))
}

/// An id.
pub(crate) fn id(text: &str) -> Id {
    text.parse().unwrap_or_else(|_| unreachable!("a row has {text} for an id"))
}
