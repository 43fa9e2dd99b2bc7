//! The currencies of ISO 4217, each with the digits of its minor unit.
//!
//! As of the list of May 2025 (amendment 179). It leaves out what goods are not priced in: precious metals,
//! units of account of banks, and the codes for tests and for no currency.

use engine::id::Currency;

/// What is allowed where a currency is due.
pub(super) const CURRENCY_ALLOWED: &str = "an ISO 4217 currency code, such as KRW";

/// By the digits of their minor unit.
const BY_DIGITS: [(u32, &[&str]); 4] = [(0, WHOLE), (2, HUNDREDTHS), (3, THOUSANDTHS), (4, FINER)];

#[rustfmt::skip]
const WHOLE: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
];

#[rustfmt::skip]
const HUNDREDTHS: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN",
    "BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE",
    "CHF", "CHW", "CNY", "COP", "COU", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP",
    "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD", "HKD",
    "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD",
    "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP",
    "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR",
    "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD",
    "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL",
    "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "USN", "UYU", "UZS",
    "VED", "VES", "WST", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG",
];

const THOUSANDTHS: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

const FINER: &[&str] = &["CLF", "UYW"];

/// A currency of the list.
pub fn parse_currency(text: &str) -> Option<Currency> {
    minor_digits(text)?;
    Currency::parse(text)
}

/// How many digits the minor unit of a currency has; `None` for what is not on the list.
pub fn minor_digits(code: &str) -> Option<u32> {
    let has = |(_, codes): &&(u32, &[&str])| codes.binary_search(&code).is_ok();
    BY_DIGITS.iter().find(has).map(|(digits, _)| *digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_there_once_and_in_order() {
        let mut all = Vec::new();
        for (_, codes) in BY_DIGITS {
            assert!(codes.is_sorted(), "they are searched by halves");
            all.extend_from_slice(codes);
        }
        assert!(all.iter().all(|code| Currency::parse(code).is_some()));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!((all.len(), count), (COUNT, COUNT));
    }

    /// Those of ISO 4217 that have a minor unit, counted by hand.
    const COUNT: usize = 165;

    #[test]
    fn a_currency_is_one_that_things_are_priced_in() {
        for (code, digits) in [("KRW", 0), ("USD", 2), ("KWD", 3), ("CLF", 4), ("MGA", 2)] {
            assert_eq!(minor_digits(code), Some(digits), "{code}");
            assert_eq!(parse_currency(code).unwrap().as_str(), code);
        }
        for other in
            [concat!("XX", "X"), "XTS", "XAU", "XDR", "ABC", "ZZZ", "krw", "KR", "KRWW", ""]
        {
            assert!(parse_currency(other).is_none(), "{other}");
        }
    }
}
