//! The currencies of ISO 4217 that goods are priced in, and the digits of their minor units.

use iso_currency::Currency;

/// What is allowed where a currency is due.
pub const CURRENCY_ALLOWED: &str = "an ISO 4217 currency code, such as KRW";

/// How many digits the minor unit of a currency has; `None` for what no goods are priced in: unknown
/// codes, precious metals, units of account, codes for tests, and currencies that are no more.
pub fn minor_digits(code: &str) -> Option<u32> {
    let currency = Currency::from_code(code)?;
    // ISO 4217 has both of Venezuela's codes; the library takes one for the other's successor.
    let is_over = currency.is_superseded().is_some() && currency != Currency::VES;
    if currency.is_special() || is_over {
        return None;
    }
    currency.exponent().map(u32::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_one_that_things_are_priced_in() {
        for (code, digits) in [
            ("KRW", 0),
            ("JPY", 0),
            ("UYI", 0),
            ("USD", 2),
            ("EUR", 2),
            ("MGA", 2),
            ("VES", 2),
            ("XCG", 2),
            ("KWD", 3),
            ("CLF", 4),
        ] {
            assert_eq!(minor_digits(code), Some(digits), "{code}");
        }
        for other in [
            concat!("XX", "X"),
            "XTS",
            "XAU",
            "XDR",
            "XAD",
            "HRK",
            "ABC",
            "ZZZ",
            "krw",
            "KR",
            "KRWW",
            "",
        ] {
            assert_eq!(minor_digits(other), None, "{other}");
        }
    }
}
